//! Writing what has changed: cooldowns at once, last uses and ties behind, commands when they are given.

use super::history::{Entry, History};
use super::loading::Loading;
use super::marking::SERVED;
use super::refreshing::Written;
use super::row_data::{HealthRow, TieRow, UsageRow};
use super::{Effect, Engine, Mutation, NewItem, Reply, RowId, RowKind, PROVIDER_KEY};
use crate::cooldown::CooldownRow;
use crate::credential::{Changes, Record};
use crate::id::{CredentialId, Handle, ProviderIx, RequestId, RouteId, SecretRef};
use crate::json;
use crate::login::Stage;
use crate::select::SavedTie;
use crate::time::Timestamp;

/// Of last uses and of ties at most so many are written behind in one commit.
const BATCH: usize = 512;

/// An effect that is under way. It names credentials by their ids: a handle may be somebody else's when it is done.
#[derive(Debug)]
pub(super) enum PendingOp {
    Load {
        request: RequestId,
        so_far: Box<Loading>,
    },
    /// A step of a credential's refresh.
    Refresh {
        id: CredentialId,
        base: u64,
        written: Option<Written>,
    },
    /// The prolongation of its lease.
    Renewal {
        id: CredentialId,
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
    /// A provider is asked what is left of an account.
    Usage {
        handle: Handle,
        incarnation: u32,
    },
    /// The host ranks a report of this instant.
    Rank {
        handle: Handle,
        incarnation: u32,
        at: Timestamp,
    },
    /// Histories.
    Append {
        history: History,
        entries: Vec<Entry>,
    },
    /// A provider is asked for an account's saved resets.
    Resets {
        handle: Handle,
        incarnation: u32,
    },
    /// Something is asked for a login.
    Login {
        login: RequestId,
        stage: Stage,
    },
    /// The host's own code says when an account is to be renewed.
    Advice {
        id: CredentialId,
        version: u64,
    },
    /// Those who share limits are asked.
    Share {
        handle: Handle,
        incarnation: u32,
    },
    /// A provider is asked whether tokens are good.
    Introspect {
        request: RequestId,
        id: CredentialId,
        version: u64,
    },
    /// Tokens are given back.
    Revoke {
        request: RequestId,
        id: CredentialId,
    },
    /// Last uses, counters and ties.
    Behind {
        handles: Vec<Handle>,
        ties: Vec<SavedTie>,
        /// Who waits for it and for so many rows after it.
        requests: Vec<RequestId>,
        left: usize,
    },
}

impl Engine {
    pub(super) fn load(&mut self, request: RequestId) {
        let op = self.op();
        self.ops.insert(op, PendingOp::Load { request, so_far: Box::default() });
        self.effects.push(Effect::Load { op, since: 0 });
    }

    pub(super) fn flush(&mut self, request: RequestId) {
        self.flush_requests.push(request);
        self.flush_left = usize::MAX;
        self.flush_at = Some(self.now.mono);
    }

    pub(super) fn note_use(&mut self, handle: Handle) {
        if !self.hot[handle.0 as usize].is_recent {
            self.hot[handle.0 as usize].is_recent = true;
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
        let due = self.flush_at.is_some_and(|at| at <= self.now.mono);
        if due && !self.histories.is_empty() {
            self.save_histories();
        }
        if due && !self.behind_commit_live {
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
            handles.into_iter().map(|handle| (handle, self.hot[handle.0 as usize].incarnation)).collect();
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

    /// Starts the next commit of what is written behind: so many rows that a step stays small, however much there is. The
    /// next follows when this one is done.
    pub(super) fn save_behind(&mut self) {
        self.unwritten_ties.extend(self.ties.take_dirty());
        let mut left = (self.recent.len() + self.unwritten_ties.len()).min(self.flush_left);
        loop {
            let handles: Vec<_> = self.recent.drain(..self.recent.len().min(BATCH)).collect();
            let ties: Vec<_> = self.unwritten_ties.drain(..self.unwritten_ties.len().min(BATCH)).collect();
            left = left.saturating_sub(handles.len() + ties.len());
            let mut mutations = Vec::new();
            for &handle in &handles {
                self.hot[handle.0 as usize].is_recent = false;
                self.count_recent(handle);
                mutations.extend(self.usage_mutation(handle));
                mutations.extend(self.report_mutation(handle));
            }
            for &tie in &ties {
                mutations.extend(self.tie_mutation(tie));
            }
            let more = !(self.recent.is_empty() && self.unwritten_ties.is_empty());
            if mutations.is_empty() && more {
                continue;
            }
            let requests = std::mem::take(&mut self.flush_requests);
            if mutations.is_empty() {
                for request in requests {
                    self.reply(request, Reply::Done { ids: Vec::new() });
                }
                return;
            }
            if more {
                self.flush_at = Some(self.now.mono);
            }
            self.flush_left = left;
            self.behind_commit_live = true;
            return self.start(PendingOp::Behind { handles, ties, requests, left }, mutations);
        }
    }

    /// What the hot path has counted goes into the credential's recent calls.
    fn count_recent(&mut self, handle: Handle) {
        let (wall, unwritten) = (self.now.wall, u64::from(self.hot[handle.0 as usize].successes));
        let Some(member) = self.member_mut(handle) else { return };
        member.tally.count(wall, member.success + unwritten, member.failure);
    }

    pub(super) fn usage_mutation(&self, handle: Handle) -> Option<Mutation> {
        let at = handle.0 as usize;
        let member = self.member(handle)?;
        let success = member.success + u64::from(self.hot[at].successes);
        let row = UsageRow {
            last_used: self.hot[at].used / 1024,
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
        if tie.key & SERVED != 0 {
            return None;
        }
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
    fn removal(&self, id: CredentialId) -> Option<[Mutation; 5]> {
        let expects = Some(self.member(self.find(id)?)?.row_version);
        let id = Some(RowId::Number(id.0));
        let gone = |kind| Mutation { kind, id: id.clone(), expects: None, data: None, secret: None };
        Some([
            Mutation { expects, ..gone(RowKind::Credential) },
            gone(RowKind::Health),
            gone(RowKind::Usage),
            gone(RowKind::Refresh),
            gone(RowKind::Report),
        ])
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

#[cfg(test)]
mod tests {
    use super::super::{AcquireCommand, Command, Completion, Input, Row, Step};
    use super::*;
    use crate::entropy::Seed;
    use crate::id::{OpId, SessionIx};
    use crate::policy::Policy;
    use crate::time::{Now, Span};

    const SESSIONS: u64 = 1_300;

    fn commit_of(step: &Step) -> Option<(OpId, &[Mutation])> {
        step.effects.iter().find_map(|effect| match effect {
            Effect::Commit { op, mutations } => Some((*op, mutations.as_slice())),
            _ => None,
        })
    }

    fn done(step: &Step, request: u64) -> bool {
        let is_it = |effect: &Effect| matches!(effect, Effect::Reply { request: RequestId(of), reply: Reply::Done { .. } } if *of == request);
        step.effects.iter().any(is_it)
    }

    /// An engine with one credential and many sessions, none of which is in the store yet.
    fn busy() -> (Engine, Now) {
        let now = Now::from_millis(1_000_000, 0);
        let mut engine = Engine::new(Policy::preset("default").unwrap(), Seed(1), now);
        let _ = engine.handle(now, Input::Command(Command::Load { request: RequestId(1) }));
        let data =
            r#"{"uid":"u","provider":"openai","name":"a","kind":"api_key","created":0,"secret_version":1}"#;
        let row = Row {
            kind: RowKind::Credential,
            id: RowId::Number(1),
            version: 1,
            data: Some(data.into()),
            secret: Some(SecretRef(0)),
        };
        let loaded = Completion::Loaded { generation: 1, rows: vec![row] };
        let _ = engine.handle(now, Input::Completion(OpId(1), loaded));
        let route = engine.route("openai", None, true);
        for n in 0..SESSIONS {
            let session = engine.session(&n.to_string());
            assert_ne!(session, SessionIx::NONE);
            let command = AcquireCommand {
                request: RequestId(n + 2),
                routes: vec![route],
                session,
                known_as: SessionIx::NONE,
                exclude: Vec::new(),
                tried: Vec::new(),
                round: 0,
                wait: Span::ZERO,
                after: None,
                prefer: None,
                now: false,
            };
            let step = engine.handle(now, Input::Command(Command::Acquire(command)));
            assert!(commit_of(&step).is_none(), "behind, not at once");
        }
        (engine, now)
    }

    fn committed(engine: &mut Engine, now: Now, op: OpId, rows: usize) -> Step {
        let rows = (0..rows).map(|_| (RowId::Number(1), 1)).collect();
        engine.handle(now, Input::Completion(op, Completion::Committed { generation: 2, rows }))
    }

    #[test]
    fn many_ties_are_written_in_bounded_commits_one_after_the_other() {
        let (mut engine, now) = busy();
        let mut step = engine.handle(now, Input::Command(Command::Flush { request: RequestId(0) }));
        let mut written = std::collections::BTreeSet::new();
        let mut commits = 0;
        while let Some((op, mutations)) = commit_of(&step) {
            assert!(mutations.len() <= 2 * BATCH && !done(&step, 0), "{}", mutations.len());
            let ties = mutations.iter().filter(|mutation| mutation.kind == RowKind::Tie);
            written.extend(ties.filter_map(|tie| tie.id.clone()));
            commits += 1;
            let rows = mutations.len();
            step = committed(&mut engine, now, op, rows);
        }
        assert_eq!((written.len() as u64, commits), (SESSIONS, SESSIONS.div_ceil(BATCH as u64)));
        assert!(done(&step, 0), "the flush is answered when all is written");
    }

    #[test]
    fn a_batch_that_fails_is_written_again() {
        let (mut engine, now) = busy();
        let step = engine.handle(now, Input::Command(Command::Flush { request: RequestId(0) }));
        let (op, first) = commit_of(&step).unwrap();
        let first: Vec<_> = first.iter().filter_map(|row| row.id.clone()).collect();
        let failed = Completion::Failed { message: "the disk is full".into() };
        let step = engine.handle(now, Input::Completion(op, failed));
        assert!(commit_of(&step).is_none(), "it is held back");
        let later = Now::from_millis(1_001_000, 1_000);
        let step = engine.handle(later, Input::Tick);
        let (_, again) = commit_of(&step).unwrap();
        assert_eq!(again.iter().filter_map(|row| row.id.clone()).collect::<Vec<_>>(), first);
    }
}
