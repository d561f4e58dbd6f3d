//! The record of a credential: what its row in a store holds beside the secret.

use crate::facts::Kind;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Which leg of the cascade a credential belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
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
    /// The word used in events and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Runtime => "runtime",
            Self::Config => "config",
            Self::Oauth => "oauth",
            Self::Login => "login",
            Self::Env => "env",
            Self::Stored => "stored",
            Self::Fallback => "fallback",
        }
    }

    /// Is the credential in the store?
    pub const fn is_stored(self) -> bool {
        matches!(self, Self::Oauth | Self::Login | Self::Stored)
    }
}

/// Whose account it is, as far as the provider says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Box<str>>,
    /// The provider's id of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Box<str>>,
    /// The provider's id of the organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<Box<str>>,
    /// The provider's id of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<Box<str>>,
    /// The address of an enterprise installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enterprise_url: Option<Box<str>>,
}

/// A credential without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(default, skip_serializing_if = "is_default")]
    pub priority: i32,
    /// Its share under the `weighted` strategy.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u32,
    /// The models that it serves, with `*` wildcards; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Box<str>>,
    /// May it be used?
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Why it is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_cause: Option<Box<str>>,
    /// Did it come from a login (`login`)?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Box<str>>,
    /// When the secret expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Where requests go, instead of the provider's own address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Box<str>>,
    /// Whose account it is.
    #[serde(default, skip_serializing_if = "is_default")]
    pub identity: Identity,
    /// When it was added.
    #[serde(default)]
    pub created: Timestamp,
    /// Grows with the secret, and with nothing else.
    #[serde(default)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// A new name.
    pub name: Option<Box<str>>,
    /// A new priority.
    pub priority: Option<i32>,
    /// A new weight.
    pub weight: Option<u32>,
    /// A new list of models.
    pub models: Option<Vec<Box<str>>>,
    /// Enabled or not.
    pub enabled: Option<bool>,
    /// The cause, where it is disabled.
    pub disabled_cause: Option<Box<str>>,
    /// A new expiry.
    pub expires: Option<Timestamp>,
    /// A new address.
    pub base_url: Option<Box<str>>,
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
        set(&mut record.identity, self.identity);
        if self.expires.is_some() {
            record.expires = self.expires;
        }
        if self.base_url.is_some() {
            record.base_url = self.base_url;
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

const fn one() -> u32 {
    1
}

const fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_one(value: &u32) -> bool {
    *value == 1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small_where_nothing_is_special() {
        let text = r#"{"uid":"u","provider":"openai","name":"a","kind":"api_key","created":0,"secret_version":1}"#;
        let record: Record = serde_json::from_str(text).unwrap();
        assert!(record.enabled && record.weight == 1);
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
    }

    #[test]
    fn the_public_index_is_stable_and_short() {
        assert_eq!(public_index("u").len(), 16);
        assert_eq!(public_index("u"), public_index("u"));
        assert_ne!(public_index("u"), public_index("v"));
    }
}
