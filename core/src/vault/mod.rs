//! Secrets by reference, in memory only. The machine passes references on; texts leave towards the store and the host's
//! table, and nowhere else.

mod egress;
mod login;

pub use egress::{Egress, Header, Shown};
pub use login::PendingLogin;

use crate::facts::oauth::ClientAuth;
use crate::facts::Kind;
use crate::id::{RequestId, SecretRef};
use crate::json::{self, from_json, FromJson, Reader, ToJson, Writer, Wrong};
use crate::oauth::private_part;
use crate::secret::Secret;
use sha2::{Digest, Sha256};

/// The secret parts of one credential.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretParts {
    /// What goes into requests: the key, the token or the access token.
    pub main: Secret,
    /// What renews it, for accounts that have one.
    pub refresh: Option<Secret>,
    /// The program that the account was logged in by, where it is known: only that one may renew it.
    pub client: Option<Box<Client>>,
    /// How its requests leave, where that is special.
    pub egress: Option<Box<Egress>>,
}

/// A program that a provider knows (RFC 6749 §2): the user's, never ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its public id.
    pub id: Box<str>,
    /// Its secret, where it is a confidential one.
    pub secret: Option<Secret>,
    /// Where it gets tokens, where that was found and is not in the registry; else empty.
    pub token_url: Box<str>,
    /// Where it gives them back, likewise.
    pub revoke_url: Box<str>,
    /// Where it asks after them, likewise.
    pub introspect_url: Box<str>,
    /// How it shows its secret, where that was found.
    pub auth: Option<ClientAuth>,
    /// The key that the account's tokens are bound to (RFC 9449), a JWK with its private part.
    pub dpop: Option<Secret>,
    /// There is such a key, and the access token is not bound to it all the same: the provider said so with the last one.
    pub bearer: bool,
    /// The account is the client's own (RFC 6749 §4.4): it is renewed by a new grant with these scopes.
    pub grant: Option<Box<str>>,
}

impl Client {
    /// Can it get tokens by its own secret, again and again?
    pub fn grants(&self) -> bool {
        self.grant.is_some() && self.secret.is_some()
    }

    /// The key that is to be proved with the access token.
    pub fn bound_to(&self) -> Option<&Secret> {
        self.dpop.as_ref().filter(|_| !self.bearer)
    }
}

impl SecretParts {
    /// A text, and nothing beside it.
    pub fn plain(main: Secret) -> Self {
        Self { main, refresh: None, client: None, egress: None }
    }

    /// The parts as a store keeps them: JSON with `key`, `token`, or `access` and `refresh`.
    pub fn to_json(&self, kind: Kind) -> String {
        json::write(&Stored { kind, parts: self })
    }

    /// Reads what [`to_json`](Self::to_json) wrote. `None` where it is something else.
    pub fn from_json(text: &str) -> Option<Self> {
        // By far the most are a key as we write it: nothing else in it, nothing escaped.
        if let Some(key) = text.strip_prefix(r#"{"key":""#).and_then(|rest| rest.strip_suffix(r#""}"#)) {
            if key.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
                return Some(Self::plain(Secret::new(key)));
            }
        }
        let Found { key, token, access, refresh, client, proxy, headers } = json::read(text).ok()?;
        let egress = Egress { proxy, headers };
        let egress = (!egress.is_empty()).then(|| Box::new(egress));
        Some(Self { main: key.or(token).or(access)?, refresh, client, egress })
    }

    /// A digest by which the same secret is found again, to be compared then. Never shown and never stored.
    pub(crate) fn fingerprint(&self, provider: &str) -> u64 {
        let digest =
            Sha256::new_with_prefix(provider).chain_update([0]).chain_update(self.main.expose()).finalize();
        digest.iter().take(8).fold(0, |short, &byte| short << 8 | u64::from(byte))
    }
}

/// Parts as they come from a store.
struct Found {
    key: Option<Secret>,
    token: Option<Secret>,
    access: Option<Secret>,
    refresh: Option<Secret>,
    client: Option<Box<Client>>,
    proxy: Option<Secret>,
    headers: Vec<Header>,
}

from_json! {
    open Found {
        key = None,
        token = None,
        access = None,
        refresh = None,
        client = None,
        proxy as "proxyUrl" = None,
        headers = Vec::new(),
    }
}

from_json! {
    open Client {
        id,
        secret = None,
        token_url as "tokenUrl" = Box::default(),
        revoke_url as "revokeUrl" = Box::default(),
        introspect_url as "introspectUrl" = Box::default(),
        auth = None,
        dpop = None,
        bearer = false,
        grant = None,
    }
}

impl ToJson for Client {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        to.field("id", &self.id);
        if let Some(secret) = &self.secret {
            to.field("secret", &secret.expose());
        }
        if !self.token_url.is_empty() {
            to.field("tokenUrl", &self.token_url);
        }
        if !self.revoke_url.is_empty() {
            to.field("revokeUrl", &self.revoke_url);
        }
        if !self.introspect_url.is_empty() {
            to.field("introspectUrl", &self.introspect_url);
        }
        if let Some(auth) = &self.auth {
            to.field("auth", auth);
        }
        if let Some(key) = &self.dpop {
            to.field("dpop", &key.expose());
        }
        if self.bearer {
            to.field("bearer", &true);
        }
        if let Some(grant) = &self.grant {
            to.field("grant", grant);
        }
        to.close('}');
    }
}

impl FromJson for Secret {
    fn blank() -> Self {
        Self::default()
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        from.text().map(|text| *self = Self::new(text))
    }
}

/// Parts on their way into a store.
struct Stored<'a> {
    kind: Kind,
    parts: &'a SecretParts,
}

impl ToJson for Stored<'_> {
    fn write(&self, to: &mut Writer) {
        let field = match self.kind {
            Kind::ApiKey => "key",
            Kind::Token => "token",
            Kind::Oauth => "access",
        };
        to.open('{');
        to.field(field, &self.parts.main.expose());
        if let Some(refresh) = &self.parts.refresh {
            to.field("refresh", &refresh.expose());
        }
        if let Some(client) = &self.parts.client {
            to.field("client", client);
        }
        if let Some(egress) = &self.parts.egress {
            if let Some(proxy) = &egress.proxy {
                to.field("proxyUrl", &proxy.expose());
            }
            if !egress.headers.is_empty() {
                to.field("headers", &Shown(&egress.headers));
            }
        }
        to.close('}');
    }
}

/// The bits of a generation.
const GENERATIONS: u32 = u32::MAX >> 10;

/// All secrets of a pool. A place that became free is used again; its generation tells the new secret from the old.
#[derive(Default)]
pub struct Vault {
    places: Vec<Place>,
    free: Vec<u32>,
    logins: Vec<(RequestId, PendingLogin)>,
}

struct Place {
    generation: u32,
    parts: Option<SecretParts>,
}

impl Vault {
    /// Keeps a secret.
    pub fn put(&mut self, parts: SecretParts) -> SecretRef {
        let at = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, parts: None });
            self.places.len() as u32 - 1
        });
        let place = &mut self.places[at as usize];
        place.generation = place.generation.wrapping_add(1) & GENERATIONS;
        let renewable = match (&parts.refresh, &parts.client) {
            (_, Some(client)) if client.grants() => SecretRef::RENEWABLE | SecretRef::REPEATABLE,
            (Some(_), _) => SecretRef::RENEWABLE,
            _ => 0,
        };
        let way = parts.egress.as_ref().map_or(0, |egress| egress.way());
        place.parts = Some(parts);
        let made = SecretRef(renewable | u64::from(place.generation) << 32 | u64::from(at));
        made.by_way(way)
    }

    /// Looks at a secret.
    pub fn get(&self, secret: SecretRef) -> Option<&SecretParts> {
        let place = self.places.get(secret.0 as u32 as usize)?;
        let generation = (secret.0 >> 32) as u32 & GENERATIONS;
        place.parts.as_ref().filter(|_| place.generation == generation)
    }

    /// Forgets a secret.
    pub fn forget(&mut self, secret: SecretRef) {
        if self.get(secret).is_some() {
            self.places[secret.0 as u32 as usize].parts = None;
            self.free.push(secret.0 as u32);
        }
    }

    /// Shows every text that is kept.
    pub fn each(&self, see: &mut dyn FnMut(&str)) {
        for parts in self.places.iter().filter_map(|place| place.parts.as_ref()) {
            see(parts.main.expose());
            if let Some(refresh) = &parts.refresh {
                see(refresh.expose());
            }
            if let Some(secret) = parts.client.as_ref().and_then(|client| client.secret.as_ref()) {
                see(secret.expose());
            }
            if let Some(key) = parts.client.as_ref().and_then(|client| client.dpop.as_ref()) {
                see(key.expose());
                if let Some(private) = private_part(key) {
                    see(&private);
                }
            }
            if let Some(egress) = &parts.egress {
                egress.each(see);
            }
        }
    }

    /// Keeps what belongs to a login.
    pub fn put_login(&mut self, request: RequestId, login: PendingLogin) {
        self.logins.push((request, login));
    }

    /// What belongs to a login.
    pub fn login(&mut self, request: RequestId) -> Option<&mut PendingLogin> {
        self.logins.iter_mut().find(|(of, _)| *of == request).map(|(_, login)| login)
    }

    /// Forgets what belonged to a login.
    pub fn forget_login(&mut self, request: RequestId) {
        if let Some(at) = self.logins.iter().position(|(of, _)| *of == request) {
            self.logins.swap_remove(at);
        }
    }

    /// How many secrets are kept.
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Is none kept?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let client = Client {
            id: "c".into(),
            secret: Some(Secret::new("s")),
            token_url: "https://a/t".into(),
            revoke_url: "https://a/r".into(),
            introspect_url: "https://a/i".into(),
            auth: Some(ClientAuth::Basic),
            dpop: Some(Secret::new(r#"{"kty":"EC"}"#)),
            bearer: true,
            grant: Some("a b".into()),
        };
        let client = Some(Box::new(client));
        let egress = Egress {
            proxy: Some(Secret::new("http://u:p@h")),
            headers: vec![("x-a".into(), Secret::new("\"1\""))],
        };
        let egress = Some(Box::new(egress));
        let parts =
            SecretParts { main: Secret::new("a\"b"), refresh: Some(Secret::new("r")), client, egress };
        for kind in [Kind::ApiKey, Kind::Token, Kind::Oauth] {
            assert!(SecretParts::from_json(&parts.to_json(kind)) == Some(parts.clone()));
        }
        for text in [r#"{"key":"a"}"#, r#" {"key" : "a", "other":1}"#, r#"{"key":"\u0061"}"#] {
            assert!(SecretParts::from_json(text).is_some_and(|parts| parts.main.expose() == "a"), "{text}");
        }
        for text in [r#"{"key":"a","key":"b"}"#, "{\"key\":\"a\nb\"}", r#"{"key":"a\"}"#] {
            assert!(SecretParts::from_json(text).is_none(), "{text}");
        }
        assert!(SecretParts::from_json("{}").is_none() && SecretParts::from_json("7").is_none());
    }
    #[test]
    fn a_place_that_is_used_again_is_not_mistaken() {
        let parts = |text: &str| SecretParts::plain(Secret::new(text));
        let mut vault = Vault::default();
        let (first, second) = (vault.put(parts("1")), vault.put(parts("2")));
        vault.forget(first);
        vault.forget(first);
        let third = vault.put(parts("3"));
        assert!(vault.get(first).is_none() && vault.get(SecretRef(u64::MAX)).is_none());
        assert_eq!(vault.get(second).map(|parts| parts.main.expose()), Some("2"));
        assert_eq!(vault.get(third).map(|parts| parts.main.expose()), Some("3"));
        assert_eq!(vault.len(), 2);
    }
}
