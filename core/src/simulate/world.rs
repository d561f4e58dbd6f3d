//! Pools, a store and a clock: the host of a simulation.

use super::scenario::{CredentialSpec, HttpSpec, Scenario, ScenarioError};
use super::store::{Committed, MemoryStore};
use super::verbs::Later;
use crate::credential::{Identity, Origin};
use crate::engine::Event;
use crate::id::{Handle, LeaseId, OpId, RequestId};
use crate::json::Value;
use crate::pool::{Answer, CredentialInput, HostEffect, Pool, PoolConfig, PoolInput, SecretInput};
use crate::secret::Secret;
use crate::sorted_map::SortedMap;
use crate::time::{Instant, Now, Timestamp};
use crate::vault::Client;
use crate::verdict::TransportError;
use crate::wire::http::HttpRequest;
use std::collections::BTreeMap;

pub(super) struct World {
    pub(super) pools: Vec<Process>,
    pub(super) leases: BTreeMap<Box<str>, (usize, LeaseId)>,
    /// Steps that wait while others run.
    pub(super) later: BTreeMap<Box<str>, Later>,
    store: MemoryStore,
    policy: Value,
    seed: u64,
    env: SortedMap<String, String>,
    start: u64,
    /// Milliseconds since `start`.
    clock: u64,
    jump: i64,
    last_request: u64,
    answers: BTreeMap<RequestId, Answer>,
    http: Vec<HttpSpec>,
    /// What comes later: when, in which order, for whom.
    coming: BTreeMap<(u64, u64), (usize, u64, PoolInput)>,
    last_coming: u64,
    /// Each process that ever lived has a number.
    last_owner: u64,
}

/// A step waits no longer than this for what it started.
const LONGEST_STEP: u64 = 24 * 3_600_000;

/// One process: a pool, and what its host remembers.
pub(super) struct Process {
    pub(super) pool: Pool,
    pub(super) events: Vec<Event>,
    deadline: Option<Instant>,
    /// The store's generation when it looked last.
    seen: u64,
    /// Requests that it sent.
    pub(super) sent: Vec<HttpRequest>,
    /// Which process this is of those that ever lived: what came for another is lost with it.
    owner: u64,
}

impl World {
    pub(super) fn new(scenario: &Scenario) -> Result<Self, ScenarioError> {
        let mut policy = scenario.policy.clone();
        if policy.is_null() {
            policy = Value::Object(Vec::new());
        }
        if let (Some(preset), true) = (&scenario.preset, policy.is_object()) {
            policy.set("extends", preset.as_str());
        }
        let mut world = Self {
            pools: Vec::new(),
            leases: BTreeMap::new(),
            later: BTreeMap::new(),
            store: MemoryStore::default(),
            policy,
            seed: scenario.seed,
            env: scenario.env.clone(),
            start: scenario.start,
            clock: 0,
            jump: 0,
            last_request: 0,
            answers: BTreeMap::new(),
            http: scenario.http.clone(),
            coming: BTreeMap::new(),
            last_coming: 0,
            last_owner: 0,
        };
        let first = world.process()?;
        world.pools.push(first);
        world.boot(0);
        let mut credentials = Vec::with_capacity(scenario.credentials.len());
        for (index, spec) in scenario.credentials.iter().enumerate() {
            let input = world.credential(spec);
            let input = input.map_err(|error| {
                ScenarioError::new(&format!("credentials[{index}].{}", error.path), error.message)
            })?;
            credentials.push(input);
        }
        let request = world.request();
        world.feed(0, PoolInput::Add { request, credentials });
        if let Some(Answer::Failed { message, .. }) = world.answer(request) {
            return Err(ScenarioError::new("credentials", message.as_ref()));
        }
        world.write_last_uses(scenario);
        while world.pools.len() < scenario.pools {
            let process = world.process()?;
            world.pools.push(process);
            world.boot(world.pools.len() - 1);
        }
        world.crash(0)?;
        world.pools[0].events.clear();
        Ok(world)
    }

    /// The rules that a process is started with from now on.
    pub(super) fn keep_policy(&mut self, policy: &Value) {
        self.policy = policy.clone();
    }

    fn process(&mut self) -> Result<Process, ScenarioError> {
        self.last_owner += 1;
        let owner = self.last_owner;
        let config = PoolConfig { policy: self.policy.clone(), seed: self.seed, ..PoolConfig::default() };
        let pool =
            Pool::new(config, self.now()).map_err(|error| ScenarioError::new("policy", error.to_string()))?;
        Ok(Process { pool, events: Vec::new(), deadline: None, seen: 0, sent: Vec::new(), owner })
    }

    /// Loads the store and sets the environment's keys.
    fn boot(&mut self, process: usize) {
        let request = self.request();
        self.feed(process, PoolInput::Load { request });
        self.pools[process].seen = self.store.generation;
        if self.env.is_empty() {
            return;
        }
        let providers: Vec<Box<str>> = self.pools[process].pool.registry().names().map(Into::into).collect();
        for provider in providers {
            let Some(facts) = self.pools[process].pool.registry().facts(&provider) else { continue };
            let set = |name: &str| self.env.get(name).is_some_and(|value| !value.trim().is_empty());
            let Some(name) = facts.environment.iter().find(|name| set(name)) else { continue };
            let key = self.env.get(&**name).map(|value| value.as_str().into());
            let request = self.request();
            let secret = Some(SecretInput { key, ..SecretInput::default() });
            let (origin, name) = (Origin::Env, Some(name.clone()));
            self.feed(process, PoolInput::Override { request, provider, origin, kind: None, secret, name });
        }
    }

    fn write_last_uses(&mut self, scenario: &Scenario) {
        use crate::engine::{RowId, RowKind};
        let uses = scenario.credentials.iter().zip(1..).filter_map(|(spec, id)| Some((id, spec.last_used?)));
        let mutations: Vec<_> = uses
            .map(|(id, used)| crate::pool::MutationData {
                kind: RowKind::Usage,
                id: Some(RowId::Number(id)),
                expects: None,
                data: Some(format!("{{\"last_used\":{}}}", self.start + used).into()),
                secret: None,
            })
            .collect();
        let _ = self.store.commit(mutations);
    }

    /// The process dies: what is in the store is all that is left.
    pub(super) fn crash(&mut self, process: usize) -> Result<(), ScenarioError> {
        let events = std::mem::take(&mut self.pools[process].events);
        let sent = std::mem::take(&mut self.pools[process].sent);
        self.pools[process] = self.process()?;
        (self.pools[process].events, self.pools[process].sent) = (events, sent);
        self.leases.retain(|_, (of, _)| *of != process);
        self.boot(process);
        Ok(())
    }

    pub(super) fn jump(&mut self, by: i64) {
        self.jump = self.jump.saturating_add(by);
    }

    pub(super) fn now(&self) -> Now {
        let wall = self.start.saturating_add(self.clock).saturating_add_signed(self.jump);
        Now::from_millis(wall, self.clock)
    }

    /// An instant of the wall clock on the line of `at`.
    pub(super) fn line(&self, at: Timestamp) -> i64 {
        let line = i128::from(at.0) - i128::from(self.start) - i128::from(self.jump);
        i64::try_from(line).unwrap_or(i64::MAX)
    }

    /// A time of the script as an instant of the wall clock.
    pub(super) const fn instant(&self, at: u64) -> Timestamp {
        Timestamp(self.start.saturating_add(at))
    }

    /// Moves the clock on; what is due by then is done first, in the order of its deadlines.
    pub(super) fn advance(&mut self, at: u64) {
        while self.next_until(at) {}
        self.clock = self.clock.max(at);
    }

    /// Goes on until a request has its answer.
    pub(super) fn wait_for(&mut self, request: RequestId) {
        let longest = self.clock.saturating_add(LONGEST_STEP);
        while !self.is_answered(request) && self.next_until(longest) {}
    }

    /// Does what comes next, if it comes by then: an answer of the network, or a deadline.
    fn next_until(&mut self, at: u64) -> bool {
        let coming = self.coming.keys().next().copied().filter(|&(when, _)| when <= at);
        let due =
            self.pools.iter().enumerate().filter_map(|(index, process)| Some((process.deadline?, index)));
        let due = due.min().filter(|(deadline, _)| deadline.0 <= at);
        if let Some(key) = coming.filter(|&(when, _)| due.is_none_or(|(deadline, _)| when <= deadline.0)) {
            self.clock = self.clock.max(key.0);
            if let Some((process, owner, input)) = self.coming.remove(&key) {
                if self.pools[process].owner == owner {
                    self.feed(process, input);
                }
            }
            return true;
        }
        let Some((deadline, process)) = due else { return false };
        self.clock = self.clock.max(deadline.0);
        self.feed(process, PoolInput::Tick {});
        // A deadline that stays due would hold the clock for ever.
        self.pools[process].deadline.is_none_or(|next| next > deadline)
    }

    pub(super) fn is_answered(&self, request: RequestId) -> bool {
        self.answers.contains_key(&request)
    }

    pub(super) const fn clock(&self) -> u64 {
        self.clock
    }

    /// Before a step a process sees what others have committed.
    pub(super) fn look(&mut self, process: usize) {
        if self.pools[process].seen != self.store.generation {
            let request = self.request();
            self.feed(process, PoolInput::Load { request });
            self.pools[process].seen = self.store.generation;
        }
    }

    pub(super) fn request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    pub(super) fn answer(&mut self, request: RequestId) -> Option<Answer> {
        self.answers.remove(&request)
    }

    /// Gives an input to a pool, and performs what it asks for until nothing is left.
    pub(super) fn feed(&mut self, process: usize, input: PoolInput) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let now = self.now();
            let step = self.pools[process].pool.handle(now, input);
            self.pools[process].deadline = step.deadline.map(|deadline| deadline.at);
            self.pools[process].events.extend(step.events);
            for effect in step.effects {
                match effect {
                    HostEffect::Load { op, since } => {
                        let (generation, rows) = (self.store.generation, self.store.load(since));
                        self.pools[process].seen = generation;
                        inputs.push(PoolInput::Loaded { op, generation, rows });
                    }
                    HostEffect::Lease { op, key, ttl } => {
                        let (owner, until) = (self.pools[process].owner, self.clock + ttl.0);
                        let fence = self.store.lease(key, owner, until, self.clock);
                        inputs.push(leased(op, fence));
                    }
                    HostEffect::Renew { op, key, fence, ttl } => {
                        let (owner, until) = (self.pools[process].owner, self.clock + ttl.0);
                        let fence = self.store.renew(&key, owner, fence, until, self.clock);
                        inputs.push(leased(op, fence));
                    }
                    HostEffect::Release { key, fence } => {
                        self.store.release(&key, self.pools[process].owner, fence);
                    }
                    HostEffect::Http { op, request, .. } => {
                        let (after, input) = self.respond(op, &request);
                        self.pools[process].sent.push(request);
                        if after == 0 {
                            inputs.push(input);
                        } else {
                            self.last_coming += 1;
                            let key = (self.clock.saturating_add(after), self.last_coming);
                            self.coming.insert(key, (process, self.pools[process].owner, input));
                        }
                    }
                    HostEffect::RefreshByHost { op, .. } => {
                        let code = "no_host".into();
                        inputs.push(PoolInput::HostRefreshFailed {
                            op,
                            definitive: false,
                            code,
                            retry_after: None,
                        });
                    }
                    HostEffect::Commit { op, mutations } => {
                        // What this process wrote itself is no news to it.
                        let current = self.pools[process].seen == self.store.generation;
                        let input = match self.store.commit(mutations) {
                            Committed::Done(rows) => {
                                PoolInput::Committed { op, generation: self.store.generation, rows }
                            }
                            Committed::Conflict(rows) => PoolInput::Conflict { op, rows },
                        };
                        if current {
                            self.pools[process].seen = self.store.generation;
                        }
                        inputs.push(input);
                    }
                    HostEffect::Advise { op, .. } => {
                        inputs.push(PoolInput::Advised { op, lead: None, renew: None, decided: false });
                    }
                    HostEffect::Prompt { .. } => {}
                    HostEffect::Reply { request, answer } => {
                        self.answers.insert(request, answer);
                    }
                }
            }
        }
    }

    /// What the network answers, and after how long.
    fn respond(&mut self, op: OpId, request: &HttpRequest) -> (u64, PoolInput) {
        let fits = |spec: &HttpSpec| {
            spec.matches.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(request.method))
                && spec.matches.url.as_deref().is_none_or(|url| *url == *request.url)
        };
        let Some(at) = self.http.iter().position(fits) else {
            return (0, PoolInput::Unanswered { op, sent: false });
        };
        let respond = self.http.remove(at).respond;
        let input = match (respond.transport, respond.status) {
            (Some(transport), _) => {
                PoolInput::Unanswered { op, sent: transport != TransportError::Connection }
            }
            (None, status) => {
                let headers =
                    respond.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                let body = match respond.body {
                    Value::Null => String::new(),
                    Value::String(text) => text,
                    body => body.to_string(),
                };
                PoolInput::Answered { op, status: status.unwrap_or(200), headers, body }
            }
        };
        (respond.after, input)
    }

    /// The credential of a name.
    pub(super) fn named(
        &self,
        process: usize,
        name: &str,
        provider: Option<&str>,
    ) -> Result<Handle, ScenarioError> {
        let engine = self.pools[process].pool.engine();
        let registry = self.pools[process].pool.registry();
        let provider = provider.map(|provider| registry.resolve(provider).unwrap_or(provider));
        let fits = |handle: &Handle| {
            engine.record(*handle).is_some_and(|record| {
                &*record.name == name && provider.is_none_or(|provider| &*record.provider == provider)
            })
        };
        let mut found = engine.handles().filter(fits);
        match (found.next(), found.next()) {
            (Some(handle), None) => Ok(handle),
            (None, _) => Err(ScenarioError::new("name", format!("there is no credential `{name}`"))),
            _ => {
                Err(ScenarioError::new("name", format!("several credentials are named `{name}`: say whose")))
            }
        }
    }

    pub(super) fn credential(&self, spec: &CredentialSpec) -> Result<CredentialInput, ScenarioError> {
        let provider = spec.provider.clone();
        let provider = provider.ok_or_else(|| ScenarioError::new("provider", "is missing"))?;
        Ok(CredentialInput {
            provider,
            name: spec.name.clone(),
            kind: spec.kind,
            key: spec.key.clone(),
            token: spec.token.clone(),
            access: spec.access.clone(),
            refresh: spec.refresh.clone(),
            priority: spec.priority.unwrap_or(0),
            weight: spec.weight,
            models: spec.models.clone().unwrap_or_default(),
            excluded_models: spec.excluded_models.clone().unwrap_or_default(),
            aliases: spec.aliases.clone().unwrap_or_default(),
            prefix: spec.prefix.clone(),
            limits: spec.limits.unwrap_or_default(),
            enabled: spec.enabled,
            cooling: spec.cooling,
            source: spec.source.clone(),
            expires: spec.expires.map(|at| self.instant(at)),
            base_url: spec.base_url.clone(),
            token_url: spec.token_url.clone(),
            proxy_url: spec.proxy_url.clone(),
            headers: None,
            retry: spec.retry,
            identity: identity(spec),
            client: client(spec),
        })
    }
}

const fn leased(op: OpId, fence: Option<u64>) -> PoolInput {
    match fence {
        Some(fence) => PoolInput::Leased { op, fence },
        None => PoolInput::Busy { op },
    }
}

fn client(spec: &CredentialSpec) -> Option<Box<Client>> {
    let id = spec.client_id.clone()?;
    let secret = spec.client_secret.as_deref().map(Secret::new);
    Some(Box::new(Client { id, secret, grant: spec.grant.clone(), ..Client::default() }))
}

pub(super) fn identity(spec: &CredentialSpec) -> Identity {
    Identity {
        email: spec.email.clone(),
        account_id: spec.account_id.clone(),
        org_id: spec.org_id.clone(),
        project_id: spec.project_id.clone(),
        enterprise_url: spec.enterprise_url.clone(),
    }
}
