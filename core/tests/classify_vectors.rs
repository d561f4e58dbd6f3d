//! Answers of real providers, as the field recorded them (the ids are those of the collection that the rules were made
//! from), and what each means under the presets. One line a vector.

use credpool::classify::{classify, Answer};
use credpool::rules::ClassifyRules;
use credpool::time::Timestamp;
use credpool::verdict::{TransportError, Verdict};
use credpool::wire::http::Headers;

/// 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp(1_767_225_600_000);

const DEFAULT: &str = include_str!("../src/policy/presets/default.classify.json");
const CLIPROXYAPI: &str = include_str!("../src/policy/presets/cliproxyapi.classify.json");

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
    let rules: ClassifyRules = serde_json::from_str(rules).expect("the preset parses");
    let mut wrong = Vec::new();
    for (id, provider, status, headers, body, want) in vectors {
        let found = meaning(&rules, provider, *status, headers, body);
        if found != *want {
            wrong.push(format!("{id}: {provider} {status}: {found}, expected {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const O1: &str = r#"{"error":{"message":"Rate limit reached for gpt-4o-mini in organization org-abc on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits to learn more. You can increase your rate limit by adding a payment method to your account at https://platform.openai.com/account/billing.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
const O2_TPM: &str = r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-abc on tokens per min (TPM): Limit 30000, Used 30000, Requested 900. Please try again in 1.8s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;
const O2_RPD: &str = r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-abc on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
const O3: &str = r#"{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
const O4: &str = r#"{"error":{"message":"Incorrect API key provided: sk-abc***wxyz. You can find your API key at https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#;
const O5: &str = r#"{"error":{"message":"You have insufficient permissions for this operation. Missing scopes: model.request.","type":"invalid_request_error","param":null,"code":null}}"#;
const O6: &str = r#"{"error":{"message":"The model `x` does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}"#;
const O7: &str = r#"{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}"#;
const O8: &str = r#"{"error":{"message":"This model's maximum context length is 8192 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}"#;
const O9: &str = r#"{"error":{"message":"The server is overloaded.","type":"server_error","code":"server_is_overloaded"}}"#;
const C1: &str = r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","plan_type":"plus","resets_at":1767229200,"resets_in_seconds":999}}"#;
const C1_PAST: &str = r#"{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_at":1704069000,"resets_in_seconds":3600}}"#;
const C2: &str = r#"{"error":{"type":"usage_not_included"}}"#;
const C3: &str = r#"{"error":{"message":"Your refresh token has already been used to generate a new access token. Please try signing in again.","type":"invalid_request_error","param":null,"code":"refresh_token_reused"}}"#;
const A1: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your account's rate limit. Please try again later."},"request_id":"req_011CZRuiaqp7Vtjhgja6Da4n"}"#;
const A2: &str = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."},"request_id":"req_011CZv3GcSceqNVJF4ZRcyLt"}"#;
const A3: &str = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},"request_id":"req_1"}"#;
const A5: &str = r#"{"error":"invalid_grant","error_description":"Refresh token not found or invalid"}"#;
const G1: &str = r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n* Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 250\nPlease retry in 964.972314ms.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_requests","quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier","quotaDimensions":{"location":"global","model":"gemini-2.5-flash"},"quotaValue":"250"}]},{"@type":"type.googleapis.com/google.rpc.Help","links":[{"description":"Learn more about Gemini API quotas","url":"https://ai.google.dev/gemini-api/docs/rate-limits"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0s"}]}}"#;
const G2: &str = r#"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.074824224s"}]}}"#;
const G3: &str = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com","metadata":{"service":"generativelanguage.googleapis.com"}}]}}"#;
const G4: &str = r#"{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}"#;
const G5: &str = r#"{"error":{"code":403,"message":"Generative Language API has not been used in project 1 before or it is disabled.","status":"PERMISSION_DENIED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"SERVICE_DISABLED"}]}}"#;
const G6: &str = r#"{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}"#;
const G7: &str = r#"[{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}]"#;
const G8: &str = r#"{"error":{"code":429,"message":"x","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"},{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"21s"}]}}"#;
const CC1: &str = r#"{"error":{"code":429,"message":"You have exhausted your capacity on this model. Your quota will reset after 51s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED","domain":"cloudcode-pa.googleapis.com"}]}}"#;
const CC2: &str = r#"{"error":{"code":429,"message":"You have exhausted your capacity on this model.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA_EXHAUSTED","domain":"cloudcode-pa.googleapis.com","metadata":{"quotaResetDelay":"2h5m0.5s","quotaResetTimeStamp":"2026-01-01T02:05:00Z"}}]}}"#;
const CC2_CREDITS: &str = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"reason":"INSUFFICIENT_G1_CREDITS_BALANCE","domain":"cloudcode-pa.googleapis.com"}]}}"#;
const CC2_VALIDATION: &str = r#"{"error":{"code":403,"status":"PERMISSION_DENIED","message":"Verify your account.","details":[{"reason":"VALIDATION_REQUIRED","domain":"cloudcode-pa.googleapis.com"}]}}"#;
const Q1: &str = r#"{"error":{"message":"Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Used 5000, Requested 2000. Please try again in 10.2s. Need more tokens?","type":"tokens","code":"rate_limit_exceeded"}}"#;
const Q1_TPD: &str = r#"{"error":{"message":"Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_x` on tokens per day (TPD): Limit 100000, Used 99000, Requested 2000. Please try again in 14m24.5s.","type":"tokens","code":"rate_limit_exceeded"}}"#;
const Q2: &str =
    r#"{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}"#;
const Q3: &str = r#"{"error":{"message":"Request too large for model `llama` in organization `org_x` on tokens per minute (TPM): Limit 6000, Requested 9000, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}"#;
const MISTRAL_3505: &str = r#"{"object":"error","message":"Service tier capacity exceeded for this model.","type":"service_tier_capacity_exceeded","param":null,"code":"3505"}"#;
const PAGE_502: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head><body>nginx</body></html>";
const PAGE_403: &str = "<!DOCTYPE html><html><body>Access denied by corporate policy: billing</body></html>";

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

#[test]
fn the_others() {
    let no_allowance = [("x-ratelimit-limit-req-minute", "0")];
    check(
        DEFAULT,
        &[
            ("Q1", "groq", 429, &[], Q1, "rate_limit model 10200"),
            ("Q1 TPD", "groq", 429, &[], Q1_TPD, "quota model 864500"),
            ("Q2", "groq", 401, &[], Q2, "auth_permanent credential"),
            ("Q3", "groq", 413, &[], Q3, "request_fault request"),
            ("Mistral", "mistral", 401, &[], r#"{"detail":"Unauthorized"}"#, "auth_permanent credential"),
            (
                "Mistral",
                "mistral",
                401,
                &[],
                r#"{"message":"Unauthorized","request_id":"r"}"#,
                "auth_permanent credential",
            ),
            (
                "Mistral",
                "mistral",
                429,
                &[],
                r#"{"message":"Requests rate limit exceeded"}"#,
                "rate_limit model",
            ),
            (
                "Mistral",
                "mistral",
                429,
                &[],
                r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#,
                "rate_limit model",
            ),
            ("Mistral", "mistral", 429, &[], MISTRAL_3505, "overloaded model"),
            ("Mistral, no allowance", "mistral", 429, &no_allowance, MISTRAL_3505, "billing credential"),
            (
                "xAI",
                "xai",
                400,
                &[],
                r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***gA. You can obtain an API key from https://console.x.ai."}"#,
                "auth_permanent credential",
            ),
            (
                "xAI",
                "xai",
                400,
                &[],
                r#"{"code":"invalid-argument","error":"Incorrect API key provided: xa***gA."}"#,
                "auth_permanent credential",
            ),
            (
                "xAI",
                "xai",
                400,
                &[],
                r#"{"code":"invalid-argument","error":"Messages cannot be empty"}"#,
                "request_fault request",
            ),
            (
                "xAI",
                "xai",
                401,
                &[],
                r#"{"code":"unauthenticated:no-credentials","error":"No credentials provided"}"#,
                "auth_permanent credential",
            ),
            (
                "xAI",
                "xai",
                429,
                &[],
                r#"{"code":"x","error":"Your team has used all available credits or reached its monthly spending limit."}"#,
                "billing credential",
            ),
            ("xAI", "xai", 429, &[], r#"{"code":"x","error":"Too many requests"}"#, "rate_limit model"),
            (
                "DeepSeek",
                "deepseek",
                401,
                &[],
                "Authentication Fails (governor)",
                "auth_permanent credential",
            ),
            (
                "DeepSeek",
                "deepseek",
                402,
                &[],
                r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}"#,
                "billing credential",
            ),
            ("DeepSeek", "deepseek", 429, &[], "", "rate_limit model"),
            ("DeepSeek", "deepseek", 503, &[], "", "overloaded model"),
            (
                "Cohere",
                "cohere",
                429,
                &[],
                r#"{"message":"You are using a Trial key, which is limited to 40 API calls / minute."}"#,
                "rate_limit model",
            ),
            (
                "Cohere",
                "cohere",
                429,
                &[],
                r#"{"message":"You are using a Trial key, which is limited to 1000 API calls / month."}"#,
                "quota credential",
            ),
            (
                "BigModel",
                "bigmodel",
                401,
                &[],
                r#"{"error":{"code":"1001","message":"x"}}"#,
                "auth_permanent credential",
            ),
            ("BigModel", "zai", 429, &[], r#"{"error":{"code":"1113","message":"x"}}"#, "billing credential"),
            (
                "SiliconFlow",
                "siliconflow",
                401,
                &[],
                r#"{"code":30014,"data":null,"message":"Invalid token"}"#,
                "auth_permanent credential",
            ),
            ("any proxy", "groq", 502, &[], PAGE_502, "overloaded upstream"),
            (
                "Copilot",
                "github-copilot",
                402,
                &[],
                r#"{"error":{"message":"You have no quota","code":"quota_exceeded"}}"#,
                "quota credential",
            ),
            (
                "Copilot",
                "github-copilot",
                429,
                &[("x-ratelimit-user-retry-after", "60")],
                "",
                "rate_limit model 60000",
            ),
            (
                "Bedrock",
                "amazon-bedrock",
                429,
                &[],
                r#"{"__type":"ThrottlingException","message":"Too many requests"}"#,
                "rate_limit model",
            ),
        ],
    );
}

#[test]
fn openrouter() {
    let day = r#"{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day","metadata":{"headers":{"X-RateLimit-Limit":"50","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1767312000000"}}}}"#;
    let minute = r#"{"error":{"code":429,"message":"Rate limit exceeded: free-models-per-min. ","metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1767225660000"}}}}"#;
    let upstream = r#"{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"deepseek is temporarily rate-limited upstream. Please retry shortly","provider_name":"Chutes"}}}"#;
    check(
        DEFAULT,
        &[
            (
                "401",
                "openrouter",
                401,
                &[],
                r#"{"error":{"code":401,"message":"User not found."}}"#,
                "auth_permanent credential",
            ),
            (
                "402",
                "openrouter",
                402,
                &[],
                r#"{"error":{"code":402,"message":"Insufficient credits","metadata":{}}}"#,
                "billing credential",
            ),
            (
                "402 inside a 200",
                "openrouter",
                200,
                &[],
                r#"{"error":{"code":402,"message":"Insufficient credits"}}"#,
                "billing credential",
            ),
            (
                "403",
                "openrouter",
                403,
                &[],
                r#"{"error":{"code":403,"message":"x","metadata":{"reasons":["violence"],"flagged_input":"y"}}}"#,
                "request_fault request",
            ),
            (
                "403 key limit",
                "openrouter",
                403,
                &[],
                r#"{"error":{"code":403,"message":"Key limit exceeded (total limit)."}}"#,
                "billing credential",
            ),
            ("408", "openrouter", 408, &[], r#"{"error":{"code":408,"message":"x"}}"#, "timeout model"),
            ("per day", "openrouter", 429, &[], day, "quota credential 86400000"),
            ("per minute", "openrouter", 429, &[], minute, "rate_limit model 60000"),
            ("upstream", "openrouter", 429, &[], upstream, "overloaded model"),
            (
                "502",
                "openrouter",
                502,
                &[],
                r#"{"error":{"code":502,"message":"Provider returned error","metadata":{"provider_name":"x","raw":"boom"}}}"#,
                "overloaded model",
            ),
            (
                "503",
                "openrouter",
                503,
                &[],
                r#"{"error":{"code":503,"message":"No provider"}}"#,
                "overloaded model",
            ),
            (
                "a success",
                "openrouter",
                200,
                &[],
                r#"{"choices":[{"message":{"content":"{\"error\":{\"code\":401}}"}}]}"#,
                "ok",
            ),
            ("others are not looked into", "openai", 200, &[], r#"{"error":{"code":402}}"#, "ok"),
        ],
    );
}

/// Where T1 to T16 are a matter of classification; T4, T5, T6, T10 and T13 are the engine's and the policy's.
#[test]
fn traps() {
    let skewed =
        [("date", "Thu, 01 Jan 2026 00:10:00 GMT"), ("retry-after", "Thu, 01 Jan 2026 00:10:20 GMT")];
    let unknown = [
        ("x-ratelimit-limit-tokens", "-1"),
        ("x-ratelimit-remaining-tokens", "-1"),
        ("x-ratelimit-reset-tokens", "0"),
    ];
    let two = [
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-status", "allowed"),
        ("anthropic-ratelimit-unified-5h-reset", "1767226000"),
        ("anthropic-ratelimit-unified-7d-status", "rejected"),
        ("anthropic-ratelimit-unified-7d-reset", "1767312000"),
    ];
    check(
        DEFAULT,
        &[
            ("T1", "openai", 429, &[], O1, "rate_limit model 20000"),
            ("T2", "google", 429, &[], G1, "quota model"),
            ("T3", "google", 400, &[], G3, "auth_permanent credential"),
            ("T3", "anthropic", 400, &[], A2, "billing credential"),
            ("T7", "openai", 403, &[], PAGE_403, "network upstream"),
            ("T7", "openai", 403, &[("content-type", "text/html")], "blocked", "network upstream"),
            ("T7", "openai", 503, &[("cf-mitigated", "challenge")], PAGE_403, "network upstream"),
            ("T7", "openai", 404, &[], "<html>Not Found", "format request"),
            ("T8", "anthropic", 200, &[], r#"{"type":"error","error":{"type":"overloaded_error"}}"#, "ok"),
            ("T9", "azure", 429, &unknown, "", "rate_limit model"),
            ("T10", "openai", 200, &[("x-ratelimit-remaining-requests", "0")], "", "ok"),
            ("T11", "anthropic", 429, &two, A1, "quota credential 86400000"),
            ("T12", "openai", 429, &skewed, "", "rate_limit model 20000"),
            ("T14", "azure", 400, &[], r#"{"error":{"code":"content_filter"}}"#, "request_fault request"),
            ("T14", "openai", 400, &[], r#"{"error":{"code":"cyber_policy"}}"#, "request_fault request"),
            ("T15", "openai", 404, &[], O6, "model_not_found model"),
            ("T16", "openai", 429, &[], Q3, "request_fault request"),
            ("never disables", "openai", 403, &[], "{not json", "auth credential"),
        ],
    );
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
        let rules: ClassifyRules = serde_json::from_str(preset).unwrap();
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
    let mut rules: ClassifyRules = serde_json::from_str(DEFAULT).unwrap();
    let own = r#"{"provider":["openai"],"status":["5xx"],"text":["maintenance"],"reason":"quota","scope":"meter:m"}"#;
    rules.custom.push(serde_json::from_str(own).unwrap());
    assert_eq!(meaning(&rules, "openai", 503, &[], "down for Maintenance"), "quota meter:m");
    assert_eq!(meaning(&rules, "groq", 503, &[], "down for Maintenance"), "overloaded model");
}
