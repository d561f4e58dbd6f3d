//! Answers that mean harm, of every provider: none may panic, take long, or put anything of theirs where it does not belong.

use crate::{Asked, NOW};
use credpool::credential::Identity;
use credpool::facts::Kind;
use credpool::provider::usage::{can_be_asked, UsageNext, MAX_ANSWER};
use credpool::provider::Registry;
use credpool::time::Timestamp;
use credpool::usage::report::{Limit, MAX_LIMITS, UNIT};
use credpool::wire::http::Headers;
use std::fmt::Write;
use std::time::Duration;

/// All that can be asked.
fn everybody() -> Vec<Asked> {
    let registry = Registry::builtin();
    let mut all = Vec::new();
    for name in registry.names() {
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        for kind in [Kind::Oauth, Kind::ApiKey] {
            if can_be_asked(name, kind) == Some(true) {
                let secret = match name {
                    "alibaba-token-plan" => r#"{"token":"canary","cookie":"canary"}"#,
                    "cursor" => "e30.eyJzdWIiOiJ1In0.canary",
                    _ => "canary",
                };
                all.push(Asked { kind, secret, ..Asked::oauth(name) });
            }
        }
    }
    assert!(all.len() >= 20, "{}", all.len());
    all
}

/// Gives one answer to everything that is asked.
fn flood(asked: &Asked, status: u16, body: &str) -> UsageNext {
    let (mut probe, _) = asked.begin().unwrap();
    for _ in 0..10 {
        match probe.answer(status, Headers::default(), body, Timestamp(NOW)) {
            UsageNext::Ask(_) => {}
            end => return end,
        }
    }
    panic!("{} asks without an end", asked.provider)
}

/// Documents in which every field that any table knows is there, with this in it.
fn everywhere(value: &str) -> String {
    let window = format!(
        r#"{{"utilization":{value},"percent":{value},"used_percent":{value},"limit_window_seconds":{value},"reset_at":{value},"reset_after_seconds":{value},"resets_at":{value},
            "remainingFraction":{value},"resetTime":{value},"percent_remaining":{value},"entitlement":{value},"remaining":{value},"quota_remaining":{value},
            "used":{value},"limit":{value},"usage":{value},"currentValue":{value},"percentage":{value},"unit":{value},"number":{value},"nextResetTime":{value},
            "kind":"session","type":"TOKENS_LIMIT","modelId":{value},"model_name":{value},"window":{{"duration":{value},"timeUnit":{value}}},"max":{value},"limited":{value},
            "current_interval_remaining_percent":{value},"start_time":{value},"end_time":{value},"status":{value},"resetsAt":{value},"numRequests":{value},
            "enabled":true,"is_enabled":true,"val":{value},"autoPercentUsed":{value},"total_credits":{value},"total_usage":{value},"sku":"premium","grossQuantity":{value}}}"#
    );
    let mut text = String::from("{\"base_resp\":{\"status_code\":0},\"success\":true");
    for name in [
        "five_hour",
        "seven_day",
        "usage",
        "rollingFiveHourLimit",
        "weeklyTokenLimit",
        "extra_usage",
        "spend",
        "gpt-4",
        "config",
        "plan_type",
        "login",
        "startOfMonth",
        "per5HourPercentage",
        "balance",
        "copilot_plan",
        "membershipType",
        "billingCycleEnd",
    ] {
        let _ = write!(text, ",\"{name}\":{window}");
    }
    for name in
        ["limits", "buckets", "model_remains", "usageItems", "balance_infos", "additional_rate_limits"]
    {
        let _ = write!(text, ",\"{name}\":[{window},{value}]");
    }
    for name in [
        "data",
        "models",
        "quota_snapshots",
        "rate_limit",
        "individualUsage",
        "monthly_quotas",
        "limited_user_quotas",
    ] {
        let _ = write!(text,
            ",\"{name}\":{{\"limits\":[{window}],\"quotaInfo\":{window},\"primary_window\":{window},\"plan\":{window},\"chat\":{window},\"x\":{value},\"secToken\":\"canary\"}}"
        );
    }
    text + "}"
}

#[test]
fn no_value_breaks_a_reader() {
    let long = format!("\"{}\"", "9".repeat(10_000));
    for value in [
        "null",
        "true",
        "[]",
        "{}",
        "\"\"",
        "\"NaN\"",
        "\"Infinity\"",
        "\"-Infinity\"",
        "-1",
        "-0.0",
        "0",
        "1e400",
        "-1e400",
        "1e-400",
        "99999999999999999999999999",
        "\"soon\"",
        "\"\\u0000\\u001b[31m\"",
        "\"1970-01-01\"",
        "\"9999-12-31T23:59:59Z\"",
        "\"2026-02-30\"",
        "253402300800000",
        "1767225600",
        "\"\u{202e}x\"",
        &long,
    ] {
        let text = everywhere(value);
        for asked in everybody() {
            match flood(&asked, 200, &text) {
                UsageNext::Done(report) => {
                    assert!(report.limits.len() <= MAX_LIMITS);
                    for limit in &report.limits {
                        assert!(!limit.id.is_empty() && limit.id.len() <= 400, "{}", limit.id);
                        let shown = [&*limit.id, &*limit.label].concat();
                        assert!(shown.bytes().all(|byte| byte >= 0x20), "{shown:?}");
                        assert!(limit
                            .resets_at()
                            .is_none_or(|at| at.0 <= 253_402_300_799_999 + 3_155_760_000_000 * 10));
                    }
                    let text = credpool::json::write(&*report);
                    assert_eq!(
                        credpool::json::read::<credpool::usage::report::Report>(&text).as_ref(),
                        Ok(&*report)
                    );
                    assert!(!text.contains("canary"), "{text}");
                }
                end => assert!(!format!("{end:?}").contains("canary"), "{end:?}"),
            }
        }
    }
}

#[test]
fn giants_end_soon() {
    let giants = [
        format!("{{\"limits\":[{}0]}}", "0,".repeat(5_000_000)),
        "[".repeat(10_000_000),
        format!("{{\"data\":{}1{}}}", "{\"a\":".repeat(127), "}".repeat(127)),
        format!("{{\"buckets\":[{}0]}}", r#"{"modelId":"m","remainingFraction":1},"#.repeat(10_000)),
        format!(
            "{{\"models\":{{{}\"z\":0}}}}",
            (0..9_000).map(|at| format!("\"{at}\":{{\"quotaInfo\":[1,2,3]}},")).collect::<Vec<_>>().concat()
        ),
        format!("{{\"{}\":1}}", "k".repeat(MAX_ANSWER - 10)),
    ];
    for asked in everybody() {
        for giant in &giants {
            let began = std::time::Instant::now();
            let _ = flood(&asked, 200, giant);
            assert!(began.elapsed() < Duration::from_secs(20), "{}", asked.provider);
        }
    }
    let end = flood(&Asked::oauth("anthropic"), 200, &giants[0]);
    assert!(matches!(end, UsageNext::Failed(failure) if &*failure.code == "too_long"));
}

#[test]
fn every_status_has_an_end() {
    for asked in everybody() {
        for status in (100..=599).step_by(7).chain([0, 65_535]) {
            for body in ["", "{}", "<html>", "null"] {
                assert!(!format!("{:?}", flood(&asked, status, body)).contains("canary"));
            }
        }
    }
}

#[test]
fn many_limits_are_cut() {
    let many = (0..500)
        .map(|at| format!(r#"{{"modelId":"m{at}","remainingFraction":0.5}},"#))
        .collect::<Vec<_>>()
        .concat();
    let body = format!(r#"{{"buckets":[{many}{{}}]}}"#);
    let report = Asked::oauth("google-gemini-cli").report(&[(200, &body)]);
    assert_eq!(report.limits.len(), MAX_LIMITS);
}

#[test]
fn no_header_can_be_smuggled_in() {
    let identity = Identity { account_id: Some("a\r\nx-evil: 1".into()), ..Identity::default() };
    let asked = Asked { identity, ..Asked::oauth("openai-codex") };
    let (_, request) = asked.begin().unwrap();
    assert!(request
        .headers
        .iter()
        .all(|(name, value)| &**name != "chatgpt-account-id" && !value.expose().contains('\n')));
    let asked = Asked { secret: "a\nb", ..Asked::oauth("anthropic") };
    assert_eq!(&*asked.begin().err().unwrap().code, "no_token");
}

#[test]
fn a_share_is_never_more_than_the_unit_can_hold() {
    let body = r#"{"five_hour":{"utilization":1e18},"seven_day":{"utilization":-1e18},"spend":{"enabled":true,"used":{"amount_minor":1e18,"currency":"USD","exponent":999},"limit":{"amount_minor":1}}}"#;
    let report = Asked::oauth("anthropic").report(&[(200, body)]);
    let share = |id: &str| report.limit(id).and_then(Limit::used_fraction).map(|share| u64::from(share.0));
    assert_eq!((share("anthropic:5h"), share("anthropic:7d")), (Some(UNIT), Some(0)));
}
