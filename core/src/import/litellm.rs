//! `LiteLLM`: the keys in the model list, the credential list and the variables of its `config.yaml`. A key that serves several
//! models is one credential that serves those.

use super::collect::{at, nth, text, Found};
use super::credential::Credential;
use super::dotenv::{self, Variables};
use super::write::Plan;
use super::{wrong, ImportError};
use crate::credential::Alias;
use crate::facts::Kind;
use crate::json::Value;
use crate::provider::Registry;
use crate::secret::{is_reference, Secret};

/// What it calls a provider, where that is neither the registry's name nor an alias with `-` for `_`. Of two names of one the
/// first is written.
const PROVIDERS: [(&str, &str); 16] = [
    ("gemini", "google"),
    ("vertex_ai", "google-vertex"),
    ("vertex_ai_beta", "google-vertex"),
    ("bedrock", "amazon-bedrock"),
    ("together_ai", "together"),
    ("fireworks_ai", "fireworks"),
    ("hosted_vllm", "vllm"),
    ("lm_studio", "lm-studio"),
    ("nvidia_nim", "nvidia"),
    ("openai_like", "openai"),
    ("text-completion-openai", "openai"),
    ("cohere_chat", "cohere"),
    ("ollama_chat", "ollama"),
    ("dashscope", "qwen"),
    ("azure_ai", "azure"),
    ("litellm_proxy", "litellm"),
];
/// Models without a provider's name before them, by how they begin.
const MODELS: [(&str, &str); 12] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-", "openai"),
    ("claude", "anthropic"),
    ("command", "cohere"),
    ("gemini", "google"),
    ("mistral", "mistral"),
    ("deepseek", "deepseek"),
    ("grok", "xai"),
];
/// Parameters of which the requests are signed or tokens fetched.
const SIGNED: [&str; 7] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_name",
    "vertex_credentials",
    "azure_ad_token",
    "client_secret",
    "tenant_id",
];
const REFERENCE: &str = "os.environ/";

pub(super) fn is_it(value: &Value) -> bool {
    let list = |name: &str| value.get(name).is_some_and(|list| list.as_array().is_some());
    list("model_list") || list("credential_list") || value.get("litellm_settings").is_some()
}

pub(super) fn read(value: &Value, found: &mut Found) -> Result<(), ImportError> {
    let models = match value.get("model_list") {
        None | Some(Value::Null) => &[],
        Some(list) => list.as_array().ok_or_else(|| wrong("model_list", "expected a list"))?,
    };
    let named = value.get("credential_list").and_then(Value::as_array).unwrap_or_default();
    let mut keys: Vec<(String, Credential)> = Vec::new();
    let mut seen = std::collections::HashMap::new();
    for (index, entry) in models.iter().enumerate() {
        let place = nth("model_list", index);
        match of_model(&place, entry, named, found) {
            Ok(credential) => {
                let key = (
                    credential.provider.clone(),
                    credential.secret.expose().to_owned(),
                    credential.base_url.clone(),
                );
                match seen.get(&key) {
                    None => {
                        seen.insert(key, keys.len());
                        keys.push((place, credential));
                    }
                    Some(&known) => merge(&mut keys[known].1, credential, &place, found),
                }
            }
            Err(why) => found.skip(&place, why),
        }
    }
    for (index, entry) in named.iter().enumerate() {
        let place = nth("credential_list", index);
        let values = entry.get("credential_values").unwrap_or(&Value::Null);
        let provider = entry.get("credential_info").and_then(|info| text(info, &["custom_llm_provider"]));
        let Some(provider) = provider else {
            found.skip(&place, "it does not say whose it is; where a model names it, it is taken with that");
            continue;
        };
        match secret_of(&provider_of(provider), values) {
            Ok(mut credential) => {
                credential.name = text(entry, &["credential_name"]).map(ToOwned::to_owned);
                let known = (
                    credential.provider.clone(),
                    credential.secret.expose().to_owned(),
                    credential.base_url.clone(),
                );
                if !seen.contains_key(&known) {
                    keys.push((place, credential));
                }
            }
            Err(why) => found.skip(&place, why),
        }
    }
    for (place, mut credential) in keys {
        // An empty list stands for all models, and so does `*` in it.
        if credential.models.iter().any(|model| &**model == "*") {
            credential.models.clear();
        }
        if credential.secret.expose().starts_with("env:") {
            found.add_reference(&place, credential);
        } else {
            found.add(&place, credential);
        }
    }
    let variables = Variables::known();
    for (name, value) in value.get("environment_variables").and_then(Value::as_object).unwrap_or_default() {
        if let (Some(whose), Some(read)) = (variables.find(name), value.as_str()) {
            if read.starts_with(REFERENCE) {
                found.skip(&at("environment_variables", name), "it names another variable");
            } else {
                dotenv::take(&at("environment_variables", name), name, read, &whose, found, |_| None);
            }
        }
    }
    if value.get("general_settings").is_some_and(|settings| settings.get("master_key").is_some()) {
        found.skip(
            "general_settings.master_key",
            "it is the key of those who call LiteLLM, not of a provider",
        );
    }
    Ok(())
}

fn of_model(
    place: &str,
    entry: &Value,
    named: &[Value],
    found: &mut Found,
) -> Result<Credential, &'static str> {
    let params = entry.get("litellm_params").ok_or("it has no litellm_params")?;
    let model = text(params, &["model"]).ok_or("it names no model")?;
    let (provider, model) = match text(params, &["custom_llm_provider"]) {
        Some(provider) => (
            provider_of(provider),
            model.split_once('/').filter(|(before, _)| *before == provider).map_or(model, |(_, rest)| rest),
        ),
        None => match model.split_once('/') {
            Some((provider, model)) => (provider_of(provider), model),
            None if model == "*" => return Err("its model names no provider"),
            None => {
                let known = MODELS.iter().find(|(begin, _)| model.starts_with(begin));
                (known.ok_or("its model names no provider")?.1.to_owned(), model)
            }
        },
    };
    let by_name = text(params, &["litellm_credential_name"]);
    let mut values = params;
    if let Some(name) = by_name {
        let of_name = |entry: &&Value| text(entry, &["credential_name"]) == Some(name);
        let credential =
            named.iter().find(of_name).ok_or("it names a credential that is not in credential_list")?;
        values = credential.get("credential_values").ok_or("it names a credential without values")?;
    }
    let mut credential = secret_of(&provider, values)?;
    credential.name = by_name.map(ToOwned::to_owned);
    credential.models.push(model.into());
    let group = text(entry, &["model_name"]).unwrap_or(model);
    let group = group
        .split_once('/')
        .filter(|(before, _)| provider_of(before) == provider)
        .map_or(group, |(_, rest)| rest);
    if group != model && !group.contains('*') && !model.contains('*') {
        credential.aliases.push(Alias { name: model.into(), alias: group.into(), fork: true, force: false });
    }
    let number = |name: &str| match params.get(name) {
        Some(Value::Number(number)) => number.floor(),
        _ => None,
    };
    credential.requests = number("rpm");
    credential.tokens = number("tpm");
    credential.weight = number("weight").map(|weight| weight.min(1_000_000) as u32);
    // Its lower orders come first.
    credential.priority = number("order").map_or(0, |order| -(order.min(1_000_000) as i32));
    for (name, header) in params.get("extra_headers").and_then(Value::as_object).unwrap_or_default() {
        match header.as_str() {
            Some(header) if !header.starts_with(REFERENCE) => {
                credential.headers.push((name.to_ascii_lowercase(), Secret::new(header)));
            }
            _ => found.warn(
                &at(place, "litellm_params.extra_headers"),
                "a header that names a variable is not taken over",
            ),
        }
    }
    Ok(credential)
}

fn secret_of(provider: &str, values: &Value) -> Result<Credential, &'static str> {
    if SIGNED.iter().any(|name| values.get(name).is_some_and(|value| !value.is_null())) {
        return Err("its requests are signed, or its tokens fetched, by means that are not supported");
    }
    let address = text(values, &["api_base", "base_url"]);
    if address.is_some_and(|address| address.starts_with(REFERENCE)) {
        return Err("the address of its server names a variable: its key would go elsewhere");
    }
    let key = text(values, &["api_key"]);
    let mut credential = match key {
        Some(key) => match key.strip_prefix(REFERENCE) {
            Some(name) => Credential::key(provider, &["env:", name.trim()].concat()),
            None if is_reference(key) => {
                return Err("its secret looks like a reference, which this format writes otherwise")
            }
            None => Credential::key(provider, key),
        },
        None if address.is_some() => Credential::key(provider, ""),
        None => return Err("it has no api_key: LiteLLM takes that from the environment"),
    };
    credential.base_url = address.map(ToOwned::to_owned);
    Ok(credential)
}

/// The same key of another model.
fn merge(known: &mut Credential, other: Credential, place: &str, found: &mut Found) {
    for model in other.models {
        if !known.models.contains(&model) {
            known.models.push(model);
        }
    }
    for alias in other.aliases {
        if !known.aliases.contains(&alias) {
            known.aliases.push(alias);
        }
    }
    if (known.requests, known.tokens) != (other.requests, other.tokens) {
        found.warn(
            place,
            "its limits differ from those of another model of the same key: the lower ones count for all",
        );
        let lower = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        known.requests = lower(known.requests, other.requests);
        known.tokens = lower(known.tokens, other.tokens);
    }
    if (known.priority, known.weight) != (other.priority, other.weight) {
        found.warn(
            place,
            "its weight or order differs from that of another model of the same key, whose counts",
        );
    }
}

fn provider_of(name: &str) -> String {
    if let Some((_, provider)) = PROVIDERS.iter().find(|(other, _)| *other == name) {
        return (*provider).to_owned();
    }
    let name = name.replace('_', "-");
    Registry::builtin().resolve(&name).map_or(name.clone(), ToOwned::to_owned)
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let mut list = Vec::new();
    for (at, credential) in plan.all() {
        if credential.kind != Kind::ApiKey {
            plan.leave_out(at, "LiteLLM's configuration has keys only");
            continue;
        }
        if !credential.enabled {
            plan.leave_out(at, "a key in LiteLLM's configuration cannot be disabled");
            continue;
        }
        let known = PROVIDERS.iter().find(|(_, provider)| *provider == credential.provider);
        let provider =
            known.map_or_else(|| credential.provider.replace('-', "_"), |(name, _)| (*name).to_owned());
        if provider_of(&provider) != credential.provider {
            plan.leave_out(at, "LiteLLM has no name for this provider");
            continue;
        }
        let all: [Box<str>; 1] = ["*".into()];
        let models = if credential.models.is_empty() { &all[..] } else { &credential.models };
        for model in models {
            let upstream = [provider.as_str(), "/", model].concat();
            let aliases = credential.aliases.iter().filter(|alias| alias.name == *model);
            let mut groups: Vec<String> = aliases.map(|alias| alias.alias.as_ref().to_owned()).collect();
            if groups.is_empty() {
                groups.push(if &**model == "*" { upstream.clone() } else { model.as_ref().to_owned() });
            }
            for group in groups {
                list.push(entry(credential, &group, &upstream));
            }
        }
        plan.takes(at);
    }
    if plan.any() {
        let mut file = Value::default();
        file.set("model_list", list);
        plan.yaml("config.yaml", &file);
    }
}

fn entry(credential: &Credential, group: &str, upstream: &str) -> Value {
    let mut params = Value::default();
    params.set("model", upstream);
    let secret = credential.secret.expose();
    match secret.strip_prefix("env:") {
        Some(name) => params.set("api_key", [REFERENCE, name].concat()),
        None if secret.is_empty() => {}
        None => params.set("api_key", secret),
    }
    if let Some(address) = &credential.base_url {
        params.set("api_base", address.as_str());
    }
    let numbers = [
        ("rpm", credential.requests),
        ("tpm", credential.tokens),
        ("weight", credential.weight.map(u64::from)),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            params.set(name, number);
        }
    }
    if credential.priority < 0 {
        params.set("order", u64::from(credential.priority.unsigned_abs()));
    }
    if !credential.headers.is_empty() {
        let mut headers = Value::default();
        for (name, value) in &credential.headers {
            headers.set(name, value.expose());
        }
        params.set("extra_headers", headers);
    }
    let mut entry = Value::default();
    entry.set("model_name", group);
    entry.set("litellm_params", params);
    entry
}
