//! What is written for a tool is read again as it was, in all that its format holds; what it does not hold is named.
#![cfg(feature = "import")]

use credpool::credential::{Alias, Identity};
use credpool::facts::Kind;
use credpool::import::{read, write, Credential, Source, Tool};
use credpool::json;
use credpool::secret::Secret;
use credpool::time::Timestamp;
use proptest::prelude::*;

fn word() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,8}"
}

fn maybe<T: std::fmt::Debug + Clone>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::of(of)
}

prop_compose! {
    fn identity()(email in maybe(word()), account in maybe(word()), org in maybe(word()), project in maybe(word())) -> Identity {
        Identity {
            email: email.map(|word| format!("{word}@example.com").into()),
            account_id: account.map(Into::into),
            org_id: org.map(Into::into),
            project_id: project.map(Into::into),
            enterprise_url: None,
        }
    }
}

prop_compose! {
    fn credential()(
        provider in prop::sample::select(vec!["openai", "openai-codex", "anthropic", "google", "google-gemini-cli", "github-copilot", "groq", "xai", "xai-oauth", "kimi-code", "unheard-of"]),
        kind in prop::sample::select(vec![Kind::ApiKey, Kind::Token, Kind::Oauth]),
        secret in "[!-~]{8,24}", refresh in maybe("[!-~]{8,16}"), client in maybe((word(), maybe("[!-~]{4,9}"))),
        name in maybe(word()), expires in maybe(1_600_000_000_000_u64..4_000_000_000_000), identity in identity(),
        (priority, weight, retry) in (prop_oneof![Just(0), -9..9_i32], maybe(0..9_u32), maybe(any::<u8>())),
        models in prop::collection::btree_set("[a-z]{1,4}-[0-9]", 0..3), excluded in prop::collection::vec(word(), 0..2), alias in maybe((word(), word())),
        prefix in maybe(word()), (requests, tokens) in (maybe(1..999_u64), maybe(1..9999_u64)), (enabled, cooling) in (any::<bool>(), maybe(any::<bool>())),
        base_url in maybe(word()), proxy in maybe(word()), header in maybe((word(), "[!-~]{1,9}")),
    ) -> Credential {
        let account = kind == Kind::Oauth;
        let mut made = Credential::key(provider, &secret);
        made.kind = kind;
        made.name = name;
        made.refresh = refresh.filter(|_| account).map(Secret::new);
        made.client = client.filter(|_| account).map(|(id, secret)| (id, secret.map(Secret::new)));
        made.expires = expires.map(Timestamp);
        made.identity = identity;
        made.priority = priority;
        made.weight = weight;
        made.retry = retry;
        made.models = models.into_iter().map(Into::into).collect();
        made.excluded_models = excluded.into_iter().map(Into::into).collect();
        made.aliases = alias.into_iter().map(|(name, alias)| Alias { name: name.into(), alias: alias.into(), fork: false, force: false }).collect();
        made.prefix = prefix;
        made.requests = requests;
        made.tokens = tokens;
        made.enabled = enabled;
        made.cooling = cooling;
        made.base_url = base_url.map(|host| format!("https://{host}.example.com/v1"));
        made.proxy_url = proxy.map(|host| Secret::new(format!("http://{host}.example.com:3128")));
        made.headers = header.into_iter().map(|(name, value)| (format!("x-{name}"), Secret::new(value))).collect();
        made
    }
}

/// What a format holds of every credential that it takes, whatever else is not so.
fn holds(tool: Tool, credential: &Credential) -> &'static [&'static str] {
    let account = credential.kind == Kind::Oauth;
    match tool {
        Tool::OhMyPi if account => {
            &["kind", "refresh", "expires", "email", "accountId", "orgId", "projectId", "baseUrl"]
        }
        Tool::CliProxyApi if account => &[
            "kind",
            "refresh",
            "client",
            "expires",
            "email",
            "accountId",
            "projectId",
            "priority",
            "weight",
            "excludedModels",
            "prefix",
            "enabled",
            "cooling",
            "retry",
            "proxyUrl",
            "headers",
        ],
        // There it is an account that nothing renews.
        Tool::CliProxyApi if credential.kind == Kind::Token => &["expires", "priority", "weight", "enabled"],
        Tool::CliProxyApi => &[
            "kind",
            "priority",
            "weight",
            "excludedModels",
            "prefix",
            "enabled",
            "cooling",
            "retry",
            "proxyUrl",
            "headers",
            "baseUrl",
        ],
        Tool::DevClaw if account => &["kind", "refresh", "expires", "email", "priority", "enabled"],
        Tool::DevClaw => &["kind", "expires", "priority", "enabled"],
        Tool::CodeBuddy => &["kind", "refresh", "priority", "enabled", "models", "baseUrl"],
        Tool::OpenClaw => {
            &["kind", "refresh", "client", "expires", "email", "accountId", "orgId", "projectId"]
        }
        Tool::ClaudeCode => &["expires", "orgId"],
        Tool::GeminiCli => &["kind", "refresh", "expires", "email"],
        Tool::LiteLlm => &["kind", "weight", "limits", "enabled", "baseUrl", "headers"],
        Tool::Env => &["baseUrl"],
        Tool::Copilot => &["kind", "name", "enterpriseUrl"],
        Tool::OhMyPi | Tool::Codex => &["kind"],
    }
}

fn check(tool: Tool, credentials: &[Credential]) -> Result<(), TestCaseError> {
    let written = write(tool, credentials);
    let mut back = Vec::new();
    for (at, file) in written.files.iter().enumerate() {
        let beside = written.files.get(at + 1).map(|file| file.text.as_str());
        if file.name == "google_accounts.json" {
            continue; // It says whose the account is.
        }
        let read = read(Some(tool), &Source { text: &file.text, beside });
        let found = read.map_err(|error| TestCaseError::fail(error.to_string()))?.1;
        prop_assert!(found.skipped.is_empty(), "{:?}", found.skipped);
        back.extend(found.credentials.into_iter().map(|found| found.credential));
    }
    let left_out = written.losses.iter().filter(|loss| !loss.why.is_empty()).count();
    prop_assert_eq!(
        back.len() + left_out,
        credentials.len(),
        "{} holds what it does not leave out",
        tool.as_str()
    );
    for (index, credential) in credentials.iter().enumerate() {
        let lost = written.losses.iter().find(|loss| loss.index == index);
        if lost.is_some_and(|loss| !loss.why.is_empty()) {
            continue;
        }
        let same = back
            .iter()
            .find(|other| other.provider == credential.provider && other.secret == credential.secret);
        prop_assert!(same.is_some(), "{} is in no file", index);
        let fields = lost.map(|loss| loss.fields.clone()).unwrap_or_default();
        for field in holds(tool, credential) {
            prop_assert!(
                !fields.contains(field),
                "{} loses {}: {}",
                tool.as_str(),
                field,
                json::write(credential)
            );
        }
        if fields.is_empty() {
            prop_assert!(same == Some(credential), "{}", json::write(credential));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(
        credentials in prop::collection::vec(credential(), 0..6).prop_map(|mut all| {
            let mut seen = std::collections::BTreeSet::new();
            // A pool has a secret once, and no account whose provider has none.
            all.retain(|one: &Credential| seen.insert(one.secret.expose().to_owned()) && !(one.kind == Kind::Oauth && one.provider == "openai") && !credpool::secret::is_reference(one.secret.expose()));
            all
        }),
        tool in prop::sample::select(Tool::ALL.to_vec()),
    ) {
        check(tool, &credentials)?;
    }

    #[test]
    fn a_credential_is_read_as_it_was_written(credential in credential()) {
        let text = json::write(&credential);
        let value: json::Value = json::read(&text).unwrap();
        prop_assert!(Credential::read(&value) == Some(credential), "{}", text);
    }
}

#[test]
fn references_go_where_the_format_has_them() {
    let of = |tool| {
        let mut credential = Credential::key("openai", "env:OPENAI_WORK");
        credential.name = Some("work".into());
        write(tool, &[credential])
    };
    assert!(
        of(Tool::OpenClaw).losses.is_empty()
            && of(Tool::OpenClaw).files[0].text.contains(r#""id": "OPENAI_WORK""#)
    );
    assert!(of(Tool::LiteLlm).files[0].text.contains("os.environ/OPENAI_WORK"));
    for tool in [Tool::Env, Tool::DevClaw, Tool::OhMyPi, Tool::Codex] {
        let written = of(tool);
        assert!(written.files.is_empty() && written.losses[0].why.contains("reference"), "{}", tool.as_str());
    }
}

#[test]
fn a_jwt_goes_to_codex_and_a_plain_token_does_not() {
    let jwt = "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFAeCJ9.c2ln";
    let mut credential = Credential::account("openai-codex", jwt, Some("rt"));
    credential.identity.email = Some("a@x".into());
    let written = write(
        Tool::Codex,
        &[
            credential,
            Credential::account("openai-codex", "plain-token", None),
            Credential::key("openai", "sk-1"),
            Credential::key("openai", "sk-2"),
        ],
    );
    let names: Vec<_> = written.losses.iter().map(|loss| (loss.index, loss.why.as_str())).collect();
    assert_eq!(written.files.len(), 1);
    assert_eq!(
        names,
        [
            (1, "Codex reads the account from the token, and this one is no JWT"),
            (3, "the file has room for one key of OpenAI's")
        ]
    );
}
