use super::*;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_767_225_600_000); // 2026-01-01

fn read(pairs: &[(&str, &str)]) -> RateLimits {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    RateLimits::read(Headers::from(&pairs), NOW)
}

fn reset(pairs: &[(&str, &str)]) -> Option<u64> {
    read(pairs).reset_of_refusal().map(Span::as_millis)
}

#[test]
fn openai_and_groq_state_lengths_in_gos_form() {
    let limits = read(&[
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "8.64s"),
        ("X-RateLimit-Limit-Tokens", "200000"),
        ("X-RateLimit-Remaining-Tokens", "0"),
        ("X-RateLimit-Reset-Tokens", "6m0s"),
        ("x-ratelimit-limit-project-tokens", "5"),
    ]);
    assert_eq!(limits.0.len(), 3);
    assert_eq!(limits.0[0].reset, Some(Span(8640)));
    let exhausted: Vec<_> = limits.exhausted().map(|limit| &*limit.name).collect();
    assert_eq!(exhausted, ["tokens"]);
    assert_eq!(limits.reset_of_refusal(), Some(Span(360_000)));
    assert_eq!(limits.reset_of_windows(), None, "a rate is no window");
}

#[test]
fn of_several_exhausted_limits_the_latest_reset_counts() {
    let pairs = [
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "2m59.56s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "12ms"),
    ];
    assert_eq!(reset(&pairs), Some(179_560));
}

#[test]
fn the_size_of_a_bare_reset_tells_its_kind() {
    for (value, want) in [
        ("12", Some(12_000)),            // Together: seconds from now
        ("1767225630", Some(30_000)),    // GitHub: seconds since 1970
        ("1767225660000", Some(60_000)), // OpenRouter: milliseconds since 1970
        ("2026-01-01T00:02:00Z", Some(120_000)),
        ("1700000000", None), // past
        ("0", None),
        ("-5", None),
        ("99999999999999999999", Some(duration::MAX.0)),
    ] {
        assert_eq!(reset(&[("x-ratelimit-reset", value)]), want, "{value}");
    }
    assert_eq!(reset(&[("x-ratelimit-reset-ms", "1767225660000")]), Some(60_000));
    assert_eq!(reset(&[("x-ratelimit-reset-after", "7")]), Some(7000));
    let some_left = [("x-ratelimit-reset", "12"), ("x-ratelimit-remaining", "3")];
    assert_eq!(reset(&some_left), None, "what is left does not refuse");
}

#[test]
fn azures_unknown_is_no_limit() {
    let limits = read(&[
        ("x-ratelimit-limit-tokens", "-1"),
        ("x-ratelimit-remaining-tokens", "-1"),
        ("x-ratelimit-reset-tokens", "0"),
        ("x-ratelimit-limit-requests", "0"),
        ("x-ratelimit-remaining-requests", "0"),
    ]);
    assert_eq!(limits.0, []);
}

#[test]
fn anthropic_states_instants() {
    let limits = read(&[
        ("anthropic-ratelimit-input-tokens-limit", "50000"),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-input-tokens-reset", "2026-01-01T00:00:42Z"),
        ("anthropic-priority-input-tokens-limit", "10"),
        ("anthropic-organization-id", "org"),
    ]);
    assert_eq!(limits.0.len(), 2);
    assert_eq!(&*limits.0[0].name, "input-tokens");
    assert_eq!(limits.reset_of_refusal(), Some(Span(42_000)));
}

#[test]
fn a_rejected_unified_window_binds_until_its_reset() {
    let limits = read(&[
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
        ("anthropic-ratelimit-unified-reset", "1767229200"),
        ("anthropic-ratelimit-unified-5h-utilization", "1.02"),
        ("anthropic-ratelimit-unified-5h-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-reset", "1767229200"),
        ("anthropic-ratelimit-unified-7d-utilization", "0.05"),
        ("anthropic-ratelimit-unified-7d-status", "allowed_warning"),
        ("anthropic-ratelimit-unified-7d-reset", "1767585600"),
        ("anthropic-ratelimit-unified-7d_oi-status", "allowed"),
        ("anthropic-ratelimit-unified-overage-status", "rejected"),
        ("anthropic-ratelimit-unified-fallback-percentage", "0.5"),
    ]);
    let names: Vec<_> = limits.0.iter().map(|limit| &*limit.name).collect();
    assert_eq!(names, ["", "5h", "7d", "7d_oi"]);
    assert_eq!(limits.0[1].used_ppm, Some(1_020_000));
    assert_eq!(limits.reset_of_windows(), Some(Span(3_600_000)));
    assert_eq!(limits.reset_of_refusal(), Some(Span(3_600_000)));
}

#[test]
fn an_allowed_window_beyond_its_limit_is_not_exhausted() {
    let limits = read(&[
        ("anthropic-ratelimit-unified-5h-utilization", "1.2"),
        ("anthropic-ratelimit-unified-5h-status", "allowed"),
        ("anthropic-ratelimit-unified-5h-reset", "1767229200"),
    ]);
    assert_eq!(limits.reset_of_windows(), None);
}

#[test]
fn codex_windows_with_dashes_or_underscores_and_families() {
    let limits = read(&[
        ("x-codex-primary-used-percent", "100"),
        ("x-codex-primary-window-minutes", "300"),
        ("x-codex-primary-reset-at", "1767229200"),
        ("x-codex-bengalfox-primary-used-percent", "12.5"),
        ("x_codex_secondary_used_percent", "100.0"),
        ("x-codex-secondary-reset-after-seconds", "60"),
        ("x-codex-other-primary-used-percent", "0"),
        ("x-codex-credits-balance", "12.50"),
    ]);
    let names: Vec<_> = limits.0.iter().map(|limit| &*limit.name).collect();
    assert_eq!(names, ["primary", "bengalfox-primary", "secondary"], "all zero without a reset is no data");
    assert_eq!(limits.0[1].used_ppm, Some(125_000));
    assert_eq!(limits.reset_of_windows(), Some(Span(3_600_000)));
}

#[test]
fn copilots_snapshot() {
    let limits = read(&[(
        "x-quota-snapshot-premium_interactions",
        "ent=300&ov=0.0&ovPerm=false&rem=0.0&rst=2026-01-02T00%3A00%3A00Z",
    )]);
    assert_eq!(limits.reset_of_windows(), Some(Span(86_400_000)));
    assert_eq!(unescape("a%3ab%c3%a9%zz%4"), "a:b%c3%a9%zz%4");
    let more = read(&[("x-quota-snapshot-chat", "ent=-1&ovPerm=true&rem=0&rst=2026-01-02T00%3A00%3A00Z")]);
    assert_eq!(more.0[0].limit, None);
    assert_eq!(more.reset_of_windows(), None, "overage is allowed");
}

#[test]
fn the_ietf_draft_in_three_ages() {
    assert_eq!(reset(&[("RateLimit", "\"burst\";r=50;t=30, \"daily\";r=0;t=90")]), Some(90_000));
    assert_eq!(reset(&[("ratelimit", "limit=10, remaining=0, reset=3")]), Some(3000));
    assert_eq!(reset(&[("ratelimit-remaining", "0"), ("ratelimit-reset", "5")]), Some(5000));
    let policy = read(&[("ratelimit-policy", "\"burst\";q=100;w=60"), ("ratelimit", "\"burst\";r=99;t=1")]);
    assert_eq!(policy.0.len(), 1);
    assert_eq!((policy.0[0].limit, policy.0[0].remaining), (Some(100), Some(99)));
}

#[test]
fn thousands_of_headers_stay_a_small_list() {
    let pairs: Vec<_> = (0..5000).map(|n| (format!("x-ratelimit-limit-n{n}"), "5".to_owned())).collect();
    assert_eq!(RateLimits::read(Headers::from(&pairs), NOW).0.len(), MAX_LIMITS);
}

proptest! {
    #[test]
    fn no_headers_panic(
        pairs in proptest::collection::vec(
            (
                "(x-ratelimit-|ratelimit-?|anthropic-ratelimit-(unified-)?|x-codex-|x-quota-snapshot-)[a-z0-9_-]{0,24}",
                "[0-9a-zA-Z.;,=&%\":+ -]{0,40}|\\PC{0,20}",
            ),
            0..12,
        ),
        now in any::<u64>(),
    ) {
        let limits = RateLimits::read(Headers::from(&pairs), Timestamp(now));
        if let Some(span) = limits.reset_of_refusal() {
            prop_assert!(span > Span::ZERO && span <= duration::MAX);
        }
    }
}
