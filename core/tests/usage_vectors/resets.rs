//! Saved resets of `ChatGPT` plans.

use crate::{failed, Asked, NOW};
use credpool::provider::usage::{
    pick_reset, read_redemption, read_resets, redeem_request, resets_request, Account, Redeemed,
};
use credpool::secret::Secret;
use credpool::time::Timestamp;
use credpool::usage::report::ResetCredits;
use credpool::wire::http::HttpRequest;

fn account<'a>(asked: &'a Asked, secret: &'a Secret) -> Account<'a> {
    Account {
        provider: asked.provider,
        kind: asked.kind,
        secret,
        refresh: None,
        base_url: asked.base_url,
        identity: &asked.identity,
    }
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(found, _)| &**found == name).map(|(_, value)| value.expose())
}

fn read(body: &str) -> ResetCredits {
    read_resets(200, body, Timestamp(NOW)).unwrap()
}

#[test]
fn requests() {
    let (asked, secret) = (Asked::oauth("openai-codex"), Secret::new("canary"));
    let list = resets_request(account(&asked, &secret)).unwrap();
    assert_eq!(
        (list.method, &*list.url),
        ("GET", "https://chatgpt.com/backend-api/wham/rate-limit-reset-credits")
    );
    assert_eq!(
        (header(&list, "authorization"), header(&list, "chatgpt-account-id")),
        (Some("Bearer canary"), Some("acc"))
    );
    let redeem = redeem_request(account(&asked, &secret), "c\"1", "once").unwrap();
    assert_eq!(
        (redeem.method, &*redeem.url),
        ("POST", "https://chatgpt.com/backend-api/wham/rate-limit-reset-credits/consume")
    );
    assert_eq!(
        redeem.body.as_ref().unwrap().expose(),
        r#"{"credit_id":"c\"1","redeem_request_id":"once","account_id":"acc"}"#
    );
    let here = Asked { base_url: Some("http://localhost:9/v1"), ..Asked::oauth("openai-codex") };
    let list = resets_request(account(&here, &secret)).unwrap();
    assert_eq!(&*list.url, "http://localhost:9/backend-api/wham/rate-limit-reset-credits");
    for other in [
        Asked::oauth("anthropic"),
        Asked { base_url: Some("https://evil.example"), ..Asked::oauth("openai-codex") },
    ] {
        assert!(resets_request(account(&other, &secret)).is_err(), "{}", other.provider);
    }
}

#[test]
fn lists() {
    let full = r#"{"available_count":2,"credits":[
        {"id":"late","reset_type":"codex_rate_limits","status":"available","granted_at":"2025-12-01T00:00:00Z","expires_at":"2026-03-01T00:00:00Z","redeem_started_at":null,"redeemed_at":null},
        {"id":"never","status":"available"},
        {"id":"over","status":"available","expires_at":"2025-12-31T00:00:00Z"},
        {"id":"going","status":"available","redeem_started_at":"2026-01-01T00:00:00Z"},
        {"id":"spent","status":"redeemed"},
        {"id":"soon","expires_at":"2026-02-01T00:00:00Z"},
        {"status":"available"},7]}"#;
    let list = read(full);
    assert_eq!((list.available, list.credits.len()), (2, 6));
    let pick = |list: &ResetCredits, wanted| {
        pick_reset(list, wanted, Timestamp(NOW)).and_then(|credit| credit.id.as_deref().map(str::to_owned))
    };
    assert_eq!(pick(&list, None).as_deref(), Some("soon"), "the one that ends first");
    assert_eq!(pick(&list, Some("spent")).as_deref(), Some("spent"), "who names one means it");
    assert_eq!(pick(&list, Some("no")), None);
    assert_eq!(pick(&read(r#"{"credits":[{"id":"b"},{"id":"a"}]}"#), None).as_deref(), Some("b"));
    // Without a number those are counted that can be redeemed.
    assert_eq!(read(&full.replace("\"available_count\":2,", "")).available, 3);
    assert_eq!(read(r#"{"available_count":-3}"#), ResetCredits::default());
    assert_eq!(read(r#"{"credits":[]}"#), ResetCredits::default());
    for (status, body, failure) in [
        (401, "", "auth http-401"),
        (403, "", "refused http-403"),
        (404, "", "unsupported http-404"),
        (500, "", "transient http-500"),
        (200, "{}", "malformed missing credits"),
        (200, "[", "malformed expected a value [0]"),
    ] {
        assert_eq!(failed(&read_resets(status, body, Timestamp(NOW)).unwrap_err()), failure);
    }
}

#[test]
fn redemptions() {
    for (status, body, redeemed, word) in [
        (200, r#"{"code":"reset","windows_reset":2}"#, Redeemed::Reset, "reset"),
        (200, "{}", Redeemed::Reset, "reset"),
        (200, "<html>", Redeemed::Reset, "reset"),
        (409, r#"{"code":"already_redeemed"}"#, Redeemed::AlreadyRedeemed, "already_redeemed"),
        (400, r#"{"code":"no_credit"}"#, Redeemed::NoCredit, "no_credit"),
        (200, r#"{"code":"nothing_to_reset"}"#, Redeemed::NothingToReset, "nothing_to_reset"),
        (200, r#"{"code":"Something New!"}"#, Redeemed::Other, "something-new"),
        (503, "", Redeemed::Other, "http_503"),
        (500, r#"{"code":7}"#, Redeemed::Other, "http_500"),
    ] {
        let found = read_redemption(status, body);
        assert_eq!((found.0, &*found.1), (redeemed, word), "{status} {body}");
    }
}
