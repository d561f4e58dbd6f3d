use super::*;
use crate::verdict::{Hint, HintSource, Scope};
use proptest::prelude::*;

const ALL_AT_ONCE: Return = Return { probes: 0, full: 0 };
const GENTLY: Return = Return { probes: 1, full: 16 };

fn policy(json: &str) -> Policy {
    let mut policy = Policy::over("default", crate::json::read(json).unwrap()).unwrap();
    policy.jitter = 0;
    policy
}

fn failure(reason: Reason, hint: Option<u64>) -> Failure {
    let hint = hint.map(|ms| Hint { after: Span(ms), source: HintSource::RetryAfter });
    Failure::new(reason, Scope::Model, hint)
}

fn rule(json: &str) -> CooldownRule {
    crate::json::read(json).unwrap()
}

/// A scope that counts by itself.
fn fail(state: &mut Cooldown, policy: &Policy, rule: &CooldownRule, failure: &Failure, now: u64) -> Effect {
    let at = Circumstances { now: Instant(now), policy, seed: Seed(0), key: 0, rested: false };
    let mut counts = std::mem::take(&mut state.counts);
    let effect = state.fail(&mut counts, rule, failure, at);
    state.counts = counts;
    effect
}

const LADDER: &str = r#"{"action":"ladder","base":1000,"max":60000}"#;

#[test]
fn a_hint_is_believed_up_to_its_bound_and_leaves_the_ladder_alone() {
    let (policy, mut state) = (policy("{}"), Cooldown::default());
    let hinted = failure(Reason::RateLimit, Some(u64::MAX));
    assert_eq!(fail(&mut state, &policy, &rule(LADDER), &hinted, 5), Effect::Cooled);
    assert_eq!(state.until, Instant(5) + Span::from_days(7));
    assert_eq!((state.level(Reason::RateLimit), state.source), (0, Source::Hint));
}

#[test]
fn a_hint_of_nothing_is_no_hint() {
    let (policy, mut state) = (policy("{}"), Cooldown::default());
    fail(&mut state, &policy, &rule(LADDER), &failure(Reason::RateLimit, Some(0)), 5);
    assert_eq!((state.until, state.source), (Instant(1005), Source::Ladder));
}

#[test]
fn a_shorter_rest_never_replaces_a_longer_one() {
    let (policy, mut state) = (policy("{}"), Cooldown::default());
    let flat = rule(r#"{"action":"flat","base":1000}"#);
    fail(&mut state, &policy, &flat, &failure(Reason::Quota, Some(9000)), 0);
    assert_eq!(fail(&mut state, &policy, &flat, &failure(Reason::Auth, None), 10), Effect::Nothing);
    assert_eq!((state.until, state.reason), (Instant(9000), Some(Reason::Quota)));
}

#[test]
fn a_later_hint_moves_an_end_earlier_only_where_the_policy_lets_it() {
    for (document, end) in [("{}", 9000), (r#"{"hints":{"shortens":true}}"#, 1010)] {
        let (policy, mut state) = (policy(document), Cooldown::default());
        fail(&mut state, &policy, &rule(LADDER), &failure(Reason::Quota, Some(9000)), 0);
        fail(&mut state, &policy, &rule(LADDER), &failure(Reason::Quota, Some(1000)), 10);
        assert_eq!(state.until, Instant(end), "{document}");
    }
}

#[test]
fn no_rest_is_longer_than_the_longest() {
    let mut state = Cooldown::default();
    state.rest(Instant(0), Span(u64::MAX), Reason::Quota, Source::Hand);
    assert_eq!(state.until, Instant(0) + LONGEST_REST);
}

#[test]
fn the_circuit_counts_within_its_window_only_and_whatever_the_reason() {
    let policy = policy(r#"{"circuit":{"failures":3,"window":60000,"open":30000}}"#);
    let circuit = rule(r#"{"action":"circuit"}"#);
    let mut state = Cooldown::default();
    for (now, reason) in [(0, Reason::Network), (1, Reason::Timeout), (60_002, Reason::Network)] {
        assert_eq!(fail(&mut state, &policy, &circuit, &failure(reason, None), now), Effect::Nothing);
    }
    assert_eq!(state.circuit(), Circuit::Closed);
    fail(&mut state, &policy, &circuit, &failure(Reason::Network, None), 60_003);
    assert_eq!(fail(&mut state, &policy, &circuit, &failure(Reason::Network, None), 60_004), Effect::Cooled);
    assert_eq!((state.until, state.circuit()), (Instant(90_004), Circuit::Open));
    let straggler = fail(&mut state, &policy, &circuit, &failure(Reason::Network, None), 89_000);
    assert_eq!((straggler, state.until), (Effect::Nothing, Instant(90_004)), "it was sent before");
}

#[test]
fn a_failure_while_half_open_opens_it_again_and_a_success_closes_it() {
    let policy = policy(r#"{"circuit":{"failures":3,"open":30000,"reopen":1}}"#);
    let circuit = rule(r#"{"action":"circuit"}"#);
    let timeout = failure(Reason::Timeout, None);
    let mut state = Cooldown::default();
    for now in 0..3 {
        fail(&mut state, &policy, &circuit, &timeout, now);
    }
    state.recover(ALL_AT_ONCE, Instant(30_002));
    assert_eq!(state.circuit(), Circuit::HalfOpen);
    assert_eq!(fail(&mut state, &policy, &circuit, &timeout, 30_010), Effect::Cooled);
    state.recover(ALL_AT_ONCE, Instant(60_010));
    assert_eq!(state.succeed(Instant(60_010), true, ALL_AT_ONCE), Success::Closed);
    assert_eq!(state, Cooldown::default());
}

#[test]
fn a_return_doubles_with_each_success_until_it_is_full() {
    let mut state = Cooldown::default();
    state.rest(Instant(0), Span(1000), Reason::RateLimit, Source::Ladder);
    state.recover(GENTLY, Instant(1000));
    let mut limits = Vec::new();
    for began in 1000..1006 {
        let Some(half) = state.half_open else { break };
        limits.push(half.limit);
        let success = state.succeed(Instant(began), true, GENTLY);
        assert_eq!(success == Success::Closed, state.half_open.is_none());
    }
    assert_eq!(limits, [1, 2, 4, 8, 16]);
    assert!(!state.remembers());
}

#[test]
fn a_call_that_began_before_the_return_says_nothing_of_it() {
    let mut state = Cooldown::default();
    state.rest(Instant(0), Span(1000), Reason::RateLimit, Source::Ladder);
    state.recover(GENTLY, Instant(1000));
    assert_eq!(state.succeed(Instant(999), true, GENTLY), Success::Nothing);
    assert_eq!(state.half_open.map(|half| half.limit), Some(1));
}

#[test]
fn a_success_counts_only_if_its_call_began_later() {
    let (policy, mut state) = (policy("{}"), Cooldown::default());
    fail(&mut state, &policy, &rule(LADDER), &failure(Reason::RateLimit, None), 100);
    for (lease, success) in [(99, Success::Nothing), (100, Success::Nothing), (101, Success::Cleared)] {
        assert_eq!(state.succeed(Instant(lease), true, ALL_AT_ONCE), success);
    }
    assert_eq!(state, Cooldown::default());
}

#[test]
fn two_reasons_climb_ladders_of_their_own() {
    let (policy, mut state) = (policy("{}"), Cooldown::default());
    for (now, reason) in [(0, Reason::RateLimit), (2000, Reason::RateLimit), (9000, Reason::Overloaded)] {
        fail(&mut state, &policy, &rule(LADDER), &failure(reason, None), now);
    }
    assert_eq!((state.level(Reason::RateLimit), state.level(Reason::Overloaded)), (2, 1));
    assert_eq!(state.until, Instant(10_000));
}

/// The rules once more, slow and obvious: the whole history is kept, and each question is answered from it.
#[derive(Default)]
struct Obvious {
    /// Counted failures: when and why.
    failures: Vec<(u64, Reason)>,
    end: u64,
    why: Option<Reason>,
}

impl Obvious {
    fn fail(&mut self, rule: &CooldownRule, memory: u64, reason: Reason, now: u64) {
        if memory > 0 && self.failures.last().is_some_and(|(last, _)| now - last > memory) {
            self.failures.clear();
        }
        let rests = self.end > now;
        match rule.again {
            Again::Ignore if rests => return,
            Again::Later if rests && self.why == Some(reason) => return,
            _ => self.failures.push((now, reason)),
        }
        if rests && rule.again == Again::Keep {
            self.why = Some(reason);
            return;
        }
        let of_reason = self.failures.iter().filter(|(_, why)| *why == reason).count();
        let n = if rule.climbs == Climbs::AllFailures { self.failures.len() } else { of_reason };
        let mut length = rule.base.0;
        for _ in 1..n {
            length = (length * u64::from(rule.factor)).min(rule.max.0);
        }
        let end = now + length;
        if rule.again == Again::Replace || end > self.end || !rests {
            (self.end, self.why) = (end, Some(reason));
        }
    }
}

use crate::policy::Climbs;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn ladders_and_windows_agree_with_a_history(
        climbs in prop_oneof![Just("failures"), Just("all-failures")],
        again in prop_oneof![Just("later"), Just("keep"), Just("ignore"), Just("replace")],
        (base, factor, max) in (1..5_000_u64, 1..6_u32, 5_000..100_000_u64),
        memory in prop_oneof![Just(0_u64), 1..50_000_u64],
        steps in prop::collection::vec((0..30_000_u64, 0..3_usize), 1..60),
    ) {
        let rule = rule(&format!(
            r#"{{"action":"ladder","base":{base},"factor":{factor},"max":{max},"climbs":"{climbs}","again":"{again}"}}"#
        ));
        let policy = policy(&format!(r#"{{"memory":{{"window":{memory}}}}}"#));
        let (mut state, mut obvious, mut now) = (Cooldown::default(), Obvious::default(), 0);
        for (later, reason) in steps {
            now += later;
            let reason = [Reason::RateLimit, Reason::Timeout, Reason::Billing][reason];
            fail(&mut state, &policy, &rule, &failure(reason, None), now);
            obvious.fail(&rule, memory, reason, now);
            prop_assert_eq!((state.until.0, state.reason), (obvious.end, obvious.why), "at {}", now);
            prop_assert_eq!(usize::from(state.counts.total), obvious.failures.len());
            // However it came about, it ends.
            prop_assert!(state.until.0 <= now + max);
        }
    }

    #[test]
    fn the_circuit_agrees_with_a_history(
        (failures, window, open, reopen) in (1..5_u32, prop_oneof![Just(0_u64), 1..20_000_u64], 1..9_000_u64, 1..4_u32),
        steps in prop::collection::vec((0..6_000_u64, any::<bool>()), 1..80),
    ) {
        let policy = policy(&format!(
            r#"{{"circuit":{{"failures":{failures},"window":{window},"open":{open},"reopen":{reopen}}}}}"#
        ));
        let circuit = rule(r#"{"action":"circuit"}"#);
        let (mut state, mut now) = (Cooldown::default(), 0);
        // The history: failures since the last thing that ended their count, and since when it is what it is.
        let (mut counted, mut phase, mut end) = (Vec::<u64>::new(), Circuit::Closed, 0);
        for (later, succeeds) in steps {
            now += later + 1;
            if state.active && state.until.0 <= now {
                state.recover(ALL_AT_ONCE, Instant(now));
            }
            if phase == Circuit::Open && end <= now {
                phase = Circuit::HalfOpen;
            }
            if succeeds {
                state.succeed(Instant(now), true, ALL_AT_ONCE);
                phase = Circuit::Closed;
                counted.clear();
            } else {
                fail(&mut state, &policy, &circuit, &failure(Reason::Timeout, None), now);
                if phase != Circuit::Open {
                    if window > 0 && counted.first().is_some_and(|first| now - first > window) {
                        counted.clear();
                    }
                    counted.push(now);
                    let enough = if phase == Circuit::HalfOpen { reopen } else { failures };
                    if counted.len() >= enough as usize {
                        counted.clear();
                        (phase, end) = (Circuit::Open, now + open);
                    }
                }
            }
            prop_assert_eq!(state.circuit(), phase, "at {}", now);
        }
    }
}

const CIRCUIT: &str = r#"{"action":"circuit"}"#;

/// Strikes are counted beside the failures, which may be the credential's: they are there to be cleared all the same.
#[test]
fn strikes_alone_are_remembered_and_end_with_a_success_of_their_scope() {
    let (policy, mut state, mut others) = (policy("{}"), Cooldown::default(), Counts::default());
    let at = Circumstances { now: Instant(5), policy: &policy, seed: Seed(0), key: 0, rested: false };
    state.fail(&mut others, &rule(CIRCUIT), &failure(Reason::Timeout, None), at);
    assert!(state.counts.is_empty() && state.remembers());
    let before = state.clone();
    assert_eq!(state.succeed(Instant(6), false, GENTLY), Success::Nothing, "it ends nothing here");
    assert_eq!(state, before);
    assert_eq!(state.succeed(Instant(6), true, GENTLY), Success::Cleared);
    assert!(!state.remembers());
}

#[test]
fn a_circuit_without_a_window_counts_however_long_it_took() {
    let policy = policy(r#"{"circuit":{"failures":2,"window":0,"open":1000}}"#);
    let mut state = Cooldown::default();
    fail(&mut state, &policy, &rule(CIRCUIT), &failure(Reason::Timeout, None), 5);
    let open = fail(&mut state, &policy, &rule(CIRCUIT), &failure(Reason::Timeout, None), 86_400_000);
    assert_eq!((open, state.circuit()), (Effect::Cooled, Circuit::Open));
}

#[test]
fn what_was_agreed_on_leaves_strikes_and_callers_alone() {
    let mut ours =
        Cooldown { strikes: 2, first_strike: Instant(3), last_strike: Instant(4), ..Cooldown::default() };
    ours.recover(GENTLY, Instant(9));
    let callers = ours.half_open;
    assert!(callers.is_some());
    let rests = Cooldown { active: true, until: Instant(500), ..Cooldown::default() };
    let (mut resting, mut back) = (ours.clone(), ours);
    resting.become_merged(rests.clone());
    assert_eq!(resting.half_open, None, "who rests is not coming back");
    assert_eq!((resting.strikes, resting.first_strike, resting.last_strike), (2, Instant(3), Instant(4)));
    back.become_merged(Cooldown { active: false, ..rests });
    assert_eq!((back.half_open, back.until), (callers, Instant(500)));
}

#[test]
fn levels_that_are_kept_are_something_without_a_failure() {
    let mut counts = Counts::default();
    counts.levels.0[Reason::Billing as usize] = 1;
    assert!(!counts.is_empty());
    let mut counts = Counts { total: 1, ..Counts::default() };
    assert!(!counts.is_empty());
    counts.total = 0;
    assert!(counts.is_empty());
}
