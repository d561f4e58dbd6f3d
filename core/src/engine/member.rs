//! A credential in the engine's memory, and how it stands.

use crate::cooldown::Cooldown;
use crate::credential::{Origin, Pattern, Record};
use crate::id::{CredentialId, ModelIx, ProviderIx, SecretRef};
use crate::select::{OutReason, Standing};
use crate::time::{Instant, Timestamp};
use crate::verdict::{Reason, Scope};

/// What a cooldown is kept for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ScopeKey {
    Credential,
    Model(ModelIx),
    /// No table says yet which models draw on a meter: until one does, a meter that is empty benches its credential.
    Meter(Box<str>),
}

/// A credential.
#[derive(Clone, Debug)]
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
    pub(super) expired: bool,
    pub(super) health: Vec<(ScopeKey, Cooldown)>,
    /// Is its health on the list of what is to be saved?
    pub(super) unsaved: bool,
    pub(super) success: u64,
    pub(super) failure: u64,
    pub(super) last_error: Option<(Reason, Timestamp)>,
    patterns: Vec<Pattern>,
}

impl Member {
    pub(super) fn new(
        record: Record,
        id: Option<CredentialId>,
        origin: Origin,
        provider: ProviderIx,
        secret: SecretRef,
        incarnation: u32,
    ) -> Self {
        let patterns = patterns(&record);
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
            health: Vec::new(),
            unsaved: false,
            success: 0,
            failure: 0,
            last_error: None,
            patterns,
        }
    }

    pub(super) fn set_record(&mut self, record: Record) {
        self.patterns = patterns(&record);
        self.record = record;
    }

    /// Does it serve only some models?
    pub(super) fn is_restricted(&self) -> bool {
        !self.patterns.is_empty()
    }

    fn serves(&self, model: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(model))
    }

    /// How it stands towards a model (or towards calls that name none).
    pub(super) fn standing(&self, model: Option<(ModelIx, &str)>) -> Standing {
        if !self.record.enabled {
            return Standing::Out(OutReason::Disabled, None);
        }
        if self.expired {
            return Standing::Out(OutReason::Expired, None);
        }
        if model.is_some_and(|(_, name)| !self.serves(name)) {
            return Standing::Out(OutReason::ModelNotListed, None);
        }
        let model = model.map(|(model, _)| model);
        let covers = |scope: &ScopeKey| match scope {
            ScopeKey::Credential | ScopeKey::Meter(_) => true,
            ScopeKey::Model(of) => Some(*of) == model,
        };
        let resting = self.health.iter().filter(|(scope, state)| state.active && covers(scope));
        match resting.max_by_key(|(_, state)| state.until) {
            None => Standing::Ready,
            Some((_, state)) => {
                Standing::Out(OutReason::Cooling(state.reason.unwrap_or(Reason::Unknown)), Some(state.until))
            }
        }
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
            Self::Credential => Scope::Credential,
            Self::Model(_) => Scope::Model,
            Self::Meter(name) => Scope::Meter(name.clone()),
        }
    }
}

fn patterns(record: &Record) -> Vec<Pattern> {
    record.models.iter().map(|pattern| Pattern::new(pattern)).collect()
}
