//! What headers say, without a question.

use crate::{show, NOW};
use credpool::provider::usage::ingest;
use credpool::time::Timestamp;
use credpool::wire::http::Headers;
use proptest::prelude::*;

fn read(provider: &str, served: bool, lines: &str) -> String {
    let headers: Vec<(String, String)> = lines
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    ingest(provider, Headers::from(&headers), served, Timestamp(NOW))
        .map_or("-".to_owned(), |report| show(&report))
}

#[test]
fn each_family() {
    for (provider, lines, expected) in [
        (
            "anthropic",
            "anthropic-ratelimit-unified-status: allowed
             anthropic-ratelimit-unified-reset: 1767232800
             anthropic-ratelimit-unified-5h-utilization: 0.05
             anthropic-ratelimit-unified-5h-reset: 1767232800
             anthropic-ratelimit-unified-5h-status: allowed
             anthropic-ratelimit-unified-7d-utilization: 0.42
             anthropic-ratelimit-unified-7d-reset: 1767484800
             anthropic-ratelimit-unified-7d_oi-utilization: 1.3
             anthropic-ratelimit-unified-7d_oi-status: rejected
             anthropic-ratelimit-unified-overage-status: rejected",
            "anthropic:5h 5% ok | 5h +2h shared
             anthropic:7d 42% ok | 7d +3d shared
             anthropic:7d:fable 100% exhausted | 7d tier=fable",
        ),
        (
            "anthropic",
            "anthropic-ratelimit-requests-limit: 1000
             anthropic-ratelimit-requests-remaining: 999
             anthropic-ratelimit-requests-reset: 2026-01-01T00:01:00Z
             anthropic-ratelimit-input-tokens-limit: 80000
             anthropic-ratelimit-input-tokens-remaining: 8000",
            "anthropic:requests 0.1% 1/1000-999 requests ok | current +1m
             anthropic:input-tokens 90% 72000/80000-8000 tokens warning",
        ),
        (
            "openai-codex",
            "x-codex-primary-used-percent: 73
             x-codex-primary-window-minutes: 300
             x-codex-primary-reset-at: 1767232800
             x-codex-secondary-used-percent: 100
             x-codex-secondary-window-minutes: 10080
             x-codex-secondary-reset-after-seconds: 3600
             x-codex-bengalfox-primary-used-percent: 0
             x-codex-bengalfox-primary-window-minutes: 300
             x-codex-other-primary-used-percent: 0
             x-codex-credits-has-credits: True
             x-codex-credits-unlimited: 0
             x-codex-credits-balance: 12.50",
            "openai-codex:primary 73% ok | 5h +2h meter=chat
             openai-codex:secondary 100% exhausted | 7d +1h meter=chat
             credits has=true unlimited=false blocked=false balance=Some(\"12.5\")",
        ),
        (
            "github-copilot",
            "x-quota-snapshot-premium_interactions: ent=300&ov=0.0&ovPerm=false&rem=29.7&rst=2026-01-05T00%3A00%3A00Z
             x-quota-snapshot-chat: ent=-1&ov=0.0&ovPerm=true&rem=0.0",
            "copilot:premium 70.3% ok | monthly +4d meter=premium
             copilot:chat 100% warning | monthly meter=chat",
        ),
        (
            "openai",
            "x-ratelimit-limit-requests: 60
             x-ratelimit-remaining-requests: 0
             x-ratelimit-reset-requests: 1s
             x-ratelimit-limit-tokens: 150000
             x-ratelimit-remaining-tokens: 149984
             x-ratelimit-reset-tokens: 6m0s",
            "openai:requests 100% 60/60-0 requests exhausted | current +1s
             openai:tokens 0.0106% 16/150000-149984 tokens ok | current +6m",
        ),
        (
            "groq",
            "x-ratelimit-limit-requests: 14400
             x-ratelimit-remaining-requests: 14370
             x-ratelimit-reset-requests: 2m59.56s",
            "groq:requests 0.2083% 30/14400-14370 requests ok | 1d +179560ms",
        ),
        (
            "mistral",
            "x-ratelimit-limit-tokens-month: 1000000
             x-ratelimit-remaining-tokens-month: 250000
             x-ratelimit-limit-req-minute: 60
             x-ratelimit-remaining-req-minute: 30",
            "mistral:tokens-month 75% 750000/1000000-250000 tokens ok | 30d
             mistral:req-minute 50% 30/60-30 requests ok",
        ),
        (
            "anybody",
            "RateLimit: \"default\";r=50;t=30
             RateLimit-Policy: \"default\";q=100;w=60",
            "anybody:default 50% 50/100-50 requests ok | current +30s",
        ),
        ("azure", "x-ratelimit-limit-tokens: -1\nx-ratelimit-remaining-tokens: -1", "-"),
        ("openai-codex", "x-codex-primary-used-percent: 0", "-"),
        ("anthropic", "anthropic-ratelimit-unified-5h-reset: 1767232800", "-"),
        ("openai", "content-type: text/plain", "-"),
    ] {
        let expected: Vec<&str> = expected.lines().map(str::trim).collect();
        assert_eq!(read(provider, false, lines).lines().collect::<Vec<_>>(), expected, "{provider}");
    }
}

#[test]
fn who_is_served_at_100_per_cent_is_not_exhausted() {
    let lines = "x-codex-primary-used-percent: 100\nx-codex-primary-window-minutes: 300";
    assert_eq!(read("openai-codex", true, lines), "openai-codex:primary 100% warning | 5h meter=chat");
    assert_eq!(read("openai-codex", false, lines), "openai-codex:primary 100% exhausted | 5h meter=chat");
    // Nothing left for the next call is nothing left, though this one was served.
    let lines = "x-ratelimit-limit-requests: 3\nx-ratelimit-remaining-requests: 0";
    assert_eq!(read("openai", true, lines), "openai:requests 100% 3/3-0 requests exhausted");
}

proptest! {
    #[test]
    fn no_header_panics(
        provider in prop::sample::select(vec!["anthropic", "openai-codex", "github-copilot", "groq", "x"]),
        name in "(x-codex-|anthropic-ratelimit-unified-|x-ratelimit-|x-quota-snapshot-)[a-z0-9_-]{0,24}",
        value in "[-0-9a-zA-Z.%=&;: ]{0,24}",
        now: u64,
    ) {
        let headers = vec![(name, value)];
        let _ = ingest(provider, Headers::from(&headers), false, Timestamp(now));
    }
}
