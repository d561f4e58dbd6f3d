//! How an upstream call ended: plain data that the codecs write and the machine reads.

use crate::json::{words, FromJson, Reader, ToJson, Writer, Wrong};
use crate::time::Span;
use core::fmt;

/// Why a call failed. The taxonomy is fixed: a policy maps each of these to what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
#[repr(u8)]
pub enum Reason {
    /// The credential was refused; a fresh token may help.
    Auth,
    /// The credential was refused for good: revoked, unknown, not permitted.
    AuthPermanent,
    /// Too many requests or tokens in a short time.
    RateLimit,
    /// The upstream has no capacity, whoever asks.
    Overloaded,
    /// No credit, no payment, a spending limit.
    Billing,
    /// An allowance of a longer window (a day, five hours, a week) is used up.
    Quota,
    /// No answer in time.
    Timeout,
    /// The connection failed before an answer came.
    Network,
    /// The answer cannot be understood.
    Format,
    /// The model does not exist, or not for this credential.
    ModelNotFound,
    /// A session of the upstream ended; not the fault of the credential's secret alone.
    SessionExpired,
    /// The request itself is at fault: nobody else would have been answered better.
    RequestFault,
    /// None of the above.
    Unknown,
}

impl Reason {
    /// All reasons, in order.
    pub const ALL: [Self; 13] = [
        Self::Auth,
        Self::AuthPermanent,
        Self::RateLimit,
        Self::Overloaded,
        Self::Billing,
        Self::Quota,
        Self::Timeout,
        Self::Network,
        Self::Format,
        Self::ModelNotFound,
        Self::SessionExpired,
        Self::RequestFault,
        Self::Unknown,
    ];

    /// What such a failure covers where nobody says otherwise.
    pub const fn usual_scope(self) -> Scope {
        match self {
            Self::RateLimit | Self::Overloaded | Self::Timeout | Self::ModelNotFound | Self::Unknown => {
                Scope::Model
            }
            Self::Format | Self::RequestFault => Scope::Request,
            _ => Scope::Credential,
        }
    }

    /// Does the reason speak of the secret, so that a new secret ends its cooldown?
    pub const fn is_about_the_secret(self) -> bool {
        matches!(self, Self::Auth | Self::AuthPermanent | Self::SessionExpired)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

words! {
    /// The word used in files, events and errors.
    Reason {
        Auth = "auth",
        AuthPermanent = "auth_permanent",
        RateLimit = "rate_limit",
        Overloaded = "overloaded",
        Billing = "billing",
        Quota = "quota",
        Timeout = "timeout",
        Network = "network",
        Format = "format",
        ModelNotFound = "model_not_found",
        SessionExpired = "session_expired",
        RequestFault = "request_fault",
        Unknown = "unknown",
    }
}

/// What a failure covers, and so what a cooldown covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// This request only: nobody's state changes.
    Request,
    /// One model of the credential.
    Model,
    /// One usage meter of the credential, by name; without one, that which the model draws on.
    Meter(Box<str>),
    /// The whole credential.
    Credential,
    /// The upstream itself is ill; no credential is to blame.
    Upstream,
}

impl Scope {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Model => "model",
            Self::Meter(_) => "meter",
            Self::Credential => "credential",
            Self::Upstream => "upstream",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "request" => Self::Request,
            "model" => Self::Model,
            "credential" => Self::Credential,
            "upstream" => Self::Upstream,
            other => match other.strip_prefix("meter:") {
                Some(name) if !name.is_empty() => Self::Meter(name.into()),
                _ if other == "meter" => Self::Meter(Box::default()),
                _ => return None,
            },
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self {
            Self::Meter(name) if !name.is_empty() => f.write_str(":").and_then(|()| f.write_str(name)),
            _ => Ok(()),
        }
    }
}

impl FromJson for Scope {
    fn blank() -> Self {
        Self::Request
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        let text = from.text()?;
        let scope = Self::parse(&text);
        *self = scope.ok_or_else(|| {
            from.wrong("expected one of: request, model, meter, meter:<name>, credential, upstream")
        })?;
        Ok(())
    }
}

impl ToJson for Scope {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Meter(name) if !name.is_empty() => to.text(&["meter:", name].concat()),
            other => to.text(other.as_str()),
        }
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Scope {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scope".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a failure covers.",
            "type": "string",
            "pattern": "^(request|model|meter(:.+)?|credential|upstream)$"
        })
    }
}

/// Where a hint was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HintSource {
    /// `retry-after-ms` or `x-ms-retry-after-ms`.
    RetryAfterMs,
    /// `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3).
    RetryAfter,
    /// A reset header: the x-ratelimit family, Anthropic's windows, `x-codex-…`, the IETF draft.
    Reset,
    /// A structured field of the body: Google's `RetryInfo`, `resets_at`, `metadata.headers`.
    Body,
    /// The text of a message ("try again in 20s"): believed last.
    Message,
    /// A rule of the policy.
    Rule,
}

/// How long the provider asks to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// From the moment of the answer. Not bounded here: the policy bounds it.
    pub after: Span,
    /// Where it was read.
    pub source: HintSource,
}

/// A failed call, classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// What it covers. `Model` without a model in the request is taken as `Credential`.
    pub scope: Scope,
    /// How long the provider asks to wait, where it does.
    pub hint: Option<Hint>,
    /// No rest that the policy chooses is shorter, where a rule says so; zero otherwise.
    pub least: Span,
    /// May nobody else be tried? Where a rule says so; else the policy decides by the reason.
    pub stop: Option<bool>,
    /// What the rule that decided tells people. A text of the policy, never one of the answer.
    pub message: Option<Box<str>>,
}

impl Failure {
    /// A failure of which nothing more is said.
    pub const fn new(reason: Reason, scope: Scope, hint: Option<Hint>) -> Self {
        Self { reason, scope, hint, least: Span::ZERO, stop: None, message: None }
    }
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was answered.
    Success,
    /// It failed.
    Failure(Failure),
}

/// How a call failed without an HTTP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum TransportError {
    /// No answer in time.
    Timeout,
    /// The connection could not be made, or broke.
    Connection,
    /// The caller gave up; no fault of anybody.
    Aborted,
    /// The answer began and has no end: a stream that stopped before its last event.
    Truncated,
}

words! {
    /// The word used in files.
    TransportError {
        Timeout = "timeout",
        Connection = "connection",
        Aborted = "aborted",
        Truncated = "truncated",
    }
}
