//! Logins: the machine says what comes next, here it is phrased and what comes back is read.

use super::protocol::LoginInput;
use super::{invalid, not_found, Answer, CredentialInput, HostEffect, Pool, PoolStep};
use crate::credential::{Identity, Limits};
use crate::engine::{Command, Completion, FailedCode, Input, Introspected};
use crate::facts::oauth::{is_safe_url, Flow, OauthFacts};
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, OpId, RequestId};
use crate::login::{News, Stage};
use crate::oauth::{self, Asked, Authorization, DeviceGrant, Poll, TokenFailure, TokenFailureKind, Tokens};
use crate::time::{Now, Span};
use crate::vault::{Client, Egress, PendingLogin};
use crate::wire::find::split_once;
use crate::wire::http::{Headers, HttpRequest};

type Refused = (RequestId, Answer);

fn wrong(request: RequestId, message: &str) -> Refused {
    (request, Answer::Failed { code: FailedCode::Invalid, message: message.into() })
}

impl Pool {
    /// Checks a login and keeps what is secret of it.
    pub(super) fn start_login(&mut self, request: RequestId, input: LoginInput) -> Result<Command, Refused> {
        let provider = self.name_of(&input.provider);
        let Some(facts) = self.registry.facts(&provider).and_then(|facts| facts.oauth) else {
            let message =
                "provider: has no login that is known; register it with its `oauth`, or add a key or a token";
            return Err(wrong(request, message));
        };
        let Some(flow) = input.flow.or_else(|| facts.flows.first().copied()) else {
            return Err(wrong(
                request,
                "flow: this provider's accounts can be renewed, but not be logged in to from here",
            ));
        };
        let own_flow = facts.handoff.as_ref().filter(|_| flow == Flow::Device);
        let discovers = !facts.issuer.is_empty();
        let endpoint = match flow {
            Flow::Code => &facts.authorize,
            Flow::Device => own_flow.map_or(&facts.device, |own| &own.poll),
            Flow::ClientCredentials => &facts.token,
        };
        if endpoint.is_empty() && !discovers {
            return Err(wrong(request, "flow: this provider does not offer it"));
        }
        let discover = endpoint.is_empty() || facts.token.is_empty() && own_flow.is_none();
        let own = self.clients.iter().find(|(of, _)| *of == provider).map(|(_, client)| client);
        let anonymous = own_flow.is_some_and(|own| own.anonymous);
        let client = input.client.or_else(|| own.cloned()).filter(|client| !client.id.trim().is_empty());
        let Some(mut client) = client.or_else(|| anonymous.then(Client::default)) else {
            let message =
                "clientId: is missing. A login needs an OAuth client of yours, registered with the provider";
            return Err(wrong(request, message));
        };
        if flow == Flow::ClientCredentials && client.secret.is_none() {
            return Err(wrong(request, "clientSecret: is missing: this flow has nothing else to show"));
        }
        let redirect = input.redirect.unwrap_or_else(|| facts.redirect.clone());
        if flow == Flow::Code && !is_redirect(&redirect) {
            let message =
                "redirect: expected https, http on a loopback host with a port, or an app's own scheme";
            return Err(wrong(request, message));
        }
        if !oauth::is_verifier(input.verifier.expose()) || input.state.expose().len() < 22 {
            return Err(wrong(
                request,
                "verifier: expected fresh randomness of the host: 43 to 128 unreserved characters",
            ));
        }
        if facts.dpop && input.dpop.is_none() {
            return Err(wrong(request, "dpop: is missing: this provider binds tokens to a key of yours"));
        }
        if input.dpop.as_ref().is_some_and(|key| !oauth::is_dpop_key(key)) {
            return Err(wrong(request, "dpop: expected a private key of P-256, as a JWK"));
        }
        let thumbprint = input.dpop.as_ref().and_then(oauth::thumbprint).unwrap_or_default().into();
        (client.dpop, client.bearer) = (input.dpop, false);
        let mut egress = Egress::default();
        if let Err((field, fault)) = egress.change(input.proxy_url, None, &[]) {
            return Err(wrong(request, &[field, ": ", fault].concat()));
        }
        let scopes = input.scopes.as_ref().unwrap_or(&facts.scopes);
        let mut scope = String::new();
        for name in scopes {
            if !scope.is_empty() {
                scope.push(' ');
            }
            scope.push_str(name);
        }
        let authorization = Authorization {
            client_id: client.id.clone(),
            redirect,
            scope: scope.into(),
            state: input.state,
            verifier: input.verifier,
            thumbprint,
        };
        let pending = PendingLogin {
            provider: provider.clone(),
            facts: *facts,
            flow,
            client,
            authorization,
            code: None,
            device: None,
            tokens: None,
            identity: Identity::default(),
            name: input.name,
            priority: input.priority,
            proxy: egress.proxy,
        };
        self.vault.forget_login(request);
        self.vault.put_login(request, pending);
        Ok(Command::Login { request, provider, flow, discover, wait: input.wait })
    }

    /// Reads a callback.
    pub(super) fn callback(
        &mut self,
        request: RequestId,
        login: RequestId,
        text: &str,
        pasted: bool,
    ) -> Result<Command, Refused> {
        let waits = self.engine.login_stage(login) == Some(Stage::Person);
        let pending = self.vault.login(login).filter(|pending| waits && pending.code.is_none());
        let Some(pending) = pending else {
            let message = "used: this login has had its answer, or is over".into();
            return Err((request, Answer::Failed { code: FailedCode::NotFound, message }));
        };
        let news = match oauth::read_callback(&pending.facts, &pending.authorization, text, pasted) {
            Ok(code) => {
                pending.code = Some(code);
                News::Code
            }
            Err(error) if error.is_final() => News::Failed { code: error.code().into(), transient: false },
            Err(error) => return Err(wrong(request, error.code())),
        };
        Ok(Command::LoginNews { request, login, news })
    }

    /// Gives an account back.
    pub(super) fn log_out(&self, request: RequestId, id: CredentialId) -> Result<Command, Refused> {
        let handle = self.engine.find(id).ok_or_else(|| (request, not_found()))?;
        Ok(Command::LogOut { request, handle, revoke: self.revocation(handle).is_some() })
    }

    /// The request that gives an account's tokens back: its refresh token, which takes the rest along, else its access token.
    pub(super) fn revocation(&self, handle: Handle) -> Option<HttpRequest> {
        let record = self.engine.record(handle).filter(|record| record.kind == Kind::Oauth)?;
        // An account of a provider that this process has not registered is given back all the same.
        let facts = self.registry.facts(&record.provider).and_then(|facts| facts.oauth).unwrap_or_default();
        let parts = self.vault.get(self.engine.secret(handle)?)?;
        let client = self.client_of(&record.provider, parts.client.as_deref())?;
        let url = if facts.revoke.is_empty() { &client.revoke_url } else { &facts.revoke };
        if url.is_empty() {
            return None;
        }
        let endpoint = client.endpoint(&facts, url, "");
        let token = parts.refresh.as_ref().unwrap_or(&parts.main);
        Some(oauth::revoke_request(&endpoint, token, parts.refresh.is_some()))
    }

    /// The question whether an account's tokens are good: its refresh token, on which the grant stands, else its access token.
    pub(super) fn introspection(&self, handle: Handle) -> Option<HttpRequest> {
        let record = self.engine.record(handle).filter(|record| record.kind == Kind::Oauth)?;
        let facts = self.registry.facts(&record.provider).and_then(|facts| facts.oauth).unwrap_or_default();
        let parts = self.vault.get(self.engine.secret(handle)?)?;
        let client = self.client_of(&record.provider, parts.client.as_deref())?;
        let url = if facts.introspect.is_empty() { &client.introspect_url } else { &facts.introspect };
        if url.is_empty() {
            return None;
        }
        let endpoint = client.endpoint(&facts, url, "");
        let token = parts.refresh.as_ref().unwrap_or(&parts.main);
        Some(oauth::introspect_request(&endpoint, token, parts.refresh.is_some()))
    }

    /// Reads its answer. `None`: nobody had asked.
    pub(super) fn introspection_answer(&self, op: OpId, status: u16, body: &str) -> Option<Completion> {
        let id = self.engine.introspecting(op)?;
        let record = self.engine.find(id).and_then(|handle| self.engine.record(handle));
        let facts = record.and_then(|record| self.registry.facts(&record.provider)?.oauth);
        let paths = facts.map(|facts| facts.identity).unwrap_or_default();
        Some(Completion::Introspected(match oauth::read_introspection(&paths, status, body) {
            Some(said) => Introspected { active: Some(said.active), expires: said.expires, cause: None },
            None => Introspected::silent(&oauth::failure_code(status, body)),
        }))
    }

    /// The client by which an account is renewed and given back: its own, else the configuration's.
    pub(super) fn client_of<'a>(&'a self, provider: &str, own: Option<&'a Client>) -> Option<&'a Client> {
        own.or_else(|| self.clients.iter().find(|(of, _)| **of == *provider).map(|(_, client)| client))
    }

    /// What a login asks for at a stage. `None`: there is nothing to ask, which is told in the same step.
    pub(super) fn login_request(&mut self, login: RequestId, stage: Stage) -> Option<HttpRequest> {
        let pending = self.vault.login(login)?;
        let facts = &pending.facts;
        let of = &pending.authorization;
        let verifier = Some(&of.verifier).filter(|_| facts.device_pkce);
        Some(match stage {
            Stage::Discover => oauth::metadata_request(&facts.issuer, 0)?,
            Stage::DiscoverElsewhere => oauth::metadata_request(&facts.issuer, 1)?,
            Stage::Device if pending.own_flow().is_some() => {
                oauth::start_request(facts, pending.own_flow()?, &pending.fill())?
            }
            Stage::Poll if pending.own_flow().is_some() => {
                oauth::asked_request(facts, pending.own_flow()?, &pending.fill())
            }
            Stage::Device => oauth::device_request(&pending.endpoint(&facts.device), verifier),
            Stage::Poll => {
                let (grant, _) = pending.device.as_ref()?;
                oauth::poll_request(&pending.endpoint(&facts.token), &grant.device_code, verifier)
            }
            Stage::Exchange => {
                oauth::code_request(facts, &pending.endpoint(&facts.token), of, pending.code.as_ref()?)
            }
            Stage::Grant => oauth::client_credentials_request(&pending.endpoint(&facts.token)),
            Stage::Whose => {
                let access = &pending.tokens.as_ref()?.access;
                oauth::userinfo_request(facts, access, pending.client.dpop.as_ref())
            }
            Stage::Person | Stage::Store => return None,
        })
    }

    /// The codes of a login that asks nobody for them.
    pub(super) fn made_codes(&mut self, now: Now, login: RequestId, stage: Stage) -> Option<Completion> {
        let pending = self.vault.login(login).filter(|_| stage == Stage::Device)?;
        let own = pending.own_flow().filter(|own| own.start.is_empty())?;
        let grant = oauth::own_codes(own, &pending.fill());
        Some(Completion::Login { news: pending.take_codes(grant, now) })
    }

    /// Reads what was answered.
    pub(super) fn login_answer(
        &mut self,
        now: Now,
        op: OpId,
        status: u16,
        headers: &[(String, String)],
        body: &str,
    ) -> Option<Completion> {
        if self.engine.revoking(op) {
            return Some(Completion::Revoked);
        }
        let (login, stage) = self.engine.login_call(op)?;
        let pending = self.vault.login(login)?;
        let headers = Headers::from(headers);
        let news = match stage {
            Stage::Discover | Stage::DiscoverElsewhere => {
                let read = oauth::read_metadata(&mut pending.facts, status, body);
                read.and_then(|()| pending.has_what_it_needs()).map_or_else(failed, |()| News::Found)
            }
            Stage::Device => {
                let read = match pending.own_flow() {
                    Some(own) => oauth::read_start(own, &pending.fill(), status, headers, body, now.wall),
                    None => oauth::read_device_answer(status, headers, body, now.wall),
                };
                match read {
                    Ok(grant) => pending.take_codes(grant, now),
                    Err(failure) => failed(failure),
                }
            }
            Stage::Poll if pending.own_flow().is_some() => pending.asked(now, status, headers, body),
            Stage::Poll => match oauth::read_poll(status, headers, body, now.wall) {
                Poll::Tokens(tokens) => pending.keep(tokens, body, now),
                Poll::Pending => News::Pending,
                Poll::SlowDown(interval) => News::SlowDown(interval),
                Poll::Failed(failure) => failed(failure),
            },
            Stage::Exchange | Stage::Grant => {
                match oauth::read_token_answer(status, headers, body, now.wall, Span::ZERO) {
                    Ok(tokens) => pending.keep(tokens, body, now),
                    Err(failure) => failed(failure),
                }
            }
            Stage::Whose => {
                let identity = oauth::read_userinfo(&pending.facts.identity, status, body);
                pending.identity.fill(&identity);
                News::Whose
            }
            Stage::Person | Stage::Store => return None,
        };
        Some(Completion::Login { news })
    }

    /// What the person is shown.
    pub(super) fn login_prompt(&mut self, login: RequestId) -> Option<HostEffect> {
        let pending = self.vault.login(login)?;
        Some(match &pending.device {
            None => {
                let url = oauth::authorization_url(&pending.facts, &pending.authorization).into();
                HostEffect::Prompt { login, url, code: None, until: None }
            }
            Some((grant, until)) => HostEffect::Prompt {
                login,
                url: grant.verification_uri_complete.as_ref().unwrap_or(&grant.verification_uri).clone(),
                code: (!grant.user_code.is_empty()).then(|| grant.user_code.clone()),
                until: Some(*until),
            },
        })
    }

    /// Adds the account that a login brought; what is the same account takes over its row, its priority and its rules.
    pub(super) fn store_login(&mut self, now: Now, login: RequestId, to: &mut PoolStep) {
        let Some(pending) = self.vault.login(login) else { return };
        let Some(tokens) = pending.tokens.as_ref() else { return };
        let mut client = pending.client.clone();
        // What was found is kept: the registry will not know it later.
        let registered =
            self.registry.facts(&pending.provider).and_then(|facts| facts.oauth).unwrap_or_default();
        if registered.token.is_empty() {
            client.token_url.clone_from(&pending.facts.token);
        }
        if registered.revoke.is_empty() {
            client.revoke_url.clone_from(&pending.facts.revoke);
        }
        if registered.introspect.is_empty() {
            client.introspect_url.clone_from(&pending.facts.introspect);
        }
        if registered.client_auth != pending.facts.client_auth {
            client.auth = Some(pending.facts.client_auth);
        }
        // Nobody gives such an account a refresh token (RFC 6749 §4.4.3): it is renewed as it was got.
        client.grant = (pending.flow == Flow::ClientCredentials).then(|| pending.authorization.scope.clone());
        let input = CredentialInput {
            provider: pending.provider.clone(),
            name: pending.name.clone(),
            kind: Some(Kind::Oauth),
            key: None,
            token: None,
            access: Some(tokens.access.expose().into()),
            refresh: tokens.refresh.as_ref().map(|refresh| refresh.expose().into()),
            priority: pending.priority.unwrap_or(0),
            weight: None,
            models: Vec::new(),
            excluded_models: Vec::new(),
            aliases: Vec::new(),
            prefix: None,
            limits: Limits::default(),
            enabled: None,
            cooling: None,
            source: Some("login".into()),
            expires: tokens.expires,
            base_url: None,
            token_url: None,
            proxy_url: pending.proxy.as_ref().map(|proxy| proxy.expose().into()),
            headers: None,
            retry: None,
            identity: pending.identity.clone(),
            client: Some(Box::new(client)),
        };
        let keeps_priority = pending.priority.is_none();
        let input = match self.new_items(vec![input]) {
            Ok(mut items) => {
                for item in &mut items {
                    let old = item.replaces.and_then(|id| self.engine.record(self.engine.find(id)?));
                    let Some(old) = old else { continue };
                    let priority = if keeps_priority { old.priority } else { item.record.priority };
                    let new = core::mem::replace(&mut item.record, old.clone());
                    let own = &mut item.record;
                    (own.name, own.identity, own.source) = (new.name, new.identity, new.source);
                    (own.expires, own.kind, own.priority) = (new.expires, new.kind, priority);
                    (own.enabled, own.disabled_cause) = (true, None);
                    (own.needs_login, own.renewed) = (false, Some(now.wall));
                }
                Input::Command(Command::Add { request: login, items })
            }
            Err(error) => {
                let Answer::Failed { message, .. } = invalid(&error) else { return };
                let news = News::Failed { code: message, transient: false };
                Input::Command(Command::LoginNews { request: RequestId(0), login, news })
            }
        };
        let step = self.engine.handle(now, input);
        self.present_into(now, step, to);
    }
}

impl PendingLogin {
    /// Keeps the codes, and says what comes next.
    fn take_codes(&mut self, grant: DeviceGrant, now: Now) -> News {
        let (interval, life) = (grant.interval, grant.life);
        self.device = Some((grant, now.wall + life));
        News::Device { interval, life }
    }

    /// Has the person agreed?
    fn asked(&mut self, now: Now, status: u16, headers: Headers<'_>, body: &str) -> News {
        let Some(own) = self.own_flow() else { return News::Pending };
        match oauth::read_asked(own, status, headers, body, now.wall) {
            Asked::Pending => News::Pending,
            Asked::Failed(failure) => failed(failure),
            Asked::Tokens(text) => {
                match oauth::read_token_answer(200, headers, text.expose(), now.wall, Span::ZERO) {
                    Ok(tokens) => self.keep(tokens, text.expose(), now),
                    Err(failure) => failed(failure),
                }
            }
            Asked::Code(code, verifier) => {
                self.authorization.redirect = own.redirect.clone();
                self.authorization.verifier = verifier.unwrap_or_else(|| self.authorization.verifier.clone());
                self.code = Some(code);
                News::Code
            }
        }
    }

    /// Keeps the tokens, and says what comes next.
    fn keep(&mut self, tokens: Tokens, body: &str, now: Now) -> News {
        // A token that is not bound is not what was asked for (RFC 9449 §5), and one that is cannot be used without the key.
        if self.client.dpop.is_some() != (tokens.bound == Some(true)) {
            return News::Failed { code: "token_type".into(), transient: false };
        }
        self.identity = oauth::identity_of_answer(&self.facts.identity, body, &tokens);
        let mut tokens = tokens;
        if tokens.expires.is_none() {
            tokens.expires = self.facts.life.map(|life| now.wall + life);
        }
        self.tokens = Some(tokens);
        let anonymous = self.identity.email.is_none() || self.identity.account_id.is_none();
        let whose = anonymous && !self.facts.userinfo.is_empty() && self.flow != Flow::ClientCredentials;
        News::Tokens { whose }
    }

    /// After discovery: is everything there?
    fn has_what_it_needs(&mut self) -> Result<(), TokenFailure> {
        let OauthFacts { authorize, device, token, .. } = &self.facts;
        let needed = match self.flow {
            Flow::Code => authorize,
            Flow::Device => device,
            Flow::ClientCredentials => token,
        };
        if needed.is_empty() || token.is_empty() {
            let (kind, code) = (TokenFailureKind::Configuration, "not_offered".into());
            return Err(TokenFailure { kind, code, retry_after: None });
        }
        Ok(())
    }
}

fn failed(failure: TokenFailure) -> News {
    // What nobody understands is final at a login: a person is there to begin again. What is no answer may become one.
    let transient = failure.kind == TokenFailureKind::Transient
        && (failure.code.starts_with("http-5")
            || matches!(&*failure.code, "http-429" | "temporarily_unavailable" | "server_error"));
    News::Failed { code: failure.code, transient }
}

/// May a browser be sent back there? `https`, loopback with a port, or an app's own scheme (RFC 8252 §7.1).
fn is_redirect(url: &str) -> bool {
    let port = |rest: &str| {
        let host = rest.split_once('/').map_or(rest, |(host, _)| host);
        host.rsplit_once(':').is_some_and(|(_, port)| port.parse().is_ok_and(|port: u16| port > 0))
    };
    match split_once(url, "://") {
        Some(("http", rest)) => is_safe_url(url) && port(rest),
        Some(("https", _)) => is_safe_url(url),
        Some((scheme, rest)) => {
            !matches!(scheme, "" | "javascript" | "data" | "file")
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte))
                && rest.bytes().all(|byte| byte.is_ascii_graphic())
        }
        None => false,
    }
}
