//! Whether, and how, a session stays with a credential.

use crate::facts::Kind;
use crate::json::{from_json, words};
use crate::time::Span;

/// Whether a session stays with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Affinity {
    /// What is tied.
    pub kind: AffinityKind,
    /// A tie that is not used for so long is forgotten. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(default = "an_hour"))]
    pub ttl: Span,
    /// At most so many ties are kept; the one that was not used for the longest time is forgotten first.
    #[cfg_attr(feature = "schema", schemars(default = "many_ties"))]
    pub max: u32,
    /// Where a session's first credential comes from.
    #[cfg_attr(feature = "schema", schemars(default = "by_strategy"))]
    pub start: SessionStart,
    /// Sessions are tied to credentials of this kind only; to others they come by `start`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub only: Option<Kind>,
    /// Does a session go back to a better tier when somebody there is ready again?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub fail_back: bool,
    /// What a failure that rests the credential does to the tie.
    #[cfg_attr(feature = "schema", schemars(default = "untie"))]
    pub on_failure: TieFailure,
    /// Does `fetch` read the session off the request where the caller names none?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub derive: bool,
}

/// What is tied to a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum AffinityKind {
    /// Nothing: every pick is a new one.
    None,
    /// A session, for each provider.
    Session,
    /// A session, for each provider and model.
    SessionModel,
    /// A session for each provider, without a stored tie: who comes or goes moves its own share of the sessions only. A
    /// session returns to a credential that has recovered.
    Rendezvous,
}

/// Where a session's first credential comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum SessionStart {
    /// From the strategy.
    Strategy,
    /// xxHash32 of the session (UTF-8, seed 0) is counted off on the enabled ones of the tier, in stored order; from there on
    /// the first that is ready.
    Hash,
}

/// What a failure that rests the credential does to a tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "kebab-case"))]
pub enum TieFailure {
    /// The session is free, and may come to anybody.
    Untie,
    /// The tie stays until the session is given somebody else.
    Keep,
    /// Only a refused token frees the session: what is refused as a whole is not waited for, what is spent is.
    UntieAuth,
}

impl Affinity {
    /// Is anything tied, so that sessions must be known?
    pub fn ties(&self) -> bool {
        matches!(self.kind, AffinityKind::Session | AffinityKind::SessionModel)
    }

    /// Is a session tied to credentials of this kind?
    pub fn ties_to(&self, kind: Kind) -> bool {
        self.ties() && self.only.is_none_or(|only| only == kind)
    }
}

const fn an_hour() -> Span {
    Span::from_hours(1)
}

const fn many_ties() -> u32 {
    100_000
}

const fn by_strategy() -> SessionStart {
    SessionStart::Strategy
}

const fn untie() -> TieFailure {
    TieFailure::Untie
}

words! {
    /// The word used in policies.
    AffinityKind {
        None = "none",
        Session = "session",
        SessionModel = "session-model",
        Rendezvous = "rendezvous",
    }
}

words! {
    /// The word used in policies.
    SessionStart { Strategy = "strategy", Hash = "hash" }
}

words! {
    /// The word used in policies.
    TieFailure { Untie = "untie", Keep = "keep", UntieAuth = "untie-auth" }
}

from_json! {
    strict Affinity {
        kind,
        ttl = an_hour(),
        max = many_ties(),
        start = by_strategy(),
        only = None,
        fail_back = false,
        on_failure = untie(),
        derive = false,
    }
}
