//! Pools, a store and a clock: the host of a simulation.

use super::around::{Around, Call};
use super::fate::Fate;
use super::scenario::{CredentialSpec, HttpSpec, Scenario, ScenarioError, Verb};
use super::store::{Committed, MemoryStore};
use super::verbs::Later;
use crate::credential::{Identity, Origin};
use crate::engine::{Entry, Event, History};
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
    pub(super) store: MemoryStore,
    /// What is around the pools, where the scenario says.
    pub(super) around: Option<Around>,
    policy: Value,
    seed: u64,
    env: SortedMap<String, String>,
    start: u64,
    /// Milliseconds since `start`.
    clock: u64,
    jump: i64,
    /// What the store remembers.
    pub(super) histories: Vec<(History, Timestamp, Box<str>)>,
    last_request: u64,
    answers: BTreeMap<RequestId, Answer>,
    http: Vec<HttpSpec>,
    /// What comes later: when, in which order, for whom.
    pub(super) coming: BTreeMap<(u64, u64), (usize, u64, Coming)>,
    last_coming: u64,
    /// Each process that ever lived has a number.
    last_owner: u64,
}

/// A step waits no longer than this for what it started.
const LONGEST_STEP: u64 = 24 * 3_600_000;

/// What comes.
pub(super) enum Coming {
    /// To a pool, if it still lives.
    Input(PoolInput),
    /// The same: the answer to this exchange of tokens.
    Answer(PoolInput, usize),
    /// At the store, whatever became of who sent it.
    Reach(HostEffect, Fate),
    /// At the token endpoint.
    Exchange { op: OpId, token: String, number: usize, fate: Fate },
    /// A call, there or back.
    Call(Call),
    /// The process lives again.
    Back,
    /// It tries once more to read the store.
    Load,
}

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
    pub(super) owner: u64,
    /// It stands still until then.
    pub(super) frozen_until: u64,
    /// It is dead, and will come back.
    down: bool,
    /// How far its own wall clock is off.
    jump: i64,
}

impl Process {
    /// Can it do nothing now?
    pub(super) const fn is_away(&self, now: u64) -> bool {
        self.down || self.frozen_until > now
    }
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
            around: None,
            policy,
            seed: scenario.seed,
            env: scenario.env.clone(),
            start: scenario.start,
            clock: 0,
            jump: 0,
            last_request: 0,
            histories: Vec::new(),
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
        if let Some(spec) = &scenario.world {
            for (process, &skew) in world.pools.iter_mut().zip(&spec.skew) {
                process.jump = skew;
            }
            world.store.flaw = spec.flaw;
            world.around = Some(Around::new(spec, scenario)?);
        }
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
        Ok(Process {
            pool,
            events: Vec::new(),
            deadline: None,
            seen: 0,
            sent: Vec::new(),
            owner,
            frozen_until: 0,
            down: false,
            jump: 0,
        })
    }

    /// Loads the store and sets the environment's keys.
    fn boot(&mut self, process: usize) {
        self.load_all(process);
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

    fn load_all(&mut self, process: usize) {
        let request = self.request();
        if let Some(around) = &mut self.around {
            around.loads.insert((process, request));
        }
        self.feed(process, PoolInput::Load { request });
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
        let jump = self.pools[process].jump;
        self.pools[process] = Process { events, sent, jump, ..self.process()? };
        self.forget_life(process);
        self.leases.retain(|_, (of, _)| *of != process);
        self.boot(process);
        Ok(())
    }

    /// The process dies, and comes back after so long.
    pub(super) fn crash_for(&mut self, process: usize, span: u64) {
        self.last_owner += 1;
        let owner = self.last_owner;
        let of = &mut self.pools[process];
        (of.owner, of.down, of.deadline) = (owner, true, None);
        self.leases.retain(|_, (of, _)| *of != process);
        self.forget_life(process);
        self.later(span, process, owner, Coming::Back);
    }

    /// What a step cannot do now: its process is dead, or stands still.
    pub(super) fn unable(&mut self, process: usize, verb: &Verb<'_>) -> Option<Value> {
        self.around.as_ref()?;
        self.look_around();
        let acts = !matches!(verb, Verb::Crash(_) | Verb::Clock(_) | Verb::StoreDown(_) | Verb::Check);
        // Or it has not read the store yet.
        let empty = self.pools[process].pool.engine().handles().next().is_none();
        let away = acts && (empty || self.pools[process].is_away(self.clock));
        let dead = matches!(verb, Verb::Crash(_)) && self.pools[process].down;
        (away || dead).then(|| {
            let mut fields = Value::Object(Vec::new());
            fields.set("away", true);
            fields
        })
    }

    /// One process' wall clock jumps.
    pub(super) fn jump_one(&mut self, process: usize, by: i64) {
        self.pools[process].jump = self.pools[process].jump.saturating_add(by);
    }

    /// Both clocks as a process sees them.
    pub(super) fn now_of(&self, process: usize) -> Now {
        let now = self.now();
        Now { wall: Timestamp(now.wall.0.saturating_add_signed(self.pools[process].jump)), mono: now.mono }
    }

    /// Something comes later.
    pub(super) fn later(&mut self, after: u64, process: usize, owner: u64, coming: Coming) {
        self.last_coming += 1;
        let key = (self.clock.saturating_add(after), self.last_coming);
        self.coming.insert(key, (process, owner, coming));
    }

    /// How much happened in a world.
    pub(super) fn happened(&self) -> u64 {
        self.around.as_ref().map_or(0, |around| around.watch.events)
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
        let due = self.pools.iter().enumerate().filter(|(_, process)| !process.down).filter_map(
            |(index, process)| Some((process.deadline?.max(Instant(process.frozen_until)), index)),
        );
        if self.broken().is_some() {
            return false;
        }
        let due = due.min().filter(|(deadline, _)| deadline.0 <= at);
        if let Some(key) = coming.filter(|&(when, _)| due.is_none_or(|(deadline, _)| when <= deadline.0)) {
            self.clock = self.clock.max(key.0);
            if let Some((process, owner, coming)) = self.coming.remove(&key) {
                self.happen(process, owner, coming);
            }
            return true;
        }
        let Some((deadline, process)) = due else { return false };
        self.clock = self.clock.max(deadline.0);
        self.feed(process, PoolInput::Tick {});
        // A deadline that stays due would hold the clock for ever.
        let moves_on = self.pools[process].deadline.is_none_or(|next| next > deadline);
        if !moves_on {
            self.broke("a deadline stays due");
        }
        moves_on
    }

    /// What came is there.
    fn happen(&mut self, process: usize, owner: u64, coming: Coming) {
        match coming {
            // These are on their way already, and arrive whatever became of who sent them.
            Coming::Reach(effect, fate) => return self.reach(process, owner, effect, fate),
            Coming::Exchange { op, token, number, fate } => {
                return self.exchange(process, owner, op, &token, number, fate);
            }
            _ => {}
        }
        let of = &mut self.pools[process];
        if of.owner != owner {
            return;
        }
        if of.frozen_until > self.clock {
            let after = of.frozen_until - self.clock;
            return self.later(after, process, owner, coming);
        }
        match coming {
            Coming::Input(input) => self.feed(process, input),
            Coming::Answer(input, number) => {
                if let Some(around) = &mut self.around {
                    around.server.exchanges[number].heard = true;
                }
                self.feed(process, input);
            }
            Coming::Call(call) => self.called(process, owner, call),
            // The policy was good before.
            Coming::Back => self.crash(process).unwrap_or_default(),
            Coming::Load => self.load_all(process),
            Coming::Reach(..) | Coming::Exchange { .. } => {}
        }
    }

    pub(super) fn is_answered(&self, request: RequestId) -> bool {
        self.answers.contains_key(&request)
    }

    pub(super) const fn clock(&self) -> u64 {
        self.clock
    }

    /// Before a step a process sees what others have committed.
    pub(super) fn look(&mut self, process: usize) {
        // In a world nobody knows but by asking.
        if self.around.is_none() && self.pools[process].seen != self.store.generation {
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
            self.before(process, &input);
            let now = self.now_of(process);
            let step = self.pools[process].pool.handle(now, input);
            self.after(process, &step);
            self.pools[process].deadline = step.deadline.map(|deadline| deadline.at);
            self.pools[process].events.extend(step.events);
            let owner = self.pools[process].owner;
            for effect in step.effects {
                let Some(effect) = self.send(process, effect) else { continue };
                match effect {
                    HostEffect::Release { key, fence } => self.store.release(&key, owner, fence),
                    HostEffect::Http { op, request, .. } => {
                        let (after, input) = self.respond(op, &request);
                        self.pools[process].sent.push(request);
                        if after == 0 {
                            inputs.push(input);
                        } else {
                            self.later(after, process, owner, Coming::Input(input));
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
                    HostEffect::Advise { op, .. } => {
                        inputs.push(PoolInput::Advised { op, lead: None, renew: None, decided: false });
                    }
                    // Pools of a scenario share a store, and no limits.
                    HostEffect::Share { op, .. } => {
                        inputs.push(PoolInput::Failed { op, message: "nobody shares limits here".into() });
                    }
                    HostEffect::Prompt { .. } => {}
                    HostEffect::UsageByHost { op, .. } => {
                        let code = "no_host".into();
                        inputs.push(PoolInput::HostUsage { op, report: None, code, refused: false });
                    }
                    HostEffect::RankByHost { op, .. } => inputs.push(PoolInput::Ranked { op, rank: None }),
                    HostEffect::Append { op, log, entries } => {
                        inputs.push(self.append(op, log, entries));
                    }
                    HostEffect::Reply { request, answer } => {
                        self.answers.insert(request, answer);
                    }
                    effect => inputs.extend(self.at_store(process, owner, effect)),
                }
            }
        }
    }

    /// Entries of a history.
    fn append(&mut self, op: OpId, log: History, entries: Vec<Entry>) -> PoolInput {
        if self.is_store_down() {
            return PoolInput::Failed { op, message: "the disk is full".into() };
        }
        for (at, data) in entries {
            self.histories.push((log, at, data));
        }
        PoolInput::Appended { op }
    }

    /// What the store answers.
    pub(super) fn at_store(&mut self, process: usize, owner: u64, effect: HostEffect) -> Option<PoolInput> {
        let (clock, is_current) = (self.clock, self.pools[process].owner == owner);
        Some(match effect {
            HostEffect::Load { op, since } => {
                let (generation, rows) = (self.store.generation, self.store.load(since));
                if is_current {
                    self.pools[process].seen = generation;
                }
                PoolInput::Loaded { op, generation, rows }
            }
            HostEffect::Lease { op, key, ttl } => {
                leased(op, self.store.lease(key, owner, clock + ttl.0, clock))
            }
            HostEffect::Renew { op, key, fence, ttl } => {
                leased(op, self.store.renew(&key, owner, fence, clock + ttl.0, clock))
            }
            HostEffect::Commit { op, mutations } => {
                // What this process wrote itself is no news to it.
                let current = is_current && self.pools[process].seen == self.store.generation;
                let input = match self.store.commit(mutations) {
                    Committed::Done(rows) => {
                        PoolInput::Committed { op, generation: self.store.generation, rows }
                    }
                    Committed::Conflict(rows) => PoolInput::Conflict { op, rows },
                };
                if current {
                    self.pools[process].seen = self.store.generation;
                }
                input
            }
            _ => return None,
        })
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
