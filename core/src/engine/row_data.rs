//! The content of rows, as a store keeps it.

use crate::cooldown::CooldownRow;
use crate::id::CredentialId;
use crate::json::{from_json, object, ToJson, Writer};
use crate::limit::Spent;
use crate::sorted_map::SortedMap;
use crate::time::Timestamp;

/// A credential's cooldowns and ladders, by scope: `credential`, `model:<name>`, `meter:<name>`.
#[derive(Default)]
pub(super) struct HealthRow {
    pub(super) scopes: SortedMap<Box<str>, CooldownRow>,
}

/// A credential's last use and counters.
#[derive(Default)]
pub(super) struct UsageRow {
    pub(super) last_used: u64,
    pub(super) success: u64,
    pub(super) failure: u64,
    /// What was spent in the running window of its budget.
    pub(super) spent: Option<Spent>,
}

/// A session's tie. The row's id is the digest of the session, the provider and, where models are tied by themselves,
/// the model.
pub(super) struct TieRow {
    pub(super) credential: CredentialId,
    pub(super) used: Timestamp,
}

from_json! {
    open HealthRow { scopes }
}

impl ToJson for HealthRow {
    fn write(&self, to: &mut Writer) {
        object!(to, self { scopes });
    }
}

from_json! {
    open UsageRow { last_used = 0, success = 0, failure = 0, spent = None }
}

impl ToJson for UsageRow {
    fn write(&self, to: &mut Writer) {
        object!(to, self { last_used, success, failure, spent if given });
    }
}

from_json! {
    open Spent { microdollars = 0, tokens = 0, ends }
}

impl ToJson for Spent {
    fn write(&self, to: &mut Writer) {
        object!(to, self { microdollars, tokens, ends });
    }
}

from_json! {
    open TieRow { credential, used }
}

impl ToJson for TieRow {
    fn write(&self, to: &mut Writer) {
        object!(to, self { credential, used });
    }
}
