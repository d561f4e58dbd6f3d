//! `CLIProxyAPI`: the files of its auth folder, one account each, and the keys of its `config.yaml`.

use super::collect::{at, identity, nth, text, Found};
use super::credential::Credential;
use super::expiry::expiry_of;
use super::write::Plan;
use super::{wrong, ImportError};
use crate::credential::Alias;
use crate::facts::Kind;
use crate::json::Value;
use crate::secret::Secret;
use crate::wire::date::rfc3339;

/// What its files call a provider, and what the registry does. Of two names of one the first is written.
const TYPES: [(&str, &str); 12] = [
    ("codex", "openai-codex"),
    ("claude", "anthropic"),
    ("gemini", "google-gemini-cli"),
    ("gemini-cli", "google-gemini-cli"),
    ("antigravity", "google-antigravity"),
    ("qwen", "qwen-portal"),
    ("iflow", "iflow"),
    ("kimi", "kimi-code"),
    ("xai", "xai-oauth"),
    ("grok", "xai-oauth"),
    ("github-copilot", "github-copilot"),
    ("copilot", "github-copilot"),
];
/// Lists of keys in the configuration, and whose they are.
const LISTS: [(&str, &str); 6] = [
    ("gemini-api-key", "google"),
    ("claude-api-key", "anthropic"),
    ("codex-api-key", "openai"),
    ("vertex-api-key", "google-vertex"),
    ("xai-api-key", "xai"),
    ("generative-language-api-key", "google"),
];
const COMPATIBLE: &str = "openai-compatibility";

pub(super) fn is_it(value: &Value) -> bool {
    let known = |kind: &str| {
        TYPES.iter().any(|(name, _)| *name == kind) || matches!(kind, "vertex" | "aistudio" | "kiro")
    };
    text(value, &["type"]).is_some_and(known)
}

pub(super) fn is_config(value: &Value) -> bool {
    LISTS.iter().map(|(name, _)| *name).chain([COMPATIBLE, "auth-dir"]).any(|name| value.get(name).is_some())
}

pub(super) fn read(value: &Value, found: &mut Found) -> Result<(), ImportError> {
    if is_config(value) {
        read_config(value, found);
        return Ok(());
    }
    let Some(kind) = text(value, &["type"]) else { return Err(wrong("type", "is missing")) };
    let kind = kind.to_ascii_lowercase();
    if value.get("service_account").is_some_and(Value::is_object) || kind == "vertex" {
        found.skip(".", "it is a service account, which signs its own tokens: that is not supported");
        return Ok(());
    }
    let provider =
        TYPES.iter().find(|(name, _)| *name == kind).map_or(kind.as_str(), |(_, provider)| provider);
    // Gemini's tokens stand in an object of their own.
    let token = value.get("token").filter(|token| token.is_object()).unwrap_or(value);
    let email = text(value, &["email", "label", "alias"]);
    let key = text(value, &["api_key"]);
    let mut credential = match (key, text(token, &["access_token", "accessToken"])) {
        (Some(key), access) => {
            if access.is_some() || text(token, &["refresh_token"]).is_some() {
                found.skip(
                    "access_token",
                    "its requests go with its api_key, which is taken: its tokens only renew that",
                );
            }
            Credential::key(provider, key)
        }
        (None, Some(access)) => {
            let refresh = text(token, &["refresh_token", "refreshToken"]);
            Credential::account(provider, access, refresh)
        }
        (None, None) => {
            found.skip(".", "it has no access token");
            return Ok(());
        }
    };
    credential.identity = identity(value);
    if credential.kind == Kind::Oauth {
        credential.expires = expiry_of(value);
        if let Some(id_token) = text(value, &["id_token"]).or_else(|| text(token, &["id_token"])) {
            Found::fill_from_token(&mut credential, Some(id_token));
        }
        let client = |object: &Value| {
            let id = text(object, &["client_id", "clientId"])?.to_owned();
            Some((id, text(object, &["client_secret", "clientSecret"]).map(Secret::new)))
        };
        credential.client = client(token).or_else(|| client(value));
    } else {
        credential = credential.named(email);
    }
    credential.enabled = value.get("disabled") != Some(&Value::Bool(true));
    rules(value, &mut credential);
    if let Some(address) = text(value, &["resource_url"]).filter(|_| provider == "qwen-portal") {
        let with_scheme = address.contains("://");
        credential.base_url =
            Some(if with_scheme { address.to_owned() } else { ["https://", address].concat() });
    }
    found.add(".", credential);
    Ok(())
}

/// What people write beside the tokens, in either spelling.
fn rules(value: &Value, credential: &mut Credential) {
    let get = |snake: &str| value.get(snake).or_else(|| value.get(&snake.replace('_', "-")));
    let number = |name: &str| match get(name) {
        Some(Value::Number(number)) => number.as_i64().or_else(|| i64::try_from(number.floor()?).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let own = |name: &str| get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    credential.priority = number("priority").and_then(|number| i32::try_from(number).ok()).unwrap_or(0);
    credential.weight = number("weight").map(|weight| u32::try_from(weight).unwrap_or(0).min(1_000_000));
    credential.prefix =
        own("prefix").map(|prefix| prefix.trim_matches('/').to_owned()).filter(|prefix| !prefix.is_empty());
    // `direct` and `none` mean that no proxy is taken; ours have none where none is given.
    credential.proxy_url = own("proxy_url").filter(|address| address.contains("://")).map(Secret::new);
    credential.retry = number("request_retry").and_then(|number| u8::try_from(number).ok());
    credential.cooling = match get("disable_cooling") {
        Some(Value::Bool(disabled)) => Some(!disabled),
        Some(Value::String(text)) => text.trim().parse().ok().map(|disabled: bool| !disabled),
        _ => None,
    };
    let excluded = get("excluded_models").and_then(Value::as_array).unwrap_or_default();
    credential.excluded_models = excluded.iter().filter_map(Value::as_str).map(Into::into).collect();
    for (name, header) in get("headers").and_then(Value::as_object).unwrap_or_default() {
        if let Some(header) = header.as_str() {
            credential.headers.push((name.to_ascii_lowercase(), Secret::new(header)));
        }
    }
    let aliases = get("model_aliases").and_then(Value::as_array).unwrap_or_default();
    credential.aliases = aliases.iter().filter_map(alias).collect();
}

fn alias(value: &Value) -> Option<Alias> {
    let (name, alias) = (text(value, &["name"])?, text(value, &["alias"])?);
    (name != alias).then(|| Alias {
        name: name.into(),
        alias: alias.into(),
        fork: value.get("fork") == Some(&Value::Bool(true)),
        force: value.get("force-mapping") == Some(&Value::Bool(true)),
    })
}

pub(super) fn read_config(value: &Value, found: &mut Found) {
    for (list, provider) in LISTS {
        for (index, item) in value.get(list).and_then(Value::as_array).unwrap_or_default().iter().enumerate()
        {
            key_of_list(&nth(list, index), provider, item, item, found);
        }
    }
    for (index, item) in
        value.get(COMPATIBLE).and_then(Value::as_array).unwrap_or_default().iter().enumerate()
    {
        let place = nth(COMPATIBLE, index);
        let Some(name) = text(item, &["name"]) else {
            found.skip(&place, "it has no name");
            continue;
        };
        let provider = name.to_ascii_lowercase();
        for list in ["api-key-entries", "api-keys"] {
            for (index, entry) in
                item.get(list).and_then(Value::as_array).unwrap_or_default().iter().enumerate()
            {
                key_of_list(&nth(&at(&place, list), index), &provider, entry, item, found);
            }
        }
    }
    if value.get("api-keys").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty()) {
        found.skip("api-keys", "these are keys of those who call CLIProxyAPI, not of a provider");
    }
}

/// An entry with a key, or the key itself; its rules may stand in what is around it.
fn key_of_list(place: &str, provider: &str, entry: &Value, around: &Value, found: &mut Found) {
    let Some(key) = entry.as_str().or_else(|| text(entry, &["api-key"])) else {
        return found.skip(place, "it has no api-key");
    };
    let mut credential = Credential::key(provider, key);
    rules(around, &mut credential);
    let proxy = text(entry, &["proxy-url"]).filter(|address| address.contains("://"));
    credential.proxy_url = proxy.map(Secret::new).or(credential.proxy_url);
    credential.base_url =
        text(entry, &["base-url"]).or_else(|| text(around, &["base-url"])).map(ToOwned::to_owned);
    for model in around.get("models").and_then(Value::as_array).unwrap_or_default() {
        if let Some(name) = text(model, &["name"]) {
            credential.models.push(name.into());
        }
        credential.aliases.extend(alias(model));
    }
    found.add(place, credential);
}

/// A file for each account, and `keys.yaml` for keys: a piece of a configuration.
pub(super) fn write(plan: &mut Plan<'_>) {
    let mut config = Value::default();
    let mut names: Vec<String> = Vec::new();
    for (at, credential) in plan.all() {
        if credential.kind == Kind::ApiKey {
            write_key(plan, at, credential, &mut config);
            continue;
        }
        let Some((kind, _)) = TYPES.iter().find(|(_, provider)| *provider == credential.provider) else {
            plan.leave_out(at, "CLIProxyAPI has no accounts of this provider");
            continue;
        };
        let mut file = Value::default();
        let mut tokens = Value::default();
        tokens.set("access_token", credential.secret.expose());
        tokens.set("refresh_token", credential.refresh.as_ref().map_or("", |refresh| refresh.expose()));
        let gemini = *kind == "gemini";
        if let Some(expires) = credential.expires {
            tokens.set(if gemini { "expiry" } else { "expired" }, rfc3339(expires));
        }
        if let Some((id, secret)) = &credential.client {
            tokens.set("client_id", id.as_str());
            if let Some(secret) = secret {
                tokens.set("client_secret", secret.expose());
            }
        }
        if gemini {
            tokens.set("token_type", "Bearer");
            file.set("token", tokens);
        } else {
            file = tokens;
        }
        file.set("type", *kind);
        let identity = &credential.identity;
        let parts = [
            ("email", &identity.email),
            ("account_id", &identity.account_id),
            ("project_id", &identity.project_id),
            ("organization_id", &identity.org_id),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                file.set(name, &**part);
            }
        }
        if credential.provider == "qwen-portal" {
            if let Some(address) = &credential.base_url {
                file.set("resource_url", address.as_str());
            }
        }
        file.set("disabled", !credential.enabled);
        set_rules(&mut file, credential, '_');
        let whose = identity.email.as_deref().or(credential.name.as_deref()).unwrap_or("default");
        let safe = |character: char| {
            if character.is_ascii_alphanumeric() || "@.-_+".contains(character) {
                character
            } else {
                '_'
            }
        };
        let whose: String = whose.chars().take(100).map(safe).collect();
        let mut name = [kind, "-", &whose, ".json"].concat();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = [kind, "-", &whose, "-", &number.to_string(), ".json"].concat();
        }
        plan.file(&name, &file);
        names.push(name);
        plan.takes(at);
    }
    if !config.is_null() {
        plan.yaml("keys.yaml", &config);
    }
}

fn write_key(plan: &mut Plan<'_>, at: usize, credential: &Credential, config: &mut Value) {
    let mut entry = Value::default();
    let list = LISTS.iter().find(|(_, provider)| *provider == credential.provider);
    let with_address = |entry: &mut Value| {
        if let Some(address) = &credential.base_url {
            entry.set("base-url", address.as_str());
        }
    };
    if !credential.enabled {
        return plan.leave_out(at, "a key in CLIProxyAPI's configuration cannot be disabled");
    }
    match list {
        // Its Codex keys need an address.
        Some((list, provider)) if *provider != "openai" || credential.base_url.is_some() => {
            entry.set("api-key", credential.secret.expose());
            with_address(&mut entry);
            set_rules(&mut entry, credential, '-');
            push(config.entry(list), entry);
        }
        _ if credential.base_url.is_some() => {
            entry.set("name", credential.provider.as_str());
            with_address(&mut entry);
            let mut key = Value::default();
            key.set("api-key", credential.secret.expose());
            if let Some(proxy) = &credential.proxy_url {
                key.set("proxy-url", proxy.expose());
            }
            entry.set("api-key-entries", vec![key]);
            set_rules(&mut entry, credential, '-');
            entry.remove("proxy-url");
            push(config.entry(COMPATIBLE), entry);
        }
        _ => {
            return plan.leave_out(
                at,
                "CLIProxyAPI needs the address of this provider: give the credential a baseUrl",
            )
        }
    }
    plan.takes(at);
}

fn push(list: &mut Value, entry: Value) {
    match list {
        Value::Array(items) => items.push(entry),
        other => *other = Value::Array(vec![entry]),
    }
}

fn set_rules(file: &mut Value, credential: &Credential, between: char) {
    let key = |name: &str| name.replace('_', &between.to_string());
    if credential.priority != 0 {
        file.set("priority", i64::from(credential.priority));
    }
    if let Some(weight) = credential.weight {
        file.set("weight", u64::from(weight));
    }
    if let Some(prefix) = &credential.prefix {
        file.set("prefix", prefix.as_str());
    }
    if let Some(proxy) = &credential.proxy_url {
        file.set(&key("proxy_url"), proxy.expose());
    }
    if let Some(retry) = credential.retry {
        file.set(&key("request_retry"), u64::from(retry));
    }
    if let Some(cooling) = credential.cooling {
        file.set(&key("disable_cooling"), !cooling);
    }
    if !credential.excluded_models.is_empty() {
        let models = credential.excluded_models.iter().map(|model| Value::from(&**model)).collect::<Vec<_>>();
        file.set(&key("excluded_models"), models);
    }
    if !credential.headers.is_empty() {
        let mut headers = Value::default();
        for (name, value) in &credential.headers {
            headers.set(name, value.expose());
        }
        file.set("headers", headers);
    }
    if !credential.aliases.is_empty() {
        let aliases = credential.aliases.iter().map(|alias| {
            let mut entry = Value::default();
            entry.set("name", &*alias.name);
            entry.set("alias", &*alias.alias);
            if alias.fork {
                entry.set("fork", true);
            }
            if alias.force {
                entry.set("force-mapping", true);
            }
            entry
        });
        file.set(&key("model_aliases"), aliases.collect::<Vec<_>>());
    }
}
