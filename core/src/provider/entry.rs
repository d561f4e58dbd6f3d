//! One provider as a constant: small, because all of them ship in the WebAssembly.

use crate::facts::{Kind, Placement, ProviderFacts};

/// A provider's own facts; what it shares with others is its shape.
pub(super) struct Entry {
    pub(super) name: &'static str,
    label: &'static str,
    /// Separated by spaces.
    aliases: &'static str,
    /// Separated by spaces; `*` stands for `<NAME>_API_KEY`.
    environment: &'static str,
    /// Without `https://`.
    website: &'static str,
    shape: &'static Shape,
}

/// What providers of one kind share.
pub(super) struct Shape {
    pub(super) kinds: &'static [Kind],
    pub(super) key: Place,
    pub(super) keyless: bool,
    pub(super) token_headers: &'static [(&'static str, &'static str)],
    /// Empty: nothing to say.
    pub(super) notice: &'static str,
}

/// Where an API key goes. A token always goes as Bearer.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Bearer,
    Header(&'static str),
}

impl Shape {
    /// A key, sent as Bearer.
    pub(super) const KEY: Self =
        Self { kinds: &[Kind::ApiKey], key: Place::Bearer, keyless: false, token_headers: &[], notice: "" };
    /// A server of one's own, which may want a key or not.
    pub(super) const LOCAL: Self = Self { keyless: true, ..Self::KEY };
    /// An account or a key, both sent as Bearer.
    pub(super) const ACCOUNT_OR_KEY: Self =
        Self { kinds: &[Kind::Oauth, Kind::ApiKey, Kind::Token], ..Self::KEY };
    /// A key or an account, both sent as Bearer.
    pub(super) const KEY_OR_ACCOUNT: Self =
        Self { kinds: &[Kind::ApiKey, Kind::Oauth, Kind::Token], ..Self::KEY };
}

/// The shorthand of the tables: name, label, aliases, environment, website, shape.
pub(super) const fn entry(
    name: &'static str,
    label: &'static str,
    aliases: &'static str,
    environment: &'static str,
    website: &'static str,
    shape: &'static Shape,
) -> Entry {
    Entry { name, label, aliases, environment, website, shape }
}

impl Entry {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.split(' ').any(|alias| !alias.is_empty() && alias == name)
    }

    pub(super) fn facts(&self) -> ProviderFacts {
        ProviderFacts { oauth: super::accounts::accounts(self.name).map(Box::new), ..self.sending_facts() }
    }

    /// Without how its accounts log in: who sends a key reads nothing of that.
    pub(super) fn sending_facts(&self) -> ProviderFacts {
        let words = |text: &'static str| text.split(' ').filter(|word| !word.is_empty());
        let variable = || {
            let mut name = String::new();
            for byte in self.name.bytes() {
                name.push(if byte == b'-' { '_' } else { char::from(byte.to_ascii_uppercase()) });
            }
            (name + "_API_KEY").into()
        };
        ProviderFacts {
            name: self.name.into(),
            label: self.label.into(),
            aliases: words(self.aliases).map(Into::into).collect(),
            kinds: self.shape.kinds.to_vec(),
            environment: words(self.environment)
                .map(|name| if name == "*" { variable() } else { name.into() })
                .collect(),
            key_placement: match self.shape.key {
                Place::Bearer => Placement::Bearer,
                Place::Header(name) => Placement::Header(name.into()),
            },
            keyless: self.shape.keyless,
            token_placement: Placement::Bearer,
            headers: Vec::new(),
            token_headers: self
                .shape
                .token_headers
                .iter()
                .map(|&(name, value)| (name.into(), value.into()))
                .collect(),
            website: if self.website.is_empty() {
                "".into()
            } else {
                ["https://", self.website].concat().into()
            },
            refresh_lead: None,
            oauth: None,
            consumer_notice: (!self.shape.notice.is_empty()).then(|| self.shape.notice.into()),
        }
    }
}
