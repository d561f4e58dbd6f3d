//! Machines of one's own, gateways, and answers that are none of the above: errors inside a 200.

use crate::{check, DEFAULT};

#[test]
fn own_machines_and_gateways() {
    check(
        DEFAULT,
        &[
            ("Ollama, model", "ollama", 404, &[], r#"{"error":"model 'x' not found"}"#, "model_not_found model"),
            ("Ollama, full", "ollama", 503, &[], r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#, "overloaded model"),
            ("llama.cpp, loading", "llama-cpp", 503, &[], r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#, "overloaded model"),
            ("llama.cpp, key", "llama-cpp", 401, &[], r#"{"error":{"code":401,"message":"Invalid API Key","type":"authentication_error"}}"#, "auth_permanent credential"),
            ("llama.cpp, long", "llama-cpp", 400, &[], r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}"#, "request_fault request"),
            ("vLLM, model", "vllm", 404, &[], r#"{"object":"error","message":"The model `x` does not exist.","type":"NotFoundError","param":null,"code":404}"#, "model_not_found model"),
            ("vLLM, bad", "vllm", 400, &[], r#"{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","param":null,"code":400}"#, "request_fault request"),
            ("Workers AI, key", "cloudflare-ai-gateway", 401, &[], r#"{"result":null,"success":false,"errors":[{"code":10000,"message":"Authentication error"}],"messages":[]}"#, "auth_permanent credential"),
            ("Workers AI, day", "cloudflare-ai-gateway", 429, &[], r#"{"success":false,"errors":[{"code":3036,"message":"you have used up your daily free allocation of 10,000 neurons"}]}"#, "quota credential"),
            ("Workers AI, full", "cloudflare-ai-gateway", 429, &[], r#"{"success":false,"errors":[{"code":3040,"message":"Capacity temporarily exceeded, please try again."}]}"#, "overloaded model"),
            ("Cloudflare, in front", "openai", 429, &[], "error code: 1015", "network upstream"),
            ("Cloudflare, in front", "openai", 520, &[("content-type", "text/html; charset=UTF-8")], "<!DOCTYPE html><html><head><title>api | 520: Web server is returning an unknown error</title>", "overloaded upstream"),
            ("Cloudflare, in front", "openai", 429, &[], "<!doctype html><title>Rate limited</title>", "network upstream"),
            ("Vercel's gateway", "vercel-ai-gateway", 403, &[], r#"{"error":{"message":"AI Gateway requires a valid credit card on file.","type":"customer_verification_required"}}"#, "billing credential"),
            ("LiteLLM, budget", "litellm", 400, &[], r#"{"error":{"message":"Budget has been exceeded! Current cost: 1.2, Max budget: 1.0","type":"budget_exceeded","param":null,"code":"400"}}"#, "billing credential"),
            ("LiteLLM, all cool", "litellm", 429, &[], r#"{"error":{"message":"No deployments available for selected model, Try again in 5 seconds.","type":"None","param":"None","code":"429"}}"#, "rate_limit model 5000"),
            ("LiteLLM, key", "litellm", 401, &[], r#"{"error":{"message":"Authentication Error, Invalid proxy server token passed.","type":"token_not_found_in_db","param":"key","code":"401"}}"#, "auth_permanent credential"),
            ("a captive portal", "openai", 511, &[], "<html>Log in</html>", "overloaded upstream"),
            ("a proxy that asks", "openai", 407, &[], "", "network upstream"),
            ("IETF", "openai", 429, &[("ratelimit", "\"default\";r=0;t=30"), ("ratelimit-policy", "\"default\";q=100;w=60")], "", "rate_limit model 30000"),
        ],
    );
}

/// An answer is an answer, whatever it speaks of; and a resource that failed is no failed call.
#[test]
fn inside_a_200_only_structure_counts() {
    check(
        DEFAULT,
        &[
            (
                "array",
                "google",
                200,
                &[],
                r#"[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]"#,
                "overloaded model",
            ),
            ("text", "ollama", 200, &[], r#"{"error":"model 'x' not found"}"#, "unknown model"),
            (
                "object",
                "vllm",
                200,
                &[],
                r#"{"object":"error","message":"m","type":"rate_limit_error","code":429}"#,
                "rate_limit model",
            ),
            (
                "Cloudflare",
                "cloudflare-ai-gateway",
                200,
                &[],
                r#"{"success":false,"errors":[{"code":3040,"message":"m"}]}"#,
                "overloaded model",
            ),
            (
                "a choice",
                "openrouter",
                200,
                &[],
                r#"{"id":"g","object":"chat.completion","choices":[{"error":{"code":502,"message":"m"},"message":{"content":""}}]}"#,
                "overloaded model",
            ),
            (
                "no error",
                "openai",
                200,
                &[],
                r#"{"id":"r","object":"response","status":"completed","error":null,"output":[]}"#,
                "ok",
            ),
            (
                "a job",
                "openai",
                200,
                &[],
                r#"{"id":"ftjob-1","object":"fine_tuning.job","status":"failed","error":{"code":"invalid_training_file","message":"m"}}"#,
                "ok",
            ),
            (
                "a list",
                "openai",
                200,
                &[],
                r#"{"object":"list","data":[{"error":{"code":"invalid_api_key"}}]}"#,
                "ok",
            ),
            (
                "hostile text",
                "openai",
                200,
                &[],
                r#"{"choices":[{"message":{"content":"{\"error\":{\"code\":\"insufficient_quota\"}}"}}]}"#,
                "ok",
            ),
            (
                "hostile call",
                "anthropic",
                200,
                &[],
                r#"{"type":"message","content":[{"type":"tool_use","input":{"error":{"type":"authentication_error"}}}]}"#,
                "ok",
            ),
            (
                "hostile JSON answer",
                "google",
                200,
                &[],
                r#"{"candidates":[{"content":{"parts":[{"text":"{\"error\":{\"code\":401}}"}]}}]}"#,
                "ok",
            ),
            ("empty", "openai", 200, &[], r#"{"error":{}}"#, "ok"),
            ("broken", "openai", 200, &[], r#"{"error":{"code":402"#, "ok"),
            ("a page", "openai", 200, &[], "<html>\"error\"</html>", "ok"),
        ],
    );
}
