//! The rules of refresh: when a token is renewed, who waits for it, and what a failure costs.

use crate::json::from_json;
use crate::sorted_map::SortedMap;
use crate::time::Span;

/// When tokens are renewed, and what a failure costs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct RefreshRules {
    /// Are tokens renewed by themselves, `lead` before they expire? Otherwise only when somebody needs them.
    pub auto: bool,
    /// So long before its expiry a token is renewed, where neither `leads` nor the registry says otherwise. Milliseconds; 0:
    /// not before somebody needs it.
    pub lead: Span,
    /// But not before so many percent of its life are left, so that a short life is not all lead.
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub share: u8,
    /// Leads by provider. Milliseconds.
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, Span>"))]
    pub leads: SortedMap<Box<str>, Span>,
    /// The expiry that an endpoint states is kept so much earlier, but never by more than half of the life. Milliseconds.
    pub early: Span,
    /// Providers whose expiries are kept as they are stated.
    pub exact: Vec<Box<str>>,
    /// A token that expires within so long is not given out, but renewed first; never more than its lead. Milliseconds.
    pub skew: Span,
    /// Who would be renewed at one instant is spread: each up to so many percent of the lead earlier.
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub jitter: u8,
    /// So many refreshes run at once; those that somebody waits for may be as many again.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub concurrency: u32,
    /// A caller waits so long for a refresh, or as long as it said if that is longer. Milliseconds.
    pub wait: Span,
    /// After this a token endpoint that has not answered counts as silent; an answer that comes later is kept all the same.
    /// Milliseconds.
    pub timeout: Span,
    /// The right to refresh is taken for so long, and prolonged while the endpoint takes its time. Must be longer than
    /// `timeout`, so that a request of a lost owner is dead before the next owner asks. Milliseconds.
    pub lease: Span,
    /// How long after a request without an answer the old refresh token is tried once more, where the registry does not know
    /// the provider's own grace. Milliseconds.
    pub grace: Span,
    /// After a failure that is not definitive the next try comes after this, doubled each time. Milliseconds.
    pub backoff: Span,
    /// But never later than this. Milliseconds.
    pub backoff_max: Span,
    /// Does such a failure bench the credential until then, even if its token still holds?
    pub cools: bool,
    /// After a failure that is the client's fault (`invalid_client`) the next try comes after this. Milliseconds.
    pub misconfigured: Span,
    /// Where a new token would have to be renewed at once, this is waited. Milliseconds.
    pub ineffective: Span,
    /// A token that is younger than this and refused all the same is not renewed once more: it is not the token's fault.
    /// Milliseconds.
    pub remint: Span,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            auto: true,
            lead: Span::from_mins(5),
            share: 10,
            leads: SortedMap::default(),
            early: Span::ZERO,
            exact: Vec::new(),
            skew: Span::from_secs(30),
            jitter: 50,
            concurrency: 16,
            wait: Span::from_secs(10),
            timeout: Span::from_secs(30),
            lease: Span::from_secs(45),
            grace: Span::from_days(1),
            backoff: Span::from_secs(5),
            backoff_max: Span::from_mins(5),
            cools: false,
            misconfigured: Span::from_hours(1),
            ineffective: Span::from_secs(30),
            remint: Span::from_mins(5),
        }
    }
}

impl RefreshRules {
    /// Which field is wrong, and why.
    pub(super) fn problem(&self) -> Option<(&'static str, &'static str)> {
        for (field, percent) in [("refresh.share", self.share), ("refresh.jitter", self.jitter)] {
            if percent > 100 {
                return Some((field, "must be at most 100 percent"));
            }
        }
        let positive = [
            ("refresh.timeout", self.timeout),
            ("refresh.backoff", self.backoff),
            ("refresh.misconfigured", self.misconfigured),
            ("refresh.ineffective", self.ineffective),
        ];
        for (field, span) in positive {
            if span.0 == 0 {
                return Some((field, "must be above 0"));
            }
        }
        if self.concurrency == 0 {
            return Some(("refresh.concurrency", "must be at least 1"));
        }
        if self.lease <= self.timeout {
            return Some(("refresh.lease", "must be longer than refresh.timeout"));
        }
        if self.backoff_max < self.backoff {
            return Some(("refresh.backoff_max", "must not be below refresh.backoff"));
        }
        None
    }
}

from_json! {
    strict RefreshRules {
        auto = RefreshRules::default().auto,
        lead = RefreshRules::default().lead,
        share = RefreshRules::default().share,
        leads = SortedMap::default(),
        early = RefreshRules::default().early,
        exact = Vec::new(),
        skew = RefreshRules::default().skew,
        jitter = RefreshRules::default().jitter,
        concurrency = RefreshRules::default().concurrency,
        wait = RefreshRules::default().wait,
        timeout = RefreshRules::default().timeout,
        lease = RefreshRules::default().lease,
        grace = RefreshRules::default().grace,
        backoff = RefreshRules::default().backoff,
        backoff_max = RefreshRules::default().backoff_max,
        cools = RefreshRules::default().cools,
        misconfigured = RefreshRules::default().misconfigured,
        ineffective = RefreshRules::default().ineffective,
        remint = RefreshRules::default().remint,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Policy;

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (document, field) in [
            (r#"{"refresh":{"lease":30000}}"#, "refresh.lease"),
            (r#"{"refresh":{"concurrency":0}}"#, "refresh.concurrency"),
            (r#"{"refresh":{"share":101}}"#, "refresh.share"),
            (r#"{"refresh":{"jitter":101}}"#, "refresh.jitter"),
            (r#"{"refresh":{"backoff":0}}"#, "refresh.backoff"),
            (r#"{"refresh":{"backoff_max":1}}"#, "refresh.backoff_max"),
            (r#"{"refresh":{"timeout":0}}"#, "refresh.timeout"),
            (r#"{"refresh":{"led":1}}"#, "refresh.led"),
        ] {
            let error = Policy::read(crate::json::read(document).unwrap()).unwrap_err().to_string();
            assert!(error.contains(field), "{document}: {error}");
        }
        assert_eq!(Policy::preset("default").unwrap().refresh, super::RefreshRules::default());
    }
}
