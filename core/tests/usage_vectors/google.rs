//! Google's accounts: Antigravity and Gemini CLI.

use crate::{check, requests, Asked};
use credpool::credential::Identity;

#[test]
fn antigravity() {
    check(
        &Asked::oauth("google-antigravity"),
        &[
            (
                "models share counters: the least that is left counts, and each backend has its own",
                &[(
                    200,
                    r#"{"models":{
                      "gemini-3-pro-high":{"displayName":"Gemini 3 Pro","modelProvider":"MODEL_PROVIDER_GOOGLE","quotaInfo":{"remainingFraction":0.9,"resetTime":"2026-01-01T05:00:00Z"}},
                      "gemini-3-pro-low":{"modelProvider":"MODEL_PROVIDER_GOOGLE","quotaInfo":{"remainingFraction":0.25,"resetTime":"2026-01-01T05:00:00Z"}},
                      "claude-opus":{"apiProvider":"API_PROVIDER_ANTHROPIC_VERTEX","quotaInfo":{"remainingFraction":1}},
                      "gpt-oss":{"modelProvider":"MODEL_PROVIDER_OPENAI","quotaInfo":{"remainingFraction":0.05,"resetTime":"2026-01-03T00:00:00Z"}},
                      "chat_1":{"isInternal":true,"quotaInfo":{"remainingFraction":0}},
                      "odd":{"quotaInfo":{"remainingFraction":0.5}},
                      "bare":{"displayName":"x"}}}"#,
                )],
                "google-antigravity:google:default:1d 75% ok | 1d +5h meter=google
                 google-antigravity:anthropic:default:1d 0% ok | 1d meter=anthropic
                 google-antigravity:openai:default:7d 95% warning | 7d +2d meter=openai
                 google-antigravity:default:default:1d 50% ok | 1d meter=default",
            ),
            (
                "what is left is not told where nothing is",
                &[(
                    200,
                    r#"{"models":{"a":{"modelProvider":"MODEL_PROVIDER_GOOGLE","quotaInfo":{"resetTime":"2026-01-01T05:00:00Z"}},
                        "b":{"modelProvider":"MODEL_PROVIDER_GOOGLE","quotaInfo":{}}}}"#,
                )],
                "google-antigravity:google:default:1d 100% exhausted | 1d +5h meter=google",
            ),
            (
                "several windows: told by name, or the last is the week",
                &[(
                    200,
                    r#"{"models":{"a":{"modelProvider":"MODEL_PROVIDER_GOOGLE","quotaInfo":[
                          {"remainingFraction":0.5,"resetTime":"2026-01-01T05:00:00Z"},{"remainingFraction":0.8,"resetTime":"2026-01-01T09:00:00Z"}]},
                        "b":{"modelProvider":"MODEL_PROVIDER_ANTHROPIC","quotaInfos":[{"windowId":"WINDOW_WEEKLY","remainingFraction":0.3},{"windowLabel":"Daily","remainingFraction":0.4}]},
                        "c":{"modelProvider":"MODEL_PROVIDER_OPENAI","dailyQuotaInfo":{"remainingFraction":0.6},"weeklyQuotaInfos":[{"remainingFraction":0.7}]}}}"#,
                )],
                "google-antigravity:google:default:1d 50% ok | 1d +5h meter=google
                 google-antigravity:google:default:7d 20% ok | 7d +9h meter=google
                 google-antigravity:anthropic:default:7d 70% ok | 7d meter=anthropic
                 google-antigravity:anthropic:default:1d 60% ok | 1d meter=anthropic
                 google-antigravity:openai:default:1d 40% ok | 1d meter=openai
                 google-antigravity:openai:default:7d 30% ok | 7d meter=openai",
            ),
            (
                "tiers and maps of windows",
                &[(
                    200,
                    r#"{"models":{"a":{"modelProvider":"MODEL_PROVIDER_GOOGLE","quotaInfoByTier":{"PRO":{"remainingFraction":0.9},"ULTRA":[{"remainingFraction":0.1}]},
                        "quotaInfoByWindow":{"weekly":{"remainingFraction":0.2}}}}}"#,
                )],
                "google-antigravity:google:pro:1d 10% ok | 1d tier=pro meter=google
                 google-antigravity:google:ultra:1d 90% warning | 1d tier=ultra meter=google
                 google-antigravity:google:default:7d 80% ok | 7d meter=google",
            ),
            ("empty", &[(200, r#"{"models":{}}"#)], ""),
            ("wrong types", &[(200, r#"{"models":[1,2]}"#)], ""),
            (
                "nonsense",
                &[(200, r#"{"models":{"a":{"quotaInfo":{"remainingFraction":"lots"}}}}"#); 2],
                "malformed not_as_expected models{}.quotaInfo[] models{}.quotaInfos[].remainingFraction",
            ),
            (
                "the other host is asked where one fails",
                &[(503, ""), (200, r#"{"models":{"a":{"quotaInfo":{"remainingFraction":1}}}}"#)],
                "google-antigravity:default:default:1d 0% ok | 1d meter=default",
            ),
            ("both fail", &[(0, ""), (500, "")], "transient http-500"),
            ("a dead token is not shown to the other", &[(401, "{}")], "auth http-401"),
        ],
    );
    let body = (200, r#"{"models":{}}"#);
    assert_eq!(
        requests(&Asked::oauth("google-antigravity"), &[body]),
        ["POST https://daily-cloudcode-pa.googleapis.com/v1internal:fetchAvailableModels [accept: application/json; authorization: Bearer \
          canary-token; content-type: application/json] {\"project\":\"proj\"}"]
    );
    let nobody = Asked { identity: Identity::default(), ..Asked::oauth("google-antigravity") };
    assert_eq!(&*nobody.begin().err().unwrap().code, "no_project");
    let project = Identity { project_id: Some("p\"},{\\".into()), ..Identity::default() };
    let quoted = Asked { identity: project, ..Asked::oauth("google-antigravity") };
    assert!(requests(&quoted, &[body])[0].ends_with(r#"{"project":"p\"},{\\"}"#));
}

#[test]
fn gemini_cli() {
    check(
        &Asked::oauth("google-gemini-cli"),
        &[
            (
                "one limit a model, whatever the reset: a history keeps its name",
                &[(
                    200,
                    r#"{"buckets":[
                      {"modelId":"gemini-2.5-pro","tokenType":"REQUESTS","remainingAmount":"75","remainingFraction":0.75,"resetTime":"2026-01-01T16:00:00Z"},
                      {"modelId":"gemini-2.5-pro_vertex","tokenType":"REQUESTS","remainingFraction":1.0},
                      {"modelId":"gemini-2.5-flash","remainingFraction":0.031,"resetTime":"2026-01-02T00:00:00Z"},
                      {"modelId":"gemini-2.5-flash","tokenType":"TOKENS","remainingFraction":0.5,"resetTime":"2026-01-02T00:00:00Z"},
                      {"modelId":"gone","resetTime":"2026-01-01T01:00:00Z"},
                      {"remainingFraction":0}]}"#,
                )],
                "google-gemini-cli:gemini-2.5-pro 25% ok | 1d +16h model=gemini-2.5-pro
                 google-gemini-cli:gemini-2.5-pro-vertex 0% ok | 1d model=gemini-2.5-pro_vertex
                 google-gemini-cli:gemini-2.5-flash 96.9% warning | 1d +1d model=gemini-2.5-flash
                 google-gemini-cli:gone 100% exhausted | 1d +1h model=gone
                 google-gemini-cli:gemini-2.5-flash:tokens 50% ok | 1d +1d model=gemini-2.5-flash",
            ),
            ("empty", &[(200, r#"{"buckets":[]}"#)], ""),
            ("nothing to say", &[(200, r#"{"buckets":null}"#)], ""),
            ("another document", &[(200, "{}")], "malformed missing buckets"),
            (
                "no longer allowed",
                &[(403, r#"{"error":{"status":"PERMISSION_DENIED"}}"#)],
                "refused http-403",
            ),
        ],
    );
}
