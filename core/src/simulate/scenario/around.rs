//! What is around the pools, where a scenario wants more than a script of answers: a provider whose tokens rotate, time that
//! calls take, and faults.

use crate::json::{from_json, words};

/// What is around the pools. While it is given every invariant is looked after: the report says which was broken first.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct WorldSpec {
    /// What the provider does when a refresh token comes back that it has replaced.
    pub manner: Manner,
    /// With `leeway`: for so many milliseconds after its replacement such a token is taken once more.
    pub leeway: u64,
    /// How long access tokens live, from and to, in seconds; each by a draw.
    pub life: (u64, u64),
    /// So many calls an account may make in each `meter_window`, as the provider counts them; 0: as many as it likes.
    pub meter: u64,
    /// How long such a window is, in milliseconds.
    pub meter_window: u64,
    /// How long the store takes, there and back each, from and to, in milliseconds.
    pub store: (u64, u64),
    /// How long the network takes, likewise.
    pub network: (u64, u64),
    /// By how many milliseconds each pool's wall clock is off.
    pub skew: Vec<i64>,
    /// From then on nothing goes wrong; 0: at any time something may. Milliseconds since the start.
    pub calm: u64,
    /// What is wrong with the store itself, to see that the rules notice.
    pub flaw: Option<Flaw>,
    /// What goes wrong.
    pub faults: Vec<FaultSpec>,
}

/// What a provider does when a refresh token comes back that it has replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Manner {
    /// It closes the account at once.
    #[default]
    Strict,
    /// It takes it for a while, and closes the account after that.
    Leeway,
    /// It never replaces any.
    Fixed,
}

words! {
    /// The word used in files.
    Manner { Strict = "strict", Leeway = "leeway", Fixed = "fixed" }
}

/// A store that breaks its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Flaw {
    /// It gives a lease to everybody who asks.
    LeaseToAll,
}

words! {
    /// The word used in files.
    Flaw { LeaseToAll = "lease_to_all" }
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FaultSpec {
    /// In which pool, through all its lives.
    pub pool: usize,
    /// With what it asks for.
    pub on: On,
    /// The how manieth of these, from 0.
    pub nth: u32,
    /// What happens.
    #[cfg_attr(feature = "schema", schemars(rename = "do"))]
    pub what: What,
    /// For how long, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub ms: u64,
}

/// What a pool asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum On {
    /// The store is read.
    Load,
    /// A lease.
    Lease,
    /// A lease is prolonged.
    Renew,
    /// The store is written.
    Commit,
    /// A request to the provider.
    Request,
}

words! {
    /// The word used in files.
    On { Load = "load", Lease = "lease", Renew = "renew", Commit = "commit", Request = "request" }
}

/// What goes wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum What {
    /// It is not done: the store says that it failed, the provider answers 503.
    Fail,
    /// It is done, and told as failed; of a request, the answer is lost.
    FailAfter,
    /// It arrives so much later.
    Slow,
    /// Its answer arrives so much later.
    Late,
    /// It never arrives; told after so much.
    Lose,
    /// Its answer arrives twice, the second time so much later.
    Twice,
}

words! {
    /// The word used in files.
    What {
        Fail = "fail",
        FailAfter = "fail_after",
        Slow = "slow",
        Late = "late",
        Lose = "lose",
        Twice = "twice",
    }
}

from_json! {
    strict WorldSpec {
        manner = Manner::Strict,
        leeway = 0,
        life = (3600, 3600),
        meter = 0,
        meter_window = 0,
        store = (0, 0),
        network = (0, 0),
        skew = Vec::new(),
        calm = 0,
        flaw = None,
        faults = Vec::new(),
    }
}

from_json! {
    strict FaultSpec { pool, on, nth, what as "do", ms = 0 }
}

impl WorldSpec {
    /// What is wrong: the place, and why.
    pub(in crate::simulate) fn problem(&self, pools: usize) -> Option<(String, &'static str)> {
        for (field, (from, to)) in [("life", self.life), ("store", self.store), ("network", self.network)] {
            if from > to {
                return Some((format!("world.{field}"), "the second number is below the first"));
            }
        }
        if self.life.0 == 0 {
            return Some(("world.life".to_owned(), "must be above 0"));
        }
        if self.meter > 0 && self.meter_window == 0 {
            return Some(("world.meter_window".to_owned(), "must be above 0 where there is a meter"));
        }
        let fault = self.faults.iter().position(|fault| fault.pool >= pools)?;
        Some((format!("world.faults[{fault}].pool"), "there are not so many pools"))
    }
}

/// Arguments of `visit`: a whole call with whoever is given, answered by the provider as it counts and knows its tokens.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct VisitStep {
    /// The provider.
    pub provider: Box<str>,
}

from_json! {
    strict VisitStep { provider }
}

/// Arguments of `freeze`: the process stands still, and its clocks go on.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FreezeStep {
    /// For so many milliseconds.
    #[cfg_attr(feature = "schema", schemars(rename = "for"))]
    pub span: u64,
}

from_json! {
    strict FreezeStep { span as "for" }
}

/// Arguments of `store_down`: whoever stands before the store (a broker, a proxy) is gone and comes back. What is under way is done
/// and told as failed, what comes meanwhile fails; what the store has, leases too, stays.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct StoreDownStep {
    /// For so many milliseconds.
    #[cfg_attr(feature = "schema", schemars(rename = "for"))]
    pub span: u64,
}

from_json! {
    strict StoreDownStep { span as "for" }
}
