//! How one is chosen among those who are ready.

use crate::json::words;

/// How one of a tier is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Strategy {
    /// One after the other.
    RoundRobin,
    /// The first one that is ready, in stored order.
    FillFirst,
    /// The same one until it fails, then the next; no jumping back.
    Sequential,
    /// One after the other by shares: each gets its `weight` of the sum of weights, spread out evenly. A weight of 0 is
    /// never picked.
    Weighted,
    /// The one that was not used for the longest time; never used ones first, in stored order.
    LeastRecentlyUsed,
    /// The one with the fewest open leases; of equal ones the one that was not used for longer.
    LeastInFlight,
    /// Any one, each as likely as the other.
    Random,
    /// Of two who are drawn by lot, the one with fewer open leases.
    PowerOfTwo,
    /// The one with the highest priority, then in stored order.
    Priority,
    /// OAuth accounts, then tokens, then keys; within a kind the one that was not used for the longest time.
    KindOrder,
    /// The account whose allowance must be spent fastest, so that nothing of it is lost at the reset; where nothing is known of anybody,
    /// as `usage.unknown` says.
    Usage,
}

/// What makes a tier of its own. Those of a better tier are picked for as long as one of them is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Tiers {
    /// Each priority.
    Priority,
    /// Nothing: all of a leg share the work, and priority is only their order.
    One,
}

/// What a rotation is kept for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Rotation {
    /// Each provider and model.
    Model,
    /// Each provider, whatever the model.
    Provider,
}

/// What becomes of the credits of `weighted` when somebody comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum CreditRule {
    /// Everybody keeps its own, also while it is away; nobody catches up on the time that it was away.
    Keep,
    /// All begin anew.
    Restart,
}

words! {
    /// The word used in policies.
    Strategy {
        RoundRobin = "round-robin",
        FillFirst = "fill-first",
        Sequential = "sequential",
        Weighted = "weighted",
        LeastRecentlyUsed = "least-recently-used",
        LeastInFlight = "least-in-flight",
        Random = "random",
        PowerOfTwo = "power-of-two",
        Priority = "priority",
        KindOrder = "kind-order",
        Usage = "usage",
    }
}

words! {
    /// The word used in policies.
    Tiers { Priority = "priority", One = "one" }
}

words! {
    /// The word used in policies.
    Rotation { Model = "model", Provider = "provider" }
}

words! {
    /// The word used in policies.
    CreditRule { Keep = "keep", Restart = "restart" }
}
