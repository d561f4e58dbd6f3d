//! Verbs for what is left of accounts. Reports are written in the words of oh-my-pi's data model, keys in snake case.

use crate::json::{from_json, Value};
use crate::sorted_map::SortedMap;

/// Arguments of `usage`: a report came.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct UsageStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// The report: `fetched_at`, `limits` and `metadata`; times in milliseconds since `start`.
    pub report: Value,
}

from_json! {
    strict UsageStep { name, provider = None, report }
}

/// Arguments of `mark_usage_limit`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct MarkStep {
    /// The provider.
    pub provider: Box<str>,
    /// The session whose credential it is.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub session: Option<Box<str>>,
    /// The credential's name.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub name: Option<Box<str>>,
    /// The model.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
    /// As the provider said.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub retry_after_ms: Option<u64>,
}

from_json! {
    strict MarkStep { provider, session = None, name = None, model = None, retry_after_ms = None }
}

/// Arguments of `ingest_headers`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HeadersStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// The headers of an answer.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// Its status.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub status: Option<u16>,
}

from_json! {
    strict HeadersStep { name, provider = None, headers, status = None }
}

/// Arguments of `fetch_usage`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FetchUsageStep {
    /// Of the accounts of this provider; without one, of all.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// Also where a report is fresh.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub force: bool,
    /// So many milliseconds at most.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub wait: Option<u64>,
}

from_json! {
    strict FetchUsageStep { provider = None, force = false, wait = None }
}

/// Arguments of `check_credential`, `reset_credits` and `redeem_reset`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ErrandStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// So many milliseconds at most.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub wait: Option<u64>,
    /// The saved reset that is to be used.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub credit: Option<Box<str>>,
    /// The id of the redemption.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub redemption: Option<Box<str>>,
}

from_json! {
    strict ErrandStep { name, provider = None, wait = None, credit = None, redemption = None }
}

/// Arguments of `record_cost`: what a call cost.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CostStep {
    /// The provider.
    pub provider: Box<str>,
    /// The session whose credential it was.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub session: Option<Box<str>>,
    /// The credential's name.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub name: Option<Box<str>>,
    /// Millionths of a US dollar.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub microdollars: Option<u64>,
    /// Tokens.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub tokens: Option<u64>,
}

from_json! {
    strict CostStep { provider, session = None, name = None, microdollars = None, tokens = None }
}
