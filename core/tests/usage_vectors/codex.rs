//! `ChatGPT` plans: `GET /backend-api/wham/usage`.

use crate::{check, requests, Asked};
use credpool::credential::Identity;

const FULL: &str = r#"{
  "user_id":"user-1","account_id":"user-1","email":"plus@x","plan_type":"prolite",
  "rate_limit":{"allowed":true,"limit_reached":false,
    "primary_window":{"used_percent":12,"limit_window_seconds":18000,"reset_after_seconds":8581,"reset_at":1767236400},
    "secondary_window":{"used_percent":2.5,"limit_window_seconds":604800,"reset_after_seconds":569914,"reset_at":1767484800}},
  "code_review_rate_limit":null,
  "additional_rate_limits":[
    {"limit_name":"GPT-5.3-Codex-Spark","metered_feature":"codex_bengalfox","rate_limit":{"allowed":false,"limit_reached":true,
      "primary_window":{"used_percent":100,"limit_window_seconds":18000,"reset_after_seconds":18000,"reset_at":1767243600},
      "secondary_window":null}},
    {"limit_name":"Other Thing","metered_feature":"codex_other","rate_limit":{"allowed":true,"limit_reached":false,
      "primary_window":{"used_percent":100,"limit_window_seconds":86400,"reset_at":1767312000}}}],
  "credits":{"has_credits":true,"unlimited":false,"overage_limit_reached":false,"balance":"12.50","approx_local_messages":[0,0]},
  "spend_control":{"reached":false},
  "rate_limit_reset_credits":{"available_count":3},"promo":null}"#;

#[test]
fn reports() {
    check(
        &Asked::oauth("openai-codex"),
        &[
            (
                "full",
                &[(200, FULL)],
                "openai-codex:primary 12% ok | 5h +3h meter=chat
                 openai-codex:secondary 2.5% ok | 7d +3d meter=chat
                 openai-codex:spark:primary 100% exhausted | 5h +5h tier=spark meter=spark
                 openai-codex:other:primary 100% warning | 1d +1d tier=other meter=other
                 meter chat allowed=Some(true) reached=Some(false)
                 meter spark allowed=Some(false) reached=Some(true)
                 meter other allowed=Some(true) reached=Some(false)
                 credits has=true unlimited=false blocked=false balance=Some(\"12.5\")
                 resets 3
                 plan prolite",
            ),
            (
                "a team's account that rounds to 100 % and is served",
                &[(
                    200,
                    r#"{"plan_type":"team","rate_limit":{"allowed":true,"limit_reached":false,"primary_window":{"used_percent":100,"limit_window_seconds":18000}}}"#,
                )],
                "openai-codex:primary 100% warning | 5h meter=chat
                 meter chat allowed=Some(true) reached=Some(false)
                 plan team",
            ),
            (
                "spent: until when, from now where no instant is told",
                &[(
                    200,
                    r#"{"rate_limit":{"allowed":false,"limit_reached":true,"primary_window":{"used_percent":100,"limit_window_seconds":18000,"reset_after_seconds":"60"}}}"#,
                )],
                "openai-codex:primary 100% exhausted | 5h +1m meter=chat
                 meter chat allowed=Some(false) reached=Some(true)",
            ),
            (
                "an odd window, milliseconds",
                &[(
                    200,
                    r#"{"rate_limit":{"primary_window":{"used_percent":"7","limit_window_seconds":100000,"reset_at":1767312000000},"secondary_window":{"used_percent":1}}}"#,
                )],
                "openai-codex:primary 7% ok | 1d +1d meter=chat
                 openai-codex:secondary 1% ok meter=chat",
            ),
            (
                "credits that may not be used",
                &[(
                    200,
                    r#"{"rate_limit":null,"credits":{"has_credits":true,"unlimited":true,"balance":null},"spend_control":{"reached":true}}"#,
                )],
                "credits has=true unlimited=true blocked=true balance=None",
            ),
            ("empty", &[(200, r#"{"plan_type":"free","rate_limit":null,"credits":null}"#)], "plan free"),
            (
                "wrong types",
                &[(
                    200,
                    r#"{"plan_type":{"a":1},"rate_limit":{"allowed":"yes","primary_window":{"used_percent":[1],"limit_window_seconds":18000}},
                        "additional_rate_limits":{"a":1},"rate_limit_reset_credits":{"available_count":-4}}"#,
                )],
                "malformed not_as_expected rate_limit.primary_window.used_percent",
            ),
            (
                "huge numbers",
                &[(
                    200,
                    r#"{"rate_limit":{"primary_window":{"used_percent":1e300,"limit_window_seconds":1e300,"reset_at":1e300}},
                        "rate_limit_reset_credits":{"available_count":1e300}}"#,
                )],
                "openai-codex:primary 100% exhausted | 3660d meter=chat
                 resets 4294967295",
            ),
            ("another document", &[(200, r#"{"detail":"Unauthorized"}"#)], "malformed missing rate_limit"),
            ("dead", &[(401, r#"{"detail":"Could not parse your authentication token."}"#)], "auth http-401"),
        ],
    );
}

#[test]
fn the_account_goes_along_and_the_token_to_chatgpt_only() {
    let asked = Asked::oauth("openai-codex");
    let answer = (200, r#"{"rate_limit":null,"email":"p@x"}"#);
    let of = "GET https://chatgpt.com/backend-api/wham/usage [accept: application/json; authorization: Bearer canary-token";
    assert_eq!(requests(&asked, &[answer]), [format!("{of}; chatgpt-account-id: acc]")]);
    let nobody = Asked { identity: Identity::default(), ..Asked::oauth("openai-codex") };
    assert_eq!(requests(&nobody, &[answer]), [format!("{of}]")]);
    // The payload's account is the person's, not the workspace's: it is not taken for it.
    let identity = asked.report(&[answer]).identity;
    assert_eq!((identity.email.as_deref(), identity.account_id.as_deref()), (Some("p@x"), Some("acc")));

    for (base_url, asks) in [
        ("https://chatgpt.com/backend-api/codex", true),
        ("https://chat.openai.com/x", true),
        ("https://CHATGPT.com:443", true),
        ("", true),
        ("https://api.openai.com/v1", false),
        ("https://notchatgpt.com", false),
        ("https://chatgpt.com.evil.example", false),
        ("https://evil.example/chatgpt.com", false),
        ("https://user@chatgpt.com", false),
        ("http://chatgpt.com", false),
        ("chatgpt.com", false),
    ] {
        let asked = Asked { base_url: Some(base_url), ..Asked::oauth("openai-codex") };
        assert_eq!(asked.begin().is_ok(), asks, "{base_url}");
    }
    let here = Asked { base_url: Some("http://127.0.0.1:8080/x/y?z"), ..Asked::oauth("openai-codex") };
    assert_eq!(&*here.begin().unwrap().1.url, "http://127.0.0.1:8080/backend-api/wham/usage");
}
