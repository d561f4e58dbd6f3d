//! Credentials come, change and go. What is stored changes in memory only after the store has it.

use super::member::Member;
use super::saving::PendingOp;
use super::{Command, Effect, Engine, EventKind, FailedCode, NewItem, Reply};
use crate::credential::{Changes, Origin, Record};
use crate::entropy::Purpose;
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, LeaseId, ProviderIx, RequestId, SecretRef};
use crate::policy::AffinityKind;
use crate::select::{Hot, Seat, Table};
use crate::verdict::Reason;

impl Engine {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Load { request } => self.load(request),
            Command::Acquire(command) => self.acquire(command),
            Command::Cancel { request } => {
                self.cancel(request);
                if !self.logins.is_empty() {
                    self.cancel_login(request);
                }
            }
            Command::Report(command) => self.report(command),
            Command::Add { request, items } => self.add(request, items),
            Command::Override { request, record, origin, secret } => {
                self.set_override(request, *record, origin, secret);
            }
            Command::UsageHeaders { request, handle, seen } => {
                let ingested = self.take_headers(handle, *seen);
                if let Some(request) = request {
                    self.reply(request, Reply::Ingested { ingested });
                }
            }
            Command::Flush { request } => self.flush(request),
            seldom => self.command_seldom(seldom),
        }
    }

    fn add(&mut self, request: RequestId, items: Vec<NewItem>) {
        let mut adds = Vec::with_capacity(items.len());
        for (n, NewItem { mut record, secret, replaces, same_secret, mut removes }) in
            items.into_iter().enumerate()
        {
            if self.policy.account_replaces_keys && record.kind == Kind::Oauth {
                removes.extend(self.stored_keys_of(&record.provider));
            }
            if let Some(old) = replaces.and_then(|id| self.member(self.find(id)?)) {
                // The same credential again: its row is taken over, name and all.
                record.uid.clone_from(&old.record.uid);
                record.created = old.record.created;
                record.secret_version = old.record.secret_version + u64::from(!same_secret);
            } else {
                record.created = self.now.wall;
                record.secret_version = 1;
                let draw = |part| {
                    self.seed.draw(Purpose::Uid, self.now.wall.0 ^ self.next_op << 32, (n as u64) << 1 | part)
                };
                record.uid = format!("{:016x}{:016x}", draw(0), draw(1)).into();
            }
            removes.retain(|id| Some(*id) != replaces);
            adds.push(NewItem { record, secret, replaces, same_secret, removes });
        }
        if adds.is_empty() {
            return self.reply(request, Reply::Done { ids: Vec::new() });
        }
        self.commit(PendingOp::Add { request, items: adds, tries: 0 });
    }

    fn stored_keys_of(&self, provider: &str) -> impl Iterator<Item = CredentialId> + use<'_> {
        let provider = self.providers.find(provider).map(ProviderIx);
        let keys = self.members.iter().flatten().filter(move |member| {
            Some(member.provider) == provider
                && member.record.kind == Kind::ApiKey
                && member.origin.is_stored()
        });
        keys.filter_map(|member| member.id)
    }

    /// A failure that disables: at once in memory, and in the store as soon as may be.
    pub(super) fn disable_for(&mut self, handle: Handle, reason: Reason) {
        let cause: Box<str> = reason.as_str().into();
        self.turn(
            handle,
            Changes { enabled: Some(false), disabled_cause: Some(cause), ..Changes::default() },
        );
        let event = self.event(EventKind::Disabled, Some(handle));
        event.reason = Some(reason);
    }

    /// A call that was made with it by hand was answered: what a failure had disabled is enabled again. What people disabled
    /// stays so.
    pub(super) fn enable_after_probe(&mut self, handle: Handle) {
        let Some(member) = self.member(handle) else { return };
        let cause = member.record.disabled_cause.as_deref().unwrap_or_default();
        let by_failure = Reason::ALL.iter().any(|reason| reason.as_str() == cause);
        if !member.record.enabled && by_failure {
            self.turn(handle, Changes { enabled: Some(true), ..Changes::default() });
            let _ = self.event(EventKind::Updated, Some(handle));
        }
    }

    /// Enables or disables: at once in memory, and in the store as soon as may be.
    fn turn(&mut self, handle: Handle, changes: Changes) {
        let Some(member) = self.member_mut(handle) else { return };
        changes.clone().apply(&mut member.record);
        let (record, id) = (member.record.clone(), member.id);
        self.restand(handle, None);
        if let Some(id) = id {
            self.commit(PendingOp::Update {
                request: None,
                id,
                changes: Box::new(changes),
                record: Box::new(record),
                secret: None,
                tries: 0,
            });
        }
    }

    fn set_override(
        &mut self,
        request: RequestId,
        record: Record,
        origin: Origin,
        secret: Option<SecretRef>,
    ) {
        let provider = self.provider_ix(&record.provider);
        let held = self.members.iter().position(|member| {
            member.as_ref().is_some_and(|member| {
                member.provider == provider && member.origin == origin && member.id.is_none()
            })
        });
        if let Some(at) = held {
            self.take_away(Handle(at as u32));
        }
        if let Some(secret) = secret {
            if self.put(record, None, origin, secret).is_none() {
                self.effects.push(Effect::DropSecret { secret });
                return self.fail(request, FailedCode::Invalid, "the policy's cascade has no such leg");
            }
        }
        self.reply(request, Reply::Done { ids: Vec::new() });
    }

    /// Seats a credential. `None` where the policy's cascade has no leg for it, or there is no place left.
    pub(super) fn put(
        &mut self,
        record: Record,
        id: Option<CredentialId>,
        origin: Origin,
        secret: SecretRef,
    ) -> Option<Handle> {
        self.policy.leg(origin)?;
        let handle = self.enlist(record, id, origin, secret)?;
        let member = self.members[handle.0 as usize].as_ref()?;
        let (provider, key, place) = (member.provider, self.tier_key(member), self.place(handle, member));
        self.learn_rules(handle);
        // A circle is made of all at once.
        let met = self.policy.affinity.kind == AffinityKind::Rendezvous;
        let table = &mut self.tables[provider.0 as usize];
        if !met && table.seat(handle, key, place, &mut self.seats) {
            self.restand(handle, None);
        } else {
            self.lay_out(provider);
        }
        self.look_at_clock(handle);
        self.set_timer(handle);
        self.somebody_returned = true;
        Some(handle)
    }

    /// Gives a credential a handle, without a seat. `None` where there is no place left.
    pub(super) fn enlist(
        &mut self,
        record: Record,
        id: Option<CredentialId>,
        origin: Origin,
        secret: SecretRef,
    ) -> Option<Handle> {
        let provider = self.provider_ix(&record.provider);
        self.known[provider.0 as usize] = true;
        let handle = match self.free_handles.pop() {
            Some(handle) => handle,
            None if self.members.len() < LeaseId::MAX_HANDLES as usize => {
                self.members.push(None);
                self.seats.push(Seat::default());
                self.hot.push(Hot::default());
                self.gates.push(None);
                self.rounds.push(0);
                // Each is noted once: with room for all, the hot path never needs more.
                self.recent.reserve(self.members.len() - self.recent.len());
                Handle(self.members.len() as u32 - 1)
            }
            None => return None,
        };
        let at = handle.0 as usize;
        self.incarnations += 1;
        self.hot[at] = Hot {
            incarnation: self.incarnations,
            version: record.secret_version as u32,
            mapped: self.hot[at].mapped,
            is_recent: self.hot[at].is_recent,
            ..Hot::default()
        };
        self.gates[at] = None;
        self.members[at] =
            Some(Box::new(Member::new(record, id, origin, provider, secret, self.incarnations)));
        if let Some(id) = id {
            self.by_id.insert(id, handle);
        }
        self.set_gate(handle);
        self.effects.push(Effect::Reveal { handle, secret });
        Some(handle)
    }

    /// Takes a credential out of memory.
    pub(super) fn take_away(&mut self, handle: Handle) {
        let at = handle.0 as usize;
        if self.member(handle).is_some_and(Member::is_account) {
            self.give_up_refresh(handle);
        }
        let Some(member) = self.members.get_mut(at).and_then(Option::take) else { return };
        if let Some(secret) = member.spare {
            self.effects.push(Effect::DropSecret { secret });
        }
        if member.stale {
            self.stale_in[member.provider.0 as usize] -= 1;
        }
        if let Some(id) = member.id {
            self.by_id.remove(&id);
        }
        self.hot[at].incarnation = 0;
        self.ties.untie_all(handle);
        // Somebody else may sit here when these are written; that they ended is written after.
        self.unwritten_ties.retain(|tie| tie.tied.is_none_or(|(tied, _)| tied != handle));
        self.recent.retain(|&recent| recent != handle);
        self.hot[at].is_recent = false;
        self.unsaved_health.retain(|&unsaved| unsaved != handle);
        if !self.tables[member.provider.0 as usize].unseat(handle, &self.seats) {
            self.lay_out(member.provider);
        }
        self.free_handles.push(handle);
        self.effects.push(Effect::Forget { handle });
        self.effects.push(Effect::DropSecret { secret: member.secret });
    }

    /// A stored credential has changed: the index follows.
    pub(super) fn replace(&mut self, handle: Handle, record: Record, secret: Option<SecretRef>) {
        let at = handle.0 as usize;
        let Some(member) = self.members[at].as_mut() else { return };
        let is_new = record.secret_version != member.record.secret_version;
        let shown = |record: &Record| {
            let maps = record.prefix.is_some() || !record.aliases.is_empty();
            (record.name.clone(), record.base_url.clone(), record.secret_version, maps)
        };
        let shows_anew = shown(&record) != shown(&member.record);
        let Some(old_seat) =
            self.member(handle).map(|member| (self.tier_key(member), self.place(handle, member)))
        else {
            return;
        };
        self.hot[at].version = record.secret_version as u32;
        let Some(member) = self.members[at].as_mut() else { return };
        if is_new {
            // What the old secret could not do says nothing of the new one.
            (member.hold_until, member.hold_level, member.refused) = (None, 0, None);
        }
        member.set_record(record);
        if member.origin.is_stored() {
            member.origin = member.record.origin();
        }
        let provider = member.provider;
        if secret.is_none() && shows_anew {
            // The host's table has the name and the address too.
            self.effects.push(Effect::Reveal { handle, secret: member.secret });
        }
        if let Some(secret) = secret {
            let old = std::mem::replace(&mut member.secret, secret);
            self.effects.push(Effect::Reveal { handle, secret });
            self.effects.push(Effect::DropSecret { secret: old });
            if is_new {
                self.end_cooldowns_of_the_secret(handle);
            }
        }
        self.learn_rules(handle);
        let seat = |member: &Member| (self.tier_key(member), self.place(handle, member));
        if self.members[at].as_deref().map(seat) == Some(old_seat) {
            self.restand(handle, None);
        } else {
            self.lay_out(provider);
            self.somebody_returned = true;
        }
        self.set_gate(handle);
        self.look_at_clock(handle);
        self.set_timer(handle);
    }

    /// A new secret ends the cooldowns that the old one earned, and no limit of the account that was said meanwhile.
    fn end_cooldowns_of_the_secret(&mut self, handle: Handle) {
        let now = self.now.mono;
        let Some(member) = self.member_mut(handle) else { return };
        let mut ended = false;
        for (_, state) in &mut member.health {
            ended |= state.end_of_the_secret(now);
        }
        member.health.retain(|(_, state)| state.remembers());
        if ended {
            self.remember(handle);
            self.restand(handle, None);
            self.note_unsaved_health(handle);
        }
    }

    pub(super) fn provider_ix(&mut self, name: &str) -> ProviderIx {
        let number = self.providers.intern(name);
        if number as usize == self.tables.len() {
            self.tables.push(Table::new());
            self.known.push(false);
            self.stale_in.push(0);
            let facts = self.refresh_facts.iter().find(|(of, _)| **of == *name);
            self.facts_of.push(facts.map_or_else(Default::default, |(_, facts)| *facts));
            self.serve_provider(name, ProviderIx(number));
        }
        ProviderIx(number)
    }
}
