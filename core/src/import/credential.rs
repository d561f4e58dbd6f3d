//! A credential between two programs: all that any of their formats holds of one, in the words that `pool.add` takes.

use crate::credential::{Alias, Identity};
use crate::facts::Kind;
use crate::json::{ToJson, Value, Writer};
use crate::secret::Secret;
use crate::time::Timestamp;

/// A credential with its secret, which `Debug` does not show.
#[derive(Clone, Debug, PartialEq)]
pub struct Credential {
    /// The provider, by its registry name where it is known.
    pub provider: String,
    /// What it is called there.
    pub name: Option<String>,
    /// Key, token or account.
    pub kind: Kind,
    /// What goes into requests, or a reference to it (`env:NAME`) where the format has such.
    pub secret: Secret,
    /// What renews it.
    pub refresh: Option<Secret>,
    /// The OAuth client it was logged in by: its id, and its secret where it has one.
    pub client: Option<(String, Option<Secret>)>,
    /// When the secret expires.
    pub expires: Option<Timestamp>,
    /// Whose it is.
    pub identity: Identity,
    /// Higher is tried first.
    pub priority: i32,
    /// Its share under `weighted`.
    pub weight: Option<u32>,
    /// The models that it serves.
    pub models: Vec<Box<str>>,
    /// The models that it does not serve.
    pub excluded_models: Vec<Box<str>>,
    /// Other names for its models.
    pub aliases: Vec<Alias>,
    /// The namespace of its models.
    pub prefix: Option<String>,
    /// Requests a minute.
    pub requests: Option<u64>,
    /// Tokens a minute.
    pub tokens: Option<u64>,
    /// May it be used?
    pub enabled: bool,
    /// Does anything of it rest?
    pub cooling: Option<bool>,
    /// So many further rounds.
    pub retry: Option<u8>,
    /// Where its requests go instead.
    pub base_url: Option<String>,
    /// The proxy of its requests.
    pub proxy_url: Option<Secret>,
    /// Headers of its own.
    pub headers: Vec<(String, Secret)>,
}

impl Credential {
    fn of(kind: Kind, provider: &str, secret: &str) -> Self {
        Self {
            provider: provider.to_owned(),
            name: None,
            kind,
            secret: Secret::new(secret.trim()),
            refresh: None,
            client: None,
            expires: None,
            identity: Identity::default(),
            priority: 0,
            weight: None,
            models: Vec::new(),
            excluded_models: Vec::new(),
            aliases: Vec::new(),
            prefix: None,
            requests: None,
            tokens: None,
            enabled: true,
            cooling: None,
            retry: None,
            base_url: None,
            proxy_url: None,
            headers: Vec::new(),
        }
    }

    /// A key.
    pub fn key(provider: &str, key: &str) -> Self {
        Self::of(Kind::ApiKey, provider, key)
    }

    /// A bearer token.
    pub fn token(provider: &str, token: &str) -> Self {
        Self::of(Kind::Token, provider, token)
    }

    /// An account.
    pub fn account(provider: &str, access: &str, refresh: Option<&str>) -> Self {
        let refresh = refresh.map(str::trim).filter(|refresh| !refresh.is_empty()).map(Secret::new);
        Self { refresh, ..Self::of(Kind::Oauth, provider, access) }
    }

    /// With what it is called.
    #[must_use]
    pub fn named(mut self, name: Option<&str>) -> Self {
        self.name = name.map(str::trim).filter(|name| !name.is_empty()).map(ToOwned::to_owned);
        self
    }

    /// Reads what [`write`](ToJson::write) wrote, or a program gave: fields of another type are as if they were not there.
    pub fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let secret = [(Kind::ApiKey, "key"), (Kind::Token, "token"), (Kind::Oauth, "access")];
        let (kind, secret) = secret.into_iter().find_map(|(kind, field)| Some((kind, text(field)?)))?;
        let number = |name: &str| match value.get(name) {
            Some(Value::Number(number)) => number.as_i64(),
            _ => None,
        };
        let texts = |name: &str| -> Vec<Box<str>> {
            let items = value.get(name).and_then(Value::as_array).unwrap_or_default();
            items.iter().filter_map(Value::as_str).map(Into::into).collect()
        };
        let own = |name: &str| text(name).map(ToOwned::to_owned);
        let part = |name: &str| text(name).map(Into::into);
        let limits = |name: &str| value.get("limits").and_then(|limits| limits.get(name)?.as_u64());
        let headers = value.get("headers").and_then(Value::as_object).unwrap_or_default();
        let flag = |name: &str| match value.get(name) {
            Some(Value::Bool(flag)) => Some(*flag),
            _ => None,
        };
        Some(Self {
            provider: own("provider")?,
            name: own("name"),
            refresh: text("refresh").filter(|refresh| !refresh.is_empty()).map(Secret::new),
            client: own("clientId").map(|id| (id, text("clientSecret").map(Secret::new))),
            expires: number("expires").and_then(|at| u64::try_from(at).ok()).map(Timestamp),
            identity: Identity {
                email: part("email"),
                account_id: part("accountId"),
                org_id: part("orgId"),
                project_id: part("projectId"),
                enterprise_url: part("enterpriseUrl"),
            },
            priority: number("priority").and_then(|number| i32::try_from(number).ok()).unwrap_or(0),
            weight: number("weight").and_then(|number| u32::try_from(number).ok()),
            models: texts("models"),
            excluded_models: texts("excludedModels"),
            aliases: value
                .get("aliases")
                .and_then(|aliases| crate::json::read(&aliases.to_string()).ok())
                .unwrap_or_default(),
            prefix: own("prefix"),
            requests: limits("requests"),
            tokens: limits("tokens"),
            enabled: flag("enabled").unwrap_or(true),
            cooling: flag("cooling"),
            retry: number("retry").and_then(|number| u8::try_from(number).ok()),
            base_url: own("baseUrl"),
            proxy_url: text("proxyUrl").map(Secret::new),
            headers: headers
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), Secret::new(value.as_str()?))))
                .collect(),
            ..Self::of(kind, "", secret)
        })
    }

    /// The fields, beside the secret, in which two differ, by their names.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let (one, two) = (&self.identity, &other.identity);
        let all = [
            ("name", self.name == other.name),
            ("kind", self.kind == other.kind),
            ("refresh", self.refresh == other.refresh),
            ("client", self.client == other.client),
            ("expires", self.expires == other.expires),
            ("email", one.email == two.email),
            ("accountId", one.account_id == two.account_id),
            ("orgId", one.org_id == two.org_id),
            ("projectId", one.project_id == two.project_id),
            ("enterpriseUrl", one.enterprise_url == two.enterprise_url),
            ("priority", self.priority == other.priority),
            ("weight", self.weight.unwrap_or(1) == other.weight.unwrap_or(1)),
            ("models", self.models == other.models),
            ("excludedModels", self.excluded_models == other.excluded_models),
            ("aliases", self.aliases == other.aliases),
            ("prefix", self.prefix == other.prefix),
            ("limits", (self.requests, self.tokens) == (other.requests, other.tokens)),
            ("enabled", self.enabled == other.enabled),
            ("cooling", self.cooling == other.cooling),
            ("retry", self.retry == other.retry),
            ("baseUrl", self.base_url == other.base_url),
            ("proxyUrl", self.proxy_url == other.proxy_url),
            ("headers", self.headers == other.headers),
        ];
        all.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}

impl ToJson for Credential {
    fn write(&self, to: &mut Writer) {
        let field = match self.kind {
            Kind::ApiKey => "key",
            Kind::Token => "token",
            Kind::Oauth => "access",
        };
        to.open('{');
        to.field("provider", &self.provider);
        to.given("name", &self.name);
        to.field("kind", &self.kind);
        to.field(field, &self.secret.expose());
        if let Some(refresh) = &self.refresh {
            to.field("refresh", &refresh.expose());
        }
        if let Some((id, secret)) = &self.client {
            to.field("clientId", id);
            if let Some(secret) = secret {
                to.field("clientSecret", &secret.expose());
            }
        }
        to.given("expires", &self.expires);
        to.given("email", &self.identity.email);
        to.given("accountId", &self.identity.account_id);
        to.given("orgId", &self.identity.org_id);
        to.given("projectId", &self.identity.project_id);
        to.given("enterpriseUrl", &self.identity.enterprise_url);
        if self.priority != 0 {
            to.field("priority", &self.priority);
        }
        to.given("weight", &self.weight);
        to.given("models", &self.models);
        to.given("excludedModels", &self.excluded_models);
        to.given("aliases", &self.aliases);
        to.given("prefix", &self.prefix);
        if self.requests.is_some() || self.tokens.is_some() {
            to.field("limits", &Limits(self.requests, self.tokens));
        }
        if !self.enabled {
            to.field("enabled", &false);
        }
        to.given("cooling", &self.cooling);
        to.given("retry", &self.retry);
        to.given("baseUrl", &self.base_url);
        if let Some(proxy) = &self.proxy_url {
            to.field("proxyUrl", &proxy.expose());
        }
        if !self.headers.is_empty() {
            to.field("headers", &Headers(&self.headers));
        }
        to.close('}');
    }
}

struct Limits(Option<u64>, Option<u64>);

impl ToJson for Limits {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        to.given("requests", &self.0);
        to.given("tokens", &self.1);
        to.close('}');
    }
}

struct Headers<'a>(&'a [(String, Secret)]);

impl ToJson for Headers<'_> {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        for (name, value) in self.0 {
            to.field(name, &value.expose());
        }
        to.close('}');
    }
}
