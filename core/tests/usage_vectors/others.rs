//! Copilot, Cursor, Synthetic, Umans, xAI, `OpenCode`, `OpenRouter`.

use crate::{check, requests, Asked};
use credpool::credential::Identity;
use credpool::facts::Kind;
use credpool::provider::usage::{can_be_asked, Account, Probe};
use credpool::secret::Secret;

#[test]
fn copilot() {
    check(
        &Asked::oauth("github-copilot"),
        &[
            (
                "a paid plan",
                &[(
                    200,
                    r#"{"login":"octo","access_type_sku":"x","copilot_plan":"individual_pro","quota_reset_date":"2026-02-01","quota_reset_date_utc":"2026-02-01T00:00:00.000Z","quota_snapshots":{
                      "chat":{"entitlement":0,"overage_count":0,"overage_permitted":false,"percent_remaining":100.0,"quota_id":"chat","quota_remaining":0.0,"remaining":0,"unlimited":true},
                      "premium_interactions":{"entitlement":1500,"overage_count":0,"overage_permitted":false,"percent_remaining":5.25,"quota_remaining":78.75,"remaining":78,"unlimited":false}}}"#,
                )],
                "copilot:premium 94.75% 1421.25/1500-78.75 requests warning | monthly +31d meter=premium
                 copilot:chat 0% ok | monthly +31d meter=chat
                 plan individual_pro",
            ),
            (
                "spent; and spent with leave to go on",
                &[(
                    200,
                    r#"{"copilot_plan":"b","quota_snapshots":{"premium_interactions":{"entitlement":300,"percent_remaining":0,"remaining":0,"overage_permitted":false},
                      "chat":{"entitlement":50,"percent_remaining":-12.5,"remaining":-6,"overage_permitted":true}}}"#,
                )],
                "copilot:premium 100% 300/300-0 requests exhausted | monthly meter=premium
                 copilot:chat 100% 50/50-0 requests warning | monthly meter=chat
                 plan b",
            ),
            (
                "the free plan",
                &[(
                    200,
                    r#"{"copilot_plan":"individual","limited_user_quotas":{"chat":410,"completions":4000},"monthly_quotas":{"chat":500,"completions":4000},"limited_user_reset_date":"2026-01-21"}"#,
                )],
                "copilot:chat 18% 90/500-410 requests ok | monthly +20d meter=chat
                 copilot:completions 0% 0/4000-4000 requests ok | monthly +20d meter=completions
                 plan individual",
            ),
            ("no plan", &[(200, r#"{"copilot_plan":null,"quota_snapshots":null}"#)], ""),
            ("dead", &[(401, "{}")], "auth http-401"),
        ],
    );
    // A key that may not ask for itself may see its bill.
    let asked = Asked::key("github-copilot");
    let bill = r#"{"timePeriod":{"year":2026,"month":1},"user":"octo","usageItems":[
        {"product":"Copilot","sku":"Copilot Premium Request","model":"GPT-5","unitType":"requests","grossQuantity":100.5,"netQuantity":0,"limit":1000},
        {"product":"Copilot","sku":"Copilot Premium Request","model":"Claude Opus 4","unitType":"requests","grossQuantity":20,"netQuantity":0},
        {"product":"Actions","sku":"Actions Linux","grossQuantity":9}]}"#;
    check(
        &asked,
        &[
            (
                "a bill",
                &[(404, "{}"), (200, r#"{"login":"octo cat"}"#), (200, bill)],
                "copilot:premium 12.05% 120.5/1000-899.5 requests ok | monthly +31d meter=premium
             copilot:model:gpt-5 10.05% 100.5/1000-899.5 requests ok | monthly +31d model=GPT-5
             copilot:model:claude-opus-4 ? 20/?-? requests unknown | monthly +31d model=Claude Opus 4",
            ),
            ("nothing to see", &[(404, "{}"), (403, "{}")], "refused http-403"),
        ],
    );
    let asks = requests(&asked, &[(404, "{}"), (200, r#"{"login":"octo/../x?y"}"#), (200, bill)]);
    assert!(
        asks[2].starts_with("GET https://api.github.com/users/octo%2F..%2Fx%3Fy/settings/billing/"),
        "{}",
        asks[2]
    );

    // GitHub's own token is shown, not the one that was made of it.
    let (access, refresh) = (Secret::new("made"), Secret::new("gho_own"));
    let account = Account {
        provider: "github-copilot",
        kind: Kind::Oauth,
        secret: &access,
        refresh: Some(&refresh),
        base_url: Some("https://api.individual.githubcopilot.com"),
        identity: &Identity::default(),
    };
    let (_, request) = Probe::begin(account).ok().unwrap();
    assert_eq!(&*request.url, "https://api.github.com/copilot_internal/user");
    assert!(request.headers.iter().any(|(_, value)| value.expose() == "Bearer gho_own"));
}

#[test]
fn cursor() {
    // {"sub":"auth0|user_1"}
    let jwt = "e30.eyJzdWIiOiJhdXRoMHx1c2VyXzEifQ.canary";
    let asked = Asked { secret: jwt, ..Asked::oauth("cursor") };
    let month =
        r#""billingCycleStart":"2025-12-15T00:00:00.000Z","billingCycleEnd":"2026-01-15T00:00:00.000Z""#;
    let pro = format!(
        r#"{{{month},"membershipType":"pro","isUnlimited":false,"individualUsage":{{"plan":{{"enabled":true,"used":1500,"limit":5000,"remaining":3500,
            "autoPercentUsed":0.0267,"apiPercentUsed":100,"totalPercentUsed":30}},"onDemand":{{"enabled":true,"used":738,"limit":10000}}}}}}"#
    );
    let cents = format!(
        r#"{{{month},"individualUsage":{{"overall":{{"enabled":false,"limit":5}},"plan":{{"enabled":true,"used":40595,"limit":119198,"remaining":78603}},"onDemand":{{"enabled":false,"used":0,"limit":200}}}}}}"#
    );
    check(
        &asked,
        &[
            (
                "two pools, in per cent",
                &[(200, &pro)],
                "cursor:usd:individual-auto 0.0267% ok | monthly=31d +14d meter=auto
                 cursor:usd:individual-api 100% exhausted | monthly=31d +14d meter=api
                 cursor:usd:individual-ondemand 7.38% 7.38/100-92.62 usd ok | monthly=31d +14d
                 plan pro",
            ),
            (
                "one pool, in cents",
                &[(200, &cents)],
                "cursor:usd:individual-plan 34.0567% 405.95/1191.98-786.03 usd ok | monthly=31d +14d shared",
            ),
            (
                "a team without a share of one's own",
                &[(200, r#"{"membershipType":"enterprise","teamUsage":{}}"#)],
                "plan enterprise",
            ),
            (
                "the older endpoint, where the newer fails",
                &[
                    (503, ""),
                    (
                        200,
                        r#"{"gpt-4":{"numRequests":150,"numRequestsTotal":180,"numTokens":9,"maxRequestUsage":500,"maxTokenUsage":null},"gpt-3.5-turbo":{"numRequests":0,"maxRequestUsage":null},"startOfMonth":"2025-12-15T00:00:00.000Z"}"#,
                    ),
                ],
                "cursor:requests:gpt-4 30% 150/500-350 requests ok | monthly +14d
                 cursor:requests:gpt-3.5-turbo ? 0/?-? requests unknown | monthly +14d",
            ),
            ("dead", &[(401, "")], "auth http-401"),
        ],
    );
    assert_eq!(
        requests(&asked, &[(200, &pro)]),
        [format!("GET https://cursor.com/api/usage-summary [accept: application/json; cookie: WorkosCursorSessionToken=user_1%3A%3A{jwt}]")]
    );
    // Of a token that names nobody no session can be made.
    let opaque = requests(&Asked::oauth("cursor"), &[(200, r#"{"startOfMonth":"2025-12-15"}"#)]);
    assert!(opaque[0].starts_with("GET https://api2.cursor.sh/auth/usage ["), "{}", opaque[0]);
}

#[test]
fn synthetic() {
    check(
        &Asked::key("synthetic"),
        &[
            (
                "windows that fill up bit by bit never begin anew",
                &[(
                    200,
                    r#"{"subscription":{"limit":500,"requests":0,"renewsAt":"2026-01-20T00:00:00Z"},"rollingFiveHourLimit":{"limited":false,"max":500,"remaining":123.75,"nextTickAt":"2026-01-01T00:15:00Z","tickPercent":0.05},
                      "weeklyTokenLimit":{"nextRegenAt":"2026-01-01T02:00:00Z","percentRemaining":75.5,"maxCredits":"$24.00","remainingCredits":"$18.12","nextRegenCredits":"$0.48"}}"#,
                )],
                "synthetic:requests:5h 75.25% 376.25/500-123.75 requests ok | 5h ~+15m shared
                 synthetic:usd:7d 24.5% 5.88/24-18.12 usd ok | 7d ~+2h shared",
            ),
            (
                "limited, though something is left",
                &[(
                    200,
                    r#"{"rollingFiveHourLimit":{"limited":true,"max":100,"remaining":0.4,"nextTickAt":"2026-01-01T00:15:00Z"}}"#,
                )],
                "synthetic:requests:5h 100% 99.6/100-0.4 requests exhausted | 5h ~+15m shared",
            ),
            (
                "the older plan",
                &[(
                    200,
                    r#"{"subscription":{"limit":135,"requests":27,"renewsAt":"2026-01-01T03:00:00.288Z"}}"#,
                )],
                "synthetic:requests:5h 20% 27/135-108 requests ok | 5h +10800288ms shared",
            ),
            ("no plan", &[(200, r#"{"subscription":{"limit":0,"requests":0}}"#)], ""),
        ],
    );
}

#[test]
fn umans() {
    check(
        &Asked::key("umans"),
        &[
            (
                "a soft cap never refuses; the burst's does",
                &[(
                    200,
                    r#"{"user_id":"u","plan":{"display_name":"Code Max","slug":"code_max"},"limits":{"requests":{"limit":200,"hard_cap":400,"window_seconds":18000},"concurrency":{"limit":4,"hard_cap":8}},
                      "window":{"started_at":"x","resets_at":"2026-01-01T03:00:00+00:00"},
                      "usage":{"requests_in_window":400,"weighted_in_window":200.0,"remaining_requests":0,"weighted_remaining_requests":0,"concurrent_sessions":1,"priority":{"low":true}}}"#,
                )],
                "umans:requests:soft 100% 200/200-0 requests warning | 5h ~+3h shared
                 umans:requests:hard 100% 400/400-0 requests exhausted | 5h ~+3h shared
                 umans:concurrency 25% 1/4-3 requests ok
                 plan Code Max
                 note Requests wait behind others after a burst.",
            ),
            (
                "without a burst's cap the weighted count refuses",
                &[(
                    200,
                    r#"{"limits":{"requests":{"limit":200,"hard_cap":null}},"usage":{"requests_in_window":300,"weighted_in_window":150}}"#,
                )],
                "umans:requests 75% 150/200-50 requests ok | 5h shared",
            ),
            (
                "plain counts; no limit",
                &[(
                    200,
                    r#"{"limits":{"requests":{"limit":null}},"usage":{"requests_in_window":3,"remaining_requests":null}}"#,
                )],
                "umans:requests ? 3/?-? requests unknown | 5h shared",
            ),
            ("a 403 is a dead key here", &[(403, "{}")], "auth http-403"),
        ],
    );
}

#[test]
fn xai() {
    check(
        &Asked::oauth("xai-oauth"),
        &[
            (
                "weekly credits",
                &[(
                    200,
                    r#"{"config":{"currentPeriod":{"type":"USAGE_PERIOD_TYPE_WEEKLY","start":"2025-12-29T00:00:00.999237+00:00","end":"2026-01-05T00:00:00+00:00"},"creditUsagePercent":23.0,
                      "productUsage":[{"product":"GrokBuild","usagePercent":20.5},{"product":"Api"}],"onDemandCap":{"val":500},"onDemandUsed":{"val":50}}}"#,
                )],
                "xai-oauth:credits:7d 23% ok | 7d +4d shared
                 xai-oauth:product:grokbuild:7d 20.5% ok | 7d +4d
                 xai-oauth:product:api:7d 0% ok | 7d +4d
                 xai-oauth:on-demand 10% 50/500-450 unknown ok",
            ),
            (
                "a period that has just begun says nothing",
                &[(
                    200,
                    r#"{"config":{"currentPeriod":{"type":"USAGE_PERIOD_TYPE_WEEKLY","end":"2026-01-08T00:00:00Z"}}}"#,
                )],
                "xai-oauth:credits:7d 0% ok | 7d +7d shared",
            ),
            (
                "a unified account has months",
                &[
                    (
                        200,
                        r#"{"config":{"isUnifiedBillingUser":true,"currentPeriod":{"type":"USAGE_PERIOD_TYPE_WEEKLY","end":"2026-01-08T00:00:00Z"}}}"#,
                    ),
                    (
                        200,
                        r#"{"config":{"monthlyLimit":{"val":4000},"used":{"val":1000},"billingPeriodStart":"2025-12-16T00:00:00Z","billingPeriodEnd":"2026-01-16T00:00:00Z"}}"#,
                    ),
                ],
                "xai-oauth:included:monthly 25% 1000/4000-3000 unknown ok | monthly=31d +15d shared",
            ),
            (
                "nothing of either",
                &[(200, r#"{"config":{}}"#), (200, r#"{"config":{"monthlyLimit":{"val":0}}}"#)],
                "",
            ),
            ("dead", &[(401, "")], "auth http-401"),
        ],
    );
    assert_eq!(can_be_asked("xai-oauth", Kind::ApiKey), Some(false), "a paid key is another product");
}

#[test]
fn opencode_go() {
    let window = |percent: &str, status: &str| {
        format!(r#"{{"status":"{status}","percent":{percent},"resetsAt":"2026-01-02T00:00:00Z"}}"#)
    };
    let usage = |rolling: &str, weekly: &str, monthly: &str| {
        format!(r#"{{"usage":{{"rolling":{rolling},"weekly":{weekly},"monthly":{monthly}}}}}"#)
    };
    let (ok, bad) = (window("99", "ok"), window("99", "rate-limited"));
    let full = usage(&window("79", "ok"), &window("80", "ok"), &bad);
    let broken = usage(&ok, r#"{"percent":"?","resetsAt":"2026-01-02T00:00:00Z"}"#, &ok);
    let short = usage(&ok, &ok, "null");
    check(
        &Asked::key("opencode-go"),
        &[
            (
                "it warns early, and its word goes before a percentage that is rounded down",
                &[(200, &full)],
                "rolling-5h 79% ok | 5h +1d shared
                 weekly 80% warning | 7d +1d shared
                 monthly 100% exhausted | monthly +1d",
            ),
            (
                "all or nothing: half a report would wipe out a whole one",
                &[(200, &broken)],
                "malformed not_as_expected usage.weekly.percent",
            ),
            ("one is missing", &[(200, &short)], "malformed not_as_expected usage.monthly"),
            ("no plan", &[(403, r#"{"error":{"message":"no subscription"}}"#)], "auth http-403"),
        ],
    );
}

#[test]
fn openrouter() {
    check(
        &Asked::key("openrouter"),
        &[
            (
                "a key with a limit, of an account with credits",
                &[
                    (
                        200,
                        r#"{"data":{"label":"sk-or-v1-au7...890","limit":100,"limit_remaining":74.5,"limit_reset":"monthly","usage":125.5,"usage_daily":25.5,"is_free_tier":false}}"#,
                    ),
                    (200, r#"{"data":{"total_credits":110,"total_usage":109.5}}"#),
                ],
                "openrouter:key 25.5% 25.5/100-74.5 usd ok | monthly +31d shared
                 openrouter:credits 99.5454% 109.5/110-0.5 usd warning shared",
            ),
            (
                "a limit that begins anew on Monday; credits are not for every key to see",
                &[
                    (
                        200,
                        r#"{"data":{"limit":5,"limit_remaining":0,"limit_reset":"weekly","usage":0.1015644762}}"#,
                    ),
                    (403, "{}"),
                ],
                "openrouter:key 100% 5/5-0 usd exhausted | 7d +4d shared",
            ),
            (
                "no limit",
                &[
                    (
                        200,
                        r#"{"data":{"limit":null,"limit_remaining":null,"limit_reset":null,"usage":3.5,"is_free_tier":true}}"#,
                    ),
                    (0, ""),
                ],
                "openrouter:key ? 3.5/?-? usd unknown
                 note Free: 50 requests a day of free models.",
            ),
            ("dead", &[(401, "{}")], "auth http-401"),
        ],
    );
}

#[test]
fn who_can_be_asked() {
    for (provider, kind, asked) in [
        ("anthropic", Kind::Oauth, Some(true)),
        ("anthropic", Kind::ApiKey, Some(false)),
        ("openai-codex", Kind::Token, Some(true)),
        ("zai", Kind::ApiKey, Some(true)),
        ("openai", Kind::ApiKey, None),
        ("", Kind::ApiKey, None),
    ] {
        assert_eq!(can_be_asked(provider, kind), asked, "{provider}");
    }
    let (secret, identity) = (Secret::new("k"), Identity::default());
    let code = |provider, kind, base_url| {
        let account =
            Account { provider, kind, secret: &secret, refresh: None, base_url, identity: &identity };
        Probe::begin(account).err().map(|failure| failure.code)
    };
    assert_eq!(code("openai", Kind::ApiKey, None).as_deref(), Some("no_source"));
    assert_eq!(code("anthropic", Kind::ApiKey, None).as_deref(), Some("kind"));
    // A gateway's key is not shown to the provider, nor the other way round.
    assert_eq!(code("anthropic", Kind::Token, Some("https://gateway.example")).as_deref(), Some("host"));
    assert_eq!(code("anthropic", Kind::Token, Some("https://api.anthropic.com/v1")), None);
}
