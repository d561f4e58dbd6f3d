//! Everybody else, and the traps.

use crate::bodies::*;
use crate::{check, DEFAULT};

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
            (
                "inside a 200 of anybody",
                "openai",
                200,
                &[],
                r#"{"error":{"code":402}}"#,
                "billing credential",
            ),
        ],
    );
}

#[test]
/// Where T1 to T16 are a matter of classification; T4, T5, T6, T10 and T13 are the engine's and the policy's.
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
            (
                "T8",
                "anthropic",
                200,
                &[],
                r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
                "overloaded model",
            ),
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
