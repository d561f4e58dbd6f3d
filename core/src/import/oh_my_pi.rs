//! oh-my-pi and pi: rows of `agent.db` (`{"rows":[…]}`, as the host reads them from `SQLite`), `auth.json` (a provider and its
//! credential, or a list of them), and what a broker publishes (`{"credentials":[…]}`), in which refresh tokens are a mark.

use super::collect::{identity, nth, text, Found};
use super::credential::Credential;
use super::expiry::expiry_of;
use super::write::Plan;
use super::{wrong, ImportError};
use crate::facts::Kind;
use crate::json::{self, Value};

/// What stands in the place of a refresh token that the broker keeps to itself.
const KEPT_BY_BROKER: &str = "__remote__";

pub(super) fn is_it(value: &Value) -> bool {
    if value.get("rows").is_some_and(|rows| rows.as_array().is_some()) {
        return true;
    }
    let entry = |value: &Value| matches!(text(value, &["type"]), Some("oauth" | "api_key"));
    if let Some(entries) = value.get("credentials").and_then(Value::as_array) {
        return entries.iter().any(|item| item.get("credential").is_some_and(entry));
    }
    let fields = value.as_object().unwrap_or_default();
    let one_or_many =
        |value: &Value| entry(value) || value.as_array().is_some_and(|all| all.iter().any(entry));
    fields.iter().any(|(_, value)| one_or_many(value))
}

pub(super) fn read(value: &Value, found: &mut Found) -> Result<(), ImportError> {
    if let Some(rows) = value.get("rows") {
        return read_rows(rows, found);
    }
    if let Some(entries) = value.get("credentials").and_then(Value::as_array) {
        for (index, item) in entries.iter().enumerate() {
            let place = nth("credentials", index);
            let parts = text(item, &["provider"]).zip(item.get("credential"));
            match parts {
                Some((provider, credential)) => entry(&place, provider, credential, false, found),
                None => found.skip(&place, "it has no provider or no credential"),
            }
        }
        return Ok(());
    }
    for (provider, value) in value.as_object().unwrap_or_default() {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    entry(&nth(provider, index), provider, item, true, found);
                }
            }
            value => entry(provider, provider, value, true, found),
        }
    }
    Ok(())
}

fn read_rows(rows: &Value, found: &mut Found) -> Result<(), ImportError> {
    let rows = rows.as_array().ok_or_else(|| wrong("rows", "expected an array"))?;
    for (index, row) in rows.iter().enumerate() {
        let place = match row.get("id").and_then(Value::as_u64) {
            Some(id) => ["auth_credentials ", &id.to_string()].concat(),
            None => nth("rows", index),
        };
        if row.get("disabled_cause").is_some_and(|cause| !cause.is_null()) {
            found.skip(&place, "it is disabled there");
            continue;
        }
        let Some(provider) = text(row, &["provider"]) else {
            found.skip(&place, "it has no provider");
            continue;
        };
        let data =
            text(row, &["data"]).and_then(|data| json::read::<Value>(data).ok()).filter(Value::is_object);
        let Some(mut data) = data else {
            found.skip(&place, "its data is no JSON object");
            continue;
        };
        data.set("type", text(row, &["credential_type"]).unwrap_or_default());
        entry(&place, provider, &data, false, found);
    }
    Ok(())
}

/// One credential. `by_hand`: of a file that people write, where a key may name a variable or a command.
pub(super) fn entry(place: &str, provider: &str, value: &Value, by_hand: bool, found: &mut Found) {
    match text(value, &["type"]) {
        Some("api_key" | "apiKey" | "api") => {
            let Some(key) = text(value, &["key"]) else { return found.skip(place, "it has no key") };
            let reference = if by_hand { reference(key) } else { None };
            match reference {
                Some(reference) => {
                    found.warn(place, "its key names a variable or a command: it is kept as a reference, and read when it is used");
                    found.add_reference(place, Credential::key(provider, &reference));
                }
                None => found.add(place, Credential::key(provider, key)),
            }
        }
        Some("oauth") => {
            let Some(access) = text(value, &["access"]) else {
                return found.skip(place, "it has no access token");
            };
            let refresh = text(value, &["refresh"]);
            if refresh == Some(KEPT_BY_BROKER) {
                found.warn(
                    place,
                    "its refresh token stays with its broker: this token is used until it expires",
                );
            }
            // Copilot's token stands in both places, and nothing renews it.
            let refresh = refresh.filter(|refresh| *refresh != KEPT_BY_BROKER && *refresh != access);
            let mut account = Credential::account(provider, access, refresh);
            account.expires = expiry_of(value);
            account.identity = identity(value);
            account.base_url = text(value, &["apiEndpoint"]).map(ToOwned::to_owned);
            found.add(place, account);
        }
        _ => found.skip(place, "it is neither an api_key nor oauth"),
    }
}

/// `!command`, `${NAME}`, `$NAME` and `NAME` in pi's own file.
fn reference(key: &str) -> Option<String> {
    if let Some(command) = key.strip_prefix('!') {
        return Some(["exec:", command.trim()].concat()).filter(|text| text.len() > "exec:".len());
    }
    let (name, marked) = match key.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => (name, true),
        None => key.strip_prefix('$').map_or((key, false), |name| (name, true)),
    };
    let in_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = name.starts_with(|first: char| first.is_ascii_uppercase()) && name.bytes().all(in_name);
    (is_name && (marked || name.contains('_'))).then(|| ["env:", name].concat())
}

/// `auth.json`: a provider's credentials, as a list where there are several.
pub(super) fn write(plan: &mut Plan<'_>) {
    let mut file = Value::default();
    for (at, credential) in plan.all() {
        let mut entry = Value::default();
        match credential.kind {
            Kind::ApiKey => {
                entry.set("type", "api_key");
                entry.set("key", credential.secret.expose());
                if reference(credential.secret.expose()).is_some() {
                    plan.leave_out(at, "its key would be taken for the name of a variable");
                    continue;
                }
            }
            Kind::Oauth => {
                entry.set("type", "oauth");
                entry.set("access", credential.secret.expose());
                let copilot = credential.provider == "github-copilot";
                let refresh = credential.refresh.as_ref().map_or("", |refresh| refresh.expose());
                entry.set(
                    "refresh",
                    if copilot && refresh.is_empty() { credential.secret.expose() } else { refresh },
                );
                if let Some(expires) = credential.expires {
                    entry.set("expires", expires.0);
                }
                set_identity(&mut entry, credential);
            }
            Kind::Token => {
                plan.leave_out(at, "oh-my-pi has keys and accounts, no tokens");
                continue;
            }
        }
        plan.takes(at);
        match file.entry(&credential.provider) {
            Value::Array(items) => items.push(entry),
            place if place.is_null() => *place = entry,
            place => {
                let first = core::mem::take(place);
                *place = Value::Array(vec![first, entry]);
            }
        }
    }
    if plan.any() {
        plan.file("auth.json", &file);
    }
}

/// Whose it is, in oh-my-pi's words.
pub(super) fn set_identity(entry: &mut Value, credential: &Credential) {
    let identity = &credential.identity;
    for (name, part) in [
        ("email", &identity.email),
        ("accountId", &identity.account_id),
        ("orgId", &identity.org_id),
        ("projectId", &identity.project_id),
        ("enterpriseUrl", &identity.enterprise_url),
    ] {
        if let Some(part) = part {
            entry.set(name, &**part);
        }
    }
    if let Some(address) = &credential.base_url {
        entry.set("apiEndpoint", address.as_str());
    }
}
