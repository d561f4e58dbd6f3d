//! Logins that no RFC describes, read as data.

use super::*;
use crate::provider::Registry;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_767_225_600_000);

fn facts(provider: &str) -> OauthFacts {
    *Registry::builtin().facts(provider).unwrap().oauth.unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

fn filled(template: &str, codes: Option<&DeviceGrant>) -> String {
    let (state, verifier) = (secret("state"), secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
    Fill { client: "me", state: &state, verifier: &verifier, codes }.fill(template)
}

fn started(provider: &str, body: &str) -> Result<DeviceGrant, TokenFailure> {
    let (state, verifier) = (secret("state"), secret("verifier"));
    let fill = Fill { client: "me", state: &state, verifier: &verifier, codes: None };
    read_start(&facts(provider).handoff.unwrap(), &fill, 200, Headers::default(), body, NOW)
}

fn asked(provider: &str, status: u16, body: &str) -> Asked {
    read_asked(&facts(provider).handoff.unwrap(), status, Headers::default(), body, NOW)
}

#[test]
fn templates_are_filled() {
    assert_eq!(filled("a", None), "a");
    assert_eq!(filled("{client}/{challenge}", None), "me/E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    assert_eq!(filled("{verifier}-{nobody}.", None), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk-.");
    let uuid = filled("{uuid}", None);
    assert_eq!((uuid.len(), uuid.as_bytes()[14], filled("{uuid}", None) == uuid), (36, b'4', true));
    assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    assert_eq!(filled("{code}{user}", None), "");
}

#[test]
fn chatgpt_a_code_for_a_code() {
    let grant =
        started("openai-codex", r#"{"device_auth_id":"d-1","user_code":"AB-12","interval":"5"}"#).unwrap();
    assert_eq!((&*grant.user_code, grant.interval), ("AB-12", Span::from_secs(5)));
    assert_eq!(&*grant.verification_uri, "https://auth.openai.com/codex/device");
    let (state, verifier) = (secret("s"), secret("v"));
    let of = facts("openai-codex");
    let own = of.handoff.clone().unwrap();
    let fill = Fill { client: "me", state: &state, verifier: &verifier, codes: Some(&grant) };
    let start = start_request(&of, &own, &fill).unwrap();
    assert_eq!((start.method, start.body.unwrap().expose()), ("POST", r#"{"client_id":"me"}"#));
    let poll = asked_request(&of, &own, &fill);
    assert_eq!(poll.body.unwrap().expose(), r#"{"device_auth_id":"d-1","user_code":"AB-12"}"#);
    for status in [403, 404] {
        assert!(matches!(asked("openai-codex", status, "{}"), Asked::Pending));
    }
    let said = asked("openai-codex", 200, r#"{"authorization_code":"c","code_verifier":"v2"}"#);
    let Asked::Code(code, verifier) = said else { panic!("{said:?}") };
    assert_eq!((code.expose(), verifier.unwrap().expose()), ("c", "v2"));
}

#[test]
fn cursor_asks_nobody_for_codes() {
    let of = facts("cursor");
    let own = of.handoff.clone().unwrap();
    let (state, verifier) = (secret("s"), secret("v"));
    let fill = Fill { client: "", state: &state, verifier: &verifier, codes: None };
    assert!(start_request(&of, &own, &fill).is_none());
    let codes = own_codes(&own, &fill);
    let uuid = codes.device_code.expose().to_owned();
    assert!(codes.verification_uri.contains(&format!("uuid={uuid}&")) && codes.user_code.is_empty());
    assert!(!codes.verification_uri.contains("=v&"), "the verifier stays here");
    let poll = asked_request(&of, &own, &Fill { codes: Some(&codes), ..fill });
    let url = format!("https://api2.cursor.sh/auth/poll?uuid={uuid}&verifier=v");
    assert_eq!((poll.method, &*poll.url, poll.body.is_none()), ("GET", &*url, true));
    assert!(matches!(asked("cursor", 404, "Not found"), Asked::Pending));
    let said = asked("cursor", 200, r#"{"accessToken":"a","refreshToken":"r","authId":"x"}"#);
    let Asked::Tokens(text) = said else { panic!("{said:?}") };
    assert_eq!(text.expose(), r#"{"access_token":"a","refresh_token":"r"}"#);
    let endpoint = TokenEndpoint { url: of.token.clone(), ..TokenEndpoint::default() };
    let renewal = renew_request(&endpoint, &secret("r"));
    let shown = renewal.headers.iter().find(|(name, _)| &**name == "authorization").unwrap();
    assert_eq!((shown.1.expose(), renewal.body.unwrap().expose()), ("Bearer r", "{}"));
    assert_eq!(as_token_answer(&own, r#"{"accessToken":"b"}"#).unwrap().expose(), r#"{"access_token":"b"}"#);
    assert!(as_token_answer(&own, "<html>").is_none() && as_token_answer(&own, "{}").is_none());
}

#[test]
fn kilo_says_it_by_the_status() {
    let said =
        r#"{"code":"ABCD-1234","verificationUrl":"https://kilo.ai/device?code=ABCD-1234","expiresIn":600}"#;
    let grant = started("kilo", said).unwrap();
    assert_eq!((&*grant.user_code, grant.life), ("ABCD-1234", Span::from_mins(10)));
    assert_eq!(grant.interval, Span::from_secs(5));
    assert!(matches!(asked("kilo", 202, r#"{"status":"pending"}"#), Asked::Pending));
    for (status, code) in [(403, "access_denied"), (410, "expired_token")] {
        let said = asked("kilo", status, "");
        assert!(matches!(&said, Asked::Failed(failure) if *failure.code == *code), "{said:?}");
    }
    let said = asked("kilo", 200, r#"{"status":"approved","token":"t","userEmail":"ada@example.com"}"#);
    let Asked::Tokens(text) = said else { panic!("{said:?}") };
    assert_eq!(text.expose(), r#"{"access_token":"t","email":"ada@example.com"}"#);
}

#[test]
fn answers_that_are_none() {
    for body in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"code":7}"#,
        r#"{"code":"../../evil"}"#,
        r#"{"code":"a b","verificationUrl":"https://kilo.ai"}"#,
        r#"{"code":"a","verificationUrl":"javascript:alert(1)"}"#,
        r#"{"code":"a"}"#,
    ] {
        assert_eq!(&*started("kilo", body).unwrap_err().code, "malformed", "{body}");
    }
    for (status, body, code) in [
        (200, "", "malformed"),
        (200, r#"{"token":7}"#, "malformed"),
        (500, "", "http-500"),
        (404, "", "http-404"),
    ] {
        let said = asked("kilo", status, body);
        assert!(
            matches!(&said, Asked::Failed(failure) if *failure.code == *code),
            "{status} {body}: {said:?}"
        );
    }
}

#[test]
fn flows_that_could_not_work_are_told() {
    let read = |text: &str| json::read::<OauthFacts>(text).unwrap().problem().map(|(field, _)| field);
    let with = |own: &str| read(&format!(r#"{{"flows":["device"],"handoff":{{{own}}}}}"#));
    assert_eq!(with(r#""poll":"https://a.example/p","person":"https://a.example/l","access":"t""#), None);
    for (own, field) in [
        (r#""person":"https://a.example/l","access":"t""#, "handoff.poll"),
        (r#""poll":"https://a.example/p","access":"t""#, "handoff.person"),
        (r#""poll":"https://a.example/p","person":"https://a.example/l""#, "handoff.access"),
        (r#""poll":"https://a.example/p","person":"https://a.example/l","grant":"c""#, "token"),
        (r#""poll":"http://a.example/p","person":"https://a.example/l","access":"t""#, "handoff.poll"),
        (r#""poll":"https://{code}/p","person":"https://a.example/l","access":"t""#, "handoff.poll"),
        (r#""poll":"https://a.{code}/p","person":"https://a.example/l","access":"t""#, "handoff.poll"),
        (
            r#""start":"https://a.example/s","poll":"https://a.example/p","url":"u","access":"t""#,
            "handoff.code",
        ),
    ] {
        assert_eq!(with(own), Some(field), "{own}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(template in "\\PC{0,40}", status: u16, body in "\\PC{0,80}") {
        let _ = filled(&template, None);
        for provider in ["openai-codex", "cursor", "kilo"] {
            let _ = started(provider, &body);
            let _ = asked(provider, status, &body);
        }
    }
}
