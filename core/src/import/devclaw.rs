//! `DevClaw`: the profile store that its vault holds as JSON, and one profile as its tools export it.

use super::collect::{at, text, Found};
use super::credential::Credential;
use super::expiry::expiry_of;
use super::write::Plan;
use super::{wrong, ImportError};
use crate::facts::Kind;
use crate::json::{self, Value};
use crate::secret::Secret;
use crate::wire::date::rfc3339;

pub(super) fn is_it(value: &Value) -> bool {
    let mode = |value: &Value| matches!(text(value, &["mode"]), Some("api_key" | "oauth" | "token"));
    let profiles = value.get("profiles").and_then(Value::as_object).unwrap_or_default();
    profiles.iter().any(|(_, profile)| mode(profile)) || (mode(value) && value.get("data").is_some())
}

pub(super) fn read(value: &Value, found: &mut Found) -> Result<(), ImportError> {
    if let Some(profiles) = value.get("profiles") {
        let profiles = profiles.as_object().ok_or_else(|| wrong("profiles", "expected an object"))?;
        for (id, profile) in profiles {
            let mode = text(profile, &["mode"]).unwrap_or_default();
            let section = profile.get(mode).unwrap_or(&Value::Null);
            read_profile(&at("profiles", id), id, profile, section, found);
        }
        return Ok(());
    }
    let data = value.get("data").ok_or_else(|| wrong("", "it has neither profiles nor data"))?;
    let text_of_data = data.as_str().and_then(|data| json::read::<Value>(data).ok());
    read_profile("data", "", value, text_of_data.as_ref().unwrap_or(data), found);
    Ok(())
}

fn read_profile(place: &str, id: &str, profile: &Value, section: &Value, found: &mut Found) {
    // The name is what stands behind the last colon.
    let (by_id, name) = id.rsplit_once(':').unwrap_or((id, ""));
    let provider = text(profile, &["provider"]).unwrap_or(by_id);
    let name = text(profile, &["name"]).unwrap_or(name);
    let mode = text(profile, &["mode"]).unwrap_or_default();
    let (field, reference) = match mode {
        "api_key" => ("key", "key_ref"),
        "token" => ("token", "token_ref"),
        "oauth" => ("access_token", ""),
        _ => return found.skip(place, "its mode is no api_key, oauth or token"),
    };
    // A literal goes before a reference.
    let (secret, by_reference) = match (text(section, &[field]), text(section, &[reference])) {
        (Some(secret), _) => (secret.to_owned(), false),
        // It is the name of an entry of the vault, however it is written: nothing else of this machine is read for it.
        (None, Some(reference)) => {
            (["vault://", reference.strip_prefix("vault://").unwrap_or(reference)].concat(), true)
        }
        (None, None) => return found.skip(place, "it has no secret"),
    };
    let mut credential = match mode {
        "api_key" => Credential::key(provider, &secret),
        "token" => Credential::token(provider, &secret),
        _ => Credential::account(provider, &secret, text(section, &["refresh_token"])),
    }
    .named(Some(name));
    credential.expires = expiry_of(section);
    credential.identity.email = text(section, &["email"]).map(Into::into);
    credential.client = text(section, &["client_id"]).map(|id| (id.to_owned(), None::<Secret>));
    credential.enabled = profile.get("enabled") != Some(&Value::Bool(false));
    if let Some(Value::Number(priority)) = profile.get("priority") {
        credential.priority = priority.as_i64().and_then(|number| i32::try_from(number).ok()).unwrap_or(0);
    }
    if by_reference {
        found.warn(
            place,
            "its secret is in DevClaw's vault: it is kept as a reference, which needs your own resolveSecret",
        );
        found.add_reference(place, credential);
    } else {
        found.add(place, credential);
    }
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let mut profiles = Value::Object(Vec::new());
    for (at, credential) in plan.all() {
        let name = credential.name.as_deref().or(credential.identity.email.as_deref()).unwrap_or("default");
        let id = [&credential.provider, ":", name].concat();
        if profiles.get(&id).is_some() {
            plan.leave_out(at, "another has its name");
            continue;
        }
        let mut section = Value::default();
        let mode = match credential.kind {
            Kind::ApiKey => {
                section.set("key", credential.secret.expose());
                "api_key"
            }
            Kind::Token => {
                section.set("token", credential.secret.expose());
                "token"
            }
            Kind::Oauth => {
                section.set("provider", credential.provider.as_str());
                section.set("profile_name", name);
                section.set("access_token", credential.secret.expose());
                section
                    .set("refresh_token", credential.refresh.as_ref().map_or("", |refresh| refresh.expose()));
                if let Some(email) = &credential.identity.email {
                    section.set("email", &**email);
                }
                if let Some((id, _)) = &credential.client {
                    section.set("client_id", id.as_str());
                }
                "oauth"
            }
        };
        if let Some(expires) = credential.expires {
            section.set("expires_at", rfc3339(expires));
        }
        let mut profile = Value::default();
        profile.set("id", id.as_str());
        profile.set("provider", credential.provider.as_str());
        profile.set("name", name);
        profile.set("mode", mode);
        if credential.priority != 0 {
            profile.set("priority", i64::from(credential.priority));
        }
        profile.set("enabled", credential.enabled);
        profile.set(mode, section);
        profiles.set(&id, profile);
        plan.takes(at);
    }
    if plan.any() {
        let mut file = Value::default();
        file.set("version", 1_u64);
        file.set("profiles", profiles);
        plan.file("auth-profiles-store.json", &file);
    }
}
