//! The policy: every rule that a user may change, with its unit and range.

use super::cooldown::{CircuitRules, CooldownRule, HintRules, Memory, ProviderRules, Return, UpstreamRules};
use super::{Affinity, CreditRule, RefreshRules, Rotation, Strategy, Tiers, UsageRules};
use crate::credential::{Limits, Origin};
use crate::json::{from_json, words};
use crate::rules::ClassifyRules;
use crate::sorted_map::SortedMap;
use crate::time::Span;
use crate::verdict::Reason;

/// The rules of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
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
    /// How accounts are ranked by what is left of them, and what follows from usage reports.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub usage: UsageRules,
    /// What happens when every candidate is out.
    pub when_exhausted: Exhausted,
    /// The legs of the cascade, in order; origins of one leg compete by priority.
    pub cascade: Vec<Vec<Origin>>,
    /// What follows from each reason; a reason that is not named cools nothing.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<Reason, CooldownRule>"))]
    pub cooldown: SortedMap<Reason, CooldownRule>,
    /// Does anything rest? A provider (`providers`) or a credential may say otherwise.
    #[cfg_attr(feature = "schema", schemars(default = "yes"))]
    pub cooling: bool,
    /// How far a provider's hint is believed.
    pub hints: HintRules,
    /// How long failures are remembered.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub memory: Memory,
    /// The circuit of each scope.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub circuit: CircuitRules,
    /// How a scope comes back after a rest.
    #[cfg_attr(feature = "schema", schemars(default, rename = "return"))]
    pub return_: Return,
    /// When a failure is the upstream's, whoever asks.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub upstream: UpstreamRules,
    /// What a success ends.
    pub success_ends: SuccessEnds,
    /// Cooldowns that we chose are lengthened by a share between 0 and so many percent.
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub jitter: u8,
    /// What comes after a failure.
    pub retry: RetryRules,
    /// When tokens are renewed, and what a failure costs.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub refresh: RefreshRules,
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
    /// Do answers name the alias that was asked for in the place of the upstream's model? An alias may say so itself (`force`).
    #[cfg_attr(feature = "schema", schemars(default))]
    pub force_mapping: bool,
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
    /// As if their credentials were of one provider: the best tier of all goes first, and the providers that have it take turns,
    /// each as often as it has somebody ready in it (under `weighted`: as their weights say).
    Shared,
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
    /// Those of the credential and of all its models.
    Everything,
    /// Nothing: a cooldown ends at its end.
    Nothing,
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

#[cfg(feature = "schema")]
const fn yes() -> bool {
    true
}

impl Policy {
    /// The limits of a credential: its own, its provider's, the policy's.
    pub fn limits_of(&self, provider: &str, own: Limits) -> Limits {
        let provider = self.providers.get(provider).map(|rules| rules.limits).unwrap_or_default();
        own.over(provider).over(self.limits)
    }

    /// The strategy among those of whom no usage is known.
    pub const fn plain_strategy(&self) -> Strategy {
        match self.strategy {
            Strategy::Usage => self.usage.unknown,
            strategy => strategy,
        }
    }

    /// The rule for a reason, where a provider says it.
    pub fn rule(&self, provider: &str, reason: Reason) -> Option<&CooldownRule> {
        let own = self.providers.get(provider).and_then(|rules| rules.cooldown.get(&reason));
        own.or_else(|| self.cooldown.get(&reason))
    }

    /// Does anything of a credential rest? What it says itself comes first, then its provider, then the pool.
    pub fn cools(&self, provider: &str, own: Option<bool>) -> bool {
        own.or_else(|| self.providers.get(provider)?.cooling).unwrap_or(self.cooling)
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

words! {
    /// The word used in policies.
    RefreshRule { Never = "never", First = "first" }
}

words! {
    /// The word used in policies.
    Chain { Ordered = "ordered", Rotate = "rotate", Shared = "shared" }
}

words! {
    /// The word used in policies.
    Exhausted { Refuse = "refuse", Soonest = "soonest" }
}

words! {
    /// The word used in policies.
    SuccessEnds {
        OwnScope = "own-scope",
        OwnScopeAndCredential = "own-scope-and-credential",
        Everything = "everything",
        Nothing = "nothing",
    }
}

from_json! {
    strict Policy {
        strategy,
        tiers = by_priority(),
        kind_order = false,
        rotation = by_model(),
        credits = keep(),
        affinity,
        usage = UsageRules::default(),
        when_exhausted,
        cascade,
        cooldown,
        cooling = true,
        hints,
        memory = Memory::default(),
        circuit = CircuitRules::default(),
        return_ as "return" = Return::default(),
        upstream = UpstreamRules::default(),
        success_ends,
        jitter,
        retry,
        refresh = RefreshRules::default(),
        lease,
        limits = Limits::default(),
        heed_headers = false,
        chain = ordered(),
        force_prefix = false,
        force_mapping = false,
        max_waiting = many_waiters(),
        providers = SortedMap::default(),
        account_replaces_keys = false,
        classify = ClassifyRules::default(),
    }
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
