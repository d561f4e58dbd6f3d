//! Logins that no RFC describes: a person agrees in a browser, and the provider is asked from time to time whether he has. What is asked
//! and where the answers have what is a row of data ([`Handoff`]); its answers become those of a token endpoint, which are
//! read by its reader.

use super::device::DeviceGrant;
use super::pkce::challenge;
use super::token::{failure_of, TokenEndpoint, TokenFailure, TokenFailureKind};
use crate::facts::oauth::{is_safe_url, Handoff, OauthFacts};
use crate::json::{self, Value};
use crate::secret::Secret;
use crate::time::{Span, Timestamp};
use crate::wire::find::split_once;
use crate::wire::http::{Headers, HttpRequest};
use sha2::{Digest, Sha256};

/// Between two polls, where the provider does not say.
const USUAL_INTERVAL: u64 = 5;
/// How long a person may take, where it does not say, and at most. Seconds.
const LIVES: (u64, u64) = (15 * 60, 24 * 3600);
/// Nobody is asked more seldom. Seconds.
const SLOWEST: u64 = 300;
/// A code longer than this is none, in bytes.
const LONGEST: usize = 4096;

/// What templates are filled with.
pub struct Fill<'a> {
    /// `{client}`: the client's id.
    pub client: &'a str,
    /// `{uuid}` is made of it: secret randomness.
    pub state: &'a Secret,
    /// `{verifier}`, and `{challenge}`, which is made of it.
    pub verifier: &'a Secret,
    /// `{code}` and `{user}`: what the provider gave.
    pub codes: Option<&'a DeviceGrant>,
}

impl Fill<'_> {
    /// A template with everything put in. What is put in was made here or is a code of the provider's: letters, digits, `-`, `_`, `.`, `~`.
    fn fill(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                rest = after;
                break;
            };
            match name {
                "client" => text.push_str(self.client),
                "uuid" => text.push_str(&uuid(self.state)),
                "verifier" => text.push_str(self.verifier.expose()),
                "challenge" => text.push_str(&challenge(self.verifier.expose())),
                "code" => text.push_str(self.codes.map_or("", |codes| codes.device_code.expose())),
                "user" => text.push_str(self.codes.map_or("", |codes| &codes.user_code)),
                _ => {}
            }
            rest = after;
        }
        text.push_str(rest);
        text
    }

    fn body(&self, fields: &[(Box<str>, Box<str>)]) -> Secret {
        let mut object = Value::Null;
        for (name, template) in fields {
            object.set(name, &*self.fill(template));
        }
        Secret::new(if fields.is_empty() { "{}".into() } else { json::write(&object) })
    }
}

/// A name for one login that nobody can guess, in the form of RFC 9562 §5.4.
fn uuid(state: &Secret) -> String {
    let digest = Sha256::digest(state.expose());
    let mut text = String::new();
    for (at, byte) in digest.iter().take(16).enumerate() {
        let byte = match at {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    text
}

fn request(own: &[(Box<str>, Box<str>)], url: String, body: Option<Secret>) -> HttpRequest {
    let mut headers = vec![("accept".into(), Secret::new("application/json"))];
    if body.is_some() {
        headers.push(("content-type".into(), Secret::new("application/json")));
    }
    headers.extend(own.iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))));
    let method = if body.is_some() { "POST" } else { "GET" };
    HttpRequest { method, url: url.into(), headers, body, key: None }
}

/// The request for the codes. `None`: they are made here, [`own_codes`].
pub fn start_request(facts: &OauthFacts, of: &Handoff, fill: &Fill<'_>) -> Option<HttpRequest> {
    (!of.start.is_empty())
        .then(|| request(&facts.headers, of.start.to_string(), Some(fill.body(&of.start_body))))
}

/// The codes of a login that asks for none.
pub fn own_codes(of: &Handoff, fill: &Fill<'_>) -> DeviceGrant {
    DeviceGrant {
        device_code: Secret::new(uuid(fill.state)),
        user_code: Box::default(),
        verification_uri: fill.fill(&of.person).into(),
        verification_uri_complete: None,
        life: of.life.unwrap_or(Span::from_secs(LIVES.0)),
        interval: of.every.unwrap_or(Span::from_secs(USUAL_INTERVAL)),
    }
}

/// Reads the codes. Never quotes a value of the answer.
pub fn read_start(
    of: &Handoff,
    fill: &Fill<'_>,
    status: u16,
    headers: Headers<'_>,
    body: &str,
    now: Timestamp,
) -> Result<DeviceGrant, TokenFailure> {
    let answer = failure_of(status, headers, body, now)?;
    // It goes into addresses: nothing that could lead elsewhere.
    let plain = |text: &&str| {
        (1..=LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
    };
    let code = text(&answer, &of.code).filter(plain).ok_or_else(TokenFailure::malformed)?;
    let user = text(&answer, &of.user).filter(plain).filter(|text| text.len() <= 64).unwrap_or_default();
    let whole = |path: &str| match at(&answer, path)? {
        Value::Number(number) => number.ceil(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = |path: &str, usual: Option<Span>, otherwise: u64, most: u64| {
        let stated = whole(path).filter(|&seconds| seconds > 0).map(Span::from_secs);
        Span(stated.or(usual).unwrap_or(Span::from_secs(otherwise)).0.min(most * 1000))
    };
    let mut grant = DeviceGrant {
        device_code: Secret::new(code),
        user_code: user.into(),
        verification_uri: Box::default(),
        verification_uri_complete: None,
        life: seconds(&of.expires, of.life, LIVES.0, LIVES.1),
        interval: seconds(&of.interval, of.every, USUAL_INTERVAL, SLOWEST),
    };
    let given = text(&answer, &of.url).map(Into::into);
    grant.verification_uri =
        given.unwrap_or_else(|| Fill { codes: Some(&grant), ..*fill }.fill(&of.person).into());
    if !is_safe_url(&grant.verification_uri) {
        return Err(TokenFailure::malformed());
    }
    Ok(grant)
}

/// The question whether the person has agreed.
pub fn asked_request(facts: &OauthFacts, of: &Handoff, fill: &Fill<'_>) -> HttpRequest {
    let body = (!of.poll_body.is_empty()).then(|| fill.body(&of.poll_body));
    request(&facts.headers, fill.fill(&of.poll), body)
}

/// What it was answered.
#[derive(Debug)]
pub enum Asked {
    /// The person has not agreed yet.
    Pending,
    /// Tokens, as a token endpoint writes them.
    Tokens(Secret),
    /// A code, to be exchanged at the token endpoint, and its verifier (RFC 7636), where the provider made that.
    Code(Secret, Option<Secret>),
    /// It will not be; or not now.
    Failed(TokenFailure),
}

/// Reads it.
pub fn read_asked(of: &Handoff, status: u16, headers: Headers<'_>, body: &str, now: Timestamp) -> Asked {
    let said =
        |code| Asked::Failed(TokenFailure { kind: TokenFailureKind::Definitive, ..TokenFailure::of(code) });
    if of.pending.contains(&status) {
        return Asked::Pending;
    }
    if of.refused.contains(&status) {
        return said("access_denied");
    }
    if of.expired.contains(&status) {
        return said("expired_token");
    }
    let answer = match failure_of(status, headers, body, now) {
        Ok(answer) => answer,
        Err(failure) => return Asked::Failed(failure),
    };
    if let Some(code) = text(&answer, &of.grant) {
        return Asked::Code(Secret::new(code), text(&answer, &of.grant_verifier).map(Secret::new));
    }
    match tokens(of, &answer) {
        Some(tokens) => Asked::Tokens(tokens),
        None => Asked::Failed(TokenFailure::malformed()),
    }
}

/// The request for new tokens, where the provider has one of its own: the refresh token as a bearer's.
pub fn renew_request(endpoint: &TokenEndpoint, refresh: &Secret) -> HttpRequest {
    let mut request = request(&endpoint.headers, endpoint.url.to_string(), Some(Secret::new("{}")));
    request.headers.push(("authorization".into(), Secret::new(["Bearer ", refresh.expose()].concat())));
    request
}

/// An answer with tokens, as a token endpoint writes it; one that has none stays as it is.
pub fn as_token_answer(of: &Handoff, body: &str) -> Option<Secret> {
    tokens(of, &json::read::<Value>(body).ok()?)
}

fn tokens(of: &Handoff, answer: &Value) -> Option<Secret> {
    let mut object = Value::Null;
    object.set("access_token", text(answer, &of.access)?);
    for (name, path) in [("refresh_token", &of.refresh), ("email", &of.email)] {
        if let Some(text) = text(answer, path) {
            object.set(name, text);
        }
    }
    Some(Secret::new(json::write(&object)))
}

/// The value at a path of names, separated by spaces.
fn at<'a>(answer: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = answer;
    let mut rest = (!path.is_empty()).then_some(path)?;
    while let Some((name, more)) = split_once(rest, " ") {
        value = value.get(name)?;
        rest = more;
    }
    value.get(rest)
}

fn text<'a>(answer: &'a Value, path: &str) -> Option<&'a str> {
    at(answer, path)?.as_str().filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
#[path = "handoff_tests.rs"]
mod tests;
