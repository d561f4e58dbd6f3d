//! Pools, a store and a clock: the host of a simulation.

use super::scenario::{CredentialSpec, Scenario, ScenarioError};
use super::store::{Committed, MemoryStore};
use super::verbs::Asked;
use crate::credential::{Identity, Origin};
use crate::engine::Event;
use crate::id::{Handle, LeaseId, RequestId};
use crate::json::Value;
use crate::pool::{Answer, CredentialInput, HostEffect, Pool, PoolConfig, PoolInput, SecretInput};
use crate::sorted_map::SortedMap;
use crate::time::{Instant, Now, Timestamp};
use std::collections::BTreeMap;

pub(super) struct World {
    pub(super) pools: Vec<Process>,
    pub(super) leases: BTreeMap<Box<str>, (usize, LeaseId)>,
    /// Those that wait for a credential while other steps run.
    pub(super) waiting: BTreeMap<Box<str>, Asked>,
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
}

/// One process: a pool, and what its host remembers.
pub(super) struct Process {
    pub(super) pool: Pool,
    pub(super) events: Vec<Event>,
    deadline: Option<Instant>,
    /// The store's generation when it looked last.
    seen: u64,
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
            waiting: BTreeMap::new(),
            store: MemoryStore::default(),
            policy,
            seed: scenario.seed,
            env: scenario.env.clone(),
            start: scenario.start,
            clock: 0,
            jump: 0,
            last_request: 0,
            answers: BTreeMap::new(),
        };
        world.pools.push(world.process()?);
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

    fn process(&self) -> Result<Process, ScenarioError> {
        let config = PoolConfig { policy: self.policy.clone(), seed: self.seed, ..PoolConfig::default() };
        let pool =
            Pool::new(config, self.now()).map_err(|error| ScenarioError::new("policy", error.to_string()))?;
        Ok(Process { pool, events: Vec::new(), deadline: None, seen: 0 })
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
        self.pools[process] = self.process()?;
        self.pools[process].events = events;
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
        loop {
            let due =
                self.pools.iter().enumerate().filter_map(|(index, process)| Some((process.deadline?, index)));
            let Some((deadline, process)) = due.min().filter(|(deadline, _)| deadline.0 <= at) else { break };
            self.clock = self.clock.max(deadline.0);
            self.feed(process, PoolInput::Tick {});
            if self.pools[process].deadline.is_some_and(|next| next <= deadline) {
                // A deadline that stays due would hold the clock for ever.
                break;
            }
        }
        self.clock = self.clock.max(at);
    }

    /// An answer, for which the clock moves on from deadline to deadline.
    pub(super) fn answer_in_time(&mut self, process: usize, request: RequestId) -> Option<Answer> {
        loop {
            let answer = self.answer(request);
            if answer.is_some() {
                return answer;
            }
            let deadline = self.pools[process].deadline?.0.max(self.clock);
            self.advance(deadline);
        }
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
                    HostEffect::Load { op } => {
                        let (generation, rows) = (self.store.generation, self.store.load());
                        inputs.push(PoolInput::Loaded { op, generation, rows });
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
                    HostEffect::Http { op, .. } => {
                        inputs.push(PoolInput::Failed { op, message: "there is no network".into() });
                    }
                    HostEffect::Prompt { .. } => {}
                    HostEffect::Reply { request, answer } => {
                        self.answers.insert(request, answer);
                    }
                }
            }
        }
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
            identity: identity(spec),
            client: None,
        })
    }
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
