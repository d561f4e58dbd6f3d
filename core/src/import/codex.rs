//! Codex CLI: `auth.json` in `$CODEX_HOME`, else `~/.codex`. One `ChatGPT` account and one key of OpenAI's.

use super::collect::{identity, text, Found};
use super::credential::Credential;
use super::write::{Place, Plan};
use crate::json::Value;
use crate::wire::jwt::Claims;

pub(super) fn is_it(value: &Value) -> bool {
    let tokens =
        value.get("tokens").is_some_and(|tokens| text(tokens, &["access_token", "id_token"]).is_some());
    tokens || (value.get("OPENAI_API_KEY").is_some() && value.get("type").is_none())
}

pub(super) fn read(value: &Value, found: &mut Found) {
    if let Some(tokens) = value.get("tokens").filter(|tokens| !tokens.is_null()) {
        match text(tokens, &["access_token"]) {
            Some(access) => {
                let refresh = text(tokens, &["refresh_token"]);
                let mut account = Credential::account("openai-codex", access, refresh);
                account.identity = identity(tokens);
                Found::fill_from_token(&mut account, text(tokens, &["id_token"]));
                found.add("tokens", account);
            }
            None => found.skip("tokens", "it has no access token"),
        }
    }
    if let Some(key) = text(value, &["OPENAI_API_KEY"]) {
        found.add("OPENAI_API_KEY", Credential::key("openai", key));
    }
    for other in ["personal_access_token", "agent_identity", "bedrock_api_key"] {
        if value.get(other).is_some_and(|other| !other.is_null()) {
            found.skip(other, "only Codex itself can use it");
        }
    }
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let mut file = Value::default();
    file.set("OPENAI_API_KEY", Value::Null);
    let (mut key, mut account) = (Place::new("one key of OpenAI's"), Place::new("one ChatGPT account"));
    for (at, credential) in plan.all() {
        match (credential.provider.as_str(), credential.kind.as_str()) {
            ("openai", "api_key") => {
                if key.take(plan, at) {
                    file.set("OPENAI_API_KEY", credential.secret.expose());
                }
            }
            ("openai-codex", "oauth") => {
                let access = credential.secret.expose();
                if Claims::read(access).is_none() {
                    plan.leave_out(at, "Codex reads the account from the token, and this one is no JWT");
                } else if account.take(plan, at) {
                    let mut tokens = Value::default();
                    // Codex reads the account from the id token, of which the access token has the claims.
                    tokens.set("id_token", access);
                    tokens.set("access_token", access);
                    tokens.set(
                        "refresh_token",
                        credential.refresh.as_ref().map_or("", |refresh| refresh.expose()),
                    );
                    if let Some(id) = &credential.identity.account_id {
                        tokens.set("account_id", &**id);
                    }
                    file.set("auth_mode", "chatgpt");
                    file.set("tokens", tokens);
                }
            }
            _ => plan.leave_out(at, "Codex has keys of openai and accounts of openai-codex only"),
        }
    }
    if plan.any() {
        plan.file("auth.json", &file);
    }
}
