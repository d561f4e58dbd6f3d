//! Saved resets: windows that an account may begin anew when it likes. They are listed, and redeemed one by one.
//!
//! `ChatGPT` plans have them: `GET /backend-api/wham/rate-limit-reset-credits`, and `POST …/consume` with an id of the redemption that
//! makes a second try of it the same one (spec/omp-selection.md §6.3, whose fault 14 was a new id for each try).

use super::amount::{instant, millionths};
use super::path::{scalar, Here};
use super::{Account, UsageFailure, UsageFailureKind, MAX_ANSWER};
use crate::json::{self, words, Value};
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::usage::report::{ResetCredit, ResetCredits, UNIT};
use crate::wire::http::HttpRequest;

/// Whose accounts have them.
pub const RESET_PROVIDERS: [&str; 1] = ["openai-codex"];
/// No more of them are kept.
const MAX_CREDITS: usize = 64;

const URL: &str = "https://chatgpt.com/backend-api/wham/rate-limit-reset-credits";

/// How a redemption ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// A window was begun anew.
    Reset,
    /// It had been redeemed before.
    AlreadyRedeemed,
    /// There is none.
    NoCredit,
    /// No window needed it.
    NothingToReset,
    /// The account is not one of ours, or nobody can ask it.
    NoAccount,
    /// It cannot be asked now.
    AccountUnavailable,
    /// The list could not be had.
    CreditListFailed,
    /// The provider says something else.
    Other,
}

words! {
    /// The word used in answers.
    Redeemed {
        Reset = "reset",
        AlreadyRedeemed = "already_redeemed",
        NoCredit = "no_credit",
        NothingToReset = "nothing_to_reset",
        NoAccount = "no_account",
        AccountUnavailable = "account_unavailable",
        CreditListFailed = "credit_list_failed",
        Other = "other",
    }
}

/// Asks for an account's saved resets.
pub fn resets_request(account: Account<'_>) -> Result<HttpRequest, UsageFailure> {
    request(account, "", None)
}

/// Redeems one. `redemption` is an id of the caller's: the same for every try of one redemption.
pub fn redeem_request(
    account: Account<'_>,
    credit: &str,
    redemption: &str,
) -> Result<HttpRequest, UsageFailure> {
    let mut body = Value::Null;
    body.set("credit_id", credit);
    body.set("redeem_request_id", redemption);
    if let Some(id) = &account.identity.account_id {
        body.set("account_id", &**id);
    }
    request(account, "/consume", Some(body))
}

fn request(account: Account<'_>, path: &str, body: Option<Value>) -> Result<HttpRequest, UsageFailure> {
    if !RESET_PROVIDERS.contains(&account.provider) {
        return Err(UsageFailure::of(UsageFailureKind::Unsupported, "no_resets"));
    }
    // The headers are those of the usage endpoint, and so is the question whether this host may see the token at all.
    let (_, mut request) = super::Probe::begin(account)?;
    let origin = super::origin_of(&request.url);
    request.url = [origin, URL.get(super::origin_of(URL).len()..).unwrap_or_default(), path].concat().into();
    if let Some(body) = body {
        request.method = "POST";
        request.headers.push(("content-type".into(), Secret::new("application/json")));
        request.body = Some(Secret::new(json::write(&body)));
    }
    Ok(request)
}

/// Reads the list. How many there are is the provider's word; else those that are available are counted.
pub fn read_resets(status: u16, body: &str, now: Timestamp) -> Result<ResetCredits, UsageFailure> {
    let document = document(status, body)?;
    let here = Here::new(&document);
    if !here.has("credits") && !here.has("available_count") {
        return Err(UsageFailure::malformed("credits", "missing"));
    }
    let mut credits = Vec::new();
    here.walk("credits[]", &mut |here| {
        let text =
            |name: &str| here.get(name).and_then(scalar).map(|text| text.get(..256).unwrap_or(text).into());
        let at = |name: &str| here.get(name).and_then(|value| instant(value, now));
        let id: Option<Box<str>> = text("id").filter(|_| here.text("id").is_some());
        // One that is being redeemed is none that can be.
        let going = here.get("redeemed_at").is_some() || here.get("redeem_started_at").is_some();
        let status = if going { Some("redeemed".into()) } else { text("status") };
        if id.is_some() {
            credits.push(ResetCredit {
                id,
                granted_at: at("granted_at"),
                expires_at: at("expires_at"),
                status,
            });
        }
        credits.len() >= MAX_CREDITS
    });
    let told = here.get("available_count").and_then(scalar).and_then(|text| millionths(text, 0));
    let counted = credits.iter().filter(|credit| usable(credit, now)).count() as u64;
    let available = u32::try_from(told.map_or(counted, |told| told / UNIT)).unwrap_or(u32::MAX);
    Ok(ResetCredits { available, credits })
}

fn usable(credit: &ResetCredit, now: Timestamp) -> bool {
    credit.is_available() && credit.expires_at.is_none_or(|expires| expires > now)
}

/// Which one to redeem: the one that is wanted; else the one that ends first, those without an end last.
pub fn pick_reset<'a>(
    list: &'a ResetCredits,
    wanted: Option<&str>,
    now: Timestamp,
) -> Option<&'a ResetCredit> {
    if let Some(wanted) = wanted {
        return list.credits.iter().find(|credit| credit.id.as_deref() == Some(wanted));
    }
    let mut chosen: Option<&ResetCredit> = None;
    for credit in list.credits.iter().filter(|credit| usable(credit, now)) {
        let ends = |credit: &ResetCredit| credit.expires_at.map_or(u64::MAX, |at| at.0);
        if chosen.is_none_or(|other| ends(credit) < ends(other)) {
            chosen = Some(credit);
        }
    }
    chosen
}

/// Reads how a redemption ended; the word, and the provider's own where it is another. An answer of success without a word is a reset.
pub fn read_redemption(status: u16, body: &str) -> (Redeemed, Box<str>) {
    let document = json::read::<Value>(body.get(..body.len().min(MAX_ANSWER)).unwrap_or_default()).ok();
    let said = document.as_ref().and_then(|document| document.get("code")?.as_str());
    let code: Box<str> = match said {
        Some(code) => super::read::plain(code).into(),
        None if (200..300).contains(&status) => "reset".into(),
        None => ["http_", &status.to_string()].concat().into(),
    };
    let known = match &*code {
        "reset" => Redeemed::Reset,
        "already-redeemed" => Redeemed::AlreadyRedeemed,
        "no-credit" => Redeemed::NoCredit,
        "nothing-to-reset" => Redeemed::NothingToReset,
        _ => Redeemed::Other,
    };
    (known, if known == Redeemed::Other { code } else { known.as_str().into() })
}

fn document(status: u16, body: &str) -> Result<Value, UsageFailure> {
    if body.len() > MAX_ANSWER {
        return Err(UsageFailure::malformed("", "too_long"));
    }
    let kind = match status {
        200..=299 => {
            return json::read(body).map_err(|error| UsageFailure::malformed(&error.path, &error.message));
        }
        401 => UsageFailureKind::Auth,
        402 | 403 => UsageFailureKind::Refused,
        404 | 405 | 410 => UsageFailureKind::Unsupported,
        _ => UsageFailureKind::Transient,
    };
    Err(UsageFailure::of(kind, &["http-", &status.to_string()].concat()))
}
