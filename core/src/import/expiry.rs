//! When a token expires, in all the spellings that tools have for it.

use crate::json::Value;
use crate::time::Timestamp;
use crate::wire::date;
use crate::wire::jwt::Claims;

/// The names under which it stands, those that are an instant first.
const NAMES: [&str; 12] = [
    "expired",
    "expire",
    "expires_at",
    "expiresAt",
    "expiry",
    "expires",
    "expiry_date",
    "expiryDate",
    "expiration",
    "expirationDate",
    "expires_on",
    "exp",
];
/// From when a length counts: the moment in which the answer came.
const ISSUED: [&str; 6] =
    ["timestamp", "created_at", "createdAt", "last_refresh", "lastRefresh", "obtained_at"];
/// The last instant that a date of JavaScript can name: "never", as some tools write it.
const NEVER: u64 = 8_640_000_000_000_000;
/// The largest whole number of JavaScript: the same.
const LARGEST: u64 = 9_007_199_254_740_991;

/// The expiry that an object states: the first of its names that is an instant, then that of its `token`, then a length since
/// it was issued. What is none (zero, below zero, a text like `soon`, Go's zero time) is passed over.
pub fn expiry_of(object: &Value) -> Option<Timestamp> {
    let stated = NAMES.iter().find_map(|name| instant(object.get(name)?));
    let nested = || {
        let token = object.get("token").or_else(|| object.get("Token"))?;
        token.is_object().then(|| NAMES.iter().find_map(|name| instant(token.get(name)?)))?
    };
    let length = || {
        let seconds = match object.get("expires_in").or_else(|| object.get("expiresIn"))? {
            Value::Number(number) => number.floor()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        let issued = ISSUED.iter().find_map(|name| instant(object.get(name)?))?;
        sane(issued.0.checked_add(seconds.checked_mul(1000)?)?)
    };
    stated.or_else(nested).or_else(length)
}

/// The expiry that a token states itself, where it is a JWT.
pub(super) fn expiry_of_token(token: &str) -> Option<Timestamp> {
    Claims::read(token)?.expires().and_then(|at| sane(at.0))
}

/// An instant: a number, or a text that is a number or a date. Below 10^11 it is seconds (the year 5138), below 10^14
/// milliseconds, below 10^17 microseconds, else nanoseconds.
pub fn instant(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => of_number(number.floor()?),
        Value::String(text) => {
            let text = text.trim();
            match crate::json::read::<Value>(text) {
                Ok(Value::Number(number)) => of_number(number.floor()?),
                _ => of_text(text),
            }
        }
        _ => None,
    }
}

fn of_number(number: u64) -> Option<Timestamp> {
    if [NEVER, LARGEST, u64::MAX].contains(&number) {
        return None;
    }
    sane(match number {
        0..100_000_000_000 => number * 1000,
        100_000_000_000..100_000_000_000_000 => number,
        100_000_000_000_000..100_000_000_000_000_000 => number / 1000,
        _ => number / 1_000_000,
    })
}

/// A date as programs print it: RFC 3339, with a blank for the `T`, without seconds, and Go's own form with the zone twice.
fn of_text(text: &str) -> Option<Timestamp> {
    // An HTTP date of two digits is read as of this century.
    const NOW: Timestamp = Timestamp(1_767_225_600_000);
    if text.len() > 64 {
        return None;
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let text = match text.rsplit_once(' ') {
        Some((instant, zone)) if zone.starts_with(['+', '-']) => [instant, zone].concat(),
        _ => text.to_owned(),
    };
    let no_seconds = text.len() == 16 && text.as_bytes()[13] == b':';
    let text = if no_seconds { text + ":00" } else { text };
    date::parse(&text, NOW).and_then(|at| sane(at.0))
}

/// Zero is no instant, and nothing expires after the year 9999.
fn sane(ms: u64) -> Option<Timestamp> {
    (1..253_402_300_800_000).contains(&ms).then_some(Timestamp(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW_YEAR: u64 = 1_767_225_600_000;

    #[test]
    fn every_spelling() {
        for (text, at) in [
            (r#"{"expired":"2026-01-01T00:00:00Z","expires_at":1}"#, Some(NEW_YEAR)),
            (r#"{"expired":"soon","expires_at":"1767225600"}"#, Some(NEW_YEAR)),
            (r#"{"expires_at":1767225600000}"#, Some(NEW_YEAR)),
            (r#"{"expires_at":1767225600}"#, Some(NEW_YEAR)),
            (r#"{"expires_at":1767225600000000}"#, Some(NEW_YEAR)),
            (r#"{"expires_at":1767225600000000000}"#, Some(NEW_YEAR)),
            (r#"{"expires_at":0}"#, None),
            (r#"{"expires_at":0,"expiry":"2026-01-01"}"#, Some(NEW_YEAR)),
            (r#"{"expires_at":-1}"#, None),
            (r#"{"expiry":"0001-01-01T00:00:00Z"}"#, None),
            (r#"{"token":{"expiry":"2026-01-01 00:00"}}"#, Some(NEW_YEAR)),
            (r#"{"Token":{"expires":"2026-01-01 00:00:00"}}"#, Some(NEW_YEAR)),
            (r#"{"token":"x","expires_in":3600}"#, None),
            (r#"{"expires_in":3600,"timestamp":1767222000000}"#, Some(NEW_YEAR)),
            (r#"{"expires_in":"3600","last_refresh":"2025-12-31T23:00:00+00:00"}"#, Some(NEW_YEAR)),
            (r#"{"expires_in":18446744073709551615,"timestamp":1}"#, None),
            (r#"{"expiry_date":1767225600000.7791}"#, Some(NEW_YEAR)),
            (r#"{"expiresAt":"2026-01-01T01:00:00.000000+01:00"}"#, Some(NEW_YEAR)),
            (r#"{"expires":"2026-01-01 00:00:00 +0000 UTC"}"#, Some(NEW_YEAR)),
            (r#"{"expires":"2026-01-01 01:00:00.5 +0100"}"#, Some(NEW_YEAR + 500)),
            (r#"{"expires":"Thu, 01 Jan 2026 00:00:00 GMT"}"#, Some(NEW_YEAR)),
            (r#"{"expires":8640000000000000}"#, None),
            (r#"{"expires":9007199254740991}"#, None),
            (r#"{"expires":1e400}"#, None),
            (r#"{"expires":["2026-01-01"],"exp":null}"#, None),
            (r#"{"expires":""}"#, None),
            ("[]", None),
        ] {
            let value: Value = crate::json::read(text).unwrap();
            assert_eq!(expiry_of(&value), at.map(Timestamp), "{text}");
        }
    }
}
