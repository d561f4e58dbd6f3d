//! Device authorization (RFC 8628): a code that a person types in on any device, and the polling for what came of it.

use super::pkce::challenge;
use super::token::{failure_of, read_token_answer, token_request, TokenEndpoint, TokenFailure, Tokens};
use crate::facts::oauth::is_safe_url;
use crate::json::{self, Value};
use crate::secret::Secret;
use crate::time::{Span, Timestamp};
use crate::wire::http::{Headers, HttpRequest};

/// Between two polls, where the provider does not say (RFC 8628 §3.2).
const USUAL_INTERVAL: Span = Span::from_secs(5);
/// Nobody needs to be asked more often, and nobody means more than this.
const INTERVALS: (u64, u64) = (1, 300);
/// How long a code is good where the provider does not say, and at most.
const USUAL_LIFE: u64 = 15 * 60;
const MAX_LIFE: u64 = 24 * 3600;

/// What a device authorization endpoint gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceGrant {
    /// What the polls show.
    pub device_code: Secret,
    /// What the person types in.
    pub user_code: Box<str>,
    /// Where.
    pub verification_uri: Box<str>,
    /// The same with the code in it, where the provider gives one.
    pub verification_uri_complete: Option<Box<str>>,
    /// How long the codes are good: 15 minutes where nothing is said, a day at most.
    pub life: Span,
    /// How long to wait between two polls: 1 s to 5 min.
    pub interval: Span,
}

/// What a poll found.
#[derive(Clone, Debug)]
pub enum Poll {
    /// The person agreed.
    Tokens(Tokens),
    /// Not yet.
    Pending,
    /// Not yet, and we ask too often: from now on this much between two polls, where the provider says; else 5 s more.
    SlowDown(Option<Span>),
    /// It will not be: refused, expired, or nothing that can be read.
    Failed(TokenFailure),
}

/// The request for the codes. `endpoint.url` is the device authorization endpoint.
pub fn device_request(endpoint: &TokenEndpoint, verifier: Option<&Secret>) -> HttpRequest {
    let challenge = verifier.map(|verifier| challenge(verifier.expose()));
    let mut fields = Vec::new();
    if !endpoint.scope.is_empty() {
        fields.push(("scope", &*endpoint.scope));
    }
    if let Some(challenge) = &challenge {
        fields.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
    }
    token_request(endpoint, fields)
}

/// Reads the answer. Never quotes a value of it.
pub fn read_device_answer(
    status: u16,
    headers: Headers<'_>,
    body: &str,
    now: Timestamp,
) -> Result<DeviceGrant, TokenFailure> {
    let answer = failure_of(status, headers, body, now)?;
    let text = |name: &str| {
        let text = answer.get(name)?.as_str()?;
        (!text.is_empty() && text.len() <= 4096).then_some(text)
    };
    let shown =
        |code: &&str| code.len() <= 64 && code.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    // Google, before the RFC: `verification_url`.
    let uri = text("verification_uri").or_else(|| text("verification_url")).filter(|uri| is_safe_url(uri));
    let (Some(device_code), Some(user_code), Some(uri)) =
        (text("device_code"), text("user_code").filter(shown), uri)
    else {
        return Err(TokenFailure::malformed());
    };
    let life = answer.get("expires_in").and_then(seconds).unwrap_or(USUAL_LIFE).min(MAX_LIFE);
    let complete = text("verification_uri_complete").or_else(|| text("verification_url_complete"));
    Ok(DeviceGrant {
        device_code: Secret::new(device_code),
        user_code: user_code.into(),
        verification_uri: uri.into(),
        verification_uri_complete: complete.filter(|uri| is_safe_url(uri)).map(Into::into),
        life: Span::from_secs(life),
        interval: interval(&answer).unwrap_or(USUAL_INTERVAL),
    })
}

/// One poll (RFC 8628 §3.4).
pub fn poll_request(
    endpoint: &TokenEndpoint,
    device_code: &Secret,
    verifier: Option<&Secret>,
) -> HttpRequest {
    let mut fields = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", device_code.expose()),
    ];
    if let Some(verifier) = verifier {
        fields.push(("code_verifier", verifier.expose()));
    }
    token_request(endpoint, fields)
}

/// Reads what a poll found (RFC 8628 §3.5; GitHub says it with status 200 and gives the new interval).
pub fn read_poll(status: u16, headers: Headers<'_>, body: &str, now: Timestamp) -> Poll {
    match read_token_answer(status, headers, body, now, Span::ZERO) {
        Ok(tokens) => Poll::Tokens(tokens),
        Err(failure) => match &*failure.code {
            "authorization_pending" => Poll::Pending,
            "slow_down" => Poll::SlowDown(json::read::<Value>(body).ok().as_ref().and_then(interval)),
            _ => Poll::Failed(failure),
        },
    }
}

fn interval(answer: &Value) -> Option<Span> {
    Some(Span::from_secs(answer.get("interval").and_then(seconds)?.clamp(INTERVALS.0, INTERVALS.1)))
}

/// Seconds: a number above zero, or a text that is one. Parts of a second count as a whole one.
fn seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::Number(number) => number.ceil()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (seconds > 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_767_225_600_000);

    fn grant(body: &str) -> Result<DeviceGrant, TokenFailure> {
        read_device_answer(200, Headers::default(), body, NOW)
    }

    #[test]
    fn the_example_of_rfc_8628() {
        let grant = grant(
            r#"{"device_code":"GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS","user_code":"WDJB-MJHT",
                "verification_uri":"https://example.com/device",
                "verification_uri_complete":"https://example.com/device?user_code=WDJB-MJHT","expires_in":1800,"interval":7}"#,
        )
        .unwrap();
        assert_eq!(&*grant.user_code, "WDJB-MJHT");
        assert_eq!((grant.life, grant.interval), (Span::from_mins(30), Span::from_secs(7)));
        let complete = grant.verification_uri_complete.as_deref();
        assert_eq!(complete, Some("https://example.com/device?user_code=WDJB-MJHT"));
    }

    #[test]
    fn lengths_that_cannot_be_meant() {
        let with = |more: &str| {
            let uri = r#""device_code":"d","user_code":"u","verification_url":"https://a.example/d""#;
            let grant = grant(&format!("{{{uri}{more}}}")).unwrap();
            (grant.life.0 / 1000, grant.interval.0 / 1000)
        };
        assert_eq!(with(""), (900, 5));
        assert_eq!(with(r#","expires_in":"60","interval":0"#), (60, 5));
        assert_eq!(with(r#","expires_in":-1,"interval":0.5"#), (900, 1));
        assert_eq!(with(r#","expires_in":1e300,"interval":1e300"#), (86_400, 300));
    }

    #[test]
    fn answers_that_are_none() {
        for (status, body, code) in [
            (200, "", "malformed"),
            (200, "<html>", "malformed"),
            (
                200,
                r#"{"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)"}"#,
                "malformed",
            ),
            (
                200,
                r#"{"device_code":"d","user_code":"u\u001b[2J","verification_uri":"https://a.example"}"#,
                "malformed",
            ),
            (200, r#"{"user_code":"u","verification_uri":"https://a.example"}"#, "malformed"),
            (400, r#"{"error":"invalid_client"}"#, "invalid_client"),
            (200, r#"{"error":"device_flow_disabled"}"#, "device_flow_disabled"),
            (503, "busy", "http-503"),
        ] {
            let failure = read_device_answer(status, Headers::default(), body, NOW).unwrap_err();
            assert_eq!(&*failure.code, code, "{body}");
        }
    }

    #[test]
    fn what_polls_find() {
        let poll = |status, body: &str| match read_poll(status, Headers::default(), body, NOW) {
            Poll::Tokens(tokens) => tokens.access.expose().to_owned(),
            Poll::Pending => "pending".to_owned(),
            Poll::SlowDown(interval) => format!("slow down {interval:?}"),
            Poll::Failed(failure) => failure.code.to_string(),
        };
        for (status, body, found) in [
            (400, r#"{"error":"authorization_pending"}"#, "pending"),
            (200, r#"{"error":"authorization_pending"}"#, "pending"),
            (400, r#"{"error":"slow_down"}"#, "slow down None"),
            (200, r#"{"error":"slow_down","interval":10}"#, "slow down Some(Span(10000))"),
            (400, r#"{"error":"access_denied"}"#, "access_denied"),
            (400, r#"{"error":"expired_token"}"#, "expired_token"),
            (200, r#"{"access_token":"a"}"#, "a"),
            (500, "", "http-500"),
        ] {
            assert_eq!(poll(status, body), found, "{body}");
        }
    }

    #[test]
    fn the_requests() {
        let endpoint =
            TokenEndpoint { client_id: "me".into(), scope: "a b".into(), ..TokenEndpoint::default() };
        let body = |request: HttpRequest| request.body.unwrap().expose().to_owned();
        let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(body(device_request(&endpoint, None)), "scope=a+b&client_id=me");
        assert_eq!(
            body(device_request(&endpoint, Some(&verifier))),
            "scope=a+b&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&client_id=me"
        );
        assert_eq!(
            body(poll_request(&endpoint, &Secret::new("d"), None)),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d&client_id=me"
        );
    }

    proptest! {
        #[test]
        fn no_body_panics(status: u16, body in "\\PC{0,80}") {
            let _ = read_device_answer(status, Headers::default(), &body, NOW);
            let _ = read_poll(status, Headers::default(), &body, NOW);
        }
    }
}
