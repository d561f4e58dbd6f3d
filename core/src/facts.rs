//! What the machine and the codecs must know of a provider, as plain data. The registry in `provider/` is where these are
//! written down; users add their own at run time.

pub mod oauth;
pub mod usage;

use crate::json::{from_json, object, words, FromJson, Reader, ToJson, Writer, Wrong};
use crate::time::Span;

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Kind {
    /// A key that does not expire by itself.
    ApiKey,
    /// A bearer token with an optional expiry and no way to renew it.
    Token,
    /// An account: an access token and, usually, a refresh token.
    Oauth,
}

words! {
    /// The word used in files.
    Kind { ApiKey = "api_key", Token = "token", Oauth = "oauth" }
}

/// What the machine must know of a provider to renew its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshFacts {
    /// How long before its expiry an access token is renewed.
    pub lead: Option<Span>,
    /// How long after a refresh the old refresh token is still taken.
    pub grace: Option<Span>,
    /// The host renews tokens itself: a refresh token need not be known.
    pub by_host: bool,
    /// The host says of each token how long before its expiry it is renewed.
    pub leads: bool,
    /// The host is asked so often whether an account is to be renewed.
    pub check: Option<Span>,
}

/// Where a secret goes in a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderFacts {
    /// The registry name, lower case: `openai`, `anthropic`, …
    pub name: Box<str>,
    /// The name for people.
    pub label: Box<str>,
    /// Other names that mean the same provider: `claude`, `gemini`, `codex`, …
    pub aliases: Vec<Box<str>>,
    /// The kinds of credential it takes, the preferred first.
    pub kinds: Vec<Kind>,
    /// Environment variables that may hold a key, the first non-blank one wins.
    pub environment: Vec<Box<str>>,
    /// Where an API key goes.
    pub key_placement: Placement,
    /// Is a credential without a key one too? A server of one's own: its address is all that it takes.
    pub keyless: bool,
    /// Where a token or an OAuth access token goes.
    pub token_placement: Placement,
    /// Headers that every request needs, beside the credential: name and value.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Headers that a request made with a token or an OAuth access token needs beside those.
    pub token_headers: Vec<(Box<str>, Box<str>)>,
    /// Where keys are made, for people.
    pub website: Box<str>,
    /// How long before its expiry an access token is renewed; none: five minutes or a tenth of its life.
    pub refresh_lead: Option<Span>,
    /// What the provider's terms say of the use of consumer accounts in other programs; shown when such an account is
    /// added.
    pub consumer_notice: Option<Box<str>>,
    /// How accounts log in; none: not by us.
    pub oauth: Option<Box<oauth::OauthFacts>>,
}

impl ProviderFacts {
    /// May a credential of this kind have no secret?
    pub fn needs_no_key(&self, kind: Kind) -> bool {
        kind == Kind::ApiKey && (self.keyless || self.key_placement == Placement::None)
    }
}

impl FromJson for Placement {
    fn blank() -> Self {
        Self::Bearer
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        if from.peek() == b'"' {
            let none = from.word(&["bearer", "none"])? == 1;
            *self = if none { Self::None } else { Self::Bearer };
            return Ok(());
        }
        let place = match &*from.tag()? {
            "header" => Self::Header,
            "query" => Self::Query,
            _ => return Err(from.wrong("expected header or query")),
        };
        let mut name: Box<str> = Box::blank();
        name.read(from)?;
        *self = place(name);
        from.end_tag()
    }
}

impl ToJson for Placement {
    fn write(&self, to: &mut Writer) {
        let (tag, name) = match self {
            Self::Bearer => return to.text("bearer"),
            Self::None => return to.text("none"),
            Self::Header(name) => ("header", name),
            Self::Query(name) => ("query", name),
        };
        to.open('{');
        to.field(tag, name);
        to.close('}');
    }
}

from_json! {
    strict ProviderFacts {
        name,
        label = Box::default(),
        aliases = Vec::new(),
        kinds,
        environment = Vec::new(),
        key_placement as "keyPlacement" = Placement::Bearer,
        keyless = false,
        token_placement as "tokenPlacement" = Placement::Bearer,
        headers = Vec::new(),
        token_headers as "tokenHeaders" = Vec::new(),
        website = Box::default(),
        refresh_lead as "refreshLead" = None,
        consumer_notice as "consumerNotice" = None,
        oauth = None,
    }
}

impl ToJson for ProviderFacts {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            name,
            label,
            aliases,
            kinds,
            environment,
            key_placement as "keyPlacement",
            keyless if (self.keyless),
            token_placement as "tokenPlacement",
            headers,
            token_headers as "tokenHeaders",
            website,
            refresh_lead as "refreshLead" if given,
            consumer_notice as "consumerNotice" if given,
            oauth if given,
        });
    }
}
