//! Numbers and instants as providers write them, without floats: `29.7`, `"12.50"`, `"$24.00"`, `1e-3`; `1767225600`,
//! `1767225600000`, `"2026-01-01T00:00:00Z"`.

use super::path::scalar;
use crate::json::Value;
use crate::time::Timestamp;
use crate::wire::date;

/// No instant is later: the end of the year 9999.
const LAST: u64 = 253_402_300_799_999;

/// A number in millionths, divided by 10 to the power of `places`; rounded down, saturating. Less than nothing is nothing. `None` for
/// what is no number: `NaN`, `Infinity`, an empty text, words.
pub(super) fn millionths(text: &str, places: u8) -> Option<u64> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix('$').unwrap_or(text);
    let text = text.strip_suffix('%').unwrap_or(text);
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.len() <= 400 && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = exponent.strip_prefix('-').unwrap_or(exponent);
    if !plain(whole)
        || !plain(fraction)
        || !plain(unsigned)
        || unsigned.is_empty()
        || (whole.is_empty() && fraction.is_empty())
    {
        return None;
    }
    if negative {
        return Some(0);
    }
    // An exponent that does not fit is beyond all numbers.
    let beyond = if exponent.starts_with('-') { -10_000 } else { 10_000 };
    let exponent = exponent.parse::<i32>().ok().filter(|exponent| exponent.abs() < 10_000).unwrap_or(beyond);
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX) + i64::from(exponent) + 6 - i64::from(places);
    let (mut value, mut at) = (0_u64, 0_i64);
    for digit in whole.bytes().chain(fraction.bytes()) {
        if at >= point {
            break;
        }
        value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        at += 1;
    }
    while at < point && value > 0 && value < u64::MAX {
        value = value.saturating_mul(10);
        at += 1;
    }
    Some(value)
}

/// An instant: a date, or a number of milliseconds (above 10^12) or seconds (above 10^9) since 1970. Smaller numbers are none.
pub(super) fn instant(value: &Value, now: Timestamp) -> Option<Timestamp> {
    let text = scalar(value)?;
    let at = match millionths(text, 0) {
        Some(u64::MAX) => return None,
        Some(millionths) => match millionths / 1_000_000 {
            millis if millis > 1_000_000_000_000 => Timestamp(millis),
            seconds if seconds > 1_000_000_000 => Timestamp(millionths / 1000),
            _ => return None,
        },
        None => date::parse(text, now)?,
    };
    (at.0 <= LAST).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_all_spellings() {
        for (text, places, value) in [
            ("12.5", 0, Some(12_500_000)),
            ("-3", 0, Some(0)),
            ("+3", 0, Some(3_000_000)),
            ("$24.00", 0, Some(24_000_000)),
            ("42%", 0, Some(42_000_000)),
            (" 7 ", 0, Some(7_000_000)),
            ("2000", 2, Some(20_000_000)),
            ("1", 6, Some(1)),
            ("1", 7, Some(0)),
            ("1e3", 0, Some(1_000_000_000)),
            ("1.5E+1", 0, Some(15_000_000)),
            ("2.5e-3", 0, Some(2_500)),
            ("0.1508334424", 0, Some(150_833)),
            (".5", 0, Some(500_000)),
            ("5.", 0, Some(5_000_000)),
            ("1e400", 0, Some(u64::MAX)),
            ("1e99999999999999", 0, Some(u64::MAX)),
            ("1e-99999999999999", 0, Some(0)),
            ("0e99999999999999", 0, Some(0)),
            ("99999999999999999999999999", 0, Some(u64::MAX)),
            ("NaN", 0, None),
            ("Infinity", 0, None),
            ("", 0, None),
            ("-", 0, None),
            (".", 0, None),
            ("e5", 0, None),
            ("1e", 0, None),
            ("1,5", 0, None),
            ("0x10", 0, None),
            ("1 2", 0, None),
            ("٣", 0, None),
        ] {
            assert_eq!(millionths(text, places), value, "{text}");
        }
    }

    #[test]
    fn instants_in_all_spellings() {
        let at =
            |text: &str| instant(&crate::json::read::<Value>(text).unwrap(), Timestamp(0)).map(|at| at.0);
        for text in [
            "1767225600",
            "1767225600000",
            "\"1767225600\"",
            "1767225600.0",
            "1.7672256e9",
            "\"2026-01-01\"",
            "\"2026-01-01T00:00:00Z\"",
            "\"2026-01-01T00:00:00.000000+00:00\"",
            "\"2026-01-01T01:00:00+01:00\"",
            "\"2026-01-01 00:00:00\"",
            "\"Thu, 01 Jan 2026 00:00:00 GMT\"",
        ] {
            assert_eq!(at(text), Some(1_767_225_600_000), "{text}");
        }
        assert_eq!(at("1767225600.5"), Some(1_767_225_600_500));
        for bad in ["0", "-1", "3600", "\"soon\"", "\"\"", "null", "true", "{}", "1e30", "\"2026-13-01\""] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_floats(whole in 0_u64..1_000_000_000, fraction in 0_u32..1_000_000, exponent in -3_i32..4) {
            let text = format!("{whole}.{fraction:06}e{exponent}");
            let float = text.parse::<f64>().unwrap() * 1e6;
            #[allow(clippy::cast_precision_loss, reason = "a model")]
            let ours = millionths(&text, 0).unwrap() as f64;
            prop_assert!((ours - float).abs() <= 1.0 + float * 1e-12, "{text}: {ours} {float}");
        }

        #[test]
        fn no_text_panics(text in "[-+$.0-9eE%]{0,24}|\\PC{0,12}", places: u8) {
            let _ = millionths(&text, places);
            let _ = instant(&Value::from(text), Timestamp(u64::MAX));
        }
    }
}
