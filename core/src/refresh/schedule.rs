//! When a token is due.

use crate::facts::RefreshFacts;
use crate::policy::RefreshRules;
use crate::time::{Span, Timestamp};

/// How long before its expiry a token that lives for `life` is renewed: as the policy says of the provider, else the
/// registry, else the general lead, or a share of the life where that is shorter.
pub fn lead(rules: &RefreshRules, provider: &str, facts: RefreshFacts, life: Span) -> Span {
    let said = rules.leads.get(provider).copied().or(facts.lead);
    said.unwrap_or_else(|| {
        let share = life.0 / 100 * u64::from(rules.share) + life.0 % 100 * u64::from(rules.share) / 100;
        // Of no life at all (it was added when it had expired) something: a lead of nothing means never.
        Span(rules.lead.0.min(share.max(1)))
    })
}

/// When it is renewed by itself: `lead` before its expiry, and up to the jitter's share of that earlier, by a draw. `None`
/// where nothing is renewed by itself.
pub fn due(rules: &RefreshRules, expires: Timestamp, lead: Span, drawn: u64) -> Option<Timestamp> {
    if !rules.auto || lead.0 == 0 {
        return None;
    }
    let bound = lead.0 / 100 * u64::from(rules.jitter);
    let earlier = (u128::from(drawn) * (u128::from(bound) + 1)) >> 64;
    Some(expires - lead - Span(earlier as u64))
}

/// From when on it is renewed before it is given out.
pub fn stale(rules: &RefreshRules, expires: Timestamp, lead: Span) -> Timestamp {
    expires - Span(rules.skew.0.min(if rules.auto { lead.0 } else { u64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: RefreshFacts =
        RefreshFacts { lead: None, grace: None, by_host: false, leads: false, check: None };

    #[test]
    fn a_lead_is_the_policys_the_registrys_or_a_share_of_the_life() {
        let mut rules = RefreshRules::default();
        assert_eq!(lead(&rules, "x", NONE, Span::from_hours(1)), Span::from_mins(5));
        assert_eq!(lead(&rules, "x", NONE, Span::from_mins(10)), Span::from_mins(1));
        assert_eq!(lead(&rules, "x", NONE, Span(u64::MAX)), Span::from_mins(5));
        assert_eq!(lead(&rules, "x", NONE, Span::ZERO), Span(1));
        let facts = RefreshFacts { lead: Some(Span::from_hours(4)), ..NONE };
        assert_eq!(lead(&rules, "x", facts, Span::from_mins(10)), Span::from_hours(4));
        rules.leads.insert("x".into(), Span::from_secs(7));
        assert_eq!(lead(&rules, "x", facts, Span::from_mins(10)), Span::from_secs(7));
    }

    #[test]
    fn who_is_due_at_one_instant_is_spread() {
        let rules = RefreshRules::default();
        let (expires, lead) = (Timestamp(10_000_000), Span::from_mins(5));
        assert_eq!(due(&rules, expires, lead, 0), Some(Timestamp(9_700_000)));
        assert_eq!(due(&rules, expires, lead, u64::MAX), Some(Timestamp(9_550_000)));
        assert_eq!(due(&rules, expires, Span::ZERO, 0), None);
        assert_eq!(due(&RefreshRules { auto: false, ..rules.clone() }, expires, lead, 0), None);
        assert_eq!(stale(&rules, expires, lead), Timestamp(9_970_000));
        assert_eq!(stale(&rules, expires, Span(5)), Timestamp(9_999_995));
    }
}
