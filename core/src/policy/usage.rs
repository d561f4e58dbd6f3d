//! How accounts are ranked by what is left of them, and how that is learned.

use super::Strategy;
use crate::json::from_json;
use crate::sorted_map::SortedMap;
use crate::time::Span;

/// All of a window, in parts per million.
const ALL: u32 = 1_000_000;

/// What the strategy `usage` looks at, and what follows from usage reports under every strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct UsageRules {
    /// How one is chosen among those of a tier of whom nothing is known; any strategy but `usage`.
    pub unknown: Strategy,
    /// From this share on a short window is hot: its account comes after all cooler ones. Parts per million.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000_000)))]
    pub hot: u32,
    /// Everybody who was sent to an account since its last report counts as so much of its windows, so that those who come
    /// together spread. Parts per million.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000_000)))]
    pub pending: u32,
    /// Does a window that has begun anew since the report count as untouched? Else as about to begin.
    pub renews: bool,
    /// By provider: a session that was idle for so long is placed anew, its own credential first among equals. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, Span>"))]
    pub warm: SortedMap<Box<str>, Span>,
    /// A report that shows enough ends a rest for want of quota that is so old. Milliseconds.
    pub heal_after: Span,
    /// The headers of answers are taken into the report at most once in so long, unless they show that nothing is left. Milliseconds.
    pub headers_every: Span,
    /// A report is kept for so long where no newer one comes. Milliseconds.
    pub keep: Span,
    /// Are reports asked for by themselves, while somebody is placed by them and there are two at least to choose from? Of accounts; of
    /// keys once the program has asked. Else when somebody asks for them.
    pub auto: bool,
    /// A report is fresh for so long, a quarter more or less by chance. Milliseconds.
    pub ttl: Span,
    /// After a failure nothing is asked for so long, a quarter more or less, doubled by each further one, six times at most.
    /// Milliseconds.
    pub retry: Span,
    /// What takes longer has failed; its report counts all the same when it comes. Milliseconds.
    pub timeout: Span,
    /// So many questions at once.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub at_once: u32,
    /// So long between two questions to one provider: they limit by address. Milliseconds.
    pub stagger: Span,
    /// What is kept in reserve of which accounts: the first that fits.
    pub reserves: Vec<Reserve>,
}

/// What is kept in reserve of an account: it is used last while no more than that is left of one of its windows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Reserve {
    /// Of this provider; absent: of all.
    pub provider: Option<Box<str>>,
    /// Of the credential with this name.
    pub name: Option<Box<str>>,
    /// Of the account with this address.
    pub email: Option<Box<str>>,
    /// Of the account with this id.
    pub account_id: Option<Box<str>>,
    /// Of the accounts of this organisation.
    pub org_id: Option<Box<str>>,
    /// So much. Parts per million.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000_000)))]
    pub share: u32,
    /// It melts away in so long before the reset of the long window; zero: it stays. Milliseconds.
    pub taper: Span,
    /// Once it was in reserve it is out of it only with more than this left; no less than `share`. Parts per million.
    #[cfg_attr(feature = "schema", schemars(range(max = 1_000_000)))]
    pub reclaim: u32,
}

impl UsageRules {
    /// The first field that is out of its range, and how.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        let shares = |reserve: &Reserve| reserve.share > ALL || reserve.reclaim > ALL;
        if self.unknown == Strategy::Usage {
            Some(("usage.unknown", "must be another strategy than usage"))
        } else if self.hot > ALL {
            Some(("usage.hot", "must be at most 1000000 (parts per million)"))
        } else if self.pending > ALL {
            Some(("usage.pending", "must be at most 1000000 (parts per million)"))
        } else if self.at_once == 0 {
            Some(("usage.at_once", "must be at least 1"))
        } else if self.retry.0 == 0 || self.timeout.0 == 0 {
            Some(("usage.retry", "and usage.timeout must be above 0"))
        } else if self.reserves.iter().any(shares) {
            Some(("usage.reserves", "shares must be at most 1000000 (parts per million)"))
        } else {
            None
        }
    }
}

impl Default for UsageRules {
    fn default() -> Self {
        Self {
            unknown: Strategy::LeastRecentlyUsed,
            hot: 850_000,
            pending: 5_000,
            renews: true,
            warm: SortedMap::default(),
            heal_after: Span::from_mins(5),
            headers_every: Span::from_mins(1),
            keep: Span::from_days(1),
            auto: true,
            ttl: Span::from_mins(5),
            retry: Span::from_secs(10),
            timeout: Span::from_secs(10),
            at_once: 4,
            stagger: Span::from_millis(250),
            reserves: Vec::new(),
        }
    }
}

from_json! {
    strict UsageRules {
        unknown = Self::default().unknown,
        hot = Self::default().hot,
        pending = Self::default().pending,
        renews = Self::default().renews,
        warm = SortedMap::default(),
        heal_after = Self::default().heal_after,
        headers_every = Self::default().headers_every,
        keep = Self::default().keep,
        auto = Self::default().auto,
        ttl = Self::default().ttl,
        retry = Self::default().retry,
        timeout = Self::default().timeout,
        at_once = Self::default().at_once,
        stagger = Self::default().stagger,
        reserves = Vec::new(),
    }
}

from_json! {
    strict Reserve {
        provider = None,
        name = None,
        email = None,
        account_id = None,
        org_id = None,
        share = 0,
        taper = Span::ZERO,
        reclaim = 0,
    }
}
