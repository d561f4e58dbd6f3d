//! Z.AI and `BigModel`, Kimi, `MiniMax`, Alibaba, Moonshot, `DeepSeek`.

use crate::{check, requests, Asked, Vector};

#[test]
fn zai() {
    let vectors: &[Vector<'_>] = &[
        (
            "full",
            &[(
                200,
                r#"{"code":200,"msg":"Operation successful","success":true,"data":{"level":"pro","limits":[
                  {"type":"TIME_LIMIT","unit":5,"number":1,"usage":4000,"currentValue":100,"remaining":3900,"percentage":2,"nextResetTime":1767484800000,
                   "usageDetails":[{"modelCode":"search-prime","usage":50},{"modelCode":"web-reader","usage":40},{"modelCode":"zread","usage":10}]},
                  {"type":"TIME_LIMIT","unit":3,"number":5,"usage":600,"currentValue":300,"remaining":300,"percentage":50,"nextResetTime":1767232800000},
                  {"type":"TOKENS_LIMIT","unit":3,"number":5,"usage":800000000,"currentValue":760000000,"remaining":40000000,"percentage":95,"nextResetTime":1767232800000},
                  {"type":"TOKENS_LIMIT","unit":6,"number":1,"percentage":45,"nextResetTime":1767484800000},
                  {"type":"CREDIT_LIMIT","unit":6,"usage":60000,"currentValue":15000},
                  {"type":"NEW_LIMIT","percentage":100}]}}"#,
            )],
            "zai:tokens:5h 95% 760000000/800000000-40000000 tokens warning | 5h +2h shared
             zai:tokens:7d 45% ok | 7d +3d shared
             zai:requests:5h 50% 300/600-300 requests ok | 5h +2h shared
             zai:features:zread:monthly 2% 100/4000-3900 requests ok | monthly +3d tier=zread
             zai:credits:7d 25% 15000/60000-45000 unknown ok | 7d shared
             plan pro",
        ),
        (
            "a unit that nobody knows is a window all the same",
            &[(
                200,
                r#"{"success":true,"data":{"limits":[{"type":"TOKENS_LIMIT","unit":9,"number":2,"percentage":1,"nextResetTime":1767312000}]}}"#,
            )],
            "zai:tokens:current 1% ok | current +1d shared",
        ),
        ("empty", &[(200, r#"{"success":true,"data":{"limits":[]}}"#)], ""),
        ("a plan that ended", &[(200, r#"{"success":true,"data":{"level":"lite"}}"#)], "plan lite"),
        (
            "a refusal with 200",
            &[(200, r#"{"code":1001,"msg":"Authentication failed","success":false}"#)],
            "auth refused_in_body",
        ),
        (
            "a failure with 200",
            &[(200, r#"{"code":500,"msg":"x","success":false}"#)],
            "transient failed_in_body",
        ),
        ("another document", &[(200, r#"{"success":true}"#)], "malformed missing data"),
        (
            "wrong types",
            &[(
                200,
                r#"{"success":true,"data":{"limits":[{"type":"TOKENS_LIMIT","percentage":true,"usage":"many"},7,null,[]]}}"#,
            )],
            "malformed not_as_expected data.limits[].usage",
        ),
    ];
    check(&Asked::key("zai"), vectors);
    check(&Asked::key("zhipu-coding-plan"), vectors);
    let answer = vectors[1].1;
    // The key is shown as it is.
    assert_eq!(
        requests(&Asked::key("zai"), answer),
        ["GET https://api.z.ai/api/monitor/usage/quota/limit [accept: application/json; authorization: canary-token]"]
    );
    assert!(requests(&Asked::key("zhipu-coding-plan"), answer)[0]
        .starts_with("GET https://open.bigmodel.cn/api/"));
}

#[test]
fn kimi() {
    check(
        &Asked::oauth("kimi-code"),
        &[
            (
                "numbers are texts; the window tells its length, the detail its reset",
                &[(
                    200,
                    r#"{"user":{"userId":"u-7","region":"REGION_OVERSEA","membership":{"level":"LEVEL_INTERMEDIATE"}},
                      "usage":{"limit":"2048","used":"214","remaining":"1834","resetTime":"2026-01-06T00:00:00.123456Z"},
                      "limits":[{"window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"detail":{"limit":"200","used":"200","remaining":"0","resetTime":"2026-01-01T02:00:00Z"}},
                        {"name":"Burst","window":{"duration":300,"timeUnit":"TIME_UNIT_MINUTE"},"limit":10,"remaining":4,"reset_in":90}],
                      "totalQuota":{"limit":100,"remaining":99}}"#,
                )],
                "kimi-code:7d 10.4492% 214/2048-1834 unknown ok | 7d +432000123ms shared
                 kimi-code:5h 100% 200/200-0 unknown exhausted | 5h +2h shared
                 kimi-code:5h:2 60% 6/10-4 unknown ok | 5h +90s shared
                 kimi-code:total 1% 1/100-99 unknown ok
                 plan LEVEL_INTERMEDIATE",
            ),
            ("only a limit says nothing", &[(200, r#"{"usage":{"limit":"5"},"limits":[]}"#)], ""),
            ("empty", &[(200, r#"{"usage":null,"limits":[]}"#)], ""),
            ("another document", &[(200, r#"{"error":{"message":"x"}}"#)], "malformed missing usage"),
        ],
    );
    let report = Asked::oauth("kimi-code").report(&[(200, r#"{"usage":null,"user":{"userId":"u-7"}}"#)]);
    assert_eq!(report.identity.account_id.as_deref(), Some("u-7"));
}

#[test]
fn minimax() {
    let full = r#"{"base_resp":{"status_code":0,"status_msg":"success"},"model_remains":[
        {"model_name":"general","start_time":1767218400000,"end_time":1767236400000,"remains_time":1,"current_interval_total_count":0,"current_interval_usage_count":0,
         "current_interval_remaining_percent":90,"current_interval_status":1,"weekly_start_time":1766880000000,"weekly_end_time":1767484800000,"current_weekly_remaining_percent":5,"current_weekly_status":1},
        {"model_name":"video","end_time":1767236400,"current_interval_remaining_percent":40,"current_interval_status":2,"current_weekly_status":3,"current_weekly_remaining_percent":1},
        {"model_name":"speech","current_interval_total_count":0,"current_weekly_total_count":0,"current_interval_status":3,"current_weekly_status":3,"current_interval_remaining_percent":100},
        {"current_interval_remaining_percent":1}]}"#;
    let vectors: &[Vector<'_>] = &[
        (
            "the status goes before the percentage; what is not in the plan is left out",
            &[(200, full)],
            "general:5h 10% ok | 5h +3h shared
             video:current 100% exhausted | current +3h meter=video
             general:7d 95% warning | 7d +3d shared",
        ),
        ("empty", &[(200, r#"{"base_resp":{"status_code":0},"model_remains":[]}"#)], ""),
        (
            "a refusal with 200",
            &[(200, r#"{"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#)],
            "auth refused_in_body",
        ),
        ("a failure with 200", &[(200, r#"{"base_resp":{"status_code":1000}}"#)], "transient failed_in_body"),
        ("another document", &[(200, r#"{"model":[]}"#)], "transient failed_in_body"),
    ];
    check(&Asked::key("minimax-code"), vectors);
    check(&Asked::key("minimax-code-cn"), vectors);
}

#[test]
fn alibaba() {
    let secret = r#"{"token":"canary-sk","cookie":"a=1; login_aliyunid_csrf=canary-csrf; b=2"}"#;
    let asked = Asked { secret, ..Asked::key("alibaba-token-plan") };
    let session = (200, r#"{"code":"200","data":{"secToken":"canary-sec","accountId":123}}"#);
    let usage = |data: &str| {
        format!(
            r#"{{"code":"200","successResponse":true,"data":{{"DataV2":{{"ret":["SUCCESS"],"data":{{"code":"SUCCESS","data":{data}}}}}}}}}"#
        )
    };
    let full = usage(
        r#"{"per5HourPercentage":0.17865556533333332,"per5HourResetTime":1767232800000,"per1WeekPercentage":85.5,"per1WeekResetTime":1767484800000}"#,
    );
    let week = usage(r#"{"per1WeekPercentage":1,"per1WeekResetTime":1767484800000}"#);
    check(
        &asked,
        &[
            (
                "a share of one, or per cent above one; it warns early",
                &[session, (200, &full)],
                "credits:5h 17.8655% ok | 5h +2h shared
                 credits:7d 85.5% warning | 7d +3d shared",
            ),
            (
                "no window of five hours is under way",
                &[session, (200, &week)],
                "credits:7d 100% exhausted | 7d +3d shared",
            ),
            (
                "an answer within an answer",
                &[
                    session,
                    (200, r#"{"successResponse":true,"data":{"Data":"{\"per5HourPercentage\":0.5}"}}"#),
                ],
                "credits:5h 50% ok | 5h shared",
            ),
            ("empty", &[session, (200, r#"{"successResponse":true,"data":{}}"#)], ""),
            (
                "a refusal with 200",
                &[session, (200, r#"{"successResponse":false,"data":{}}"#)],
                "transient failed_in_body",
            ),
            ("the cookie is not good any more: the key is no worse for it", &[(302, "")], "refused http-302"),
            ("so too here", &[(401, "")], "refused http-401"),
            ("a session without a token", &[(200, r#"{"data":{}}"#)], "malformed missing data.secToken"),
            ("no answer", &[(0, "")], "transient network"),
        ],
    );
    let asks = requests(&asked, &[session, (200, &full)]);
    assert_eq!(
        asks[0],
        "GET https://home.qwencloud.com/tool/user/info.json [accept: application/json; cookie: a=1; login_aliyunid_csrf=canary-csrf; b=2]"
    );
    assert!(
        asks[1].starts_with("POST https://cs-data.qwencloud.com/data/api.json?product=sfm_bailian"),
        "{}",
        asks[1]
    );
    assert!(
        asks[1].contains("x-csrf-token: canary-csrf") && asks[1].contains("&sec_token=canary-sec&"),
        "{}",
        asks[1]
    );
    assert!(!asks.concat().contains("canary-sk"), "the key itself is not shown to a console");
    assert_eq!(asked.report(&[session, (200, &full)]).identity.account_id.as_deref(), Some("123"));

    // A key of Beijing asks in Beijing, whose session is a page.
    let beijing = r#"{"token":"canary-sk","cookie":"c=canary","baseUrl":"https://token-plan.cn-beijing.maas.aliyuncs.com/compatible-mode/v1"}"#;
    let asked = Asked { secret: beijing, ..Asked::key("alibaba-token-plan") };
    let page = (200, "<script>CONFIG = { CHANNEL: 'X', SEC_TOKEN: \"canary-sec\" };</script>");
    let asks = requests(&asked, &[page, (200, &full)]);
    assert!(
        asks[0].starts_with("GET https://bailian.console.aliyun.com/")
            && asks[1].contains("sec_token=canary-sec")
    );
    check(
        &asked,
        &[("a page without it", &[(200, "<html>login</html>")], "malformed not_found SEC_TOKEN: \"")],
    );

    for secret in ["canary-sk", r#"{"token":"canary-sk"}"#, r#"{"token":"canary-sk","cookie":"a\r\nb: c"}"#] {
        let asked = Asked { secret, ..Asked::key("alibaba-token-plan") };
        assert_eq!(&*asked.begin().err().unwrap().code, "no_cookie", "{secret}");
    }
}

#[test]
fn balances() {
    check(
        &Asked::key("deepseek"),
        &[
            (
                "each currency",
                &[(
                    200,
                    r#"{"is_available":true,"balance_infos":[{"currency":"USD","total_balance":"5.25"},{"currency":"CNY","total_balance":"43.97"}]}"#,
                )],
                "deepseek:balance:usd ? ?/?-5.25 usd unknown shared
                 deepseek:balance:cny ? ?/?-43.97 unknown unknown shared",
            ),
            (
                "spent",
                &[(
                    200,
                    r#"{"is_available":false,"balance_infos":[{"currency":"USD","total_balance":"0.00"}]}"#,
                )],
                "deepseek:balance:usd 100% ?/?-0 usd exhausted shared",
            ),
        ],
    );
    check(
        &Asked::key("moonshot"),
        &[(
            "a balance",
            &[(200, r#"{"code":0,"status":true,"data":{"available_balance":49.58894,"cash_balance":3}}"#)],
            "moonshot:balance ? ?/?-49.58894 usd unknown shared",
        )],
    );
}
