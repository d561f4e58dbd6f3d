//! Verbs of a call: a credential for it, and how it ended.

use crate::facts::Kind;
use crate::json::{from_json, Value};
use crate::sorted_map::SortedMap;
use crate::verdict::TransportError;

/// Arguments of `acquire`.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct AcquireStep {
    /// The provider.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub provider: Option<Box<str>>,
    /// Providers, tried in order.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub providers: Vec<Box<str>>,
    /// The model.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
    /// The session.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub session: Option<Box<str>>,
    /// Another name of the session, by which it may be known already.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub known_as: Option<Box<str>>,
    /// The request's headers: the session is read off it where the policy wants that, and the step says none.
    #[cfg_attr(feature = "schema", schemars(default, with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// Its body.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub body: Value,
    /// Nobody of these names.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub exclude: Vec<Box<str>>,
    /// Only credentials of this kind.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub mode: Option<Kind>,
    /// A label for the lease.
    #[cfg_attr(feature = "schema", schemars(default, rename = "as"))]
    pub label: Option<Box<str>>,
    /// How long it waits for one to come back, in milliseconds. The clock moves on until it has one or gives up.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub wait: u64,
    /// It waits while other steps run; a step `await` with its label has what came of it.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub later: bool,
}

/// Arguments of `call`: a whole call as `fetch` makes it, with the policy's retries.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct CallStep {
    /// Providers, in order.
    pub providers: Vec<Box<str>>,
    /// The model.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
    /// The session.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub session: Option<Box<str>>,
    /// How long it waits for credentials altogether, in milliseconds.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub wait: u64,
    /// What each credential is answered, by name; who is not named is answered well.
    #[cfg_attr(
        feature = "schema",
        schemars(default, with = "std::collections::BTreeMap<String, AnswerSpec>")
    )]
    pub answers: SortedMap<Box<str>, AnswerSpec>,
}

from_json! {
    strict CallStep { providers, model = None, session = None, wait = 0, answers = SortedMap::default() }
}

/// The label of a step that waits.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct LabelStep {
    /// The label.
    #[cfg_attr(feature = "schema", schemars(rename = "as"))]
    pub label: Box<str>,
}

from_json! {
    strict LabelStep { label as "as" }
}

/// Arguments of `rotate`: a session's call failed, and a renewed token would not mend it.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct RotateStep {
    /// The provider.
    pub provider: Box<str>,
    /// The session.
    pub session: Box<str>,
    /// The model.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub model: Option<Box<str>>,
    /// The HTTP status.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub status: Option<u16>,
    /// The headers.
    #[cfg_attr(feature = "schema", schemars(default, with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// The body.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub body: Value,
}

from_json! {
    strict RotateStep {
        provider,
        session,
        model = None,
        status = None,
        headers = SortedMap::default(),
        body = Value::Null,
    }
}

from_json! {
    strict AcquireStep {
        provider = None,
        providers = Vec::new(),
        model = None,
        session = None,
        known_as = None,
        headers = SortedMap::default(),
        body = Value::Null,
        exclude = Vec::new(),
        mode = None,
        label as "as" = None,
        wait = 0,
        later = false,
    }
}

/// An answer of an upstream.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct AnswerSpec {
    /// Whose.
    pub provider: Option<Box<str>>,
    /// The name of the credential, for rules that ask for it.
    pub name: Option<Box<str>>,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// The body: an object is sent as JSON.
    pub body: Value,
    /// There was no answer, or no end of it.
    pub transport: Option<TransportError>,
    /// All of a stream that was answered with a 200.
    pub stream: Option<Box<str>>,
}

from_json! {
    strict AnswerSpec {
        provider = None,
        name = None,
        status = None,
        headers = SortedMap::default(),
        body = Value::Null,
        transport = None,
        stream = None,
    }
}

/// Arguments of `report`.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct ReportStep {
    /// The label of a lease …
    pub lease: Option<Box<str>>,
    /// … or the name of a credential …
    pub name: Option<Box<str>>,
    /// … and its provider, where names repeat.
    pub provider: Option<Box<str>>,
    /// The model.
    pub model: Option<Box<str>>,
    /// The session.
    pub session: Option<Box<str>>,
    /// It succeeded.
    pub ok: bool,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub headers: SortedMap<String, String>,
    /// The body.
    pub body: Value,
    /// There was no answer, or no end of it.
    pub transport: Option<TransportError>,
    /// All of a stream that was answered with a 200.
    pub stream: Option<Box<str>>,
    /// The account was renewed in this call already.
    pub refreshed: bool,
    /// The tokens that it took.
    pub tokens: Option<u64>,
    /// What it cost, in millionths of a US dollar.
    pub microdollars: Option<u64>,
}

from_json! {
    strict ReportStep {
        lease = None,
        name = None,
        provider = None,
        model = None,
        session = None,
        ok = false,
        status = None,
        headers = SortedMap::default(),
        body = Value::Null,
        transport = None,
        stream = None,
        refreshed = false,
        tokens = None,
        microdollars = None,
    }
}
