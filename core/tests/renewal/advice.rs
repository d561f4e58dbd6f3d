//! A host's own code that says how long before a token's expiry it is renewed, and whether now.

use crate::host::Host;
use credpool::time::Span;
use std::cell::Cell;
use std::rc::Rc;

const HOUR: u64 = 3_600_000;
const MINUTE: u64 = 60_000;

fn open(renewal: &str) -> Host {
    Host::new(&format!(
        r#","renewals":[["mine",{renewal}]],"policy":{{"extends":"default","refresh":{{"jitter":0}}}}"#
    ))
}

#[test]
fn a_lead_is_asked_once_for_each_token() {
    let mut host = open(r#"{"leads":true}"#);
    host.advisor = Box::new(|asked| {
        assert!(!asked.decide);
        // Of the first account forty minutes; the second as the policy says; the third never by itself.
        let lead = [Some(40 * MINUTE), None, Some(0)][asked.id.0 as usize - 1];
        (lead.map(Span), Some(true))
    });
    host.add(3, HOUR);
    host.run(20 * MINUTE - 1);
    assert!(host.sent.is_empty(), "an answer to what was not asked counts for nothing");
    host.run(20 * MINUTE);
    assert_eq!(host.asked.len(), 3);
    host.run(20 * MINUTE + 1_000);
    assert_eq!(host.sent.iter().map(|(_, token)| &**token).collect::<Vec<_>>(), ["rt-1"]);
    host.run(55 * MINUTE + 1_000);
    assert_eq!(host.sent.iter().map(|(_, token)| &**token).collect::<Vec<_>>(), ["rt-1", "rt-2"]);
    assert_eq!(host.asked.len(), 5, "once more for each new token");
    assert_eq!(host.asked[3].expires.map(|at| at.0 - crate::host::WALL), Some(host.expires(1)));
    host.run(HOUR + 30 * MINUTE);
    assert_eq!(host.sent.iter().filter(|(_, token)| token == "rt-3").count(), 0, "nobody needed the third");
    // Whoever needs it gets it renewed all the same.
    host.json(r#"{"refresh":{"request":999,"id":3}}"#);
    host.run(HOUR + 31 * MINUTE);
    assert_eq!(host.sent.iter().filter(|(_, token)| token == "rt-3").count(), 1);
}

#[test]
fn it_decides_at_its_interval_and_when_the_policy_would() {
    let mut host = open(r#"{"check":900000}"#);
    let answer = Rc::new(Cell::new(Some(false)));
    let said = Rc::clone(&answer);
    host.advisor = Box::new(move |_| (None, said.get()));
    host.add(1, HOUR);
    host.run(HOUR);
    let times = |host: &Host| host.asked.iter().map(|asked| asked.at / MINUTE).collect::<Vec<_>>();
    assert_eq!(times(&host), [15, 30, 45, 55], "at its interval, and where the policy would have begun");
    assert!(host.sent.is_empty(), "it said no");
    answer.set(Some(true));
    host.run(HOUR + 11 * MINUTE);
    assert_eq!(host.sent.len(), 1);
    host.run(HOUR + 25 * MINUTE);
    assert_eq!(host.sent.len(), 1, "always yes is no loop");
    // It has no opinion: the policy's own time counts.
    answer.set(None);
    let expires = host.expires(1);
    host.run(expires - 5 * MINUTE + 1_000);
    assert_eq!(host.sent.len(), 2);
}

#[test]
fn stopped_it_is_not_asked_and_a_host_that_says_nothing_harms_nothing() {
    let mut host = open(r#"{"leads":true,"check":60000}"#);
    host.json(r#"{"auto_refresh":{"request":50,"enabled":false}}"#);
    host.add(2, HOUR);
    host.run(50 * MINUTE);
    assert!(host.asked.is_empty());
    host.json(r#"{"auto_refresh":{"request":51,"enabled":true}}"#);
    host.run(55 * MINUTE + 2_000);
    assert_eq!(host.sent.len(), 2, "without a word of the host's the policy renews");
    let asked = host.asked.len();
    assert!((12..=22).contains(&asked), "{asked}");
}

#[test]
fn a_lead_for_a_token_that_is_gone_is_not_taken() {
    let mut host = open(r#"{"leads":true}"#);
    host.advisor =
        Box::new(|asked| (Some(Span(if asked.at < 1_000 { 50 * MINUTE } else { 10 * MINUTE })), None));
    host.add(1, HOUR);
    host.json(
        r#"{"update":{"request":60,"id":1,"changes":{},"secret":{"access":"by-hand","refresh":"rt-9"}}}"#,
    );
    host.run(5_000);
    assert!(host.asked.len() >= 2, "the new token is asked about anew");
    host.run(49 * MINUTE);
    assert_eq!(host.sent.len(), 1);
    assert_eq!(host.sent[0].1, "rt-9");
}
