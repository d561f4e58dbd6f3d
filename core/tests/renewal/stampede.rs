//! Ten thousand accounts whose tokens expire at one instant.

use crate::host::Host;
use credpool::pool::Answer;
use std::collections::BTreeSet;

const ACCOUNTS: usize = 10_000;
const HOUR: u64 = 3_600_000;
/// As `default` says.
const AT_ONCE: usize = 16;

/// The most requests in any window of so many milliseconds.
fn most_within(sent: &[(u64, String)], window: u64) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (at, (when, _)) in sent.iter().enumerate() {
        while sent[first].0 + window <= *when {
            first += 1;
        }
        most = most.max(at + 1 - first);
    }
    most
}

#[test]
fn they_are_renewed_in_time_and_never_all_at_once() {
    let mut host = Host::new("");
    host.add(ACCOUNTS, HOUR);
    // Due five minutes before the end, each by a draw up to two and a half minutes earlier.
    host.run(HOUR - 451_000);
    assert!(host.sent.is_empty(), "nobody is due yet");
    // Half a minute in, somebody wants one: he is served at once, none of them has expired.
    host.run(HOUR - 420_000);
    let begun = host.sent.len();
    assert!((300..3_000).contains(&begun), "{begun} have been asked for: they are spread by a draw");
    let request = host.acquire();
    assert!(matches!(host.answers.get(&request), Some((_, Answer::Leased { .. }))));
    host.run(HOUR);
    assert_eq!(host.sent.len(), ACCOUNTS, "each once, before its token expires");
    assert_eq!(host.sent.iter().map(|(_, token)| token).collect::<BTreeSet<_>>().len(), ACCOUNTS);
    assert!(host.most_under_way <= AT_ONCE, "{} at once", host.most_under_way);
    // A request takes 300 ms: no second can see more than sixteen times as many as fit into it.
    let most = most_within(&host.sent, 1_000);
    assert!(most <= AT_ONCE * 4, "{most} within a second");
    for id in 1..=ACCOUNTS as u64 {
        assert!(host.expires(id) > HOUR, "account {id}");
    }
    // And the next time they are not together any more.
    let before = host.sent.len();
    host.run(HOUR + 7_200_000);
    assert_eq!(host.sent.len() - before, ACCOUNTS);
    assert!(host.most_under_way <= AT_ONCE);
}

#[test]
fn who_waits_is_served_before_the_crowd() {
    let mut host = Host::new("");
    // All of them expired while nothing ran.
    host.run(1_000);
    host.add(ACCOUNTS, 500);
    let mut callers = Vec::new();
    for _ in 0..100 {
        callers.push(host.acquire());
        host.run(host.now + 7);
    }
    host.run(11_700);
    for request in &callers {
        let (at, answer) = &host.answers[request];
        assert!(matches!(answer, Answer::Leased { .. }), "{answer:?} at {at}");
        assert!(*at < 3_000, "served after {at} ms, while ten thousand wait");
    }
    assert!(host.most_under_way <= 2 * AT_ONCE, "{} at once", host.most_under_way);
    host.run(1_000_000);
    let tokens: BTreeSet<_> = host.sent.iter().map(|(_, token)| token).collect();
    assert_eq!((host.sent.len(), tokens.len()), (ACCOUNTS, ACCOUNTS), "the others follow, each once");
    assert!(most_within(&host.sent, 1_000) <= 2 * AT_ONCE * 4);
}
