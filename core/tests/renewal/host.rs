//! A pool, a store, a token endpoint that takes its time, and a clock.

use crate::store::Store;
use credpool::id::{CredentialId, RequestId};
use credpool::json;
use credpool::pool::{Answer, HostEffect, Pool, PoolInput};
use credpool::time::{Now, Span, Timestamp};
use std::collections::BTreeMap;

pub(crate) const WALL: u64 = 1_767_225_600_000;

/// What the host's own code is asked.
pub(crate) struct Asked {
    pub(crate) at: u64,
    pub(crate) id: CredentialId,
    pub(crate) decide: bool,
    pub(crate) expires: Option<Timestamp>,
}

type Advisor = Box<dyn FnMut(&Asked) -> (Option<Span>, Option<bool>)>;

pub(crate) struct Host {
    pub(crate) pool: Pool,
    pub(crate) now: u64,
    store: Store,
    deadline: Option<u64>,
    coming: BTreeMap<(u64, u64), Coming>,
    order: u64,
    last_request: u64,
    /// Requests to the token endpoint: when, and with which refresh token.
    pub(crate) sent: Vec<(u64, String)>,
    under_way: usize,
    pub(crate) most_under_way: usize,
    /// How long the endpoint takes, and how long its tokens live.
    pub(crate) latency: u64,
    pub(crate) life: u64,
    pub(crate) answers: BTreeMap<RequestId, (u64, Answer)>,
    /// The host's own code; none: it has not been heard yet.
    pub(crate) advisor: Advisor,
    pub(crate) asked: Vec<Asked>,
}

enum Coming {
    Input(PoolInput),
    /// The endpoint has answered.
    Done(PoolInput),
}

impl Host {
    /// `config`: fields of the pool's configuration beside its provider `mine`.
    pub(crate) fn new(config: &str) -> Self {
        let config = format!(
            r#"{{"providers":[{{"name":"mine","kinds":["oauth"],"oauth":{{"token":"https://a.example/t"}}}}],"clients":[["mine",{{"id":"me"}}]]{config}}}"#
        );
        let pool = Pool::new(json::read(&config).unwrap(), Now::from_millis(WALL, 0)).unwrap();
        let mut host = Self {
            pool,
            now: 0,
            store: Store::default(),
            deadline: None,
            coming: BTreeMap::new(),
            order: 0,
            last_request: 0,
            sent: Vec::new(),
            under_way: 0,
            most_under_way: 0,
            latency: 300,
            life: 7_200,
            answers: BTreeMap::new(),
            advisor: Box::new(|_| (None, None)),
            asked: Vec::new(),
        };
        let request = host.request();
        host.give(PoolInput::Load { request });
        host.run(1);
        host
    }

    /// Accounts `rt-1` and so on, whose tokens expire so many milliseconds after the start.
    pub(crate) fn add(&mut self, count: usize, expires: u64) {
        let one = |number| {
            format!(
                r#"{{"provider":"mine","kind":"oauth","access":"at-{number}","refresh":"rt-{number}","expires":{}}}"#,
                WALL + expires
            )
        };
        let credentials = (1..=count).map(one).collect::<Vec<_>>().join(",");
        let request = self.request();
        self.json(&format!(r#"{{"add":{{"request":{},"credentials":[{credentials}]}}}}"#, request.0));
        self.run(self.now + 10);
        assert!(matches!(self.answers.remove(&request), Some((_, Answer::Done { .. }))));
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.last_request += 1;
        RequestId(self.last_request)
    }

    pub(crate) fn acquire(&mut self) -> RequestId {
        let request = self.request();
        self.json(&format!(r#"{{"acquire":{{"request":{},"providers":["mine"]}}}}"#, request.0));
        request
    }

    pub(crate) fn json(&mut self, input: &str) {
        self.give(json::read(input).unwrap());
    }

    /// When an account's token expires, in milliseconds since the start.
    pub(crate) fn expires(&self, id: u64) -> u64 {
        let handle = self.pool.find(CredentialId(id)).unwrap();
        self.pool.engine().record(handle).unwrap().expires.unwrap().0 - WALL
    }

    /// Goes on to an instant; all that is due by then is done.
    pub(crate) fn run(&mut self, until: u64) {
        loop {
            let coming = self.coming.keys().next().copied().filter(|(at, _)| *at <= until);
            let due = self.deadline.filter(|&at| at <= until);
            match (coming, due) {
                (Some(key), due) if due.is_none_or(|due| key.0 <= due) => {
                    self.now = self.now.max(key.0);
                    match self.coming.remove(&key).unwrap() {
                        Coming::Input(input) => self.give(input),
                        Coming::Done(input) => {
                            self.under_way -= 1;
                            self.give(input);
                        }
                    }
                }
                (_, Some(due)) => {
                    self.now = self.now.max(due);
                    self.give(PoolInput::Tick {});
                    assert!(self.deadline.is_none_or(|next| next > due || next >= self.now), "it stays due");
                }
                _ => break,
            }
        }
        self.now = until;
    }

    fn later(&mut self, after: u64, coming: Coming) {
        self.order += 1;
        self.coming.insert((self.now + after, self.order), coming);
    }

    pub(crate) fn give(&mut self, input: PoolInput) {
        let step = self.pool.handle(Now::from_millis(WALL + self.now, self.now), input);
        self.deadline = step.deadline.map(|deadline| deadline.at.0);
        for effect in step.effects {
            match effect {
                HostEffect::Load { op, since } => {
                    let input = self.store.load(op, since);
                    self.later(1, Coming::Input(input));
                }
                HostEffect::Commit { op, mutations } => {
                    let input = self.store.commit(op, mutations);
                    self.later(1, Coming::Input(input));
                }
                HostEffect::Lease { op, key, ttl } => {
                    let input = self.store.lease(op, key, 1, ttl.0, self.now);
                    self.later(1, Coming::Input(input));
                }
                HostEffect::Renew { op, key, fence, ttl } => {
                    let input = self.store.renew(op, &key, 1, fence, self.now + ttl.0, self.now);
                    self.later(1, Coming::Input(input));
                }
                HostEffect::Release { key, fence } => self.store.release(&key, 1, fence),
                HostEffect::Http { op, request, .. } => {
                    let body = request.body.as_ref().map_or("", |body| body.expose()).to_owned();
                    let token = body.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).unwrap();
                    self.sent.push((self.now, token.to_owned()));
                    self.under_way += 1;
                    self.most_under_way = self.most_under_way.max(self.under_way);
                    let count = self.sent.len();
                    let body = format!(
                        r#"{{"access_token":"new-{count}","refresh_token":"{token}x","expires_in":{}}}"#,
                        self.life
                    );
                    let input = PoolInput::Answered { op, status: 200, headers: Vec::new(), body };
                    self.later(self.latency, Coming::Done(input));
                }
                HostEffect::Advise { op, handle, decide, expires, .. } => {
                    let (_, id) = self.pool.engine().origin(handle).unwrap();
                    let asked = Asked { at: self.now, id: id.unwrap(), decide, expires };
                    let (lead, renew) = (self.advisor)(&asked);
                    self.asked.push(asked);
                    self.later(5, Coming::Input(PoolInput::Advised { op, lead, renew, decided: decide }));
                }
                HostEffect::Reply { request, answer } => {
                    self.answers.insert(request, (self.now, answer));
                }
                _ => panic!("nobody logs in here"),
            }
        }
    }
}
