//! The scripted network: answers, each used once, and the verbs about refreshes.

use crate::json::{from_json, Value};
use crate::sorted_map::SortedMap;
use crate::verdict::TransportError;

/// One answer: used once, by the first request that matches.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HttpSpec {
    /// Which request.
    #[cfg_attr(feature = "schema", schemars(rename = "match", default))]
    pub matches: MatchSpec,
    /// What is answered.
    pub respond: RespondSpec,
}

/// Which request is meant; what is not given matches all.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct MatchSpec {
    /// The method.
    pub method: Option<Box<str>>,
    /// The address.
    pub url: Option<Box<str>>,
}

/// What is answered, or why nothing is.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct RespondSpec {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// The body: an object is sent as JSON.
    pub body: Value,
    /// There is no answer.
    pub transport: Option<TransportError>,
    /// After so many milliseconds.
    pub after: u64,
}

/// Arguments of `refresh`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RefreshStep {
    /// The credential's name.
    pub name: Box<str>,
    /// Its provider, where names repeat.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// Even if its tokens are fresh.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub force: bool,
    /// The version of the secret that was refused.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub failed: Option<u64>,
    /// It is the version that this pool has.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub refused: bool,
    /// A label, with `later`.
    #[cfg_attr(feature = "schema", schemars(default, rename = "as"))]
    pub label: Option<Box<str>>,
    /// It goes on while other steps run; a step `await` with its label has what came of it.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub later: bool,
}

/// Arguments of `auto_refresh`.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct AutoRefreshStep {
    /// By themselves?
    pub enabled: bool,
    /// Only at multiples of so many milliseconds.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub interval: u64,
}

from_json! {
    strict HttpSpec { matches as "match" = MatchSpec::default(), respond }
}

from_json! {
    strict MatchSpec { method = None, url = None }
}

from_json! {
    strict RespondSpec {
        status = None,
        headers = SortedMap::default(),
        body = Value::Null,
        transport = None,
        after = 0,
    }
}

from_json! {
    strict RefreshStep { name, provider = None, force = false, failed = None, refused = false, label as "as" = None, later = false }
}

from_json! {
    strict AutoRefreshStep { enabled, interval = 0 }
}
