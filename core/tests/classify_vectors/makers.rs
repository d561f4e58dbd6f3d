//! `OpenAI`, Anthropic, Google.

use crate::bodies::*;
use crate::{check, DEFAULT};

#[test]
fn openai() {
    check(
        DEFAULT,
        &[
            ("O1", "openai", 429, &[], O1, "rate_limit model 20000"),
            (
                "O1 with headers",
                "openai",
                429,
                &[("retry-after-ms", "1500"), ("retry-after", "2")],
                O1,
                "rate_limit model 1500",
            ),
            (
                "O1 with resets",
                "openai",
                429,
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "6m0s"),
                    ("x-ratelimit-remaining-tokens", "10"),
                    ("x-ratelimit-reset-tokens", "1h0m0s"),
                ],
                O1,
                "rate_limit model 360000",
            ),
            ("O2 TPM", "openai", 429, &[], O2_TPM, "rate_limit model 1800"),
            ("O2 RPD", "openai", 429, &[], O2_RPD, "quota model 432000"),
            ("O3", "openai", 429, &[], O3, "billing credential"),
            (
                "O3 other code",
                "openai",
                429,
                &[],
                r#"{"error":{"code":"credit_balance_exhausted"}}"#,
                "billing credential",
            ),
            ("O4", "openai", 401, &[], O4, "auth_permanent credential"),
            ("O5", "openai", 401, &[], O5, "auth credential"),
            ("O6", "openai", 404, &[], O6, "model_not_found model"),
            ("O7", "openai", 403, &[], O7, "request_fault request"),
            ("O8", "openai", 400, &[], O8, "request_fault request"),
            ("O9", "openai", 503, &[], O9, "overloaded model"),
            ("O9 slow_down", "openai", 503, &[], r#"{"error":{"code":"slow_down"}}"#, "overloaded model"),
            ("bare 400", "openai", 400, &[], "", "request_fault request"),
            ("bare 401", "openai", 401, &[], "", "auth credential"),
            ("bare 402", "openai", 402, &[], "", "billing credential"),
            ("bare 403", "openai", 403, &[], "", "auth credential"),
            ("bare 404", "openai", 404, &[], "", "request_fault request"),
            ("bare 408", "openai", 408, &[], "", "timeout model"),
            ("bare 409", "openai", 409, &[], "", "request_fault request"),
            ("bare 429", "openai", 429, &[], "", "rate_limit model"),
            ("bare 500", "openai", 500, &[], "", "overloaded model"),
            ("bare 503", "openai", 503, &[("retry-after", "7")], "", "overloaded model 7000"),
            ("bare 304", "openai", 304, &[], "", "unknown model"),
            ("a new code", "openai", 418, &[], r#"{"error":{"code":"never_seen"}}"#, "request_fault request"),
            (
                "Azure filter",
                "azure",
                400,
                &[],
                r#"{"error":{"code":"content_filter","message":"The response was filtered"}}"#,
                "request_fault request",
            ),
            (
                "Azure deployment",
                "azure",
                404,
                &[],
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment does not exist."}}"#,
                "model_not_found model",
            ),
            (
                "Azure wait",
                "azure",
                429,
                &[],
                r#"{"error":{"code":"429","message":"Requests have exceeded call rate limit. Please retry after 18 seconds."}}"#,
                "rate_limit model 18000",
            ),
        ],
    );
}

#[test]
fn codex() {
    let full = [("x-codex-primary-used-percent", "100"), ("x-codex-primary-reset-at", "1767232800")];
    check(
        DEFAULT,
        &[
            ("C1", "openai-codex", 429, &[], C1, "quota credential 3600000"),
            ("C1 past instant", "openai-codex", 429, &[], C1_PAST, "quota credential 3600000"),
            (
                "C1 with headers",
                "openai-codex",
                429,
                &full,
                r#"{"error":{"type":"usage_limit_reached"}}"#,
                "quota credential 7200000",
            ),
            (
                "C1, a short Retry-After",
                "openai-codex",
                429,
                &[("retry-after", "5")],
                C1,
                "quota credential 3600000",
            ),
            ("C2", "openai-codex", 429, &[], C2, "auth credential"),
            ("C2", "openai-codex", 403, &[], C2, "auth credential"),
            ("C3", "openai-codex", 401, &[], C3, "auth_permanent credential"),
            (
                "C3",
                "openai-codex",
                401,
                &[],
                r#"{"error":{"code":"refresh_token_expired"}}"#,
                "auth_permanent credential",
            ),
            (
                "C3",
                "openai-codex",
                401,
                &[],
                r#"{"error":{"code":"token_expired","message":"Provided authentication token is expired."}}"#,
                "auth credential",
            ),
        ],
    );
}

#[test]
fn anthropic() {
    let five_hours = [
        ("retry-after", "900"),
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-reset", "1767229200"),
        ("anthropic-ratelimit-unified-7d-status", "allowed"),
        ("anthropic-ratelimit-unified-7d-reset", "1767585600"),
    ];
    let one_family = [
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-status", "allowed"),
        ("anthropic-ratelimit-unified-7d_oi-status", "rejected"),
        ("anthropic-ratelimit-unified-7d_oi-reset", "1767312000"),
    ];
    let buckets = [
        ("anthropic-ratelimit-requests-remaining", "3"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-01-01T00:00:42Z"),
    ];
    let error = |kind: &str, message: &str| {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
    };
    check(
        DEFAULT,
        &[
            ("A1", "anthropic", 429, &[], A1, "rate_limit model"),
            ("A1 with Retry-After", "anthropic", 429, &[("retry-after", "12")], A1, "rate_limit model 12000"),
            ("A1 with buckets", "anthropic", 429, &buckets, A1, "rate_limit model 42000"),
            ("plan, five hours", "anthropic", 429, &five_hours, A1, "quota credential 3600000"),
            ("plan, one family", "anthropic", 429, &one_family, A1, "quota model 86400000"),
            ("A2", "anthropic", 400, &[], A2, "billing credential"),
            ("A3", "anthropic", 401, &[], A3, "auth_permanent credential"),
            (
                "expired",
                "anthropic",
                401,
                &[],
                &error("authentication_error", "OAuth token has expired. Please obtain a new token."),
                "auth credential",
            ),
            (
                "revoked",
                "anthropic",
                401,
                &[],
                &error("authentication_error", "OAuth token has been revoked."),
                "auth_permanent credential",
            ),
            ("A5", "anthropic", 400, &[], A5, "auth_permanent credential"),
            (
                "400",
                "anthropic",
                400,
                &[],
                &error("invalid_request_error", "messages: field required"),
                "request_fault request",
            ),
            (
                "400 organisation",
                "anthropic",
                400,
                &[],
                &error("invalid_request_error", "This organization has been disabled."),
                "auth_permanent credential",
            ),
            ("402", "anthropic", 402, &[], &error("billing_error", "x"), "billing credential"),
            (
                "403",
                "anthropic",
                403,
                &[],
                &error("permission_error", "Your API key does not have permission"),
                "auth credential",
            ),
            (
                "403 region",
                "anthropic",
                403,
                &[],
                &error("forbidden", "Request not allowed"),
                "request_fault request",
            ),
            (
                "404",
                "anthropic",
                404,
                &[],
                &error("not_found_error", "model: claude-x"),
                "model_not_found model",
            ),
            (
                "404 else",
                "anthropic",
                404,
                &[],
                &error("not_found_error", "Not Found"),
                "request_fault request",
            ),
            (
                "413",
                "anthropic",
                413,
                &[],
                &error("request_too_large", "Request exceeds the maximum size"),
                "request_fault request",
            ),
            (
                "spend limit",
                "anthropic",
                429,
                &[],
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
                "billing credential",
            ),
            (
                "usage limits",
                "anthropic",
                400,
                &[],
                &error("invalid_request_error", "You have reached your specified API usage limits."),
                "billing credential",
            ),
            (
                "long context",
                "anthropic",
                429,
                &[],
                &error("rate_limit_error", "Extra usage is required for long context requests."),
                "request_fault request",
            ),
            ("500", "anthropic", 500, &[], &error("api_error", "Internal server error"), "overloaded model"),
            ("504", "anthropic", 504, &[], &error("timeout_error", "x"), "overloaded model"),
            ("529", "anthropic", 529, &[], &error("overloaded_error", "Overloaded"), "overloaded model"),
        ],
    );
}

#[test]
fn google() {
    check(
        DEFAULT,
        &[
            ("G1", "google", 429, &[], G1, "quota model"),
            ("G2", "google", 429, &[], G2, "rate_limit model 34075"),
            ("G3", "google", 400, &[], G3, "auth_permanent credential"),
            ("G4", "google", 400, &[], G4, "request_fault request"),
            ("G5", "google", 403, &[], G5, "auth credential"),
            ("G6", "google", 503, &[], G6, "overloaded model"),
            ("G7", "google", 429, &[], G7, "rate_limit model"),
            ("G8", "google", 429, &[], G8, "quota model"),
            (
                "a quota of all models",
                "google",
                429,
                &[],
                r#"{"error":{"details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]}}"#,
                "quota credential",
            ),
            ("CC1", "google-gemini-cli", 429, &[], CC1, "rate_limit model 51000"),
            ("CC2", "google-antigravity", 429, &[], CC2, "quota model 7500500"),
            ("CC2 credits", "google-antigravity", 429, &[], CC2_CREDITS, "billing credential"),
            ("CC2 validation", "google-gemini-cli", 403, &[], CC2_VALIDATION, "auth credential"),
            (
                "capacity",
                "google-antigravity",
                503,
                &[],
                r#"{"error":{"details":[{"reason":"MODEL_CAPACITY_EXHAUSTED"},{"retryDelay":"15s"}]}}"#,
                "overloaded model 15000",
            ),
            (
                "404",
                "google",
                404,
                &[],
                r#"{"error":{"code":404,"message":"models/x is not found for API version v1beta","status":"NOT_FOUND"}}"#,
                "model_not_found model",
            ),
            ("499", "google", 499, &[], r#"{"error":{"code":499,"status":"CANCELLED"}}"#, "timeout model"),
            (
                "OAuth",
                "google-gemini-cli",
                400,
                &[],
                r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#,
                "auth_permanent credential",
            ),
            (
                "401",
                "google-gemini-cli",
                401,
                &[],
                r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}"#,
                "auth credential",
            ),
        ],
    );
}
