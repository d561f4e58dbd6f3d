//! What other systems say of a status and a text, where their preset says the same.

use crate::{meaning, show, NOW};
use credpool::classify::{classify, Answer};
use credpool::policy::{classification_names, classification_rules};
use credpool::rules::ClassifyRules;

/// Status (0: none), text, reason.
type Case<'a> = (u16, &'a str, &'a str);

fn check(system: &str, provider: &str, cases: &[Case<'_>]) {
    let rules = classification_rules(system).unwrap();
    let wrong: Vec<_> = cases
        .iter()
        .filter_map(|(status, text, want)| {
            let found = said(&rules, provider, *status, text);
            (found != *want).then(|| format!("{status} {text:?}: {found}, expected {want}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{system}:\n{}", wrong.join("\n"));
}

fn said(rules: &ClassifyRules, provider: &str, status: u16, text: &str) -> String {
    let verdict = if status == 0 {
        show(&classify(rules, provider, &Answer { body: Some(text), ..Answer::default() }, NOW))
    } else {
        meaning(rules, provider, status, &[], text)
    };
    verdict.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn devclaw() {
    check(
        "devclaw",
        "openai",
        &[
            (0, "status 429", "rate_limit"),
            (0, "Status 429", "rate_limit"),
            (0, "HTTP/1.1 429", "rate_limit"),
            (0, "http 4290", "unknown"),
            (0, "status 529", "rate_limit"),
            (0, "402 Payment Required", "billing"),
            (0, "credit balance is too low", "unknown"),
            (0, "quota", "unknown"),
            (0, "access denied by billing policy", "billing"),
            (0, "billing timeout", "billing"),
            (0, "rate limit exceeded; check billing", "rate_limit"),
            (0, "403 Forbidden", "auth_permanent"),
            (0, "token expired", "session_expired"),
            (0, "invalid request: token expired", "session_expired"),
            (0, "insufficient_quota", "billing"),
            (0, "refresh token reused", "session_expired"),
            (0, "Invalid API key", "auth"),
            (0, "401 unauthorized", "auth"),
            (0, "invalid_grant", "unknown"),
            (0, "file does not exist", "model_not_found"),
            (0, "context canceled", "timeout"),
            (0, "HTTP 408 Request Timeout", "timeout"),
            (0, "connection refused", "unknown"),
            (0, "bad request", "format"),
            (0, "overloaded", "rate_limit"),
            (0, "api key revoked", "auth_permanent"),
            (400, "credit balance is too low", "format"),
            (403, "rate limit exceeded", "auth_permanent"),
            (401, "session expired", "auth"),
            (404, "x", "unknown"),
            (404, "model not found", "model_not_found"),
            (413, "", "unknown"),
            (422, "", "unknown"),
            (499, "", "unknown"),
            (503, "", "unknown"),
            (521, "", "timeout"),
            (524, "", "timeout"),
            (530, "", "timeout"),
            (531, "", "unknown"),
        ],
    );
}

#[test]
fn openclaw() {
    check(
        "openclaw",
        "openai",
        &[
            (402, "", "billing"),
            (402, "Payment Required", "billing"),
            (402, "weekly limit reached", "rate_limit"),
            (402, "organization spending limit", "rate_limit"),
            (402, "please try again later", "rate_limit"),
            (401, "invalid api key", "auth"),
            (401, "token revoked", "auth"),
            (401, "API key revoked", "auth_permanent"),
            (401, "insufficient credits", "billing"),
            (403, "forbidden", "auth"),
            (403, "account deactivated", "auth_permanent"),
            (403, "not allowed for this organization", "auth_permanent"),
            (429, "", "rate_limit"),
            (429, "You exceeded your current quota", "rate_limit"),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#, "billing"),
            (429, "insufficient balance", "rate_limit"),
            (429, r#"{"code":"DEACTIVATED_WORKSPACE"}"#, "auth_permanent"),
            (400, "credit balance too low", "billing"),
            (400, "", "request_fault"),
            (400, "No body", "request_fault"),
            (400, "prompt is too long", "request_fault"),
            (400, "other", "format"),
            (400, r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#, "rate_limit"),
            (422, "x", "format"),
            (404, "any", "model_not_found"),
            (404, "session not found", "session_expired"),
            (410, "any", "timeout"),
            (410, "session expired", "session_expired"),
            (408, "", "timeout"),
            (499, "", "timeout"),
            (504, "", "timeout"),
            (522, "", "timeout"),
            (409, "", "request_fault"),
            (413, "", "request_fault"),
            (500, "", "overloaded"),
            (529, "", "overloaded"),
            (0, "rate limit", "rate_limit"),
            (0, "weekly limit reached", "rate_limit"),
            (0, "out of extra usage", "billing"),
            (0, "ETIMEDOUT", "timeout"),
            (0, "internal server error", "timeout"),
            (0, "An unknown error occurred", "timeout"),
            (0, "invalid_grant", "unknown"),
            (0, "token expired", "auth"),
            (0, "refresh failed: refresh_token_reused", "auth_permanent"),
            (0, "请求过于频繁", "rate_limit"),
            (0, "余额不足", "billing"),
        ],
    );
    check("openclaw", "moonshot", &[(429, "insufficient balance", "billing")]);
    check("openclaw", "xai", &[(429, "insufficient balance", "billing")]);
}

#[test]
fn oh_my_pi() {
    check(
        "oh-my-pi",
        "openai-codex",
        &[
            (429, "Too many requests", "rate_limit"),
            (429, "Please retry in 5s", "rate_limit"),
            (429, "", "quota"),
            (429, r#"{"error":{"code":429}}"#, "quota"),
            (429, "HTTP 429", "quota"),
            (429, r#"{"error":{"code":"insufficient_quota","message":"m"}}"#, "quota"),
            (429, r#"{"error":{"type":"rate_limit_error","message":"Slow down, please"}}"#, "rate_limit"),
            (429, "This request would exceed your account's rate limit.", "quota"),
            (402, "", "quota"),
            (402, "too many concurrent requests", "quota"),
            (429, "concurrent requests quota exceeded", "rate_limit"),
            (403, "concurrent requests limit", "rate_limit"),
            (403, "Your limit will reset in 13 minutes", "quota"),
            (0, "Rate limit will reset in 30 seconds", "unknown"),
            (400, "RESOURCE_EXHAUSTED", "quota"),
            (429, "已达到 5 小时的使用上限", "quota"),
            (401, "", "auth"),
            (403, "Forbidden", "auth_permanent"),
            (0, "Error: 401 unauthorized", "auth"),
            (400, r#"{"error":{"code":"cyber_policy","message":"refused: cyber_policy"}}"#, "auth_permanent"),
            (401, "Encountered invalidated oauth token for user", "session_expired"),
            (500, "", "overloaded"),
            (400, "messages: field required", "request_fault"),
        ],
    );
}

/// No system takes a request that is wrong for an account that is, nor says of a bare 500 that a credential is dead.
#[test]
fn what_holds_under_all_of_them() {
    for name in classification_names() {
        let rules = classification_rules(name).unwrap();
        let fault = r#"{"error":{"type":"invalid_request_error","message":"messages: at least one message is required"}}"#;
        let found = meaning(&rules, "openai", 400, &[], fault);
        // DevClaw counts it against the credential; its policy cools for no number of them.
        let said = ["request_fault request", "format request", "format credential"];
        assert!(said.contains(&found.as_str()), "{name}: {found}");
        for status in [500, 502, 503, 504] {
            let found = meaning(&rules, "openai", status, &[], "");
            assert!(!found.starts_with("auth") && !found.starts_with("billing"), "{name}: {status}: {found}");
        }
        let aborted =
            Answer { transport: Some(credpool::verdict::TransportError::Aborted), ..Answer::default() };
        assert_eq!(show(&classify(&rules, "openai", &aborted, NOW)), "request_fault request", "{name}");
    }
}
