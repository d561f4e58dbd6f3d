//! Secrets by reference, in memory only. The machine passes references on; texts leave towards the store and the host's
//! table, and nowhere else.

use crate::facts::Kind;
use crate::id::SecretRef;
use crate::secret::Secret;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The secret parts of one credential.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretParts {
    /// What goes into requests: the key, the token or the access token.
    pub main: Secret,
    /// What renews it, for accounts that have one.
    pub refresh: Option<Secret>,
}

impl SecretParts {
    /// The parts as a store keeps them: JSON with `key`, `token`, or `access` and `refresh`.
    pub fn to_json(&self, kind: Kind) -> String {
        let mut fields = Map::new();
        fields.insert(field(kind).to_owned(), Value::from(self.main.expose()));
        if let Some(refresh) = &self.refresh {
            fields.insert("refresh".to_owned(), Value::from(refresh.expose()));
        }
        Value::Object(fields).to_string()
    }

    /// Reads what [`to_json`](Self::to_json) wrote. `None` where it is something else.
    pub fn from_json(text: &str) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_str(text).ok()?;
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(Secret::new(text)),
            _ => None,
        };
        let main = take("key").or_else(|| take("token")).or_else(|| take("access"))?;
        Some(Self { main, refresh: take("refresh") })
    }

    /// A digest by which the same secret is found again. Never shown and never stored.
    pub(crate) fn fingerprint(&self, provider: &str) -> [u8; 16] {
        let digest = Sha256::new_with_prefix(provider).chain_update([0]).chain_update(self.main.expose()).finalize();
        let mut short = [0; 16];
        short.copy_from_slice(&digest[..16]);
        short
    }
}

const fn field(kind: Kind) -> &'static str {
    match kind {
        Kind::ApiKey => "key",
        Kind::Token => "token",
        Kind::Oauth => "access",
    }
}

/// All secrets of a pool.
#[derive(Default)]
pub struct Vault {
    secrets: BTreeMap<SecretRef, SecretParts>,
    last: u64,
}

impl Vault {
    /// Keeps a secret.
    pub fn put(&mut self, parts: SecretParts) -> SecretRef {
        self.last += 1;
        self.secrets.insert(SecretRef(self.last), parts);
        SecretRef(self.last)
    }

    /// Looks at a secret.
    pub fn get(&self, secret: SecretRef) -> Option<&SecretParts> {
        self.secrets.get(&secret)
    }

    /// Forgets a secret.
    pub fn forget(&mut self, secret: SecretRef) {
        self.secrets.remove(&secret);
    }

    /// How many secrets are kept.
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Is none kept?
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let parts = SecretParts { main: Secret::new("a\"b"), refresh: Some(Secret::new("r")) };
        for kind in [Kind::ApiKey, Kind::Token, Kind::Oauth] {
            assert!(SecretParts::from_json(&parts.to_json(kind)) == Some(parts.clone()));
        }
        assert!(SecretParts::from_json("{}").is_none() && SecretParts::from_json("7").is_none());
    }
}
