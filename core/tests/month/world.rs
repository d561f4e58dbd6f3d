//! Ten accounts in virtual time, as their provider counts them: windows of five hours that begin with their first use, and weeks that
//! end at different times. What of one load is served, and how much of what the accounts allow is lost at their weekly resets.

use credpool::engine::{Acquire, RowId};
use credpool::id::{LeaseId, RouteId, SessionIx};
use credpool::json;
use credpool::pool::{Answer, HostEffect, Pool, PoolInput};
use credpool::time::{Instant, Now};

const WALL: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const WEEK: u64 = 7 * 24 * HOUR;
const ACCOUNTS: usize = 10;
/// Tokens in five hours, and in a week, in thousands.
const SHORT: f64 = 1_000.0;
const LONG: f64 = 8_000.0;

/// How long, how often it is asked what is left, how busy people are.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) days: u64,
    pub(crate) report_minutes: u64,
    /// New sessions in a busy minute.
    pub(crate) sessions: f64,
    pub(crate) seed: u64,
}

/// What came of it, in thousands of tokens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) served: f64,
    pub(crate) missed: f64,
    /// Calls that were refused and went on to another account.
    pub(crate) refused: u64,
    /// What was left at weekly resets, and what was allowed until them.
    pub(crate) lost: f64,
    pub(crate) allowed: f64,
}

impl Outcome {
    pub(crate) fn add(&mut self, other: Self) {
        self.served += other.served;
        self.missed += other.missed;
        self.refused += other.refused;
        self.lost += other.lost;
        self.allowed += other.allowed;
    }

    /// Of what people wanted.
    pub(crate) fn served_share(&self) -> f64 {
        self.served / (self.served + self.missed)
    }

    pub(crate) fn lost_share(&self) -> f64 {
        self.lost / self.allowed
    }
}

/// One account, as its provider counts it.
#[derive(Clone, Copy, Default)]
struct Account {
    short: f64,
    short_ends: u64,
    long: f64,
    long_ends: u64,
    size: f64,
    lost: f64,
    allowed: f64,
}

impl Account {
    fn turn(&mut self, now: u64) {
        if now >= self.short_ends {
            (self.short, self.short_ends) = (0.0, u64::MAX);
        }
        while now >= self.long_ends {
            self.lost += (LONG * self.size - self.long).max(0.0);
            self.allowed += LONG * self.size;
            (self.long, self.long_ends) = (0.0, self.long_ends + WEEK);
        }
    }

    /// Takes a call; when to come back, where it is refused.
    fn call(&mut self, now: u64, tokens: f64) -> Option<u64> {
        self.turn(now);
        if self.long + tokens > LONG * self.size {
            return Some(self.long_ends);
        }
        if self.short + tokens > SHORT * self.size {
            return Some(self.short_ends.min(now + 5 * HOUR));
        }
        if self.short_ends == u64::MAX {
            self.short_ends = now + 5 * HOUR;
        }
        self.short += tokens;
        self.long += tokens;
        None
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

struct Month {
    pool: Pool,
    route: RouteId,
    now: u64,
    accounts: Vec<Account>,
}

impl Month {
    fn new(policy: &str, seed: u64) -> Self {
        let config = json::read(&format!(r#"{{"policy":{policy},"seed":{seed}}}"#)).expect("a policy");
        let mut pool = Pool::new(config, Now::from_millis(WALL, 0)).expect("a policy");
        let route = pool.route("anthropic", None);
        let mut month = Self { pool, route, now: 0, accounts: Vec::new() };
        month.tell(r#"{"load":{"request":1}}"#);
        let mut rows = Vec::new();
        for at in 0..ACCOUNTS {
            rows.push(format!(
                r#"{{"kind":"credential","id":{},"version":1,"data":"{{\"uid\":\"u{at}\",\"provider\":\"anthropic\",\"name\":\"n{at}\",\"kind\":\"oauth\",\"created\":0,\"secret_version\":1,\"expires\":{}}}","secret":"{{\"access\":\"a{at}\"}}"}}"#,
                at + 1,
                WALL + 1000 * WEEK
            ));
            // Weeks end at different times; two in ten have a larger plan.
            let long_ends = WEEK * (at as u64 + 1) / ACCOUNTS as u64;
            let size = if at % 5 == 0 { 4.0 } else { 1.0 };
            month.accounts.push(Account { long_ends, short_ends: u64::MAX, size, ..Account::default() });
        }
        month.tell(&format!(r#"{{"loaded":{{"op":1,"generation":1,"rows":[{}]}}}}"#, rows.join(",")));
        month
    }

    fn tell(&mut self, input: &str) -> Option<Answer> {
        let input: PoolInput = json::read(input).unwrap_or_else(|error| panic!("{input}: {error:?}"));
        self.feed(input)
    }

    fn feed(&mut self, input: PoolInput) -> Option<Answer> {
        let mut given = None;
        let step = self.pool.handle(Now::from_millis(WALL + self.now, self.now), input);
        for effect in step.effects {
            match effect {
                HostEffect::Commit { op, mutations } => {
                    let rows = mutations
                        .into_iter()
                        .map(|row| (row.id.unwrap_or(RowId::Number(0)), row.expects.unwrap_or(0) + 1))
                        .collect();
                    self.feed(PoolInput::Committed { op, generation: 2, rows });
                }
                HostEffect::Reply { answer, .. } => given = Some(answer),
                _ => {}
            }
        }
        given
    }

    fn report(&mut self, at: usize) {
        let now = self.now;
        self.accounts[at].turn(now);
        let account = self.accounts[at];
        let limit = |id: &str, hours: u64, used: f64, ends: u64| {
            let reset =
                if ends == u64::MAX { String::new() } else { format!(r#","resets_at":{}"#, WALL + ends) };
            format!(
                r#"{{"id":"anthropic:{id}","scope":{{"shared":true}},"window":{{"id":"{id}","duration":{}{reset}}},"amount":{{"used_ppm":{}}}}}"#,
                hours * HOUR,
                (used * 1e6).min(1e6) as u32
            )
        };
        let short = limit("5h", 5, account.short / (SHORT * account.size), account.short_ends);
        let long = limit("7d", 168, account.long / (LONG * account.size), account.long_ends);
        self.tell(&format!(
            r#"{{"usage":{{"request":2,"handle":{at},"report":{{"provider":"anthropic","fetched_at":{},"limits":[{short},{long}]}}}}}}"#,
            WALL + now
        ));
    }

    fn lease(&mut self, session: &str) -> Option<LeaseId> {
        let number = self.pool.session(session);
        if number != SessionIx::NONE {
            if let Acquire::Ready(lease) = self.pool.try_acquire(Instant(self.now), self.route, number) {
                return Some(lease);
            }
        }
        match self.tell(&format!(
            r#"{{"acquire":{{"request":3,"providers":["anthropic"],"session":"{session}"}}}}"#
        )) {
            Some(Answer::Leased { lease, forced: false, .. }) => Some(lease),
            Some(Answer::Leased { lease, .. }) => {
                let _ = self.pool.abandon(lease);
                None
            }
            _ => None,
        }
    }

    /// One call; was it served? Who is refused moves on.
    fn call(&mut self, session: &str, tokens: f64, refused: &mut u64) -> bool {
        for _ in 0..ACCOUNTS {
            let Some(lease) = self.lease(session) else { return false };
            let at = lease.handle().0 as usize;
            match self.accounts[at].call(self.now, tokens) {
                None => {
                    if !self.pool.release(Instant(self.now), lease) {
                        let lease = json::write(&lease);
                        self.tell(&format!(
                            r#"{{"report":{{"request":4,"lease":{lease},"outcome":{{"ok":true}}}}}}"#
                        ));
                    }
                    return true;
                }
                Some(back) => {
                    *refused += 1;
                    let _ = self.pool.abandon(lease);
                    let wait = back.saturating_sub(self.now).max(1);
                    self.tell(&format!(
                        r#"{{"mark_usage":{{"request":5,"provider":"anthropic","handle":{at},"retryAfter":{wait}}}}}"#
                    ));
                }
            }
        }
        false
    }
}

/// The load of `terms` under a policy.
pub(crate) fn play(policy: &str, terms: Terms) -> Outcome {
    let mut outcome = Outcome::default();
    let mut month = Month::new(policy, terms.seed);
    let mut random = Random(terms.seed);
    let (mut open, mut last): (Vec<(u64, u32, f64)>, u64) = (Vec::new(), 0);
    while month.now < terms.days * 24 * HOUR {
        month.now += MINUTE;
        if month.now.is_multiple_of(terms.report_minutes * MINUTE) {
            for at in 0..ACCOUNTS {
                month.report(at);
            }
        }
        // People work by day, five days a week; some of it goes on at night.
        let (hour, day) = (month.now / HOUR % 24, month.now / HOUR / 24 % 7);
        let busy = match (day, hour) {
            (5.., _) => 0.25,
            (_, 9..18) => 1.0,
            _ => 0.15,
        };
        if random.next() < terms.sessions * busy {
            last += 1;
            // Most sessions are short, a few are long.
            let calls = (1.0 / (random.next() + 0.01)) as u32 * 6 + 5;
            open.push((last, calls, 0.5 + 4.0 * random.next()));
        }
        let mut going = Vec::new();
        for (id, calls, tokens) in open {
            if month.call(&format!("s{id}"), tokens, &mut outcome.refused) {
                outcome.served += tokens;
            } else {
                outcome.missed += tokens;
            }
            if calls > 1 {
                going.push((id, calls - 1, tokens));
            }
        }
        open = going;
    }
    for account in &month.accounts {
        outcome.lost += account.lost;
        outcome.allowed += account.allowed;
    }
    outcome
}
