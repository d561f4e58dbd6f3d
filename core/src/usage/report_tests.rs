use super::*;
use proptest::prelude::*;

fn amount(text: &str) -> Amount {
    crate::json::read(text).unwrap()
}

#[test]
fn one_meaning_of_what_is_used() {
    for (text, used) in [
        // What the provider says goes first.
        (r#"{"used_ppm":420000,"used":9,"limit":10,"remaining_ppm":1}"#, Some(420_000)),
        (r#"{"used":30000000,"limit":120000000,"remaining_ppm":1}"#, Some(250_000)),
        (r#"{"used":42000000,"unit":"percent","remaining_ppm":1}"#, Some(420_000)),
        (r#"{"used":42000000,"unit":"tokens","remaining_ppm":300000}"#, Some(700_000)),
        (r#"{"remaining":25,"limit":100}"#, Some(750_000)),
        // Nothing of nothing is unknown, not all.
        (r#"{"used":0,"limit":0}"#, None),
        (r#"{"used":5,"unit":"usd"}"#, None),
        (r#"{"remaining":5}"#, None),
        ("{}", None),
        // Never more than all.
        (r#"{"used_ppm":1300000}"#, Some(1_000_000)),
        (r#"{"used":300,"limit":100}"#, Some(1_000_000)),
        (r#"{"remaining_ppm":2000000}"#, Some(0)),
        (r#"{"remaining":300,"limit":100}"#, Some(0)),
        (r#"{"used":18446744073709551615,"limit":1}"#, Some(1_000_000)),
    ] {
        assert_eq!(amount(text).used_fraction(), used.map(Ppm), "{text}");
    }
}

#[test]
fn exhausted_by_status_then_by_any_number() {
    for (text, exhausted) in [
        (r#"{"id":"a","amount":{"used_ppm":1000000}}"#, true),
        (r#"{"id":"a","amount":{"used_ppm":999999}}"#, false),
        (r#"{"id":"a","amount":{"remaining_ppm":0}}"#, true),
        (r#"{"id":"a","amount":{"used":10,"limit":10}}"#, true),
        (r#"{"id":"a","amount":{"used":0,"limit":0,"remaining":0}}"#, false),
        (r#"{"id":"a","amount":{"remaining":0}}"#, true),
        (r#"{"id":"a","amount":{"used":100000000,"unit":"percent"}}"#, true),
        (r#"{"id":"a","amount":{"used":100000000,"unit":"tokens"}}"#, false),
        // An account of a team whose percentage rounds to 100, and is served.
        (r#"{"id":"a","status":"warning","amount":{"used_ppm":1000000,"remaining":0}}"#, false),
        (r#"{"id":"a","status":"ok","amount":{"used_ppm":1000000}}"#, false),
        (r#"{"id":"a","status":"exhausted","amount":{"used_ppm":1}}"#, true),
        (r#"{"id":"a","status":"exhausted"}"#, true),
        (r#"{"id":"a"}"#, false),
    ] {
        let limit: Limit = crate::json::read(text).unwrap();
        assert_eq!(limit.is_exhausted(), exhausted, "{text}");
    }
}

#[test]
fn thresholds_are_the_providers() {
    for (provider, used, status) in [
        ("anthropic", Some(899_999), Status::Ok),
        ("anthropic", Some(900_000), Status::Warning),
        ("anthropic", Some(1_000_000), Status::Exhausted),
        ("opencode-go", Some(800_000), Status::Warning),
        ("alibaba-token-plan", Some(799_999), Status::Ok),
        ("anthropic", None, Status::Unknown),
    ] {
        assert_eq!(Status::of(used.map(Ppm), warns_at(provider)), status, "{provider} {used:?}");
    }
}

#[test]
fn a_window_is_called_after_its_length() {
    for (seconds, name) in [
        (1_800, "1h"),
        (10_800, "3h"),
        (18_000, "5h"),
        (86_399, "24h"),
        (86_400, "1d"),
        (100_000, "1d"),
        (604_800, "7d"),
        (0, "1h"),
    ] {
        assert_eq!(Window::name_of(Span::from_secs(seconds)), name, "{seconds} s");
    }
    assert!(Window::name_of(Span(u64::MAX)).ends_with('d'));
}

#[test]
fn a_window_that_began_anew_is_of_the_past() {
    let window = Window { resets_at: Some(Timestamp(1_000)), ..Window::default() };
    let limit = Limit { window: Some(window), ..Limit::default() };
    assert_eq!([999, 1_000, 1_001].map(|at| limit.is_over(Timestamp(at))), [false, true, true]);
    assert_eq!(limit.back_at(), Some(Timestamp(1_000)));
    assert!(!Limit::default().is_over(Timestamp(u64::MAX)), "without a reset nothing ends");
    let rolling = Window { ticks_at: Some(Timestamp(5)), ..Window::default() };
    let limit = Limit { window: Some(rolling), ..Limit::default() };
    assert!(!limit.is_over(Timestamp(6)), "a part that came back is no new window");
    assert_eq!((limit.back_at(), limit.resets_at()), (Some(Timestamp(5)), None));
}

#[test]
fn credits_pay_where_there_are_some_and_nothing_forbids_it() {
    for (has, unlimited, blocked, balance, usable) in [
        (true, false, false, None, true),
        (true, false, false, Some(0), false),
        (true, false, true, Some(5), false),
        (false, true, false, Some(0), true),
        (false, true, true, None, false),
        (false, false, false, Some(5), false),
    ] {
        let credits = Credits { has, unlimited, blocked, balance };
        assert_eq!(credits.usable(), usable, "{credits:?}");
    }
}

#[test]
fn a_whole_report_is_read_as_it_was_written() {
    let text = concat!(
        r#"{"provider":"openai-codex","fetched_at":1767225600000,"origin":"headers","headers_at":5,"#,
        r#""identity":{"email":"a@x","account_id":"acc","org_id":"o","project_id":"p"},"plan":"plus","#,
        r#""limits":[{"id":"openai-codex:primary","label":"5 hours","scope":{"account_id":"acc","project_id":"p","org_id":"o","#,
        r#""model":"m","tier":"t","meter":"chat","shared":true},"#,
        r#""window":{"id":"5h","label":"5 hours","duration":18000000,"resets_at":1767229200000},"#,
        r#""amount":{"used":42000000,"limit":100000000,"remaining":58000000,"used_ppm":420000,"remaining_ppm":580000,"#,
        r#""unit":"percent"},"status":"ok","notes":["n"]}],"meters":[{"name":"chat","allowed":true,"reached":false}],"#,
        r#""credits":{"has":true,"unlimited":false,"blocked":false,"balance":12500000},"#,
        r#""reset_credits":{"available":1,"credits":[{"id":"c","granted_at":1,"expires_at":2,"status":"available"}]},"#,
        r#""notes":["x"]}"#,
    );
    let report: Report = crate::json::read(text).unwrap();
    assert_eq!(crate::json::write(&report), text);
    let limit = report.limit("openai-codex:primary").unwrap();
    assert_eq!(limit.duration(), Some(Span::from_hours(5)));
    assert_eq!(limit.amount, Amount::of_share(Ppm(420_000)));
    assert_eq!(report.meter("chat").and_then(|meter| meter.allowed), Some(true));
    assert_eq!(report.meter(""), None);
    assert!(!report.is_exhausted());

    let small: Report = crate::json::read(r#"{"provider":"zai","later":1}"#).unwrap();
    assert_eq!(
        crate::json::write(&small),
        r#"{"provider":"zai","fetched_at":0,"origin":"probe","limits":[]}"#
    );
    let error = crate::json::read::<Report>(r#"{"provider":"x","limits":[{"id":"a","amount":{"used":-1}}]}"#);
    assert_eq!(error.unwrap_err().path, "limits[0].amount.used");
}

proptest! {
    #[test]
    fn shares_agree_with_floats_and_never_leave_their_range(used: u64, limit: u64, unit in 0..2_usize) {
        let unit = [Unit::Tokens, Unit::Percent][unit];
        let amount = Amount { used: Some(used), limit: Some(limit), unit, ..Amount::default() };
        if let Some(share) = amount.used_fraction() {
            prop_assert!(share <= Ppm::ALL);
            if limit > 0 {
                #[allow(clippy::cast_precision_loss, reason = "a model")]
                let float = (used as f64 / limit as f64 * 1e6).min(1e6);
                prop_assert!((f64::from(share.0) - float).abs() <= 1.0 + float * 1e-9, "{} {float}", share.0);
            }
            prop_assert_eq!(share.rest().0 + share.0, 1_000_000);
        }
    }

    #[test]
    fn what_is_used_up_by_numbers_has_a_share_of_all(used: Option<u64>, limit in 1_u64..1000, share: Option<u32>) {
        let amount =
            Amount { used, limit: Some(limit), used_share: share.map(Ppm), ..Amount::default() };
        if amount.used_fraction() == Some(Ppm::ALL) {
            prop_assert!(amount.is_used_up());
        }
    }
}
