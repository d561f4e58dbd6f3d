//! Instants as they stand in sentences: `resets at 3pm (UTC)`, `try again at 10:00 AM UTC+2`, `regain access on 2025-12-01 at 00:00
//! UTC`, `resets Dec 5, 9am (GMT)`.
//!
//! A time of day says an instant only where its distance from UTC stands beside it. `3pm (Europe/Berlin)` and `3pm PST` would need
//! a list of zones and of their summers, `3pm` alone whose clock is meant: none of these is read, so that a rest is never hours
//! too long or too short by a guess.

use super::date::{civil, day_number, month, parse_rfc3339, DAY_MS};
use crate::time::Timestamp;

const MINUTE_MS: u64 = 60_000;
/// A time of day that has just passed is meant as now, not as tomorrow.
const JUST_PASSED: u64 = 10 * MINUTE_MS;
/// A date without a year is no further away than this.
const HALF_YEAR: u64 = 183 * DAY_MS;
/// The most words of an instant.
const MAX_WORDS: usize = 10;

/// Reads the instant at the start of a text. A time without a date is the next one after `from`, a date without a year that of the
/// nearest year. None where it is no instant, is not clear, or has just passed.
pub fn parse_start(text: &str, from: Timestamp) -> Option<Timestamp> {
    let mut date: Option<(Option<u64>, u64, u64)> = None;
    let mut time: Option<u64> = None;
    let mut words =
        text.split([' ', '(', ')', ',']).filter(|word| !word.is_empty()).take(MAX_WORDS).peekable();
    loop {
        let word = words.next()?;
        let word = word.trim_end_matches(['.', ';', '!']);
        let lower = word.to_ascii_lowercase();
        if matches!(lower.as_str(), "at" | "on" | "the" | "about" | "around") {
            continue;
        }
        if let Some(minutes) = time {
            if let Some(half) = half_of_day(&lower) {
                time = Some(twelve_hours(minutes, half)?);
                continue;
            }
            // `UTC +2` as two words.
            let apart = words
                .peek()
                .filter(|next| matches!(lower.as_str(), "utc" | "gmt") && next.starts_with(['+', '-']));
            let east = zone(apart.map_or(&*lower, |next| next))?;
            return instant(date, minutes, east, from);
        }
        if date.is_none() {
            if let Some(whole) = with_zone(word) {
                return (whole > from).then_some(whole);
            }
            if let Some(day) = numbers_of_date(&lower) {
                date = Some(day);
                continue;
            }
            if let Some(number) = month(&lower) {
                let day = words.next()?.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()?;
                let year = words
                    .peek()
                    .and_then(|next| next.parse().ok())
                    .filter(|year| (1970..10_000).contains(year));
                if year.is_some() {
                    words.next();
                }
                date = Some((year, number, day));
                continue;
            }
        }
        let bare = !lower.contains(':') && lower.bytes().all(|byte| byte.is_ascii_digit());
        let minutes = time_of_day(&lower)?;
        // A number alone is an hour only where `am` or `pm` follows.
        if bare && words.peek().is_none_or(|next| half_of_day(&next.to_ascii_lowercase()).is_none()) {
            return None;
        }
        time = Some(minutes);
    }
}

/// `2025-11-04T18:03:00Z`, with its distance from UTC.
fn with_zone(word: &str) -> Option<Timestamp> {
    let zone = word.get(19..)?;
    (zone.ends_with(['Z', 'z']) || zone.contains(['+', '-'])).then(|| parse_rfc3339(word))?
}

/// `2025-11-04`.
fn numbers_of_date(word: &str) -> Option<(Option<u64>, u64, u64)> {
    let (year, rest) = word.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let year = year.parse().ok().filter(|_| year.len() == 4)?;
    Some((Some(year), month.parse().ok()?, day.parse().ok()?))
}

/// Minutes of the day: `15:05`, `15:05:30` (its seconds rounded up), `3pm`, `3:05pm`, `noon`, `midnight`.
fn time_of_day(word: &str) -> Option<u64> {
    match word {
        "midnight" => return Some(0),
        "noon" => return Some(720),
        _ => {}
    }
    let (number, half) = match word.strip_suffix("am").or_else(|| word.strip_suffix("a.m")) {
        Some(number) => (number, Some(false)),
        None => match word.strip_suffix("pm").or_else(|| word.strip_suffix("p.m")) {
            Some(number) => (number, Some(true)),
            None => (word, None),
        },
    };
    let mut parts = number.split(':');
    let hour: u64 = parts.next()?.parse().ok()?;
    let minute: u64 =
        parts.next().map_or(Some(0), |minute| minute.parse().ok().filter(|_| minute.len() == 2))?;
    let second: u64 =
        parts.next().map_or(Some(0), |second| second.parse().ok().filter(|_| second.len() == 2))?;
    if hour > 23 || minute > 59 || second > 60 || parts.next().is_some() {
        return None;
    }
    let minutes = hour * 60 + minute + u64::from(second > 0);
    half.map_or(Some(minutes), |half| twelve_hours(minutes, half))
}

/// Is it the second half of the day?
fn half_of_day(word: &str) -> Option<bool> {
    match word {
        "am" | "a.m" | "a.m." => Some(false),
        "pm" | "p.m" | "p.m." => Some(true),
        _ => None,
    }
}

fn twelve_hours(minutes: u64, second_half: bool) -> Option<u64> {
    let hour = minutes / 60;
    (1..=12).contains(&hour).then(|| minutes % 60 + hour % 12 * 60 + if second_half { 720 } else { 0 })
}

/// How far east of UTC a clock is that is named, in minutes plus a day's: `UTC`, `GMT`, `Z`, `UTC+2`, `+05:30`, `GMT-0800`.
fn zone(word: &str) -> Option<u64> {
    let offset = word.strip_prefix("utc").or_else(|| word.strip_prefix("gmt")).unwrap_or(word);
    if offset.is_empty() || word == "z" {
        return Some(1440);
    }
    let (sign, offset) = offset.split_at_checked(1)?;
    let (hours, minutes) = match offset.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if offset.len() == 4 => offset.split_at_checked(2)?,
        None => (offset, "0"),
    };
    let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    match sign {
        "+" => Some(1440 + hours * 60 + minutes),
        "-" | "−" => Some(1440 - hours * 60 - minutes),
        _ => None,
    }
}

fn instant(
    date: Option<(Option<u64>, u64, u64)>,
    minutes: u64,
    east: u64,
    from: Timestamp,
) -> Option<Timestamp> {
    // All in milliseconds of that clock, and a day more.
    let local = from.0.checked_add(east * MINUTE_MS)?;
    let at = |day: u64| (day + 1) * DAY_MS + minutes * MINUTE_MS;
    let today = local / DAY_MS - 1;
    let then = match date {
        Some((Some(year), month, day)) => at(day_number(year, month, day)?),
        Some((None, month, day)) => {
            // Of the years around it the one that is nearest: at New Year that is another one.
            let year = civil(today).0;
            let in_year = |year| day_number(year, month, day).map(at);
            let this = in_year(year)?;
            if this + HALF_YEAR < local {
                in_year(year + 1)?
            } else if this > local + HALF_YEAR {
                in_year(year - 1)?
            } else {
                this
            }
        }
        None if at(today) + JUST_PASSED < local => at(today + 1),
        None => at(today),
    };
    (then > local).then(|| Timestamp(from.0.saturating_add(then - local)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Thursday, 2026-01-01 12:00:00 UTC.
    const NOON: Timestamp = Timestamp(1_767_225_600_000 + 12 * 3_600_000);

    fn minutes(text: &str) -> Option<u64> {
        parse_start(text, NOON).map(|at| (at.0 - NOON.0) / MINUTE_MS)
    }

    #[test]
    fn clear_ones() {
        for (text, want) in [
            ("3pm (UTC)", 180),
            ("3pm UTC. Upgrade for more", 180),
            ("at 3:05 PM UTC", 185),
            ("15:05 UTC", 185),
            ("15:05:20 GMT", 186),
            ("10:00 AM UTC", 22 * 60),
            ("10am (UTC+2)", 20 * 60),
            ("10am (UTC -05:30)", 3 * 60 + 30),
            ("10am +0100", 21 * 60),
            ("12:30 am UTC", 12 * 60 + 30),
            ("12:30pm Z", 30),
            ("midnight UTC", 720),
            ("1 pm UTC", 60),
            ("2026-01-02 at 00:00 UTC.", 720),
            ("on 2026-01-02 00:00 (UTC)", 720),
            ("2026-01-01T13:00:00Z", 60),
            ("2026-01-01T13:00:00+01:00.", 0),
            ("Jan 2nd, 2026 3:05 PM UTC", 27 * 60 + 5),
            ("Jan 3, 9am (GMT)", 45 * 60),
            ("January 2 at noon UTC", 24 * 60),
        ] {
            assert_eq!(minutes(text), Some(want).filter(|want| *want > 0), "{text}");
        }
    }

    #[test]
    fn unclear_ones_are_none() {
        for text in [
            "3pm",
            "3pm (Europe/Berlin)",
            "3pm PST",
            "10:00 AM",
            "10:00 AM Pacific Time",
            "15:00",
            "midnight Pacific time",
            "2026-01-02",
            "2026-01-02 10:00",
            "2026-01-02T10:00:00",
            "Jan 2, 9am",
            "3",
            "3 UTC",
            "13pm UTC",
            "0am UTC",
            "25:00 UTC",
            "15:5 UTC",
            "15:60 UTC",
            "UTC",
            "3pm UTC+15",
            "3pm UTC/GMT",
            "3pm +",
            "Feb 30, 9am UTC",
            "2026-13-01 00:00 UTC",
            "3 attempts UTC",
            "",
            "tomorrow 3pm UTC",
            // Past.
            "2026-01-01 at 11:00 UTC",
            "2025-12-31T00:00:00Z",
            "Dec 30, 9am UTC",
        ] {
            assert_eq!(minutes(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_that_has_just_passed_is_not_tomorrow() {
        assert_eq!(minutes("11:55 UTC"), None);
        assert_eq!(minutes("12:00 UTC"), None);
        assert_eq!(minutes("11:49 UTC"), Some(24 * 60 - 11));
        // On the day before and after by that clock.
        assert_eq!(minutes("1am (UTC+14)"), Some(23 * 60));
        assert_eq!(minutes("2:30am (UTC+14)"), Some(30));
        assert_eq!(minutes("11pm (UTC-12)"), Some(23 * 60));
        // Across New Year.
        assert_eq!(
            parse_start("Jan 1, 0:30 UTC", Timestamp(1_767_225_600_000 - MINUTE_MS)).map(|at| at.0),
            Some(1_767_225_600_000 + 30 * MINUTE_MS)
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "((Jan|2026-01|[0-9]{1,4}|:|am|PM|UTC|GMT|[+-]|T|Z|\\PC) ?){0,12}", from in any::<u64>()) {
            let _ = parse_start(&text, Timestamp(from));
        }

        #[test]
        fn every_minute_of_every_zone(at in 0_u64..4_000_000_000_000, day in 0_u64..1440, east in -14_i64..=14) {
            let from = Timestamp(at);
            let zone = if east < 0 { format!("UTC{east}") } else { format!("UTC+{east}") };
            if let Some(then) = parse_start(&format!("{}:{:02} {zone}", day / 60, day % 60), from) {
                let local = (i64::try_from(then.0).unwrap() + east * 3_600_000).rem_euclid(86_400_000);
                prop_assert_eq!(local, i64::try_from(day * MINUTE_MS).unwrap());
                prop_assert!(then.0 > at && then.0 - at <= 86_400_000);
            }
        }
    }
}
