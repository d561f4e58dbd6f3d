//! How long a rest is: flat, or longer each time.

use crate::policy::CooldownRule;
use crate::time::Span;

/// One step of a ladder: the length for a level, and the level after it.
///
/// The length is `base × factor^level`, at most `max`, or the step of that number where the rule lists them; at the top
/// the level stops climbing, so it cannot overflow (CLIProxyAPI's product overflows from level 34 on: V-LAD-OVF).
pub(super) fn step(rule: &CooldownRule, level: u8) -> (Span, u8) {
    let above = level.saturating_add(1);
    if let Some(last) = rule.steps.len().checked_sub(1) {
        let at = usize::from(level.min(rule.top)).min(last);
        return (rule.steps[at], if at < usize::from(level) { level } else { above });
    }
    let mut length = rule.base.0;
    let mut climbed = 0;
    while climbed < level.min(rule.top) && length < rule.max.0 {
        length = length.saturating_mul(u64::from(rule.factor));
        climbed += 1;
    }
    if length >= rule.max.0 {
        (rule.max, level)
    } else {
        (Span(length), above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(json: &str) -> CooldownRule {
        crate::json::read(json).unwrap()
    }

    fn climb(rule: &CooldownRule, times: usize) -> (Vec<u64>, u8) {
        let mut level = 0;
        let mut seconds = Vec::new();
        for _ in 0..times {
            let (length, next) = step(rule, level);
            seconds.push(length.0 / 1000);
            level = next;
        }
        (seconds, level)
    }

    #[test]
    fn it_doubles_up_to_the_cap_and_stays_there() {
        let (seconds, level) = climb(&rule(r#"{"action":"ladder","base":1000,"max":1800000}"#), 14);
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800, 1800]);
        assert_eq!(level, 11);
    }

    #[test]
    fn listed_steps_are_taken_one_by_one_and_the_last_repeats() {
        let (seconds, level) = climb(&rule(r#"{"action":"ladder","steps":[30000,60000,300000]}"#), 5);
        assert_eq!((seconds, level), (vec![30, 60, 300, 300, 300], 3));
    }

    #[test]
    fn a_ladder_climbs_no_higher_than_its_top() {
        let (hour, most) = (3_600_000_u64, 100_000_u64 * 3_600_000);
        let text = format!(r#"{{"action":"ladder","base":{},"max":{most},"top":10}}"#, 5 * hour);
        assert_eq!(step(&rule(&text), 11).0, Span(5120 * hour), "DV-16, third row");
    }

    /// The length as its definition says it, with numbers that cannot overflow.
    fn obvious(base: u64, factor: u32, max: u64, level: u8) -> u64 {
        let mut length = u128::from(base);
        for _ in 0..level {
            length = (length * u128::from(factor)).min(u128::from(max));
        }
        u64::try_from(length.min(u128::from(max))).unwrap()
    }

    proptest! {
        #[test]
        fn it_agrees_with_its_definition_and_never_overflows(
            base in 1..u64::MAX, factor in 1..101_u32, max in 1..u64::MAX, level in any::<u8>(),
        ) {
            let rule = CooldownRule { base: Span(base), factor, max: Span(max), ..rule(r#"{"action":"ladder"}"#) };
            let (length, next) = step(&rule, level);
            prop_assert_eq!(length.0, obvious(base, factor, max, level));
            prop_assert!(next == level || next == level.saturating_add(1));
            prop_assert!(step(&rule, next).0 >= length);
        }
    }
}
