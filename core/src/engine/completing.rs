//! How an effect ended: committed, refused because others had changed the row, or failed.

use super::loading::Providers;
use super::saving::PendingOp;
use super::{
    Completion, Effect, Engine, EventKind, FailedCode, Introspected, NewItem, Reply, Row, RowId, RowKind,
    UsageTrouble,
};
use crate::credential::Record;
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, OpId, RequestId, SecretRef};
use crate::login::News;
use crate::time::Span;

/// A change that meets another's is tried so many times.
const MAX_TRIES: u8 = 5;

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
                let code = "network".into();
                let trouble = match other {
                    Completion::UsageFailed(trouble) => trouble,
                    _ => UsageTrouble { refused: false, never: false, code, retry_after: None },
                };
                self.asked_in_vain(handle, incarnation, trouble);
            }
            (PendingOp::Revoke { request, id }, _) => self.revoked(request, id),
            (PendingOp::Advice { id, version }, Completion::Advised { lead, renew, decided }) => {
                self.take_advice(id, version, lead, renew, decided);
            }
            (PendingOp::Advice { id, version }, other) => {
                self.drop_completion(other);
                self.take_advice(id, version, None, None, false);
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
            PendingOp::Update { request, id, record, secret, .. } => {
                let Some(handle) = self.find(id) else {
                    self.effects.extend(secret.map(|secret| Effect::DropSecret { secret }));
                    let message = "the credential was removed meanwhile";
                    return request.map_or((), |request| self.fail(request, FailedCode::NotFound, message));
                };
                let disabled =
                    !record.enabled && self.member(handle).is_some_and(|member| member.record.enabled);
                if let (Some(member), Some((_, version))) = (self.member_mut(handle), first) {
                    member.row_version = *version;
                }
                self.replace(handle, *record, secret);
                if request.is_some() {
                    let kind = if disabled { EventKind::Disabled } else { EventKind::Updated };
                    let _ = self.event(kind, Some(handle));
                }
                if let Some(request) = request {
                    self.reply(request, Reply::Done { ids: vec![id] });
                }
            }
            PendingOp::Remove { request, id, .. } => {
                if let Some(handle) = self.find(id) {
                    let _ = self.event(EventKind::Removed, Some(handle));
                    self.take_away(handle);
                }
                self.reply(request, Reply::Done { ids: vec![id] });
            }
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
            | PendingOp::Revoke { .. }
            | PendingOp::Advice { .. }
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

    pub(super) fn conflicted(&mut self, pending: PendingOp, rows: Vec<Row>) {
        let mut found = rows;
        found.retain(|row| row.id.credential().is_some());
        let take = |found: &mut Vec<Row>, kind, id: Option<CredentialId>| {
            let at = found.iter().position(|row| row.kind == kind && row.id.credential() == id)?;
            Some(found.swap_remove(at))
        };
        match pending {
            PendingOp::Update { request, id, changes, secret, tries, .. } => {
                let now = take(&mut found, RowKind::Credential, Some(id));
                let gone = now.as_ref().is_none_or(|row| row.data.is_none());
                if let Some(row) = now {
                    self.adopt_credential(row);
                }
                let held = self.find(id).and_then(|handle| self.member(handle));
                let Some(member) = held.filter(|_| !gone && tries < MAX_TRIES) else {
                    if let Some(secret) = secret {
                        self.effects.push(Effect::DropSecret { secret });
                    }
                    let message = "others kept changing this credential, or removed it; nothing was changed";
                    return request.map_or((), |request| self.fail(request, FailedCode::Conflict, message));
                };
                let mut record = member.record.clone();
                changes.clone().apply(&mut record);
                record.secret_version += u64::from(secret.is_some());
                let record = Box::new(record);
                self.commit(PendingOp::Update { request, id, changes, record, secret, tries: tries + 1 });
            }
            PendingOp::Add { request, items, tries } => {
                for item in &items {
                    for id in item.replaces.iter().chain(&item.removes) {
                        if let Some(row) = take(&mut found, RowKind::Credential, Some(*id)) {
                            self.adopt_credential(row);
                        }
                    }
                }
                if tries >= MAX_TRIES {
                    for item in items {
                        self.effects.push(Effect::DropSecret { secret: item.secret });
                    }
                    if self.login_not_stored(request) {
                        return;
                    }
                    let message = "others kept changing these credentials; nothing was changed";
                    return self.fail(request, FailedCode::Conflict, message);
                }
                self.commit(PendingOp::Add { request, items, tries: tries + 1 });
            }
            PendingOp::Remove { request, id, tries } => {
                if let Some(row) = take(&mut found, RowKind::Credential, Some(id)) {
                    self.adopt_credential(row);
                }
                if self.find(id).is_none() {
                    return self.reply(request, Reply::Done { ids: vec![id] });
                }
                if tries >= MAX_TRIES {
                    let message = "others kept changing this credential; it was not removed";
                    return self.fail(request, FailedCode::Conflict, message);
                }
                self.commit(PendingOp::Remove { request, id, tries: tries + 1 });
            }
            PendingOp::Health { handles } => {
                self.health_commit_live = false;
                for (handle, _) in handles {
                    let id = self.member(handle).and_then(|member| member.id);
                    if let Some(row) = take(&mut found, RowKind::Health, id) {
                        self.merge_health(handle, &row);
                    }
                    self.note_unsaved_health(handle);
                }
            }
            pending => self.store_failed(pending, "the store reports a conflict where none can be"),
        }
        self.drop_secrets(&found);
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
            | PendingOp::Revoke { .. }
            | PendingOp::Advice { .. }
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
