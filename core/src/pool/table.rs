//! The host's table: what it takes of a credential when it first uses it, and how it finds one.

use super::protocol::SecretEntry;
use super::Pool;
use crate::credential::Origin;
use crate::id::{CredentialId, Handle, SessionIx};

impl Pool {
    /// What the host keeps of the credential at a handle, its secret included. It holds until a step names the handle as
    /// changed.
    pub fn entry(&mut self, handle: Handle) -> Option<SecretEntry> {
        let record = self.engine.record(handle)?;
        let (origin, id) = self.engine.origin(handle)?;
        let secret = self.vault.get(self.engine.secret(handle)?)?;
        let egress = secret.egress.as_deref();
        let headers = egress.map(|egress| egress.headers.as_slice()).unwrap_or_default();
        let entry = SecretEntry {
            id,
            provider: record.provider.clone(),
            name: record.name.clone(),
            kind: record.kind,
            origin,
            version: record.secret_version,
            secret: secret.main.expose().to_owned(),
            base_url: record.base_url.clone(),
            proxy_url: egress.and_then(|egress| Some(egress.proxy.as_ref()?.expose().to_owned())),
            headers: headers.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect(),
            dpop: secret
                .client
                .as_ref()
                .and_then(|client| client.bound_to())
                .map(|key| key.expose().to_owned()),
            maps: self.engine.maps(handle),
        };
        let at = handle.0 as usize;
        if at >= self.taken.len() {
            self.taken.resize(at + 1, false);
        }
        self.taken[at] = true;
        Some(entry)
    }

    /// The stored credential of this id.
    pub fn find(&self, id: CredentialId) -> Option<Handle> {
        self.engine.find(id)
    }

    /// The credential of this name, of a provider by name or alias; a stored one before one that is not.
    pub fn find_named(&self, provider: &str, name: &str) -> Option<Handle> {
        let provider = self.name_of(provider);
        let mut found = None;
        for handle in self.engine.handles() {
            let Some(record) = self.engine.record(handle) else { continue };
            if record.name.as_ref() == name && record.provider == provider {
                if self.engine.origin(handle).is_some_and(|(_, id)| id.is_some()) {
                    return Some(handle);
                }
                found = found.or(Some(handle));
            }
        }
        found
    }

    /// The credential of a leg that is not stored, of a provider by name or alias.
    pub fn find_unstored(&self, provider: &str, origin: Origin) -> Option<Handle> {
        let provider = self.name_of(provider);
        self.engine.handles().find(|&handle| {
            self.engine.origin(handle) == Some((origin, None))
                && self.engine.record(handle).is_some_and(|record| record.provider == provider)
        })
    }

    /// The secret that goes into requests of the credential at a handle.
    pub fn secret(&self, handle: Handle) -> Option<&str> {
        let secret = self.engine.secret(handle)?;
        self.vault.get(secret).map(|parts| parts.main.expose())
    }

    /// Which leg would give a provider's credential now: `None` where nobody could.
    pub fn origin_of(&mut self, provider: &str) -> Option<(Origin, Handle)> {
        let route = self.route(provider, None);
        let handle = self.engine.peek(route, SessionIx::NONE)?;
        Some((self.engine.origin(handle)?.0, handle))
    }

    /// A text of somebody else, an error of a store for example, without any secret of this pool.
    pub fn without_secrets(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.vault.each(&mut |secret| {
            // A plain search: what `str::find` brings with it is 4 KB of WebAssembly.
            let mut at = 0;
            while secret.len() > 3 && at + secret.len() <= text.len() {
                if text.as_bytes()[at..].starts_with(secret.as_bytes()) {
                    text.replace_range(at..at + secret.len(), "…");
                }
                at += 1;
            }
        });
        text
    }
}
