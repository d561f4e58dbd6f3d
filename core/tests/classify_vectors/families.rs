//! One family a test: what its own documents and its users show.

use crate::{check, Vector, DEFAULT};

#[test]
fn azure() {
    check(
        DEFAULT,
        &[
            (
                "429 S0",
                "azure",
                429,
                &[],
                r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-06-01 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 26 seconds."}}"#,
                "rate_limit model 26000",
            ),
            (
                "429, milliseconds",
                "azure",
                429,
                &[("retry-after-ms", "1500"), ("retry-after", "2")],
                r#"{"error":{"code":"RateLimitReached","message":"Rate limit reached"}}"#,
                "rate_limit model 1500",
            ),
            (
                "401",
                "azure",
                401,
                &[],
                r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint."}}"#,
                "auth_permanent credential",
            ),
            (
                "403 quota",
                "azure",
                403,
                &[],
                r#"{"statusCode":403,"message":"Out of call volume quota. Quota will be replenished in 01:12:34."}"#,
                "quota credential",
            ),
            (
                "404 deployment",
                "azure",
                404,
                &[],
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
                "model_not_found model",
            ),
            (
                "404",
                "azure",
                404,
                &[],
                r#"{"error":{"code":"404","message":"Resource not found"}}"#,
                "request_fault request",
            ),
            (
                "400 filter",
                "azure",
                400,
                &[],
                r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"violence":{"filtered":true}}}}}"#,
                "request_fault request",
            ),
        ],
    );
}

#[test]
fn bedrock() {
    let named = |name: &'static str| [("x-amzn-errortype", name)];
    let throttled = named("ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/");
    let quota = named("ServiceQuotaExceededException");
    let denied = named("AccessDeniedException");
    let unknown = named("UnrecognizedClientException");
    let expired = named("ExpiredTokenException");
    let slow = named("ModelTimeoutException");
    let not_ready = named("ModelNotReadyException");
    let stream = named("ModelStreamErrorException");
    let invalid = named("ValidationException");
    let missing = named("ResourceNotFoundException");
    let vectors: &[Vector<'_>] = &[
        (
            "throttled",
            "amazon-bedrock",
            429,
            &throttled,
            r#"{"message":"Too many requests, please wait before trying again."}"#,
            "rate_limit model",
        ),
        (
            "a day",
            "amazon-bedrock",
            429,
            &throttled,
            r#"{"message":"Too many tokens per day, please wait before trying again."}"#,
            "quota model",
        ),
        (
            "quota",
            "amazon-bedrock",
            400,
            &quota,
            r#"{"message":"Your request exceeds the service quota for your account."}"#,
            "quota credential",
        ),
        (
            "model",
            "amazon-bedrock",
            403,
            &denied,
            r#"{"message":"You don't have access to the model with the specified model ID."}"#,
            "model_not_found model",
        ),
        (
            "denied",
            "amazon-bedrock",
            403,
            &denied,
            r#"{"message":"User is not authorized to perform: bedrock:InvokeModel"}"#,
            "auth credential",
        ),
        (
            "key",
            "amazon-bedrock",
            403,
            &unknown,
            r#"{"message":"The security token included in the request is invalid."}"#,
            "auth_permanent credential",
        ),
        (
            "expired",
            "amazon-bedrock",
            403,
            &expired,
            r#"{"message":"The security token included in the request is expired"}"#,
            "auth credential",
        ),
        ("slow", "amazon-bedrock", 408, &slow, r#"{"message":"Model request timeout"}"#, "timeout model"),
        (
            "not ready",
            "amazon-bedrock",
            429,
            &not_ready,
            r#"{"message":"Model is not ready for inference."}"#,
            "overloaded model",
        ),
        (
            "stream",
            "amazon-bedrock",
            424,
            &stream,
            r#"{"message":"The system encountered an unexpected error"}"#,
            "overloaded model",
        ),
        (
            "invalid",
            "amazon-bedrock",
            400,
            &invalid,
            r#"{"message":"Malformed input request"}"#,
            "request_fault request",
        ),
        (
            "missing",
            "amazon-bedrock",
            404,
            &missing,
            r#"{"message":"Could not resolve the foundation model from the provided model identifier."}"#,
            "model_not_found model",
        ),
        (
            "body",
            "amazon-bedrock",
            500,
            &[],
            r#"{"__type":"com.amazon.bedrock#ServiceUnavailableException","message":"m"}"#,
            "overloaded model",
        ),
    ];
    check(DEFAULT, vectors);
}

#[test]
fn openai_and_google_again() {
    check(
        DEFAULT,
        &[
            (
                "verified",
                "openai",
                400,
                &[],
                r#"{"error":{"message":"Your organization must be verified to stream this model.","type":"invalid_request_error","param":"stream","code":"unsupported_value"}}"#,
                "model_not_found model",
            ),
            (
                "wrong place",
                "openai",
                404,
                &[],
                r#"{"error":{"message":"This is not a chat model and thus not supported in the v1/chat/completions endpoint.","type":"invalid_request_error","param":"model","code":null}}"#,
                "request_fault request",
            ),
            (
                "billing",
                "openai",
                429,
                &[],
                r#"{"error":{"message":"Your account is not active, please check your billing details on our website.","type":"billing_not_active","param":null,"code":"billing_not_active"}}"#,
                "billing credential",
            ),
            (
                "deactivated",
                "openai",
                401,
                &[],
                r#"{"error":{"message":"The OpenAI account associated with this API key has been deactivated.","type":"invalid_request_error","code":"account_deactivated"}}"#,
                "auth_permanent credential",
            ),
            (
                "Codex token",
                "openai-codex",
                401,
                &[],
                r#"{"error":{"message":"Provided authentication token is expired. Please try signing in again.","code":"token_expired"},"status":401}"#,
                "auth credential",
            ),
            (
                "leaked",
                "google",
                403,
                &[],
                r#"{"error":{"code":403,"message":"Your API key was reported as leaked. Please use another API key.","status":"PERMISSION_DENIED"}}"#,
                "auth_permanent credential",
            ),
            (
                "expired",
                "google",
                400,
                &[],
                r#"{"error":{"code":400,"message":"API key expired. Please renew the API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
                "auth_permanent credential",
            ),
            (
                "not in the free tier",
                "google",
                429,
                &[],
                r#"{"error":{"code":429,"message":"You exceeded your current quota. * Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: gemini-2.5-pro\nPlease retry in 27.5s.","status":"RESOURCE_EXHAUSTED"}}"#,
                "model_not_found model 27500",
            ),
            (
                "Vertex, shared",
                "google-vertex",
                429,
                &[],
                r#"[{"error":{"code":429,"message":"Resource exhausted. Please try again later.","status":"RESOURCE_EXHAUSTED"}}]"#,
                "rate_limit model",
            ),
            (
                "Vertex, model",
                "google-vertex",
                404,
                &[],
                r#"{"error":{"code":404,"message":"Publisher Model `projects/p/locations/l/publishers/google/models/x` was not found or your project does not have access to it.","status":"NOT_FOUND"}}"#,
                "model_not_found model",
            ),
            (
                "Vertex, rights",
                "google-vertex",
                403,
                &[],
                r#"{"error":{"code":403,"message":"Permission 'aiplatform.endpoints.predict' denied","status":"PERMISSION_DENIED","details":[{"reason":"IAM_PERMISSION_DENIED"}]}}"#,
                "auth credential",
            ),
            (
                "Vertex, billing",
                "google-vertex",
                403,
                &[],
                r#"{"error":{"code":403,"message":"This API method requires billing to be enabled.","status":"PERMISSION_DENIED","details":[{"reason":"BILLING_DISABLED"}]}}"#,
                "billing credential",
            ),
            (
                "scopes",
                "google-gemini-cli",
                403,
                &[],
                r#"{"error":{"code":403,"message":"Request had insufficient authentication scopes.","status":"PERMISSION_DENIED","details":[{"reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#,
                "auth credential",
            ),
        ],
    );
}

#[test]
fn copilot_and_its_kin() {
    check(
        DEFAULT,
        &[
            (
                "expired",
                "github-copilot",
                401,
                &[],
                "IDE token expired: unauthorized: token expired\n",
                "auth credential",
            ),
            (
                "model",
                "github-copilot",
                400,
                &[],
                r#"{"error":{"message":"The requested model is not supported.","code":"model_not_supported","param":"model","type":"invalid_request_error"}}"#,
                "model_not_found model",
            ),
            (
                "everything",
                "github-copilot",
                429,
                &[("retry-after", "120")],
                r#"{"error":{"message":"Sorry, you have been rate-limited.","code":"user_global_rate_limited:pro"}}"#,
                "rate_limit credential 120000",
            ),
            (
                "one model",
                "github-copilot",
                429,
                &[("x-ratelimit-exceeded", "user_model_rate_limited")],
                "",
                "rate_limit model",
            ),
            (
                "upstream",
                "github-copilot",
                429,
                &[],
                r#"{"error":{"message":"m","code":"upstream_provider_rate_limit"}}"#,
                "overloaded model",
            ),
            (
                "GitHub's models",
                "openai",
                429,
                &[],
                r#"{"error":{"code":"RateLimitReached","message":"Rate limit of 8 per 86400s exceeded for UserByModelByDay. Please wait 53467 seconds before retrying.","details":"Rate limit"}}"#,
                "quota model 53467000",
            ),
            (
                "too long",
                "openai",
                413,
                &[],
                r#"{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-4o model. Max size: 8000 tokens."}}"#,
                "request_fault request",
            ),
        ],
    );
}
