//! The authorization code flow: the URL that a person opens, what comes back, and the request that turns it into tokens
//! (RFC 6749 §4.1 with RFC 7636, RFC 9207).

use super::form::{form, read_form};
use super::pkce::{challenge, same_secret};
use super::token::{is_code, token_request, TokenEndpoint};
use crate::facts::oauth::OauthFacts;
use crate::secret::Secret;
use crate::wire::find::{find, split_once};
use crate::wire::http::HttpRequest;

/// A callback longer than this is none, in bytes.
const MAX_CALLBACK: usize = 16 * 1024;

/// What one authorization request holds.
#[derive(Clone, Default)]
pub struct Authorization {
    /// The client.
    pub client_id: Box<str>,
    /// Where the browser is sent back to.
    pub redirect: Box<str>,
    /// Scopes, separated by spaces.
    pub scope: Box<str>,
    /// Ties the answer to this login (RFC 6749 §10.12).
    pub state: Secret,
    /// Ties the code to this login (RFC 7636).
    pub verifier: Secret,
    /// Ties the code to a key: its thumbprint (RFC 9449 §10). Empty: to none.
    pub thumbprint: Box<str>,
}

/// The URL that a person opens.
pub fn authorization_url(facts: &OauthFacts, of: &Authorization) -> String {
    let challenge = challenge(of.verifier.expose());
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", &of.client_id),
        ("redirect_uri", &of.redirect),
        ("state", of.state.expose()),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    if !of.scope.is_empty() {
        fields.push(("scope", &of.scope));
    }
    if !of.thumbprint.is_empty() {
        fields.push(("dpop_jkt", &of.thumbprint));
    }
    for (name, value) in &facts.params {
        // What ties the answer to this login is not the provider's data to set.
        if !fields.iter().any(|(own, _)| *own == &**name) {
            fields.push((name, value));
        }
    }
    let mut url = facts.authorize.to_string();
    url.push(if url.contains('?') { '&' } else { '?' });
    url.push_str(&form(&fields));
    url
}

/// Why a callback gives no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackError {
    /// It is not the answer to this login: no `state`, or another one. The login goes on waiting; anybody who can reach the
    /// callback's address can send such a thing.
    NotOurs,
    /// It cannot be read: too long, a parameter twice, nothing in it. The login goes on waiting.
    Malformed,
    /// Another issuer answered (RFC 9207): the login is over.
    WrongIssuer,
    /// The provider refused, with this code (`access_denied`): the login is over.
    Refused(Box<str>),
}

impl CallbackError {
    /// Is the login over with it?
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::WrongIssuer | Self::Refused(_))
    }

    /// A word for it.
    pub fn code(&self) -> &str {
        match self {
            Self::NotOurs => "state_mismatch",
            Self::Malformed => "malformed",
            Self::WrongIssuer => "wrong_issuer",
            Self::Refused(code) => code,
        }
    }
}

/// Reads what came back: a URL, its path with query, the query alone, `code#state`, or, where a person pasted it, a bare code.
///
/// A bare code proves no state. It may be taken nevertheless, since nobody else's code can be exchanged with this login's verifier.
pub fn read_callback(
    facts: &OauthFacts,
    of: &Authorization,
    text: &str,
    pasted: bool,
) -> Result<Secret, CallbackError> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_CALLBACK || text.chars().any(char::is_control) {
        return Err(CallbackError::Malformed);
    }
    if pasted && !["?", "code=", "state=", "error="].iter().any(|mark| find(text, mark).is_some()) {
        let (code, state) = text.split_once('#').map_or((text, None), |(code, state)| (code, Some(state)));
        let ours = state.is_none_or(|state| same_secret(state, of.state.expose()));
        return match ours {
            false => Err(CallbackError::NotOurs),
            true if code.is_empty() || code.contains(' ') => Err(CallbackError::Malformed),
            true => Ok(Secret::new(code)),
        };
    }
    // Some put their answer behind a `#`, as RFC 6749 §4.2 did.
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    let query = split_once(query, "/#").map_or(query, |(_, fragment)| fragment);
    let (query, fragment) = query.split_once('#').unwrap_or((query, ""));
    let fields = read_form(query).ok_or(CallbackError::Malformed)?;
    let get = |name: &str| -> Result<Option<&str>, CallbackError> {
        let mut found = fields.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str());
        match (found.next(), found.next()) {
            (_, Some(_)) => Err(CallbackError::Malformed),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    };
    let (code, error, issuer) = (get("code")?, get("error")?, get("iss")?);
    // Behind a code that was shown for copying its state may stand as a fragment.
    let state = get("state")?.or((pasted && !fragment.is_empty()).then_some(fragment));
    if !state.is_some_and(|state| same_secret(state, of.state.expose())) {
        return Err(CallbackError::NotOurs);
    }
    if issuer.is_some_and(|issuer| !facts.issuer.is_empty() && issuer != &*facts.issuer) {
        return Err(CallbackError::WrongIssuer);
    }
    if let Some(error) = error {
        return Err(CallbackError::Refused(if is_code(error) { error.into() } else { "error".into() }));
    }
    code.map(Secret::new).ok_or(CallbackError::Malformed)
}

/// The exchange of a code for tokens (RFC 6749 §4.1.3).
pub fn code_request(
    facts: &OauthFacts,
    endpoint: &TokenEndpoint,
    of: &Authorization,
    code: &Secret,
) -> HttpRequest {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &of.redirect),
        ("code_verifier", of.verifier.expose()),
    ];
    if facts.state_in_token {
        fields.push(("state", of.state.expose()));
    }
    token_request(endpoint, fields)
}

/// Tokens for the client itself (RFC 6749 §4.4).
pub fn client_credentials_request(endpoint: &TokenEndpoint) -> HttpRequest {
    let mut fields = vec![("grant_type", "client_credentials")];
    if !endpoint.scope.is_empty() {
        fields.push(("scope", &endpoint.scope));
    }
    token_request(endpoint, fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> OauthFacts {
        crate::json::read(
            r#"{"flows":["code"],"issuer":"https://auth.example","authorize":"https://auth.example/a?x=1",
                "token":"https://auth.example/t","params":[["prompt","consent"],["state","forged"]],"stateInToken":true}"#,
        )
        .unwrap()
    }

    fn ours() -> Authorization {
        Authorization {
            client_id: "me".into(),
            redirect: "http://127.0.0.1:1/cb".into(),
            scope: "a b".into(),
            state: Secret::new("st"),
            verifier: Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            thumbprint: Box::default(),
        }
    }

    fn read(text: &str, pasted: bool) -> Result<String, CallbackError> {
        read_callback(&facts(), &ours(), text, pasted).map(|code| code.expose().to_owned())
    }

    #[test]
    fn the_url_holds_state_and_challenge_and_not_the_verifier() {
        assert_eq!(
            authorization_url(&facts(), &ours()),
            "https://auth.example/a?x=1&response_type=code&client_id=me&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&state=st\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&scope=a+b&prompt=consent"
        );
    }

    #[test]
    fn a_code_comes_with_its_state() {
        for (text, pasted) in [
            ("http://127.0.0.1:1/cb?code=c%2B1&state=st", false),
            ("/cb?state=st&code=c%2B1&iss=https%3A%2F%2Fauth.example", false),
            ("code=c%2B1&state=st&more=x", false),
            ("https://auth.example/show?code=c%2B1#st", true),
            ("c+1#st", true),
            (" c+1\n", true),
            ("code=c%2B1&state=st", true),
        ] {
            assert_eq!(read(text, pasted).as_deref(), Ok("c+1"), "{text}");
        }
    }

    #[test]
    fn what_is_not_the_answer_to_this_login() {
        use CallbackError::{Malformed, NotOurs, Refused, WrongIssuer};
        let long = format!("/cb?state=st&code={}", "a".repeat(MAX_CALLBACK));
        for (text, pasted, error) in [
            ("", false, Malformed),
            ("/cb", false, NotOurs),
            ("/cb?code=c", false, NotOurs),
            ("/cb?code=c", true, NotOurs),
            ("/cb?code=c&state=", false, NotOurs),
            ("/cb?code=c&state=st2", false, NotOurs),
            ("/cb?code=c#st", false, NotOurs),
            ("/cb?error=access_denied", false, NotOurs),
            ("/cb?error=access_denied&state=x", false, NotOurs),
            ("/cb?error=access_denied&state=st", false, Refused("access_denied".into())),
            ("/cb?error=<script>&state=st", false, Refused("error".into())),
            ("/cb?state=st", false, Malformed),
            ("/cb?code=&state=st", false, Malformed),
            ("/cb?code=a&code=b&state=st", false, Malformed),
            ("/cb?code=a&state=st&state=st", false, Malformed),
            ("/cb?code=%zz&state=st", false, Malformed),
            ("/cb?code=%ff&state=st", false, Malformed),
            ("/cb?code=c&state=st&iss=https://evil.example", false, WrongIssuer),
            ("c", false, NotOurs),
            ("c#st", false, NotOurs),
            ("c#other", true, NotOurs),
            ("/cb?code=c", true, NotOurs),
            ("#st", true, Malformed),
            ("two words", true, Malformed),
            (&long, false, Malformed),
        ] {
            assert_eq!(read(text, pasted), Err(error), "{text:.60}");
        }
    }

    #[test]
    fn the_exchange() {
        let endpoint = TokenEndpoint { client_id: "me".into(), ..TokenEndpoint::default() };
        let request = code_request(&facts(), &endpoint, &ours(), &Secret::new("c"));
        assert_eq!(
            request.body.unwrap().expose(),
            "grant_type=authorization_code&code=c&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb\
             &code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&state=st&client_id=me"
        );
        let endpoint =
            TokenEndpoint { scope: "a b".into(), client_secret: Some(Secret::new("s")), ..endpoint };
        let request = client_credentials_request(&endpoint);
        let body = request.body.unwrap();
        assert_eq!(body.expose(), "grant_type=client_credentials&scope=a+b&client_id=me&client_secret=s");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_code_comes_without_its_state(text in "\\PC{0,40}|[a-z/?&=#%0-9]{0,60}", pasted: bool) {
            let answer = read(&text, pasted);
            prop_assert!(answer.is_err() || pasted || text.contains("st"));
        }
    }
}
