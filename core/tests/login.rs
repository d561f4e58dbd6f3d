//! Logins through a pool, with a host whose network is a list of answers.
#![allow(clippy::unwrap_used, reason = "a test")]

use credpool::engine::{Event, RowId, RowKind};
use credpool::id::{CredentialId, OpId, RequestId};
use credpool::json;
use credpool::pool::{Answer, HostEffect, MutationData, Pool, PoolConfig, PoolInput, RowData};
use credpool::time::{Now, Timestamp};
use credpool::wire::http::HttpRequest;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const STATE: &str = "canary-state-0123456789ab";
const LOGIN: RequestId = RequestId(7);

/// A provider of our own, whose endpoints are those of `auth.example`.
const PROVIDER: &str = r#"{"name":"mine","kinds":["oauth"],"oauth":{"flows":["code","device","client_credentials"],
    "issuer":"https://auth.example","authorize":"https://auth.example/authorize","token":"https://auth.example/token",
    "device":"https://auth.example/device","revoke":"https://auth.example/revoke","userinfo":"https://auth.example/me",
    "scopes":["a","b"],"redirect":"http://127.0.0.1:9/cb","orgScoped":true}}"#;

struct Host {
    pool: Pool,
    now: u64,
    requests: Vec<(OpId, HttpRequest)>,
    prompts: Vec<(String, Option<String>)>,
    answers: Vec<(RequestId, Answer)>,
    events: Vec<Event>,
    commits: Vec<MutationData>,
    ids: u64,
    store_fails: bool,
    /// What the store has when it is read.
    rows: Vec<RowData>,
}

impl Host {
    fn new(providers: &str) -> Self {
        let config = format!(
            r#"{{"providers":[{PROVIDER}{providers}],"clients":[["mine",{{"id":"me","secret":"canary-client"}}]]}}"#
        );
        let config: PoolConfig = json::read(&config).unwrap();
        let mut host = Self {
            pool: Pool::new(config, Now::from_millis(1_767_225_600_000, 0)).unwrap(),
            now: 0,
            requests: Vec::new(),
            prompts: Vec::new(),
            answers: Vec::new(),
            events: Vec::new(),
            commits: Vec::new(),
            ids: 0,
            store_fails: false,
            rows: Vec::new(),
        };
        host.feed(PoolInput::Load { request: RequestId(1) });
        host.answers.clear();
        host
    }

    fn feed(&mut self, input: PoolInput) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let step = self.pool.handle(Now::from_millis(1_767_225_600_000 + self.now, self.now), input);
            self.events.extend(step.events);
            for effect in step.effects {
                match effect {
                    HostEffect::Load { op, .. } => {
                        let rows = std::mem::take(&mut self.rows);
                        inputs.push(PoolInput::Loaded { op, generation: 1, rows });
                    }
                    HostEffect::Commit { op, mutations } if self.store_fails => {
                        drop(mutations);
                        inputs.push(PoolInput::Failed { op, message: "busy".into() });
                    }
                    HostEffect::Commit { op, mutations } => {
                        let rows = mutations.iter().map(|mutation| {
                            let id = mutation.id.clone().unwrap_or_else(|| {
                                self.ids += 1;
                                RowId::Number(self.ids)
                            });
                            (id, 1)
                        });
                        let rows = rows.collect();
                        self.commits.extend(mutations);
                        inputs.push(PoolInput::Committed { op, generation: 1, rows });
                    }
                    HostEffect::Http { op, request, .. } => self.requests.push((op, request)),
                    HostEffect::Prompt { url, code, .. } => {
                        self.prompts.push((url.into(), code.map(Into::into)));
                    }
                    HostEffect::Reply { request, answer } => self.answers.push((request, answer)),
                    _ => panic!("nothing is renewed here"),
                }
            }
        }
    }

    fn json(&mut self, input: &str) {
        self.feed(json::read(input).unwrap());
    }

    fn login(&mut self, more: &str) {
        self.json(&format!(
            r#"{{"login":{{"request":7,"login":{{"provider":"Mine","state":"{STATE}","verifier":"{VERIFIER}"{more}}}}}}}"#
        ));
    }

    fn callback(&mut self, text: &str) -> Answer {
        self.feed(PoolInput::Callback {
            request: RequestId(8),
            login: LOGIN,
            text: text.into(),
            pasted: false,
        });
        self.answer(RequestId(8)).unwrap()
    }

    fn answer(&mut self, request: RequestId) -> Option<Answer> {
        let at = self.answers.iter().position(|(of, _)| *of == request)?;
        Some(self.answers.remove(at).1)
    }

    /// The one request that is under way: where it goes, and what it says.
    fn sent(&mut self) -> (OpId, String, String) {
        assert_eq!(self.requests.len(), 1);
        let (op, request) = self.requests.remove(0);
        let body = request.body.as_ref().map_or("", |body| body.expose()).to_owned();
        (op, request.url.to_string(), body)
    }

    fn reply(&mut self, op: OpId, status: u16, body: &str) {
        self.feed(PoolInput::Answered { op, status, headers: Vec::new(), body: body.to_owned() });
    }

    fn wait(&mut self, millis: u64) {
        self.now += millis;
        self.feed(PoolInput::Tick {});
    }

    fn kinds(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.kind.as_str()).collect()
    }

    fn failed(&mut self, request: RequestId) -> String {
        match self.answer(request) {
            Some(Answer::Failed { message, .. }) => message.into(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_browser_login_from_url_to_account() {
    let mut host = Host::new("");
    host.login(r#","name":"work","priority":3"#);
    let url = host.prompts.remove(0).0;
    assert!(url.starts_with("https://auth.example/authorize?response_type=code&client_id=me&"), "{url}");
    assert!(url.contains("scope=a+b") && !url.contains(VERIFIER));

    for hostile in
        ["/cb", "/cb?code=x", "/cb?code=x&state=wrong", "/cb?error=access_denied", "/cb?state=a&state=b"]
    {
        assert!(matches!(host.callback(hostile), Answer::Failed { .. }), "{hostile}");
        assert!(host.requests.is_empty());
    }
    let good = format!("http://127.0.0.1:9/cb?code=canary-code&state={STATE}&iss=https%3A%2F%2Fauth.example");
    assert!(matches!(host.callback(&good), Answer::Done { .. }));
    assert!(matches!(host.callback(&good), Answer::Failed { .. }), "a code is used once");

    let (op, url, body) = host.sent();
    assert_eq!(url, "https://auth.example/token");
    assert!(
        body.contains("code=canary-code")
            && body.contains(VERIFIER)
            && body.contains("client_secret=canary-client")
    );
    host.reply(
        op,
        200,
        r#"{"access_token":"canary-access","refresh_token":"canary-refresh","expires_in":3600}"#,
    );
    let (op, url, _) = host.sent();
    assert_eq!(url, "https://auth.example/me");
    host.reply(op, 200, r#"{"sub":"42","email":"Ada@example.com"}"#);

    assert_eq!(host.answer(LOGIN), Some(Answer::Done { ids: vec![CredentialId(1)] }));
    assert_eq!(host.kinds(), ["login-started", "added", "logged-in"]);
    let handle = host.pool.find(CredentialId(1)).unwrap();
    let record = host.pool.engine().record(handle).unwrap();
    assert_eq!((&*record.name, record.priority, record.source.as_deref()), ("work", 3, Some("login")));
    assert_eq!(record.identity.email.as_deref(), Some("Ada@example.com"));
    assert_eq!(record.expires.unwrap().0, 1_767_225_600_000 + 3_600_000);
    assert_eq!(host.pool.secret(handle), Some("canary-access"));
    let stored = host.commits.last().unwrap();
    assert_eq!(
        stored.secret.as_deref(),
        Some(
            r#"{"access":"canary-access","refresh":"canary-refresh","client":{"id":"me","secret":"canary-client"}}"#
        )
    );
    assert!(!stored.data.as_ref().unwrap().contains("canary"));
    assert!(
        !format!("{:?}{:?}", host.events, host.pool.engine()).contains("canary"),
        "no secret in the machine"
    );
    assert!(matches!(host.callback(&good), Answer::Failed { .. }), "it is over");
}

#[test]
fn a_second_login_takes_over_its_own_account_and_keeps_what_people_set() {
    let mut host = Host::new("");
    for (access, email, id) in [("at-1", "ada@x", 1), ("at-2", "bob@x", 2), ("at-3", "ADA@x", 1)] {
        host.login("");
        let _ = host.callback(&format!("/cb?code=c&state={STATE}"));
        let (op, ..) = host.sent();
        host.reply(
            op,
            200,
            &format!(r#"{{"access_token":"{access}","sub":"{email}-id","email":"{email}"}}"#),
        );
        assert_eq!(host.answer(LOGIN), Some(Answer::Done { ids: vec![CredentialId(id)] }), "{email}");
        if access == "at-1" {
            host.json(
                r#"{"update":{"request":9,"id":1,"changes":{"priority":5,"models":["m*"],"name":"home"}}}"#,
            );
        }
    }
    let handle = host.pool.find(CredentialId(1)).unwrap();
    let record = host.pool.engine().record(handle).unwrap();
    assert_eq!((&*record.name, record.priority, record.models.len()), ("home", 5, 1));
    assert_eq!(host.pool.secret(handle), Some("at-3"));
    assert_eq!(host.pool.list(Some("mine")).len(), 2);
}

#[test]
fn a_login_makes_well_what_needs_one() {
    let mut host = Host::new("");
    let data = r#"{"uid":"u","provider":"mine","name":"ada","kind":"oauth","created":1,"secret_version":4,"needs_login":true,
        "fault":{"cause":"oauth refresh failed: in_doubt","at":5},"expires":9,"identity":{"email":"ada@x"}}"#;
    host.rows = vec![RowData {
        kind: RowKind::Credential,
        id: RowId::Number(3),
        version: 6,
        data: Some(data.into()),
        secret: Some(r#"{"access":"at-0","refresh":"rt-0"}"#.into()),
    }];
    host.feed(PoolInput::Load { request: RequestId(2) });
    let state = |host: &Host| host.pool.list(Some("mine"))[0].status;
    assert_eq!(state(&host), "needs_login");
    host.login("");
    let _ = host.callback(&format!("/cb?code=c&state={STATE}"));
    let (op, ..) = host.sent();
    host.reply(
        op,
        200,
        r#"{"access_token":"at-1","refresh_token":"rt-1","expires_in":3600,"sub":"s","email":"ada@x"}"#,
    );
    assert_eq!(host.answer(LOGIN), Some(Answer::Done { ids: vec![CredentialId(3)] }));
    assert_eq!(state(&host), "ready");
    let record = host.pool.engine().record(host.pool.find(CredentialId(3)).unwrap()).unwrap();
    assert!(!record.needs_login && record.secret_version == 5);
    assert_eq!(record.renewed, Some(Timestamp(1_767_225_600_000)), "its life is counted from the login");
    assert_eq!(record.fault.as_ref().map(|fault| &*fault.cause), Some("oauth refresh failed: in_doubt"));
}

#[test]
fn a_login_of_a_clients_own_keeps_what_renews_it() {
    let mut host = Host::new("");
    host.login(r#","flow":"client_credentials","name":"machine""#);
    let (op, url, body) = host.sent();
    let asked = "grant_type=client_credentials&scope=a+b&client_id=me&client_secret=canary-client";
    assert_eq!((&*url, &*body), ("https://auth.example/token", asked));
    host.reply(op, 200, r#"{"access_token":"at-1","expires_in":3600}"#);
    assert_eq!(host.answer(LOGIN), Some(Answer::Done { ids: vec![CredentialId(1)] }));
    let secret = host.commits.last().unwrap().secret.as_deref().unwrap();
    assert!(secret.contains(r#""grant":"a b""#), "{secret}");
    let handle = host.pool.find(CredentialId(1)).unwrap();
    assert!(host.pool.engine().secret(handle).unwrap().is_repeatable());
}

#[test]
fn a_device_login_polls_as_it_is_told() {
    let mut host = Host::new("");
    host.login(r#","flow":"device""#);
    let (op, url, body) = host.sent();
    assert_eq!(
        (&*url, &*body),
        ("https://auth.example/device", "scope=a+b&client_id=me&client_secret=canary-client")
    );
    host.reply(
        op,
        200,
        r#"{"device_code":"canary-device","user_code":"WDJB-MJHT","verification_uri":"https://auth.example/go","expires_in":60,"interval":5}"#,
    );
    assert_eq!(host.prompts, [("https://auth.example/go".to_owned(), Some("WDJB-MJHT".to_owned()))]);
    host.wait(4_999);
    assert!(host.requests.is_empty(), "too early");
    host.wait(1);
    let (op, _, body) = host.sent();
    assert!(body.contains("device_code=canary-device"));
    host.reply(op, 400, r#"{"error":"slow_down"}"#);
    host.wait(9_999);
    assert!(host.requests.is_empty(), "slower");
    host.wait(1);
    let (op, ..) = host.sent();
    host.feed(PoolInput::Failed { op, message: "reset".into() });
    host.wait(20_000);
    let (op, ..) = host.sent();
    host.reply(op, 200, r#"{"access_token":"a","sub":"1","email":"a@x"}"#);
    assert!(matches!(host.answer(LOGIN), Some(Answer::Done { .. })));

    host.login(r#","flow":"device""#);
    let (op, ..) = host.sent();
    host.reply(
        op,
        200,
        r#"{"device_code":"d","user_code":"u","verification_uri":"https://auth.example/go","expires_in":8}"#,
    );
    host.wait(5_000);
    let (op, ..) = host.sent();
    host.reply(op, 400, r#"{"error":"authorization_pending"}"#);
    host.wait(3_000);
    assert_eq!(host.failed(LOGIN), "expired_token");
}

#[test]
fn how_logins_fail() {
    for (answer, code) in [
        (r#"{"error":"invalid_grant","error_description":"canary"}"#, "invalid_grant"),
        ("<html>canary</html>", "malformed"),
        ("", "malformed"),
        (r#"{"token":"canary"}"#, "malformed"),
    ] {
        let mut host = Host::new("");
        host.login("");
        let _ = host.callback(&format!("/cb?code=c&state={STATE}"));
        let (op, ..) = host.sent();
        host.reply(op, 200, answer);
        assert_eq!(host.failed(LOGIN), code, "{answer}");
        assert_eq!(host.kinds(), ["login-started", "login-failed"]);
        assert!(!format!("{:?}", host.events).contains("canary"));
    }
    let mut host = Host::new("");
    host.login("");
    let refused = format!("/cb?error=access_denied&error_description=%3Cscript%3E&state={STATE}");
    assert!(matches!(host.callback(&refused), Answer::Done { .. }));
    assert_eq!(host.failed(LOGIN), "access_denied");

    host.login("");
    assert!(matches!(
        host.callback(&format!("/cb?code=c&state={STATE}&iss=https://evil.example")),
        Answer::Done { .. }
    ));
    assert_eq!(host.failed(LOGIN), "wrong_issuer");

    host.login(r#","wait":1000"#);
    host.wait(1_000);
    assert_eq!(host.failed(LOGIN), "timeout");
    host.login("");
    host.feed(PoolInput::Cancel { request: LOGIN });
    assert_eq!(host.failed(LOGIN), "cancelled");
    let late = host.callback(&format!("/cb?code=c&state={STATE}"));
    assert!(matches!(late, Answer::Failed { .. }), "what was cancelled is over");
}

#[test]
fn what_a_login_needs() {
    let mut host = Host::new(
        r#",{"name":"bare","kinds":["oauth"]},{"name":"other","kinds":["oauth"],"oauth":{"token":"https://o.example/t"}}"#,
    );
    let mut ask = |provider: &str, verifier: &str, more: &str| {
        host.json(&format!(
            r#"{{"login":{{"request":7,"login":{{"provider":"{provider}","state":"{STATE}","verifier":"{verifier}"{more}}}}}}}"#
        ));
        host.failed(LOGIN)
    };
    assert!(ask("bare", VERIFIER, "").starts_with("provider: "));
    assert!(ask("other", VERIFIER, "").starts_with("flow: "));
    assert!(ask("other", VERIFIER, r#","flow":"device""#).starts_with("flow: "));
    assert!(ask("anthropic", VERIFIER, "").starts_with("clientId: "));
    assert!(ask("mine", "short", "").starts_with("verifier: "));
    for redirect in
        ["http://evil.example/cb", "http://127.0.0.1/cb", "http://127.0.0.1:0/", "javascript://x", "nonsense"]
    {
        let message = ask("mine", VERIFIER, &format!(r#","redirect":"{redirect}""#));
        assert!(message.starts_with("redirect: "), "{redirect}: {message}");
    }
    let message = ask("mine", VERIFIER, r#","flow":"client_credentials","client":{"id":"x"}"#);
    assert!(message.starts_with("clientSecret: "));
}

#[test]
fn endpoints_are_discovered_and_remembered() {
    let mut host = Host::new(
        r#",{"name":"found","kinds":["oauth"],"oauth":{"flows":["client_credentials"],"issuer":"https://found.example/t"}}"#,
    );
    host.json(&format!(
        r#"{{"login":{{"request":7,"login":{{"provider":"found","state":"{STATE}","verifier":"{VERIFIER}","client":{{"id":"me","secret":"s"}}}}}}}}"#
    ));
    let (op, url, _) = host.sent();
    assert_eq!(url, "https://found.example/.well-known/oauth-authorization-server/t");
    host.reply(op, 404, "");
    let (op, url, _) = host.sent();
    assert_eq!(url, "https://found.example/t/.well-known/openid-configuration");
    host.reply(
        op,
        200,
        r#"{"issuer":"https://found.example/t","token_endpoint":"https://found.example/token","revocation_endpoint":"https://found.example/revoke"}"#,
    );
    let (op, url, body) = host.sent();
    assert_eq!(url, "https://found.example/token");
    assert_eq!(body, "grant_type=client_credentials&client_id=me&client_secret=s");
    host.reply(op, 200, r#"{"access_token":"a","expires_in":60}"#);
    assert!(matches!(host.answer(LOGIN), Some(Answer::Done { .. })));
    let secret = host.commits.last().unwrap().secret.clone().unwrap();
    assert!(secret.contains(r#""tokenUrl":"https://found.example/token""#), "{secret}");
    host.json(r#"{"logout":{"request":9,"id":1}}"#);
    assert_eq!(host.sent().1, "https://found.example/revoke");
}

#[test]
fn a_store_that_refuses_loses_no_tokens() {
    let mut host = Host::new("");
    host.store_fails = true;
    host.login("");
    let _ = host.callback(&format!("/cb?code=c&state={STATE}"));
    let (op, ..) = host.sent();
    host.reply(op, 200, r#"{"access_token":"a","sub":"1","email":"a@x"}"#);
    for _ in 0..3 {
        assert_eq!(host.answer(LOGIN), None);
        host.wait(1_000);
    }
    host.store_fails = false;
    host.wait(1_000);
    assert_eq!(host.answer(LOGIN), Some(Answer::Done { ids: vec![CredentialId(1)] }));
    assert!(host.kinds().contains(&"persist-failed"));
}

#[test]
fn a_logout_gives_the_refresh_token_back() {
    for answer in [Some(200), Some(503), None] {
        let mut host = Host::new("");
        host.login("");
        let _ = host.callback(&format!("/cb?code=c&state={STATE}"));
        let (op, ..) = host.sent();
        host.reply(op, 200, r#"{"access_token":"a","refresh_token":"r","sub":"1","email":"a@x"}"#);
        host.json(r#"{"logout":{"request":9,"id":1}}"#);
        let (op, url, body) = host.sent();
        assert_eq!(url, "https://auth.example/revoke");
        assert!(body.starts_with("token=r&token_type_hint=refresh_token&"), "{body}");
        assert!(host.pool.find(CredentialId(1)).is_some(), "not before the provider was asked");
        match answer {
            Some(status) => host.reply(op, status, ""),
            None => host.feed(PoolInput::Failed { op, message: "reset".into() }),
        }
        assert_eq!(host.answer(RequestId(9)), Some(Answer::Done { ids: vec![CredentialId(1)] }));
        assert!(host.pool.find(CredentialId(1)).is_none(), "{answer:?}");
    }
    let mut host = Host::new("");
    let input = r#"{"add":{"request":2,"credentials":[{"provider":"unheard-of","access":"a","client":{"id":"c","revokeUrl":"https://u.example/r"}}]}}"#;
    host.json(input);
    host.json(r#"{"logout":{"request":9,"id":1}}"#);
    assert_eq!(host.sent().2, "token=a&token_type_hint=access_token&client_id=c");
    let mut host = Host::new("");
    host.json(r#"{"add":{"request":2,"credentials":[{"provider":"openai","key":"k"}]}}"#);
    host.json(r#"{"logout":{"request":9,"id":1}}"#);
    assert!(host.requests.is_empty() && host.pool.find(CredentialId(1)).is_none(), "a key is only removed");
}

/// A login at a provider of the registry whose device flow is that of no RFC.
fn own_flow(provider: &str, more: &str) -> Host {
    let mut host = Host::new("");
    host.json(&format!(
        r#"{{"login":{{"request":7,"login":{{"provider":"{provider}","flow":"device","state":"{STATE}","verifier":"{VERIFIER}"{more}}}}}}}"#
    ));
    host
}

#[test]
fn cursor_a_link_and_polls_and_no_client() {
    let mut host = own_flow("cursor", "");
    let (url, code) = host.prompts.remove(0);
    assert!(url.starts_with("https://cursor.com/loginDeepControl?challenge="), "{url}");
    assert!(code.is_none() && !url.contains(VERIFIER) && host.requests.is_empty());
    host.wait(2_000);
    let (op, url, _) = host.sent();
    assert!(url.starts_with("https://api2.cursor.sh/auth/poll?uuid=") && url.contains(VERIFIER), "{url}");
    host.reply(op, 404, "not yet");
    host.wait(2_000);
    let (op, ..) = host.sent();
    host.reply(op, 200, r#"{"accessToken":"canary-access","refreshToken":"canary-refresh","authId":"a|b"}"#);
    assert!(matches!(host.answer(LOGIN), Some(Answer::Done { .. })));
    let secret = host.commits.iter().find_map(|commit| commit.secret.clone()).unwrap();
    assert!(secret.contains(r#""access":"canary-access","refresh":"canary-refresh""#), "{secret}");
    assert_eq!(host.kinds(), ["login-started", "added", "logged-in"]);
}

#[test]
fn kilo_says_by_a_status_that_it_is_refused() {
    let mut host = own_flow("kilocode", "");
    let (op, url, body) = host.sent();
    assert_eq!((&*url, &*body), ("https://api.kilo.ai/api/device-auth/codes", "{}"));
    host.reply(op, 200, r#"{"code":"ABCD-1234","verificationUrl":"https://kilo.ai/device","expiresIn":600}"#);
    assert_eq!(host.prompts.remove(0), ("https://kilo.ai/device".into(), Some("ABCD-1234".into())));
    host.wait(5_000);
    let (op, url, _) = host.sent();
    assert_eq!(url, "https://api.kilo.ai/api/device-auth/codes/ABCD-1234");
    host.reply(op, 202, r#"{"status":"pending"}"#);
    host.wait(5_000);
    let (op, ..) = host.sent();
    host.reply(op, 403, "canary-text");
    assert_eq!(host.failed(LOGIN), "access_denied");
}

#[test]
fn chatgpt_a_code_is_exchanged_for_tokens() {
    assert!(own_flow("codex", "").failed(LOGIN).starts_with("clientId: is missing"));
    let mut host = own_flow("codex", r#","client":{"id":"app"}"#);
    let (op, url, body) = host.sent();
    assert_eq!(url, "https://auth.openai.com/api/accounts/deviceauth/usercode");
    assert_eq!(body, r#"{"client_id":"app"}"#);
    host.reply(op, 200, r#"{"device_auth_id":"d-1","user_code":"AB-12","interval":"5"}"#);
    assert_eq!(host.prompts.remove(0), ("https://auth.openai.com/codex/device".into(), Some("AB-12".into())));
    host.wait(5_000);
    let (op, _, body) = host.sent();
    assert_eq!(body, r#"{"device_auth_id":"d-1","user_code":"AB-12"}"#);
    host.reply(op, 403, "{}");
    host.wait(5_000);
    let (op, ..) = host.sent();
    host.reply(op, 503, "busy");
    assert!(host.answers.is_empty(), "it may work later");
    host.wait(10_000);
    let (op, ..) = host.sent();
    host.reply(op, 200, r#"{"authorization_code":"canary-code","code_verifier":"theirs"}"#);
    let (op, url, body) = host.sent();
    assert_eq!(url, "https://auth.openai.com/oauth/token");
    for part in [
        "grant_type=authorization_code",
        "code=canary-code",
        "code_verifier=theirs",
        "client_id=app",
        "redirect_uri=https%3A%2F%2Fauth.openai.com%2Fdeviceauth%2Fcallback",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    host.reply(op, 200, r#"{"access_token":"canary-a","refresh_token":"canary-r","expires_in":3600}"#);
    assert!(matches!(host.answer(LOGIN), Some(Answer::Done { .. })));
}
