//! How an effect ended: committed, refused because others had changed the row, or failed.

use super::loading::Providers;
use super::saving::PendingOp;
use super::{
    Completion, Effect, Engine, EventKind, FailedCode, Introspected, NewItem, Reply, ResetsTold, RowId,
    UsageTrouble,
};
use crate::credential::Record;
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, OpId, RequestId, SecretRef};
use crate::login::News;
use crate::time::Span;

/// A change that meets another's is tried so many times.
pub(super) const MAX_TRIES: u8 = 5;

/// After a failure of the store, what is written behind is tried again after this time.
const RETRY_AFTER: Span = Span::from_secs(1);

impl Engine {
    /// An effect is done.
    pub(super) fn complete(&mut self, op: OpId, completion: Completion) {
        let Some(pending) = self.ops.remove(&op) else {
            let _ = self.event(EventKind::StaleCompletion, None);
            // Secrets that came with it are nobody's.
            return self.drop_completion(completion);
        };
        if let Completion::Committed { generation, .. } = &completion {
            // If nobody else wrote in between, we have seen everything up to our own commit.
            self.seen = if *generation == self.seen + 1 { *generation } else { self.seen };
            self.generation = self.generation.max(*generation);
        }
        match (pending, completion) {
            (PendingOp::Refresh { id, base, written }, completion) => {
                self.refresh_completed(op, id, base, written, completion);
            }
            (PendingOp::Renewal { id }, completion) => self.renewed(op, id, &completion),
            (PendingOp::Load { request, so_far }, Completion::Loaded { generation, rows }) => {
                self.loaded(generation, rows, Some(*so_far));
                self.reply(request, Reply::Done { ids: Vec::new() });
            }
            (PendingOp::Login { login, .. }, Completion::Login { news }) => self.hear_login(login, news),
            (PendingOp::Login { login, .. }, other) => {
                self.drop_completion(other);
                self.hear_login(login, News::Failed { code: "network".into(), transient: true });
            }
            (PendingOp::Usage { handle, incarnation }, Completion::Usage { report }) => {
                self.usage_fetched(handle, incarnation, *report);
            }
            (PendingOp::Usage { handle, incarnation }, other) => {
                let trouble = match other {
                    Completion::UsageFailed(trouble) => trouble,
                    _ => UsageTrouble::of("network"),
                };
                self.asked_in_vain(handle, incarnation, trouble);
            }
            (PendingOp::Rank { handle, incarnation, at }, completion) => {
                let rank = if let Completion::Ranked(rank) = completion { rank } else { None };
                self.ranked(handle, incarnation, at, rank);
            }
            (PendingOp::Append { .. }, Completion::Appended) => {}
            (PendingOp::Append { history, entries }, other) => {
                let message = match other {
                    Completion::Failed { message } => message,
                    _ => "the host answered with something else".into(),
                };
                self.not_appended(history, entries, &message);
            }
            (PendingOp::Resets { handle, incarnation }, completion) => {
                let told = match completion {
                    Completion::Resets(told) => *told,
                    _ => ResetsTold { code: "network".into(), ..ResetsTold::default() },
                };
                self.resets_told(op, handle, incarnation, told);
            }
            (PendingOp::Revoke { request, id }, _) => self.revoked(request, id),
            (PendingOp::Advice { id, version }, Completion::Advised { lead, renew, decided }) => {
                self.take_advice(id, version, lead, renew, decided);
            }
            (PendingOp::Advice { id, version }, other) => {
                self.drop_completion(other);
                self.take_advice(id, version, None, None, false);
            }
            (PendingOp::Share { handle, incarnation }, Completion::Shared(granted)) => {
                self.share_answered(handle, incarnation, Some(granted));
            }
            (PendingOp::Share { handle, incarnation }, other) => {
                self.drop_completion(other);
                self.share_answered(handle, incarnation, None);
            }
            (PendingOp::Introspect { request, id, version }, Completion::Introspected(said)) => {
                self.introspected(request, id, version, said);
            }
            (PendingOp::Introspect { request, id, version }, other) => {
                self.drop_completion(other);
                self.introspected(request, id, version, Introspected::silent("network"));
            }
            (pending, Completion::Committed { rows, .. }) => self.committed(pending, &rows),
            (pending, Completion::Conflict { rows }) => self.conflicted(pending, rows),
            (pending, Completion::Failed { message }) => self.store_failed(pending, &message),
            (pending, completion) => {
                self.drop_completion(completion);
                self.store_failed(pending, "the host answered with something else");
            }
        }
    }

    pub(super) fn committed(&mut self, pending: PendingOp, rows: &[(RowId, u64)]) {
        let first = rows.first();
        match pending {
            PendingOp::Load { request, so_far } => {
                self.lay_out_all(&so_far.touched);
                self.fail(request, FailedCode::Store, "the host answered a load with a commit");
            }
            PendingOp::Add { request, items, .. } => self.added(request, items, rows),
            changed @ (PendingOp::Update { .. } | PendingOp::Remove { .. }) => self.changed(changed, first),
            PendingOp::Health { handles } => {
                self.health_commit_live = false;
                let current =
                    handles.iter().filter(|&&(handle, of)| self.hot[handle.0 as usize].incarnation == of);
                for (&(handle, _), (_, version)) in current.copied().collect::<Vec<_>>().iter().zip(rows) {
                    if let Some(member) = self.member_mut(handle) {
                        member.health_version = *version;
                    }
                }
            }
            PendingOp::Behind { requests, left, .. } => {
                self.behind_commit_live = false;
                if left > 0 {
                    // Whoever asked after them waits for what comes after them too.
                    self.flush_requests.splice(..0, requests);
                    return;
                }
                for request in requests {
                    self.reply(request, Reply::Done { ids: Vec::new() });
                }
            }
            // Completed before they come here.
            PendingOp::Login { .. }
            | PendingOp::Usage { .. }
            | PendingOp::Resets { .. }
            | PendingOp::Append { .. }
            | PendingOp::Rank { .. }
            | PendingOp::Revoke { .. }
            | PendingOp::Advice { .. }
            | PendingOp::Share { .. }
            | PendingOp::Introspect { .. }
            | PendingOp::Refresh { .. }
            | PendingOp::Renewal { .. } => {}
        }
    }

    pub(super) fn added(&mut self, request: RequestId, items: Vec<NewItem>, rows: &[(RowId, u64)]) {
        let mut ids = Vec::with_capacity(items.len());
        let mut missing = items.len() > rows.len();
        let mut laid_out = Providers::default();
        let many = items.len() > 1;
        for (item, (id, version)) in items.into_iter().zip(rows) {
            let Some(id) = id.credential() else {
                missing = true;
                self.effects.push(Effect::DropSecret { secret: item.secret });
                continue;
            };
            let NewItem { record, secret, replaces, removes, .. } = item;
            ids.push(id);
            for gone in removes {
                if let Some(handle) = self.find(gone) {
                    let cause = if self.member(handle).is_some_and(|member| member.record.kind == Kind::Oauth)
                    {
                        "replaced by a newer login"
                    } else {
                        "replaced by an account"
                    };
                    self.event(EventKind::Removed, Some(handle)).cause = Some(cause.into());
                    self.take_away(handle);
                }
            }
            let (handle, kind) = match replaces.and_then(|id| self.find(id)) {
                Some(handle) => {
                    self.replace(handle, record, Some(secret));
                    (Some(handle), EventKind::Updated)
                }
                // Of many at once each table is laid out once, at the end.
                None if many => {
                    let handle = self.enlist_stored(record, id, secret);
                    laid_out.add(handle.and_then(|handle| self.member(handle)).map(|member| member.provider));
                    (handle, EventKind::Added)
                }
                None => {
                    let origin = record.origin();
                    (self.put(record, Some(id), origin, secret), EventKind::Added)
                }
            };
            if let Some(handle) = handle {
                if let Some(member) = self.member_mut(handle) {
                    member.row_version = *version;
                }
                let _ = self.event(kind, Some(handle));
            }
        }
        self.somebody_returned |= self.lay_out_all(&laid_out);
        if !missing {
            let handle = ids.first().and_then(|id| self.find(*id));
            self.logged_in(request, handle);
        }
        if missing {
            let message = "the store gave a new credential no id; a reload will show it, if it is there";
            return self.fail(request, FailedCode::Store, message);
        }
        self.reply(request, Reply::Done { ids });
    }

    /// Gives a stored credential a handle, without a seat.
    pub(super) fn enlist_stored(
        &mut self,
        record: Record,
        id: CredentialId,
        secret: SecretRef,
    ) -> Option<Handle> {
        let origin = record.origin();
        if self.policy.leg(origin).is_none() {
            self.effects.push(Effect::DropSecret { secret });
            return None;
        }
        let handle = self.enlist(record, Some(id), origin, secret)?;
        let _ = self.note_expiry(handle);
        let wall = self.now.wall;
        let member = self.member_mut(handle)?;
        member.paused = member.record.paused_until.is_some_and(|until| until > wall);
        self.learn_rules(handle);
        self.set_timer(handle);
        Some(handle)
    }

    /// The store failed: a command is answered so, and what is written behind is kept and tried again.
    pub(super) fn store_failed(&mut self, pending: PendingOp, message: &str) {
        let said = format!("the store failed, nothing was changed: {message}");
        match pending {
            PendingOp::Load { request, so_far } => {
                self.lay_out_all(&so_far.touched);
                self.fail(request, FailedCode::Store, said);
            }
            PendingOp::Remove { request, .. } => self.fail(request, FailedCode::Store, said),
            PendingOp::Add { request, items, .. } => {
                for item in items {
                    self.effects.push(Effect::DropSecret { secret: item.secret });
                }
                if self.login_not_stored(request) {
                    self.event(EventKind::PersistFailed, None).cause = Some(message.into());
                    return;
                }
                self.fail(request, FailedCode::Store, said);
            }
            PendingOp::Update { request: Some(request), secret, .. } => {
                if let Some(secret) = secret {
                    self.effects.push(Effect::DropSecret { secret });
                }
                self.fail(request, FailedCode::Store, said);
            }
            PendingOp::Login { .. }
            | PendingOp::Usage { .. }
            | PendingOp::Resets { .. }
            | PendingOp::Append { .. }
            | PendingOp::Rank { .. }
            | PendingOp::Revoke { .. }
            | PendingOp::Advice { .. }
            | PendingOp::Share { .. }
            | PendingOp::Introspect { .. }
            | PendingOp::Refresh { .. }
            | PendingOp::Renewal { .. } => {}
            PendingOp::Update { request: None, id, .. } => {
                let handle = self.find(id);
                self.event(EventKind::PersistFailed, handle).cause = Some(message.into());
            }
            PendingOp::Health { handles } => {
                self.health_commit_live = false;
                for (handle, _) in handles {
                    self.note_unsaved_health(handle);
                }
                self.hold_back(message);
            }
            PendingOp::Behind { handles, ties, requests, .. } => {
                self.behind_commit_live = false;
                self.unwritten_ties.splice(..0, ties);
                for handle in handles {
                    self.note_use(handle);
                }
                for request in requests {
                    self.fail(request, FailedCode::Store, said.clone());
                }
                self.hold_back(message);
            }
        }
    }

    /// Waits before the store is asked again.
    pub(super) fn hold_back(&mut self, message: &str) {
        self.event(EventKind::PersistFailed, None).cause = Some(message.into());
        self.held_until = Some(self.now.mono + RETRY_AFTER);
        self.flush_at = self.held_until;
    }
}
