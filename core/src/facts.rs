//! What the machine and the codecs must know of a provider, as plain data. The registry in `provider/` is where these are
//! written down; users add their own at run time.

use crate::time::Span;
use serde::{Deserialize, Serialize};

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A key that does not expire by itself.
    ApiKey,
    /// A bearer token with an optional expiry and no way to renew it.
    Token,
    /// An account: an access token and, usually, a refresh token.
    Oauth,
}

impl Kind {
    /// The word used in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Token => "token",
            Self::Oauth => "oauth",
        }
    }
}

/// Where a secret goes in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// `Authorization: Bearer <secret>` (RFC 6750 §2.1).
    #[default]
    Bearer,
    /// A header of its own, by name in lower case.
    Header(Box<str>),
    /// A query parameter, by name. Only for providers that offer nothing better.
    Query(Box<str>),
    /// Nowhere: a local server that asks for no credential.
    None,
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderFacts {
    /// The registry name, lower case: `openai`, `anthropic`, …
    pub name: Box<str>,
    /// The name for people.
    #[serde(default)]
    pub label: Box<str>,
    /// Other names that mean the same provider: `claude`, `gemini`, `codex`, …
    #[serde(default)]
    pub aliases: Vec<Box<str>>,
    /// The kinds of credential it takes, the preferred first.
    pub kinds: Vec<Kind>,
    /// Environment variables that may hold a key, the first non-blank one wins.
    #[serde(default)]
    pub environment: Vec<Box<str>>,
    /// Where an API key goes.
    #[serde(default)]
    pub key_placement: Placement,
    /// Where a token or an OAuth access token goes.
    #[serde(default)]
    pub token_placement: Placement,
    /// Headers that every request needs, beside the credential: name and value.
    #[serde(default)]
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Headers that a request made with a token or an OAuth access token needs beside those.
    #[serde(default)]
    pub token_headers: Vec<(Box<str>, Box<str>)>,
    /// Where keys are made, for people.
    #[serde(default)]
    pub website: Box<str>,
    /// How long before its expiry an access token is renewed; none: five minutes or a tenth of its life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_lead: Option<Span>,
    /// What the provider's terms say of the use of consumer accounts in other programs; shown when such an account is
    /// added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer_notice: Option<Box<str>>,
}
