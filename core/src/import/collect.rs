//! What was found, checked as it comes: what cannot be taken over is named with the reason, and the rest goes on.

use super::credential::Credential;
use super::expiry::expiry_of_token;
use crate::facts::Kind;
use crate::json::{object, ToJson, Value, Writer};
use crate::oauth::identity_of_tokens;
use crate::provider::{auth_parts, Registry};
use crate::secret::{is_reference, Secret};
use crate::wire::jwt::Claims;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// No document gives more credentials.
pub const MOST: usize = 10_000;
/// A secret is at most so long, in bytes.
const LONGEST_SECRET: usize = 64 * 1024;
/// A name is at most so long, in bytes; a longer one is cut.
const LONGEST_NAME: usize = 200;
/// A place is shown up to so many characters.
const LONGEST_PLACE: usize = 120;

/// A credential, and where it stands.
#[derive(Clone, PartialEq)]
pub struct FoundCredential {
    /// Its place in the document: `profiles.openai:work`.
    pub place: String,
    /// Whoever renews it makes the refresh token worthless that the other tool keeps.
    pub rotates: bool,
    /// The credential.
    pub credential: Credential,
}

/// Something that was not taken over, or that is to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its place in the document.
    pub place: String,
    /// Why, in words; never a value of the document.
    pub why: String,
}

/// All that a document holds.
#[derive(Clone, Default, PartialEq)]
pub struct Found {
    /// What may be added to a pool.
    pub credentials: Vec<FoundCredential>,
    /// What may not.
    pub skipped: Vec<Note>,
    /// What is to be known of the credentials.
    pub warnings: Vec<Note>,
    /// Digests of the secrets that were taken, and where they stand in `credentials`.
    seen: HashMap<u64, usize>,
}

impl ToJson for FoundCredential {
    fn write(&self, to: &mut Writer) {
        object!(to, self { place, rotates if (self.rotates), credential });
    }
}

impl ToJson for Note {
    fn write(&self, to: &mut Writer) {
        object!(to, self { place, why });
    }
}

impl Found {
    /// Takes a credential, or says why not. Its provider is put into the registry's words; expiry and identity are read from
    /// its tokens where the document does not say them.
    pub(super) fn add(&mut self, place: &str, credential: Credential) {
        self.check(place, credential, false);
    }

    /// The same for one whose secret the format itself calls a reference.
    pub(super) fn add_reference(&mut self, place: &str, credential: Credential) {
        self.check(place, credential, true);
    }

    fn check(&mut self, place: &str, mut credential: Credential, reference: bool) {
        if self.credentials.len() >= MOST {
            if self.credentials.len() == MOST && self.skipped.last().is_none_or(|last| last.why != TOO_MANY) {
                self.skip(place, TOO_MANY);
            }
            return;
        }
        let secret = credential.secret.expose();
        if secret.is_empty() && !(credential.kind == Kind::ApiKey && credential.base_url.is_some()) {
            return self.skip(place, "it has no secret");
        }
        let longest =
            credential.refresh.as_ref().map_or(0, |refresh| refresh.expose().len()).max(secret.len());
        if longest > LONGEST_SECRET {
            return self.skip(place, "its secret is longer than 64 KiB");
        }
        let parts = core::iter::once(&credential.secret).chain(&credential.refresh);
        if !reference && parts.clone().any(|part| is_reference(part.expose())) {
            // From a file that anybody may have written it would read files and variables of this machine.
            return self.skip(place, "its secret looks like a reference, which this format does not have");
        }
        let registry = Registry::builtin();
        if credential.kind == Kind::Oauth && registry.resolve(&credential.provider) == Some("openai") {
            "openai-codex".clone_into(&mut credential.provider);
        }
        let Some(facts) = registry.facts_or_default(&credential.provider) else {
            return self.skip(place, "its provider has a name that cannot be used");
        };
        facts.name.as_ref().clone_into(&mut credential.provider);
        if reference && !is_line(secret) {
            return self.skip(place, "its reference has a control character");
        }
        if !reference && auth_parts(&facts, credential.kind, &credential.secret).is_none() {
            return self.skip(place, "its secret has a character that cannot stand in a header, or is empty");
        }
        let own_address = |address: &str| address.starts_with("https://") || address.starts_with("http://");
        if credential
            .base_url
            .as_deref()
            .is_some_and(|address| !own_address(address.trim()) || !is_line(address))
        {
            return self.skip(place, "its address is none: it begins with neither https:// nor http://");
        }
        let first = self.seen.entry(digest(&credential)).or_insert(self.credentials.len());
        if let Some(same) =
            self.credentials.get(*first).filter(|same| same_secret(&same.credential, &credential))
        {
            let why = ["it is the same as ", &same.place].concat();
            return self.skip(place, &why);
        }
        if credential.kind == Kind::Oauth {
            let oauth = facts.oauth.as_deref().cloned().unwrap_or_default();
            let tokens = core::iter::once(&credential.secret).chain(&credential.refresh).map(Secret::expose);
            credential.identity.fill(&identity_of_tokens(&oauth.identity, tokens));
            if credential.client.is_none() {
                credential.client = client_of_token(credential.secret.expose()).map(|id| (id, None));
            }
        }
        credential.expires = credential.expires.or_else(|| expiry_of_token(credential.secret.expose()));
        credential.name = credential.name.as_deref().and_then(name);
        let place = shown(place);
        // Google's refresh tokens stay when they are used; all others may be of one use.
        let rotates = credential.refresh.is_some() && !credential.provider.starts_with("google");
        self.credentials.push(FoundCredential { place, rotates, credential });
    }

    /// Takes from an id token whose account it is.
    pub(super) fn fill_from_token(credential: &mut Credential, id_token: Option<&str>) {
        let facts =
            Registry::builtin().facts(&credential.provider).and_then(|facts| facts.oauth).unwrap_or_default();
        credential.identity.fill(&identity_of_tokens(&facts.identity, id_token));
    }

    /// Names what is not taken over.
    pub(super) fn skip(&mut self, place: &str, why: &str) {
        if self.skipped.len() <= MOST {
            self.skipped.push(Note { place: shown(place), why: why.to_owned() });
        }
    }

    /// Names what is to be known.
    pub(super) fn warn(&mut self, place: &str, why: &str) {
        if self.warnings.len() <= MOST {
            self.warnings.push(Note { place: shown(place), why: why.to_owned() });
        }
    }
}

const TOO_MANY: &str = "there are more than 10,000: the rest was not read";

fn digest(credential: &Credential) -> u64 {
    let address = if credential.secret.is_empty() { credential.base_url.as_deref() } else { None };
    let digest = Sha256::new_with_prefix(&credential.provider)
        .chain_update([0])
        .chain_update(address.unwrap_or_default())
        .chain_update(credential.secret.expose())
        .finalize();
    digest.iter().take(8).fold(0, |short, &byte| short << 8 | u64::from(byte))
}

fn same_secret(one: &Credential, other: &Credential) -> bool {
    let same = !other.secret.is_empty() || one.base_url == other.base_url;
    same && one.provider == other.provider && one.secret == other.secret
}

/// The client that a token was given to, where it says so: only that one may renew it (RFC 6749 §6, RFC 9068 §2.2).
fn client_of_token(token: &str) -> Option<String> {
    let claims = Claims::read(token)?;
    let id = claims.text(&["client_id"])?.trim();
    ((1..=LONGEST_NAME).contains(&id.len()) && is_line(id)).then(|| id.to_owned())
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// A name as a pool takes it: without control characters, at most 200 bytes long.
fn name(text: &str) -> Option<String> {
    let mut name: String = text.chars().filter(|character| !character.is_control()).collect();
    while name.len() > LONGEST_NAME {
        name.pop();
    }
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// A place as it may be shown: names in it come from the document.
pub(super) fn shown(place: &str) -> String {
    let clean = place.chars().map(|character| if character.is_control() { '?' } else { character });
    let mut text: String = clean.take(LONGEST_PLACE).collect();
    if text.chars().count() < place.chars().count() {
        text.push('…');
    }
    text
}

/// The first of these fields that is a text with something in it.
pub(super) fn text<'a>(object: &'a Value, names: &[&str]) -> Option<&'a str> {
    let filled = |name: &&str| object.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty());
    names.iter().find_map(filled)
}

/// `place.name`
pub(super) fn at(place: &str, name: &str) -> String {
    if place.is_empty() {
        return name.to_owned();
    }
    [place, ".", name].concat()
}

/// `place[3]`
pub(super) fn nth(place: &str, index: usize) -> String {
    [place, "[", &index.to_string(), "]"].concat()
}

/// Whose it is, by the names that tools have for that.
pub(super) fn identity(object: &Value) -> crate::credential::Identity {
    let part = |names: &[&str]| {
        text(object, names).filter(|text| text.len() <= 320 && is_line(text)).map(Into::into)
    };
    crate::credential::Identity {
        email: part(&["email", "emailAddress", "email_address", "accountEmail"]),
        account_id: part(&["account_id", "accountId", "accountUuid", "chatgpt_account_id"]),
        org_id: part(&["org_id", "orgId", "organizationUuid", "organization_id"]),
        project_id: part(&["project_id", "projectId", "project"]),
        enterprise_url: part(&["enterpriseUrl", "enterprise_url"]),
    }
}
