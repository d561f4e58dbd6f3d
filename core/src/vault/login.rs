//! What a login must keep to itself until it is over: state, verifier, codes, and the tokens that it brought.

use super::Client;
use crate::credential::Identity;
use crate::facts::oauth::{Flow, Handoff, OauthFacts};
use crate::oauth::{Authorization, DeviceGrant, Fill, TokenEndpoint, Tokens};
use crate::secret::Secret;
use crate::time::Timestamp;

/// A login under way. No `Debug`: it is made of secrets.
pub struct PendingLogin {
    /// The provider, by its registry name.
    pub provider: Box<str>,
    /// How accounts of the provider log in; endpoints that were found are filled in.
    pub facts: OauthFacts,
    /// The way.
    pub flow: Flow,
    /// Who asks.
    pub client: Client,
    /// State, verifier, redirect and scopes.
    pub authorization: Authorization,
    /// The code that came. It is used once: while it is here, no other is taken.
    pub code: Option<Secret>,
    /// The codes of the device flow, and until when they are good.
    pub device: Option<(DeviceGrant, Timestamp)>,
    /// What it brought.
    pub tokens: Option<Tokens>,
    /// Whose the tokens are, as far as it is known.
    pub identity: Identity,
    /// The name that the account is to have; none: its e-mail address, or any.
    pub name: Option<Box<str>>,
    /// Its priority.
    pub priority: Option<i32>,
    /// The proxy of its requests.
    pub proxy: Option<Secret>,
}

impl PendingLogin {
    /// Its device flow, where that is of no RFC.
    pub fn own_flow(&self) -> Option<&Handoff> {
        self.facts.handoff.as_deref().filter(|_| self.flow == Flow::Device)
    }

    /// What the templates of such a flow are filled with.
    pub fn fill(&self) -> Fill<'_> {
        Fill {
            client: &self.client.id,
            state: &self.authorization.state,
            verifier: &self.authorization.verifier,
            codes: self.device.as_ref().map(|(grant, _)| grant),
        }
    }

    /// An endpoint that takes this client's requests.
    pub fn endpoint(&self, url: &str) -> TokenEndpoint {
        self.client.endpoint(&self.facts, url, &self.authorization.scope)
    }
}

impl Client {
    /// An endpoint that takes this client's requests.
    pub fn endpoint(&self, facts: &OauthFacts, url: &str, scope: &str) -> TokenEndpoint {
        TokenEndpoint {
            url: url.into(),
            body: facts.body,
            headers: facts.headers.clone(),
            client_id: self.id.clone(),
            client_secret: self.secret.clone(),
            client_auth: self.auth.unwrap_or(facts.client_auth),
            scope: scope.into(),
            key: self.dpop.clone(),
        }
    }
}
