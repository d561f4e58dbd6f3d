//! What a call teaches about limits: what its answer's headers say is left, and what it took.

use super::{Outcome, Pool};
use crate::classify::{tokens_of_answer, tokens_of_stream};
use crate::engine::Stated;
use crate::id::{Handle, LeaseId};
use crate::limit::Spending;
use crate::time::Now;
use crate::wire::http::Headers;
use crate::wire::rate_limit::RateLimits;

/// What of a successful answer somebody listens to. Where it is nothing, [`Pool::release`] says all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its headers of limits: those that begin with one of [`crate::wire::rate_limit::NAMES`].
    pub headers: bool,
    /// What it took: its body, or the ends of its stream.
    pub usage: bool,
}

impl Pool {
    /// What is wanted of the answer to a lease's call, if it succeeds.
    pub fn wanted(&self, lease: LeaseId) -> Wanted {
        Wanted {
            headers: self.engine.policy().heed_headers,
            usage: self.engine.counts_tokens(lease.handle()),
        }
    }

    /// What an answer says of the limits of its account, where the policy listens.
    pub(super) fn stated(&self, outcome: &Outcome, succeeded: bool, now: Now) -> Stated {
        let mut stated = Stated::default();
        if !self.engine.policy().heed_headers || outcome.headers.is_empty() {
            return stated;
        }
        let limits = RateLimits::read(Headers::from(outcome.headers.as_slice()), now.wall);
        for limit in limits.0.iter().filter(|limit| !limit.window) {
            match &*limit.name {
                "requests" | "" => stated.requests = limit.remaining,
                "tokens" => stated.tokens = limit.remaining,
                // `input-tokens`, `requests-day`, `tokens-minute`: not what our buckets count, but none of it may be spent.
                name if counts_calls(name) => {}
                _ => continue,
            }
            // A refusal has its own rules: how long it rests is for the policy to say.
            if succeeded && limit.exhausted() {
                stated.empty_for = stated.empty_for.max(limit.reset);
            }
        }
        stated
    }

    /// What a call took: as its caller says, else as its answer does, where that counts.
    pub(super) fn spending(&self, handle: Handle, outcome: &Outcome, succeeded: bool) -> Spending {
        let mut spending = outcome.usage;
        if spending.tokens.is_none() && self.engine.counts_tokens(handle) {
            spending.tokens = match (&outcome.stream, &outcome.body) {
                (Some(stream), _) => tokens_of_stream(stream.view()),
                (None, Some(body)) if succeeded => tokens_of_answer(body),
                _ => None,
            };
        }
        spending
    }
}

/// Is it a limit of requests or tokens, of whatever kind and for whatever time?
fn counts_calls(name: &str) -> bool {
    let rest = name.strip_prefix("input-").or_else(|| name.strip_prefix("output-")).unwrap_or(name);
    matches!(rest.split('-').next(), Some("requests" | "tokens"))
}
