//! Writing what has changed: cooldowns at once, last uses and ties behind, commands when they are given.

use super::loading::Loading;
use super::row_data::{HealthRow, TieRow, UsageRow};
use super::{Effect, Engine, Mutation, NewItem, Reply, RowId, RowKind, PROVIDER_KEY};
use crate::cooldown::CooldownRow;
use crate::credential::{Changes, Record};
use crate::id::{CredentialId, Handle, ProviderIx, RequestId, RouteId, SecretRef};
use crate::json;
use crate::login::Stage;
use crate::select::SavedTie;

/// An effect that is under way. It names credentials by their ids: a handle may be somebody else's when it is done.
#[derive(Debug)]
pub(super) enum PendingOp {
    Load {
        request: RequestId,
        so_far: Box<Loading>,
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
    /// Something is asked for a login.
    Login {
        login: RequestId,
        stage: Stage,
    },
    /// Tokens are given back.
    Revoke {
        request: RequestId,
        id: CredentialId,
    },
    /// Last uses, counters and ties.
    Behind {
        handles: Vec<Handle>,
        ties: Vec<Mutation>,
        requests: Vec<RequestId>,
    },
}

impl Engine {
    pub(super) fn load(&mut self, request: RequestId) {
        let op = self.op();
        self.ops.insert(op, PendingOp::Load { request, so_far: Box::default() });
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

    pub(super) fn save_health(&mut self) {
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

    pub(super) fn save_behind(&mut self) {
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
        let row = UsageRow {
            last_used: self.used[at] / 1024,
            success,
            failure: member.failure,
            spent: self.gates[at].as_ref().and_then(|gate| gate.spent()),
        };
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
                let mut mutations: Vec<_> = items.iter().map(|item| self.add_mutation(item)).collect();
                let removes = items.iter().flat_map(|item| &item.removes);
                mutations.extend(removes.filter_map(|&id| self.removal(id)).flatten());
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
                let Some(mutations) = self.removal(*id) else { return };
                return self.start(op, mutations.into());
            }
            _ => return,
        };
        self.start(op, vec![mutation]);
    }

    /// Takes all rows of a credential out of the store.
    fn removal(&self, id: CredentialId) -> Option<[Mutation; 3]> {
        let expects = Some(self.member(self.find(id)?)?.row_version);
        let id = Some(RowId::Number(id.0));
        let gone = |kind| Mutation { kind, id: id.clone(), expects: None, data: None, secret: None };
        Some([Mutation { expects, ..gone(RowKind::Credential) }, gone(RowKind::Health), gone(RowKind::Usage)])
    }

    pub(super) fn add_mutation(&self, item: &NewItem) -> Mutation {
        let old = item.replaces.and_then(|id| self.member(self.find(id)?));
        Mutation {
            kind: RowKind::Credential,
            id: old.and_then(|member| member.id).map(|id| RowId::Number(id.0)),
            expects: Some(old.map_or(0, |member| member.row_version)),
            data: Some(json::write(&item.record).into()),
            secret: Some(item.secret),
        }
    }

    pub(super) fn start(&mut self, pending: PendingOp, mutations: Vec<Mutation>) {
        let op = self.op();
        self.ops.insert(op, pending);
        self.effects.push(Effect::Commit { op, mutations });
    }
}
