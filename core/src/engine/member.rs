//! A credential in the engine's memory, and how it stands.

use super::advice::Advice;
use super::fetching::Asking;
use super::serving::Cover;
use super::tally::Tally;
use super::usage::Known;
use crate::cooldown::Cooldown;
use crate::credential::{ModelRules, Origin, Record};
use crate::facts::Kind;
use crate::id::{CredentialId, ModelIx, ProviderIx, SecretRef};
use crate::limit::Shut;
use crate::refresh::{Job, RefreshRow};
use crate::select::{OutReason, Standing};
use crate::time::{Instant, Timestamp};
use crate::verdict::{Reason, Scope};

/// What a cooldown is kept for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ScopeKey {
    Credential,
    /// The whole credential too: what rests apart from the other reasons.
    Apart,
    Model(ModelIx),
    /// A meter of the account: what rests is said by what the provider's models draw on; a meter that nobody knows benches its
    /// credential.
    Meter(Box<str>),
}

/// A credential.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub(super) struct Member {
    pub(super) record: Record,
    /// Its id in the store; `None` where it is not stored.
    pub(super) id: Option<CredentialId>,
    pub(super) origin: Origin,
    pub(super) provider: ProviderIx,
    pub(super) secret: SecretRef,
    /// Which one this is of those who sat at this handle.
    pub(super) incarnation: u32,
    /// Versions of its rows in the store; zero where there is none.
    pub(super) row_version: u64,
    pub(super) health_version: u64,
    /// Its token expired, and nothing renews it before this instant, if ever.
    pub(super) expired: bool,
    pub(super) expired_until: Option<Instant>,
    /// Its token must be renewed before it is given out.
    pub(super) stale: bool,
    /// Its refresh, while one is under way.
    pub(super) job: Option<Box<Job>>,
    /// What the store has of its refreshes, and the version of that row.
    pub(super) refresh_row: RefreshRow,
    pub(super) refresh_version: u64,
    /// Tokens that came too late: tried before the account is given up.
    pub(super) spare: Option<SecretRef>,
    /// After a failure nothing is renewed before this; how many there were in a row.
    pub(super) hold_until: Option<Instant>,
    pub(super) hold_level: u8,
    /// A refresh is in doubt: when it is to be resolved, whether the token is due or not.
    pub(super) doubt_at: Option<Instant>,
    /// Intents of ours with these fences may be in the store: nothing was in doubt before them, and nothing was sent under them.
    pub(super) unsent: Vec<u64>,
    /// What the host's own code says of when it is renewed.
    pub(super) advice: Option<Box<Advice>>,
    /// Which version was refused first, and when.
    pub(super) refused: Option<(u32, Instant)>,
    /// Is it taken out of use for now, by hand?
    pub(super) paused: bool,
    /// It gets no new work, until somebody resumes it.
    pub(super) draining: bool,
    /// Has the policy's cascade a leg for it?
    pub(super) has_leg: bool,
    pub(super) health: Vec<(ScopeKey, Cooldown)>,
    /// What is known of its usage.
    pub(super) usage: Option<Box<Known>>,
    /// The question about it that is under way, or was.
    pub(super) asking: Option<Box<Asking>>,
    /// Is its health on the list of what is to be saved?
    pub(super) unsaved: bool,
    /// Its gate is shut: one of its limits is reached.
    pub(super) shut: Option<Shut>,
    pub(super) success: u64,
    pub(super) failure: u64,
    pub(super) last_error: Option<(Reason, Timestamp)>,
    /// What came of its calls lately.
    pub(super) tally: Tally,
    pub(super) rules: ModelRules,
    /// Whose turn it is in the pools of its models.
    pub(super) turns: Vec<(ModelIx, u32)>,
}

impl Member {
    /// May there be anything to renew? Whoever holds tokens, or held them a moment ago.
    pub(super) fn is_account(&self) -> bool {
        self.record.kind == Kind::Oauth
            || self.job.is_some()
            || self.hold_until.is_some()
            || self.doubt_at.is_some()
    }

    pub(super) fn new(
        record: Record,
        id: Option<CredentialId>,
        origin: Origin,
        provider: ProviderIx,
        secret: SecretRef,
        incarnation: u32,
    ) -> Self {
        let rules = rules(&record);
        Self {
            record,
            id,
            origin,
            provider,
            secret,
            incarnation,
            row_version: 0,
            health_version: 0,
            expired: false,
            paused: false,
            draining: false,
            has_leg: true,
            expired_until: None,
            stale: false,
            job: None,
            refresh_row: RefreshRow::default(),
            refresh_version: 0,
            spare: None,
            hold_until: None,
            hold_level: 0,
            doubt_at: None,
            unsent: Vec::new(),
            advice: None,
            refused: None,
            health: Vec::new(),
            usage: None,
            asking: None,
            unsaved: false,
            shut: None,
            success: 0,
            failure: 0,
            last_error: None,
            tally: Tally::default(),
            rules,
            turns: Vec::new(),
        }
    }

    pub(super) fn set_record(&mut self, record: Record) {
        self.rules = rules(&record);
        self.record = record;
    }

    /// Does it serve only some models, or under other names?
    pub(super) fn is_restricted(&self) -> bool {
        !self.rules.is_empty()
    }

    /// How it stands towards a model of its upstream (or towards calls that name none); which ones it serves is asked
    /// elsewhere.
    pub(super) fn standing(&self, model: Option<ModelIx>, cover: Cover<'_>) -> Standing {
        if !self.record.enabled {
            return Standing::Out(OutReason::Disabled, None);
        }
        if !self.has_leg {
            return Standing::Out(OutReason::NotInCascade, None);
        }
        if self.paused {
            return Standing::Out(OutReason::Paused, None);
        }
        if self.draining {
            return Standing::Out(OutReason::Draining, None);
        }
        if self.expired {
            // Its refresh failed for now: as long as it waits for the next, it rests like any other.
            let reason = match self.expired_until {
                Some(_) => OutReason::Cooling(Reason::Auth),
                None => OutReason::Expired,
            };
            return Standing::Out(reason, self.expired_until);
        }
        let covering = || self.health.iter().filter(|(scope, _)| cover.covers(self.provider, scope, model));
        let resting = covering().filter(|(_, state)| state.active).max_by_key(|(_, state)| state.until);
        match (resting, self.shut) {
            (None, _) if covering().any(|(_, state)| state.half_open.is_some_and(|half| half.is_full())) => {
                Standing::Out(OutReason::Probing, None)
            }
            (None, None) => Standing::Ready,
            (None, Some(shut)) => Standing::Out(OutReason::Limit, shut.until),
            (Some((_, state)), shut) => {
                // Both must have ended; where only a lease can end the limit, it is looked at when the rest is over.
                let until = state.until.max(shut.and_then(|shut| shut.until).unwrap_or(state.until));
                Standing::Out(OutReason::Cooling(state.reason.unwrap_or(Reason::Unknown)), Some(until))
            }
        }
    }

    /// Is it coming back, so that calls are to be counted?
    pub(super) fn is_half_open(&self) -> bool {
        self.health.iter().any(|(_, state)| state.half_open.is_some())
    }

    pub(super) fn scope(&self, key: &ScopeKey) -> Option<&Cooldown> {
        self.health.iter().find(|(scope, _)| scope == key).map(|(_, state)| state)
    }

    pub(super) fn scope_mut(&mut self, key: &ScopeKey) -> &mut Cooldown {
        let at = if let Some(at) = self.health.iter().position(|(scope, _)| scope == key) {
            at
        } else {
            self.health.push((key.clone(), Cooldown::default()));
            self.health.len() - 1
        };
        &mut self.health[at].1
    }

    /// The next instant at which a cooldown of it ends.
    pub(super) fn next_recovery(&self) -> Option<Instant> {
        self.health.iter().filter(|(_, state)| state.active).map(|(_, state)| state.until).min()
    }
}

impl ScopeKey {
    pub(super) const fn model(&self) -> Option<ModelIx> {
        match self {
            Self::Model(model) => Some(*model),
            _ => None,
        }
    }

    /// Where a failure of this scope is kept; `None` where it touches no credential.
    pub(super) fn of(scope: &Scope, model: Option<ModelIx>) -> Option<Self> {
        match scope {
            Scope::Request | Scope::Upstream => None,
            Scope::Credential => Some(Self::Credential),
            Scope::Meter(name) => Some(Self::Meter(name.clone())),
            Scope::Model => Some(model.map_or(Self::Credential, Self::Model)),
        }
    }

    /// The word for it.
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Credential | Self::Apart => Scope::Credential,
            Self::Model(_) => Scope::Model,
            Self::Meter(name) => Scope::Meter(name.clone()),
        }
    }
}

fn rules(record: &Record) -> ModelRules {
    ModelRules::new(&record.models, &record.excluded_models, record.prefix.as_deref(), &record.aliases)
}
