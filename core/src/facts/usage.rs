//! What the machine must know of a provider's usage limits: which models draw on which of them, under which name they rest,
//! and which plan they want. Plain data; the tables are in `provider/meters.rs`.

use crate::time::Span;

/// The plan that a model wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wants {
    /// Any.
    #[default]
    Any,
    /// One that is paid for.
    Paid,
    /// The large one.
    Pro,
}

/// What the models of one kind draw on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Names of models without their maker (what is before the last `/`), with `*` for any text, between blanks. A blank text
    /// is every model, and calls that name none.
    pub models: &'static str,
    /// The meter whose limits count: [`Scope::meter`](crate::usage::report::Scope::meter). Blank: those that are of no meter.
    pub meter: &'static str,
    /// Limits of this class of models count too: [`Scope::tier`](crate::usage::report::Scope::tier). Blank: of none.
    pub tier: &'static str,
    /// The name of what rests when nothing is left; blank: the whole credential.
    pub rests: &'static str,
    /// The plan that these models want.
    pub wants: Wants,
    /// A limit of the class alone counts as exhausted only with an end in the future: the provider reports it for accounts
    /// that are served all the same.
    pub confirmed: bool,
    /// A short window that was not touched goes first: it does not begin before its first use, so it is lost time.
    pub untouched_first: bool,
}

impl Draw {
    /// Every model draws on all limits, and rests as a whole.
    pub const ALL: Self = Self {
        models: "",
        meter: "",
        tier: "",
        rests: "",
        wants: Wants::Any,
        confirmed: false,
        untouched_first: false,
    };
}

/// The usage limits of one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageFacts {
    /// How long a short window is that does not say it.
    pub short: Span,
    /// How long a long one is.
    pub long: Span,
    /// What its models draw on: the first that names the model. The last is for all others.
    pub draws: &'static [Draw],
}

impl UsageFacts {
    /// Where nothing special is known: windows of five hours and of a week, and every model draws on all of them.
    pub const USUAL: Self =
        Self { short: Span::from_hours(5), long: Span::from_days(7), draws: &[Draw::ALL] };

    /// The place in the list of what a model draws on.
    pub fn draw_of(&self, model: Option<&str>) -> usize {
        let last = self.draws.len().saturating_sub(1);
        let Some(model) = model else { return last };
        let bare = model.rsplit_once('/').map_or(model, |(_, bare)| bare);
        self.draws
            .iter()
            .position(|draw| draw.models.split(' ').any(|pattern| !pattern.is_empty() && fits(pattern, bare)))
            .unwrap_or(last)
    }

    /// What is there; everything where there is no such place.
    pub fn draw(&self, at: usize) -> Draw {
        self.draws.get(at).copied().unwrap_or(Draw::ALL)
    }

    /// Is that a name under which something of it rests?
    pub fn knows(&self, rests: &str) -> bool {
        self.draws.iter().any(|draw| draw.rests == rests)
    }
}

/// Does a name match a pattern with at most a `*` at each end, or none? Without regard to the case of ASCII letters.
fn fits(pattern: &str, name: &str) -> bool {
    let (open_start, rest) = pattern.strip_prefix('*').map_or((false, pattern), |rest| (true, rest));
    let (open_end, text) = rest.strip_suffix('*').map_or((false, rest), |text| (true, text));
    let (text, name) = (text.as_bytes(), name.as_bytes());
    let Some(spare) = name.len().checked_sub(text.len()) else { return false };
    let at =
        |from: usize| name.get(from..from + text.len()).is_some_and(|part| part.eq_ignore_ascii_case(text));
    match (open_start, open_end) {
        (false, false) => spare == 0 && at(0),
        (false, true) => at(0),
        (true, false) => at(spare),
        (true, true) => (0..=spare).any(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_open_at_its_stars() {
        for (pattern, name, expected) in [
            ("gpt-5.6", "GPT-5.6", true),
            ("gpt-5.6", "gpt-5.6-sol", false),
            ("gemini-*", "gemini-3-pro", true),
            ("gemini-*", "x-gemini-3", false),
            ("*-spark*", "gpt-5.3-codex-spark", true),
            ("*-spark*", "gpt-spark", true),
            ("*-spark*", "spark", false),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-mini-2", false),
            ("*longer-than-the-name*", "name", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn the_first_draw_that_names_a_model_is_its_own() {
        const FACTS: UsageFacts = UsageFacts {
            draws: &[Draw { models: "a-* b", rests: "m", ..Draw::ALL }, Draw::ALL],
            ..UsageFacts::USUAL
        };
        for (model, at) in [(Some("a-1"), 0), (Some("maker/b"), 0), (Some("b-2"), 1), (None, 1)] {
            assert_eq!(FACTS.draw_of(model), at, "{model:?}");
        }
        assert!(FACTS.knows("m") && !FACTS.knows("other"));
    }
}
