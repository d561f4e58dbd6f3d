//! The world around the pools: calls take their time, some go wrong, and after every event it is looked whether the rules hold.

use super::fate::{Fate, Fates};
use super::scenario::{On, Scenario, ScenarioError, WorldSpec};
use super::server::{Called, Said, Server};
use super::watch::{judge, Judgement, Watch, MOST_EVENTS, PATIENCE};
use super::world::{Coming, World};
use crate::engine::Next;
use crate::entropy::Seed;
use crate::id::{CredentialId, Handle, LeaseId, OpId, RequestId};
use crate::json;
use crate::pool::{Answer, HostEffect, Outcome, PoolInput, PoolStep, RowData};
use crate::time::Span;
use crate::wire::http::HttpRequest;
use std::collections::BTreeSet;

/// Who could not read the store when it began tries again after this.
const AGAIN: u64 = 1_000;

/// What is around the pools of a world.
pub(super) struct Around {
    pub(super) server: Server,
    pub(super) watch: Watch,
    fates: Fates,
    life: (u64, u64),
    network: (u64, u64),
    accounts: usize,
    /// Whoever stands before the store is away until then.
    store_down: u64,
    visits: BTreeSet<(usize, RequestId)>,
    /// Who reads the store for the first time.
    pub(super) loads: BTreeSet<(usize, RequestId)>,
}

/// A call on its way to the provider, or back.
pub(super) struct Call {
    lease: LeaseId,
    handle: Handle,
    version: u64,
    access: String,
    said: Option<Called>,
}

impl Around {
    pub(super) fn new(spec: &WorldSpec, scenario: &Scenario) -> Result<Self, ScenarioError> {
        if let Some((place, why)) = spec.problem(scenario.pools) {
            return Err(ScenarioError::new(&place, why));
        }
        let (mut server, mut watch) = (Server::new(spec), Watch::default());
        for (account, credential) in scenario.credentials.iter().enumerate() {
            let (Some(access), Some(refresh)) = (&credential.access, &credential.refresh) else {
                let place = format!("credentials[{account}].refresh");
                return Err(ScenarioError::new(&place, "is missing: in a world all are accounts"));
            };
            server.know(account, refresh, access, credential.expires.unwrap_or(u64::MAX));
            watch.durable.insert(access.to_string());
        }
        Ok(Self {
            server,
            watch,
            fates: Fates::new(spec, Seed(scenario.seed), scenario.pools),
            life: spec.life,
            network: spec.network,
            accounts: scenario.credentials.len(),
            store_down: 0,
            visits: BTreeSet::new(),
            loads: BTreeSet::new(),
        })
    }

    /// Somebody will want an answer.
    fn expects(&mut self, pool: usize, input: &PoolInput, now: u64) {
        let (request, wait) = match input {
            PoolInput::Acquire { request, wait, .. } | PoolInput::Refresh { request, wait, .. } => {
                (*request, wait.0)
            }
            _ => return,
        };
        self.watch.asked.insert((pool, request), now + wait.max(PATIENCE));
    }
}

impl World {
    /// Before a pool is given something.
    pub(super) fn before(&mut self, pool: usize, input: &PoolInput) {
        let now = self.clock();
        let Some(around) = &mut self.around else { return };
        around.watch.events += 1;
        if around.watch.events > MOST_EVENTS {
            around.watch.broke("it never comes to rest".to_owned());
        }
        around.expects(pool, input, now);
    }

    /// After it: does everything hold?
    pub(super) fn after(&mut self, pool: usize, step: &PoolStep) {
        let Some(around) = &mut self.around else { return };
        if !step.events.is_empty() {
            around.watch.told("an event", &json::write(&step.events));
        }
        let of = &self.pools[pool].pool;
        for secret in of.engine().handles().filter_map(|handle| of.secret(handle)) {
            if secret.starts_with("sim-at-") && !around.watch.durable.contains(secret) {
                around.watch.broke(format!("{secret} is in use, and not durable"));
            }
        }
    }

    /// Sends what a pool asks for on its way. Back comes what is not sent but done at once.
    pub(super) fn send(&mut self, pool: usize, effect: HostEffect) -> Option<HostEffect> {
        let now = self.clock();
        let owner = self.pools[pool].owner;
        let Some(around) = &mut self.around else { return Some(effect) };
        let on = match &effect {
            HostEffect::Load { .. } => On::Load,
            HostEffect::Lease { .. } => On::Lease,
            HostEffect::Renew { .. } => On::Renew,
            HostEffect::Commit { .. } => On::Commit,
            HostEffect::Http { request, .. } if token_of(request).is_some() => On::Request,
            HostEffect::Reply { .. } => {
                self.replied(pool, &effect);
                return Some(effect);
            }
            _ => return Some(effect),
        };
        let fate = around.fates.next(pool, on, now);
        let HostEffect::Http { op, request, .. } = effect else {
            self.later(fate.there, pool, owner, Coming::Reach(effect, fate));
            return None;
        };
        let token = token_of(&request).unwrap_or_default();
        let account = around.server.state(&token).map(|(account, _)| account);
        let holder = account.and_then(|account| self.store.holder(&format!("refresh/{}", account + 1), now));
        around.watch.sends(&around.server, &token, owner, holder);
        let number = around.server.sent(owner, &token);
        if let Some(told) = fate.lost {
            let input = PoolInput::Unanswered { op, sent: true };
            self.later(fate.there + told, pool, owner, Coming::Input(input));
        } else if fate.fails {
            let input = PoolInput::Answered { op, status: 503, headers: Vec::new(), body: String::new() };
            self.later(fate.there + fate.back, pool, owner, Coming::Input(input));
        } else {
            self.later(fate.there, pool, owner, Coming::Exchange { op, token, number, fate });
        }
        None
    }

    /// What was sent arrives at the store.
    pub(super) fn reach(&mut self, pool: usize, owner: u64, effect: HostEffect, fate: Fate) {
        let now = self.clock();
        let Some(op) = op_of(&effect) else { return };
        let down = self.around.as_ref().is_some_and(|around| now < around.store_down);
        let input = if fate.fails || down || fate.lost.is_some() {
            failed(op)
        } else {
            let mut secrets = Vec::new();
            if let HostEffect::Commit { mutations, .. } = &effect {
                secrets.extend(mutations.iter().filter_map(|mutation| mutation.secret.clone()));
            }
            let done = self.at_store(pool, owner, effect);
            if let (Some(PoolInput::Committed { .. }), Some(around)) = (&done, &mut self.around) {
                for secret in &secrets {
                    around.watch.committed(secret);
                }
            }
            if fate.fails_after {
                failed(op)
            } else {
                done.unwrap_or_else(|| failed(op))
            }
        };
        let after = fate.back + fate.lost.unwrap_or(0);
        if let Some(again) = fate.again {
            if let Some(twin) = twin(&input) {
                self.later(after + again, pool, owner, Coming::Input(twin));
            }
        }
        self.later(after, pool, owner, Coming::Input(input));
    }

    /// A refresh token arrives at the provider.
    pub(super) fn exchange(
        &mut self,
        pool: usize,
        owner: u64,
        op: OpId,
        token: &str,
        number: usize,
        fate: Fate,
    ) {
        let now = self.clock();
        let Some(around) = &mut self.around else { return };
        let life = around.fates.between(around.life);
        let (status, body) = match around.server.exchange(number, token, now, life) {
            Said::Tokens { access, refresh, life } => (
                200,
                format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}","expires_in":{life}}}"#),
            ),
            Said::Dead => (400, r#"{"error":"invalid_grant"}"#.to_owned()),
        };
        if fate.fails_after {
            let input = PoolInput::Unanswered { op, sent: true };
            return self.later(fate.back + 1_000, pool, owner, Coming::Input(input));
        }
        for after in [Some(0), fate.again].into_iter().flatten() {
            let input = PoolInput::Answered { op, status, headers: Vec::new(), body: body.clone() };
            self.later(fate.back + after, pool, owner, Coming::Answer(input, number));
        }
    }

    /// Somebody wants to call the provider.
    pub(super) fn visit(&mut self, pool: usize, provider: &str) {
        let request = self.request();
        if let Some(around) = &mut self.around {
            around.visits.insert((pool, request));
        }
        self.feed(
            pool,
            PoolInput::Acquire {
                request,
                providers: vec![provider.into()],
                model: None,
                session: None,
                known_as: None,
                exclude: Vec::new(),
                tried: Vec::new(),
                round: 0,
                after: None,
                wait: Span::ZERO,
                prefer: None,
                now: false,
            },
        );
    }

    /// A pool answers somebody.
    fn replied(&mut self, pool: usize, effect: &HostEffect) {
        let now = self.clock();
        let wall = self.now_of(pool).wall;
        let HostEffect::Reply { request, answer } = effect else { return };
        let (request, owner) = (*request, self.pools[pool].owner);
        let Some(around) = &mut self.around else { return };
        around.watch.told("an answer", &json::write(answer));
        around.watch.answered(pool, request, now);
        let visits = around.visits.remove(&(pool, request));
        if around.loads.remove(&(pool, request)) && matches!(answer, Answer::Failed { .. }) {
            return self.later(AGAIN, pool, owner, Coming::Load);
        }
        let Answer::Leased { lease, handle, forced, .. } = answer else { return };
        let of = &self.pools[pool].pool;
        let Some(record) = of.engine().record(*handle) else { return };
        let id = of.engine().origin(*handle).and_then(|(_, id)| id).map_or(0, |id| id.0);
        if record.expires.is_some_and(|at| at <= wall) {
            around.watch.broke(format!("{} is given out expired", record.name));
        }
        if !record.enabled {
            around.watch.broke(format!("{} is given out disabled", record.name));
        }
        if !forced && around.watch.resting.get(&(pool, id)).is_some_and(|until| now < *until) {
            around.watch.broke(format!("{} is given out before its window has ended", record.name));
        }
        if visits {
            let access = of.secret(*handle).unwrap_or_default().to_owned();
            let call =
                Call { lease: *lease, handle: *handle, version: record.secret_version, access, said: None };
            let after = around.fates.between(around.network);
            self.later(after, pool, owner, Coming::Call(call));
        }
    }

    /// A call arrives, or its answer does.
    pub(super) fn called(&mut self, pool: usize, owner: u64, mut call: Call) {
        let now = self.clock();
        let Some(around) = &mut self.around else { return };
        let Some(said) = call.said else {
            call.said = Some(around.server.call(&call.access, now));
            let after = around.fates.between(around.network);
            return self.later(after, pool, owner, Coming::Call(call));
        };
        let id = self.pools[pool].pool.engine().origin(call.handle).and_then(|(_, id)| id);
        let mut outcome = Outcome { ok: said == Called::Good, ..Outcome::default() };
        match said {
            Called::Good => {}
            Called::Refused => outcome.status = Some(401),
            Called::Limited(left) => {
                let seconds = left.div_ceil(1000);
                outcome.status = Some(429);
                outcome.headers = vec![("retry-after".to_owned(), seconds.to_string())];
                if let Some(id) = id {
                    around.watch.resting.insert((pool, id.0), now + seconds * 1000);
                }
            }
        }
        let request = self.request();
        self.feed(
            pool,
            PoolInput::Report {
                request,
                lease: Some(call.lease),
                handle: None,
                model: None,
                session: None,
                outcome,
                attempts: 1,
                refreshed: false,
            },
        );
        if let Some(Answer::Reported { action: Next::Refresh, .. }) = self.answer(request) {
            let request = self.request();
            let failed = Some(call.version);
            if let Some(id) = id {
                self.feed(pool, PoolInput::Refresh { request, id, force: true, failed, wait: Span::ZERO });
            }
        }
    }

    /// The process stands still; who waits for it waits longer.
    pub(super) fn freeze(&mut self, pool: usize, span: u64) {
        let until = self.clock() + span;
        self.pools[pool].frozen_until = self.pools[pool].frozen_until.max(until);
        if let Some(around) = &mut self.around {
            for (_, by) in around.watch.asked.iter_mut().filter(|((of, _), _)| *of == pool) {
                *by += span;
            }
        }
    }

    /// Is the store away?
    pub(super) fn is_store_down(&self) -> bool {
        self.around.as_ref().is_some_and(|around| self.clock() < around.store_down)
    }

    /// Whoever stands before the store goes and comes back.
    pub(super) fn take_store_down(&mut self, span: u64) {
        let until = self.clock() + span;
        if let Some(around) = &mut self.around {
            around.store_down = around.store_down.max(until);
        }
        for (_, _, coming) in self.coming.values_mut() {
            if let Coming::Input(input) = coming {
                let op = match input {
                    PoolInput::Loaded { op, .. }
                    | PoolInput::Leased { op, .. }
                    | PoolInput::Busy { op }
                    | PoolInput::Committed { op, .. }
                    | PoolInput::Conflict { op, .. } => *op,
                    _ => continue,
                };
                *input = failed(op);
            }
        }
    }

    /// Nobody of this pool's life waits any more.
    pub(super) fn forget_life(&mut self, pool: usize) {
        if let Some(around) = &mut self.around {
            around.watch.asked.retain(|(of, _), _| *of != pool);
            around.watch.resting.retain(|(of, _), _| *of != pool);
        }
    }

    /// Is everything as it should be? Answers how the accounts stand.
    pub(super) fn check(&mut self) -> Judgement {
        self.look_around();
        let is_fresh = |id: u64| {
            let of = |pool: usize| {
                let engine = self.pools[pool].pool.engine();
                let handle = engine.find(CredentialId(id));
                handle.and_then(|handle| engine.record(handle)?.expires)
            };
            (0..self.pools.len()).any(|pool| of(pool).is_some_and(|at| at > self.now_of(pool).wall))
        };
        let judged = self
            .around
            .as_ref()
            .map(|around| judge(&around.server, &self.store, &around.watch, around.accounts, is_fresh));
        let Some(around) = &mut self.around else { return Judgement::default() };
        match judged.unwrap_or_else(|| Ok(Judgement::default())) {
            Ok(judged) => judged,
            Err(rule) => {
                around.watch.broke(rule);
                Judgement::default()
            }
        }
    }

    /// Looks for answers that are overdue.
    pub(super) fn look_around(&mut self) {
        let now = self.clock();
        if let Some(around) = &mut self.around {
            around.watch.look(now, |pool| !self.pools[pool].is_away(now));
        }
    }

    /// Which rule was broken first.
    pub(super) fn broken(&self) -> Option<&str> {
        self.around.as_ref()?.watch.broken.as_deref()
    }

    pub(super) fn broke(&mut self, rule: &str) {
        if let Some(around) = &mut self.around {
            around.watch.broke(rule.to_owned());
        }
    }
}

fn failed(op: OpId) -> PoolInput {
    PoolInput::Failed { op, message: "the disk is full".into() }
}

const fn op_of(effect: &HostEffect) -> Option<OpId> {
    match effect {
        HostEffect::Load { op, .. }
        | HostEffect::Lease { op, .. }
        | HostEffect::Renew { op, .. }
        | HostEffect::Commit { op, .. } => Some(*op),
        _ => None,
    }
}

/// The refresh token that a request shows.
fn token_of(request: &HttpRequest) -> Option<String> {
    let body = request.body.as_ref()?.expose();
    Some(body.split('&').find_map(|pair| pair.strip_prefix("refresh_token="))?.to_owned())
}

/// The same answer of a store once more.
fn twin(input: &PoolInput) -> Option<PoolInput> {
    let rows = |rows: &[RowData]| rows.iter().map(RowData::twin).collect();
    Some(match input {
        PoolInput::Loaded { op, generation, rows: of } => {
            PoolInput::Loaded { op: *op, generation: *generation, rows: rows(of) }
        }
        PoolInput::Leased { op, fence } => PoolInput::Leased { op: *op, fence: *fence },
        PoolInput::Busy { op } => PoolInput::Busy { op: *op },
        PoolInput::Committed { op, generation, rows } => {
            PoolInput::Committed { op: *op, generation: *generation, rows: rows.clone() }
        }
        PoolInput::Conflict { op, rows: of } => PoolInput::Conflict { op: *op, rows: rows(of) },
        PoolInput::Failed { op, .. } => failed(*op),
        _ => return None,
    })
}
