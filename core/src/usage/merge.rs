//! Headers of an answer, taken into a report (spec/omp-selection.md §5.3).

use super::report::{Limit, Origin, Report, MAX_LIMITS};

impl Report {
    /// The same with what headers say: limits of the same name are replaced, others stay, new ones come behind. What is known of plan
    /// and identity stays.
    #[must_use]
    pub fn with_headers(mut self, seen: Report) -> Self {
        for limit in seen.limits {
            self.put(limit);
        }
        self.headers_at = Some(seen.fetched_at);
        self.fetched_at = self.fetched_at.max(seen.fetched_at);
        self.origin = Origin::Headers;
        self.plan = self.plan.or(seen.plan);
        self.credits = seen.credits.or(self.credits);
        self
    }

    fn put(&mut self, limit: Limit) {
        let many = self.limits.len() >= MAX_LIMITS;
        match self.limits.iter_mut().find(|known| known.id == limit.id) {
            Some(known) => {
                // Headers do not say everything that a report does.
                let window = match (limit.window, known.window.take()) {
                    (Some(new), Some(old)) => Some(super::report::Window {
                        duration: new.duration.or(old.duration),
                        resets_at: new.resets_at.or(old.resets_at),
                        ..new
                    }),
                    (new, old) => new.or(old),
                };
                let (scope, label) = (core::mem::take(&mut known.scope), core::mem::take(&mut known.label));
                *known = Limit { label, scope, window, ..limit };
            }
            None if many => {}
            None => self.limits.push(limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::{Amount, Ppm, Status, Window};
    use super::*;
    use crate::time::{Span, Timestamp};

    fn limit(id: &str, used: u32) -> Limit {
        let window = Some(Window::of(Span::from_hours(5), Some(Timestamp(9))));
        Limit {
            id: id.into(),
            window,
            amount: Amount::of_share(Ppm(used)),
            status: Status::Ok,
            ..Limit::default()
        }
    }

    #[test]
    fn headers_replace_what_they_name_and_keep_the_rest() {
        let asked = Report {
            fetched_at: Timestamp(5),
            plan: Some("pro".into()),
            limits: vec![limit("a", 1), limit("b", 2)],
            ..Report::default()
        };
        let mut brief = limit("b", 7);
        brief.window = None;
        let headers =
            Report { fetched_at: Timestamp(8), limits: vec![brief, limit("c", 3)], ..Report::default() };
        let merged = asked.with_headers(headers);
        let used: Vec<_> = merged.limits.iter().map(|limit| (&*limit.id, limit.used_fraction())).collect();
        assert_eq!(used, [("a", Some(Ppm(1))), ("b", Some(Ppm(7))), ("c", Some(Ppm(3)))]);
        assert_eq!(merged.limits[1].resets_at(), Some(Timestamp(9)), "what they do not say stays");
        assert_eq!((merged.fetched_at, merged.headers_at), (Timestamp(8), Some(Timestamp(8))));
        assert_eq!((merged.plan.as_deref(), merged.origin), (Some("pro"), Origin::Headers));
    }
}
