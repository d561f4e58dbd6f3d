//! Credentials as people give them: checked, named, and matched with what is there.

use super::accounts::Accounts;
use super::names::{Named, Names};
use super::protocol::{CredentialInput, SecretInput};
use super::Pool;
use crate::credential::{fault_of_rules, Changes, Identity, Limits, Origin, Record, MAX_WEIGHT};
use crate::engine::NewItem;
use crate::facts::oauth::is_safe_url;
use crate::facts::{Kind, ProviderFacts};
use crate::id::{CredentialId, Handle, SecretRef};
use crate::provider::{auth_parts, environment_kind, CREDENTIAL_HEADERS};
use crate::secret::{is_reference, Secret};
use crate::select::IntMap;
use crate::time::Timestamp;
use crate::vault::{Header, SecretParts};

/// Names are at most so long, in bytes.
const MAX_NAME: usize = 200;
/// A secret is at most so long, in bytes: a header of more is refused everywhere.
const MAX_SECRET: usize = 64 * 1024;

/// What is wrong with a credential that was given. Names its place, never its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// Which of the given credentials, counted from 0, where several were.
    pub index: Option<usize>,
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl core::fmt::Display for InputError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(index) = self.index {
            write!(f, "credentials[{index}].")?;
        }
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl core::error::Error for InputError {}

fn wrong(field: &'static str, message: impl Into<String>) -> InputError {
    InputError { index: None, field, message: message.into() }
}

/// A credential that may be stored.
struct Checked {
    record: Record,
    parts: SecretParts,
    /// Whose place it takes.
    replaces: Option<Handle>,
    /// Who is the same, and goes.
    removes: Vec<CredentialId>,
}

impl Pool {
    /// Checks all, then keeps their secrets: where one is wrong, nothing is kept.
    pub(super) fn new_items(&mut self, given: Vec<CredentialInput>) -> Result<Vec<NewItem>, InputError> {
        let mut names = self.names();
        let mut accounts = Accounts::default();
        let mut checked = Vec::with_capacity(given.len());
        let several = given.len() > 1;
        for (index, input) in given.into_iter().enumerate() {
            let item = self
                .check(input, &mut names, &mut accounts)
                .map_err(|error| InputError { index: several.then_some(index), ..error })?;
            checked.push(item);
        }
        let mut same: IntMap<u64, u32> = IntMap::default();
        for (index, Checked { record, parts, .. }) in checked.iter().enumerate() {
            let first = same.insert(parts.fingerprint(&record.provider), index as u32);
            let first = first.map(|first| (first, &checked[first as usize]));
            if let Some((first, _)) = first.filter(|(_, other)| {
                other.parts.main == parts.main
                    && other.record.provider == record.provider
                    && !parts.main.is_empty()
            }) {
                let message = format!("is the same secret as that of credentials[{first}]");
                return Err(InputError { index: Some(index), ..wrong("key", message) });
            }
        }
        Ok(checked
            .into_iter()
            .map(|Checked { record, parts, replaces, removes }| {
                // The secret that is there already is no new one: its cooldowns stay.
                let held = replaces.and_then(|handle| self.vault.get(self.engine.secret(handle)?));
                let same_secret = held == Some(&parts);
                let replaces = replaces.and_then(|handle| self.engine.origin(handle)?.1);
                NewItem { record, secret: self.vault.put(parts), replaces, same_secret, removes }
            })
            .collect())
    }

    fn check(
        &mut self,
        input: CredentialInput,
        names: &mut Names,
        accounts: &mut Accounts,
    ) -> Result<Checked, InputError> {
        let facts = self.registry.sending_facts(&input.provider).ok_or_else(|| {
            wrong("provider", "expected a name such as `openai`: letters, digits, `-`, `_` and `.`")
        })?;
        check_base_url(input.base_url.as_deref())?;
        check_token_url(input.token_url.as_deref())?;
        let (key, token, access, refresh) = (input.key, input.token, input.access, input.refresh);
        let given = SecretInput { key, token, access, refresh, ..SecretInput::default() };
        let keyless = given.is_empty() && facts.needs_no_key(input.kind.unwrap_or(Kind::ApiKey));
        if keyless && input.base_url.is_none() {
            let message = format!("is missing: {} takes no key, only the address of its server", facts.name);
            return Err(wrong("baseUrl", message));
        }
        let (kind, mut parts) = if keyless {
            (Kind::ApiKey, SecretParts::plain(Secret::default()))
        } else {
            read_secret(input.kind, given)?
        };
        parts.client = input.client.filter(|_| kind == Kind::Oauth);
        let key = parts.client.as_ref().and_then(|client| client.dpop.as_ref());
        if key.is_some_and(|key| !crate::oauth::is_dpop_key(key)) {
            return Err(wrong("dpopKey", "expected a private key of P-256, as a JWK"));
        }
        check_sendable(&facts, kind, &parts)?;
        if let Some((_, fault)) = input.limits.fault() {
            return Err(wrong("limits", fault));
        }
        if let Some((field, fault)) = fault_of_rules(input.prefix.as_deref(), &input.aliases) {
            return Err(wrong(field, fault));
        }
        let provider = facts.name.clone();
        let by_secret = match input.base_url.as_deref() {
            Some(address) if keyless => self.same_address(&provider, address),
            _ => self.same_secret(&provider, &parts),
        };
        check_weight(input.weight)?;
        let mut identity = input.identity;
        let mut removes = Vec::new();
        let mut same = by_secret;
        if kind == Kind::Oauth {
            same = accounts
                .same(self, &facts, &parts, &mut identity, by_secret, &mut removes)
                .ok_or_else(|| wrong("identity", "is that of another account which is given with it"))?;
        }
        let name = match input.name {
            Some(name) => {
                if name.trim().is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
                    let message = format!("expected 1 to {MAX_NAME} bytes without control characters");
                    return Err(wrong("name", message));
                }
                name.trim().into()
            }
            None => match same.and_then(|handle| self.engine.record(handle)) {
                Some(record) => record.name.clone(),
                None => {
                    names.free(self, &provider, identity.email.as_deref().filter(|_| kind == Kind::Oauth))
                }
            },
        };
        // Who is named like a stored one means that one, with a new secret; who has its secret, or is the same account, is
        // that one, renamed.
        let replaces = match (names.get(self, &provider, &name), same) {
            (Some(Named::Given), _) => return Err(wrong("name", format!("`{name}` is given twice"))),
            (Some(Named::Stored(held)), Some(same)) if held != same => {
                let message =
                    format!("`{name}` is another credential of {provider}; this secret belongs to a third");
                return Err(wrong("name", message));
            }
            (Some(Named::Stored(held)), None) if kind == Kind::Oauth && self.is_other(held, &identity) => {
                let message =
                    format!("`{name}` is another account of {provider}: give this one another name");
                return Err(wrong("name", message));
            }
            (Some(Named::Stored(held)), _) => Some(held),
            (None, same) => same,
        };
        let old = replaces.and_then(|handle| self.vault.get(self.engine.secret(handle)?));
        // Around its proxy nothing is sent: who is added again without one keeps the one that it has.
        parts.egress = old.and_then(|old| old.egress.clone());
        change_egress(&mut parts, input.proxy_url, input.headers)?;
        names.give(self, &provider, &name);
        let record = Record {
            uid: Box::default(),
            provider,
            name,
            kind,
            priority: input.priority,
            weight: input.weight.unwrap_or(1),
            models: input.models,
            excluded_models: input.excluded_models,
            aliases: input.aliases,
            prefix: input.prefix,
            limits: input.limits,
            enabled: input.enabled.unwrap_or(true),
            disabled_cause: None,
            paused_until: None,
            cooling: input.cooling,
            source: input.source,
            expires: input.expires,
            renewed: None,
            needs_login: false,
            fault: replaces.and_then(|handle| self.engine.record(handle)?.fault.clone()),
            base_url: input.base_url,
            token_url: input.token_url,
            retry: input.retry,
            identity,
            created: Timestamp(0),
            secret_version: 0,
        };
        Ok(Checked { record, parts, replaces, removes })
    }

    /// Is an account of which something is known stored there, and something known of this one too? They are not the same.
    fn is_other(&self, held: Handle, identity: &Identity) -> bool {
        let known = |identity: &Identity| !identity.key(true).is_empty();
        let held = self.engine.record(held).filter(|held| held.kind == Kind::Oauth);
        held.is_some_and(|held| known(&held.identity)) && known(identity)
    }

    /// A new secret for a stored credential. Of its kind, whatever field it comes in.
    pub(super) fn new_secret(
        &mut self,
        handle: Handle,
        changes: &Changes,
        secret: Option<SecretInput>,
    ) -> Result<Option<SecretRef>, InputError> {
        let Some(record) = self.engine.record(handle) else { return Ok(None) };
        if changes.name.as_deref().is_some_and(|name| name.trim().is_empty() || name.len() > MAX_NAME) {
            return Err(wrong("name", format!("expected 1 to {MAX_NAME} bytes")));
        }
        check_weight(changes.weight)?;
        check_base_url(changes.base_url.as_deref())?;
        check_token_url(changes.token_url.as_deref().filter(|url| !url.is_empty()))?;
        if let Some((_, fault)) = changes.limits.as_ref().and_then(Limits::fault) {
            return Err(wrong("limits", fault));
        }
        let prefix = changes.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        if let Some((field, fault)) = fault_of_rules(prefix, changes.aliases.as_deref().unwrap_or_default()) {
            return Err(wrong(field, fault));
        }
        let Some(mut secret) = secret else { return Ok(None) };
        let kind = record.kind;
        let facts = self.registry.sending_facts(&record.provider);
        let (proxy, headers) = (secret.proxy_url.take(), secret.headers.take());
        let old = self.engine.secret(handle).and_then(|old| self.vault.get(old));
        let mut parts = match old {
            Some(old) if secret.is_empty() => old.clone(),
            _ => read_secret(Some(kind), secret)?.1,
        };
        check_sendable(&facts.ok_or_else(|| wrong("provider", "is no name"))?, kind, &parts)?;
        parts.egress = old.and_then(|old| old.egress.clone());
        change_egress(&mut parts, proxy, headers)?;
        if let Some(old) = old {
            if parts.refresh.is_none() {
                parts.refresh.clone_from(&old.refresh);
            }
            parts.client.clone_from(&old.client);
            if *old == parts {
                return Ok(None);
            }
        }
        Ok(Some(self.vault.put(parts)))
    }

    pub(super) fn override_parts(
        &mut self,
        provider: &str,
        origin: Origin,
        kind: Option<Kind>,
        secret: Option<SecretInput>,
        name: Option<Box<str>>,
    ) -> Result<(Record, Option<SecretRef>), InputError> {
        if origin.is_stored() {
            return Err(wrong("origin", "expected runtime, config, env or fallback"));
        }
        let facts = self.registry.sending_facts(provider);
        let facts = facts.ok_or_else(|| wrong("provider", "expected a name such as `openai`"))?;
        let mut record = Record {
            uid: format!("{}:{}", facts.name, origin.as_str()).into(),
            provider: facts.name.clone(),
            name: name.unwrap_or_else(|| origin.as_str().into()),
            kind: kind.unwrap_or(Kind::ApiKey),
            priority: 0,
            weight: 1,
            models: Vec::new(),
            excluded_models: Vec::new(),
            aliases: Vec::new(),
            prefix: None,
            limits: Limits::default(),
            enabled: true,
            disabled_cause: None,
            paused_until: None,
            cooling: None,
            source: None,
            expires: None,
            renewed: None,
            needs_login: false,
            fault: None,
            base_url: None,
            token_url: None,
            retry: None,
            identity: Identity::default(),
            created: Timestamp(0),
            secret_version: 1,
        };
        let Some(mut secret) = secret else { return Ok((record, None)) };
        if kind.is_none() && origin == Origin::Env && environment_kind(&record.name) == Kind::Token {
            // A variable holds a text; its name says what the text is.
            secret.token = secret.key.take().or(secret.token);
        }
        let (kind, parts) = read_secret(kind, secret)?;
        record.kind = kind;
        check_sendable(&facts, kind, &parts)?;
        Ok((record, Some(self.vault.put(parts))))
    }

    /// The stored credential without a key that has this address.
    fn same_address(&self, provider: &str, address: &str) -> Option<Handle> {
        self.engine.handles().find(|&handle| {
            let record = self.engine.record(handle).filter(|record| {
                record.provider.as_ref() == provider && record.base_url.as_deref() == Some(address)
            });
            record.is_some() && self.secret(handle) == Some("")
        })
    }

    /// The stored credential of a provider that has this secret.
    fn same_secret(&mut self, provider: &str, parts: &SecretParts) -> Option<Handle> {
        if self.fingerprints.is_none() {
            let stored = self
                .engine
                .handles()
                .filter(|&handle| self.engine.origin(handle).is_some_and(|(origin, _)| origin.is_stored()));
            let mut known = IntMap::default();
            for handle in stored {
                let parts = self.engine.secret(handle).and_then(|secret| self.vault.get(secret));
                if let (Some(parts), Some(record)) = (parts, self.engine.record(handle)) {
                    known.insert(parts.fingerprint(&record.provider), handle.0);
                }
            }
            self.fingerprints = Some(known);
        }
        let handle = Handle(*self.fingerprints.as_ref()?.get(&parts.fingerprint(provider))?);
        // The place may have been given away, or its secret replaced, since this was noted.
        let holds = self.engine.secret(handle).and_then(|secret| self.vault.get(secret))?;
        let same = holds.main == parts.main && self.engine.record(handle)?.provider.as_ref() == provider;
        (same && self.engine.origin(handle)?.0.is_stored()).then_some(handle)
    }
}

/// May it stand in a request? A reference may not, and need not: the host looks up what it stands for.
fn check_sendable(facts: &ProviderFacts, kind: Kind, parts: &SecretParts) -> Result<(), InputError> {
    let fault = if is_reference(parts.main.expose()) {
        if kind == Kind::Oauth {
            "is a reference: only keys and tokens may be, for an account's tokens are renewed"
        } else if parts.main.expose().bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            "is a reference with a control character"
        } else {
            return Ok(());
        }
    } else if auth_parts(facts, kind, &parts.main).is_none() {
        "is empty, or has a character that cannot stand in a header"
    } else {
        return Ok(());
    };
    Err(wrong(secret_field(kind), fault))
}

fn check_weight(weight: Option<u32>) -> Result<(), InputError> {
    if weight.is_some_and(|weight| weight > MAX_WEIGHT) {
        return Err(wrong("weight", format!("expected 0 to {MAX_WEIGHT}")));
    }
    Ok(())
}

fn check_base_url(address: Option<&str>) -> Result<(), InputError> {
    let holds = |address: &str| {
        let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    if address.is_some_and(|address| !holds(address)) {
        return Err(wrong("baseUrl", "expected an address that begins with http:// or https://"));
    }
    Ok(())
}

/// Refresh tokens go there.
fn check_token_url(address: Option<&str>) -> Result<(), InputError> {
    if address.is_some_and(|address| !is_safe_url(address)) {
        return Err(wrong("tokenUrl", "expected an https address, or http on a loopback host"));
    }
    Ok(())
}

fn change_egress(
    parts: &mut SecretParts,
    proxy: Option<Box<str>>,
    headers: Option<Vec<Header>>,
) -> Result<(), InputError> {
    if proxy.is_none() && headers.is_none() {
        return Ok(());
    }
    let mut egress = parts.egress.take().unwrap_or_default();
    let changed = egress.change(proxy, headers, &CREDENTIAL_HEADERS);
    changed.map_err(|(field, fault)| wrong(field, fault))?;
    parts.egress = Some(egress).filter(|egress| !egress.is_empty());
    Ok(())
}

impl SecretInput {
    /// Is there no key and no token?
    const fn is_empty(&self) -> bool {
        self.key.is_none() && self.token.is_none() && self.access.is_none()
    }
}

const fn secret_field(kind: Kind) -> &'static str {
    match kind {
        Kind::ApiKey => "key",
        Kind::Token => "token",
        Kind::Oauth => "access",
    }
}

/// The kind and the secret that were given, one of which tells the other.
fn read_secret(kind: Option<Kind>, given: SecretInput) -> Result<(Kind, SecretParts), InputError> {
    let SecretInput { key, token, access, refresh, .. } = given;
    let named = [(Kind::ApiKey, key), (Kind::Token, token), (Kind::Oauth, access)];
    let mut found: Vec<_> = named.into_iter().filter_map(|(kind, text)| Some((kind, text?))).collect();
    let (given_as, text) = match (found.pop(), found.is_empty()) {
        (Some(found), true) => found,
        (Some(_), false) => return Err(wrong("key", "give one of key, token and access, not several")),
        (None, _) => return Err(wrong(secret_field(kind.unwrap_or(Kind::ApiKey)), "is missing")),
    };
    let kind = kind.unwrap_or(given_as);
    if kind != given_as {
        let message =
            format!("is missing: a credential of kind {} has it in `{}`", kind.as_str(), secret_field(kind));
        return Err(wrong(secret_field(kind), message));
    }
    if text.trim().is_empty() {
        return Err(wrong(secret_field(kind), "is empty"));
    }
    if text.len() > MAX_SECRET || refresh.as_ref().is_some_and(|refresh| refresh.len() > MAX_SECRET) {
        return Err(wrong(secret_field(kind), format!("is longer than {MAX_SECRET} bytes")));
    }
    let refresh = refresh.filter(|refresh| !refresh.is_empty()).map(Secret::new);
    Ok((kind, SecretParts { refresh, ..SecretParts::plain(Secret::new(text.trim())) }))
}
