//! Answers of real providers, as the field recorded them (the ids are those of the collection that the rules were made
//! from), and what each means under the presets. One line a vector.

mod bodies;
mod clouds;
mod families;
mod gateways;
mod makers;
mod others;
mod systems;

use bodies::*;
use credpool::classify::{classify, Answer};
use credpool::rules::ClassifyRules;
use credpool::time::Timestamp;
use credpool::verdict::{TransportError, Verdict};
use credpool::wire::http::Headers;

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp(1_767_225_600_000);

const DEFAULT: &str = include_str!("../../src/policy/presets/default.classify.json");
const CLIPROXYAPI: &str = include_str!("../../src/policy/presets/cliproxyapi.classify.json");

/// An answer: id, provider, status, headers, body, and what it means: `reason scope [hint in ms]`.
type Vector<'a> = (&'a str, &'a str, u16, &'a [(&'a str, &'a str)], &'a str, &'a str);

fn meaning(
    rules: &ClassifyRules,
    provider: &str,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> String {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let answer = Answer {
        status: Some(status),
        headers: Headers::from(&headers),
        body: (!body.is_empty()).then_some(body),
        transport: None,
    };
    show(&classify(rules, provider, &answer, NOW))
}

fn show(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Success => "ok".to_owned(),
        Verdict::Failure(failure) => {
            let hint = failure.hint.map(|hint| format!(" {}", hint.after.as_millis())).unwrap_or_default();
            format!("{} {}{hint}", failure.reason, failure.scope)
        }
    }
}

fn check(rules: &str, vectors: &[Vector<'_>]) {
    let rules: ClassifyRules = credpool::json::read(rules).expect("the preset parses");
    let mut wrong = Vec::new();
    for (id, provider, status, headers, body, want) in vectors {
        let found = meaning(&rules, provider, *status, headers, body);
        if found != *want {
            wrong.push(format!("{id}: {provider} {status}: {found}, expected {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn transport_errors_and_nothing_at_all() {
    for (preset, transport, want) in [
        (DEFAULT, Some(TransportError::Timeout), "timeout model"),
        (DEFAULT, Some(TransportError::Connection), "network credential"),
        (DEFAULT, Some(TransportError::Aborted), "request_fault request"),
        (DEFAULT, None, "unknown model"),
        (CLIPROXYAPI, Some(TransportError::Timeout), "timeout request"),
        (CLIPROXYAPI, None, "unknown model"),
        (r#"{"rules":[]}"#, None, "unknown request"),
    ] {
        let rules: ClassifyRules = credpool::json::read(preset).unwrap();
        let answer = Answer { transport, ..Answer::default() };
        assert_eq!(show(&classify(&rules, "openai", &answer, NOW)), want);
    }
}

#[test]
fn cliproxyapi() {
    let google = |details: &str, message: &str| {
        format!(
            r#"{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","message":"{message}","details":[{details}]}}}}"#
        )
    };
    let info = r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","metadata":{"quotaResetDelay":"90s"}}"#;
    let retry = r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"12s"}"#;
    let fault = r#"{"error":{"type":"invalid_request_error","message":"messages: at least one message is required"}}"#;
    let rejected = [
        ("retry-after", "900"),
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-reset", "1767229200"),
    ];
    check(
        CLIPROXYAPI,
        &[
            ("401", "openai", 401, &[], O4, "auth model"),
            ("402", "openai", 402, &[], "", "billing model"),
            ("403", "openai", 403, &[], "", "auth_permanent model"),
            ("403 xAI", "xai", 403, &[], r#"{"error":"bad-credentials"}"#, "auth model"),
            ("404", "openai", 404, &[], O6, "model_not_found model"),
            ("429", "openai", 429, &[], O3, "rate_limit model"),
            ("429", "openai", 429, &[("retry-after", "45")], "", "rate_limit model 45000"),
            (
                "429 date",
                "openai",
                429,
                &[("retry-after", "Thu, 01 Jan 2026 00:05:00 GMT")],
                "",
                "rate_limit model 300000",
            ),
            ("codex", "openai-codex", 429, &[], C1, "rate_limit model 3600000"),
            ("claude plan", "anthropic", 429, &rejected, A1, "quota credential 3600000"),
            ("claude", "anthropic", 429, &[("retry-after", "60")], A1, "rate_limit model 60000"),
            (
                "google",
                "google",
                429,
                &[],
                &google(&format!("{info},{retry}"), "after 5s"),
                "rate_limit model 12000",
            ),
            (
                "google",
                "google",
                429,
                &[],
                &google(info, "Your quota will reset after 5s."),
                "rate_limit model 90000",
            ),
            (
                "google",
                "google",
                429,
                &[],
                &google("", "Your quota will reset after 1h16m50s."),
                "rate_limit model 4610000",
            ),
            ("400", "openai", 400, &[], fault, "request_fault request"),
            ("409", "openai", 409, &[], "", "request_fault request"),
            ("413", "openai", 413, &[], "", "request_fault request"),
            ("422", "openai", 422, &[], "", "request_fault request"),
            (
                "400 model",
                "openai",
                400,
                &[],
                r#"{"error":{"message":"The requested model is not supported.","type":"invalid_request_error"}}"#,
                "model_not_found model",
            ),
            ("500, a fault by its code", "openai", 500, &[], O8, "request_fault request"),
            ("invalid_grant", "openai", 400, &[], A5, "auth model"),
            ("cloudflare", "openai", 503, &[], "<html>Cloudflare</html>", "rate_limit model"),
            ("408", "openai", 408, &[], "", "timeout model"),
            ("500", "openai", 500, &[], "", "overloaded model"),
            ("502", "openai", 502, &[], "", "overloaded model"),
            ("504", "openai", 504, &[], "", "timeout model"),
            ("418", "openai", 418, &[], "", "unknown model"),
        ],
    );
}

#[test]
fn a_users_own_rule_goes_first() {
    let mut rules: ClassifyRules = credpool::json::read(DEFAULT).unwrap();
    let own = r#"{"provider":["openai"],"status":["5xx"],"text":["maintenance"],"reason":"quota","scope":"meter:m"}"#;
    rules.custom.push(credpool::json::read(own).unwrap());
    assert_eq!(meaning(&rules, "openai", 503, &[], "down for Maintenance"), "quota meter:m");
    assert_eq!(meaning(&rules, "groq", 503, &[], "down for Maintenance"), "overloaded model");
}
