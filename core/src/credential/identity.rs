//! Whose account a credential is: what it is recognised by, and which account takes over which.

use super::Identity;

impl Identity {
    /// What names the person or the project, the strongest first, as `email:a@b`. Where organisations part accounts (`org_scoped`)
    /// that is the e-mail address, and an identifier that is the organisation's own is none: `ChatGPT` gives all members of a
    /// workspace its id as that of their account.
    fn bases(&self, org_scoped: bool) -> Vec<String> {
        let email = ("email:", &self.email);
        let account = ("account:", &self.account_id);
        let project = ("project:", &self.project_id);
        let order = if org_scoped { [email, account, project] } else { [account, email, project] };
        let org = if org_scoped { known(self.org_id.as_deref()) } else { "" };
        let mut bases = Vec::new();
        for (kind, text) in order {
            let text = known(text.as_deref());
            if text.is_empty() || text == org {
                continue;
            }
            let mut base = [kind, text].concat();
            if kind == "email:" {
                base.make_ascii_lowercase();
            }
            bases.push(base);
        }
        bases
    }

    /// What it is recognised by, as oh-my-pi writes it: `email:a@b|org:c`. Empty where nothing is known: then it is like nobody.
    /// E-mail addresses have no case; ids have one.
    pub fn key(&self, org_scoped: bool) -> String {
        let mut key = String::new();
        for base in self.bases(org_scoped).into_iter().take(1) {
            key = base;
        }
        let org = known(self.org_id.as_deref());
        if org_scoped && !org.is_empty() {
            key.push_str(if key.is_empty() { "org:" } else { "|org:" });
            key.push_str(org);
        }
        key
    }

    /// Does a new login of this identity take the place of a stored account of `old`?
    ///
    /// It does where both have one key. And once, one way: where the new one knows its organisation, an account of the same
    /// person of which no organisation is known, or of the same organisation by another identifier of the same person. An
    /// account whose organisation is known is never taken over by a login that knows none (oh-my-pi's rules).
    pub fn takes_over(&self, old: &Self, org_scoped: bool) -> bool {
        let key = self.key(org_scoped);
        if key.is_empty() || key == old.key(org_scoped) {
            return !key.is_empty();
        }
        let (org, old_org) = (known(self.org_id.as_deref()), known(old.org_id.as_deref()));
        if !org_scoped || org.is_empty() {
            return false;
        }
        let (own, theirs) = (self.bases(true), old.bases(true));
        match theirs.first() {
            Some(base) if old_org.is_empty() => own.contains(base),
            Some(_) => old_org == org && theirs.iter().any(|base| own.contains(base)),
            None => old_org == org,
        }
    }

    /// Texts for an index: where [`takes_over`](Self::takes_over) holds, both have one in common.
    pub(crate) fn marks(&self) -> Vec<String> {
        let mut marks = self.bases(false);
        let org = known(self.org_id.as_deref());
        if !org.is_empty() {
            marks.push(["org:", org].concat());
        }
        marks
    }

    /// Takes from another what it does not know itself.
    pub fn fill(&mut self, other: &Self) {
        for (place, from) in [
            (&mut self.email, &other.email),
            (&mut self.account_id, &other.account_id),
            (&mut self.org_id, &other.org_id),
            (&mut self.project_id, &other.project_id),
            (&mut self.enterprise_url, &other.enterprise_url),
        ] {
            if known(place.as_deref()).is_empty() {
                place.clone_from(from);
            }
        }
    }
}

/// The text without white space around it; empty where there is none.
fn known(text: Option<&str>) -> &str {
    text.unwrap_or_default().trim_ascii()
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
            let shared = new.marks().iter().any(|mark| old.marks().contains(mark));
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
