//! Providers by name.

use super::entry::{Entry, Shape};
use super::{entry, FAMILIES};
use crate::facts::{Placement, ProviderFacts};
use core::fmt;

/// A name longer than this is none.
const MAX_NAME: usize = 64;
/// Custom providers beyond this many are refused.
const MAX_CUSTOM: usize = 1024;

/// The providers that are known: the built-in ones and those that a program has added.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    custom: Vec<ProviderFacts>,
}

/// Why a provider was not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterError {
    /// A name or alias is empty, longer than 64 bytes, or has other characters than `a-z 0-9 - _ .` or not a letter or a
    /// digit at its start.
    BadName(Box<str>),
    /// A name or alias is one of a provider that is known already.
    Taken(Box<str>),
    /// No kind of credential is given.
    NoKinds,
    /// Not the name of an environment variable.
    BadVariable(Box<str>),
    /// Not a header: a name that is no token (RFC 9110 §5.6.2) or a value with control characters.
    BadHeader(Box<str>),
    /// A field of its `oauth` is wrong: which, and why.
    BadOauth(&'static str, &'static str),
    /// More than 1024 of them.
    TooMany,
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, which) = match self {
            Self::BadName(name) => ("not a provider's name", name),
            Self::Taken(name) => ("a provider of this name is known already", name),
            Self::BadOauth(field, why) => return write!(f, "oauth.{field}: {why}"),
            Self::NoKinds => return f.write_str("a provider needs at least one kind of credential"),
            Self::BadVariable(name) => ("not the name of an environment variable", name),
            Self::BadHeader(name) => ("not a header", name),
            Self::TooMany => return f.write_str("too many providers"),
        };
        write!(f, "{what}: `{which}`")
    }
}

impl std::error::Error for RegisterError {}

impl Registry {
    /// The built-in providers.
    pub const fn builtin() -> Self {
        Self { custom: Vec::new() }
    }

    /// The registry name behind a name or alias, however it is spelt: `" Gemini "` is `google`.
    pub fn resolve(&self, name: &str) -> Option<&str> {
        let name = normal(name)?;
        match self.custom(&name) {
            Some(facts) => Some(&facts.name),
            None => builtin(&name).map(|entry| entry.name),
        }
    }

    /// The facts of a provider by name or alias.
    pub fn facts(&self, name: &str) -> Option<ProviderFacts> {
        let name = normal(name)?;
        self.custom(&name).cloned().or_else(|| builtin(&name).map(Entry::facts))
    }

    /// The facts of a provider that may be unknown: then it takes keys and tokens of every kind as Bearer, and has no
    /// environment variable. `None` only for what cannot be a name.
    pub fn facts_or_default(&self, name: &str) -> Option<ProviderFacts> {
        self.facts(name).or_else(|| stranger(name))
    }

    /// The same, as far as sending needs it: of a built-in provider without how its accounts log in (`oauth`).
    pub fn sending_facts(&self, name: &str) -> Option<ProviderFacts> {
        let known = normal(name)?;
        let found = self.custom(&known).cloned();
        found.or_else(|| builtin(&known).map(Entry::sending_facts)).or_else(|| stranger(name))
    }

    /// The registry names of those that a program has added.
    pub fn custom_names(&self) -> impl Iterator<Item = &str> {
        self.custom.iter().map(|facts| &*facts.name)
    }

    /// All registry names: the built-in ones, then the custom ones.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        FAMILIES.iter().flat_map(|family| family.iter().map(|entry| entry.name)).chain(self.custom_names())
    }

    /// Adds a provider. Name and aliases are taken in lower case, header names too.
    pub fn register(&mut self, mut facts: ProviderFacts) -> Result<(), RegisterError> {
        if self.custom.len() >= MAX_CUSTOM {
            return Err(RegisterError::TooMany);
        }
        for name in core::iter::once(&mut facts.name).chain(&mut facts.aliases) {
            *name = normal(name)
                .filter(|name| is_name(name))
                .ok_or_else(|| RegisterError::BadName(name.clone()))?
                .into();
            if self.resolve(name).is_some() {
                return Err(RegisterError::Taken(name.clone()));
            }
        }
        if facts.kinds.is_empty() {
            return Err(RegisterError::NoKinds);
        }
        if let Some(bad) = facts.environment.iter().find(|name| !is_variable(name)) {
            return Err(RegisterError::BadVariable(bad.clone()));
        }
        for placement in [&mut facts.key_placement, &mut facts.token_placement] {
            if let Placement::Header(name) = placement {
                check_header(name, "")?;
            }
        }
        for (name, value) in facts.headers.iter_mut().chain(&mut facts.token_headers) {
            check_header(name, value)?;
        }
        if let Some(oauth) = &mut facts.oauth {
            if let Some((field, why)) = oauth.problem() {
                return Err(RegisterError::BadOauth(field, why));
            }
            for (name, value) in &mut oauth.headers {
                check_header(name, value)?;
            }
        }
        self.custom.push(facts);
        Ok(())
    }

    /// The scopes that a login asks for, of one service of the provider where one is named: those of the provider
    /// `provider-service`, where there is one that has some, else the provider's own. `None` where nobody knows the provider,
    /// or it has none.
    pub fn oauth_scopes(&self, provider: &str, service: &str) -> Option<Vec<Box<str>>> {
        let own = self.resolve(provider)?;
        // By the name that was typed as well: `gemini-gmail` belongs to `gemini`, which is an alias.
        for name in [&*[provider.trim(), "-", service].concat(), &[own, "-", service].concat(), own] {
            let oauth = self.facts(name).and_then(|facts| facts.oauth);
            if let Some(oauth) = oauth.filter(|oauth| !oauth.scopes.is_empty()) {
                return Some(oauth.scopes);
            }
        }
        None
    }

    fn custom(&self, name: &str) -> Option<&ProviderFacts> {
        self.custom
            .iter()
            .find(|facts| &*facts.name == name || facts.aliases.iter().any(|alias| &**alias == name))
    }
}

fn builtin(name: &str) -> Option<&'static Entry> {
    FAMILIES.iter().flat_map(|family| family.iter()).find(|entry| entry.is_called(name))
}

/// One that nobody knows. `None` for what cannot be a name.
fn stranger(name: &str) -> Option<ProviderFacts> {
    let name = normal(name).filter(|name| is_name(name))?;
    let mut facts = entry::entry("", "", "", "", "", &Shape::KEY_OR_ACCOUNT).sending_facts();
    (facts.name, facts.label) = (name.clone().into(), name.into());
    Some(facts)
}

/// Trimmed and in lower case; none for what is empty or too long.
fn normal(name: &str) -> Option<String> {
    let name = name.trim();
    (1..=MAX_NAME).contains(&name.len()).then(|| name.to_ascii_lowercase())
}

fn is_name(name: &str) -> bool {
    name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.'))
}

fn is_variable(name: &str) -> bool {
    name.len() <= 128
        && name.as_bytes().first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn check_header(name: &mut Box<str>, value: &str) -> Result<(), RegisterError> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let good = (1..=128).contains(&name.len())
        && name.bytes().all(token)
        && value.len() <= 4096
        && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !good {
        return Err(RegisterError::BadHeader(name.clone()));
    }
    name.make_ascii_lowercase();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Kind;
    use std::collections::BTreeSet;

    #[test]
    fn what_sending_needs_is_all_but_how_accounts_log_in() {
        let mut registry = Registry::builtin();
        let mut own = registry.facts_or_default("own").unwrap();
        own.oauth = registry.facts("anthropic").unwrap().oauth;
        registry.register(own.clone()).unwrap();
        for name in registry.names().chain(["stranger"]) {
            let whole = registry.facts_or_default(name).unwrap();
            let oauth = whole.oauth.clone().filter(|_| name == "own");
            assert_eq!(registry.sending_facts(name), Some(ProviderFacts { oauth, ..whole }), "{name}");
        }
        assert_eq!(registry.sending_facts("own"), Some(own));
        assert!(registry.sending_facts("no name").is_none());
    }

    #[test]
    fn names_and_aliases_lead_to_one_provider_each() {
        let registry = Registry::builtin();
        let mut seen = BTreeSet::new();
        for name in registry.names() {
            let facts = registry.facts(name).unwrap();
            assert!(is_name(name) && !facts.label.is_empty() && !facts.kinds.is_empty(), "{name}");
            assert!(facts.environment.iter().all(|name| is_variable(name)), "{name}");
            for called in core::iter::once(&facts.name).chain(&facts.aliases) {
                assert!(seen.insert(called.clone()), "{called} means two providers");
                assert_eq!(registry.resolve(called), Some(name));
            }
        }
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        let registry = Registry::builtin();
        for (typed, name) in [
            ("OpenAI", "openai"),
            (" gemini ", "google"),
            ("claude", "anthropic"),
            ("codex", "openai-codex"),
            ("grok", "xai"),
            ("copilot", "github-copilot"),
        ] {
            assert_eq!(registry.resolve(typed), Some(name));
        }
        for unknown in ["", "no-such-provider", &"x".repeat(1 << 20)] {
            assert_eq!(registry.resolve(unknown), None);
        }
    }

    #[test]
    fn the_environment_of_the_two_ancestors() {
        let variables = |name| {
            let facts = Registry::builtin().facts(name).unwrap();
            facts.environment.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(variables("google"), "GEMINI_API_KEY GOOGLE_API_KEY");
        assert_eq!(variables("anthropic"), "ANTHROPIC_OAUTH_TOKEN ANTHROPIC_API_KEY");
        assert_eq!(variables("groq"), "GROQ_API_KEY");
        assert_eq!(variables("cloudflare-ai-gateway"), "CLOUDFLARE_AI_GATEWAY_API_KEY");
        assert_eq!(variables("google-gemini-cli"), "");
    }

    #[test]
    fn a_custom_provider_is_checked_and_then_known() {
        let mut registry = Registry::builtin();
        let mut facts = registry.facts_or_default("My-Host").unwrap();
        assert_eq!(registry.resolve("my-host"), None);
        facts.aliases = vec!["MH".into()];
        facts.key_placement = Placement::Header("X-My-Key".into());
        registry.register(facts.clone()).unwrap();
        assert_eq!(registry.resolve(" mh"), Some("my-host"));
        assert_eq!(registry.facts("mh").unwrap().key_placement, Placement::Header("x-my-key".into()));
        assert_eq!(registry.register(facts.clone()), Err(RegisterError::Taken("my-host".into())));

        let with = |change: &dyn Fn(&mut ProviderFacts)| {
            let mut facts = facts.clone();
            (facts.name, facts.aliases) = ("other".into(), Vec::new());
            change(&mut facts);
            registry.clone().register(facts)
        };
        assert_eq!(with(&|_| ()), Ok(()));
        assert_eq!(with(&|facts| facts.name = "a b".into()), Err(RegisterError::BadName("a b".into())));
        assert_eq!(
            with(&|facts| facts.aliases = vec!["Gemini".into()]),
            Err(RegisterError::Taken("gemini".into()))
        );
        assert_eq!(with(&|facts| facts.kinds = Vec::<Kind>::new()), Err(RegisterError::NoKinds));
        assert_eq!(
            with(&|facts| facts.environment = vec!["A=B".into()]),
            Err(RegisterError::BadVariable("A=B".into()))
        );
        let evil = |facts: &mut ProviderFacts| facts.headers = vec![("x".into(), "a\r\nb".into())];
        assert_eq!(with(&evil), Err(RegisterError::BadHeader("x".into())));
    }

    #[test]
    fn scopes_of_a_service_are_those_of_a_provider_of_its_own() {
        let mut registry = Registry::builtin();
        let own = registry.oauth_scopes("gemini", "").unwrap();
        assert!(own.iter().any(|scope| scope.ends_with("/cloud-platform")));
        assert_eq!(registry.oauth_scopes("gemini", "gmail"), Some(own));
        let mut facts = registry.facts_or_default("gemini-gmail").unwrap();
        let oauth = crate::json::read(r#"{"token":"https://a.example/t","scopes":["g"]}"#).unwrap();
        facts.oauth = Some(Box::new(oauth));
        registry.register(facts.clone()).unwrap();
        assert_eq!(registry.oauth_scopes("Gemini", "gmail"), Some(vec!["g".into()]));
        assert_eq!(registry.oauth_scopes("openai", ""), None);
        assert_eq!(registry.oauth_scopes("no-such", ""), None);

        facts.name = "evil".into();
        facts.oauth.as_mut().unwrap().token = "http://evil.example/t".into();
        let error = registry.register(facts).unwrap_err();
        assert!(matches!(error, RegisterError::BadOauth("token", _)), "{error}");
    }

    #[test]
    fn an_unknown_provider_takes_bearer() {
        let facts = Registry::builtin().facts_or_default("Unheard-Of").unwrap();
        assert_eq!((&*facts.name, facts.key_placement), ("unheard-of", Placement::Bearer));
        assert!(Registry::builtin().facts_or_default("no name").is_none());
    }
}
