//! code-buddy: `auth-profiles.json` of its `AuthProfileManager`, and a list of `ModelProfileManager`'s profiles.

use super::collect::{nth, text, Found};
use super::credential::Credential;
use super::write::Plan;
use super::{wrong, ImportError};
use crate::facts::Kind;
use crate::json::Value;

pub(super) fn is_it(value: &Value) -> bool {
    let profile = |profile: &Value| {
        text(profile, &["type", "authType"]).is_some() && text(profile, &["provider", "providerId"]).is_some()
    };
    let profiles = value.get("profiles").and_then(Value::as_array);
    profiles.is_some_and(|profiles| profiles.iter().any(profile))
        || (value.get("cooldowns").is_some_and(Value::is_object) && value.get("savedAt").is_some())
}

pub(super) fn read(value: &Value, found: &mut Found) -> Result<(), ImportError> {
    let Some(profiles) = value.get("profiles") else {
        found.skip(".", "it holds cooldowns only: code-buddy's older versions keep no credential in it");
        return Ok(());
    };
    let profiles = profiles.as_array().ok_or_else(|| wrong("profiles", "expected an array"))?;
    for (index, profile) in profiles.iter().enumerate() {
        let place = nth("profiles", index);
        let Some(provider) = text(profile, &["provider", "providerId"]) else {
            found.skip(&place, "it has no provider");
            continue;
        };
        let credentials = profile.get("credentials").unwrap_or(profile);
        let metadata = profile.get("metadata").unwrap_or(&Value::Null);
        let mut credential = match text(profile, &["type", "authType"]) {
            Some("api-key" | "api_key") => {
                Credential::key(provider, text(credentials, &["apiKey"]).unwrap_or_default())
            }
            Some("oauth") => {
                let access = text(credentials, &["accessToken"]);
                if access.is_none() && text(profile, &["credentialId"]).is_some() {
                    found.skip(&place, "its tokens are in code-buddy's memory only");
                    continue;
                }
                Credential::account(
                    provider,
                    access.unwrap_or_default(),
                    text(credentials, &["refreshToken"]),
                )
            }
            _ => {
                found.skip(&place, "it is neither an api-key nor oauth");
                continue;
            }
        }
        .named(text(profile, &["id", "name"]));
        if let Some(Value::Number(priority)) = profile.get("priority") {
            credential.priority =
                priority.as_i64().and_then(|number| i32::try_from(number).ok()).unwrap_or(0);
        }
        credential.base_url = text(metadata, &["baseURL", "baseUrl"])
            .or_else(|| text(profile, &["baseUrl"]))
            .map(ToOwned::to_owned);
        credential.enabled = profile.get("enabled") != Some(&Value::Bool(false));
        let models = profile.get("models").and_then(Value::as_array).unwrap_or_default();
        let models: Vec<&str> = models.iter().filter_map(Value::as_str).collect();
        if !models.contains(&"*") {
            credential.models = models.into_iter().map(Into::into).collect();
        }
        credential.expires = super::expiry_of(credentials);
        found.add(&place, credential);
    }
    Ok(())
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let mut profiles = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for (at, credential) in plan.all() {
        if credential.kind == Kind::Token {
            plan.leave_out(at, "code-buddy has keys and accounts, no tokens");
            continue;
        }
        // One pool for all providers: its ids are names in it.
        let name =
            credential.name.clone().or_else(|| credential.identity.email.as_deref().map(ToOwned::to_owned));
        let id = name.unwrap_or_else(|| "default".to_owned());
        let id = if ids.contains(&id) { [&credential.provider, "-", &id].concat() } else { id };
        if ids.contains(&id) {
            plan.leave_out(at, "another has its name");
            continue;
        }
        let mut credentials = Value::default();
        let secret = credential.secret.expose();
        if credential.kind == Kind::ApiKey {
            credentials.set("apiKey", secret);
        } else {
            credentials.set("accessToken", secret);
            if let Some(refresh) = &credential.refresh {
                credentials.set("refreshToken", refresh.expose());
            }
            if let Some(expires) = credential.expires {
                credentials.set("expiresAt", expires.0);
            }
        }
        let mut profile = Value::default();
        profile.set("id", id.as_str());
        profile.set("provider", credential.provider.as_str());
        profile.set("type", if credential.kind == Kind::ApiKey { "api-key" } else { "oauth" });
        profile.set("credentials", credentials);
        profile.set("priority", i64::from(credential.priority));
        let mut metadata = Value::Object(Vec::new());
        if let Some(address) = &credential.base_url {
            metadata.set("baseURL", address.as_str());
        }
        profile.set("metadata", metadata);
        if !credential.models.is_empty() {
            profile.set(
                "models",
                credential.models.iter().map(|model| Value::from(&**model)).collect::<Vec<_>>(),
            );
        }
        if !credential.enabled {
            profile.set("enabled", false);
        }
        ids.push(id);
        profiles.push(profile);
        plan.takes(at);
    }
    if plan.any() {
        let mut file = Value::default();
        file.set("cooldowns", Value::Object(Vec::new()));
        file.set("profiles", profiles);
        plan.file("auth-profiles.json", &file);
    }
}
