//! The policy: every rule that a user may change, with its unit and range.

use super::{Affinity, CreditRule, Rotation, Strategy, Tiers};
use crate::credential::{Alias, Limits, Origin};
use crate::json::{from_json, words};
use crate::rules::ClassifyRules;
use crate::sorted_map::SortedMap;
use crate::time::Span;
use crate::verdict::{Reason, Scope};

/// The rules of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Policy {
    /// How one of a tier is chosen.
    pub strategy: Strategy,
    /// What makes a tier.
    #[cfg_attr(feature = "schema", schemars(default = "by_priority"))]
    pub tiers: Tiers,
    /// Do OAuth accounts come before tokens, and tokens before keys, whatever their priority?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub kind_order: bool,
    /// What a rotation is kept for.
    #[cfg_attr(feature = "schema", schemars(default = "by_model"))]
    pub rotation: Rotation,
    /// What becomes of the credits of `weighted` when somebody comes or goes.
    #[cfg_attr(feature = "schema", schemars(default = "keep"))]
    pub credits: CreditRule,
    /// Whether a session stays with a credential.
    pub affinity: Affinity,
    /// What happens when every candidate is out.
    pub when_exhausted: Exhausted,
    /// The legs of the cascade, in order; origins of one leg compete by priority.
    pub cascade: Vec<Vec<Origin>>,
    /// What follows from each reason; a reason that is not named cools nothing.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<Reason, CooldownRule>"))]
    pub cooldown: SortedMap<Reason, CooldownRule>,
    /// How far a provider's hint is believed.
    pub hints: HintRules,
    /// What a success ends.
    pub success_ends: SuccessEnds,
    /// Cooldowns that we chose are lengthened by a share between 0 and so many percent.
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub jitter: u8,
    /// What comes after a failure.
    pub retry: RetryRules,
    /// A lease that is not reported ends after this time. Milliseconds.
    pub lease: Span,
    /// What of each credential may be used, where neither its provider's rules nor itself say otherwise.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub limits: Limits,
    /// Do the headers of answers (`x-ratelimit-remaining-requests` and its relatives) count as limits? What has nothing left
    /// is not asked before its reset, and our own buckets never hold more than the provider says is left.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub heed_headers: bool,
    /// Which of several providers is asked first.
    #[cfg_attr(feature = "schema", schemars(default = "ordered"))]
    pub chain: Chain,
    /// Are credentials with a prefix asked by `prefix/model` only, and not by the bare model?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub force_prefix: bool,
    /// At most so many callers wait for a credential at once; further ones are refused at once.
    #[cfg_attr(feature = "schema", schemars(default = "many_waiters"))]
    pub max_waiting: u32,
    /// Rules for all credentials of a provider, by its registry name.
    #[cfg_attr(
        feature = "schema",
        schemars(default, with = "std::collections::BTreeMap<String, ProviderRules>")
    )]
    pub providers: SortedMap<Box<str>, ProviderRules>,
    /// Does an account that is added take the place of the API keys that are stored for its provider?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub account_replaces_keys: bool,
    /// What an answer means.
    pub classify: ClassifyRules,
}

/// Which of several providers is asked first; the others follow in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Chain {
    /// Always the first that was named.
    Ordered,
    /// Each in turn, for each list of providers and model by itself.
    Rotate,
}

/// What happens when every candidate is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Exhausted {
    /// The caller gets an error that says when to come back.
    Refuse,
    /// The caller gets the one whose cooldown ends first, so that it sees the provider's own error.
    Soonest,
}

/// What a success ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum SuccessEnds {
    /// The cooldown and the ladder of the model that succeeded (of the credential, where no model was named).
    OwnScope,
    /// These, and those of the whole credential: what answered is alive.
    OwnScopeAndCredential,
}

/// What a cooldown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum Action {
    /// Nothing cools.
    None,
    /// Always the same length.
    Flat,
    /// Longer each time, up to a bound.
    Ladder,
    /// Until the provider's reset; without one, the base length.
    UntilReset,
    /// Disabled until somebody enables it.
    Disable,
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
    /// What it covers, instead of what the classification said.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub scope: Option<Scope>,
    /// Does a hint of the provider set the end?
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
    pub hint: bool,
    /// So many failures within `window` before anything cools.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub failures: u32,
    /// The time in which failures are counted. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(default = "a_minute"))]
    pub window: Span,
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
}

/// What comes after a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RetryRules {
    /// At most so many attempts for one call of `fetch`, over all credentials and rounds.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub attempts: u32,
    /// Once everybody was tried, so many more rounds.
    pub rounds: u32,
    /// The wait before the first further round; each one doubles it. Milliseconds.
    pub backoff: Span,
    /// No such wait is longer. Milliseconds.
    pub backoff_max: Span,
    /// How long `fetch` waits for a credential where the caller does not say. Milliseconds.
    pub fetch_wait: Span,
    /// Reasons after which nobody else is tried.
    pub stop: Vec<Reason>,
    /// Reasons after which a further round may begin; every one, where it is left out.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub rounds_after: Option<Vec<Reason>>,
    /// At most so many credentials are tried in a round; 0: all.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub per_round: u32,
    /// So much is added at most to the wait before a round, and no more than a quarter of it, so that many callers do not
    /// come back at once. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(default = "two_seconds"))]
    pub spread_max: Span,
    /// Is an account renewed when its token was refused?
    #[cfg_attr(feature = "schema", schemars(default = "never"))]
    pub refresh: RefreshRule,
}

/// Is an account renewed when its token was refused?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum RefreshRule {
    /// It rests as the policy says, and the next one is tried.
    Never,
    /// It is renewed and tried once more; only then it rests, and the next one is tried. Keys cannot be renewed.
    First,
}

/// Rules for all credentials of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct ProviderRules {
    /// What of each credential may be used, where itself says nothing.
    pub limits: Limits,
    /// The models that they serve, with `*` wildcards, beside what each says itself; empty means all.
    pub models: Vec<Box<str>>,
    /// The models that they do not serve.
    pub excluded_models: Vec<Box<str>>,
    /// Other names for their models; a credential's own aliases go before these.
    pub aliases: Vec<Alias>,
}

impl Policy {
    /// The limits of a credential: its own, its provider's, the policy's.
    pub fn limits_of(&self, provider: &str, own: Limits) -> Limits {
        let provider = self.providers.get(provider).map(|rules| rules.limits).unwrap_or_default();
        own.over(provider).over(self.limits)
    }

    /// The rule for a reason.
    pub fn rule(&self, reason: Reason) -> Option<&CooldownRule> {
        self.cooldown.get(&reason)
    }

    /// How many legs, from the first on, hold nothing but what somebody set by hand for this very program: they come before
    /// every session's tie, and no session is tied to them.
    pub fn override_legs(&self) -> u8 {
        let by_hand =
            |leg: &&Vec<Origin>| leg.iter().all(|origin| matches!(origin, Origin::Runtime | Origin::Config));
        self.cascade.iter().take_while(by_hand).count().try_into().unwrap_or(u8::MAX)
    }

    /// The place of an origin in the cascade; `None` where the policy does not have it.
    pub fn leg(&self, origin: Origin) -> Option<u8> {
        self.cascade.iter().position(|leg| leg.contains(&origin)).and_then(|leg| u8::try_from(leg).ok())
    }
}

const fn by_priority() -> Tiers {
    Tiers::Priority
}

const fn by_model() -> Rotation {
    Rotation::Model
}

const fn keep() -> CreditRule {
    CreditRule::Keep
}

const fn many_waiters() -> u32 {
    10_000
}

const fn ordered() -> Chain {
    Chain::Ordered
}

const fn two_seconds() -> Span {
    Span::from_secs(2)
}

const fn never() -> RefreshRule {
    RefreshRule::Never
}

const fn two() -> u32 {
    2
}

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

const fn a_day() -> Span {
    Span::from_days(1)
}

const fn a_minute() -> Span {
    Span::from_mins(1)
}

words! {
    /// The word used in policies.
    RefreshRule { Never = "never", First = "first" }
}

words! {
    /// The word used in policies.
    Chain { Ordered = "ordered", Rotate = "rotate" }
}

words! {
    /// The word used in policies.
    Exhausted { Refuse = "refuse", Soonest = "soonest" }
}

words! {
    /// The word used in policies.
    SuccessEnds { OwnScope = "own-scope", OwnScopeAndCredential = "own-scope-and-credential" }
}

words! {
    /// The word used in policies.
    Action { None = "none", Flat = "flat", Ladder = "ladder", UntilReset = "until-reset", Disable = "disable" }
}

from_json! {
    strict Policy {
        strategy,
        tiers = by_priority(),
        kind_order = false,
        rotation = by_model(),
        credits = keep(),
        affinity,
        when_exhausted,
        cascade,
        cooldown,
        hints,
        success_ends,
        jitter,
        retry,
        lease,
        limits = Limits::default(),
        heed_headers = false,
        chain = ordered(),
        force_prefix = false,
        max_waiting = many_waiters(),
        providers = SortedMap::default(),
        account_replaces_keys = false,
        classify,
    }
}

from_json! {
    strict ProviderRules {
        limits = Limits::default(),
        models = Vec::new(),
        excluded_models = Vec::new(),
        aliases = Vec::new(),
    }
}

from_json! {
    strict CooldownRule {
        action,
        base = Span::ZERO,
        factor = two(),
        max = a_day(),
        scope = None,
        hint = yes(),
        failures = one(),
        window = a_minute(),
    }
}

from_json! {
    strict HintRules { max, min = Span::ZERO }
}

from_json! {
    strict RetryRules {
        attempts,
        rounds,
        backoff,
        backoff_max,
        fetch_wait,
        stop,
        rounds_after = None,
        per_round = 0,
        spread_max = two_seconds(),
        refresh = never(),
    }
}
