//! The token endpoint: a refresh as a request (RFC 6749 §6), and what its answer says (§5.1, §5.2).

use super::form::form;
use crate::credential::Identity;
use crate::facts::oauth::{BodyForm, ClientAuth};
use crate::json::{self, Value};
use crate::secret::Secret;
use crate::time::{Span, Timestamp};
use crate::wire::base64::encode_standard;
use crate::wire::http::{Headers, HttpRequest};
use crate::wire::jwt::Claims;
use crate::wire::retry_after;

/// An answer longer than this is no token answer.
const MAX_ANSWER: usize = 1 << 20;
/// A life longer than this is no life: ten years, in seconds.
const MAX_LIFE: u64 = 315_360_000;

/// Where and how tokens are renewed: a provider's facts, the account's own address, the user's client.
#[derive(Clone, Debug, Default)]
pub struct TokenEndpoint {
    /// The address.
    pub url: Box<str>,
    /// How the body is written.
    pub body: BodyForm,
    /// Headers beside the content type.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// The client's id; left out where it is empty.
    pub client_id: Box<str>,
    /// The client's secret, for confidential clients.
    pub client_secret: Option<Secret>,
    /// How the secret is shown.
    pub client_auth: ClientAuth,
    /// Scopes, separated by spaces; left out where it is empty.
    pub scope: Box<str>,
    /// The key that tokens are to be bound to (RFC 9449), as a JWK.
    pub key: Option<Secret>,
}

/// What a token endpoint gave.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// The access token.
    pub access: Secret,
    /// The new refresh token; `None`: the old one stays (RFC 6749 §6).
    pub refresh: Option<Secret>,
    /// The identity token, where one came.
    pub id_token: Option<Secret>,
    /// When the access token expires, `early` taken off: by `expires_in`, else by the token's own `exp`. `None` where neither
    /// says anything that can be believed (nothing, zero, below zero, no number, in the past).
    pub expires: Option<Timestamp>,
    /// Whose account it is, as far as the answer says.
    pub identity: Identity,
    /// Is the access token bound to the key (`token_type` is `DPoP`, RFC 9449 §5)? `None`: the answer does not say of what type it is.
    pub bound: Option<bool>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenFailure {
    /// What follows from it.
    pub kind: TokenFailureKind,
    /// The endpoint's own code (`invalid_grant`), where it is a code; else a word of ours: `http-503`, `malformed`.
    pub code: Box<str>,
    /// How long the endpoint asks to wait.
    pub retry_after: Option<Span>,
}

/// What follows from a failure at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFailureKind {
    /// This refresh token will never be taken again.
    Definitive,
    /// The client is wrong, not the account: somebody must mend the configuration; the credential is not to blame.
    Configuration,
    /// It may work later.
    Transient,
}

/// A refresh (RFC 6749 §6).
pub fn refresh_request(endpoint: &TokenEndpoint, refresh: &Secret) -> HttpRequest {
    let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
    if !endpoint.scope.is_empty() {
        fields.push(("scope", &endpoint.scope));
    }
    token_request(endpoint, fields)
}

/// Any request to the token endpoint: its fields, and the client's.
pub(super) fn token_request<'a>(
    endpoint: &'a TokenEndpoint,
    mut fields: Vec<(&'a str, &'a str)>,
) -> HttpRequest {
    let mut headers = vec![("accept".into(), Secret::new("application/json"))];
    let basic = endpoint.client_auth == ClientAuth::Basic && endpoint.client_secret.is_some();
    if !endpoint.client_id.is_empty() && !basic {
        fields.push(("client_id", &endpoint.client_id));
    }
    match &endpoint.client_secret {
        Some(secret) if basic => {
            // Both are form-encoded before they are joined (RFC 6749 §2.3.1).
            let encoded = |text: &str| form(&[("", text)]).split_off(1);
            let pair = [&encoded(&endpoint.client_id), ":", &encoded(secret.expose())].concat();
            headers.push((
                "authorization".into(),
                Secret::new(["Basic ", &encode_standard(pair.as_bytes())].concat()),
            ));
        }
        Some(secret) => fields.push(("client_secret", secret.expose())),
        None => {}
    }
    let (kind, body) = match endpoint.body {
        BodyForm::Form => ("application/x-www-form-urlencoded", form(&fields)),
        BodyForm::Json => {
            let mut object = Value::Null;
            for (name, value) in fields {
                object.set(name, value);
            }
            ("application/json", json::write(&object))
        }
    };
    headers.push(("content-type".into(), Secret::new(kind)));
    headers.extend(endpoint.headers.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))));
    HttpRequest {
        method: "POST",
        url: endpoint.url.clone(),
        headers,
        body: Some(Secret::new(body)),
        key: endpoint.key.clone(),
    }
}

/// Reads a token endpoint's answer. Never quotes a value of it.
pub fn read_token_answer(
    status: u16,
    headers: Headers<'_>,
    body: &str,
    now: Timestamp,
    early: Span,
) -> Result<Tokens, TokenFailure> {
    let answer = failure_of(status, headers, body, now)?;
    let text = |name: &str| answer.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let Some(access) = text("access_token") else { return Err(TokenFailure::malformed()) };
    let stated = answer.get("expires_in").and_then(life).map(|life| now + Span::from_secs(life));
    let expires = stated.or_else(|| Claims::read(access)?.expires().filter(|&at| at > now));
    Ok(Tokens {
        access: Secret::new(access),
        refresh: text("refresh_token").map(Secret::new),
        id_token: text("id_token").map(Secret::new),
        // Never more than half of its life: a token that is stale when it comes would be renewed for ever.
        expires: expires.map(|at| at - Span(early.0.min(at.since(now).0 / 2))),
        identity: Identity::default(),
        bound: text("token_type").map(|kind| kind.eq_ignore_ascii_case("dpop")),
    })
}

/// The answer of an endpoint of OAuth, or how it failed.
pub(super) fn failure_of(
    status: u16,
    headers: Headers<'_>,
    body: &str,
    now: Timestamp,
) -> Result<Value, TokenFailure> {
    let answer = if body.len() <= MAX_ANSWER { json::read::<Value>(body).ok() } else { None };
    let good = (200..300).contains(&status);
    let mut failure = match answer.filter(Value::is_object) {
        // GitHub answers failures with 200: an error is one whatever the status.
        Some(answer) => match error_code(&answer) {
            None if good => return Ok(answer),
            None => TokenFailure::http(status),
            Some(code) => TokenFailure::of(code),
        },
        None if good => TokenFailure::malformed(),
        None => TokenFailure::http(status),
    };
    failure.retry_after = retry_after::read(headers, now).map(|hint| hint.after);
    Err(failure)
}

impl TokenFailure {
    pub(super) fn of(code: &str) -> Self {
        Self { kind: kind_of(code), code: code.into(), retry_after: None }
    }

    pub(super) fn malformed() -> Self {
        Self::of("malformed")
    }

    pub(super) fn http(status: u16) -> Self {
        Self::of(&["http-", &*status.to_string()].concat())
    }
}

/// Does it look like a code? Texts may hold anything.
pub(super) fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte))
}

/// In one word, why an answer is none: the endpoint's own code, or ours.
pub fn failure_code(status: u16, body: &str) -> Box<str> {
    let read = failure_of(status, Headers::new(&[]), body, Timestamp(0));
    read.map_or_else(|failure| failure.code, |_| "malformed".into())
}

/// Seconds: a number, or a text that is one. What is not above zero says nothing.
fn life(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.floor()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (1..=MAX_LIFE).contains(&seconds).then_some(seconds)
}

/// The code of an error: `error` of RFC 6749 §5.2, or `error.code` or `error.type` of those who nest it. Only what looks like
/// a code: texts may hold anything.
fn error_code(answer: &Value) -> Option<&str> {
    let error = answer.get("error")?;
    let code = error.as_str().or_else(|| error.get("code")?.as_str()).or_else(|| error.get("type")?.as_str());
    Some(code.filter(|code| is_code(code)).unwrap_or("error"))
}

/// RFC 6749 §5.2, and the codes of OpenAI's token endpoint. What is not known is transient: an account is not given up for
/// a word that nobody understands.
fn kind_of(code: &str) -> TokenFailureKind {
    match code {
        "invalid_grant"
        | "access_denied"
        | "refresh_token_expired"
        | "refresh_token_reused"
        | "refresh_token_invalidated" => TokenFailureKind::Definitive,
        "invalid_client"
        | "unauthorized_client"
        | "invalid_scope"
        | "unsupported_grant_type"
        | "invalid_request" => TokenFailureKind::Configuration,
        _ => TokenFailureKind::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn read(status: u16, body: &str) -> Result<Tokens, TokenFailure> {
        read_token_answer(status, Headers::default(), body, NOW, Span::ZERO)
    }

    fn endpoint() -> TokenEndpoint {
        TokenEndpoint {
            url: "https://auth.example/token".into(),
            client_id: "me & you".into(),
            client_secret: Some(Secret::new("s:1")),
            ..TokenEndpoint::default()
        }
    }

    fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
        request.headers.iter().find(|(found, _)| &**found == name).map(|(_, value)| value.expose())
    }

    #[test]
    fn a_refresh_as_a_form_as_json_and_with_basic() {
        let request = refresh_request(&endpoint(), &Secret::new("r+1"));
        assert_eq!((request.method, &*request.url), ("POST", "https://auth.example/token"));
        let body = request.body.as_ref().unwrap().expose();
        let form = "grant_type=refresh_token&refresh_token=r%2B1&client_id=me+%26+you&client_secret=s%3A1";
        assert_eq!(body, form);
        assert_eq!(header(&request, "content-type"), Some("application/x-www-form-urlencoded"));

        let json =
            TokenEndpoint { body: BodyForm::Json, client_secret: None, scope: "a b".into(), ..endpoint() };
        let request = refresh_request(&json, &Secret::new("r"));
        let body =
            r#"{"grant_type":"refresh_token","refresh_token":"r","scope":"a b","client_id":"me & you"}"#;
        assert_eq!(request.body.as_ref().unwrap().expose(), body);

        let basic = TokenEndpoint { client_auth: ClientAuth::Basic, ..endpoint() };
        let request = refresh_request(&basic, &Secret::new("r"));
        assert_eq!(request.body.as_ref().unwrap().expose(), "grant_type=refresh_token&refresh_token=r");
        // `me+%26+you:s%3A1`, RFC 6749 §2.3.1.
        assert_eq!(header(&request, "authorization"), Some("Basic bWUrJTI2K3lvdTpzJTNBMQ=="));
        assert!(!format!("{request:?}").contains("refresh_token"));
    }

    #[test]
    fn an_answer_with_and_without_a_refresh_token() {
        let tokens =
            read(200, r#"{"access_token":"a","token_type":"bearer","expires_in":3600,"refresh_token":"r"}"#)
                .unwrap();
        assert_eq!((tokens.access.expose(), tokens.refresh.as_ref().map(Secret::expose)), ("a", Some("r")));
        assert_eq!(tokens.expires, Some(NOW + Span::from_hours(1)));
        let early = r#"{"access_token":"a","expires_in":"3600","refresh_token":null}"#;
        let tokens = read_token_answer(200, Headers::default(), early, NOW, Span::from_mins(5)).unwrap();
        assert_eq!((tokens.refresh, tokens.expires), (None, Some(NOW + Span::from_mins(55))));
        let short = r#"{"access_token":"a","expires_in":60}"#;
        let tokens = read_token_answer(200, Headers::default(), short, NOW, Span::from_mins(5)).unwrap();
        assert_eq!(tokens.expires, Some(NOW + Span::from_secs(30)));
    }

    #[test]
    fn a_life_that_cannot_be_believed_is_none() {
        for life in ["0", "-5", "\"soon\"", "1e300", "null", "[]", "true", "999999999999"] {
            let body = format!(r#"{{"access_token":"a","expires_in":{life}}}"#);
            assert_eq!(read(200, &body).unwrap().expires, None, "{life}");
        }
        assert_eq!(
            read(200, r#"{"access_token":"a","expires_in":1.9}"#).unwrap().expires,
            Some(NOW + Span::from_secs(1))
        );
    }

    #[test]
    fn failures_by_structure_not_by_text() {
        use TokenFailureKind::{Configuration, Definitive, Transient};
        for (status, body, kind, code) in [
            (
                400,
                r#"{"error":"invalid_grant","error_description":"temporarily unavailable"}"#,
                Definitive,
                "invalid_grant",
            ),
            (503, r#"{"error":"invalid_grant"}"#, Definitive, "invalid_grant"),
            (200, r#"{"error":"access_denied"}"#, Definitive, "access_denied"),
            (401, r#"{"error":{"code":"refresh_token_reused"}}"#, Definitive, "refresh_token_reused"),
            (401, r#"{"error":"invalid_client"}"#, Configuration, "invalid_client"),
            (400, r#"{"error":"temporarily_unavailable"}"#, Transient, "temporarily_unavailable"),
            (400, r#"{"error":"Your refresh token was revoked: invalid_grant"}"#, Transient, "error"),
            (401, "<html>invalid_grant</html>", Transient, "http-401"),
            (403, r#"{"message":"invalid_grant"}"#, Transient, "http-403"),
            (502, "", Transient, "http-502"),
            (200, "", Transient, "malformed"),
            (200, "<html></html>", Transient, "malformed"),
            (200, r#"{"refresh_token":"r"}"#, Transient, "malformed"),
            (200, r#"{"access_token":"  "}"#, Transient, "malformed"),
            (200, r#"["access_token"]"#, Transient, "malformed"),
        ] {
            let failure = read(status, body).unwrap_err();
            assert_eq!((failure.kind, &*failure.code), (kind, code), "{status} {body}");
        }
        let giant = format!(r#"{{"access_token":"{}"}}"#, "a".repeat(10 << 20));
        assert_eq!(&*read(200, &giant).unwrap_err().code, "malformed");
    }
}
