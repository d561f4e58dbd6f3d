//! The machine (Thompson, Pike): all ways through the pattern go side by side through the text, character by character, the
//! better ones first; two that meet are one.

use super::{Edge, Found, Pattern, Step, MAX_TEXT};

/// Where the group begins and ends.
type Slots = [u32; 2];
const NOWHERE: u32 = u32::MAX;

/// The ways that have come to one place of the text.
#[derive(Default)]
struct Ways {
    list: Vec<(usize, Slots)>,
    /// The mark of the place at which a step was last reached.
    seen: Vec<u32>,
    mark: u32,
    stack: Vec<(usize, Slots)>,
    /// How many steps were looked at: what the time is bounded by.
    #[cfg(test)]
    looked: usize,
}

/// A place of the text and what is around it.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    before: Option<char>,
    after: Option<char>,
}

pub(super) fn find<'t>(pattern: &Pattern, text: &'t str) -> Option<Found<'t>> {
    find_by(&mut Ways::default(), pattern, text)
}

/// How many steps a search looks at.
#[cfg(test)]
pub(super) fn looked(pattern: &Pattern, text: &str) -> usize {
    let mut ways = Ways::default();
    find_by(&mut ways, pattern, text);
    ways.looked
}

fn find_by<'t>(ways: &mut Ways, pattern: &Pattern, text: &'t str) -> Option<Found<'t>> {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end)?;
    (ways.seen, ways.mark) = (vec![0; pattern.steps.len() + 1], 1);
    let mut current: Vec<(usize, Slots)> = Vec::new();
    let mut best = None;
    let mut characters = text.chars();
    let mut place = Place { at: 0, before: None, after: characters.next() };
    loop {
        if best.is_none() {
            ways.reach(pattern, 0, [NOWHERE; 2], place);
        }
        core::mem::swap(&mut current, &mut ways.list);
        ways.list.clear();
        ways.mark += 1;
        let character = place.after;
        let next = Place {
            at: place.at + character.map_or(0, char::len_utf8),
            before: character,
            after: characters.next(),
        };
        for &(step, slots) in &current {
            let Some(found) = pattern.steps.get(step) else {
                if !pattern.captures {
                    return Some(Found { captured: None });
                }
                // Whatever comes behind is worse.
                best = Some(slots);
                break;
            };
            if character.is_some_and(|character| pattern.takes(*found, character)) {
                ways.reach(pattern, step + 1, slots, next);
            }
        }
        if character.is_none() || ways.list.is_empty() && best.is_some() {
            break;
        }
        place = next;
    }
    best.map(|[from, to]| Found { captured: text.get(from as usize..to as usize) })
}

impl Ways {
    /// Goes from a step as far as it goes without a character.
    fn reach(&mut self, pattern: &Pattern, step: usize, slots: Slots, place: Place) {
        self.stack.push((step, slots));
        while let Some((step, mut slots)) = self.stack.pop() {
            #[cfg(test)]
            {
                self.looked += 1;
            }
            if core::mem::replace(&mut self.seen[step], self.mark) == self.mark {
                continue;
            }
            let to = |distance: i16| step.wrapping_add_signed(isize::from(distance));
            match pattern.steps.get(step) {
                Some(Step::Jump(distance)) => self.stack.push((to(*distance), slots)),
                Some(Step::Split(first, second)) => {
                    self.stack.push((to(*second), slots));
                    self.stack.push((to(*first), slots));
                }
                Some(Step::Save(slot)) => {
                    slots[usize::from(*slot & 1)] = place.at as u32;
                    self.stack.push((step + 1, slots));
                }
                Some(Step::Edge(edge)) => {
                    if edge.holds(place) {
                        self.stack.push((step + 1, slots));
                    }
                }
                _ => self.list.push((step, slots)),
            }
        }
    }
}

impl Edge {
    fn holds(self, place: Place) -> bool {
        let is_word = |character: Option<char>| {
            character.is_some_and(|character| character.is_ascii_alphanumeric() || character == '_')
        };
        let word = is_word(place.before) != is_word(place.after);
        match self {
            Self::Start => place.before.is_none(),
            Self::End => place.after.is_none(),
            Self::Word => word,
            Self::NoWord => !word,
        }
    }
}

impl Pattern {
    fn takes(&self, step: Step, character: char) -> bool {
        match step {
            Step::Char(wanted) => {
                wanted == character || !self.exact && wanted.eq_ignore_ascii_case(&character)
            }
            Step::Any => character != '\n',
            Step::Class { from, to, out } => {
                let ranges = self.ranges.get(usize::from(from)..usize::from(to)).unwrap_or_default();
                let has =
                    |character: char| ranges.iter().any(|&(low, high)| low <= character && character <= high);
                let lower = character.to_ascii_lowercase();
                let found =
                    has(character) || !self.exact && (has(lower) || has(character.to_ascii_uppercase()));
                found != out
            }
            Step::Edge(_) | Step::Split(..) | Step::Jump(_) | Step::Save(_) => false,
        }
    }
}
