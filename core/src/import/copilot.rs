//! GitHub Copilot: `apps.json` and the older `hosts.json` of its editors, in the folder `github-copilot`; `config.json` of its
//! command line in `~/.copilot`.

use super::collect::{at, text, Found};
use super::credential::Credential;
use super::write::Plan;
use crate::json::Value;

pub(super) fn is_it(value: &Value) -> bool {
    let fields = value.as_object().unwrap_or_default();
    value.get("copilot_tokens").is_some_and(Value::is_object)
        || fields.iter().any(|(_, entry)| entry.get("oauth_token").is_some_and(Value::is_string))
}

pub(super) fn read(value: &Value, found: &mut Found) {
    if let Some(tokens) = value.get("copilot_tokens").and_then(Value::as_object) {
        for (whose, token) in tokens {
            let place = at("copilot_tokens", whose);
            // `https://github.com:octocat`
            let (host, user) =
                whose.rsplit_once(':').filter(|(_, user)| !user.starts_with("//")).unwrap_or((whose, ""));
            match token.as_str() {
                Some(token) => found.add(&place, account(host, token).named(Some(user))),
                None => found.skip(&place, "expected a text"),
            }
        }
        return;
    }
    for (whose, entry) in value.as_object().unwrap_or_default() {
        let Some(token) = text(entry, &["oauth_token"]) else {
            found.skip(whose, "it has no oauth_token");
            continue;
        };
        let (host, app) = whose.split_once(':').unwrap_or((whose, ""));
        let mut credential = account(host, token).named(text(entry, &["user"]));
        let app = Some(app).filter(|app| !app.is_empty()).or_else(|| text(entry, &["githubAppId"]));
        credential.client = app.map(|app| (app.to_owned(), None));
        found.add(whose, credential);
    }
}

fn account(host: &str, token: &str) -> Credential {
    let mut account = Credential::account("github-copilot", token, None);
    let host = host.trim_start_matches("https://").trim_end_matches('/');
    if !matches!(host, "github.com" | "") {
        account.identity.enterprise_url = Some(host.into());
    }
    account
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let mut file = Value::default();
    for (at, credential) in plan.all() {
        if credential.provider != "github-copilot" || credential.kind.as_str() != "oauth" {
            plan.leave_out(at, "Copilot's file has accounts of github-copilot only");
            continue;
        }
        let host = credential.identity.enterprise_url.as_deref().unwrap_or("github.com");
        let host = host.trim_start_matches("https://").trim_end_matches('/');
        let key = match &credential.client {
            Some((app, _)) => [host, ":", app].concat(),
            None => host.to_owned(),
        };
        if file.get(&key).is_some() {
            plan.leave_out(at, "Copilot's file has one account of a host and an app");
            continue;
        }
        let mut entry = Value::default();
        if let Some(user) = &credential.name {
            entry.set("user", user.as_str());
        }
        entry.set("oauth_token", credential.secret.expose());
        if let Some((app, _)) = &credential.client {
            entry.set("githubAppId", app.as_str());
        }
        file.set(&key, entry);
        plan.takes(at);
    }
    if plan.any() {
        plan.file("apps.json", &file);
    }
}
