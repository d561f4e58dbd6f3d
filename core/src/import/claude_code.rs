//! Claude Code: `.credentials.json` in `$CLAUDE_CONFIG_DIR`, else `~/.claude`; on macOS the same text in the keychain. Whose the
//! account is stands in `.claude.json` beside it.

use super::collect::{at, identity, text, Found};
use super::credential::Credential;
use super::expiry::expiry_of;
use super::write::{Place, Plan};
use crate::facts::Kind;
use crate::json::Value;

pub(super) fn is_it(value: &Value) -> bool {
    ["claudeAiOauth", "oauthAccount"].iter().any(|name| value.get(name).is_some_and(Value::is_object))
        || value.get("primaryApiKey").is_some_and(Value::is_string)
}

pub(super) fn read(value: &Value, beside: &Value, found: &mut Found) {
    if let Some(oauth) = value.get("claudeAiOauth").filter(|oauth| !oauth.is_null()) {
        match text(oauth, &["accessToken"]) {
            Some(access) => {
                let refresh = text(oauth, &["refreshToken"]);
                let mut account = match refresh {
                    Some(_) => Credential::account("anthropic", access, refresh),
                    // `claude setup-token` gives one that lives for a year and is not renewed.
                    None => Credential::token("anthropic", access),
                };
                account.expires = expiry_of(oauth);
                account.identity = identity(oauth);
                account.identity.fill(&identity(value));
                for file in [value, beside] {
                    if let Some(whose) = file.get("oauthAccount") {
                        account.identity.fill(&identity(whose));
                    }
                }
                found.add("claudeAiOauth", account);
            }
            None => found.skip("claudeAiOauth", "it has no access token"),
        }
    }
    if let Some(key) = text(value, &["primaryApiKey"]) {
        found.add("primaryApiKey", Credential::key("anthropic", key));
    }
    if let Some(key) = text(beside, &["primaryApiKey"]) {
        found.add(".claude.json: primaryApiKey", Credential::key("anthropic", key));
    }
    for (name, _) in value.get("mcpOAuth").and_then(Value::as_object).unwrap_or_default() {
        found.skip(&at("mcpOAuth", name), "it is a login to an MCP server, not to a provider of models");
    }
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let mut place = Place::new("one account of Anthropic's");
    for (at, credential) in plan.all() {
        if credential.provider != "anthropic" || credential.kind == Kind::ApiKey {
            plan.leave_out(at, "Claude Code's file has an account of anthropic only");
        } else if place.take(plan, at) {
            let mut oauth = Value::default();
            oauth.set("accessToken", credential.secret.expose());
            oauth.set("refreshToken", credential.refresh.as_ref().map_or("", |refresh| refresh.expose()));
            if let Some(expires) = credential.expires {
                oauth.set("expiresAt", expires.0);
            }
            oauth.set("scopes", vec![Value::from("user:inference"), Value::from("user:profile")]);
            let mut file = Value::default();
            file.set("claudeAiOauth", oauth);
            if let Some(org) = &credential.identity.org_id {
                file.set("organizationUuid", &**org);
            }
            plan.file(".credentials.json", &file);
        }
    }
}
