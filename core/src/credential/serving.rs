//! Which models a credential serves, and what its upstream calls them.

use super::model::{canonical_model, Pattern};
use crate::json::{from_json, object, ToJson, Writer};

/// Another name for a model of the upstream. Several entries of one alias are a pool, whose models take turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Alias {
    /// What the upstream calls it; with a thinking suffix, `flash(low)`, that suffix is always sent.
    pub name: Box<str>,
    /// What callers call it; compared without regard to case.
    pub alias: Box<str>,
    /// Is it served under its own name too? Where it is not, the alias takes that name's place.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub fork: bool,
    /// Do answers name the alias in the place of the upstream's model?
    #[cfg_attr(feature = "schema", schemars(default))]
    pub force: bool,
}

/// Rules about models: of one credential, or of all of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelRules {
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
    prefix: Option<Box<str>>,
    aliases: Vec<Alias>,
}

impl ModelRules {
    /// Reads the rules.
    pub fn new(allow: &[Box<str>], deny: &[Box<str>], prefix: Option<&str>, aliases: &[Alias]) -> Self {
        Self {
            allow: allow.iter().map(|pattern| Pattern::new(pattern)).collect(),
            deny: deny.iter().map(|pattern| Pattern::new(pattern)).collect(),
            prefix: prefix.map(Into::into),
            aliases: aliases.to_vec(),
        }
    }

    /// Is nothing ruled?
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty() && !self.maps()
    }

    /// May the upstream call a model otherwise than its caller?
    pub fn maps(&self) -> bool {
        self.prefix.is_some() || !self.aliases.is_empty()
    }

    /// The namespace in front of its models.
    pub fn prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// The `n`th of the models that an alias stands for.
    pub fn target(&self, name: &str, n: usize) -> Option<&str> {
        self.alias(name, n).map(|alias| &*alias.name)
    }

    /// The `n`th entry of an alias.
    pub fn alias(&self, name: &str, n: usize) -> Option<&Alias> {
        let of = |alias: &&Alias| alias.alias.eq_ignore_ascii_case(name);
        self.aliases.iter().filter(of).nth(n)
    }

    /// Is this very text an alias, suffix and all?
    pub fn has_alias(&self, name: &str) -> bool {
        self.target(name, 0).is_some()
    }

    /// Is a model known by another name only?
    pub fn hides(&self, name: &str) -> bool {
        let mut others =
            self.aliases.iter().filter(|alias| canonical_model(&alias.name).eq_ignore_ascii_case(name));
        others.next().is_some_and(|first| !first.fork && others.all(|other| !other.fork))
    }

    /// May this model of the upstream be used?
    pub fn allows(&self, upstream: &str) -> bool {
        (self.allow.is_empty() || self.allow.iter().any(|pattern| pattern.matches(upstream)))
            && !self.deny.iter().any(|pattern| pattern.matches(upstream))
    }
}

/// What is wrong with rules: the field and why.
pub fn fault_of_rules(prefix: Option<&str>, aliases: &[Alias]) -> Option<(&'static str, &'static str)> {
    if prefix.is_some_and(|prefix| prefix.is_empty() || prefix.contains('/') || prefix.trim() != prefix) {
        return Some(("prefix", "expected a text without `/` and without space around it"));
    }
    let blank = |alias: &Alias| alias.name.trim().is_empty() || alias.alias.trim().is_empty();
    if aliases.iter().any(blank) {
        return Some(("aliases", "an alias needs the name that the upstream has, and another one"));
    }
    None
}

/// What is sent to the upstream: its own suffix stays, else that of the request is added. An empty one, `()`, is none.
pub fn upstream_text(target: &str, requested: &str) -> String {
    let base = canonical_model(target);
    let suffix = match requested.trim().get(canonical_model(requested).len()..) {
        Some("()") | None => "",
        Some(suffix) => suffix,
    };
    if base.len() == target.len() {
        [target, suffix].concat()
    } else {
        target.to_owned()
    }
}

from_json! {
    strict Alias { name, alias, fork = false, force = false }
}

impl ToJson for Alias {
    fn write(&self, to: &mut Writer) {
        object!(to, self { name, alias, fork if (self.fork), force if (self.force) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(aliases: &[(&str, &str, bool)]) -> ModelRules {
        let alias = |&(name, alias, fork): &(&str, &str, bool)| Alias {
            name: name.into(),
            alias: alias.into(),
            fork,
            force: false,
        };
        ModelRules::new(&[], &[], None, &aliases.iter().map(alias).collect::<Vec<_>>())
    }

    /// CLIProxyAPI's V-AL-1 to V-AL-9.
    #[test]
    fn aliases_and_suffixes() {
        for (alias, requested, upstream) in [
            (("g25exp", "gemini-2.5-pro"), "gemini-2.5-pro(8192)", Some("g25exp(8192)")),
            (("g25exp", "gemini-2.5-pro"), "gemini-2.5-pro", Some("g25exp")),
            (("s45d(low)", "s45"), "s45(high)", Some("s45d(low)")),
            (("g25exp", "Gemini-2.5-Pro"), "gemini-2.5-pro(high)", Some("g25exp(high)")),
            (("g25exp", "gemini-2.5-pro"), "unknown(high)", None),
            (("g25exp", "gemini-2.5-pro"), "gemini-2.5-pro()", Some("g25exp")),
            (("x", "gemini-2.5-pro(high"), "gemini-2.5-pro(high", Some("x")),
            (("low-up", "public(low)"), "public(low)", Some("low-up(low)")),
        ] {
            let rules = rules(&[(alias.0, alias.1, false)]);
            let name = if rules.has_alias(requested) { requested } else { canonical_model(requested) };
            let target = rules.target(name, 0).map(|target| upstream_text(target, requested));
            assert_eq!(target.as_deref(), upstream, "{alias:?} {requested}");
        }
    }

    #[test]
    fn a_name_that_an_alias_replaces_is_hidden_unless_it_is_a_fork() {
        assert!(rules(&[("exp", "pro", false)]).hides("exp"));
        assert!(!rules(&[("exp", "pro", true)]).hides("exp"));
        assert!(!rules(&[("exp", "pro", false), ("exp", "best", true)]).hides("exp"));
        assert!(!rules(&[("exp", "pro", false)]).hides("pro"));
    }

    #[test]
    fn a_pool_has_several() {
        let rules = rules(&[("x", "a", false), ("y", "A", false)]);
        assert_eq!([0, 1, 2].map(|n| rules.target("a", n)), [Some("x"), Some("y"), None]);
    }
}
