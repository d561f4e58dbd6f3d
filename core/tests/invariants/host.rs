//! A host in virtual time whose store can fail: what the invariants are checked on.

use credpool::engine::{RowId, RowKind};
use credpool::id::{Handle, OpId, RequestId};
use credpool::pool::{Answer, CredentialInput, HostEffect, MutationData, Pool, PoolInput, RowData};
use credpool::time::Now;
use serde_json::{json, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Where the wall clock starts.
pub(crate) const START: u64 = 1_767_225_600_000;

#[derive(Clone, Debug, PartialEq)]
struct Row {
    version: u64,
    data: Box<str>,
    secret: Option<Box<str>>,
}

/// What the store does with the next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It works.
    None,
    /// It fails, and nothing was written.
    Fails,
    /// It says that it failed, but everything was written.
    LostAnswer,
    /// It does not answer yet.
    Slow,
}

pub(crate) struct Host {
    pub(crate) pool: Pool,
    pub(crate) now: u64,
    pub(crate) jump: i64,
    pub(crate) fault: Fault,
    pub(crate) answers: BTreeMap<RequestId, Answer>,
    /// The host's table: handle to secret.
    pub(crate) table: BTreeMap<u32, String>,
    pub(crate) deadline: Option<u64>,
    /// Everything that crossed, for the canary search, but for secrets and commits.
    pub(crate) told: String,
    config: Value,
    rows: BTreeMap<(RowKind, RowId), Row>,
    last_id: u64,
    generation: u64,
    slow: VecDeque<(OpId, Vec<MutationData>)>,
    last_request: u64,
}

impl Host {
    pub(crate) fn new(policy: Value) -> Self {
        let config = json!({ "policy": policy, "seed": 7 });
        let mut host = Self {
            pool: Pool::new(parse(&config), Now::from_millis(START, 0)).unwrap(),
            now: 0,
            jump: 0,
            fault: Fault::None,
            answers: BTreeMap::new(),
            table: BTreeMap::new(),
            deadline: None,
            told: String::new(),
            config,
            rows: BTreeMap::new(),
            last_id: 0,
            generation: 0,
            slow: VecDeque::new(),
            last_request: 0,
        };
        host.boot();
        host
    }

    fn boot(&mut self) {
        let request = self.request();
        self.feed(PoolInput::Load { request });
    }

    pub(crate) fn clock(&self) -> Now {
        Now::from_millis((START + self.now).saturating_add_signed(self.jump), self.now)
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    /// The process dies; the store lives.
    pub(crate) fn crash(&mut self) {
        self.pool = Pool::new(parse(&self.config), self.clock()).unwrap();
        self.table.clear();
        self.slow.clear();
        self.deadline = None;
        self.boot();
    }

    pub(crate) fn add(&mut self, name: &str, key: &str) -> Option<Answer> {
        let credential: CredentialInput = parse(&json!({
            "provider": "openai", "name": name, "kind": "api_key", "key": key
        }));
        let request = self.request();
        self.feed(PoolInput::Add { request, credentials: vec![credential] });
        self.answers.remove(&request)
    }

    /// An input from JSON, as it would cross; its answer, if it came at once.
    pub(crate) fn ask(&mut self, verb: &str, mut fields: Value) -> Option<Answer> {
        let request = self.request();
        fields["request"] = json!(request.0);
        let mut input = serde_json::Map::new();
        input.insert(verb.to_owned(), fields);
        self.feed(parse(&Value::Object(input)));
        self.answers.remove(&request)
    }

    pub(crate) fn tick(&mut self) {
        self.feed(PoolInput::Tick {});
    }

    /// Moves the clock on; serves every deadline on the way.
    pub(crate) fn advance(&mut self, by: u64) {
        let end = self.now + by;
        for _ in 0..10_000 {
            match self.deadline {
                Some(deadline) if deadline <= end => {
                    self.now = self.now.max(deadline);
                    self.tick();
                }
                _ => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("deadlines without end at {}", self.now);
    }

    /// The store answers what it was slow with.
    pub(crate) fn settle(&mut self) {
        while let Some((op, mutations)) = self.slow.pop_front() {
            let input = self.commit(op, mutations);
            self.feed(input);
        }
    }

    pub(crate) fn feed(&mut self, input: PoolInput) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let step = self.pool.handle(self.clock(), input);
            for handle in &step.changed {
                assert!(self.table.remove(&handle.0).is_some(), "told of an entry that was not taken");
            }
            // A host takes what it uses; this one uses all.
            for handle in self.pool.engine().handles().collect::<Vec<_>>() {
                if !self.table.contains_key(&handle.0) {
                    let entry = self.pool.entry(handle).expect("a credential has a secret");
                    self.table.insert(handle.0, entry.secret);
                }
            }
            self.deadline = step.deadline.map(|deadline| deadline.at.0);
            self.told.push_str(&credpool::json::write(&step.events));
            for effect in step.effects {
                match effect {
                    HostEffect::Load { op, .. } => {
                        let rows =
                            self.rows.iter().map(|((kind, id), row)| data(*kind, id, Some(row))).collect();
                        inputs.push(PoolInput::Loaded { op, generation: self.generation, rows });
                    }
                    HostEffect::Commit { op, mutations } => match self.fault {
                        Fault::None => inputs.push(self.commit(op, mutations)),
                        Fault::Fails => {
                            inputs.push(PoolInput::Failed { op, message: "the disk is full".into() });
                        }
                        Fault::LostAnswer => {
                            let _ = self.commit(op, mutations);
                            inputs.push(PoolInput::Failed { op, message: "no answer".into() });
                        }
                        Fault::Slow => self.slow.push_back((op, mutations)),
                    },
                    HostEffect::Http { op, .. } => {
                        inputs.push(PoolInput::Failed { op, message: "there is no network".into() });
                    }
                    HostEffect::Prompt { .. } => {}
                    HostEffect::Append { op, .. } => match self.fault {
                        Fault::None | Fault::Slow => inputs.push(PoolInput::Appended { op }),
                        Fault::Fails | Fault::LostAnswer => {
                            inputs.push(PoolInput::Failed { op, message: "the disk is full".into() });
                        }
                    },
                    HostEffect::Reply { request, answer } => {
                        self.told.push_str(&credpool::json::write(&answer));
                        assert!(self.answers.insert(request, answer).is_none(), "answered twice");
                    }
                    _ => panic!("nobody here has an account: nothing is renewed"),
                }
            }
        }
    }

    fn commit(&mut self, op: OpId, mutations: Vec<MutationData>) -> PoolInput {
        let conflicts: Vec<_> = mutations
            .iter()
            .filter_map(|mutation| {
                let (id, expects) = (mutation.id.as_ref()?, mutation.expects?);
                let row = self.rows.get(&(mutation.kind, id.clone()));
                (row.map_or(0, |row| row.version) != expects).then(|| data(mutation.kind, id, row))
            })
            .collect();
        if !conflicts.is_empty() {
            return PoolInput::Conflict { op, rows: conflicts };
        }
        self.generation += 1;
        let mut rows = Vec::new();
        for MutationData { kind, id, data, secret, .. } in mutations {
            let id = id.unwrap_or_else(|| {
                self.last_id += 1;
                RowId::Number(self.last_id)
            });
            let key = (kind, id.clone());
            let version = self.rows.get(&key).map_or(0, |row| row.version) + 1;
            match data {
                Some(data) => self.rows.insert(key, Row { version, data, secret: secret.map(Into::into) }),
                None => self.rows.remove(&key),
            };
            rows.push((id, version));
        }
        PoolInput::Committed { op, generation: self.generation, rows }
    }

    /// Names of the stored credentials, as the store has them.
    pub(crate) fn stored_names(&self) -> BTreeSet<String> {
        let credentials = self.rows.iter().filter(|((kind, _), _)| *kind == RowKind::Credential);
        credentials
            .map(|(_, row)| {
                serde_json::from_str::<Value>(&row.data).unwrap()["name"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    /// Another process disables a credential behind our back.
    pub(crate) fn disable_behind(&mut self, id: u64) {
        if let Some(row) = self.rows.get_mut(&(RowKind::Credential, RowId::Number(id))) {
            let mut record: Value = serde_json::from_str(&row.data).unwrap();
            record["enabled"] = json!(false);
            row.data = record.to_string().into();
            row.version += 1;
            self.generation += 1;
        }
    }

    pub(crate) fn handle_of(&self, name: &str) -> Option<Handle> {
        let engine = self.pool.engine();
        let mut handles = engine.handles();
        handles.find(|&handle| engine.record(handle).is_some_and(|record| &*record.name == name))
    }
}

fn data(kind: RowKind, id: &RowId, row: Option<&Row>) -> RowData {
    RowData {
        kind,
        id: id.clone(),
        version: row.map_or(0, |row| row.version),
        data: row.map(|row| row.data.clone()),
        secret: row.and_then(|row| row.secret.clone()),
    }
}

fn parse<T: credpool::json::FromJson>(value: &Value) -> T {
    credpool::json::read(&value.to_string()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

impl Drop for Host {
    /// No secret is ever told.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(!self.told.contains("canary"), "a secret was told: {}", self.told);
        }
    }
}
