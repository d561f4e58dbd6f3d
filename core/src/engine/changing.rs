//! What has become of changes of stored credentials: made, or met by others' changes.

use super::completing::MAX_TRIES;
use super::saving::PendingOp;
use super::{Effect, Engine, EventKind, FailedCode, Reply, Row, RowId, RowKind};
use crate::id::CredentialId;

impl Engine {
    /// A credential was changed or taken out of the store. `row`: its row as it is now.
    #[inline(never)]
    pub(super) fn changed(&mut self, pending: PendingOp, row: Option<&(RowId, u64)>) {
        match pending {
            PendingOp::Update { request, id, record, secret, .. } => {
                let Some(handle) = self.find(id) else {
                    self.effects.extend(secret.map(|secret| Effect::DropSecret { secret }));
                    let message = "the credential was removed meanwhile";
                    return request.map_or((), |request| self.fail(request, FailedCode::NotFound, message));
                };
                let disabled =
                    !record.enabled && self.member(handle).is_some_and(|member| member.record.enabled);
                if let (Some(member), Some((_, version))) = (self.member_mut(handle), row) {
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
            // The others change no credential.
            _ => {}
        }
    }

    /// Others had changed a row before: what was meant is done to it as it is now.
    #[inline(never)]
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
}
