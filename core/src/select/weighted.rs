//! Smooth weighted rotation: each turn everybody gains its weight, the richest is picked and pays for the turn.
//!
//! The sequence is that of nginx and CLIProxyAPI (`a5 b1` gives `a a a b a a`), found in O(log n): credits are lines over
//! time, and a [`Tournament`] knows the highest.
//!
//! What a turn costs stays the same while credentials come and go; time runs faster when fewer share it. So a credit is a
//! number of turns that somebody is owed, whoever else is there, and can be kept while its owner is away.

use super::bits::BitTree;
use super::tournament::{scaled, Tournament};

/// A turn costs the weights of all, so many times: then most shares of a turn are whole numbers (2520 is divided by 1 to 10).
const FINENESS: i64 = 2520;
/// Time begins anew here: a weight of 2^20 times it stays within 64 bits.
const LONGEST: i64 = 1 << 42;
/// The cost of a turn is set anew where the weights of those present are so many times more, or less, than it was made for.
const COARSEST: i64 = 1 << 16;

/// Credits of one tier, by position.
#[derive(Clone, Debug, Default)]
pub(super) struct Credits {
    lines: Tournament,
    /// What those were owed who are away.
    away: Vec<i64>,
    /// Who was picked, or came with a credit, since credits began.
    moved: BitTree,
    /// The weights of those present.
    total: i64,
    /// What a turn costs.
    unit: i64,
    /// What is left of a turn's time after its whole units.
    rest: i64,
}

impl Credits {
    /// Somebody is ready to be picked, or has another weight. Under `restarts` everybody begins anew with every change.
    pub(super) fn enter(&mut self, position: u32, weight: u32, restarts: bool) {
        let room = position as usize + 1;
        if room > self.away.len() {
            self.away.resize(room, 0);
        }
        self.lines.grow(room);
        self.moved.grow(room);
        let held = self.lines.take(position);
        if let Some((value, slope)) = held {
            if slope == weight {
                return self.lines.set(position, value, slope);
            }
            self.total -= i64::from(slope);
        }
        let owed = held.map_or(self.away[position as usize], |(value, _)| value);
        self.total += i64::from(weight);
        if restarts {
            self.restart();
            self.lines.set(position, 0, weight);
        } else {
            self.lines.set(position, owed, weight);
            self.look_at_the_unit();
        }
    }

    /// Somebody is away.
    pub(super) fn leave(&mut self, position: u32, restarts: bool) {
        let Some((value, slope)) = self.lines.take(position) else { return };
        self.total -= i64::from(slope);
        self.rest = 0;
        if restarts {
            self.restart();
        } else {
            self.away[position as usize] = value;
        }
    }

    /// Nobody is owed anything any more.
    pub(super) fn begin(&mut self) {
        self.away.fill(0);
        self.restart();
    }

    fn restart(&mut self) {
        let mut from = 0;
        self.lines.restart(std::iter::from_fn(|| {
            let next = self.moved.at_or_after(from)?;
            from = next + 1;
            Some(next)
        }));
        while let Some(first) = self.moved.first() {
            self.moved.remove(first);
        }
        (self.unit, self.rest) = (self.total.saturating_mul(FINENESS), 0);
    }

    /// Sets what a turn costs, where what it costs is no longer fit for those who are present.
    fn look_at_the_unit(&mut self) {
        self.rest = 0;
        let fit = self.total.saturating_mul(FINENESS);
        if self.moved.count() == 0 {
            self.unit = fit;
        } else if fit / 4 > self.unit || fit.saturating_mul(COARSEST) < self.unit {
            #[allow(clippy::cast_precision_loss, reason = "see `scaled`")]
            let factor = fit as f64 / self.unit as f64;
            self.lines.rewind(factor);
            for owed in &mut self.away {
                *owed = scaled(*owed, factor);
            }
            self.unit = fit;
        }
    }

    /// One turn: who of those that `accept` takes is picked. At least one of those present must be acceptable.
    pub(super) fn turn(&mut self, accept: impl Fn(u32) -> bool) -> Option<u32> {
        if self.total <= 0 {
            return None;
        }
        if self.unit / self.total > FINENESS * COARSEST {
            self.look_at_the_unit();
        }
        let time = self.rest.saturating_add(self.unit);
        self.rest = time % self.total;
        self.lines.advance(time / self.total);
        let picked = self.lines.best_of(accept)?;
        self.lines.add(picked, -self.unit);
        self.moved.insert(picked);
        if self.lines.time() > LONGEST {
            self.lines.rewind(1.0);
            // From now on nobody's line begins at zero.
            for position in 0..self.away.len() as u32 {
                self.moved.insert(position);
            }
        }
        Some(picked)
    }

    /// How many turns somebody is owed.
    #[allow(clippy::cast_precision_loss, reason = "see `scaled`")]
    pub(super) fn owed(&self, position: u32) -> f64 {
        let away = self.away.get(position as usize).copied().unwrap_or(0);
        if self.unit == 0 {
            0.0
        } else {
            self.lines.value(position).unwrap_or(away) as f64 / self.unit as f64
        }
    }

    /// Gives somebody back what it was owed before everybody was seated anew.
    #[allow(clippy::cast_precision_loss, reason = "see `scaled`")]
    pub(super) fn owe(&mut self, position: u32, turns: f64) {
        let owed = (turns * self.unit as f64) as i64;
        match self.lines.value(position) {
            Some(value) => self.lines.add(position, owed - value),
            None => {
                if let Some(away) = self.away.get_mut(position as usize) {
                    *away = owed;
                }
            }
        }
        if owed != 0 && (position as usize) < self.away.len() {
            self.moved.insert(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(weights: &[u32]) -> Credits {
        let mut credits = Credits::default();
        for (position, &weight) in (0..).zip(weights) {
            credits.enter(position, weight, true);
        }
        credits
    }

    fn turns(credits: &mut Credits, count: usize) -> String {
        (0..count).filter_map(|_| credits.turn(|_| true)).map(|at| char::from(b'a' + at as u8)).collect()
    }

    /// CLIProxyAPI's V-WRR-1 to 3.
    #[test]
    fn the_sequence_is_that_of_smooth_weighted_round_robin() {
        assert_eq!(turns(&mut of(&[5, 3, 2]), 20), "abcaabacbaabcaabacba");
        assert_eq!(turns(&mut of(&[5, 1]), 7), "aaabaaa");
        assert_eq!(turns(&mut of(&[3, 1]), 8), "aabaaaba");
        // Where a virtual deadline would let the light ones bunch.
        assert_eq!(turns(&mut of(&[6, 1, 1, 1]), 9), "aabacadaa");
    }

    #[test]
    fn time_that_begins_anew_changes_nothing() {
        let mut credits = of(&[7, 3, 3, 1]);
        let mut other = credits.clone();
        for round in 0..200 {
            if round % 7 == 0 {
                other.lines.rewind(1.0);
            }
            assert_eq!(credits.turn(|_| true), other.turn(|_| true), "{round}");
        }
    }

    /// The textbook, O(n) a pick.
    #[derive(Default)]
    struct Model {
        weights: [i64; 9],
        credits: [i64; 9],
    }

    impl Model {
        fn turn(&mut self) -> Option<u32> {
            let total: i64 = self.weights.iter().sum();
            let ready = (0..9).filter(|&at| self.weights[at] > 0);
            for at in ready.clone() {
                self.credits[at] += self.weights[at];
            }
            let picked = ready.max_by_key(|&at| (self.credits[at], std::cmp::Reverse(at)))?;
            self.credits[picked] -= total;
            Some(picked as u32)
        }
    }

    proptest! {
        #[test]
        fn with_restarts_it_is_the_textbook(
            steps in prop::collection::vec((0u8..12, 0usize..9, prop_oneof![0u32..6, 0u32..1_000_000]), 1..400),
        ) {
            let (mut credits, mut model) = (Credits::default(), Model::default());
            for (what, position, weight) in steps {
                if what == 0 && model.weights[position] != i64::from(weight) {
                    model.weights[position] = i64::from(weight);
                    model.credits = [0; 9];
                    match weight {
                        0 => credits.leave(position as u32, true),
                        _ => credits.enter(position as u32, weight, true),
                    }
                } else {
                    prop_assert_eq!(credits.turn(|_| true), model.turn());
                }
            }
        }

        /// Whoever comes and goes: nobody gets a whole turn more than its share of the turns that it was there for, and all
        /// are owed what the others have had too much.
        #[test]
        fn kept_credits_are_within_a_turn_of_the_share(
            weights in prop::collection::vec(1u32..30, 9),
            steps in prop::collection::vec((0u8..8, 0usize..9), 1..600),
        ) {
            let mut credits = Credits::default();
            let mut ready = [false; 9];
            let mut owed = [0_f64; 9];
            for (what, position) in steps {
                if what == 0 {
                    ready[position] = !ready[position];
                    if ready[position] {
                        credits.enter(position as u32, weights[position], false);
                    } else {
                        credits.leave(position as u32, false);
                    }
                    continue;
                }
                let present = || (0..9).filter(|&at| ready[at]);
                let total: u32 = present().map(|at| weights[at]).sum();
                let picked = credits.turn(|_| true);
                prop_assert_eq!(picked.is_some(), total > 0);
                let Some(picked) = picked else { continue };
                prop_assert!(ready[picked as usize]);
                for at in present() {
                    owed[at] += f64::from(weights[at]) / f64::from(total);
                }
                // It was the one that was owed most, but for what is lost by counting in whole units.
                let most = present().map(|at| owed[at]).fold(f64::MIN, f64::max);
                prop_assert!(owed[picked as usize] > most - 0.01, "{owed:?} {picked}");
                owed[picked as usize] -= 1.0;
                for at in 0..9 {
                    prop_assert!((credits.owed(at as u32) - owed[at]).abs() < 0.01, "{owed:?}");
                }
            }
        }
    }
}
