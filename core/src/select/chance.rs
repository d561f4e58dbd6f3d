//! Choices by lot: a draw is a pure function of the pool's seed, the rotation and how often it has drawn.

use super::bits::BitTree;
use super::rotation::{around, Cursors};
use crate::entropy::{Purpose, Seed};

/// So often is drawn again where the one that was drawn may not be picked; then the next one is taken.
const TRIES: u64 = 16;
/// So many places are drawn, ready or not, before those who are ready are counted off. With a quarter of a tier ready one of
/// them is found by that in seven cases of ten; with less it is not tried.
const GUESSES: u32 = 4;

/// The draws of one pick.
struct Lot<'a> {
    ready: &'a BitTree,
    /// How many positions there are.
    length: u32,
    seed: Seed,
    salt: u64,
    next: u64,
}

impl Lot<'_> {
    /// A number below `count`, each as likely as the other.
    fn below(&mut self, count: u32) -> u32 {
        let drawn = self.seed.draw(Purpose::Pick, self.salt, self.next);
        self.next += 1;
        ((u128::from(drawn) * u128::from(count)) >> 64) as u32
    }

    /// Somebody who is ready, but not this one. Each of the others is as likely.
    fn draw(&mut self, but: Option<u32>) -> Option<u32> {
        let others = self.ready.count() - u32::from(but.is_some());
        if others >= self.length / GUESSES {
            for _ in 0..GUESSES {
                let at = self.below(self.length);
                if self.ready.contains(at) && but != Some(at) {
                    return Some(at);
                }
            }
        }
        let n = self.below(others);
        let at = self.ready.nth(n)?;
        // Who is left out moves those behind it up by one.
        if but.is_some_and(|but| at >= but) {
            return self.ready.nth(n + 1);
        }
        Some(at)
    }
}

/// Anybody who is ready, each as likely as the other. `length`: so many positions there are.
pub(super) fn anybody(
    seed: Seed,
    cursors: &mut Cursors,
    (ready, length): (&BitTree, u32),
    accept: impl Fn(u32) -> bool,
) -> Option<u32> {
    cursors.draws += 1;
    let mut lot = Lot { ready, length, seed, salt: cursors.salt, next: cursors.draws << 8 };
    for _ in 0..TRIES {
        let drawn = lot.draw(None)?;
        if accept(drawn) {
            return Some(drawn);
        }
    }
    around(ready, lot.draw(None)?, accept)
}

/// The better of two who are drawn.
pub(super) fn better_of_two<Load: Ord>(
    seed: Seed,
    cursors: &mut Cursors,
    (ready, length): (&BitTree, u32),
    load: impl Fn(u32) -> Load,
    accept: impl Fn(u32) -> bool,
) -> Option<u32> {
    if ready.count() < 2 {
        return ready.first().filter(|&only| accept(only));
    }
    cursors.draws += 1;
    let mut lot = Lot { ready, length, seed, salt: cursors.salt, next: cursors.draws << 8 };
    for _ in 0..TRIES / 2 {
        let first = lot.draw(None)?;
        let second = lot.draw(Some(first))?;
        // Both are read before they are compared, so that neither waits for the other.
        let found = match (accept(first), accept(second)) {
            (true, true) if (load(second), second) < (load(first), first) => second,
            (true, _) => first,
            (false, true) => second,
            (false, false) => continue,
        };
        return Some(found);
    }
    around(ready, lot.draw(None)?, accept)
}
