//! A secret's place in a request, and the places that must be empty before it is put there.

use crate::facts::{Kind, Placement, ProviderFacts};
use crate::secret::Secret;

/// Headers in which programs and SDKs put a credential. Whoever sends a request with a credential of the pool takes all
/// of these out first: the SDK's own key is a placeholder.
pub const CREDENTIAL_HEADERS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Query parameters in which a credential may stand, to be taken out likewise.
pub const CREDENTIAL_QUERY: [&str; 1] = ["key"];

/// Headers that hold a list: a value of ours is added to the request's own behind a comma, not put in its place.
pub const LIST_HEADERS: [&str; 1] = ["anthropic-beta"];

/// What a credential adds to a request. No `Debug`, no `Serialize`: it holds the secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AuthParts {
    /// Headers: name in lower case, value.
    pub headers: Vec<(Box<str>, Secret)>,
    /// A query parameter: name, value (not yet percent-encoded).
    pub query: Option<(Box<str>, Secret)>,
}

/// The parts of a request that carry this secret. `None` for a secret that cannot stand in a header (empty, with a line
/// break or another control character, or beyond ASCII): to send it would fail, or worse, add headers.
pub fn auth_parts(facts: &ProviderFacts, kind: Kind, secret: &Secret) -> Option<AuthParts> {
    let text = secret.expose().trim();
    let token = kind != Kind::ApiKey;
    let placement = if token { &facts.token_placement } else { &facts.key_placement };
    let mut parts = AuthParts::default();
    let mut add = |name: &str, value: String| parts.headers.push((name.into(), Secret::new(value)));
    let none = Placement::None;
    let placement = if text.is_empty() && facts.needs_no_key(kind) { &none } else { placement };
    if !matches!(placement, Placement::None)
        && (text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return None;
    }
    match placement {
        Placement::Bearer => add("authorization", ["Bearer ", text].concat()),
        Placement::Header(name) => add(name, text.to_owned()),
        Placement::Query(_) | Placement::None => {}
    }
    let extra = if token { facts.token_headers.as_slice() } else { &[] };
    for (name, value) in facts.headers.iter().chain(extra) {
        add(name, value.to_string());
    }
    if let Placement::Query(name) = placement {
        parts.query = Some((name.clone(), Secret::new(text)));
    }
    Some(parts)
}

/// The kind of credential that an environment variable holds, by its name: `…_OAUTH_TOKEN`, `…_ACCESS_TOKEN` and
/// `…_GITHUB_TOKEN` are tokens, all others keys.
pub fn environment_kind(variable: &str) -> Kind {
    let token = ["_OAUTH_TOKEN", "_ACCESS_TOKEN", "_GITHUB_TOKEN"].iter().any(|end| variable.ends_with(end));
    if token {
        Kind::Token
    } else {
        Kind::ApiKey
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Registry;

    fn parts(provider: &str, kind: Kind) -> Vec<(String, String)> {
        let facts = Registry::builtin().facts(provider).unwrap();
        let parts = auth_parts(&facts, kind, &Secret::new("s3cret\n")).unwrap();
        parts.headers.iter().map(|(name, value)| (name.to_string(), value.expose().to_owned())).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_provider_has_its_header() {
        assert_eq!(parts("openai", Kind::ApiKey), pairs(&[("authorization", "Bearer s3cret")]));
        assert_eq!(parts("anthropic", Kind::ApiKey), pairs(&[("x-api-key", "s3cret")]));
        let oauth = pairs(&[("authorization", "Bearer s3cret"), ("anthropic-beta", "oauth-2025-04-20")]);
        assert_eq!(parts("claude", Kind::Oauth), oauth);
        assert_eq!(parts("gemini", Kind::ApiKey), pairs(&[("x-goog-api-key", "s3cret")]));
        assert_eq!(parts("google", Kind::Oauth), pairs(&[("authorization", "Bearer s3cret")]));
        assert_eq!(parts("azure", Kind::ApiKey), pairs(&[("api-key", "s3cret")]));
    }

    #[test]
    fn a_secret_adds_no_headers_of_its_own() {
        let facts = Registry::builtin().facts("openai").unwrap();
        for bad in ["", "  ", "a\r\nx-evil: 1", "a b", "ключ", "a\0"] {
            assert!(auth_parts(&facts, Kind::ApiKey, &Secret::new(bad)).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_query_parameter_and_nothing_at_all() {
        let mut facts = Registry::builtin().facts("openai").unwrap();
        facts.key_placement = Placement::Query("key".into());
        let parts = auth_parts(&facts, Kind::ApiKey, &Secret::new("k")).unwrap();
        assert!(
            parts.headers.is_empty()
                && parts.query.is_some_and(|(name, value)| &*name == "key" && value.expose() == "k")
        );
        facts.key_placement = Placement::None;
        assert!(auth_parts(&facts, Kind::ApiKey, &Secret::new("")).unwrap() == AuthParts::default());
    }

    #[test]
    fn variables_tell_their_kind() {
        assert_eq!(environment_kind("ANTHROPIC_OAUTH_TOKEN"), Kind::Token);
        assert_eq!(environment_kind("ANTHROPIC_API_KEY"), Kind::ApiKey);
        assert_eq!(environment_kind("HF_TOKEN"), Kind::ApiKey);
    }
}
