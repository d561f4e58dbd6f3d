//! What comes after a failure: the same account once more, another one, a further round, or nothing.
//!
//! Pure functions of the policy and of what a call has done so far; the engine asks them, and keeps who waits.

use crate::entropy::{Purpose, Seed};
use crate::facts::Kind;
use crate::json::words;
use crate::policy::{RefreshRule, RetryRules};
use crate::time::{Instant, Span};
use crate::verdict::Reason;

/// What the policy says next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: the call succeeded.
    None,
    /// Renew the same account's token, and try it once more.
    Refresh,
    /// Try another credential.
    Rotate,
    /// Try nobody else.
    Stop,
}

words! {
    /// The word for it.
    Next { None = "none", Refresh = "refresh", Rotate = "rotate", Stop = "stop" }
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Attempts so far, the one that failed included; zero where the caller counts none.
    pub attempts: u32,
    /// The same account was renewed in this call already.
    pub refreshed: bool,
}

/// What comes after a failure. `stops`: the rule that read it says so itself.
///
/// An account whose token was refused is renewed once and asked again before anybody else is (DESIGN §4, oh-my-pi's steps
/// a, b, c); a key cannot be renewed.
pub fn after_failure(
    rules: &RetryRules,
    kind: Kind,
    reason: Reason,
    stops: Option<bool>,
    progress: Progress,
) -> Next {
    let stops = stops.unwrap_or_else(|| rules.stop.contains(&reason));
    if stops || progress.attempts != 0 && progress.attempts >= rules.attempts {
        return Next::Stop;
    }
    let renewable = kind == Kind::Oauth && matches!(reason, Reason::Auth | Reason::SessionExpired);
    if renewable && !progress.refreshed && rules.refresh == RefreshRule::First {
        return Next::Refresh;
    }
    Next::Rotate
}

/// When everybody was tried: how long until they may be tried again; `None` where the policy has no further round, or none
/// after such a failure. `rounds`: the most that any of them takes part in. Never longer than the caller waits.
///
/// Each round waits twice as long as the one before. A share is added so that many callers do not come back at once: at
/// most a quarter, at most what the policy says, and at most what is left of the caller's time (CLIProxyAPI's rounds).
pub fn next_round(
    rules: &RetryRules,
    seed: Seed,
    key: u64,
    round: u32,
    rounds: u32,
    last: Option<Reason>,
    left: Span,
) -> Option<Span> {
    let allowed = last.is_none_or(|last| rules.rounds_after.as_ref().is_none_or(|list| list.contains(&last)));
    if round >= rounds || !allowed {
        return None;
    }
    let wait = Span(rules.backoff.0.saturating_mul(1 << round.min(32)).min(rules.backoff_max.0));
    (wait <= left).then(|| spread(seed, key, u64::from(round), wait, left, rules.spread_max))
}

/// A wait with a share added: less than a quarter of it, than `most`, and than what is left.
pub fn spread(seed: Seed, key: u64, n: u64, wait: Span, left: Span, most: Span) -> Span {
    let bound = (wait.0 / 4).min(most.0).min(left.0.saturating_sub(wait.0));
    let drawn = (u128::from(seed.draw(Purpose::Backoff, key, n)) * u128::from(bound)) >> 64;
    Span(wait.0.saturating_add(drawn as u64))
}

/// No instant is further than the caller waits, nor than anybody may.
pub fn deadline(now: Instant, wait: Span) -> Instant {
    now + wait.min(LONGEST_WAIT)
}

/// How long a caller may wait at most, whatever it asks: a wait without an end is a leak.
pub const LONGEST_WAIT: Span = Span::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn rules(document: &str) -> RetryRules {
        Policy::over("default", crate::json::read(document).unwrap()).unwrap().retry
    }

    /// CLIProxyAPI's V-JIT.
    #[test]
    fn a_wait_is_spread_within_bounds() {
        for (wait, left, below) in [
            (8_000, 60_000, 2_000),
            (30_000, 60_000, 2_000),
            (29_000, 30_000, 1_000),
            (30_000, 30_000, 1),
            (0, 60_000, 1),
            (1_000, 2_000, 250),
        ] {
            let mut longest = 0;
            for n in 0..500 {
                let spread = spread(Seed(n), 1, n, Span(wait), Span(left), Span(2_000));
                assert!((wait..wait + below).contains(&spread.0), "{wait} {left}: {spread:?}");
                longest = longest.max(spread.0 - wait);
            }
            assert!(longest >= below * 9 / 10 || below == 1, "{wait} {left}: only up to {longest}");
        }
    }

    #[test]
    fn rounds_double_and_end() {
        let rules = rules(r#"{"retry": {"rounds": 3, "backoff": 100, "backoff_max": 300, "spread_max": 0}}"#);
        let round = |round, left| next_round(&rules, Seed(1), 1, round, rules.rounds, None, Span(left));
        assert_eq!([round(0, 999), round(1, 999), round(2, 999)], [100, 200, 300].map(|ms| Some(Span(ms))));
        assert_eq!(round(3, 999), None);
        assert_eq!(round(1, 199), None, "the caller does not wait so long");
    }

    #[test]
    fn some_failures_begin_no_round() {
        let rules = rules(r#"{"retry": {"rounds": 3, "rounds_after": ["overloaded"]}}"#);
        let round = |last| next_round(&rules, Seed(1), 1, 0, 3, last, Span(9_999)).is_some();
        assert!(round(None) && round(Some(Reason::Overloaded)) && !round(Some(Reason::Auth)));
    }

    /// oh-my-pi's a, b, c.
    #[test]
    fn an_account_is_renewed_once_and_a_key_never() {
        let rules = rules(r#"{"retry": {"refresh": "first", "attempts": 5}}"#);
        let after = |kind, reason, attempts, refreshed| {
            after_failure(&rules, kind, reason, None, Progress { attempts, refreshed })
        };
        assert_eq!(after(Kind::Oauth, Reason::Auth, 1, false), Next::Refresh);
        assert_eq!(after(Kind::Oauth, Reason::Auth, 2, true), Next::Rotate);
        assert_eq!(after(Kind::ApiKey, Reason::Auth, 1, false), Next::Rotate);
        assert_eq!(after(Kind::Token, Reason::Auth, 1, false), Next::Rotate);
        assert_eq!(after(Kind::Oauth, Reason::RateLimit, 1, false), Next::Rotate);
        assert_eq!(after(Kind::Oauth, Reason::Auth, 5, false), Next::Stop);
        assert_eq!(after(Kind::Oauth, Reason::RequestFault, 1, false), Next::Stop);
    }
}
