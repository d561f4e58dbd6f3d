//! How accounts of a provider log in and renew their tokens, as plain data. Client ids are not part of it: they are the
//! user's.

use crate::json::{from_json, object, words, ToJson, Writer};
use crate::time::Span;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flow {
    /// Authorization code with PKCE (RFC 6749 §4.1, RFC 7636): a browser, and a callback or a pasted code.
    Code,
    /// Device authorization (RFC 8628): a code that is typed in on any device.
    Device,
    /// Client credentials (RFC 6749 §4.4): no person at all.
    ClientCredentials,
}

words! {
    /// The word used in files.
    Flow { Code = "code", Device = "device", ClientCredentials = "client_credentials" }
}

/// How a body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyForm {
    /// As a form: what RFC 6749 asks for.
    #[default]
    Form,
    /// As a JSON object.
    Json,
}

words! {
    /// The word used in files.
    BodyForm { Form = "form", Json = "json" }
}

/// How a confidential client shows who it is (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuth {
    /// `client_secret` in the body.
    #[default]
    Post,
    /// HTTP Basic.
    Basic,
}

words! {
    /// The word used in files (RFC 8414 §2).
    ClientAuth { Post = "client_secret_post", Basic = "client_secret_basic" }
}

/// Where a provider's answers, tokens and userinfo say whose account it is: paths, their names separated by spaces, tried in
/// order. Empty: the usual names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityPaths {
    /// The e-mail address.
    pub email: Vec<Box<str>>,
    /// The account.
    pub account_id: Vec<Box<str>>,
    /// The organisation.
    pub org_id: Vec<Box<str>>,
    /// The project.
    pub project_id: Vec<Box<str>>,
}

/// A login that no RFC describes: codes are got or made, a person agrees in a browser, and it is asked from time to time whether he has. The
/// flow is `device`. Templates may hold `{client}`, `{uuid}` (new for each login), `{verifier}` and `{challenge}` (RFC 7636), `{code}` and
/// `{user}` (what the provider gave). Places in answers are names, those below each other separated by spaces; empty: there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handoff {
    /// Where the codes are got, by a `POST` of JSON; empty: nobody is asked, `{uuid}` is the code.
    pub start: Box<str>,
    /// What is sent there: names and templates.
    pub start_body: Vec<(Box<str>, Box<str>)>,
    /// Where that answer has the code that the polls show.
    pub code: Box<str>,
    /// Where it has the code that the person types in.
    pub user: Box<str>,
    /// Where it has the address that the person opens.
    pub url: Box<str>,
    /// Where it says how long the codes are good, in seconds.
    pub expires: Box<str>,
    /// Where it says how long to wait between two polls, in seconds.
    pub interval: Box<str>,
    /// The address that the person opens, where no answer has it: a template.
    pub person: Box<str>,
    /// What is asked whether he has agreed: a template.
    pub poll: Box<str>,
    /// What is sent along, as JSON by `POST`: names and templates. Empty: it is a `GET`.
    pub poll_body: Vec<(Box<str>, Box<str>)>,
    /// By these statuses he has not yet.
    pub pending: Vec<u16>,
    /// By these he has refused.
    pub refused: Vec<u16>,
    /// By these the codes are no longer good.
    pub expired: Vec<u16>,
    /// Between two polls, where the provider does not say. Milliseconds.
    pub every: Option<Span>,
    /// How long the codes are good, where it does not say. Milliseconds.
    pub life: Option<Span>,
    /// Where an answer has the access token.
    pub access: Box<str>,
    /// Where it has the refresh token.
    pub refresh: Box<str>,
    /// Where it says whose they are.
    pub email: Box<str>,
    /// Where the answer has a code in place of tokens, which is exchanged at the token endpoint.
    pub grant: Box<str>,
    /// Where it has that code's verifier.
    pub grant_verifier: Box<str>,
    /// The redirect that is named in that exchange.
    pub redirect: Box<str>,
    /// Tokens are renewed at the token endpoint with the refresh token as a bearer's, and an answer as the polls get it.
    pub bearer_renewal: bool,
    /// It needs no client.
    pub anonymous: bool,
}

/// How accounts of one provider log in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct OauthFacts {
    /// The ways to log in, the preferred first; none: tokens can be renewed, but not got here.
    pub flows: Vec<Flow>,
    /// Who issues the tokens. Endpoints that are empty are discovered there (RFC 8414); an `iss` in a callback must be this
    /// (RFC 9207).
    pub issuer: Box<str>,
    /// The authorization endpoint; empty: not offered, or discovered. So are all that follow.
    pub authorize: Box<str>,
    /// The token endpoint.
    pub token: Box<str>,
    /// The device authorization endpoint.
    pub device: Box<str>,
    /// The revocation endpoint (RFC 7009).
    pub revoke: Box<str>,
    /// The introspection endpoint (RFC 7662).
    pub introspect: Box<str>,
    /// The userinfo endpoint (`OpenID` Connect Core §5.3), or any other that tells whose token it is.
    pub userinfo: Box<str>,
    /// Scopes asked for where the caller names none.
    pub scopes: Vec<Box<str>>,
    /// How requests to the token endpoint are written.
    pub body: BodyForm,
    /// How a client's secret is shown.
    pub client_auth: ClientAuth,
    /// The redirect that is registered with the provider: with its port, or with port 0 for any. Empty: loopback, any port.
    pub redirect: Box<str>,
    /// Further parameters of the authorization URL.
    pub params: Vec<(Box<str>, Box<str>)>,
    /// Further headers of requests to the token, revocation and userinfo endpoints.
    pub headers: Vec<(Box<str>, Box<str>)>,
    /// Where answers say whose account it is.
    pub identity: IdentityPaths,
    /// How long an access token lives where nobody says; none: without an end. Milliseconds.
    pub life: Option<Span>,
    /// How long after a refresh the old refresh token is still taken, so that one retry after a crash is safe. Milliseconds.
    pub grace: Option<Span>,
    /// Is an account of one person in two organisations two accounts?
    pub org_scoped: bool,
    /// Is `state` sent to the token endpoint too?
    pub state_in_token: bool,
    /// Is PKCE used with the device flow too?
    pub device_pkce: bool,
    /// Are tokens bound to a key of the account's (RFC 9449)?
    pub dpop: bool,
    /// Its device flow is not that of RFC 8628.
    pub handoff: Option<Box<Handoff>>,
}

from_json! {
    strict IdentityPaths {
        email = Vec::new(),
        account_id as "accountId" = Vec::new(),
        org_id as "orgId" = Vec::new(),
        project_id as "projectId" = Vec::new(),
    }
}

from_json! {
    strict Handoff {
        start = Box::default(),
        start_body as "startBody" = Vec::new(),
        code = Box::default(),
        user = Box::default(),
        url = Box::default(),
        expires = Box::default(),
        interval = Box::default(),
        person = Box::default(),
        poll = Box::default(),
        poll_body as "pollBody" = Vec::new(),
        pending = Vec::new(),
        refused = Vec::new(),
        expired = Vec::new(),
        every = None,
        life = None,
        access = Box::default(),
        refresh = Box::default(),
        email = Box::default(),
        grant = Box::default(),
        grant_verifier as "grantVerifier" = Box::default(),
        redirect = Box::default(),
        bearer_renewal as "bearerRenewal" = false,
        anonymous = false,
    }
}

from_json! {
    strict OauthFacts {
        flows = Vec::new(),
        issuer = Box::default(),
        authorize = Box::default(),
        token = Box::default(),
        device = Box::default(),
        revoke = Box::default(),
        introspect = Box::default(),
        userinfo = Box::default(),
        scopes = Vec::new(),
        body = BodyForm::Form,
        client_auth as "clientAuth" = ClientAuth::Post,
        redirect = Box::default(),
        params = Vec::new(),
        headers = Vec::new(),
        identity = IdentityPaths::default(),
        life = None,
        grace = None,
        org_scoped as "orgScoped" = false,
        state_in_token as "stateInToken" = false,
        device_pkce as "devicePkce" = false,
        dpop = false,
        handoff = None,
    }
}

/// What a host asks a registry for: the rest is for the codecs alone.
impl ToJson for OauthFacts {
    fn write(&self, to: &mut Writer) {
        object!(to, self { flows, issuer, scopes, redirect if (!self.redirect.is_empty()), dpop if (self.dpop) });
    }
}

impl OauthFacts {
    /// What is wrong with them: the field, and why. Endpoints are `https`, or `http` on the machine itself: tokens go there.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        let endpoints = [
            ("issuer", &self.issuer),
            ("authorize", &self.authorize),
            ("token", &self.token),
            ("device", &self.device),
            ("revoke", &self.revoke),
            ("introspect", &self.introspect),
            ("userinfo", &self.userinfo),
        ];
        for (field, url) in endpoints {
            if !url.is_empty() && !is_safe_url(url) {
                return Some((field, "expected an https address, or http on a loopback host"));
            }
        }
        if let Some(problem) = self.handoff.as_ref().and_then(|handoff| handoff.problem(self)) {
            return Some(problem);
        }
        if self.token.is_empty() && self.issuer.is_empty() && self.handoff.is_none() {
            return Some(("token", "give a token endpoint, or an issuer at which it is discovered"));
        }
        let found = |url: &str| !url.is_empty() || !self.issuer.is_empty();
        if self.flows.contains(&Flow::Code) && !found(&self.authorize) {
            return Some(("authorize", "the flow `code` needs it"));
        }
        if self.flows.contains(&Flow::Device) && !found(&self.device) && self.handoff.is_none() {
            return Some(("device", "the flow `device` needs it"));
        }
        None
    }
}

impl Handoff {
    fn problem(&self, of: &OauthFacts) -> Option<(&'static str, &'static str)> {
        for (field, url) in
            [("handoff.start", &self.start), ("handoff.person", &self.person), ("handoff.poll", &self.poll)]
        {
            if !(url.is_empty() || is_safe_template(url)) {
                let message =
                    "expected an https address, or http on a loopback host, and templates behind the host";
                return Some((field, message));
            }
        }
        if self.poll.is_empty() {
            return Some(("handoff.poll", "is missing: nobody would learn that the person has agreed"));
        }
        if self.person.is_empty() && self.url.is_empty() {
            return Some(("handoff.person", "is missing: the person would not know where to go"));
        }
        if self.access.is_empty() && self.grant.is_empty() {
            return Some(("handoff.access", "is missing: the token would not be found"));
        }
        if !self.start.is_empty() && self.code.is_empty() {
            return Some(("handoff.code", "is missing: the code would not be found"));
        }
        let exchanges = !self.grant.is_empty() || self.bearer_renewal;
        (exchanges && of.token.is_empty())
            .then_some(("token", "is missing: the code is exchanged there, and tokens renewed"))
    }
}

/// The same of an address with templates in it: what is put in stands behind the host.
fn is_safe_template(url: &str) -> bool {
    let Some(end) = url.bytes().position(|byte| byte == b'{') else { return is_safe_url(url) };
    let fixed = url.get(..end).unwrap_or_default();
    is_safe_url(fixed) && fixed.bytes().filter(|&byte| byte == b'/').count() > 2
}

/// Is it an address to which a token may be sent: `https`, or `http` on the machine itself? Without user, fragment, space or
/// control character.
pub fn is_safe_url(url: &str) -> bool {
    let plain = |rest: &str| {
        rest.len() <= 2048 && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\<>#`".contains(&byte))
    };
    let host = |rest: &str| rest.split(['/', '?']).next().unwrap_or_default().to_owned();
    if let Some(rest) = url.strip_prefix("https://") {
        let host = host(rest);
        return plain(rest) && !host.is_empty() && !host.starts_with(':') && !host.contains('@');
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = host(rest);
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (&*host, ""),
    };
    plain(rest)
        && ["127.0.0.1", "localhost", "[::1]"].contains(&name)
        && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_to_https_or_to_this_machine() {
        for good in [
            "https://a.example/token",
            "https://a.example:8443",
            "http://127.0.0.1:1/x",
            "http://localhost/x?y=z",
            "http://[::1]:80/",
        ] {
            assert!(is_safe_url(good), "{good}");
        }
        for bad in [
            "",
            "http://a.example/",
            "http://127.0.0.1.evil.example/",
            "http://localhost@evil.example/",
            "http://localhost:1@evil.example/",
            "https://user@a.example/",
            "https:///x",
            "https://a.example/#x",
            "https://a.example/ x",
            "https://a\r\nb/",
            "javascript:alert(1)",
            "file:///etc/passwd",
        ] {
            assert!(!is_safe_url(bad), "{bad}");
        }
    }

    #[test]
    fn facts_without_what_their_flows_need_are_told() {
        let read =
            |text: &str| crate::json::read::<OauthFacts>(text).unwrap().problem().map(|(field, _)| field);
        assert_eq!(read("{}"), Some("token"));
        assert_eq!(read(r#"{"token":"https://a.example/t"}"#), None);
        assert_eq!(read(r#"{"token":"http://a.example/t"}"#), Some("token"));
        assert_eq!(read(r#"{"flows":["code"],"token":"https://a.example/t"}"#), Some("authorize"));
        assert_eq!(read(r#"{"flows":["device"],"token":"https://a.example/t"}"#), Some("device"));
        assert_eq!(read(r#"{"flows":["device"],"issuer":"https://a.example"}"#), None);
    }

    #[test]
    fn what_a_host_is_told() {
        let text = r#"{"flows":["code"],"token":"https://a.example/t","scopes":["a"],"body":"json","clientAuth":"client_secret_basic",
            "params":[["a","b"]],"identity":{"email":["a b"]},"life":1000,"orgScoped":true}"#;
        let facts: OauthFacts = crate::json::read(text).unwrap();
        assert_eq!(
            (facts.body, facts.client_auth, facts.life),
            (BodyForm::Json, ClientAuth::Basic, Some(Span(1000)))
        );
        assert_eq!(crate::json::write(&facts), r#"{"flows":["code"],"issuer":"","scopes":["a"]}"#);
        assert!(crate::json::read::<OauthFacts>(r#"{"client_id":"x"}"#).is_err());
    }
}
