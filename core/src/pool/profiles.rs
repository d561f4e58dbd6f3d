//! Profiles: the credentials of a provider in the order in which somebody would try them (DevClaw's `GetByProvider`).

use super::Pool;
use crate::engine::MemberView;
use crate::facts::Kind;
use crate::verdict::Scope;

/// By what profiles are put in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// The one named `default`, then by priority, then by name.
    Default,
    /// Those whose secret may be used, by priority, the one that was used last first.
    Valid,
    /// The one that was used last first; never used ones last.
    Recent,
    /// OAuth accounts, tokens, keys; of each the one that was not used for the longest time.
    Type,
}

impl Preference {
    /// By its word; whatever is no such word is `default`.
    pub fn of(word: &str) -> Self {
        match word {
            "valid" => Self::Valid,
            "recent" => Self::Recent,
            "type" => Self::Type,
            _ => Self::Default,
        }
    }

    /// Smaller comes first.
    fn rank(self, view: &MemberView) -> (u8, i64, i64) {
        let used = view.last_used.map(|at| at.0.cast_signed());
        let recent_first = used.map_or(1, |at| -at);
        let priority = -i64::from(view.priority);
        match self {
            Self::Default => (u8::from(view.name.as_ref() != "default"), priority, 0),
            Self::Valid => (u8::from(matches!(view.status, "disabled" | "expired")), priority, recent_first),
            Self::Recent => (0, 0, recent_first),
            Self::Type => {
                let kind = match view.kind {
                    Kind::Oauth => 0,
                    Kind::Token => 1,
                    Kind::ApiKey => 2,
                };
                (kind, 0, used.unwrap_or(-1))
            }
        }
    }
}

impl Pool {
    /// A provider's credentials, those that rest as a whole behind the others, by their end. A total order: of two that
    /// are equal the name decides.
    pub fn profiles(&self, provider: &str, preference: Preference) -> Vec<MemberView> {
        let mut views = self.list(Some(provider));
        put_in_order(&mut views, preference);
        views
    }
}

fn put_in_order(views: &mut [MemberView], preference: Preference) {
    let before = |one: &MemberView, other: &MemberView| {
        let key = |view| (rests_until(view), preference.rank(view));
        key(one).cmp(&key(other)).then_with(|| one.name.cmp(&other.name)).is_lt()
    };
    // Their numbers are put in order first: moving those is cheap, and the standard library's sort of such large items takes
    // 3 KB of WebAssembly.
    let mut order: Vec<u32> = Vec::new();
    for (at, view) in views.iter().enumerate() {
        let place = order.partition_point(|&other| !before(view, &views[other as usize]));
        order.insert(place, at as u32);
    }
    for place in 0..order.len() {
        // Whoever was here was swapped to where its place was filled from.
        let mut at = order[place] as usize;
        while at < place {
            at = order[at] as usize;
        }
        views.swap(place, at);
    }
}

/// Zero where the credential as a whole does not rest.
fn rests_until(view: &MemberView) -> u64 {
    let whole =
        view.cooldowns.iter().filter(|cooldown| cooldown.active && cooldown.scope == Scope::Credential);
    whole.map(|cooldown| cooldown.until.0.max(1)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CooldownView;
    use crate::id::Handle;
    use crate::time::Timestamp;

    /// DV-24 of DevClaw: ages of last use in hours.
    fn fixture() -> Vec<MemberView> {
        let now = 1_800_000_000_000;
        let of = |name: &str, kind, priority, minutes_ago: Option<u64>, status| MemberView {
            handle: Handle(0),
            id: None,
            index: String::new(),
            provider: "openai".into(),
            name: name.into(),
            kind,
            origin: crate::credential::Origin::Stored,
            priority,
            weight: 1,
            models: Vec::new(),
            excluded_models: Vec::new(),
            aliases: Vec::new(),
            prefix: None,
            limits: crate::credential::Limits::default(),
            enabled: status != "disabled",
            disabled_cause: None,
            fault: None,
            paused_until: None,
            cooling: None,
            source: None,
            expires: None,
            base_url: None,
            proxy_url: None,
            headers: Vec::new(),
            retry: None,
            state: "unknown",
            identity: crate::credential::Identity::default(),
            status,
            in_flight: 0,
            last_used: minutes_ago.map(|minutes| Timestamp(now - minutes * 60_000)),
            success: 0,
            failure: 0,
            last_error: None,
            last_error_at: None,
            next_retry: None,
            next_refresh: None,
            recent: Vec::new(),
            cooldowns: Vec::new(),
        };
        vec![
            of("a", Kind::ApiKey, 5, Some(60), "ready"),
            of("b", Kind::ApiKey, 5, Some(180), "ready"),
            of("default", Kind::ApiKey, 0, None, "ready"),
            of("z", Kind::ApiKey, 9, Some(120), "disabled"),
            of("o", Kind::Oauth, 1, Some(240), "ready"),
            of("t", Kind::Token, 1, Some(30), "ready"),
        ]
    }

    fn names(mut views: Vec<MemberView>, preference: &str) -> String {
        put_in_order(&mut views, Preference::of(preference));
        views.iter().map(|view| &*view.name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_preference_has_its_order() {
        assert_eq!(names(fixture(), "default"), "default z a b o t");
        assert_eq!(names(fixture(), "valid"), "a b t o default z");
        assert_eq!(names(fixture(), "recent"), "t a z b o default");
        assert_eq!(names(fixture(), "type"), "o t default b z a");
        assert_eq!(names(fixture(), "nonsense"), names(fixture(), "default"));
    }

    #[test]
    fn many_are_put_in_the_order_of_their_names() {
        for many in [0, 1, 2, 97, 300] {
            let one = &fixture()[0];
            let mut views: Vec<MemberView> = Vec::new();
            for at in 0..many {
                // 89 is prime to each of them: every number comes once.
                let name = format!("{:03}", at * 89 % many);
                views.push(MemberView { name: name.into(), ..one.clone() });
            }
            put_in_order(&mut views, Preference::Default);
            for (at, view) in views.iter().enumerate() {
                assert_eq!(view.name.as_ref(), format!("{at:03}"), "of {many}");
            }
        }
    }

    #[test]
    fn who_rests_comes_last_by_its_end() {
        let resting = || {
            let mut views = fixture();
            for (at, until) in [(0, 30_000), (2, 5 * 3_600_000)] {
                views[at].cooldowns.push(CooldownView {
                    scope: Scope::Credential,
                    model: None,
                    active: true,
                    reason: None,
                    until: Timestamp(1_800_000_000_000 + until),
                    level: 0,
                    source: crate::cooldown::Source::Default,
                    circuit: crate::cooldown::Circuit::Closed,
                    failures: crate::cooldown::PerReason::default(),
                });
            }
            views
        };
        assert_eq!(names(resting(), "default"), "z b o t a default");
        assert_eq!(names(resting(), "valid"), "b t o z a default");
        assert_eq!(names(resting(), "recent"), "t z b o a default");
        assert_eq!(names(resting(), "type"), "o t b z a default");
    }
}
