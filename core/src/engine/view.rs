//! What an engine shows: every credential, what it is doing, and why it would or would not be picked.

use super::{Acquire, Candidate, Engine, Recent};
use crate::cooldown::{Circuit, PerReason, Source};
use crate::credential::{public_index, Alias, Fault, Identity, Limits, Origin, Record, BY_HAND};
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, RouteId, SecretRef, SessionIx};
use crate::json::{object, ToJson, Writer};
use crate::policy::Strategy;
use crate::select::{OutReason, Standing};
use crate::time::{Instant, Timestamp};
use crate::verdict::{Reason, Scope};

/// A credential, without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberView {
    /// Its place in the host's table.
    pub handle: Handle,
    /// Its id in the store; absent where it is not stored.
    pub id: Option<CredentialId>,
    /// The public handle that reveals nothing.
    pub index: String,
    /// The provider.
    pub provider: Box<str>,
    /// The name.
    pub name: Box<str>,
    /// The kind of its secret.
    pub kind: Kind,
    /// Which leg of the cascade it belongs to.
    pub origin: Origin,
    /// Higher is tried first.
    pub priority: i32,
    /// Its share under `weighted`.
    pub weight: u32,
    /// The models that it serves; empty means all.
    pub models: Vec<Box<str>>,
    /// The models that it does not serve.
    pub excluded_models: Vec<Box<str>>,
    /// Other names for its models.
    pub aliases: Vec<Alias>,
    /// The namespace of its models.
    pub prefix: Option<Box<str>>,
    /// What of it may be used, as it says itself.
    pub limits: Limits,
    /// May it be used?
    pub enabled: bool,
    /// Why it is disabled.
    pub disabled_cause: Option<Box<str>>,
    /// What took it out of use by itself last.
    pub fault: Option<Fault>,
    /// Until when it is paused.
    pub paused_until: Option<Timestamp>,
    /// Does anything of it rest? Absent: as the policy says.
    pub cooling: Option<bool>,
    /// Where it came from, as whoever stored it said.
    pub source: Option<Box<str>>,
    /// When its secret expires.
    pub expires: Option<Timestamp>,
    /// Where its requests go.
    pub base_url: Option<Box<str>>,
    /// The proxy of its requests, without user and password, where the pool has filled it in.
    pub proxy_url: Option<Box<str>>,
    /// Names of headers of its own, likewise.
    pub headers: Vec<Box<str>>,
    /// So many further rounds it takes part in, where that is not as the policy says.
    pub retry: Option<u8>,
    /// Whose account it is.
    pub identity: Identity,
    /// In a word of `CLIProxyAPI`'s: `unknown`, `active`, `pending`, `refreshing`, `error` or `disabled`.
    pub state: &'static str,
    /// In one word: `ready`, `half_open`, `cooling`, `limited`, `paused`, `draining`, `disabled`, `expired`, `needs_login` or
    /// `not_in_cascade`.
    pub status: &'static str,
    /// Open leases.
    pub in_flight: u32,
    /// When it was last given out.
    pub last_used: Option<Timestamp>,
    /// Calls that succeeded.
    pub success: u64,
    /// Calls that failed by its fault.
    pub failure: u64,
    /// Why the last of these failed.
    pub last_error: Option<Reason>,
    /// When it did.
    pub last_error_at: Option<Timestamp>,
    /// When the first of what rests, or is paused, or at its limit, comes back.
    pub next_retry: Option<Timestamp>,
    /// When its tokens are renewed by themselves.
    pub next_refresh: Option<Timestamp>,
    /// Calls of the last 200 minutes, by ten minutes.
    pub recent: Vec<Recent>,
    /// What rests, and how far its ladders have climbed.
    pub cooldowns: Vec<CooldownView>,
}

/// A scope of a credential that rests, or whose ladder has climbed.
#[derive(Clone, Debug, PartialEq)]
pub struct CooldownView {
    /// What rests.
    pub scope: Scope,
    /// The model, where the scope is one.
    pub model: Option<Box<str>>,
    /// Does it rest now?
    pub active: bool,
    /// Why.
    pub reason: Option<Reason>,
    /// Until when, or until when it did.
    pub until: Timestamp,
    /// How far the ladder of that reason has climbed.
    pub level: u8,
    /// Who chose the end.
    pub source: Source,
    /// Its circuit: open, where too many failures opened it; half-open, where it is coming back.
    pub circuit: Circuit,
    /// How often each reason failed, as far as it is remembered.
    pub failures: PerReason,
}

impl Engine {
    /// The handle of a stored credential.
    pub fn find(&self, id: CredentialId) -> Option<Handle> {
        self.by_id.get(&id).copied()
    }

    /// All handles, stored credentials in the order of their ids, then the others.
    pub fn handles(&self) -> impl Iterator<Item = Handle> + '_ {
        let unstored = |(at, member): (usize, &Option<Box<super::Member>>)| {
            member.as_ref().is_some_and(|member| member.id.is_none()).then_some(Handle(at as u32))
        };
        self.by_id
            .iter()
            .map(|(_, &handle)| handle)
            .chain(self.members.iter().enumerate().filter_map(unstored))
    }

    /// The credential that a session is tied to on a route.
    pub fn tied(&self, route: RouteId, session: SessionIx) -> Option<Handle> {
        let provider = self.routes.get(route)?.provider;
        let key = super::tie_key(self.policy.affinity.kind, provider, route);
        self.ties.get(session, key).map(|(handle, _)| handle)
    }

    /// A credential's record.
    pub fn record(&self, handle: Handle) -> Option<&Record> {
        self.member(handle).map(|member| &member.record)
    }

    /// A credential's origin and id.
    pub fn origin(&self, handle: Handle) -> Option<(Origin, Option<CredentialId>)> {
        self.member(handle).map(|member| (member.origin, member.id))
    }

    /// The reference to a credential's secret.
    pub fn secret(&self, handle: Handle) -> Option<SecretRef> {
        self.member(handle).map(|member| member.secret)
    }

    /// The grown generation of the store, as far as it is known here.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// A credential, without its secret.
    pub fn member_view(&self, handle: Handle) -> Option<MemberView> {
        let at = handle.0 as usize;
        let member = self.member(handle)?;
        let record = &member.record;
        let cooldowns: Vec<_> = member
            .health
            .iter()
            .map(|(scope, state)| CooldownView {
                scope: scope.scope(),
                model: scope.model().map(|model| self.models.text(model.0).into()),
                active: state.active,
                reason: state.reason,
                until: self.now.wall_of(state.until),
                level: state.reason.map_or(0, |reason| state.level(reason)),
                source: state.source,
                circuit: state.circuit(),
                failures: state.counts.failures,
            })
            .collect();
        let status = match member.standing(None, self.cover()) {
            Standing::Out(OutReason::Disabled, _) => "disabled",
            _ if record.needs_login => "needs_login",
            Standing::Out(OutReason::Expired, _) => "expired",
            Standing::Out(
                reason @ (OutReason::Paused | OutReason::Draining | OutReason::NotInCascade),
                _,
            ) => reason.as_str(),
            _ if cooldowns.iter().any(|cooldown| cooldown.active) => "cooling",
            Standing::Out(OutReason::Limit, _) => "limited",
            _ if member.is_half_open() => "half_open",
            _ => "ready",
        };
        let paused = record.paused_until.filter(|_| member.paused);
        let ends = cooldowns.iter().filter(|cooldown| cooldown.active).map(|cooldown| cooldown.until);
        let limit = member.shut.and_then(|shut| shut.until).map(|until| self.now.wall_of(until));
        let next_retry = ends.chain(paused.filter(|until| *until < BY_HAND)).chain(limit).min();
        let success = member.success + u64::from(self.hot[at].successes);
        let mut tally = member.tally.clone();
        tally.count(self.now.wall, success, member.failure);
        Some(MemberView {
            handle,
            id: member.id,
            index: public_index(&record.uid),
            provider: record.provider.clone(),
            name: record.name.clone(),
            kind: record.kind,
            origin: member.origin,
            priority: record.priority,
            weight: record.weight,
            models: record.models.clone(),
            excluded_models: record.excluded_models.clone(),
            aliases: record.aliases.clone(),
            prefix: record.prefix.clone(),
            limits: record.limits,
            enabled: record.enabled,
            disabled_cause: record.disabled_cause.clone(),
            fault: record.fault.clone(),
            paused_until: paused,
            cooling: record.cooling,
            source: record.source.clone(),
            expires: record.expires,
            base_url: record.base_url.clone(),
            proxy_url: None,
            headers: Vec::new(),
            retry: record.retry,
            identity: record.identity.clone(),
            state: if member.job.is_some() { "refreshing" } else { state_word(status) },
            status,
            in_flight: self.hot[at].in_flight,
            last_used: (self.hot[at].used > 0).then(|| Timestamp(self.hot[at].used / 1024)),
            success,
            failure: member.failure,
            last_error: member.last_error.map(|(reason, _)| reason),
            last_error_at: member.last_error.map(|(_, at)| at),
            next_retry,
            next_refresh: self.renewal_of(member),
            recent: tally.recent(self.now.wall),
            cooldowns,
        })
    }

    /// Every candidate of a route in stored order: who would be picked now, and why the others would not or not yet.
    /// Changes nothing. O(n), and only when asked.
    pub fn explain(&self, route: RouteId, session: SessionIx) -> Vec<Candidate> {
        let Some(found) = self.routes.get(route) else { return Vec::new() };
        let ranks = self.ranks(route, session);
        let model = found.model;
        let of_provider =
            |handle: &Handle| self.member(*handle).is_some_and(|member| member.provider == found.provider);
        self.handles()
            .filter(of_provider)
            .filter_map(|handle| Some((handle, self.member(handle)?)))
            .map(|(handle, member)| {
                let (out, until) = match self.standing(member, model) {
                    Standing::Ready => (None, None),
                    Standing::Out(OutReason::Paused, _) => {
                        (Some(OutReason::Paused), member.record.paused_until)
                    }
                    Standing::Out(reason, until) => (Some(reason), until.map(|at| self.now.wall_of(at))),
                };
                let rank = ranks.get(handle.0 as usize).copied().filter(|&rank| rank > 0);
                let upstream = self.upstream_of(handle, model).filter(|&upstream| Some(upstream) != model);
                let upstream = upstream.map(|upstream| self.models.text(upstream.0).into());
                Candidate { handle, out, until, picked: rank == Some(1), rank, upstream }
            })
            .collect()
    }

    /// By handle, the place in the order in which they would be picked, each time without those before: from 1, and 0
    /// for those that cannot. Changes nothing.
    fn ranks(&self, route: RouteId, session: SessionIx) -> Vec<u32> {
        let Some(found) = self.routes.get(route) else { return Vec::new() };
        let mut table = self.tables[found.provider.0 as usize].clone();
        let Some(mut cursors) = self.routes.rotation_of(route) else { return Vec::new() };
        cursors.follow(&table);
        let start = self.start_of(session);
        let choice = super::choice(&self.policy, start, self.seed, self.now.mono, &self.hot);
        let mut ranks = vec![0; self.members.len()];
        let mut last = 0;
        let mut next = self.peek(route, session);
        while let Some(handle) = next {
            last += 1;
            ranks[handle.0 as usize] = last;
            table.set(
                found.shard,
                handle,
                self.seats[handle.0 as usize],
                None,
                self.figure(handle, found.model),
            );
            next = table.pick(found.shard, choice, &mut cursors, |_| true);
        }
        ranks
    }

    /// Who would be picked now. Changes nothing.
    pub fn peek(&self, route: RouteId, session: SessionIx) -> Option<Handle> {
        let found = self.routes.get(route)?;
        let mut table = self.tables[found.provider.0 as usize].clone();
        let affinity = self.policy.affinity;
        if session != SessionIx::NONE && affinity.ties() {
            let fresh = |used: Instant| self.now.mono < used + affinity.ttl;
            let tied = self.ties.get(session, super::tie_key(affinity.kind, found.provider, route));
            let stays = |handle: Handle| {
                let seat = self.seats[handle.0 as usize];
                table.is_ready(found.shard, seat)
                    && !table.comes_second(found.shard, seat, self.override_legs, affinity.fail_back)
            };
            if let Some((handle, _)) = tied.filter(|&(handle, used)| fresh(used) && stays(handle)) {
                return Some(handle);
            }
        }
        let mut cursors = self.routes.rotation_of(route)?;
        cursors.follow(&table);
        let start = self.start_of(session);
        let choice = super::choice(&self.policy, start, self.seed, self.now.mono, &self.hot);
        table.pick(found.shard, choice, &mut cursors, |_| true)
    }

    /// The health of one scope: of a model, or of the whole credential.
    pub fn health(&self, handle: Handle, route: RouteId) -> Option<(Standing, Option<CooldownView>)> {
        let member = self.member(handle)?;
        let model = self.routes.get(route)?.model;
        let standing = self.standing(member, model);
        let name = self.upstream_of(handle, model).map(|model| self.models.text(model.0));
        let view = self.member_view(handle)?.cooldowns.into_iter().find(|cooldown| match name {
            Some(name) => cooldown.model.as_deref() == Some(name),
            None => cooldown.scope == Scope::Credential,
        });
        Some((standing, view))
    }

    /// When the first of a route's candidates comes back, where all are out: the hot path's refusal, once more.
    pub fn soonest(&mut self, route: RouteId) -> Acquire {
        let (code, at) = self.refusal(route, &|_| true);
        Acquire::Refused(code, at)
    }

    /// The strategy in force.
    pub const fn strategy(&self) -> Strategy {
        self.policy.strategy
    }
}

/// The whole state of an engine, without secrets: for logs and bug reports.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Both clocks at the last call.
    pub now: crate::time::Now,
    /// The store's generation, as far as it is known.
    pub generation: u64,
    /// Every credential.
    pub members: Vec<MemberView>,
    /// Effects that are under way.
    pub operations: usize,
    /// Callers that wait.
    pub waiters: usize,
    /// When something is due next.
    pub deadline: Option<super::Deadline>,
}

impl Engine {
    /// The whole state, without secrets.
    pub fn state(&self) -> State {
        State {
            now: self.now,
            generation: self.generation,
            members: self.handles().filter_map(|handle| self.member_view(handle)).collect(),
            operations: self.ops.len(),
            waiters: self.waiters.len(),
            deadline: self.next_deadline(),
        }
    }
}

impl ToJson for State {
    fn write(&self, to: &mut Writer) {
        object!(to, self { now, generation, members, operations, waiters, deadline });
    }
}

/// `CLIProxyAPI`'s word for a status of ours. What fails is an error until it is over; what waits for something else is
/// pending.
fn state_word(status: &str) -> &'static str {
    match status {
        "ready" => "active",
        "disabled" => "disabled",
        "cooling" | "expired" | "needs_login" => "error",
        "not_in_cascade" => "unknown",
        _ => "pending",
    }
}

impl ToJson for MemberView {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            handle,
            id if given,
            index,
            provider,
            name,
            kind,
            origin,
            priority,
            weight,
            models,
            excluded_models as "excludedModels" if given,
            aliases if given,
            prefix if given,
            limits if (self.limits != Limits::default()),
            enabled,
            disabled_cause as "disabledCause" if given,
            fault if given,
            paused_until as "pausedUntil" if given,
            cooling if given,
            source if given,
            expires if given,
            base_url as "baseUrl" if given,
            proxy_url as "proxyUrl" if given,
            headers if given,
            retry if given,
            identity,
            state,
            status,
            in_flight as "inFlight",
            last_used as "lastUsed" if given,
            success,
            failure,
            last_error as "lastError" if given,
            last_error_at as "lastErrorAt" if given,
            next_retry as "nextRetry" if given,
            next_refresh as "nextRefresh" if given,
            recent if given,
            cooldowns,
        });
    }
}

impl ToJson for CooldownView {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            scope,
            model if given,
            active,
            reason if given,
            until,
            level,
            source,
            circuit if (self.circuit != Circuit::Closed),
            failures if given,
        });
    }
}
