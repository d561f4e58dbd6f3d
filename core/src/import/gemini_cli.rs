//! Gemini CLI: `oauth_creds.json` in `~/.gemini`, with the fields of Google's own libraries; the address of the account stands
//! in `google_accounts.json` beside it.

use super::collect::{identity, text, Found};
use super::credential::Credential;
use super::expiry::expiry_of;
use super::write::{Place, Plan};
use crate::json::Value;
use crate::secret::Secret;

const SCOPE: &str =
    "https://www.googleapis.com/auth/cloud-platform https://www.googleapis.com/auth/userinfo.email \
https://www.googleapis.com/auth/userinfo.profile openid";

pub(super) fn is_it(value: &Value) -> bool {
    let tokens = text(value, &["access_token", "refresh_token"]).is_some();
    let google = value.get("expiry_date").is_some()
        || text(value, &["scope"]).is_some_and(|scope| scope.contains("googleapis"));
    tokens && google && value.get("type").is_none()
}

pub(super) fn read(value: &Value, beside: &Value, found: &mut Found) {
    let Some(access) = text(value, &["access_token"]) else {
        found.skip(".", "it has no access token");
        return;
    };
    let mut account = Credential::account("google-gemini-cli", access, text(value, &["refresh_token"]));
    account.expires = expiry_of(value);
    account.identity = identity(value);
    Found::fill_from_token(&mut account, text(value, &["id_token"]));
    if account.identity.email.is_none() {
        account.identity.email = text(beside, &["active"]).map(Into::into);
    }
    account.client = text(value, &["client_id"])
        .map(|id| (id.to_owned(), text(value, &["client_secret"]).map(Secret::new)));
    found.add(".", account);
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let mut place = Place::new("one account of Google's");
    for (at, credential) in plan.all() {
        if credential.provider != "google-gemini-cli" || credential.kind.as_str() != "oauth" {
            plan.leave_out(at, "Gemini CLI's file has an account of google-gemini-cli only");
        } else if place.take(plan, at) {
            let mut file = Value::default();
            file.set("access_token", credential.secret.expose());
            if let Some(refresh) = &credential.refresh {
                file.set("refresh_token", refresh.expose());
            }
            file.set("scope", SCOPE);
            file.set("token_type", "Bearer");
            if let Some(expires) = credential.expires {
                file.set("expiry_date", expires.0);
            }
            plan.file("oauth_creds.json", &file);
            if let Some(email) = &credential.identity.email {
                let mut accounts = Value::default();
                accounts.set("active", &**email);
                accounts.set("old", Vec::new());
                plan.file("google_accounts.json", &accounts);
            }
        }
    }
}
