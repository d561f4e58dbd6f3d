//! Reads an answer by a provider's table: one loop for all of them.

use super::amount::{instant, millionths};
use super::path::{contains, scalar, Here};
use super::source::{Row, Source};
use crate::json::Value;
use crate::time::{Span, Timestamp};
use crate::usage::report::{
    warns_at, Amount, Credits, Limit, Meter, Ppm, Report, ResetCredits, Scope, Status, Window, MAX_LIMITS,
    UNIT,
};
use crate::wire::date::{end_of, month_after, Period};

/// An id, a label or any other text of an answer is cut to so many bytes.
const MAX_TEXT: usize = 120;
/// No window is longer: ten years.
const LONGEST: Span = Span::from_days(3_660);

/// What is read, and what was wrong first.
pub(super) struct Reading<'s> {
    source: &'s Source,
    now: Timestamp,
    pub(super) report: Report,
    /// A field that is there and is not what it must be.
    pub(super) wrong: Option<String>,
}

impl<'s> Reading<'s> {
    pub(super) fn new(source: &'s Source, report: Report, now: Timestamp) -> Self {
        Self { source, now, report, wrong: None }
    }

    /// Reads everything that the table knows of a document.
    pub(super) fn document(&mut self, document: &Value) {
        let (root, source) = (Here::new(document), self.source);
        for row in &source.rows {
            let before = self.report.limits.len();
            for each in row.each.split(' ') {
                root.walk(each, &mut |here| {
                    if here.holds(&row.when) {
                        self.limit(row, here);
                    }
                    self.report.limits.len() >= MAX_LIMITS
                });
            }
            if row.must && self.report.limits.len() == before {
                self.wrong.get_or_insert_with(|| row.each.to_string());
            }
        }
        for row in &source.meters {
            root.walk(&row.each, &mut |here| {
                let truth = |path: &str| match here.get(path) {
                    Some(Value::Bool(truth)) if !path.is_empty() => Some(*truth),
                    _ => None,
                };
                let (allowed, reached) = (truth(&row.allowed), truth(&row.reached));
                if (allowed.is_some() || reached.is_some()) && self.report.meters.len() < MAX_LIMITS {
                    let name = plain(&name_of(here, &row.name, &row.alias)).into();
                    self.report.meters.push(Meter { name, allowed, reached });
                }
                false
            });
        }
        if let Some(plan) = root.text(&source.plan) {
            self.report.plan = Some(cut(plan).into());
        }
        if let Some(row) = &source.credits {
            root.walk(&row.each, &mut |here| {
                let holds = |condition: &str| !condition.is_empty() && here.holds(condition);
                let balance = here.text(&row.balance).and_then(|text| millionths(text, 0));
                self.report.credits = Some(Credits {
                    has: holds(&row.has),
                    unlimited: holds(&row.unlimited),
                    blocked: holds(&row.blocked),
                    balance,
                });
                true
            });
        }
        if let Some(count) = root.text(&source.resets).and_then(|text| millionths(text, 0)) {
            let available = u32::try_from(count / UNIT).unwrap_or(u32::MAX);
            self.report.reset_credits = Some(ResetCredits { available, credits: Vec::new() });
        }
        for (condition, note) in &source.notes {
            if root.holds(condition) {
                self.report.notes.push(note.clone());
            }
        }
    }

    /// Reads one limit.
    fn limit(&mut self, row: &Row, here: Here<'_>) {
        let name = name_of(here, &row.name, &row.alias);
        let here = Here { name: &name, ..here };
        let resets_at = self.instant(row, here, &row.reset).or_else(|| {
            let seconds = self.number(row, here, &row.reset_in, 0)?;
            Some(self.now + Span(seconds / 1000)).filter(|_| Span(seconds / 1000) <= LONGEST)
        });
        let Some(mut amount) = self.amount(row, here, resets_at) else { return };
        let window = self.window(row, here, resets_at);
        let (called, spoken) = window.as_ref().map_or(("", ""), |window| (&*window.id, &*window.label));
        let here = Here { window: called, ..here };
        let used = amount.used_fraction();
        let mut status = Status::of(used, warns_at(&self.report.provider));
        if status == Status::Unknown && amount.is_used_up() {
            status = Status::Exhausted;
        }
        if let Some(said) = said(here, &row.status) {
            if said == Status::Exhausted && used != Some(Ppm::ALL) {
                // The provider's word goes before a number that lags behind, or that it rounds down.
                amount.used_share = Some(Ppm::ALL);
                amount.remaining_share = Some(Ppm::NONE);
            }
            status = said;
        }
        if status == Status::Exhausted && !row.soft.is_empty() && here.holds(&row.soft) {
            status = Status::Warning;
        }
        let own = |any: &str| here_text(here, any);
        let shared = !row.shared.is_empty() && here.holds(&row.shared);
        let limit = Limit {
            id: fill(&row.id, here, true).into(),
            label: fill(&row.label, Here { window: spoken, ..here }, false).into(),
            scope: Scope {
                tier: own(&row.tier).map(|tier| plain(&tier).into()),
                model: own(&row.model).map(Into::into),
                // What stands over everything is no meter beside others.
                meter: own(&row.meter).filter(|_| !shared).map(|meter| plain(&meter).into()),
                shared,
                ..Scope::default()
            },
            window,
            amount,
            status,
            notes: Vec::new(),
        };
        self.keep(row, limit);
    }

    /// Puts a limit to the others, or together with the one that has its id.
    fn keep(&mut self, row: &Row, mut limit: Limit) {
        let warns = warns_at(&self.report.provider);
        let Some(known) = self.report.limits.iter_mut().find(|known| known.id == limit.id) else {
            return self.report.limits.push(limit);
        };
        match &*row.merge {
            "lowest" => {
                let (mine, theirs) = (limit.used_fraction(), known.used_fraction());
                if mine > theirs {
                    core::mem::swap(known, &mut limit);
                }
                // A reset that only one of them tells is not lost.
                if known.resets_at().is_none() && limit.resets_at().is_some() {
                    known.window = limit.window;
                }
            }
            "sum" => {
                let add = |to: &mut Option<u64>, more: Option<u64>| {
                    *to = to.map_or(more, |sum| Some(sum.saturating_add(more.unwrap_or_default())));
                };
                add(&mut known.amount.used, limit.amount.used);
                add(&mut known.amount.limit, limit.amount.limit);
                add(&mut known.amount.remaining, limit.amount.remaining);
                known.status = Status::of(known.amount.used_fraction(), warns);
            }
            "number" => {
                let base = limit.id;
                for number in 2..=MAX_LIMITS {
                    let id = [&*base, ":", &number.to_string()].concat();
                    if self.report.limits.iter().all(|known| *known.id != *id) {
                        limit.id = id.into();
                        return self.report.limits.push(limit);
                    }
                }
            }
            _ => {}
        }
    }

    /// Reads how much there is; nothing, where nothing is told.
    fn amount(&mut self, row: &Row, here: Here<'_>, resets_at: Option<Timestamp>) -> Option<Amount> {
        let places = here.text(&row.places).and_then(|text| millionths(text, 6)).unwrap_or_default();
        let places = u8::try_from(places).unwrap_or(u8::MAX);
        let mut amount = Amount {
            used: self.number(row, here, &row.used, places),
            limit: self.number(row, here, &row.limit, places).filter(|&limit| limit > 0),
            remaining: self.number(row, here, &row.left, places),
            unit: row.unit,
            ..Amount::default()
        };
        let (kind, expression) = row.share.split_once(' ').unwrap_or((&row.share, ""));
        if let Some(number) = self.number(row, here, expression, 0) {
            let share = |part: u64| Ppm::of(part, UNIT).unwrap_or_default();
            let (percent, left) =
                (kind.ends_with('%') || (kind == "any" && number > UNIT), kind.starts_with("left"));
            let share = share(if percent { number / 100 } else { number });
            amount.used_share = Some(if left { share.rest() } else { share });
        } else if row.silent && resets_at.is_some() {
            amount.used_share = Some(Ppm::ALL);
        }
        if let Some(share) = amount.used_share {
            amount.remaining_share = Some(share.rest());
            if amount.limit.is_none() && amount.used.is_none() && amount.remaining.is_none() {
                return Some(Amount::of_share(share));
            }
        }
        if let Some(limit) = amount.limit {
            let rest = |part: Option<u64>| part.map(|part| limit.saturating_sub(part));
            amount.used = amount.used.or_else(|| rest(amount.remaining));
            amount.remaining = amount.remaining.or_else(|| rest(amount.used));
        } else if !row.limit.is_empty() && amount.remaining == Some(0) {
            // 0 of an allowance that is nothing, or not told, says nothing.
            amount.remaining = None;
        }
        let told = amount.used.is_some() || amount.remaining.is_some() || amount.used_share.is_some();
        told.then_some(amount)
    }

    fn window(&mut self, row: &Row, here: Here<'_>, resets_at: Option<Timestamp>) -> Option<Window> {
        let begin = self.instant(row, here, &row.begin);
        let ticks_at = self.instant(row, here, &row.tick);
        let mut window = Window { resets_at, ticks_at, ..Window::default() };
        let mut length = self.number(row, here, &row.seconds, 0).map(|micros| Span(micros / 1000));
        if let Some(minutes) = self.number(row, here, &row.minutes, 0) {
            length = Some(Span((minutes / 1000).saturating_mul(60)));
        }
        if let (Some(begin), Some(end)) = (begin, resets_at) {
            length = Some(end.since(begin));
        }
        length = length.filter(|&length| length > Span::ZERO).map(|length| length.min(LONGEST));
        let mut name = length.map(Window::name_of);
        if name.is_none() || (!row.window.is_empty() && length.is_some() && row.per.is_empty()) {
            name = self.named(row, here, resets_at).or(name);
        }
        // What begins anew is a window, whatever it is called.
        let name = name.or_else(|| (resets_at.or(ticks_at).is_some()).then(|| "current".to_owned()))?;
        if length.is_none() {
            length = length_of(&name);
        }
        if name == "monthly" && window.resets_at.is_none() {
            window.resets_at = begin.map(month_after);
        }
        if row.calendar {
            let period = match &*name {
                "1d" => Some(Period::Day),
                "7d" => Some(Period::Week),
                "monthly" => Some(Period::Month),
                _ => None,
            };
            window.resets_at =
                window.resets_at.or_else(|| period.and_then(|period| end_of(period, self.now)));
        }
        window.duration = length;
        window.label = label_of(&name).into();
        window.id = name.into();
        Some(window)
    }

    /// What a window is called, where its length is not told in seconds.
    fn named(&mut self, row: &Row, here: Here<'_>, resets_at: Option<Timestamp>) -> Option<String> {
        let mut per = row.per.split(' ');
        if let (Some(unit), Some(count)) = (per.next().filter(|unit| !unit.is_empty()), per.next()) {
            let unit = here.get(unit).and_then(scalar).unwrap_or_default();
            let count =
                here.get(count).and_then(scalar).and_then(|text| millionths(text, 6)).unwrap_or(1).max(1);
            for meaning in per {
                let Some((word, letter)) = meaning.split_once('=') else { continue };
                if if word.len() > 1 { contains(unit, word) } else { unit == word } {
                    return Some(counted(count, letter));
                }
            }
        }
        if let Some(text) = here_text(here, &row.words) {
            for (words, name) in [
                (&["week", "7d", "7_day", "7-day", "7 day"][..], "7d"),
                (&["month"], "monthly"),
                (&["5h"], "5h"),
                (&["hour"], "1h"),
                (&["day", "daily", "24h"], "1d"),
            ] {
                if words.iter().any(|word| contains(&text, word)) {
                    return Some(name.to_owned());
                }
            }
            return Some(plain(&text));
        }
        if row.guess {
            let now = self.now;
            let Some(reset) = resets_at else { return Some("1d".to_owned()) };
            let others = |later: bool| {
                here.siblings.iter().any(|sibling| {
                    let other =
                        Here { item: sibling, ..here }.get(&row.reset).and_then(|value| instant(value, now));
                    other.is_some_and(|other| if later { other > reset } else { other < reset })
                })
            };
            let last = others(false) && !others(true);
            return Some(if last || reset.since(now) > Span::from_days(1) { "7d" } else { "1d" }.to_owned());
        }
        (!row.window.is_empty()).then(|| row.window.to_string())
    }

    /// A number in millionths. What is there and is no number is noted.
    fn number(&mut self, row: &Row, here: Here<'_>, any: &str, places: u8) -> Option<u64> {
        self.one_of(row, here, any, &mut |value| millionths(scalar(value)?, places))
    }

    fn instant(&mut self, row: &Row, here: Here<'_>, any: &str) -> Option<Timestamp> {
        let now = self.now;
        let mut at = |value: &Value| instant(value, now).map(|at| at.0);
        self.one_of(row, here, any, &mut at).map(Timestamp)
    }

    fn one_of(
        &mut self,
        row: &Row,
        here: Here<'_>,
        any: &str,
        read: &mut dyn FnMut(&Value) -> Option<u64>,
    ) -> Option<u64> {
        for one in any.split('|').filter(|one| !one.is_empty()) {
            if let Some(literal) = one.strip_prefix('\'') {
                return read(&Value::from(literal));
            }
            let Some(value) = here.get(one) else { continue };
            match read(value) {
                Some(number) => return Some(number),
                None => {
                    self.wrong.get_or_insert_with(|| {
                        [&*row.each, if row.each.is_empty() { "" } else { "." }, one].concat()
                    });
                }
            }
        }
        None
    }
}

/// What an answer's own word means.
fn said(here: Here<'_>, rule: &str) -> Option<Status> {
    let mut words = rule.split(' ');
    let text = here.get(words.next().filter(|path| !path.is_empty())?).and_then(scalar)?;
    let meaning =
        words.find_map(|word| word.split_once('=').filter(|(word, _)| text.eq_ignore_ascii_case(word)))?;
    Some(match meaning.1 {
        "exhausted" => Status::Exhausted,
        "warning" => Status::Warning,
        _ => Status::Ok,
    })
}

/// The name of a limit: by its alias, where one of its alternatives has one.
pub(super) fn name_of(here: Here<'_>, any: &str, alias: &str) -> String {
    let aliases = || alias.split(' ').filter_map(|alias| alias.split_once('='));
    for one in any.split('|') {
        let Some(text) = here_text(here, one) else { continue };
        if let Some((_, name)) = aliases().find(|(part, name)| !name.is_empty() && contains(&text, part)) {
            return name.to_owned();
        }
    }
    let text = here_text(here, any).unwrap_or_default();
    let mut name = cut(&text);
    for (part, _) in aliases().filter(|(_, name)| name.is_empty()) {
        let begins = name.get(..part.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(part));
        name = if begins { name.get(part.len()..).unwrap_or_default() } else { name };
    }
    name.to_owned()
}

/// As [`Here::text`], for a table that lives shorter than the document.
fn here_text(here: Here<'_>, any: &str) -> Option<String> {
    any.split('|')
        .filter(|one| !one.is_empty())
        .find_map(|one| here.text(one).map(|text| cut(text).to_owned()))
}

/// A template, with texts in braces.
fn fill(template: &str, here: Here<'_>, to_id: bool) -> String {
    let (mut filled, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once('{') {
        let (any, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(before);
        let text = here_text(here, any).unwrap_or_default();
        filled.push_str(&if to_id { plain(&text) } else { text });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Lower case; letters and digits, dots kept, everything else a dash, none at either end.
pub(super) fn plain(text: &str) -> String {
    let mut made = String::new();
    for byte in cut(text).bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' => made.push(char::from(byte)),
            b'A'..=b'Z' => made.push(char::from(byte.to_ascii_lowercase())),
            _ if !made.is_empty() && !made.ends_with('-') => made.push('-'),
            _ => {}
        }
    }
    if made.ends_with('-') {
        made.pop();
    }
    made
}

/// At most [`MAX_TEXT`] bytes, whole characters, nothing that a terminal could take for a command.
fn cut(text: &str) -> &str {
    let text = text.trim_ascii();
    let end = text.bytes().position(|byte| byte < 0x20 || byte == 0x7f).unwrap_or(text.len()).min(MAX_TEXT);
    (0..=end).rev().find_map(|end| text.get(..end)).unwrap_or_default()
}

/// `5h`, `7d`, `monthly`, of so many units.
fn counted(count: u64, letter: &str) -> String {
    const MINUTE: u64 = 60;
    let seconds = match letter {
        "s" => 1,
        "m" => MINUTE,
        "h" => 60 * MINUTE,
        "d" => 1440 * MINUTE,
        "w" => 7 * 1440 * MINUTE,
        _ if count == 1 => return "monthly".to_owned(),
        _ => 30 * 1440 * MINUTE,
    };
    Window::name_of(Span::from_secs(count.saturating_mul(seconds)))
}

/// The length that a name tells: `5h`, `7d`.
fn length_of(name: &str) -> Option<Span> {
    let (count, letter) = name.split_at_checked(name.len().checked_sub(1)?)?;
    let count: u64 = count.parse().ok()?;
    match letter {
        "h" => Some(Span::from_hours(count)),
        "d" => Some(Span::from_days(count)),
        _ => None,
    }
}

/// A window's name for people.
fn label_of(name: &str) -> String {
    let Some(count) = name.get(..name.len().saturating_sub(1)) else { return String::new() };
    let unit = match name.as_bytes().last() {
        Some(b'h') => " hour",
        Some(b'd') => " day",
        _ => return cut(name).to_owned(),
    };
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return name.to_owned();
    }
    [count, unit, if count == "1" { "" } else { "s" }].concat()
}
