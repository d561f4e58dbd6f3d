//! The record of a credential: what its row in a store holds beside the secret.

use super::{Alias, Limits};
use crate::facts::Kind;
use crate::json::{from_json, object, words, ToJson, Writer};
use crate::time::Timestamp;
use sha2::{Digest, Sha256};

/// Which leg of the cascade a credential belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Origin {
    /// A key that was set at run time, by a command line option for example.
    Runtime,
    /// A key that came from the program's configuration.
    Config,
    /// An OAuth account in the store.
    Oauth,
    /// A key in the store that came from a login.
    Login,
    /// The environment.
    Env,
    /// A key or token in the store.
    Stored,
    /// What the host's fallback gave.
    Fallback,
}

impl Origin {
    /// Is the credential in the store?
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Oauth | Self::Login | Self::Stored)
    }
}

words! {
    /// The word used in events and answers.
    Origin {
        Runtime = "runtime",
        Config = "config",
        Oauth = "oauth",
        Login = "login",
        Env = "env",
        Stored = "stored",
        Fallback = "fallback",
    }
}

/// No weight is larger.
pub const MAX_WEIGHT: u32 = 1_000_000;

/// A pause that only a hand ends: the last instant that a date of JavaScript can name.
pub const BY_HAND: Timestamp = Timestamp(8_640_000_000_000_000);

/// Whose account it is, as far as the provider says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The e-mail address.
    pub email: Option<Box<str>>,
    /// The provider's id of the account.
    pub account_id: Option<Box<str>>,
    /// The provider's id of the organisation.
    pub org_id: Option<Box<str>>,
    /// The provider's id of the project.
    pub project_id: Option<Box<str>>,
    /// The address of an enterprise installation.
    pub enterprise_url: Option<Box<str>>,
}

/// What took a credential out of use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Why, in words without a secret.
    pub cause: Box<str>,
    /// When.
    pub at: Timestamp,
}

/// A credential without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// A random name that stays when the credential moves to another store.
    pub uid: Box<str>,
    /// The provider, by its registry name.
    pub provider: Box<str>,
    /// The name that people gave it; unique for the provider.
    pub name: Box<str>,
    /// What kind of secret it has.
    pub kind: Kind,
    /// Higher is tried first.
    pub priority: i32,
    /// Its share under the `weighted` strategy: 0 to [`MAX_WEIGHT`].
    pub weight: u32,
    /// The models that it serves, with `*` wildcards; empty means all.
    pub models: Vec<Box<str>>,
    /// The models that it does not serve, with `*` wildcards, though `models` may name them.
    pub excluded_models: Vec<Box<str>>,
    /// Other names for its models.
    pub aliases: Vec<Alias>,
    /// The namespace of its models: `prefix/model` is asked of those with this prefix only.
    pub prefix: Option<Box<str>>,
    /// What of it may be used; where it says nothing, the policy does.
    pub limits: Limits,
    /// May it be used?
    pub enabled: bool,
    /// Why it is disabled.
    pub disabled_cause: Option<Box<str>>,
    /// Not used before this instant, by hand; [`BY_HAND`] where only a hand ends it.
    pub paused_until: Option<Timestamp>,
    /// Does anything of it rest? Absent: as the policy says for its provider.
    pub cooling: Option<bool>,
    /// Did it come from a login (`login`)?
    pub source: Option<Box<str>>,
    /// When the secret expires.
    pub expires: Option<Timestamp>,
    /// When the secret was renewed last.
    pub renewed: Option<Timestamp>,
    /// Its tokens cannot be renewed any more: somebody must log in again.
    pub needs_login: bool,
    /// What took it out of use by itself last, as people may want to know it: a login does not wipe it out.
    pub fault: Option<Fault>,
    /// Where requests go, instead of the provider's own address.
    pub base_url: Option<Box<str>>,
    /// Where tokens are renewed, instead of the provider's own address.
    pub token_url: Option<Box<str>>,
    /// So many further rounds it takes part in, where that is not as the policy says.
    pub retry: Option<u8>,
    /// Whose account it is.
    pub identity: Identity,
    /// When it was added.
    pub created: Timestamp,
    /// Grows with the secret, and with nothing else.
    pub secret_version: u64,
}

impl Record {
    /// The leg of the cascade that a stored credential belongs to.
    pub fn origin(&self) -> Origin {
        match (self.kind, self.source.as_deref()) {
            (Kind::Oauth, _) => Origin::Oauth,
            (_, Some("login")) => Origin::Login,
            _ => Origin::Stored,
        }
    }
}

/// What is given to add a credential, beside its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCredential {
    /// The record; `uid`, `created` and `secret_version` are filled in by the engine.
    pub record: Record,
}

/// What is to change in a record; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// A new name.
    pub name: Option<Box<str>>,
    /// A new priority.
    pub priority: Option<i32>,
    /// A new weight.
    pub weight: Option<u32>,
    /// A new list of models.
    pub models: Option<Vec<Box<str>>>,
    /// A new list of models that it does not serve.
    pub excluded_models: Option<Vec<Box<str>>>,
    /// New aliases, in place of all that it had.
    pub aliases: Option<Vec<Alias>>,
    /// A new prefix; an empty text takes it away.
    pub prefix: Option<Box<str>>,
    /// New limits, in place of all that it had.
    pub limits: Option<Limits>,
    /// Enabled or not.
    pub enabled: Option<bool>,
    /// The cause, where it is disabled.
    pub disabled_cause: Option<Box<str>>,
    /// Paused until then; zero: resumed.
    pub paused_until: Option<Timestamp>,
    /// Does anything of it rest?
    pub cooling: Option<bool>,
    /// A new expiry.
    pub expires: Option<Timestamp>,
    /// A new address.
    pub base_url: Option<Box<str>>,
    /// Where its tokens are renewed; an empty text: where the provider's are.
    pub token_url: Option<Box<str>>,
    /// So many further rounds.
    pub retry: Option<u8>,
    /// A new identity.
    pub identity: Option<Identity>,
    /// A new source.
    pub source: Option<Box<str>>,
}

impl Changes {
    /// Writes the changes into a record.
    pub fn apply(self, record: &mut Record) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut record.name, self.name);
        set(&mut record.priority, self.priority);
        set(&mut record.weight, self.weight);
        set(&mut record.models, self.models);
        set(&mut record.limits, self.limits);
        set(&mut record.excluded_models, self.excluded_models);
        set(&mut record.aliases, self.aliases);
        if let Some(prefix) = self.prefix {
            record.prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
        }
        set(&mut record.identity, self.identity);
        if self.expires.is_some() {
            record.expires = self.expires;
        }
        if let Some(until) = self.paused_until {
            record.paused_until = (until.0 > 0).then_some(until.min(BY_HAND));
        }
        if self.cooling.is_some() {
            record.cooling = self.cooling;
        }
        if self.base_url.is_some() {
            record.base_url = self.base_url;
        }
        if let Some(url) = self.token_url {
            record.token_url = Some(url).filter(|url| !url.is_empty());
        }
        if self.retry.is_some() {
            record.retry = self.retry;
        }
        if self.source.is_some() {
            record.source = self.source;
        }
        if let Some(enabled) = self.enabled {
            record.enabled = enabled;
            record.disabled_cause = if enabled { None } else { self.disabled_cause };
        }
    }
}

/// The public handle that reveals nothing: 16 hexadecimal digits of a digest of the `uid`.
pub fn public_index(uid: &str) -> String {
    use core::fmt::Write;
    let digest = Sha256::new_with_prefix(b"credpool:index:").chain_update(uid).finalize();
    digest[..8].iter().fold(String::with_capacity(16), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

from_json! {
    open Identity {
        email = None,
        account_id = None,
        org_id = None,
        project_id = None,
        enterprise_url = None,
    }
}

impl ToJson for Identity {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            email if given,
            account_id if given,
            org_id if given,
            project_id if given,
            enterprise_url if given,
        });
    }
}

from_json! {
    open Fault { cause, at }
}

impl ToJson for Fault {
    fn write(&self, to: &mut Writer) {
        object!(to, self { cause, at });
    }
}

from_json! {
    open Record {
        uid,
        provider,
        name,
        kind,
        priority = 0,
        weight = 1,
        models = Vec::new(),
        excluded_models = Vec::new(),
        aliases = Vec::new(),
        prefix = None,
        limits = Limits::default(),
        enabled = true,
        disabled_cause = None,
        paused_until = None,
        cooling = None,
        source = None,
        expires = None,
        renewed = None,
        needs_login = false,
        fault = None,
        base_url = None,
        token_url = None,
        retry = None,
        identity = Identity::default(),
        created = Timestamp(0),
        secret_version = 0,
    }
}

/// Small where nothing is special.
impl ToJson for Record {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            uid,
            provider,
            name,
            kind,
            priority if (self.priority != 0),
            weight if (self.weight != 1),
            models if given,
            excluded_models if given,
            aliases if given,
            prefix if given,
            limits if (self.limits != Limits::default()),
            enabled if (!self.enabled),
            disabled_cause if given,
            paused_until if given,
            cooling if given,
            source if given,
            expires if given,
            renewed if given,
            needs_login if (self.needs_login),
            fault if given,
            base_url if given,
            token_url if given,
            retry if given,
            identity if (self.identity != Identity::default()),
            created,
            secret_version,
        });
    }
}

from_json! {
    strict Changes {
        name = None,
        priority = None,
        weight = None,
        models = None,
        excluded_models = None,
        aliases = None,
        prefix = None,
        limits = None,
        enabled = None,
        disabled_cause = None,
        paused_until = None,
        cooling = None,
        expires = None,
        base_url = None,
        token_url = None,
        retry = None,
        identity = None,
        source = None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small_where_nothing_is_special() {
        let text =
            r#"{"uid":"u","provider":"openai","name":"a","kind":"api_key","created":0,"secret_version":1}"#;
        let record: Record = crate::json::read(text).unwrap();
        assert!(record.enabled && record.weight == 1);
        assert_eq!(crate::json::write(&record), text);
    }

    #[test]
    fn the_public_index_is_stable_and_short() {
        assert_eq!(public_index("u").len(), 16);
        assert_eq!(public_index("u"), public_index("u"));
        assert_ne!(public_index("u"), public_index("v"));
    }
}
