//! Refresh in the host's terms: a step of the machine becomes a request to the token endpoint, and its answer becomes new
//! parts in the vault. Nothing is decided here.

use super::{HostEffect, Pool};
use crate::engine::Completion;
use crate::facts::oauth::OauthFacts;
use crate::facts::RefreshFacts;
use crate::id::{Handle, OpId, SecretRef};
use crate::json::from_json;
use crate::oauth::{self, TokenFailureKind, Tokens};
use crate::refresh::{FailureKind, RefreshFailure};
use crate::secret::Secret;
use crate::time::{Now, Span};
use crate::vault::{Client, SecretParts};
use crate::wire::http::Headers;

/// What a host's own code does for the accounts of a provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostRenewal {
    /// It renews tokens, in place of a request to the token endpoint.
    pub refresh: bool,
    /// It says of each token how long before its expiry that is renewed.
    pub leads: bool,
    /// It is asked so often whether an account is to be renewed, and when the policy would renew it. Milliseconds, 1 s at least.
    pub check: Option<Span>,
}

from_json! {
    strict HostRenewal { refresh = false, leads = false, check = None }
}

/// A host is not asked more often than this about one account.
const LEAST_CHECK: Span = Span::from_secs(1);

/// A token endpoint that was asked.
pub(super) struct Call {
    op: OpId,
    provider: Box<str>,
    early: Span,
    /// The parts that are renewed: what the answer does not replace stays.
    parts: SecretParts,
}

impl Pool {
    /// What must be known of providers to renew their tokens goes to the machine: of built-in ones nothing is out of the common.
    pub(super) fn tell_refresh_facts(&mut self) {
        let names: Vec<Box<str>> = self.registry.custom_names().map(Into::into).collect();
        for name in names {
            self.tell_facts_of(&name);
        }
    }

    /// The same of one provider, by its registry name.
    #[inline(never)]
    pub(super) fn tell_facts_of(&mut self, name: &str) {
        let facts = self.registry.facts(name);
        let grace = facts.as_ref().and_then(|facts| facts.oauth.as_ref()?.grace);
        let lead = facts.and_then(|facts| facts.refresh_lead);
        let host = self.renewals.iter().find(|(of, _)| **of == *name).map(|(_, host)| *host);
        let HostRenewal { refresh, leads, check } = host.unwrap_or_default();
        let facts = RefreshFacts { lead, grace, by_host: refresh, leads, check };
        self.engine.set_refresh_facts(name, facts);
    }

    /// What a host's own code does for a provider's accounts, from now on.
    pub fn renew_by_host(&mut self, provider: &str, host: HostRenewal) {
        let name = self.name_of(provider);
        self.renewals.retain(|(of, _)| *of != name);
        let check = host.check.map(|check| check.max(LEAST_CHECK));
        self.renewals.push((name.clone(), HostRenewal { check, ..host }));
        self.tell_facts_of(&name);
    }

    /// A refresh as an effect for the host, or why there is nothing to ask.
    pub(super) fn refresh_call(
        &mut self,
        op: OpId,
        handle: Handle,
        secret: SecretRef,
    ) -> Result<HostEffect, RefreshFailure> {
        let failure = |code: &str| {
            Err(RefreshFailure { kind: FailureKind::Misconfigured, code: code.into(), retry_after: None })
        };
        let (Some(record), Some(parts)) = (self.engine.record(handle), self.vault.get(secret)) else {
            return failure("gone");
        };
        let provider = record.provider.clone();
        let oauth = self.registry.facts(&provider).and_then(|facts| facts.oauth);
        let rules = &self.engine.policy().refresh;
        let early = if rules.exact.contains(&provider) { Span::ZERO } else { rules.early };
        let client = self.client_of(&provider, parts.client.as_deref());
        let by_host = self.renewals.iter().any(|(of, host)| *of == provider && host.refresh);
        let request = if by_host {
            None
        } else {
            let found = client.map(|client| &client.token_url).filter(|url| !url.is_empty());
            let own = oauth.as_ref().map(|oauth| &oauth.token).filter(|url| !url.is_empty());
            let Some(url) = record.token_url.as_ref().or(found).or(own).cloned() else {
                return failure("no_token_endpoint");
            };
            let grant = client.filter(|client| client.grants()).and_then(|client| client.grant.as_deref());
            let facts = oauth.map_or_else(OauthFacts::default, |oauth| *oauth);
            let anonymous = Client::default();
            let client = client.unwrap_or(&anonymous);
            let endpoint = client.endpoint(&facts, &url, grant.unwrap_or_default());
            Some(match (grant, &parts.refresh) {
                (Some(_), _) => oauth::client_credentials_request(&endpoint),
                (None, Some(refresh)) if facts.handoff.as_ref().is_some_and(|own| own.bearer_renewal) => {
                    oauth::renew_request(&endpoint, refresh)
                }
                (None, Some(refresh)) => oauth::refresh_request(&endpoint, refresh),
                (None, None) => return failure("no_refresh_token"),
            })
        };
        let parts = parts.clone();
        let effect = if let Some(request) = request {
            self.send(op, Some(handle), None, request)
        } else {
            let refresh = parts.refresh.clone().unwrap_or_default();
            HostEffect::RefreshByHost { op, handle, refresh }
        };
        self.calls.push(Call { op, provider, early, parts });
        Ok(effect)
    }

    /// The token endpoint answered. `None`: nobody had asked it.
    pub(super) fn refresh_answer(
        &mut self,
        now: Now,
        op: OpId,
        status: u16,
        headers: &[(String, String)],
        body: &str,
    ) -> Option<Completion> {
        let call = self.take_call(op)?;
        let facts = self.registry.facts(&call.provider).and_then(|facts| facts.oauth);
        let own = facts.and_then(|facts| facts.handoff).filter(|own| own.bearer_renewal);
        let written = own.and_then(|own| oauth::as_token_answer(&own, body));
        let body = written.as_ref().map_or(body, Secret::expose);
        Some(match oauth::read_token_answer(status, Headers::new(headers), body, now.wall, call.early) {
            Ok(tokens) => {
                let oauth = self.registry.facts(&call.provider).and_then(|facts| facts.oauth);
                let life = oauth.as_ref().and_then(|oauth| oauth.life);
                let identity = oauth
                    .map(|oauth| oauth::identity_of_answer(&oauth.identity, body, &tokens))
                    .unwrap_or_default();
                let life = life.map(|life| now.wall + life);
                self.refreshed(call, Tokens { identity, expires: tokens.expires.or(life), ..tokens })
            }
            Err(failure) => {
                let kind = match failure.kind {
                    TokenFailureKind::Definitive => FailureKind::Definitive,
                    TokenFailureKind::Configuration => FailureKind::Misconfigured,
                    TokenFailureKind::Transient => FailureKind::Transient,
                };
                let (code, retry_after) = (failure.code, failure.retry_after);
                Completion::RefreshFailed(RefreshFailure { kind, code, retry_after })
            }
        })
    }

    /// No answer came. `sent`: the request may have reached the endpoint.
    pub(super) fn refresh_unanswered(&mut self, op: OpId, sent: bool) -> Option<Completion> {
        self.take_call(op)?;
        let kind = if sent { FailureKind::InDoubt } else { FailureKind::Transient };
        Some(Completion::RefreshFailed(RefreshFailure { kind, code: "network".into(), retry_after: None }))
    }

    /// The host renewed tokens itself.
    pub(super) fn refreshed_by_host(&mut self, op: OpId, tokens: Tokens) -> Option<Completion> {
        let call = self.take_call(op)?;
        Some(self.refreshed(call, tokens))
    }

    /// The host could not.
    pub(super) fn failed_by_host(&mut self, op: OpId, failure: RefreshFailure) -> Option<Completion> {
        self.take_call(op)?;
        Some(Completion::RefreshFailed(failure))
    }

    fn refreshed(&mut self, call: Call, tokens: Tokens) -> Completion {
        // A provider that sends no new refresh token means the old one to stay (RFC 6749 §6).
        let mut parts = call.parts;
        parts.main = tokens.access;
        parts.refresh = tokens.refresh.or(parts.refresh);
        if let (Some(client), Some(bound)) = (&mut parts.client, tokens.bound) {
            client.bearer = client.dpop.is_some() && !bound;
        }
        let secret = self.vault.put(parts);
        Completion::Refreshed { secret, expires: tokens.expires, identity: Box::new(tokens.identity) }
    }

    fn take_call(&mut self, op: OpId) -> Option<Call> {
        let at = self.calls.iter().position(|call| call.op == op)?;
        Some(self.calls.swap_remove(at))
    }
}

/// An access token that a host's own code brought, checked like any other.
pub(super) fn host_tokens(
    access: &Secret,
    refresh: Option<Secret>,
    expires: Option<crate::time::Timestamp>,
) -> Option<Tokens> {
    let good = !access.is_empty() && access.expose().bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| Tokens { access: access.clone(), refresh, expires, ..Tokens::default() })
}
