//! The highest of many lines, as time goes on: which weight's richest credential is the richest of all.
//!
//! A kinetic tournament: the winner of every group is kept together with the instant until which it stays the winner, so
//! that time moves on without a look at those whose order has not changed. The last comparison is made when it is asked for:
//! with few lines there is no other.

/// So many are in a group.
const FAN: usize = 16;
const NOBODY: u32 = u32::MAX;
/// Nobody overtakes any more.
const NEVER: i64 = i64::MAX;

/// What somebody is worth: `height` at time 0, and so much more with each unit of time. Of equal ones the smaller position wins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) height: i64,
    pub(super) slope: i64,
    /// [`Line::NONE`]'s is nobody's.
    pub(super) position: u32,
}

impl Line {
    /// Nobody's.
    pub(super) const NONE: Self = Self { height: 0, slope: 0, position: NOBODY };

    const fn at(&self, time: i64) -> i64 {
        self.height.saturating_add(self.slope.saturating_mul(time))
    }
}

/// Who wins a group, and before when nothing changes in it.
#[derive(Clone, Copy, Debug)]
struct Group {
    winner: u32,
    until: i64,
}

/// Lines by index.
#[derive(Clone, Debug, Default)]
pub(super) struct Tournament {
    lines: Vec<Line>,
    /// `levels[0]` has a group for each sixteen lines, the next one for each sixteen groups; the last has sixteen at the most.
    levels: Vec<Vec<Group>>,
    time: i64,
}

impl Tournament {
    /// How many lines there are.
    pub(super) fn len(&self) -> u32 {
        self.lines.len() as u32
    }

    /// Puts one more in.
    pub(super) fn push(&mut self, line: Line) {
        self.lines.push(Line::NONE);
        let mut groups = self.lines.len();
        let mut level = 0;
        while groups > FAN {
            groups = groups.div_ceil(FAN);
            if level == self.levels.len() {
                self.levels.push(Vec::new());
                // What it says of those that are there already.
                for group in 0..groups {
                    self.levels[level].push(Group { winner: NOBODY, until: NEVER });
                    self.play(level, group);
                }
            }
            self.levels[level].resize(groups, Group { winner: NOBODY, until: NEVER });
            level += 1;
        }
        self.set(self.len() - 1, line);
    }

    /// The line of somebody.
    pub(super) fn get(&self, index: u32) -> Line {
        self.lines.get(index as usize).copied().unwrap_or(Line::NONE)
    }

    /// Changes a line.
    pub(super) fn set(&mut self, index: u32, line: Line) {
        self.lines[index as usize] = line;
        let mut group = index as usize;
        for level in 0..self.levels.len() {
            group /= FAN;
            self.play(level, group);
        }
    }

    /// Who of a group of a level takes part, and until when each is sure to be sent by his own group.
    fn entrant(&self, level: usize, at: usize) -> Option<(u32, i64)> {
        if level == 0 {
            (at < self.lines.len()).then_some((at as u32, NEVER))
        } else {
            self.levels[level - 1].get(at).map(|group| (group.winner, group.until))
        }
    }

    /// The best of those who take part in a group.
    fn best_in(&self, level: usize, group: usize) -> (u32, Line) {
        let mut best = (NOBODY, Line::NONE);
        let mut most = i64::MIN;
        for at in group * FAN..(group + 1) * FAN {
            let Some((index, _)) = self.entrant(level, at) else { break };
            let line = self.get(index);
            let worth = line.at(self.time);
            if line.position != NOBODY
                && (best.0 == NOBODY || worth > most || worth == most && line.position < best.1.position)
            {
                (best, most) = ((index, line), worth);
            }
        }
        best
    }

    /// Decides a group.
    fn play(&mut self, level: usize, group: usize) {
        let (winner, first) = self.best_in(level, group);
        let mut until = NEVER;
        for at in group * FAN..(group + 1) * FAN {
            let Some((index, sure)) = self.entrant(level, at) else { break };
            until = until.min(sure);
            let other = self.get(index);
            let gains = other.slope - first.slope;
            if gains <= 0 || other.position == NOBODY || index == winner {
                continue;
            }
            // Who comes first among equals must be overtaken.
            let ahead = first.at(self.time).saturating_sub(other.at(self.time));
            let lead = ahead.saturating_add(i64::from(first.position < other.position));
            if until == NEVER || lead < gains.saturating_mul(until - self.time) {
                let wait = lead / gains + i64::from(lead % gains != 0);
                until = until.min(self.time.saturating_add(wait));
            }
        }
        self.levels[level][group] = Group { winner, until };
    }

    /// The best.
    pub(super) fn best(&self) -> Option<Line> {
        let (best, line) = self.best_in(self.levels.len(), 0);
        (best != NOBODY).then_some(line)
    }

    /// Time goes on.
    pub(super) fn advance(&mut self, by: i64) {
        self.time = self.time.saturating_add(by).min(NEVER - 1);
        if let Some(level) = self.levels.len().checked_sub(1) {
            for group in 0..self.levels[level].len() {
                self.catch_up(level, group);
            }
        }
    }

    fn catch_up(&mut self, level: usize, group: usize) {
        if self.levels[level].get(group).is_none_or(|group| group.until > self.time) {
            return;
        }
        if level > 0 {
            for below in group * FAN..(group + 1) * FAN {
                self.catch_up(level - 1, below);
            }
        }
        self.play(level, group);
    }

    /// The time.
    pub(super) const fn time(&self) -> i64 {
        self.time
    }

    /// Time begins anew: every line is to be set.
    pub(super) const fn rewind(&mut self) {
        self.time = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_winner_is_the_one_that_a_search_would_find(
            count in prop_oneof![1_u32..16, 17_u32..400],
            steps in prop::collection::vec((0u8..6, any::<prop::sample::Index>(), -50i64..50, 0u32..6), 1..200),
        ) {
            let mut tournament = Tournament::default();
            // What each is worth now, and its slope; positions are in another order than indices.
            let mut lines: Vec<Option<(i64, i64)>> = Vec::new();
            let position = |index: u32| (index * 7 + 3) % 401;
            for index in 0..count {
                let worth = i64::from(index * 31 % 17);
                tournament.push(Line { height: worth, slope: worth % 5, position: position(index) });
                lines.push(Some((worth, worth % 5)));
            }
            prop_assert_eq!(tournament.len(), count);
            for (what, index, number, slope) in steps {
                let index = index.index(count as usize) as u32;
                let slope = i64::from(slope);
                match what {
                    0 | 1 => {
                        let height = number - slope * tournament.time();
                        tournament.set(index, Line { height, slope, position: position(index) });
                        lines[index as usize] = Some((number, slope));
                    }
                    2 => {
                        tournament.set(index, Line::NONE);
                        lines[index as usize] = None;
                    }
                    _ => {
                        tournament.advance(number.abs());
                        for (worth, slope) in lines.iter_mut().flatten() {
                            *worth += *slope * number.abs();
                        }
                    }
                }
                let present = (0..count).filter(|&at| lines[at as usize].is_some());
                let best = present.max_by_key(|&at| {
                    (lines[at as usize].map(|(worth, _)| worth), std::cmp::Reverse(position(at)))
                });
                prop_assert_eq!(tournament.best().map(|line| line.position), best.map(position));
            }
        }
    }
}
