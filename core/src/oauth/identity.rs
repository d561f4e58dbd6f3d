//! Whose account it is: read from what a provider says of a token, and from the claims of the tokens themselves.

use crate::credential::Identity;
use crate::facts::oauth::IdentityPaths;
use crate::json::Value;
use crate::wire::jwt::Claims;

/// The usual names, where a provider has none of its own.
const EMAIL: &[&str] = &["email", "https://api.openai.com/profile email"];
const ACCOUNT: &[&str] =
    &["account_id", "accountId", "user_id", "sub", "https://api.openai.com/auth chatgpt_account_id"];

/// An identifier longer than this is none.
const MAX_ID: usize = 320;

/// Reads an identity from documents, of which an earlier one counts before a later one: a token endpoint's answer, claims,
/// userinfo. What is neither a text nor a whole number, is longer than 320 bytes or has a control character is passed over.
pub fn read_identity(paths: &IdentityPaths, documents: &[&Value]) -> Identity {
    let own = |paths: &[Box<str>], usual: &[&str]| {
        if paths.is_empty() {
            return find(documents, usual.iter().copied());
        }
        find(documents, paths.iter().map(|path| &**path))
    };
    Identity {
        email: own(&paths.email, EMAIL),
        account_id: own(&paths.account_id, ACCOUNT),
        org_id: own(&paths.org_id, &[]),
        project_id: own(&paths.project_id, &[]),
        enterprise_url: None,
    }
}

/// Reads an identity from the claims of tokens, where they are JWTs.
pub fn identity_of_tokens<'a>(paths: &IdentityPaths, tokens: impl IntoIterator<Item = &'a str>) -> Identity {
    let claims: Vec<_> =
        tokens.into_iter().filter_map(|token| Some(Claims::read(token)?.into_value())).collect();
    read_identity(paths, &claims.iter().collect::<Vec<_>>())
}

fn find<'p>(documents: &[&Value], paths: impl Iterator<Item = &'p str> + Clone) -> Option<Box<str>> {
    documents.iter().find_map(|document| paths.clone().find_map(|path| identifier(document, path)))
}

fn identifier(document: &Value, path: &str) -> Option<Box<str>> {
    let found = path.split(' ').try_fold(document, |value, name| value.get(name))?;
    let text: Box<str> = match found {
        Value::String(text) => text.trim().into(),
        Value::Number(number) => number.as_u64()?.to_string().into(),
        _ => return None,
    };
    ((1..=MAX_ID).contains(&text.len()) && !text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use base64::Engine;

    fn value(text: &str) -> Value {
        crate::json::read(text).unwrap()
    }

    #[test]
    fn a_provider_names_its_own_places() {
        let facts = crate::provider::Registry::builtin().facts("anthropic").unwrap();
        let answer = value(
            r#"{"access_token":"x","account":{"uuid":"acc","email_address":"a@x"},"organization":{"uuid":"org"},"sub":"no"}"#,
        );
        let identity = read_identity(&facts.oauth.unwrap().identity, &[&answer]);
        let text = |text: &str| Some(text.into());
        let expected = Identity {
            email: text("a@x"),
            account_id: text("acc"),
            org_id: text("org"),
            ..Identity::default()
        };
        assert_eq!(identity, expected);
    }

    #[test]
    fn an_earlier_document_counts_first_and_a_number_is_an_identifier() {
        let (first, second) =
            (value(r#"{"email":" ","account_id":17}"#), value(r#"{"email":"b@x","sub":"s"}"#));
        let identity = read_identity(&IdentityPaths::default(), &[&first, &second]);
        assert_eq!(identity.email.as_deref(), Some("b@x"));
        assert_eq!(identity.account_id.as_deref(), Some("17"));
    }

    #[test]
    fn claims_of_tokens() {
        let token = |claims: &str| format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims));
        let access = token(
            r#"{"https://api.openai.com/auth":{"chatgpt_account_id":"ws"},"https://api.openai.com/profile":{"email":"a@x"},"sub":"user"}"#,
        );
        let facts = crate::provider::Registry::builtin().facts("openai-codex").unwrap();
        let identity = identity_of_tokens(&facts.oauth.unwrap().identity, ["opaque", &access]);
        assert_eq!(identity.account_id.as_deref(), Some("ws"));
        assert_eq!(identity.org_id.as_deref(), Some("ws"));
        assert_eq!(identity.email.as_deref(), Some("a@x"));
        assert_eq!(identity_of_tokens(&IdentityPaths::default(), ["a.b.c", ""]), Identity::default());
    }

    #[test]
    fn what_is_no_identifier_is_passed_over() {
        let giant = "x".repeat(MAX_ID + 1);
        for bad in ["[]", "{}", "true", "1.5", "-1", "\"\"", "\"a\\nb\"", &format!("\"{giant}\"")] {
            let document = value(&format!(r#"{{"email":{bad}}}"#));
            assert_eq!(read_identity(&IdentityPaths::default(), &[&document]).email, None, "{bad:.20}");
        }
    }
}
