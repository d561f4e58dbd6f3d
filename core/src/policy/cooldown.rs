//! What follows from a failure: the rules of cooldowns, of the circuit, and of the return.

use crate::credential::{Alias, Limits};
use crate::json::{from_json, words};
use crate::sorted_map::SortedMap;
use crate::time::Span;
use crate::verdict::{Reason, Scope};

/// What a cooldown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Action {
    /// Nothing cools; the failure is counted.
    None,
    /// Always the same length.
    Flat,
    /// Longer each time, up to a bound.
    Ladder,
    /// Until the provider's reset; without one, the base length.
    UntilReset,
    /// Counted by the circuit of its scope, which opens when there are too many (`circuit`).
    Circuit,
    /// Disabled until somebody enables it.
    Disable,
}

/// By what a ladder climbs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Climbs {
    /// By each rest that it sets; what a provider's hint set is none of them.
    Rests,
    /// By each failure for the same reason, whether it set an end or not.
    Failures,
    /// By each failure, whatever its reason.
    AllFailures,
}

/// What a failure does to a scope that rests already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Again {
    /// The later end holds. A ladder does not climb by what fails for the same reason: it was sent before.
    Later,
    /// The end stays, whatever the reason was; the failure is counted.
    Keep,
    /// The end stays, and the failure is not counted: it is of the same incident.
    Ignore,
    /// The end is set anew, earlier or later.
    Replace,
}

/// What follows from one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CooldownRule {
    /// What happens.
    pub action: Action,
    /// The first length. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub base: Span,
    /// By how much each step of a ladder is longer.
    #[cfg_attr(feature = "schema", schemars(default = "two"))]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 100)))]
    pub factor: u32,
    /// No step of a ladder is longer. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(default = "a_day"))]
    pub max: Span,
    /// A ladder's steps one by one, instead of `base`, `factor` and `max`; the last one repeats. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub steps: Vec<Span>,
    /// A ladder climbs no more than so many steps above its first.
    #[cfg_attr(feature = "schema", schemars(default = "no_top"))]
    pub top: u8,
    /// By what a ladder climbs.
    #[cfg_attr(feature = "schema", schemars(default = "by_rests"))]
    pub climbs: Climbs,
    /// What a failure does to a scope that rests already.
    #[cfg_attr(feature = "schema", schemars(default = "the_later"))]
    pub again: Again,
    /// The rest of a whole credential is kept beside that of other reasons: neither keeps the other from its end, and
    /// the later one counts.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub apart: bool,
    /// What it covers, instead of what the classification said.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub scope: Option<Scope>,
    /// Does a hint of the provider set the end?
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
    pub hint: bool,
}

impl CooldownRule {
    /// Always this length, from the first failure on.
    pub fn flat(length: Span) -> Self {
        Self {
            action: Action::Flat,
            base: length,
            factor: two(),
            max: a_day(),
            steps: Vec::new(),
            top: no_top(),
            climbs: by_rests(),
            again: the_later(),
            apart: false,
            scope: None,
            hint: false,
        }
    }
}

/// How far a provider's hint is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HintRules {
    /// No hint is believed further than this. Milliseconds.
    pub max: Span,
    /// Nor less far than this. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub min: Span,
    /// May a later hint of the provider move an end earlier? Where it may not, no failure ever does.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub shortens: bool,
}

/// How long failures are remembered, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Memory {
    /// One count for a whole credential, instead of one for each scope.
    pub shared: bool,
    /// A credential has one rest beside those `apart`: while it holds, a failure of another model widens it to the
    /// whole credential and leaves its end alone.
    pub one_rest: bool,
    /// Forgotten when the last failure is longer ago. Milliseconds; zero: never.
    pub window: Span,
    /// Forgotten when a failure comes after a rest has ended.
    pub rest_forgets: bool,
    /// Reasons whose count neither of these forgets.
    pub keeps: Vec<Reason>,
}

/// The circuit of each scope: too many failures in a row, and it rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CircuitRules {
    /// So many failures without a success between them open it.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub failures: u32,
    /// Only those within this time of the first. Milliseconds; zero: however long it took.
    #[cfg_attr(feature = "schema", schemars(default = "a_minute"))]
    pub window: Span,
    /// How long it is open, before it is half-open. Milliseconds.
    pub open: Span,
    /// So many failures open it again while it is half-open.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub reopen: u32,
}

/// How a scope comes back after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Return {
    /// So many calls at first (half-open); each success doubles them. Zero: all at once.
    pub probes: u32,
    /// With more than so many it is back.
    pub full: u32,
}

/// When a failure is the upstream's, whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct UpstreamRules {
    /// Once this share of a provider's enabled credentials has seen it, nobody rests for it. Percent; zero: never.
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub share: u8,
    /// Within this time. Milliseconds.
    pub window: Span,
    /// And at least so many credentials: of one or two a half says nothing.
    pub least: u32,
    /// The reasons that say so.
    pub reasons: Vec<Reason>,
}

/// What is different for one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct ProviderRules {
    /// Does anything of it rest? Absent: as the policy says.
    pub cooling: Option<bool>,
    /// Rules that hold for it, instead of the policy's for the same reason.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<Reason, CooldownRule>"))]
    pub cooldown: SortedMap<Reason, CooldownRule>,
    /// What of each credential may be used, where itself says nothing.
    pub limits: Limits,
    /// The models that they serve, with `*` wildcards, beside what each says itself; empty means all.
    pub models: Vec<Box<str>>,
    /// The models that they do not serve.
    pub excluded_models: Vec<Box<str>>,
    /// Other names for their models; a credential's own aliases go before these.
    pub aliases: Vec<Alias>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { shared: false, one_rest: false, window: Span::ZERO, rest_forgets: false, keeps: Vec::new() }
    }
}

impl Default for CircuitRules {
    fn default() -> Self {
        Self { failures: 5, window: a_minute(), open: Span::from_secs(30), reopen: 1 }
    }
}

impl Default for Return {
    fn default() -> Self {
        Self { probes: 0, full: 16 }
    }
}

impl Default for UpstreamRules {
    fn default() -> Self {
        Self { share: 0, window: Span::from_mins(1), least: 3, reasons: vec![Reason::Overloaded] }
    }
}

const fn two() -> u32 {
    2
}

const fn one() -> u32 {
    1
}

const fn no_top() -> u8 {
    u8::MAX
}

const fn yes() -> bool {
    true
}

const fn by_rests() -> Climbs {
    Climbs::Rests
}

const fn the_later() -> Again {
    Again::Later
}

const fn a_day() -> Span {
    Span::from_days(1)
}

const fn a_minute() -> Span {
    Span::from_mins(1)
}

words! {
    /// The word used in policies.
    Action {
        None = "none",
        Flat = "flat",
        Ladder = "ladder",
        UntilReset = "until-reset",
        Circuit = "circuit",
        Disable = "disable",
    }
}

words! {
    /// The word used in policies.
    Climbs { Rests = "rests", Failures = "failures", AllFailures = "all-failures" }
}

words! {
    /// The word used in policies.
    Again { Later = "later", Keep = "keep", Ignore = "ignore", Replace = "replace" }
}

from_json! {
    strict CooldownRule {
        action,
        base = Span::ZERO,
        factor = two(),
        max = a_day(),
        steps = Vec::new(),
        top = no_top(),
        climbs = by_rests(),
        again = the_later(),
        apart = false,
        scope = None,
        hint = yes(),
    }
}

from_json! {
    strict HintRules { max, min = Span::ZERO, shortens = false }
}

from_json! {
    strict Memory {
        shared = false,
        one_rest = false,
        window = Span::ZERO,
        rest_forgets = false,
        keeps = Vec::new(),
    }
}

from_json! {
    strict CircuitRules { failures, window = a_minute(), open, reopen = one() }
}

from_json! {
    strict Return { probes = 0, full = Return::default().full }
}

from_json! {
    strict UpstreamRules {
        share = 0,
        window = UpstreamRules::default().window,
        least = UpstreamRules::default().least,
        reasons = UpstreamRules::default().reasons,
    }
}

from_json! {
    strict ProviderRules {
        cooling = None,
        cooldown = SortedMap::default(),
        limits = Limits::default(),
        models = Vec::new(),
        excluded_models = Vec::new(),
        aliases = Vec::new(),
    }
}
