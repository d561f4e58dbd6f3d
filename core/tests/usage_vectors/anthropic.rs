//! Anthropic's plans: `GET /api/oauth/usage`, and `/api/oauth/profile` where it is not known whose account it is.

use crate::{check, requests, Asked};
use credpool::credential::Identity;

const FULL: &str = r#"{
  "five_hour":{"utilization":6.5,"resets_at":"2026-01-01T04:00:00.943648+00:00"},
  "seven_day":{"utilization":35,"resets_at":"2026-01-04T00:00:00+00:00"},
  "seven_day_oauth_apps":null,
  "seven_day_opus":{"utilization":0.0,"resets_at":null},
  "seven_day_sonnet":{"utilization":100,"resets_at":"2026-01-04T00:00:00Z"},
  "iguana_necktie":null,
  "extra_usage":{"is_enabled":true,"monthly_limit":5000,"used_credits":4600.0,"utilization":92,"currency":"usd"},
  "limits":[
    {"kind":"session","group":"session","percent":7,"severity":"normal","resets_at":"2026-01-01T04:00:00Z","scope":null,"is_active":true},
    {"kind":"weekly_all","group":"weekly","percent":36,"resets_at":"2026-01-04T00:00:00Z","scope":null},
    {"kind":"weekly_scoped","percent":57,"resets_at":"2026-01-03T00:00:00Z","scope":{"model":{"id":null,"display_name":"Fable"}},"is_active":false},
    {"kind":"weekly_scoped","percent":99,"resets_at":"2026-01-03T00:00:00Z","scope":{"model":{"display_name":"fable"}}},
    {"kind":"weekly_scoped","percent":null,"resets_at":null,"scope":{"model":{"display_name":"Ghost"}}},
    {"kind":"inactive_pool","percent":100}
  ]}"#;

#[test]
fn reports() {
    check(
        &Asked::oauth("anthropic"),
        &[
            (
                "full: what is listed twice counts once, and buckets of old go first",
                &[(200, FULL)],
                "anthropic:5h 6.5% ok | 5h +14400943ms shared
                 anthropic:7d 35% ok | 7d +3d shared
                 anthropic:7d:opus 0% ok | 7d tier=opus
                 anthropic:7d:sonnet 100% exhausted | 7d +3d tier=sonnet
                 anthropic:7d:fable 57% ok | 7d +2d tier=fable
                 anthropic:extra 92% 46/50-4 usd warning",
            ),
            (
                "lists only",
                &[(
                    200,
                    r#"{"five_hour":null,"seven_day":null,"limits":[{"kind":"session","percent":52,"resets_at":"2026-01-01T01:00:00Z"},
                        {"kind":"weekly_all","percent":"20.5","resets_at":"2026-01-02T00:00:00Z"}]}"#,
                )],
                "anthropic:5h 52% ok | 5h +1h shared
                 anthropic:7d 20.5% ok | 7d +1d shared",
            ),
            (
                "spending goes before extra usage, in minor units",
                &[(
                    200,
                    r#"{"spend":{"enabled":true,"used":{"amount_minor":53411,"currency":"USD","exponent":3},
                        "limit":{"amount_minor":55000,"currency":"USD","exponent":3}},"extra_usage":{"is_enabled":true,"monthly_limit":1,"used_credits":1}}"#,
                )],
                "anthropic:extra 97.1109% 53.411/55-1.589 usd warning",
            ),
            (
                "spending without an end, and another currency",
                &[(
                    200,
                    r#"{"five_hour":{"utilization":1},"spend":{"enabled":true,"used":{"amount_minor":100,"currency":"USD","exponent":2},"limit":null}}"#,
                )],
                "anthropic:5h 1% ok | 5h shared
                 anthropic:extra ? 1/?-? usd unknown",
            ),
            (
                "euros are no dollars",
                &[(
                    200,
                    r#"{"spend":{"enabled":true,"used":{"amount_minor":100,"currency":"EUR","exponent":2}},"limits":[]}"#,
                )],
                "",
            ),
            (
                "a fresh window has no reset until the first request",
                &[(200, r#"{"five_hour":{"utilization":0,"resets_at":null},"seven_day":null}"#)],
                "anthropic:5h 0% ok | 5h shared",
            ),
            (
                "empty: all buckets are there and say nothing",
                &[(200, r#"{"five_hour":null,"seven_day":null,"limits":[]}"#)],
                "",
            ),
            (
                "more than all",
                &[(200, r#"{"five_hour":{"utilization":130}}"#)],
                "anthropic:5h 100% exhausted | 5h shared",
            ),
            (
                "partial: the bucket that is broken is left out",
                &[(200, r#"{"five_hour":{"utilization":{"a":1}},"seven_day":{"utilization":3}}"#)],
                "anthropic:7d 3% ok | 7d shared",
            ),
            (
                "malformed: nothing but what is broken",
                &[(200, r#"{"five_hour":{"utilization":"NaN"}}"#)],
                "malformed not_as_expected five_hour.utilization",
            ),
            ("another document", &[(200, r#"{"error":"no"}"#)], "malformed missing five_hour"),
            ("a page", &[(200, "<html>")], "malformed expected a value ."),
            (
                "cut off",
                &[(200, r#"{"five_hour":{"utilization":"#)],
                "malformed expected a value five_hour.utilization",
            ),
            ("nothing", &[(200, "")], "malformed expected a value ."),
            ("a list", &[(200, "[]")], "malformed missing five_hour"),
            ("the token is dead", &[(401, "{}")], "auth http-401"),
            (
                "the token has not the scope",
                &[(403, r#"{"error":{"type":"permission_error"}}"#)],
                "refused http-403",
            ),
            ("somebody between", &[(403, " <!doctype html>")], "transient http-403"),
            ("too often", &[(429, "{}")], "transient http-429"),
            ("overloaded", &[(529, "{}")], "transient http-529"),
            ("not there", &[(404, "{}")], "unsupported http-404"),
            ("no answer", &[(0, "")], "transient network"),
        ],
    );
}

#[test]
fn the_profile_is_asked_where_nobody_is_known() {
    let asked = Asked { identity: Identity::default(), ..Asked::oauth("anthropic") };
    let usage = (200, r#"{"five_hour":{"utilization":1}}"#);
    let profile = r#"{"account":{"uuid":"u-1","email":"b@x","full_name":"B"},"organization":{"uuid":"o-1","organization_type":"claude_max"}}"#;
    let report = asked.report(&[usage, (200, profile)]);
    let identity = Identity {
        email: Some("b@x".into()),
        account_id: Some("u-1".into()),
        org_id: Some("o-1".into()),
        ..Identity::default()
    };
    assert_eq!((report.identity, report.plan.as_deref()), (identity, Some("claude_max")));
    assert_eq!(report.limits.len(), 1);
    // Without a profile it is a report all the same.
    for (status, body) in [(401, ""), (503, ""), (0, ""), (200, "[")] {
        let report = asked.report(&[usage, (status, body)]);
        assert_eq!((report.limits.len(), report.identity), (1, Identity::default()), "{status}");
    }
    assert_eq!(
        requests(&asked, &[usage, (200, profile)]),
        ["usage", "profile"].map(|path| format!(
            "GET https://api.anthropic.com/api/oauth/{path} [accept: application/json; authorization: Bearer canary-token; \
             anthropic-beta: oauth-2025-04-20]"
        ))
    );
}

#[test]
fn what_the_answer_says_of_the_account_goes_before_what_was_known() {
    let body = r#"{"five_hour":null,"account":{"uuid":"other","email":"c@x"}}"#;
    let identity = Asked::oauth("anthropic").report(&[(200, body)]).identity;
    assert_eq!((identity.email.as_deref(), identity.account_id.as_deref()), (Some("c@x"), Some("other")));
    assert_eq!(identity.project_id.as_deref(), Some("proj"), "what it does not say stays");
}
