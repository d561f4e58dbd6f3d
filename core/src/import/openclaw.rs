//! `OpenClaw`: `auth-profiles.json` of an agent, and the `auth.json` that its first versions had.

use super::collect::{at, identity, text, Found};
use super::credential::Credential;
use super::expiry::{expiry_of, instant};
use super::oh_my_pi;
use super::write::Plan;
use super::{wrong, ImportError};
use crate::facts::Kind;
use crate::json::Value;
use crate::secret::Secret;
use std::collections::HashMap;

pub(super) fn is_it(value: &Value) -> bool {
    let profiles = value.get("profiles").and_then(Value::as_object).unwrap_or_default();
    profiles
        .iter()
        .any(|(_, profile)| matches!(text(profile, &["type"]), Some("api_key" | "token" | "oauth")))
}

pub(super) fn read(value: &Value, found: &mut Found) -> Result<(), ImportError> {
    let Some(profiles) = value.get("profiles") else { return oh_my_pi::read(value, found) };
    let profiles = profiles.as_object().ok_or_else(|| wrong("profiles", "expected an object"))?;
    let ranks = ranks(value.get("order"));
    for (id, profile) in profiles {
        let place = at("profiles", id);
        let (by_id, name) = id.split_once(':').unwrap_or((id, ""));
        let provider = text(profile, &["provider"]).unwrap_or(by_id);
        let (field, reference_field) = match text(profile, &["type"]) {
            Some("api_key") => ("key", "keyRef"),
            Some("token") => ("token", "tokenRef"),
            Some("oauth") => ("access", ""),
            _ => {
                found.skip(&place, "it is no api_key, token or oauth");
                continue;
            }
        };
        let reference = profile.get(reference_field).filter(|reference| reference.is_object());
        let secret = if let Some(reference) = reference {
            of_reference(reference).map(|reference| (reference, true))
        } else {
            let plain = text(profile, &[field]).ok_or("it has no secret");
            plain.map(|secret| match variable(secret) {
                Some(name) => (["env:", name].concat(), true),
                None => (secret.to_owned(), false),
            })
        };
        let (secret, by_reference) = match secret {
            Ok(secret) => secret,
            Err(why) => {
                found.skip(&place, why);
                continue;
            }
        };
        let mut credential = match field {
            "key" => Credential::key(provider, &secret),
            "token" => Credential::token(provider, &secret),
            _ => Credential::account(provider, &secret, text(profile, &["refresh"])),
        }
        .named(Some(name));
        if let Some(expires) = profile.get("expires") {
            if field == "token" && instant(expires).is_none() {
                found.warn(&place, "its expiry is no instant: it is taken as one that does not expire");
            }
        }
        credential.expires = expiry_of(profile);
        credential.identity = identity(profile);
        credential.client = text(profile, &["clientId"])
            .map(|id| (id.to_owned(), text(profile, &["clientSecret"]).map(Secret::new)));
        credential.priority = ranks.get(id.as_str()).copied().unwrap_or(0);
        if by_reference && field != "access" {
            found.warn(&place, "its secret is a reference: it is kept as one, and read when it is used");
            found.add_reference(&place, credential);
        } else {
            found.add(&place, credential);
        }
    }
    Ok(())
}

/// `{"source":"env","id":"NAME"}`; files and commands are found by `OpenClaw`'s own configuration.
fn of_reference(reference: &Value) -> Result<String, &'static str> {
    let id = text(reference, &["id"]).ok_or("its reference names nothing")?;
    match text(reference, &["source"]) {
        Some("env") if is_variable(id) => Ok(["env:", id].concat()),
        Some("env") => Err("its reference is no name of a variable"),
        Some("file" | "exec" | "store") => {
            Err("its secret is kept by OpenClaw's own secrets, which only it can read")
        }
        _ => Err("its reference is of a kind that is not known"),
    }
}

fn is_variable(name: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(in_name)
}

/// `${NAME}` and `$NAME`.
fn variable(secret: &str) -> Option<&str> {
    let name = secret
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .or_else(|| secret.strip_prefix('$'))?;
    is_variable(name).then_some(name)
}

/// What is tried first has the highest priority.
fn ranks(order: Option<&Value>) -> HashMap<&str, i32> {
    let mut ranks = HashMap::new();
    for (_, ids) in order.and_then(Value::as_object).unwrap_or_default() {
        let ids = ids.as_array().unwrap_or_default();
        for (rank, id) in (1..).zip(ids.iter().rev().filter_map(Value::as_str)) {
            ranks.insert(id, rank);
        }
    }
    ranks
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let (mut profiles, mut orders) = (Value::Object(Vec::new()), HashMap::<&str, Vec<(i32, String)>>::new());
    for (at, credential) in plan.all() {
        let name = credential.name.as_deref().or(credential.identity.email.as_deref()).unwrap_or("default");
        let id = [&credential.provider, ":", name].concat();
        if profiles.get(&id).is_some() {
            plan.leave_out(at, "another has its name");
            continue;
        }
        let secret = credential.secret.expose();
        let (kind, field) = match credential.kind {
            Kind::ApiKey => ("api_key", "key"),
            Kind::Token => ("token", "token"),
            Kind::Oauth => ("oauth", "access"),
        };
        let mut profile = Value::default();
        profile.set("type", kind);
        profile.set("provider", credential.provider.as_str());
        match secret.strip_prefix("env:") {
            Some(name) if is_variable(name) => {
                let mut reference = Value::default();
                reference.set("source", "env");
                reference.set("provider", "default");
                reference.set("id", name);
                profile.set(if field == "key" { "keyRef" } else { "tokenRef" }, reference);
            }
            Some(_) => {
                plan.leave_out(at, "OpenClaw takes no variable of that name");
                continue;
            }
            None if variable(secret).is_some() => {
                plan.leave_out(at, "its secret would be taken for the name of a variable");
                continue;
            }
            None => profile.set(field, secret),
        }
        if let Some(refresh) = &credential.refresh {
            profile.set("refresh", refresh.expose());
        }
        if let Some(expires) = credential.expires {
            profile.set("expires", expires.0);
        }
        oh_my_pi::set_identity(&mut profile, credential);
        profile.remove("apiEndpoint");
        if let Some((client, secret)) = &credential.client {
            profile.set("clientId", client.as_str());
            if let Some(secret) = secret {
                profile.set("clientSecret", secret.expose());
            }
        }
        profiles.set(&id, profile);
        orders.entry(&credential.provider).or_default().push((credential.priority, id));
        plan.takes(at);
    }
    if !plan.any() {
        return;
    }
    let mut order = Value::default();
    let mut providers: Vec<_> = orders.into_iter().collect();
    providers.sort_by_key(|(provider, _)| *provider);
    for (provider, mut ids) in providers {
        // Where nothing comes before anything else, OpenClaw's own order is the better one.
        if ids.iter().any(|(priority, _)| *priority != 0) {
            ids.sort_by_key(|(priority, _)| core::cmp::Reverse(*priority));
            order.set(provider, ids.into_iter().map(|(_, id)| Value::from(id)).collect::<Vec<_>>());
        }
    }
    let mut file = Value::default();
    file.set("version", 1_u64);
    file.set("profiles", profiles);
    if !order.is_null() {
        file.set("order", order);
    }
    plan.file("auth-profiles.json", &file);
}
