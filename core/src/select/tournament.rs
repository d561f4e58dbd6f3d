//! The highest of many lines: who of a tier has the most credit, or the least load, as time goes on.
//!
//! A kinetic tournament: the winner of every pair is kept together with the instant until which it stays the winner, so
//! that time moves on without a look at those whose order has not changed.

const NOBODY: u32 = u32::MAX;
/// Nobody overtakes any more.
const NEVER: i64 = i64::MAX;

/// What a position is worth: `height` at time 0, and so much more with each unit of time.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    height: i64,
    slope: i64,
    present: bool,
}

/// Lines by position. Of equal ones the smaller position wins.
#[derive(Clone, Debug, Default)]
pub(super) struct Tournament {
    lines: Vec<Line>,
    /// A binary tree: the children of node `n` are `2 n` and `2 n + 1`; from `width` on they are the positions themselves.
    winners: Vec<u32>,
    /// By node: nothing changes in it before this time.
    until: Vec<i64>,
    time: i64,
}

impl Tournament {
    /// Makes room for positions below `length`.
    pub(super) fn grow(&mut self, length: usize) {
        if length > self.lines.len() {
            let width = length.next_power_of_two().max(2);
            self.lines.resize(width, Line::default());
            self.winners = vec![NOBODY; width];
            self.until = vec![NEVER; width];
            self.replay();
        }
    }

    /// Plays everything anew. O(n).
    fn replay(&mut self) {
        for node in (1..self.winners.len()).rev() {
            self.play(node);
        }
    }

    const fn value_of(&self, line: Line) -> i64 {
        line.height.saturating_add(line.slope.saturating_mul(self.time))
    }

    fn winner(&self, node: usize) -> u32 {
        let width = self.winners.len();
        match node.checked_sub(width) {
            Some(position) => {
                if self.lines[position].present {
                    position as u32
                } else {
                    NOBODY
                }
            }
            None => self.winners[node],
        }
    }

    fn holds_until(&self, node: usize) -> i64 {
        self.until.get(node).copied().unwrap_or(NEVER)
    }

    /// Decides a node by its two children.
    fn play(&mut self, node: usize) {
        let (left, right) = (self.winner(2 * node), self.winner(2 * node + 1));
        let mut until = self.holds_until(2 * node).min(self.holds_until(2 * node + 1));
        let winner = if left == NOBODY {
            right
        } else if right == NOBODY {
            left
        } else {
            let (first, second) = (self.lines[left as usize], self.lines[right as usize]);
            let ahead = self.value_of(first).saturating_sub(self.value_of(second));
            let (winner, gains, lead) = if ahead >= 0 {
                // The right one must be strictly better.
                (left, second.slope - first.slope, ahead.saturating_add(1))
            } else {
                (right, first.slope - second.slope, ahead.saturating_neg())
            };
            if gains > 0 {
                let wait = lead / gains + i64::from(lead % gains != 0);
                until = until.min(self.time.saturating_add(wait));
            }
            winner
        };
        self.winners[node] = winner;
        self.until[node] = until;
    }

    fn changed(&mut self, position: u32) {
        let mut node = (position as usize + self.winners.len()) >> 1;
        while node > 0 {
            let before = (self.winners[node], self.until[node]);
            self.play(node);
            // Nothing above has heard of it before, and nothing will.
            if before == (self.winners[node], self.until[node]) && before.0 != position {
                return;
            }
            node >>= 1;
        }
    }

    /// Puts a position in, or changes it. There must be room.
    pub(super) fn set(&mut self, position: u32, value: i64, slope: u32) {
        let slope = i64::from(slope);
        let height = value.saturating_sub(slope.saturating_mul(self.time));
        self.lines[position as usize] = Line { height, slope, present: true };
        self.changed(position);
    }

    /// Takes a position out. Returns what it was worth and its slope, where it was in.
    pub(super) fn take(&mut self, position: u32) -> Option<(i64, u32)> {
        let line = self.lines.get_mut(position as usize).filter(|line| line.present)?;
        line.present = false;
        let line = *line;
        self.changed(position);
        Some((self.value_of(line), line.slope as u32))
    }

    /// What a position is worth now, where it is in.
    pub(super) fn value(&self, position: u32) -> Option<i64> {
        self.lines.get(position as usize).filter(|line| line.present).map(|&line| self.value_of(line))
    }

    /// Raises or lowers a position.
    pub(super) fn add(&mut self, position: u32, by: i64) {
        if let Some(line) = self.lines.get_mut(position as usize) {
            line.height = line.height.saturating_add(by);
            self.changed(position);
        }
    }

    /// The best.
    pub(super) fn best(&self) -> Option<u32> {
        (self.winners.len() > 1).then(|| self.winners[1]).filter(|&winner| winner != NOBODY)
    }

    /// The best of those that `accept` takes. O(log n), and as much again for each that it refuses.
    pub(super) fn best_of(&mut self, accept: impl Fn(u32) -> bool) -> Option<u32> {
        let mut refused = Vec::new();
        let found = loop {
            match self.best() {
                Some(position) if !accept(position) => {
                    self.lines[position as usize].present = false;
                    self.changed(position);
                    refused.push(position);
                }
                found => break found,
            }
        };
        for position in refused {
            self.lines[position as usize].present = true;
            self.changed(position);
        }
        found
    }

    /// Time goes on.
    pub(super) fn advance(&mut self, by: i64) {
        self.time = self.time.saturating_add(by).min(NEVER - 1);
        if self.winners.len() > 1 {
            self.catch_up(1);
        }
    }

    fn catch_up(&mut self, node: usize) {
        if self.holds_until(node) <= self.time {
            self.catch_up(2 * node);
            self.catch_up(2 * node + 1);
            self.play(node);
        }
    }

    /// The time.
    pub(super) const fn time(&self) -> i64 {
        self.time
    }

    /// Time begins anew, and what everybody is worth is multiplied. O(n).
    pub(super) fn rewind(&mut self, factor: f64) {
        let time = self.time;
        for line in &mut self.lines {
            let value = line.height.saturating_add(line.slope.saturating_mul(time));
            line.height = scaled(value, factor);
        }
        self.time = 0;
        self.replay();
    }

    /// Time begins anew, with nobody worth anything. `moved` are those whose lines do not begin at zero: the others keep
    /// their order, which is that of their slopes.
    pub(super) fn restart(&mut self, moved: impl Iterator<Item = u32>) {
        self.time = 0;
        for position in moved {
            self.lines[position as usize].height = 0;
            self.changed(position);
        }
    }
}

/// A value in another unit.
#[allow(
    clippy::cast_precision_loss,
    reason = "a credit is a share of a turn, and its 53 first digits are enough"
)]
pub(super) fn scaled(value: i64, factor: f64) -> i64 {
    // Most often nothing changes: then no digit does.
    if factor.to_bits() == 1_f64.to_bits() {
        value
    } else {
        (value as f64 * factor) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_winner_is_the_one_that_a_search_would_find(
            steps in prop::collection::vec((0u8..6, 0u32..23, -50i64..50, 0u32..6), 1..300),
        ) {
            let mut tournament = Tournament::default();
            let mut lines: Vec<Option<(i64, u32)>> = vec![None; 23];
            for (what, position, number, slope) in steps {
                tournament.grow(position as usize + 1);
                match what {
                    0 | 1 => {
                        tournament.set(position, number, slope);
                        lines[position as usize] = Some((number, slope));
                    }
                    2 => prop_assert_eq!(tournament.take(position), lines[position as usize].take()),
                    3 if number == 7 => tournament.rewind(1.0),
                    _ => {
                        tournament.advance(number.abs());
                        for (value, slope) in lines.iter_mut().flatten() {
                            *value += i64::from(*slope) * number.abs();
                        }
                    }
                }
                let search = |accept: &dyn Fn(u32) -> bool| {
                    let present = (0..23).filter(|&at| lines[at as usize].is_some() && accept(at));
                    present.max_by_key(|&at| (lines[at as usize].map(|(value, _)| value), std::cmp::Reverse(at)))
                };
                prop_assert_eq!(tournament.best(), search(&|_| true));
                prop_assert_eq!(tournament.value(position), lines[position as usize].map(|(value, _)| value));
                let refuse = number.unsigned_abs() as u32 % 3;
                let accept = |at: u32| at % 3 != refuse;
                prop_assert_eq!(tournament.best_of(accept), search(&accept));
                prop_assert_eq!(tournament.best(), search(&|_| true));
            }
        }
    }
}
