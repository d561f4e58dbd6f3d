//! What must hold after every event of a world with faults, and what must have become of everybody in the end.

use super::scenario::Manner;
use super::server::{Server, Token};
use super::store::MemoryStore;
use crate::engine::{RowId, RowKind};
use crate::id::RequestId;
use std::collections::{BTreeMap, BTreeSet};

/// So many events a history may have: what never comes to rest is a fault too.
pub(super) const MOST_EVENTS: u64 = 400_000;
/// So long a caller may be kept, beyond what it said itself: `refresh.wait` of the policy is not longer.
pub(super) const PATIENCE: u64 = 10_000;
/// Tokens of a world begin so: where one is told, a secret is told.
const MARK: &str = "sim-";

/// The first rule that was broken, and what is needed to see it.
#[derive(Default)]
pub(super) struct Watch {
    pub(super) broken: Option<String>,
    pub(super) events: u64,
    /// Every access token that was ever durable.
    pub(super) durable: BTreeSet<String>,
    /// Until when each who asked must have an answer, by pool.
    pub(super) asked: BTreeMap<(usize, RequestId), u64>,
    /// Until when nobody of a pool may be given an account that the provider has turned away, by pool and account.
    pub(super) resting: BTreeMap<(usize, u64), u64>,
}

impl Watch {
    pub(super) fn broke(&mut self, rule: String) {
        self.broken.get_or_insert(rule);
    }

    /// No secret is told.
    pub(super) fn told(&mut self, what: &str, text: &str) {
        if text.contains(MARK) {
            self.broke(format!("a secret is told in {what}: {text}"));
        }
    }

    /// What a commit made durable.
    pub(super) fn committed(&mut self, secret: &str) {
        if let Some(access) = part(secret, "access") {
            self.durable.insert(access.to_owned());
        }
    }

    /// A refresh token is about to be sent, by a process of this number.
    pub(super) fn sends(&mut self, server: &Server, token: &str, owner: u64, holder: Option<u64>) {
        if holder != Some(owner) {
            self.broke("a token endpoint is asked by who has no lease".to_owned());
        }
        if let Some((_, Token::Rotated { by, .. })) = server.state(token) {
            // In doubt it may be sent once more: not where the answer is durable, nor where it was heard by who asks.
            let before = &server.exchanges[by];
            if self.durable.contains(&before.access) || before.heard && before.owner == owner {
                self.broke(format!("{token} was replaced, and is sent again"));
            }
        }
    }

    /// Somebody gets an answer.
    pub(super) fn answered(&mut self, pool: usize, request: RequestId, now: u64) {
        if let Some(until) = self.asked.remove(&(pool, request)) {
            if now > until {
                self.broke(format!("pool {pool}: an answer was due by {until}, and came at {now}"));
            }
        }
    }

    /// Whoever should have been answered by now, in pools that are awake.
    pub(super) fn look(&mut self, now: u64, is_awake: impl Fn(usize) -> bool) {
        let late = self.asked.iter().find(|((pool, _), until)| **until + 1 < now && is_awake(*pool));
        if let Some(((pool, _), until)) = late {
            let rule = format!("pool {pool}: an answer was due by {until}, and is not there at {now}");
            self.broke(rule);
        }
    }
}

/// How everybody stands in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) well: u64,
    /// Given up while the provider honours them still: only after an exchange of which nobody heard the end.
    pub(super) needs_login: u64,
    /// The provider does not honour what is stored any more.
    pub(super) dead: u64,
    /// Exchanges of which nobody durable heard the end, and leases that were not given back.
    pub(super) interrupted: u64,
}

/// Judges the accounts of a world: `broken` where one was given up without need.
pub(super) fn judge(
    server: &Server,
    store: &MemoryStore,
    watch: &Watch,
    accounts: usize,
    is_fresh: impl Fn(u64) -> bool,
) -> Result<Judgement, String> {
    let mut judged = Judgement::default();
    for account in 0..accounts {
        let id = RowId::Number(account as u64 + 1);
        let Some((data, secret)) = store.row(RowKind::Credential, &id) else {
            return Err(format!("account {account} is gone"));
        };
        let spare = store.row(RowKind::Refresh, &id).map_or("", |(_, secret)| secret);
        let alive = |secret: &str| {
            let token = part(secret, "refresh").and_then(|token| server.state(token));
            token.is_some_and(|(_, state)| state == Token::Active)
        };
        let honoured = alive(secret) || alive(spare);
        let of = server.exchanges.iter().filter(|one| one.account == account);
        // Cut off: what was sent and did not become durable, and whatever he was at who did not give his lease back.
        let taken = store.taken_over.get(&format!("refresh/{}", account + 1)).copied().unwrap_or(0);
        let interrupted = of.filter(|one| !watch.durable.contains(&one.access)).count() as u64 + taken;
        judged.interrupted += interrupted;
        let (needs_login, disabled) =
            (data.contains("\"needs_login\":true"), data.contains("disabled_cause"));
        if !honoured {
            judged.dead += 1;
            // What no exchange was cut off for cannot have been lost.
            if interrupted == 0 {
                return Err(format!("account {account} is lost, and every exchange of it came to its end"));
            }
        } else if disabled {
            return Err(format!("account {account} is disabled, and the provider honours it: {data}"));
        } else if needs_login {
            judged.needs_login += 1;
            if interrupted == 0 || server.manner() == Manner::Fixed {
                return Err(format!("account {account} needs a login, and the provider honours it: {data}"));
            }
        } else if !is_fresh(account as u64 + 1) {
            return Err(format!("account {account} is well, and nobody renews it"));
        } else {
            judged.well += 1;
        }
    }
    Ok(judged)
}

/// The text of a field of a stored secret.
fn part<'a>(secret: &'a str, field: &str) -> Option<&'a str> {
    let from = secret.find(&format!("\"{field}\":\""))? + field.len() + 4;
    secret.get(from..)?.split('"').next()
}
