//! A host as small as can be: a clock, and a store that takes everything and keeps nothing.

use crate::BATCH;
use credpool::engine::{Acquire, RowId, RowKind};
use credpool::id::{CredentialId, LeaseId, RequestId, RouteId, SessionIx};
use credpool::pool::{Answer, HostEffect, Outcome, Pool, PoolConfig, PoolInput, RowData};
use credpool::time::{Instant, Now};

/// How a pool is set up.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) strategy: &'a str,
    pub(crate) affinity: &'a str,
    /// So many sessions are tied.
    pub(crate) sessions: usize,
    /// So many models are asked for in turn.
    pub(crate) models: usize,
    pub(crate) cooling: Cooling,
    /// Each has limits: so many leases that a batch just fits, and buckets that never empty.
    pub(crate) limits: bool,
}

/// Who cools down.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cooling {
    None,
    /// 99 of a hundred, and never all.
    Most,
    All,
}

pub(crate) struct Host {
    pool: Pool,
    /// One for each model.
    routes: Vec<RouteId>,
    /// The numbers of the sessions; the first is that of none.
    sessions: Vec<SessionIx>,
    started: std::time::Instant,
    mono: Instant,
    requests: u64,
    /// So often the hot path asked for more than it may do.
    pub(crate) asked: u64,
}

const PROVIDER: &str = "openai";
const MODEL: &str = "gpt-5";
pub(crate) const WALL: u64 = 1_800_000_000_000;

impl Host {
    pub(crate) fn new(size: u32, terms: Terms<'_>) -> Self {
        let affinity = serde_json::json!({ "kind": terms.affinity });
        let mut policy = serde_json::json!({ "strategy": terms.strategy, "affinity": affinity });
        if terms.limits {
            let in_flight = BATCH.div_ceil(size as usize);
            policy["limits"] = serde_json::json!({ "in_flight": in_flight, "requests": u32::MAX, "tokens": 1_000_000_000_000_u64 });
        }
        let policy = credpool::json::read(&policy.to_string()).expect("it is JSON");
        let config = PoolConfig { policy, seed: 1, ..PoolConfig::default() };
        let mut pool = Pool::new(config, Now::from_millis(WALL, 0)).expect("the policy is right");
        let mut routes = vec![pool.route(PROVIDER, Some(MODEL))];
        for n in 1..terms.models {
            routes.push(pool.route(PROVIDER, Some(&format!("model-{n}"))));
        }
        let started = std::time::Instant::now();
        let mut host = Self {
            pool,
            routes,
            sessions: vec![SessionIx::NONE],
            started,
            mono: Instant(0),
            requests: 0,
            asked: 0,
        };
        host.load(size);
        for n in 0..terms.sessions {
            let session = host.pool.session(&format!("session {n}"));
            host.sessions.push(session);
        }
        for id in 1..=size {
            let stays = if size < 100 { id == size / 2 } else { id % 100 == 50 };
            if terms.cooling == Cooling::All || terms.cooling == Cooling::Most && !stays {
                host.cool(CredentialId(u64::from(id)));
            }
        }
        host.asked = 0;
        host
    }

    /// Time passes for the pool; not at each pick, or the clock would be what is measured.
    pub(crate) fn look_at_the_clock(&mut self) {
        self.mono = Instant(self.started.elapsed().as_millis() as u64);
    }

    /// The hot path, and what a driver does when that asks for more. None where nobody is to be had.
    #[inline]
    pub(crate) fn pick(&mut self, session: usize, n: usize) -> Option<LeaseId> {
        let model = n % self.routes.len();
        let route = self.routes[model];
        match self.pool.try_acquire(self.mono, route, self.sessions[session]) {
            Acquire::Ready(lease) => Some(lease),
            Acquire::Refused(..) => None,
            Acquire::Ask => self.ask(session, model),
        }
    }

    #[inline]
    pub(crate) fn release(&mut self, lease: LeaseId) {
        self.pool.release(self.mono, lease);
    }

    #[cold]
    fn ask(&mut self, session: usize, model: usize) -> Option<LeaseId> {
        self.asked += 1;
        let model = if model == 0 { MODEL.into() } else { format!("model-{model}").into() };
        let (request, session) =
            (self.request(), (session > 0).then(|| format!("session {}", session - 1).into()));
        let input = PoolInput::Acquire {
            request,
            providers: vec![PROVIDER.into()],
            model: Some(model),
            session,
            known_as: None,
            exclude: Vec::new(),
            tried: Vec::new(),
            round: 0,
            after: None,
            wait: credpool::time::Span::ZERO,
            prefer: None,
            now: false,
        };
        match self.handle(input) {
            Some(Answer::Leased { lease, .. }) => Some(lease),
            _ => None,
        }
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// Gives an input, does what is asked for, and returns the reply.
    fn handle(&mut self, input: PoolInput) -> Option<Answer> {
        let now = Now::from_millis(WALL + self.mono.0, self.mono.0);
        let mut given = None;
        for effect in self.pool.handle(now, input).effects {
            match effect {
                HostEffect::Reply { answer, .. } => given = Some(answer),
                HostEffect::Commit { op, mutations } => {
                    let rows = mutations
                        .into_iter()
                        .map(|row| (row.id.unwrap_or(RowId::Number(0)), row.expects.unwrap_or(0) + 1))
                        .collect();
                    self.handle(PoolInput::Committed { op, generation: 1, rows });
                }
                _ => {}
            }
        }
        given
    }

    fn load(&mut self, size: u32) {
        let now = Now::from_millis(WALL, 0);
        let request = self.request();
        let loaded = self.pool.handle(now, PoolInput::Load { request });
        let rows = (1..=size).map(row).collect();
        for effect in loaded.effects {
            if let HostEffect::Load { op, .. } = effect {
                self.pool.handle(now, PoolInput::Loaded { op, generation: 1, rows });
                return;
            }
        }
    }

    fn cool(&mut self, id: CredentialId) {
        let (request, handle) = (self.request(), self.pool.find(id));
        let outcome = Outcome {
            status: Some(429),
            headers: vec![("retry-after".to_owned(), (3_600 + id.0 % 3_600).to_string())],
            ..Outcome::default()
        };
        let model = Some(MODEL.into());
        self.handle(PoolInput::Report {
            request,
            lease: None,
            handle,
            model,
            session: None,
            outcome,
            attempts: 0,
            refreshed: false,
        });
    }
}

pub(crate) fn row(id: u32) -> RowData {
    let record = serde_json::json!({
        "uid": format!("u{id}"), "provider": PROVIDER, "name": format!("key-{id}"), "kind": "api_key", "created": 1, "secret_version": 1,
    });
    RowData {
        kind: RowKind::Credential,
        id: RowId::Number(u64::from(id)),
        version: 1,
        data: Some(record.to_string().into()),
        secret: Some(format!(r#"{{"key":"sk-bench-{id:08}-0123456789abcdef0123456789abcdef"}}"#).into()),
    }
}
