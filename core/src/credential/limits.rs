//! How much of a credential may be used at once, in a minute, and in a window: what the user allows, beside what the
//! provider does.

use crate::json::{from_json, object, ToJson, Writer};
use crate::time::Span;

/// The limits of one credential. What is absent is not limited; on a credential, what is absent is as the provider's
/// rules say, then as the policy says, and 0 takes that limit away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Limits {
    /// Leases open at once.
    pub in_flight: Option<u32>,
    /// Requests a minute. A token bucket: they come back one by one, not all at the full minute.
    pub requests: Option<u32>,
    /// Requests at once, where that is less than a minute's worth.
    pub burst: Option<u32>,
    /// Tokens a minute, of prompts and answers together. A token bucket: counted at acquire as what a call of this
    /// credential usually takes, corrected by what the report says.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000_000_000_000_u64)))]
    pub tokens: Option<u64>,
    /// What may be spent in a window of time.
    pub budget: Option<Budget>,
}

/// What may be spent in a window of time. The window begins with the first call that is counted in it; what reports do not
/// say is not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Budget {
    /// How long the window is. Milliseconds, at most 366 days.
    pub window: Span,
    /// Millionths of a US dollar.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub microdollars: Option<u64>,
    /// Tokens, of prompts and answers together.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub tokens: Option<u64>,
}

/// More tokens a minute than this are no limit that anybody has, and their arithmetic would not fit.
pub(crate) const MOST_TOKENS: u64 = 1_000_000_000_000;
/// No budget's window is longer: it must end while somebody remembers it.
const LONGEST_WINDOW: Span = Span::from_days(366);

impl Limits {
    /// These limits, and those of `base` where they say nothing.
    #[must_use]
    pub fn over(self, base: Self) -> Self {
        Self {
            in_flight: self.in_flight.or(base.in_flight),
            requests: self.requests.or(base.requests),
            burst: self.burst.or(base.burst),
            tokens: self.tokens.or(base.tokens),
            budget: self.budget.or(base.budget),
        }
    }

    /// What is wrong with them: the field and why. Nothing where they hold.
    pub fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.tokens.is_some_and(|tokens| tokens > MOST_TOKENS) {
            return Some(("tokens", "must be at most 1000000000000 a minute"));
        }
        let budget = self.budget?;
        if budget.window == Span::ZERO || budget.window > LONGEST_WINDOW {
            return Some(("budget.window", "must be above 0 and at most 366 days"));
        }
        None
    }

    /// Is anything limited at all?
    pub(crate) fn is_none(&self) -> bool {
        let limits = |limit: Option<u64>| limit.is_some_and(|limit| limit > 0);
        let budget = |budget: Budget| limits(budget.microdollars) || limits(budget.tokens);
        !(limits(self.in_flight.map(u64::from))
            || limits(self.requests.map(u64::from))
            || limits(self.tokens)
            || self.budget.is_some_and(budget))
    }
}

from_json! {
    strict Limits { in_flight = None, requests = None, burst = None, tokens = None, budget = None }
}

impl ToJson for Limits {
    fn write(&self, to: &mut Writer) {
        object!(to, self { in_flight if given, requests if given, burst if given, tokens if given, budget if given });
    }
}

from_json! {
    strict Budget { window, microdollars = None, tokens = None }
}

impl ToJson for Budget {
    fn write(&self, to: &mut Writer) {
        object!(to, self { window, microdollars if given, tokens if given });
    }
}
