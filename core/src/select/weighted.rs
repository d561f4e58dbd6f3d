//! Smooth weighted rotation: each turn everybody gains its weight, the richest is picked and pays for the turn.
//!
//! The sequence is that of nginx and CLIProxyAPI (`a5 b1` gives `a a a b a a`), found in O(log n). Credits are lines over time.
//! Those of one weight never overtake each other, so a [`Leader`] knows the richest of them; of those a [`Tournament`] knows the
//! richest of all. Weights that differ are few.
//!
//! What a turn costs stays the same while credentials come and go; time runs faster when fewer share it. So a credit is a
//! number of turns that somebody is owed, whoever else is there, and can be kept while its owner is away.

use super::bits::BitTree;
use super::leader::{position_of, Key, Leader, NOBODY};
use super::tournament::{Line, Tournament};

/// A turn costs the weights of all, so many times: then most shares of a turn are whole numbers (2520 is divided by 1 to 10).
const FINENESS: i64 = 2520;
/// Time begins anew here: a weight of 2^20 times it stays within 64 bits.
const LONGEST: i64 = 1 << 42;
/// The cost of a turn is set anew where the weights of those present are so many times more, or less, than it was made for.
const COARSEST: i64 = 1 << 16;

/// Those of one weight.
#[derive(Clone, Debug, Default)]
struct Class {
    weight: u32,
    /// By index in the class: what each was worth at time 0, the highest first.
    heights: Leader,
    /// How many indices there are, and which of them are nobody's.
    length: u32,
    free: Vec<u32>,
}

/// Where somebody's credit is: of which class, and at which index.
#[derive(Clone, Copy, Debug)]
struct Account {
    class: u32,
    index: u32,
    /// What it was owed when it went away.
    away: i64,
}

const NO_CLASS: u32 = u32::MAX;

/// A key that is the smaller the higher the line begins.
const fn key(height: i64, position: u32) -> Key {
    ((height ^ i64::MAX).cast_unsigned() as Key) << 32 | position as Key
}

const fn height(key: Key) -> i64 {
    ((key >> 32) as u64).cast_signed() ^ i64::MAX
}

/// Credits of one tier, by position.
#[derive(Clone, Debug, Default)]
pub(super) struct Credits {
    accounts: Vec<Account>,
    classes: Vec<Class>,
    /// The richest of each class.
    heads: Tournament,
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
        if room > self.accounts.len() {
            self.accounts.resize(room, Account { class: NO_CLASS, index: 0, away: 0 });
        }
        self.moved.grow(room);
        let held = self.worth(position);
        if let Some(worth) = held {
            let class = self.accounts[position as usize].class;
            if self.classes[class as usize].weight == weight {
                return;
            }
            self.take(position);
            self.accounts[position as usize].away = worth;
        }
        self.join(position, weight);
        self.total += i64::from(weight);
        if restarts {
            self.restart();
            self.put(position, 0);
        } else {
            self.put(position, self.accounts[position as usize].away);
            self.look_at_the_unit();
        }
    }

    /// Gives somebody a place among those of its weight.
    fn join(&mut self, position: u32, weight: u32) {
        let Account { class: left, index: free, .. } = self.accounts[position as usize];
        if let Some(class) = self.classes.get_mut(left as usize) {
            if class.weight == weight {
                return;
            }
            class.free.push(free);
        }
        let class = self.classes.iter().position(|class| class.weight == weight).unwrap_or_else(|| {
            self.classes.push(Class { weight, ..Class::default() });
            self.heads.push(Line::NONE);
            self.classes.len() - 1
        });
        let joined = &mut self.classes[class];
        let index = joined.free.pop().unwrap_or_else(|| {
            joined.length += 1;
            joined.heights.grow(joined.length as usize);
            joined.length - 1
        });
        let account = &mut self.accounts[position as usize];
        (account.class, account.index) = (class as u32, index);
    }

    /// Sets what somebody is worth at time 0; `None`: nobody is there.
    fn set(&mut self, position: u32, height_now: Option<i64>) {
        let Account { class: at, index, .. } = self.accounts[position as usize];
        let Some(class) = self.classes.get_mut(at as usize) else { return };
        let before = class.heights.least();
        class.heights.set(index, height_now.map_or(NOBODY, |height| key(height, position)));
        let first = class.heights.least();
        if first != before {
            let line =
                Line { height: height(first), slope: class.weight.into(), position: position_of(first) };
            self.heads.set(at, if first == NOBODY { Line::NONE } else { line });
        }
    }

    /// Sets what somebody is worth now.
    fn put(&mut self, position: u32, worth: i64) {
        let class = self.accounts[position as usize].class;
        let slope = self.classes.get(class as usize).map_or(0, |class| i64::from(class.weight));
        self.set(position, Some(worth.saturating_sub(slope.saturating_mul(self.heads.time()))));
    }

    /// What somebody is worth now, where it is present.
    fn worth(&self, position: u32) -> Option<i64> {
        let account = self.accounts.get(position as usize)?;
        let class = self.classes.get(account.class as usize)?;
        let key = class.heights.get(account.index);
        let slope = i64::from(class.weight);
        (key != NOBODY).then(|| height(key).saturating_add(slope.saturating_mul(self.heads.time())))
    }

    /// Takes somebody out who is present.
    fn take(&mut self, position: u32) {
        let class = self.accounts[position as usize].class;
        self.total -= self.classes.get(class as usize).map_or(0, |class| i64::from(class.weight));
        self.set(position, None);
    }

    /// What all who are present weigh together.
    pub(super) fn weight(&self) -> u64 {
        self.total.unsigned_abs()
    }

    /// Somebody is away.
    pub(super) fn leave(&mut self, position: u32, restarts: bool) {
        let Some(worth) = self.worth(position) else { return };
        self.take(position);
        self.rest = 0;
        if restarts {
            self.restart();
        } else {
            self.accounts[position as usize].away = worth;
        }
    }

    /// Nobody is owed anything any more.
    pub(super) fn begin(&mut self) {
        for account in &mut self.accounts {
            account.away = 0;
        }
        self.restart();
    }

    /// Puts those back whose lines do not begin at zero: the others keep their order, which is that of their positions.
    fn restart(&mut self) {
        self.heads.rewind();
        while let Some(moved) = self.moved.first() {
            self.moved.remove(moved);
            if self.worth(moved).is_some() {
                self.set(moved, Some(0));
            }
        }
        self.set_heads();
        (self.unit, self.rest) = (self.total.saturating_mul(FINENESS), 0);
    }

    /// The lines of all classes anew.
    fn set_heads(&mut self) {
        for (at, class) in (0..).zip(&self.classes) {
            let first = class.heights.least();
            let line =
                Line { height: height(first), slope: class.weight.into(), position: position_of(first) };
            self.heads.set(at, if first == NOBODY { Line::NONE } else { line });
        }
    }

    /// Time begins anew, and what everybody is worth is multiplied. O(n).
    fn rewind(&mut self, factor: f64) {
        let time = self.heads.time();
        self.heads.rewind();
        for class in &mut self.classes {
            let gained = i64::from(class.weight).saturating_mul(time);
            class
                .heights
                .change(|of| key(scaled(height(of).saturating_add(gained), factor), position_of(of)));
        }
        self.set_heads();
        for account in &mut self.accounts {
            account.away = scaled(account.away, factor);
        }
    }

    /// Sets what a turn costs, where what it costs is no longer fit for those who are present.
    fn look_at_the_unit(&mut self) {
        self.rest = 0;
        let fit = self.total.saturating_mul(FINENESS);
        if self.moved.count() == 0 {
            self.unit = fit;
        } else if fit / 4 > self.unit || fit.saturating_mul(COARSEST) < self.unit {
            #[allow(clippy::cast_precision_loss, reason = "see `scaled`")]
            self.rewind(fit as f64 / self.unit as f64);
            self.unit = fit;
        }
    }

    /// One turn: who of those that `accept` takes is picked. At least one of those present must be acceptable.
    pub(super) fn turn(&mut self, accept: impl Fn(u32) -> bool) -> Option<u32> {
        if self.total <= 0 {
            return None;
        }
        if self.unit > self.total.saturating_mul(FINENESS * COARSEST) {
            self.look_at_the_unit();
        }
        let time = self.rest.saturating_add(self.unit);
        self.rest = time % self.total;
        self.heads.advance(time / self.total);
        let richest = self.richest(accept)?;
        let picked = richest.position;
        self.set(picked, Some(richest.height.saturating_sub(self.unit)));
        self.moved.insert(picked);
        if self.heads.time() > LONGEST {
            self.rewind(1.0);
            // From now on nobody's line begins at zero.
            for position in 0..self.accounts.len() as u32 {
                self.moved.insert(position);
            }
        }
        Some(picked)
    }

    /// The richest of those that `accept` takes.
    fn richest(&mut self, accept: impl Fn(u32) -> bool) -> Option<Line> {
        let mut refused = Vec::new();
        let found = loop {
            match self.heads.best() {
                Some(line) if !accept(line.position) => {
                    self.set(line.position, None);
                    refused.push(line);
                }
                found => break found,
            }
        };
        for line in refused {
            self.set(line.position, Some(line.height));
        }
        found
    }

    /// How many turns somebody is owed.
    #[allow(clippy::cast_precision_loss, reason = "see `scaled`")]
    pub(super) fn owed(&self, position: u32) -> f64 {
        let away = self.accounts.get(position as usize).map_or(0, |account| account.away);
        if self.unit == 0 {
            0.0
        } else {
            self.worth(position).unwrap_or(away) as f64 / self.unit as f64
        }
    }

    /// Puts back what somebody was owed before everybody was seated anew.
    #[allow(clippy::cast_precision_loss, reason = "see `scaled`")]
    pub(super) fn owe(&mut self, position: u32, turns: f64) {
        let owed = (turns * self.unit as f64) as i64;
        if self.worth(position).is_some() {
            self.put(position, owed);
        } else if let Some(account) = self.accounts.get_mut(position as usize) {
            account.away = owed;
        }
        if owed != 0 && (position as usize) < self.accounts.len() {
            self.moved.insert(position);
        }
    }
}

/// A value in another unit.
#[allow(
    clippy::cast_precision_loss,
    reason = "a credit is a share of a turn, and its 53 first digits are enough"
)]
fn scaled(value: i64, factor: f64) -> i64 {
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
                other.rewind(1.0);
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
