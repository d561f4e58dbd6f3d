//! In or out, and why.

use crate::time::Instant;
use crate::verdict::Reason;

/// Why a credential is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutReason {
    /// It rests after a failure.
    Cooling(Reason),
    /// One of its limits is reached: opened by time, or by the end of a lease.
    Limit,
    /// Somebody disabled it, or its failure did.
    Disabled,
    /// Its token expired, and nothing can renew it.
    Expired,
    /// Its weight is 0, under a policy that picks by weights.
    NoWeight,
    /// Its list of models does not have this one.
    ModelNotListed,
    /// It comes back after a failure, and as many calls as may be are under way.
    Probing,
    /// Somebody paused it.
    Paused,
    /// It gets no new work: somebody waits for its last call to end.
    Draining,
    /// The policy's cascade has no leg for it.
    NotInCascade,
    /// The caller excluded it.
    Excluded,
}

impl OutReason {
    /// The word used in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cooling(reason) => reason.as_str(),
            Self::Limit => "limit",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::NoWeight => "no_weight",
            Self::ModelNotListed => "model_not_listed",
            Self::Probing => "probing",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::NotInCascade => "not_in_cascade",
            Self::Excluded => "excluded",
        }
    }

    /// Could it serve, once its time has come?
    pub const fn may_return(self) -> bool {
        matches!(self, Self::Cooling(_) | Self::Limit | Self::NoWeight | Self::Probing)
    }
}

/// How a credential stands towards one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can be picked.
    Ready,
    /// It cannot, for this reason, until then (where the end is known).
    Out(OutReason, Option<Instant>),
}
