//! What is done with tokens beside using them: asking whose they are (userinfo), whether they are good (RFC 7662), and
//! giving them back (RFC 7009).

use super::identity::read_identity;
use super::token::{token_request, TokenEndpoint, Tokens};
use crate::credential::Identity;
use crate::facts::oauth::{IdentityPaths, OauthFacts};
use crate::json::{self, Value};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::wire::http::HttpRequest;
use crate::wire::jwt::Claims;

/// A document longer than this is none.
const MAX_DOCUMENT: usize = 1 << 18;

/// Asks whose an access token is (`OpenID` Connect Core §5.3); one that is bound to a key is shown as that (RFC 9449 §7.1).
pub fn userinfo_request(facts: &OauthFacts, access: &Secret, key: Option<&Secret>) -> HttpRequest {
    let scheme = if key.is_some() { "DPoP " } else { "Bearer " };
    let mut headers = vec![
        ("accept".into(), Secret::new("application/json")),
        ("authorization".into(), Secret::new([scheme, access.expose()].concat())),
    ];
    headers.extend(facts.headers.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))));
    HttpRequest { method: "GET", url: facts.userinfo.clone(), headers, body: None, key: key.cloned() }
}

/// Reads the answer; nothing is known where it is none.
pub fn read_userinfo(paths: &IdentityPaths, status: u16, body: &str) -> Identity {
    match document(status, body) {
        Some(document) => read_identity(paths, &[&document]),
        None => Identity::default(),
    }
}

/// Whose tokens are, as far as the token endpoint's answer and the tokens themselves say.
pub fn identity_of_answer(paths: &IdentityPaths, body: &str, tokens: &Tokens) -> Identity {
    let claims = |token: &Secret| Some(Claims::read(token.expose())?.into_value());
    let documents = [document(200, body), tokens.id_token.as_ref().and_then(claims), claims(&tokens.access)];
    read_identity(paths, &documents.iter().flatten().collect::<Vec<_>>())
}

/// Gives a token back (RFC 7009 §2.1). `endpoint.url` is the revocation endpoint. A refresh token takes the access tokens
/// that grew from it along (§2.1), so it is the one to give back where there is one.
pub fn revoke_request(endpoint: &TokenEndpoint, token: &Secret, is_refresh: bool) -> HttpRequest {
    without_proof(token_request(endpoint, vec![("token", token.expose()), hint(is_refresh)]))
}

/// A proof belongs to requests for tokens and with them (RFC 9449 §1), not to those about them.
fn without_proof(request: HttpRequest) -> HttpRequest {
    HttpRequest { key: None, ..request }
}

/// Is the token gone? A token that the server did not know is (RFC 7009 §2.2).
pub const fn read_revocation(status: u16) -> bool {
    matches!(status, 200..=299)
}

/// Asks whether a token is good (RFC 7662 §2.1). `endpoint.url` is the introspection endpoint.
pub fn introspect_request(endpoint: &TokenEndpoint, token: &Secret, is_refresh: bool) -> HttpRequest {
    without_proof(token_request(endpoint, vec![("token", token.expose()), hint(is_refresh)]))
}

const fn hint(is_refresh: bool) -> (&'static str, &'static str) {
    ("token_type_hint", if is_refresh { "refresh_token" } else { "access_token" })
}

/// What a server says of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introspection {
    /// Is it good?
    pub active: bool,
    /// Until when, where the server says.
    pub expires: Option<Timestamp>,
    /// Whose it is.
    pub identity: Identity,
}

/// Reads the answer (RFC 7662 §2.2). `None` where it is none: nothing is known then, and nothing follows.
pub fn read_introspection(paths: &IdentityPaths, status: u16, body: &str) -> Option<Introspection> {
    let document = document(status, body)?;
    let Some(Value::Bool(active)) = document.get("active") else { return None };
    let identity = read_identity(paths, &[&document]);
    let expires = match document.get("exp") {
        Some(Value::Number(seconds)) => {
            seconds.floor().map(|seconds| Timestamp(seconds.saturating_mul(1000)))
        }
        _ => None,
    };
    Some(Introspection { active: *active, expires, identity })
}

fn document(status: u16, body: &str) -> Option<Value> {
    let good = (200..300).contains(&status) && body.len() <= MAX_DOCUMENT;
    json::read::<Value>(body).ok().filter(|document| good && document.is_object())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_are_asked_after_and_given_back() {
        let endpoint = TokenEndpoint { client_id: "me".into(), ..TokenEndpoint::default() };
        let body = |request: HttpRequest| request.body.unwrap().expose().to_owned();
        let token = Secret::new("t");
        let refresh = "token=t&token_type_hint=refresh_token&client_id=me";
        assert_eq!(body(revoke_request(&endpoint, &token, true)), refresh);
        let access = "token=t&token_type_hint=access_token&client_id=me";
        assert_eq!(body(introspect_request(&endpoint, &token, false)), access);
        assert!(read_revocation(200) && read_revocation(204) && !read_revocation(503));
        let facts = OauthFacts { userinfo: "https://a.example/me".into(), ..OauthFacts::default() };
        let request = userinfo_request(&facts, &token, None);
        assert_eq!((request.method, &*request.url), ("GET", "https://a.example/me"));
        assert!(request
            .headers
            .iter()
            .any(|(name, value)| &**name == "authorization" && value.expose() == "Bearer t"));
    }

    #[test]
    fn an_answer_that_is_none_says_nothing() {
        let paths = IdentityPaths::default();
        for (status, body) in
            [(500, r#"{"email":"a@x"}"#), (200, "<html>"), (200, ""), (200, "[]"), (200, "7")]
        {
            assert_eq!(read_userinfo(&paths, status, body), Identity::default(), "{body}");
            assert_eq!(read_introspection(&paths, status, body), None, "{body}");
        }
        assert_eq!(read_userinfo(&paths, 200, r#"{"email":"a@x"}"#).email.as_deref(), Some("a@x"));
        assert_eq!(read_introspection(&paths, 200, r#"{"active":"yes"}"#), None);
        let good = read_introspection(&paths, 200, r#"{"active":true,"exp":5,"sub":"s"}"#).unwrap();
        assert_eq!((good.active, good.expires), (true, Some(Timestamp(5000))));
        assert_eq!(good.identity.account_id.as_deref(), Some("s"));
    }

    proptest! {
        #[test]
        fn nothing_panics(status: u16, body in "\\PC{0,80}") {
            let _ = read_userinfo(&IdentityPaths::default(), status, &body);
            let _ = read_introspection(&IdentityPaths::default(), status, &body);
        }
    }
}
