//! How an upstream call ended: plain data that the codecs write and the machine reads.

use crate::time::Span;
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a call failed. The taxonomy is fixed: a policy maps each of these to what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
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

    /// The word used in files, events and errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthPermanent => "auth_permanent",
            Self::RateLimit => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Billing => "billing",
            Self::Quota => "quota",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::Format => "format",
            Self::ModelNotFound => "model_not_found",
            Self::SessionExpired => "session_expired",
            Self::RequestFault => "request_fault",
            Self::Unknown => "unknown",
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

/// By hand, as a text: a derived one is an enum to serde, and then a policy's error could not name the reason that it
/// stands under.
impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            serde::de::Error::custom(format!("unknown reason `{text}`, expected one of {all}"))
        })
    }
}

/// What a failure covers, and so what a cooldown covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// This request only: nobody's state changes.
    Request,
    /// One model of the credential.
    Model,
    /// One usage meter of the credential, by name.
    Meter(Box<str>),
    /// The whole credential.
    Credential,
    /// The upstream itself is ill; no credential is to blame.
    Upstream,
}

impl Scope {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "request" => Self::Request,
            "model" => Self::Model,
            "credential" => Self::Credential,
            "upstream" => Self::Upstream,
            other => match other.strip_prefix("meter:") {
                Some(name) if !name.is_empty() => Self::Meter(name.into()),
                _ => return None,
            },
        })
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("request"),
            Self::Model => f.write_str("model"),
            Self::Meter(name) => write!(f, "meter:{name}"),
            Self::Credential => f.write_str("credential"),
            Self::Upstream => f.write_str("upstream"),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "unknown scope `{text}`, expected request, model, meter:<name>, credential or upstream"
            ))
        })
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
            "pattern": "^(request|model|meter:.+|credential|upstream)$"
        })
    }
}

/// Where a hint was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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
}

/// How long the provider asks to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// From the moment of the answer. Not bounded here: the policy bounds it.
    pub after: Span,
    /// Where it was read.
    pub source: HintSource,
}

/// A failed call, classified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// What it covers. `Model` without a model in the request is taken as `Credential`.
    pub scope: Scope,
    /// How long the provider asks to wait, where it does.
    pub hint: Option<Hint>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was answered.
    Success,
    /// It failed.
    Failure(Failure),
}

/// How a call failed without an HTTP answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TransportError {
    /// No answer in time.
    Timeout,
    /// The connection could not be made, or broke.
    Connection,
    /// The caller gave up; no fault of anybody.
    Aborted,
}
