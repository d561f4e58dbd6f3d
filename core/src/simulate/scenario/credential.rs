//! A credential of a scenario.

use crate::credential::{Alias, Limits};
use crate::facts::Kind;
use crate::json::from_json;

/// A credential.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct CredentialSpec {
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its provider.
    pub provider: Option<Box<str>>,
    /// Its kind.
    pub kind: Option<Kind>,
    /// The key of an `api_key`.
    pub key: Option<Box<str>>,
    /// The token of a `token`.
    pub token: Option<Box<str>>,
    /// The access token of an `oauth` account.
    pub access: Option<Box<str>>,
    /// Its refresh token.
    pub refresh: Option<Box<str>>,
    /// The id of the OAuth client that it was logged in by.
    pub client_id: Option<Box<str>>,
    /// That one's secret.
    pub client_secret: Option<Box<str>>,
    /// The account is the client's own: it is renewed by a new grant with these scopes.
    pub grant: Option<Box<str>>,
    /// When the secret expires, in milliseconds since `start`.
    pub expires: Option<u64>,
    /// Higher is tried first.
    pub priority: Option<i32>,
    /// Its share under `weighted`.
    pub weight: Option<u32>,
    /// The models that it serves.
    pub models: Option<Vec<Box<str>>>,
    /// The models that it does not serve.
    pub excluded_models: Option<Vec<Box<str>>>,
    /// Other names for its models.
    pub aliases: Option<Vec<Alias>>,
    /// The namespace of its models.
    pub prefix: Option<Box<str>>,
    /// What of it may be used.
    pub limits: Option<Limits>,
    /// May it be used?
    pub enabled: Option<bool>,
    /// Does anything of it rest? Absent: as the policy says.
    pub cooling: Option<bool>,
    /// `login`, where it came from one.
    pub source: Option<Box<str>>,
    /// When it was last used, in milliseconds since `start`.
    pub last_used: Option<u64>,
    /// The account's e-mail address.
    pub email: Option<Box<str>>,
    /// The provider's id of the account.
    pub account_id: Option<Box<str>>,
    /// The provider's id of the organisation.
    pub org_id: Option<Box<str>>,
    /// The provider's id of the project.
    pub project_id: Option<Box<str>>,
    /// The address of an enterprise installation.
    pub enterprise_url: Option<Box<str>>,
    /// Where its requests go.
    pub base_url: Option<Box<str>>,
    /// Where its tokens are renewed.
    pub token_url: Option<Box<str>>,
    /// The proxy of its requests.
    pub proxy_url: Option<Box<str>>,
    /// So many further rounds it takes part in.
    pub retry: Option<u8>,
}

from_json! {
    strict CredentialSpec {
        name = None,
        provider = None,
        kind = None,
        key = None,
        token = None,
        access = None,
        refresh = None,
        client_id = None,
        client_secret = None,
        grant = None,
        expires = None,
        priority = None,
        weight = None,
        models = None,
        excluded_models = None,
        aliases = None,
        prefix = None,
        limits = None,
        enabled = None,
        cooling = None,
        source = None,
        last_used = None,
        email = None,
        account_id = None,
        org_id = None,
        project_id = None,
        enterprise_url = None,
        base_url = None,
        token_url = None,
        proxy_url = None,
        retry = None,
    }
}
