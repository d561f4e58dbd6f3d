//! How long a rest is: flat, or longer each time.

use crate::time::Span;

/// One step of a ladder: the length for a level, and the level after it.
///
/// The length is `base × factor^level`, at most `max`; at the cap the level stops climbing, so it cannot overflow
/// (CLIProxyAPI's product overflows from level 34 on: V-LAD-OVF).
pub(super) const fn step(base: Span, factor: u32, max: Span, level: u8) -> (Span, u8) {
    let mut length = base.0;
    let mut climbed = 0;
    while climbed < level && length < max.0 {
        length = length.saturating_mul(factor as u64);
        climbed += 1;
    }
    if length >= max.0 {
        (max, level)
    } else {
        (Span(length), level.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_the_cap_and_stays_there() {
        let (base, max) = (Span::from_secs(1), Span::from_mins(30));
        let mut level = 0;
        let mut seconds = Vec::new();
        for _ in 0..14 {
            let (length, next) = step(base, 2, max, level);
            seconds.push(length.0 / 1000);
            level = next;
        }
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800, 1800]);
        assert_eq!(level, 11);
    }

    #[test]
    fn no_level_overflows() {
        for level in 0..=u8::MAX {
            let (length, next) = step(Span(1), u32::MAX, Span(u64::MAX), level);
            assert!(length.0 >= 1 && next >= level);
        }
    }
}
