//! What an authorization server says of itself (RFC 8414, `OpenID` Connect Discovery): where its endpoints are.

use super::token::TokenFailure;
use crate::facts::oauth::{is_safe_url, ClientAuth, OauthFacts};
use crate::json::{self, Value};
use crate::secret::Secret;
use crate::wire::find::split_once;
use crate::wire::http::HttpRequest;

/// A document longer than this is none.
const MAX_DOCUMENT: usize = 1 << 18;

/// Where the document is asked for, one after the other: RFC 8414 §3.1 puts the well-known part before the issuer's path,
/// `OpenID` Connect behind it.
pub fn metadata_request(issuer: &str, attempt: u8) -> Option<HttpRequest> {
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
    let (_, rest) = split_once(issuer, "://")?;
    let path = rest.split_once('/').map_or(0, |(_, path)| path.len() + 1);
    let (host, path) = issuer.split_at_checked(issuer.len() - path)?;
    let url = match attempt {
        0 => [host, "/.well-known/oauth-authorization-server", path].concat(),
        1 => [issuer, "/.well-known/openid-configuration"].concat(),
        _ => return None,
    };
    let headers = vec![("accept".into(), Secret::new("application/json"))];
    Some(HttpRequest { method: "GET", url: url.into(), headers, body: None, key: None })
}

/// Fills endpoints that are not known yet. The document's issuer must be the one that was asked (RFC 8414 §3.3), and every
/// endpoint one to which a token may be sent.
pub fn read_metadata(facts: &mut OauthFacts, status: u16, body: &str) -> Result<(), TokenFailure> {
    let document =
        if status == 200 && body.len() <= MAX_DOCUMENT { json::read::<Value>(body).ok() } else { None };
    let Some(document) = document.filter(Value::is_object) else {
        return Err(if status == 200 { TokenFailure::malformed() } else { TokenFailure::http(status) });
    };
    let text = |name: &str| document.get(name).and_then(Value::as_str);
    if text("issuer") != Some(&*facts.issuer) {
        return Err(TokenFailure::of("wrong_issuer"));
    }
    for (place, name) in [
        (&mut facts.authorize, "authorization_endpoint"),
        (&mut facts.token, "token_endpoint"),
        (&mut facts.device, "device_authorization_endpoint"),
        (&mut facts.revoke, "revocation_endpoint"),
        (&mut facts.introspect, "introspection_endpoint"),
        (&mut facts.userinfo, "userinfo_endpoint"),
    ] {
        let Some(url) = text(name).filter(|_| place.is_empty()) else { continue };
        if !is_safe_url(url) {
            return Err(TokenFailure::of("unsafe_endpoint"));
        }
        *place = url.into();
    }
    // Where only Basic is taken, and only then: `client_secret_basic` is the default of the RFC, the body that of the world.
    if let Some(methods) = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array) {
        let takes = |method: &str| methods.iter().any(|own| own.as_str() == Some(method));
        if takes("client_secret_basic") && !takes("client_secret_post") {
            facts.client_auth = ClientAuth::Basic;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> OauthFacts {
        OauthFacts {
            issuer: "https://a.example".into(),
            token: "https://a.example/mine".into(),
            ..OauthFacts::default()
        }
    }

    #[test]
    fn where_the_document_is() {
        let urls = |issuer: &str| {
            [0, 1, 2].map(|attempt| metadata_request(issuer, attempt).map(|request| request.url))
        };
        assert_eq!(
            urls("https://a.example/tenant/"),
            [
                Some("https://a.example/.well-known/oauth-authorization-server/tenant".into()),
                Some("https://a.example/tenant/.well-known/openid-configuration".into()),
                None
            ]
        );
        assert_eq!(
            urls("https://a.example")[0].as_deref(),
            Some("https://a.example/.well-known/oauth-authorization-server")
        );
        assert_eq!(urls("nonsense"), [None, None, None]);
    }

    #[test]
    fn what_is_known_is_not_overwritten() {
        let mut facts = facts();
        let body = r#"{"issuer":"https://a.example","token_endpoint":"https://a.example/theirs",
            "authorization_endpoint":"https://a.example/auth","token_endpoint_auth_methods_supported":["client_secret_basic"]}"#;
        read_metadata(&mut facts, 200, body).unwrap();
        assert_eq!((&*facts.token, &*facts.authorize), ("https://a.example/mine", "https://a.example/auth"));
        assert_eq!(facts.client_auth, ClientAuth::Basic);
    }

    #[test]
    fn another_issuer_and_unsafe_endpoints_are_refused() {
        for (status, body, code) in [
            (200, r#"{"issuer":"https://evil.example"}"#, "wrong_issuer"),
            (200, r#"{"issuer":"https://a.example/"}"#, "wrong_issuer"),
            (200, "{}", "wrong_issuer"),
            (
                200,
                r#"{"issuer":"https://a.example","revocation_endpoint":"http://a.example/r"}"#,
                "unsafe_endpoint",
            ),
            (200, "<html>", "malformed"),
            (200, "[]", "malformed"),
            (404, "{}", "http-404"),
        ] {
            let failure = read_metadata(&mut facts(), status, body).unwrap_err();
            assert_eq!(&*failure.code, code, "{body}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(status: u16, body in "\\PC{0,80}", issuer in "\\PC{0,30}") {
            let _ = metadata_request(&issuer, 0);
            let _ = read_metadata(&mut facts(), status, &body);
        }
    }
}
