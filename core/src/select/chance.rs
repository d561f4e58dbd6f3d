//! Choices by lot: a draw is a pure function of the pool's seed, the rotation and how often it has drawn.

use super::bits::BitTree;
use super::rotation::{around, Cursors};
use crate::entropy::{Purpose, Seed};

/// So often is drawn again where the one that was drawn may not be picked; then the next one is taken.
const TRIES: u64 = 16;

/// A number below `count`, each as likely as the other.
fn below(seed: Seed, cursors: &Cursors, part: u64, count: u32) -> u32 {
    let drawn = seed.draw(Purpose::Pick, cursors.salt, cursors.draws << 8 | part);
    ((u128::from(drawn) * u128::from(count)) >> 64) as u32
}

/// Anybody who is ready, each as likely as the other.
pub(super) fn anybody(
    seed: Seed,
    cursors: &mut Cursors,
    ready: &BitTree,
    accept: impl Fn(u32) -> bool,
) -> Option<u32> {
    cursors.draws += 1;
    for part in 0..TRIES {
        let drawn = ready.nth(below(seed, cursors, part, ready.count()))?;
        if accept(drawn) {
            return Some(drawn);
        }
    }
    around(ready, ready.nth(below(seed, cursors, TRIES, ready.count()))?, accept)
}

/// The better of two who are drawn.
pub(super) fn better_of_two<Load: Ord>(
    seed: Seed,
    cursors: &mut Cursors,
    ready: &BitTree,
    load: impl Fn(u32) -> Load,
    accept: impl Fn(u32) -> bool,
) -> Option<u32> {
    if ready.count() < 2 {
        return ready.first().filter(|&only| accept(only));
    }
    cursors.draws += 1;
    for part in 0..TRIES / 2 {
        let first = below(seed, cursors, 2 * part, ready.count());
        // The second is another one: of the others each is as likely.
        let second = below(seed, cursors, 2 * part + 1, ready.count() - 1);
        let second = second + u32::from(second >= first);
        let drawn = [ready.nth(first)?, ready.nth(second)?];
        let taken = drawn.into_iter().filter(|&position| accept(position));
        if let Some(better) = taken.min_by_key(|&position| (load(position), position)) {
            return Some(better);
        }
    }
    around(ready, ready.nth(below(seed, cursors, TRIES, ready.count()))?, accept)
}
