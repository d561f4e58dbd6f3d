//! Instants as text: RFC 3339 and the three forms of an HTTP date (RFC 9110 §5.6.7).

use crate::time::Timestamp;

pub(super) const DAY_MS: u64 = 86_400_000;
/// Longer texts are no dates.
const MAX_LEN: usize = 64;

/// Reads any of the forms below.
pub fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    parse_rfc3339(text).or_else(|| parse_http(text, now))
}

/// Reads `2026-09-19T10:00:45Z`, with a fraction, with an offset, with a space for the `T`, without a zone (then UTC), or
/// the date alone (then midnight UTC). Years 1970 to 9999; instants before 1970 are `None`.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if bytes.len() < 10 || bytes.len() > MAX_LEN || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| digits(text.get(from..to)?);
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let day = day_number(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    if bytes.len() == 10 {
        return Some(Timestamp(day * DAY_MS));
    }
    if !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let time = clock(text.get(11..19)?)?;
    let mut rest = text.get(19..)?;
    let mut millis = 0;
    if let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let mut scale = 100;
        for digit in after.bytes().take(end.min(3)) {
            millis += u64::from(digit - b'0') * scale;
            scale /= 10;
        }
        if end == 0 {
            return None;
        }
        rest = after.get(end..)?;
    }
    let utc = day * DAY_MS + time + millis;
    if rest.is_empty() || rest.eq_ignore_ascii_case("z") {
        return Some(Timestamp(utc));
    }
    let (sign, zone) = rest.split_at_checked(1)?;
    let (hours, minutes) = match zone.len() {
        5 if zone.as_bytes()[2] == b':' => (digits(zone.get(..2)?)?, digits(zone.get(3..)?)?),
        4 => (digits(zone.get(..2)?)?, digits(zone.get(2..)?)?),
        2 => (digits(zone)?, 0),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let offset = (hours * 60 + minutes) * 60_000;
    match sign {
        "+" => utc.checked_sub(offset).map(Timestamp),
        "-" => Some(Timestamp(utc + offset)),
        _ => None,
    }
}

/// Reads an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` or `Sun Nov  6 08:49:37 1994`.
/// A year of two digits that would lie more than 50 years after `now` is one of the past (RFC 9110 §5.6.7). The name of
/// the weekday is not checked.
pub fn parse_http(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > MAX_LEN || !text.is_ascii() {
        return None;
    }
    let mut words = text.split([' ', ',', '-']).filter(|word| !word.is_empty());
    let weekday = words.next()?;
    if !WEEKDAYS.iter().any(|name| starts_with(weekday, name)) {
        return None;
    }
    let first = words.next()?;
    let (day, month, year, time) = if first.as_bytes()[0].is_ascii_digit() {
        let (month, year, time) = (words.next()?, words.next()?, words.next()?);
        if !matches!(words.next(), Some("GMT" | "UTC" | "Z" | "gmt" | "utc" | "+0000") | None) {
            return None;
        }
        (first, month, year, time)
    } else {
        let (day, time, year) = (words.next()?, words.next()?, words.next()?);
        (day, first, year, time)
    };
    if words.next().is_some() {
        return None;
    }
    let month = self::month(month).filter(|_| month.len() == 3)?;
    let year = match (digits(year)?, year.len()) {
        (year, 4) => year,
        (year, 2) => {
            let this_year = civil_year(now.0 / DAY_MS);
            let year = this_year - this_year % 100 + year;
            if year > this_year + 50 {
                year - 100
            } else {
                year
            }
        }
        _ => return None,
    };
    Some(Timestamp(day_number(year, month, digits(day)?)? * DAY_MS + clock(time)?))
}

/// Writes an instant as `2026-01-01T00:00:00.000Z`; instants after the year 9999 as its last moment.
pub fn rfc3339(at: Timestamp) -> String {
    let at = at.0.min(253_402_300_799_999);
    let (year, month, day) = civil(at / DAY_MS);
    let (time, millis) = (at % DAY_MS / 1000, at % 1000);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// The same moment of the next month, or of its last day; of an instant beyond the year 9998, itself.
pub fn month_after(at: Timestamp) -> Timestamp {
    let (year, month, day) = civil((at.0 / DAY_MS).min(2_932_531));
    let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let found = (day.saturating_sub(3)..=day).rev().find_map(|day| day_number(year, month, day));
    found.map_or(at, |found| Timestamp(found * DAY_MS + at.0 % DAY_MS))
}

/// When the day, the week (Monday) or the month (of UTC) in which an instant lies is over; `None` beyond the year 9999.
pub fn end_of(period: Period, at: Timestamp) -> Option<Timestamp> {
    let day = at.0 / DAY_MS;
    if day > 2_932_896 {
        return None;
    }
    let end = match period {
        Period::Day => day + 1,
        // 1970-01-01 was a Thursday.
        Period::Week => day + 7 - (day + 3) % 7,
        Period::Month => {
            let (year, month, _) = civil(day);
            let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
            day_number(year, month, 1)?
        }
    };
    Some(Timestamp(end * DAY_MS))
}

/// A part of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
}

const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The number of a month by its name, of which three letters are enough.
pub(super) fn month(name: &str) -> Option<u64> {
    MONTHS.iter().position(|start| starts_with(name, start)).map(|at| at as u64 + 1)
}

fn starts_with(word: &str, lower: &str) -> bool {
    word.get(..lower.len()).is_some_and(|start| start.eq_ignore_ascii_case(lower))
}

/// Digits only, at most four of them.
fn digits(text: &str) -> Option<u64> {
    ((1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.bytes().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// `HH:MM:SS` in ms of the day. A leap second counts as the second after it.
fn clock(text: &str) -> Option<u64> {
    let mut parts = text.splitn(3, ':');
    let mut part = |max: u64| {
        let text = parts.next().filter(|text| text.len() == 2)?;
        digits(text).filter(|&value| value <= max)
    };
    Some(((part(23)? * 60 + part(59)?) * 60 + part(60)?) * 1000)
}

/// Days since 1970-01-01 of a day of the Gregorian calendar.
pub(super) fn day_number(year: u64, month: u64, day: u64) -> Option<u64> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1970..=9999).contains(&year) || day == 0 || day > length {
        return None;
    }
    // Years begin in March, so that the leap day is their last.
    let shifted = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468)
}

/// Year, month and day of a count of days since 1970-01-01.
pub(super) fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

fn civil_year(days: u64) -> u64 {
    civil(days.min(2_932_896)).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_767_225_600_000); // 2026-01-01

    #[test]
    fn rfc_3339_in_its_variants() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:00Z", 1_767_225_600_000),
            ("2026-01-01t00:00:00.25z", 1_767_225_600_250),
            ("2026-01-01 01:00:00+01:00", 1_767_225_600_000),
            ("2025-12-31T19:30:00-0430", 1_767_225_600_000),
            ("2026-01-01T00:00:00.123456789Z", 1_767_225_600_123),
            ("2026-01-01", 1_767_225_600_000),
            ("2026-01-01T00:00:00", 1_767_225_600_000),
            ("2024-02-29T23:59:60Z", 1_709_251_200_000),
        ] {
            assert_eq!(parse_rfc3339(text), Some(Timestamp(ms)), "{text}");
        }
        for bad in [
            "",
            "2026",
            "2026-13-01",
            "2025-02-29",
            "2026-01-00",
            "1969-12-31T23:59:59Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+99:00",
            "2026-01-01T00:00:00Zulu",
            "20260101T000000Z",
            "1970-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00é",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_three_http_forms() {
        let want = Some(Timestamp(784_111_777_000));
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "sun, 6 nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_http(text, NOW), want, "{text}");
        }
        assert_eq!(
            parse_http("Saturday, 01-Jan-28 00:00:00 GMT", NOW),
            Some(Timestamp(1_830_297_600_000)),
            "two digits of the near future"
        );
        for bad in [
            "",
            "Sun",
            "06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 2026 00:00:00 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 EST",
            "Sun, 06 Nov 1994 08:49:37 GMT x",
            "Sun, 06 Nov 19941 08:49:37 GMT",
        ] {
            assert_eq!(parse_http(bad, NOW), None, "{bad}");
        }
        // No year before 1970, even when the clock shows the epoch.
        assert_eq!(parse_http("Sunday, 06-Nov-30 08:49:37 GMT", Timestamp(0)), None);
        assert!(parse_http("Sunday, 06-Nov-94 08:49:37 GMT", Timestamp(u64::MAX)).is_some());
    }

    #[test]
    fn days_weeks_and_months_end() {
        let at = |text: &str| parse_rfc3339(text).unwrap();
        let ends = |text: &str| {
            [Period::Day, Period::Week, Period::Month]
                .map(|period| rfc3339(end_of(period, at(text)).unwrap()))
        };
        let midnight = |days: [&str; 3]| days.map(|day| format!("{day}T00:00:00.000Z"));
        assert_eq!(ends("2026-11-21T18:00:00Z"), midnight(["2026-11-22", "2026-11-23", "2026-12-01"]));
        assert_eq!(ends("2026-12-31T23:59:59Z"), midnight(["2027-01-01", "2027-01-04", "2027-01-01"]));
        assert_eq!(ends("2026-11-23T00:00:00Z"), midnight(["2026-11-24", "2026-11-30", "2026-12-01"]));
        assert_eq!(end_of(Period::Day, Timestamp(u64::MAX)), None);
        for (from, to) in [
            ("2026-01-31T01:02:03Z", "2026-02-28T01:02:03.000Z"),
            ("2024-01-30T00:00:00Z", "2024-02-29T00:00:00.000Z"),
            ("2026-12-15T00:00:00Z", "2027-01-15T00:00:00.000Z"),
            ("2026-04-30T00:00:00Z", "2026-05-30T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(month_after(at(from))), to, "{from}");
        }
    }

    proptest! {
        #[test]
        fn every_part_of_the_calendar_ends_later(ms: u64) {
            for period in [Period::Day, Period::Week, Period::Month] {
                if let Some(end) = end_of(period, Timestamp(ms)) {
                    prop_assert!(end.0 > ms && end.0 - ms <= 31 * DAY_MS);
                }
            }
            let _ = month_after(Timestamp(ms));
        }

        #[test]
        fn an_instant_is_read_back(ms in 0_u64..=253_402_300_799_999) {
            prop_assert_eq!(parse_rfc3339(&rfc3339(Timestamp(ms))), Some(Timestamp(ms)));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,80}", now in any::<u64>()) {
            let _ = (parse(&text, Timestamp(now)), rfc3339(Timestamp(now)));
        }

        #[test]
        fn nothing_like_a_date_panics(text in "[0-9TZz:. +-]{8,40}|(Sun|Monday)[, ]{1,2}[0-9A-Za-z: -]{0,40}") {
            let _ = parse(&text, NOW);
        }
    }
}
