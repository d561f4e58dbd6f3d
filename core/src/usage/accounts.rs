//! Reports of one account that came by several credentials (an account logged in twice, a key beside a login) are one.

use super::report::Report;

/// Is an account of one person in two organisations of this provider two accounts?
fn is_org_scoped(provider: &str) -> bool {
    matches!(provider, "anthropic" | "openai-codex")
}

/// Puts reports of one account together, in the order in which the accounts first come: the one with the most limits, then the newer,
/// is the base; the others add the limits that it does not have, and what it does not say. A report of which nobody knows whose it
/// is stays for itself.
pub fn by_account(reports: Vec<Report>) -> Vec<Report> {
    let mut accounts: Vec<(String, Report)> = Vec::new();
    for report in reports {
        let key = report.identity.key(is_org_scoped(&report.provider));
        let known = accounts
            .iter_mut()
            .find(|(other, known)| !key.is_empty() && *other == key && known.provider == report.provider);
        match known {
            Some((_, known)) => {
                let size = |report: &Report| (report.limits.len(), report.fetched_at);
                let less =
                    if size(&report) > size(known) { core::mem::replace(known, report) } else { report };
                add(known, less);
            }
            None => accounts.push((key, report)),
        }
    }
    let mut reports = Vec::new();
    for (_, report) in accounts {
        reports.push(report);
    }
    reports
}

fn add(to: &mut Report, from: Report) {
    to.identity.fill(&from.identity);
    for limit in from.limits {
        if to.limit(&limit.id).is_none() {
            to.limits.push(limit);
        }
    }
    for meter in from.meters {
        if to.meter(&meter.name).is_none() {
            to.meters.push(meter);
        }
    }
    if to.plan.is_none() {
        to.plan = from.plan;
    }
    to.credits = to.credits.or(from.credits);
    if to.reset_credits.is_none() {
        to.reset_credits = from.reset_credits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report {
        crate::json::read(text).unwrap()
    }

    #[test]
    fn one_account_is_one_report() {
        let reports = vec![
            report(
                r#"{"provider":"anthropic","fetched_at":1,"identity":{"email":"A@x","org_id":"o"},"limits":[{"id":"a"}],"plan":"max"}"#,
            ),
            report(
                r#"{"provider":"anthropic","fetched_at":2,"identity":{"email":"a@x","org_id":"p"},"limits":[{"id":"z"}]}"#,
            ),
            report(
                r#"{"provider":"zai","fetched_at":2,"identity":{"email":"a@x","org_id":"o"},"limits":[]}"#,
            ),
            report(
                r#"{"provider":"anthropic","fetched_at":3,"identity":{"email":"a@x","org_id":"o","account_id":"u"},"limits":[{"id":"b"},{"id":"c"}],"credits":{"has":true}}"#,
            ),
            report(r#"{"provider":"anthropic","limits":[{"id":"n"}]}"#),
            report(r#"{"provider":"anthropic","limits":[{"id":"n"}]}"#),
        ];
        let merged = by_account(reports);
        let shown: Vec<String> = merged
            .iter()
            .map(|report| report.limits.iter().map(|limit| &*limit.id).collect::<Vec<_>>().join(""))
            .collect();
        assert_eq!(shown, ["bca", "z", "", "n", "n"], "nobody's reports stay apart, and two organisations");
        assert_eq!((merged[0].plan.as_deref(), merged[0].fetched_at.0), (Some("max"), 3));
        assert_eq!(merged[0].identity.account_id.as_deref(), Some("u"));
        assert!(merged[0].credits.is_some());
    }

    #[test]
    fn of_two_with_as_many_limits_the_newer_counts() {
        let of = |at: u64, used: u32| {
            report(&format!(
                r#"{{"provider":"zai","fetched_at":{at},"identity":{{"account_id":"a"}},"limits":[{{"id":"x","amount":{{"used_ppm":{used}}}}}]}}"#
            ))
        };
        for reports in [vec![of(1, 10), of(2, 20)], vec![of(2, 20), of(1, 10)]] {
            let merged = by_account(reports);
            assert_eq!(merged.len(), 1);
            assert_eq!(merged[0].limits[0].used_fraction().map(|used| used.0), Some(20));
        }
    }
}
