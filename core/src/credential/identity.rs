//! Whose account a credential is: what it is recognised by, and which account takes over which.

use super::Identity;

/// What an identity is recognised by. E-mail addresses have no case; ids have one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityKey<'a> {
    /// The kind of the identifier, and the identifier: an e-mail address in lower case.
    base: Option<(&'static str, String)>,
    /// The organisation, where an account in two of them is two accounts.
    org: Option<&'a str>,
}

impl IdentityKey<'_> {
    /// Texts that are the same where the keys are.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (&'static str, String)> + use<'_> {
        self.base.clone().into_iter().chain(self.org.map(|org| ("org", org.to_owned())))
    }
}

fn trimmed(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

impl Identity {
    /// What names the person or the project, the strongest first. Where organisations part accounts (`org_scoped`) that is the
    /// e-mail address, and an identifier that is the organisation's own is none: `ChatGPT` gives all members of a workspace its
    /// id as that of their account.
    fn bases(&self, org_scoped: bool) -> impl Iterator<Item = (&'static str, String)> + use<'_> {
        let email = ("email", trimmed(self.email.as_deref()));
        let account = ("account", trimmed(self.account_id.as_deref()));
        let project = ("project", trimmed(self.project_id.as_deref()));
        let org = trimmed(self.org_id.as_deref()).filter(|_| org_scoped);
        let order = if org_scoped { [email, account, project] } else { [account, email, project] };
        order.into_iter().filter_map(move |(kind, text)| {
            let text = text.filter(|text| org != Some(text))?;
            Some((kind, if kind == "email" { text.to_lowercase() } else { text.to_owned() }))
        })
    }

    /// What it is recognised by; none where nothing is known of it: then it is like nobody.
    pub fn key(&self, org_scoped: bool) -> Option<IdentityKey<'_>> {
        let base = self.bases(org_scoped).next();
        let org = trimmed(self.org_id.as_deref()).filter(|_| org_scoped);
        (base.is_some() || org.is_some()).then_some(IdentityKey { base, org })
    }

    /// Does a new login of this identity take the place of a stored account of `old`?
    ///
    /// It does where both have one key. And once, one way: where the new one knows its organisation, an account of the same
    /// person of which no organisation is known, or of the same organisation by another identifier of the same person. An
    /// account whose organisation is known is never taken over by a login that knows none (oh-my-pi's rules).
    pub fn takes_over(&self, old: &Self, org_scoped: bool) -> bool {
        let (Some(new_key), Some(old_key)) = (self.key(org_scoped), old.key(org_scoped)) else {
            return false;
        };
        if new_key == old_key {
            return true;
        }
        let Some(org) = new_key.org else { return false };
        let mut bases = self.bases(org_scoped);
        match (old_key.org, old_key.base) {
            (None, Some(base)) => bases.any(|own| own == base),
            (Some(other), None) => other == org,
            (Some(other), Some(_)) => {
                other == org && bases.any(|own| old.bases(org_scoped).any(|theirs| theirs == own))
            }
            (None, None) => false,
        }
    }

    /// Texts by one of which [`takes_over`](Self::takes_over) may hold, for an index: where it holds, both have one in common.
    pub(crate) fn marks(&self) -> impl Iterator<Item = (&'static str, String)> + use<'_> {
        let org = trimmed(self.org_id.as_deref()).map(|org| ("org", org.to_owned()));
        self.bases(false).chain(org)
    }

    /// Takes from another what it does not know itself.
    pub fn fill(&mut self, other: &Self) {
        let fill = |place: &mut Option<Box<str>>, from: &Option<Box<str>>| {
            if trimmed(place.as_deref()).is_none() {
                place.clone_from(from);
            }
        };
        fill(&mut self.email, &other.email);
        fill(&mut self.account_id, &other.account_id);
        fill(&mut self.org_id, &other.org_id);
        fill(&mut self.project_id, &other.project_id);
        fill(&mut self.enterprise_url, &other.enterprise_url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `a@x` an e-mail address, `#1` an account, `/o` an organisation, `p` a project.
    fn identity(text: &str) -> Identity {
        let mut identity = Identity::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let place = match word.as_bytes()[0] {
                b'#' => &mut identity.account_id,
                b'/' => &mut identity.org_id,
                _ if word.contains('@') => &mut identity.email,
                _ => &mut identity.project_id,
            };
            *place = Some(word.trim_start_matches(['#', '/']).into());
        }
        identity
    }

    #[test]
    fn one_key_is_one_account() {
        for (new, old, scoped, takes) in [
            ("a@x", "A@X", true, true),
            ("a@x", "b@x", true, false),
            ("a@x #1", "a@x #2", true, true),
            ("a@x #1", "a@x #2", false, false),
            ("#1", "#1 a@x", false, true),
            ("#a", "#A", false, false),
            ("", "", false, false),
            ("a@x", "", true, false),
            ("", "a@x", true, false),
            ("p", "p", true, true),
            ("a@x /o1", "a@x /o2", false, true),
        ] {
            assert_eq!(identity(new).takes_over(&identity(old), scoped), takes, "{new} over {old}, {scoped}");
        }
    }

    #[test]
    fn an_organisation_is_taken_on_once_and_never_given_up() {
        for (new, old, takes) in [
            ("a@x /o1", "a@x /o1", true),
            ("a@x /o1", "a@x /o2", false),
            ("a@x /o1", "a@x", true),
            ("a@x", "a@x /o1", false),
            ("a@x /o1", "/o1", true),
            ("a@x /o1", "/o2", false),
            ("a@x #1 /o1", "#1", true),
            ("a@x #1 /o1", "#1 /o1", true),
            ("a@x #1 /o1", "b@x #1 /o1", true),
            ("a@x #1 /o1", "b@x #2 /o1", false),
            ("a@x #1 /o1", "b@x #1", false),
            ("a@x #1 /o1", "", false),
            // The workspace's id as everybody's account.
            ("a@x #o1 /o1", "b@x #o1 /o1", false),
            ("a@x #o1 /o1", "a@x #o1 /o1", true),
            ("a@x #o1 /o1", "#o1", false),
        ] {
            assert_eq!(identity(new).takes_over(&identity(old), true), takes, "{new} over {old}");
        }
    }

    #[test]
    fn who_takes_over_has_a_mark_in_common() {
        let all = [
            "",
            "a@x",
            "b@x",
            "#1",
            "#o1",
            "/o1",
            "/o2",
            "p",
            "a@x #1",
            "a@x /o1",
            "a@x #o1 /o1",
            "#1 /o1 p",
        ];
        for (new, old) in all.iter().flat_map(|new| all.iter().map(move |old| (identity(new), identity(old))))
        {
            let shared = new.marks().any(|mark| old.marks().any(|other| other == mark));
            for scoped in [false, true] {
                assert!(shared || !new.takes_over(&old, scoped), "{new:?} {old:?}");
            }
        }
    }

    #[test]
    fn what_is_known_is_not_overwritten() {
        let mut identity = identity("a@x");
        identity.org_id = Some(" ".into());
        identity.fill(&self::identity("b@x #1 /o"));
        assert_eq!(identity, self::identity("a@x #1 /o"));
    }
}
