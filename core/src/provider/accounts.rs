//! How accounts log in, for the providers that offer it. Client ids are not here: they are the user's.
//!
//! JSON, read when it is asked for: the reader is there anyway, for providers of the user's own.

use crate::facts::oauth::OauthFacts;

/// Google's endpoints; behind them what one of its logins has of its own.
macro_rules! google {
    (CLOUD $own:expr) => {
        google!(concat!(
            r#""scopes":["https://www.googleapis.com/auth/cloud-platform","https://www.googleapis.com/auth/userinfo.email","#,
            r#""https://www.googleapis.com/auth/userinfo.profile"],"#,
            $own
        ))
    };
    ($own:expr) => {
        concat!(
            r#"{"flows":["code"],"issuer":"https://accounts.google.com","authorize":"https://accounts.google.com/o/oauth2/v2/auth","#,
            r#""token":"https://oauth2.googleapis.com/token","revoke":"https://oauth2.googleapis.com/revoke","#,
            r#""userinfo":"https://openidconnect.googleapis.com/v1/userinfo","params":[["access_type","offline"],["prompt","consent"]],"#,
            $own,
            "}"
        )
    };
}

/// GitLab's endpoints.
macro_rules! gitlab {
    ($own:expr) => {
        concat!(
            r#"{"flows":["code","device"],"issuer":"https://gitlab.com","authorize":"https://gitlab.com/oauth/authorize","#,
            r#""token":"https://gitlab.com/oauth/token","device":"https://gitlab.com/oauth/authorize_device","#,
            r#""revoke":"https://gitlab.com/oauth/revoke","introspect":"https://gitlab.com/oauth/introspect","#,
            r#""userinfo":"https://gitlab.com/oauth/userinfo","scopes":["api"],"#,
            $own,
            "}"
        )
    };
}

/// By registry name.
const ACCOUNTS: &[(&str, &str)] = &[
    (
        "anthropic",
        r#"{"flows":["code"],"authorize":"https://claude.ai/oauth/authorize","token":"https://api.anthropic.com/v1/oauth/token",
"userinfo":"https://api.anthropic.com/api/oauth/profile","scopes":["org:create_api_key","user:profile","user:inference"],
"body":"json","redirect":"http://localhost:54545/callback","params":[["code","true"]],"headers":[["anthropic-beta",
"oauth-2025-04-20"]],"identity":{"email":["account email_address","account email"],"accountId":["account uuid"],
"orgId":["organization uuid"]},"orgScoped":true,"stateInToken":true}"#,
    ),
    (
        "openai-codex",
        r#"{"flows":["code","device"],"issuer":"https://auth.openai.com","authorize":"https://auth.openai.com/oauth/authorize",
"token":"https://auth.openai.com/oauth/token","scopes":["openid","profile","email","offline_access"],
"redirect":"http://localhost:1455/auth/callback","params":[["id_token_add_organizations","true"]],"identity":{
"email":["https://api.openai.com/profile email","email"],"accountId":["https://api.openai.com/auth chatgpt_account_id"],
"orgId":["https://api.openai.com/auth chatgpt_account_id"]},"orgScoped":true,"handoff":{
"start":"https://auth.openai.com/api/accounts/deviceauth/usercode","startBody":[["client_id","{client}"]],"code":"device_auth_id",
"user":"user_code","interval":"interval","person":"https://auth.openai.com/codex/device",
"poll":"https://auth.openai.com/api/accounts/deviceauth/token","pollBody":[["device_auth_id","{code}"],["user_code","{user}"]],
"pending":[403,404],"grant":"authorization_code","grantVerifier":"code_verifier",
"redirect":"https://auth.openai.com/deviceauth/callback"}}"#,
    ),
    (
        "google",
        google!(
            r#""scopes":["openid","email","profile","https://www.googleapis.com/auth/cloud-platform"],"redirect":"http://127.0.0.1:0/""#
        ),
    ),
    ("google-vertex", google!(CLOUD r#""redirect":"http://127.0.0.1:0/""#)),
    ("google-gemini-cli", google!(CLOUD r#""redirect":"http://127.0.0.1:8085/oauth2callback""#)),
    ("google-antigravity", google!(CLOUD r#""redirect":"http://127.0.0.1:51121/oauth-callback""#)),
    (
        "github-copilot",
        r#"{"flows":["device"],"token":"https://github.com/login/oauth/access_token","device":"https://github.com/login/device/code",
"userinfo":"https://api.github.com/user","scopes":["read:user"],"identity":{"email":["email"],"accountId":["id"]}}"#,
    ),
    (
        "cursor",
        r#"{"flows":["device"],"token":"https://api2.cursor.sh/auth/exchange_user_api_key","life":3600000,"handoff":{
"person":"https://cursor.com/loginDeepControl?challenge={challenge}&uuid={uuid}&mode=login&redirectTarget=cli",
"poll":"https://api2.cursor.sh/auth/poll?uuid={uuid}&verifier={verifier}","pending":[404],"every":2000,"access":"accessToken",
"refresh":"refreshToken","bearerRenewal":true,"anonymous":true}}"#,
    ),
    (
        "kilo",
        r#"{"flows":["device"],"life":31536000000,"handoff":{"start":"https://api.kilo.ai/api/device-auth/codes","code":"code",
"user":"code","url":"verificationUrl","expires":"expiresIn","poll":"https://api.kilo.ai/api/device-auth/codes/{code}",
"pending":[202],"refused":[403],"expired":[410],"every":5000,"access":"token","email":"userEmail","anonymous":true}}"#,
    ),
    ("gitlab-duo", gitlab!(r#""redirect":"http://localhost:8080/callback""#)),
    ("gitlab-duo-agent", gitlab!(r#""redirect":"vscode://gitlab.gitlab-workflow/authentication""#)),
    ("gitlab-duo-workflow", gitlab!(r#""redirect":"http://localhost:8080/callback""#)),
    (
        "kimi-code",
        r#"{"flows":["device"],"token":"https://auth.kimi.com/api/oauth/token",
"device":"https://auth.kimi.com/api/oauth/device_authorization"}"#,
    ),
    (
        "qwen-portal",
        r#"{"flows":["device"],"token":"https://chat.qwen.ai/api/v1/oauth2/token",
"device":"https://chat.qwen.ai/api/v1/oauth2/device/code","scopes":["openid","profile","email","model.completion"],
"devicePkce":true}"#,
    ),
    (
        "xai-oauth",
        r#"{"flows":["device","code"],"issuer":"https://auth.x.ai","scopes":["openid","profile","email","offline_access"],
"identity":{"email":["email"],"accountId":["sub"]}}"#,
    ),
    ("iflow", r#"{"token":"https://iflow.cn/oauth/token","clientAuth":"client_secret_basic"}"#),
    (
        "azure",
        r#"{"flows":["code","device","client_credentials"],
"authorize":"https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize",
"token":"https://login.microsoftonline.com/organizations/oauth2/v2.0/token",
"device":"https://login.microsoftonline.com/organizations/oauth2/v2.0/devicecode",
"scopes":["https://cognitiveservices.azure.com/.default","offline_access"],"redirect":"http://localhost:0/",
"identity":{"email":["email","preferred_username","upn"],"accountId":["oid","sub"],"orgId":["tid"]}}"#,
    ),
];

/// How accounts of a built-in provider log in, by its registry name.
pub(super) fn accounts(name: &str) -> Option<OauthFacts> {
    let (_, text) = ACCOUNTS.iter().find(|(of, _)| *of == name)?;
    crate::json::read(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Kind;
    use crate::provider::Registry;

    #[test]
    fn every_entry_is_read_and_belongs_to_a_provider_that_has_accounts() {
        for (name, text) in ACCOUNTS {
            let read = crate::json::read::<OauthFacts>(text);
            let facts = read.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(facts.problem().is_none(), "{name}: {:?}", facts.problem());
            let provider = Registry::builtin().facts(name).unwrap();
            assert!(provider.kinds.contains(&Kind::Oauth), "{name}");
            assert_eq!(provider.oauth.as_deref(), Some(&facts), "{name}");
            // `Pool::tell_refresh_facts` asks no built-in provider.
            assert!(facts.grace.is_none() && provider.refresh_lead.is_none(), "{name}");
        }
    }

    #[test]
    fn no_client_of_anybody_is_built_in() {
        for (name, text) in ACCOUNTS {
            // A place where the user's own is put is none.
            let text = text.replace(r#"["client_id","{client}"]"#, "");
            assert!(!text.contains("client_id") && !text.contains("clientId"), "{name}");
        }
    }
}
