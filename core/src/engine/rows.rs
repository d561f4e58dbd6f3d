//! What the store keeps of an engine: reading it all, and writing what has changed.

use super::member::ScopeKey;
use super::row_data::{HealthRow, TieRow, UsageRow};
use super::{
    Completion, Effect, Engine, EventKind, FailedCode, Mutation, NewItem, Reply, Row, RowId, RowKind,
    PROVIDER_KEY,
};
use crate::cooldown::CooldownRow;
use crate::credential::{Changes, Record};
use crate::id::{CredentialId, Handle, OpId, ProviderIx, RequestId, RouteId, SecretRef};
use crate::json;
use crate::select::SavedTie;
use crate::time::Span;

/// A change that meets another's is tried so many times.
const MAX_TRIES: u8 = 5;

/// After a failure of the store, what is written behind is tried again after this time.
const RETRY_AFTER: Span = Span::from_secs(1);

/// An effect that is under way. It names credentials by their ids: a handle may be somebody else's when it is done.
#[derive(Debug)]
pub(super) enum PendingOp {
    Load {
        request: RequestId,
    },
    Add {
        request: RequestId,
        items: Vec<NewItem>,
        tries: u8,
    },
    Update {
        request: Option<RequestId>,
        id: CredentialId,
        changes: Box<Changes>,
        record: Box<Record>,
        secret: Option<SecretRef>,
        tries: u8,
    },
    Remove {
        request: RequestId,
        id: CredentialId,
        tries: u8,
    },
    /// Cooldowns: started in the step in which they were set.
    Health {
        handles: Vec<(Handle, u32)>,
    },
    /// Last uses, counters and ties.
    Behind {
        handles: Vec<Handle>,
        ties: Vec<Mutation>,
        requests: Vec<RequestId>,
    },
}

/// Providers whose tables are to be laid out anew, once, when everything has come.
#[derive(Default)]
struct Providers(Vec<bool>);

impl Providers {
    fn add(&mut self, provider: Option<ProviderIx>) {
        let Some(ProviderIx(number)) = provider else { return };
        let length = self.0.len().max(number as usize + 1);
        self.0.resize(length, false);
        self.0[number as usize] = true;
    }
}

impl Engine {
    pub(super) fn load(&mut self, request: RequestId) {
        let op = self.op();
        self.ops.insert(op, PendingOp::Load { request });
        self.effects.push(Effect::Load { op });
    }

    pub(super) fn flush(&mut self, request: RequestId) {
        self.flush_requests.push(request);
        self.flush_at = Some(self.now.mono);
    }

    pub(super) fn note_use(&mut self, handle: Handle) {
        if !self.is_recent[handle.0 as usize] {
            self.is_recent[handle.0 as usize] = true;
            self.recent.push(handle);
        }
        self.schedule_flush();
    }

    pub(super) fn note_unsaved_health(&mut self, handle: Handle) {
        let Some(member) = self.member_mut(handle) else { return };
        if member.id.is_some() && !member.unsaved {
            member.unsaved = true;
            self.unsaved_health.push(handle);
        }
    }

    /// Starts what is to be written: cooldowns at once, the rest when its time has come.
    pub(super) fn save(&mut self) {
        if !self.recent.is_empty() || self.ties.is_dirty() {
            self.schedule_flush();
        }
        if self.held_until.is_some_and(|at| at > self.now.mono) {
            return;
        }
        self.held_until = None;
        if !self.unsaved_health.is_empty() && !self.health_commit_live {
            self.save_health();
        }
        if self.flush_at.is_some_and(|at| at <= self.now.mono) && !self.behind_commit_live {
            self.flush_at = None;
            self.save_behind();
        }
    }

    fn save_health(&mut self) {
        let handles = std::mem::take(&mut self.unsaved_health);
        for &handle in &handles {
            if let Some(member) = self.member_mut(handle) {
                member.unsaved = false;
            }
        }
        let mutations: Vec<_> = handles.iter().filter_map(|&handle| self.health_mutation(handle)).collect();
        let handles =
            handles.into_iter().map(|handle| (handle, self.incarnation_at[handle.0 as usize])).collect();
        self.health_commit_live = true;
        self.start(PendingOp::Health { handles }, mutations);
    }

    pub(super) fn health_mutation(&self, handle: Handle) -> Option<Mutation> {
        let member = self.member(handle)?;
        let id = member.id?;
        let mut row = HealthRow::default();
        for (scope, state) in &member.health {
            row.scopes.insert(self.scope_name(scope), CooldownRow::of(state, self.now));
        }
        Some(Mutation {
            kind: RowKind::Health,
            id: Some(RowId::Number(id.0)),
            expects: Some(member.health_version),
            data: Some(json::write(&row).into()),
            secret: None,
        })
    }

    fn save_behind(&mut self) {
        let handles: Vec<_> = self.recent.drain(..).collect();
        let mut mutations = Vec::new();
        for &handle in &handles {
            self.is_recent[handle.0 as usize] = false;
            mutations.extend(self.usage_mutation(handle));
        }
        // What an earlier try could not write comes first: what is newer overwrites it.
        let mut ties = std::mem::take(&mut self.unwritten_ties);
        for tie in self.ties.take_dirty() {
            ties.extend(self.tie_mutation(tie));
        }
        mutations.extend(ties.iter().cloned());
        let requests = std::mem::take(&mut self.flush_requests);
        if mutations.is_empty() {
            for request in requests {
                self.reply(request, Reply::Done { ids: Vec::new() });
            }
            return;
        }
        self.behind_commit_live = true;
        self.start(PendingOp::Behind { handles, ties, requests }, mutations);
    }

    pub(super) fn usage_mutation(&self, handle: Handle) -> Option<Mutation> {
        let at = handle.0 as usize;
        let member = self.member(handle)?;
        let success = member.success + u64::from(self.successes[at]);
        let row = UsageRow { last_used: self.used[at] / 1024, success, failure: member.failure };
        Some(Mutation {
            kind: RowKind::Usage,
            id: Some(RowId::Number(member.id?.0)),
            expects: None,
            data: Some(json::write(&row).into()),
            secret: None,
        })
    }

    pub(super) fn tie_mutation(&self, tie: SavedTie) -> Option<Mutation> {
        let (provider, model) = if tie.key & PROVIDER_KEY == 0 {
            let route = self.routes.get(RouteId(tie.key))?;
            (route.provider, route.model)
        } else {
            (ProviderIx(tie.key & !PROVIDER_KEY), None)
        };
        let mut id = format!(
            "{:016x}{:016x}/{}",
            (tie.session >> 64) as u64,
            tie.session as u64,
            self.providers.text(provider.0)
        );
        if tie.key & PROVIDER_KEY == 0 {
            id.push('/');
            id.push_str(model.map_or("", |model| self.models.text(model.0)));
        }
        let data = match tie.tied {
            None => None,
            Some((handle, used)) => {
                let row = TieRow { credential: self.member(handle)?.id?, used: self.now.wall_of(used) };
                Some(json::write(&row).into())
            }
        };
        Some(Mutation {
            kind: RowKind::Tie,
            id: Some(RowId::Text(id.into())),
            expects: None,
            data,
            secret: None,
        })
    }

    /// Starts the commit of a command.
    pub(super) fn commit(&mut self, op: PendingOp) {
        let mutation = match &op {
            PendingOp::Add { items, .. } => {
                let mutations = items.iter().map(|item| self.add_mutation(item)).collect();
                return self.start(op, mutations);
            }
            PendingOp::Update { id, record, secret, .. } => {
                let Some(member) = self.find(*id).and_then(|handle| self.member(handle)) else { return };
                Mutation {
                    kind: RowKind::Credential,
                    id: Some(RowId::Number(id.0)),
                    expects: Some(member.row_version),
                    data: Some(json::write(record).into()),
                    secret: Some(secret.unwrap_or(member.secret)),
                }
            }
            PendingOp::Remove { id, .. } => {
                let Some(member) = self.find(*id).and_then(|handle| self.member(handle)) else { return };
                let id = Some(RowId::Number(id.0));
                let expects = Some(member.row_version);
                let gone = |kind| Mutation { kind, id: id.clone(), expects: None, data: None, secret: None };
                let credential = Mutation { expects, ..gone(RowKind::Credential) };
                return self.start(op, vec![credential, gone(RowKind::Health), gone(RowKind::Usage)]);
            }
            PendingOp::Load { .. } | PendingOp::Health { .. } | PendingOp::Behind { .. } => return,
        };
        self.start(op, vec![mutation]);
    }

    fn add_mutation(&self, item: &NewItem) -> Mutation {
        let old = item.replaces.and_then(|id| self.member(self.find(id)?));
        Mutation {
            kind: RowKind::Credential,
            id: old.and_then(|member| member.id).map(|id| RowId::Number(id.0)),
            expects: Some(old.map_or(0, |member| member.row_version)),
            data: Some(json::write(&item.record).into()),
            secret: Some(item.secret),
        }
    }

    fn start(&mut self, pending: PendingOp, mutations: Vec<Mutation>) {
        let op = self.op();
        self.ops.insert(op, pending);
        self.effects.push(Effect::Commit { op, mutations });
    }

    /// An effect is done.
    pub(super) fn complete(&mut self, op: OpId, completion: Completion) {
        let Some(pending) = self.ops.remove(&op) else {
            let _ = self.event(EventKind::StaleCompletion, None);
            // Secrets that came with it are nobody's.
            if let Completion::Loaded { rows, .. } | Completion::Conflict { rows } = completion {
                self.drop_secrets(&rows);
            }
            return;
        };
        match (pending, completion) {
            (PendingOp::Load { request }, Completion::Loaded { generation, rows }) => {
                self.generation = generation;
                self.adopt_all(rows);
                self.reply(request, Reply::Done { ids: Vec::new() });
            }
            (pending, Completion::Committed { generation, rows }) => {
                self.generation = self.generation.max(generation);
                self.committed(pending, &rows);
            }
            (pending, Completion::Conflict { rows }) => self.conflicted(pending, rows),
            (pending, Completion::Failed { message }) => self.store_failed(pending, &message),
            (pending, Completion::Loaded { rows, .. }) => {
                self.drop_secrets(&rows);
                self.store_failed(pending, "the host answered a commit with rows");
            }
        }
    }

    fn committed(&mut self, pending: PendingOp, rows: &[(RowId, u64)]) {
        let first = rows.first();
        match pending {
            PendingOp::Load { request } => {
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
                    handles.iter().filter(|&&(handle, of)| self.incarnation_at[handle.0 as usize] == of);
                for (&(handle, _), (_, version)) in current.copied().collect::<Vec<_>>().iter().zip(rows) {
                    if let Some(member) = self.member_mut(handle) {
                        member.health_version = *version;
                    }
                }
            }
            PendingOp::Behind { requests, .. } => {
                self.behind_commit_live = false;
                for request in requests {
                    self.reply(request, Reply::Done { ids: Vec::new() });
                }
            }
        }
    }

    fn added(&mut self, request: RequestId, items: Vec<NewItem>, rows: &[(RowId, u64)]) {
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
            let NewItem { record, secret, replaces, .. } = item;
            ids.push(id);
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
        if missing {
            let message = "the store gave a new credential no id; a reload will show it, if it is there";
            return self.fail(request, FailedCode::Store, message);
        }
        self.reply(request, Reply::Done { ids });
    }

    /// Gives a stored credential a handle, without a seat.
    fn enlist_stored(&mut self, record: Record, id: CredentialId, secret: SecretRef) -> Option<Handle> {
        let origin = record.origin();
        if self.policy.leg(origin).is_none() {
            self.effects.push(Effect::DropSecret { secret });
            return None;
        }
        let wall = self.now.wall;
        let handle = self.enlist(record, Some(id), origin, secret)?;
        let member = self.member_mut(handle)?;
        member.expired = member.record.expires.is_some_and(|expires| expires <= wall);
        let (provider, restricted) = (member.provider, member.is_restricted());
        if restricted {
            self.give_every_model_its_own(provider);
        }
        self.set_timer(handle);
        Some(handle)
    }

    fn conflicted(&mut self, pending: PendingOp, rows: Vec<Row>) {
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
                    if let Some(row) = take(&mut found, RowKind::Credential, item.replaces) {
                        self.adopt_credential(row);
                    }
                }
                if tries >= MAX_TRIES {
                    for item in items {
                        self.effects.push(Effect::DropSecret { secret: item.secret });
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
    fn store_failed(&mut self, pending: PendingOp, message: &str) {
        let said = format!("the store failed, nothing was changed: {message}");
        match pending {
            PendingOp::Load { request } | PendingOp::Remove { request, .. } => {
                self.fail(request, FailedCode::Store, said);
            }
            PendingOp::Add { request, items, .. } => {
                for item in items {
                    self.effects.push(Effect::DropSecret { secret: item.secret });
                }
                self.fail(request, FailedCode::Store, said);
            }
            PendingOp::Update { request: Some(request), secret, .. } => {
                if let Some(secret) = secret {
                    self.effects.push(Effect::DropSecret { secret });
                }
                self.fail(request, FailedCode::Store, said);
            }
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
            PendingOp::Behind { handles, ties, requests } => {
                self.behind_commit_live = false;
                self.unwritten_ties = ties;
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
    fn hold_back(&mut self, message: &str) {
        self.event(EventKind::PersistFailed, None).cause = Some(message.into());
        self.held_until = Some(self.now.mono + RETRY_AFTER);
        self.flush_at = self.held_until;
    }

    /// Takes over everything that a load brought; stored credentials that it did not bring are gone.
    pub(super) fn adopt_all(&mut self, rows: Vec<Row>) {
        let mut touched = Providers::default();
        let (credentials, others): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.kind == RowKind::Credential);
        let mut seen = vec![false; self.members.len()];
        for handle in credentials.iter().filter_map(|row| self.handle_of(row)) {
            seen[handle.0 as usize] = true;
        }
        let gone: Vec<_> =
            self.by_id.iter().map(|(_, &handle)| handle).filter(|handle| !seen[handle.0 as usize]).collect();
        for row in credentials {
            touched.add(self.adopt_credential_unseated(row));
        }
        for handle in gone {
            let _ = self.event(EventKind::Removed, Some(handle));
            self.take_away(handle);
        }
        for row in &others {
            match row.kind {
                RowKind::Health => {
                    if let Some(handle) = self.handle_of(row) {
                        self.merge_health(handle, row);
                        touched.add(self.member(handle).map(|member| member.provider));
                    }
                }
                RowKind::Usage => self.adopt_usage(row),
                RowKind::Tie | RowKind::Credential => {}
            }
        }
        self.lay_out_all(&touched);
        for row in others.iter().filter(|row| row.kind == RowKind::Tie) {
            if self.adopt_tie(row).is_none() {
                self.event(EventKind::PersistFailed, None).cause = Some("a tie's row cannot be read".into());
            }
        }
        self.ties.all_saved();
        self.somebody_returned = true;
    }

    /// Lays tables out anew; says whether there were any.
    fn lay_out_all(&mut self, touched: &Providers) -> bool {
        for (number, _) in (0..).zip(&touched.0).filter(|(_, &touched)| touched) {
            self.lay_out(ProviderIx(number));
        }
        !touched.0.is_empty()
    }

    fn handle_of(&self, row: &Row) -> Option<Handle> {
        self.by_id.get(&row.id.credential()?).copied()
    }

    fn adopt_credential(&mut self, row: Row) {
        if let Some(provider) = self.adopt_credential_unseated(row) {
            self.lay_out(provider);
        }
    }

    /// Takes over a credential's row. Returns the provider whose table is to be laid out anew.
    fn adopt_credential_unseated(&mut self, row: Row) -> Option<ProviderIx> {
        let id = row.id.credential()?;
        let known = self.by_id.get(&id).copied();
        let Some(data) = row.data.as_deref() else {
            if let Some(handle) = known {
                let _ = self.event(EventKind::Removed, Some(handle));
                self.take_away(handle);
            }
            return None;
        };
        let (record, secret) = match (json::read::<Record>(data), row.secret) {
            (Ok(record), Some(secret)) => (record, secret),
            (parsed, secret) => {
                // Kept in the store as it is: somebody may mend it.
                let what =
                    parsed.err().map_or_else(|| "it has no secret".to_owned(), |error| error.to_string());
                self.event(EventKind::PersistFailed, None).cause =
                    Some(format!("credential {id} cannot be read and is left out: {what}").into());
                self.effects.extend(secret.map(|secret| Effect::DropSecret { secret }));
                return None;
            }
        };
        if let Some(handle) = known {
            let newer = self.member(handle).is_some_and(|member| member.row_version != row.version);
            if !newer {
                self.effects.push(Effect::DropSecret { secret });
                return None;
            }
            if let Some(member) = self.member_mut(handle) {
                member.row_version = row.version;
            }
            self.replace(handle, record, Some(secret));
            let _ = self.event(EventKind::Updated, Some(handle));
            return self.member(handle).map(|member| member.provider);
        }
        let handle = self.enlist_stored(record, id, secret)?;
        let member = self.member_mut(handle)?;
        member.row_version = row.version;
        Some(member.provider)
    }

    /// Takes over another's view of a credential's health: the later end, the higher level.
    fn merge_health(&mut self, handle: Handle, row: &Row) {
        let parsed = row.data.as_deref().map(json::read::<HealthRow>);
        let Some(Ok(parsed)) = parsed else {
            if let Some(member) = self.member_mut(handle) {
                member.health_version = row.version;
            }
            if parsed.is_some() {
                self.event(EventKind::PersistFailed, Some(handle)).cause =
                    Some("its health cannot be read".into());
            }
            return;
        };
        let now = self.now;
        for (name, row) in parsed.scopes.iter() {
            let Some(scope) = self.scope_named(name) else { continue };
            let Some(member) = self.member_mut(handle) else { return };
            let state = member.scope_mut(&scope);
            let merged =
                if state.remembers() { CooldownRow::of(state, now).merged(row, now) } else { row.clone() };
            *state = merged.restore(now);
            // An end beyond its own length: the clock went back since it was written. Written anew it is right again.
            if merged.until.since(now.wall) > merged.length {
                self.note_unsaved_health(handle);
            }
            self.restand(handle, scope.model());
        }
        if let Some(member) = self.member_mut(handle) {
            member.health_version = row.version;
        }
        self.set_timer(handle);
        self.remember(handle);
    }

    fn adopt_usage(&mut self, row: &Row) {
        let Some(handle) = self.handle_of(row) else { return };
        let parsed = row.data.as_deref().and_then(|data| json::read::<UsageRow>(data).ok());
        let Some(parsed) = parsed else { return };
        let at = handle.0 as usize;
        self.used[at] = self.used[at].max(parsed.last_used.saturating_mul(1024));
        self.last_use = self.last_use.max(self.used[at]);
        if let Some(member) = self.member_mut(handle) {
            member.success = member.success.max(parsed.success);
            member.failure = member.failure.max(parsed.failure);
        }
    }

    fn adopt_tie(&mut self, row: &Row) -> Option<()> {
        let RowId::Text(id) = &row.id else { return None };
        let row: TieRow = json::read(row.data.as_deref()?).ok()?;
        let mut parts = id.splitn(3, '/');
        let (high, low) = parts.next()?.split_at_checked(16)?;
        let half = |digits| u64::from_str_radix(digits, 16).ok().map(u128::from);
        let session = half(high)? << 64 | half(low)?;
        let provider = parts.next()?;
        let key = match parts.next() {
            None => self.provider_ix(provider).0 | PROVIDER_KEY,
            Some(model) => self.route(provider, Some(model).filter(|model| !model.is_empty()), false).0,
        };
        // A tie to somebody who is gone is no tie; one from the future of a clock that was wrong is from now.
        if let Some(&handle) = self.by_id.get(&row.credential) {
            let used = self.now.mono_of(row.used.min(self.now.wall));
            let age = self.now.wall.since(row.used);
            if age < self.policy.affinity.ttl {
                self.ties.restore(session, key, handle, used, self.policy.affinity.max);
            }
        }
        Some(())
    }

    fn drop_secrets(&mut self, rows: &[Row]) {
        let secrets = rows.iter().filter_map(|row| row.secret);
        self.effects.extend(secrets.map(|secret| Effect::DropSecret { secret }));
    }

    fn scope_name(&self, scope: &ScopeKey) -> Box<str> {
        match scope {
            ScopeKey::Credential => "credential".into(),
            ScopeKey::Model(model) => format!("model:{}", self.models.text(model.0)).into(),
            ScopeKey::Meter(name) => format!("meter:{name}").into(),
        }
    }

    fn scope_named(&mut self, name: &str) -> Option<ScopeKey> {
        if name == "credential" {
            return Some(ScopeKey::Credential);
        }
        if let Some(model) = name.strip_prefix("model:") {
            return Some(ScopeKey::Model(self.model_ix(model)));
        }
        Some(ScopeKey::Meter(name.strip_prefix("meter:")?.into()))
    }
}
