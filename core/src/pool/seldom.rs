//! What few programs say to a pool or have it do: logins, accounts' tokens, changes of credentials, other rules. It is not in the
//! WebAssembly that every program loads (`scripts/build/split/everyday.mjs`): what an everyday step needs is elsewhere.

use super::protocol::{HostEffect, PoolInput, PoolStep};
use super::{invalid, not_found, refresh, Answer, Follow, Pool};
use crate::credential::Identity;
use crate::engine::{
    Command, Completion, CostCommand, Effect, Errand, FailedCode, Input, MarkCommand, Redemption,
};
use crate::id::{CredentialId, Handle, OpId, RequestId, SessionIx};
use crate::json::{self, variant, Reader, Value, Wrong};
use crate::limit::Granted;
use crate::oauth::Tokens;
use crate::policy::Policy;
use crate::refresh::{FailureKind, RefreshFailure};
use crate::time::{Now, Span};
use crate::wire::http::HttpRequest;

impl PoolInput {
    /// Reads what has this name.
    #[inline(never)]
    pub(super) fn read_seldom(tag: &str, from: &mut Reader<'_>) -> Result<Self, Wrong> {
        Ok(match tag {
            "update" => {
                variant!(from, Self::Update { request, id, changes = Box::default(), secret = None })
            }
            "remove" => variant!(from, Self::Remove { request, id }),
            "untie" => variant!(from, Self::Untie { request, session }),
            "reset" => {
                variant!(from, Self::Reset { request, handle = None, provider = None, model = None })
            }
            "drain" => variant!(from, Self::Drain { request, handle }),
            "policy" => {
                variant!(from, Self::Policy { request, policy = Value::Null, documents = Vec::new() })
            }
            "usage" => variant!(from, Self::Usage { request, handle, report }),
            "fetch_usage" => variant!(from, Self::FetchUsage {
                request,
                providers = Vec::new(),
                handles = Vec::new(),
                force = false,
                wait = Span::from_secs(15),
            }),
            "mark_usage" => variant!(from, Self::MarkUsage {
                request,
                provider,
                model = None,
                session = None,
                handle = None,
                retry_after as "retryAfter" = None,
            }),
            "usage_headers" => variant!(from, Self::UsageHeaders { request, handle, headers, status = None }),
            "cost" => variant!(from, Self::Cost {
                request,
                provider,
                session = None,
                handle = None,
                usage,
                at = None,
            }),
            "errand" => variant!(from, Self::Errand {
                request,
                handle,
                wait = Span::from_secs(10),
                resets = false,
                redemption = None,
                credit = None,
            }),
            "host_usage" => {
                variant!(from, Self::HostUsage { op, report = None, code = Box::default(), refused = false })
            }
            "ranked" => variant!(from, Self::Ranked { op, rank = None }),
            "login" => variant!(from, Self::Login { request, login }),
            "callback" => variant!(from, Self::Callback { request, login, text, pasted = false }),
            "logout" => variant!(from, Self::Logout { request, id }),
            "refresh" => variant!(from, Self::Refresh {
                request,
                id,
                force = false,
                failed = None,
                wait = Span::ZERO,
            }),
            "introspect" => variant!(from, Self::Introspect { request, id }),
            "auto_refresh" => {
                variant!(from, Self::AutoRefresh { request, enabled = true, interval = Span::ZERO })
            }
            "leased" => variant!(from, Self::Leased { op, fence }),
            "busy" => variant!(from, Self::Busy { op }),
            "answered" => {
                variant!(from, Self::Answered { op, status, headers = Vec::new(), body = String::new() })
            }
            "unanswered" => variant!(from, Self::Unanswered { op, sent = true }),
            "advised" => {
                variant!(from, Self::Advised { op, lead = None, renew = None, decided = false })
            }
            "shared" => variant!(from, Self::Shared {
                op,
                slots = 0,
                passes = 0,
                members = 1,
                retry = Span::ZERO,
            }),
            "host_refreshed" => variant!(from, Self::HostRefreshed {
                op,
                access,
                refresh = None,
                expires = None,
                identity = Identity::default(),
            }),
            "host_refresh_failed" => variant!(from, Self::HostRefreshFailed {
                op,
                definitive = false,
                code = "host".into(),
                retry_after = None,
            }),
            _ => return Err(from.wrong("there is no such input")),
        })
    }
}

impl Pool {
    /// What the host says, in the machine's terms.
    #[inline(never)]
    pub(super) fn translate_seldom(
        &mut self,
        now: Now,
        input: PoolInput,
    ) -> Result<Input, (RequestId, Answer)> {
        let command = match input {
            PoolInput::Update { request, id, changes, secret } => {
                let handle = self.engine.find(id).ok_or_else(|| (request, not_found()))?;
                let secret =
                    self.new_secret(handle, &changes, secret).map_err(|error| (request, invalid(&error)))?;
                Command::Update { request, handle, changes, secret }
            }
            PoolInput::Remove { request, id } => {
                let handle = self.engine.find(id).ok_or_else(|| (request, not_found()))?;
                Command::Remove { request, handle }
            }
            PoolInput::Untie { request, session } => {
                let session = self.session(&session);
                Command::Untie { request, session }
            }
            PoolInput::Reset { request, handle, provider, model } => {
                let of = handle
                    .and_then(|handle| self.engine.record(handle))
                    .map(|record| record.provider.clone());
                let route = match provider.or(of) {
                    Some(provider) => Some(self.route(&provider, model.as_deref())),
                    None if model.is_some() => {
                        let message = "a reset for one model of all credentials needs a provider".into();
                        return Err((request, Answer::Failed { code: FailedCode::Invalid, message }));
                    }
                    None => None,
                };
                Command::Reset { request, handle, route }
            }
            PoolInput::Drain { request, handle } => Command::Drain { request, handle },
            PoolInput::Policy { request, policy, documents } => match Policy::read_with(policy, &documents) {
                Ok(policy) => Command::SetPolicy { request, policy: Box::new(policy) },
                Err(error) => {
                    let message = error.to_string().into();
                    return Err((request, Answer::Failed { code: FailedCode::Invalid, message }));
                }
            },
            PoolInput::Usage { request, handle, report } => self.host_usage(request, handle, report)?,
            PoolInput::FetchUsage { request, providers, handles, force, wait } => {
                let providers: Vec<_> = providers.iter().map(|name| self.name_of(name)).collect();
                let of = |handle: &Handle| {
                    self.engine.record(*handle).is_some_and(|record| {
                        providers.contains(&record.provider)
                            || handles.contains(handle)
                            || providers.is_empty() && handles.is_empty()
                    })
                };
                let handles = self.engine.handles().filter(of).collect();
                Command::FetchUsage { request, handles, force, wait }
            }
            PoolInput::MarkUsage { request, provider, model, session, handle, retry_after } => {
                let route = self.route(&provider, model.as_deref());
                let session = session.map_or(SessionIx::NONE, |name| self.session(&name));
                Command::MarkUsage(MarkCommand { request, route, session, handle, retry_after })
            }
            PoolInput::UsageHeaders { request, handle, headers, status } => {
                match self.usage_headers(handle, &headers, status, now) {
                    Some(seen) => Command::UsageHeaders { request: Some(request), handle, seen },
                    None => return Err((request, Answer::Ingested { ingested: false })),
                }
            }
            PoolInput::Cost { request, provider, session, handle, usage, at } => {
                let route = self.route(&provider, None);
                let session = session.map_or(SessionIx::NONE, |name| self.session(&name));
                Command::Cost(CostCommand { request, route, session, handle, spending: usage, at })
            }
            PoolInput::Errand { request, handle, wait, resets, redemption, credit } => {
                if let Some(told) = self.no_resets(handle, resets, redemption.is_some()) {
                    return Err((request, Answer::Resets(told)));
                }
                let errand = match redemption {
                    Some(id) => Errand::Redeem(Redemption { credit, id }),
                    None if resets => Errand::Resets,
                    None => Errand::Check,
                };
                Command::Errand { request, handle, wait, errand }
            }
            PoolInput::HostUsage { op, report, code, refused } => {
                return Ok(Input::Completion(op, Self::told_by_host(report, &code, refused)));
            }
            PoolInput::Ranked { op, rank } => {
                return Ok(Input::Completion(op, Completion::Ranked(rank)));
            }
            PoolInput::Login { request, login } => self.start_login(request, login)?,
            PoolInput::Callback { request, login, text, pasted } => {
                self.callback(request, login, &text, pasted)?
            }
            PoolInput::Logout { request, id } => self.log_out(request, id)?,
            PoolInput::Refresh { request, id, force, failed, wait } => {
                let handle = self.engine.find(id).ok_or_else(|| (request, not_found()))?;
                Command::Refresh { request, handle, force, failed, wait }
            }
            PoolInput::Introspect { request, id } => {
                let handle = self.engine.find(id).ok_or_else(|| (request, not_found()))?;
                if self.introspection(handle).is_none() {
                    let message = "its provider has no introspection endpoint that is known: give it in the provider's `oauth`";
                    return Err((
                        request,
                        Answer::Failed { code: FailedCode::Invalid, message: message.into() },
                    ));
                }
                Command::Introspect { request, handle }
            }
            PoolInput::AutoRefresh { request, enabled, interval } => {
                Command::AutoRefresh { request, enabled, interval }
            }
            PoolInput::Leased { op, fence } => {
                return Ok(Input::Completion(op, Completion::Leased { fence }));
            }
            PoolInput::Busy { op } => return Ok(Input::Completion(op, Completion::Busy)),
            PoolInput::Answered { op, status, headers, body } => {
                let refresh = self.refresh_answer(now, op, status, &headers, &body);
                let completion = refresh
                    .or_else(|| self.introspection_answer(op, status, &body))
                    .or_else(|| self.login_answer(now, op, status, &headers, &body));
                return Ok(Input::Completion(op, completion.unwrap_or_else(nothing_asked)));
            }
            PoolInput::Unanswered { op, sent } => {
                let completion = self.refresh_unanswered(op, sent);
                return Ok(Input::Completion(op, completion.unwrap_or_else(nothing_asked)));
            }
            PoolInput::Advised { op, lead, renew, decided } => {
                return Ok(Input::Completion(op, Completion::Advised { lead, renew, decided }));
            }
            PoolInput::Shared { op, slots, passes, members, retry } => {
                let granted = Granted { slots, passes, members, retry };
                return Ok(Input::Completion(op, Completion::Shared(granted)));
            }
            PoolInput::HostRefreshed { op, access, refresh, expires, identity } => {
                let completion = match refresh::host_tokens(&access, refresh, expires) {
                    Some(tokens) => self.refreshed_by_host(op, Tokens { identity, ..tokens }),
                    None => self.failed_by_host(op, refresh_failure(false, "malformed".into(), None)),
                };
                return Ok(Input::Completion(op, completion.unwrap_or_else(nothing_asked)));
            }
            PoolInput::HostRefreshFailed { op, definitive, code, retry_after } => {
                let completion = self.failed_by_host(op, refresh_failure(definitive, code, retry_after));
                return Ok(Input::Completion(op, completion.unwrap_or_else(nothing_asked)));
            }
            // The others are translated elsewhere.
            _ => return Ok(Input::Tick),
        };
        Ok(Input::Command(command))
    }

    /// An effect in the host's terms.
    #[inline(never)]
    pub(super) fn present_seldom(
        &mut self,
        effect: Effect,
        present: &mut PoolStep,
        follow: &mut Vec<Follow>,
    ) {
        match effect {
            Effect::Lease { op, id, ttl } => {
                present.effects.push(HostEffect::Lease { op, key: lease_key(id), ttl });
            }
            Effect::Renew { op, id, fence, ttl } => {
                present.effects.push(HostEffect::Renew { op, key: lease_key(id), fence, ttl });
            }
            Effect::Release { id, fence } => {
                present.effects.push(HostEffect::Release { key: lease_key(id), fence });
            }
            Effect::Refresh { op, handle, secret } => match self.refresh_call(op, handle, secret) {
                Ok(effect) => present.effects.push(effect),
                Err(failure) => follow.push(Follow::Failed(op, Completion::RefreshFailed(failure))),
            },
            Effect::Advise { op, handle, decide, expires, renewed } => {
                present.effects.push(HostEffect::Advise { op, handle, decide, expires, renewed });
            }
            Effect::Share { op, id, ask, terms } => {
                let key = ["limit/", &*id.0.to_string()].concat();
                present.effects.push(HostEffect::Share { op, key, ask, terms });
            }
            Effect::Introspect { op, handle } => {
                let request = self.introspection(handle);
                self.present_request(op, Some(handle), None, request, present, follow);
            }
            Effect::FetchUsage { op, handle, secret } => match self.usage_question(op, handle, secret) {
                Ok(effect) => present.effects.push(effect),
                Err(trouble) => follow.push(Follow::Failed(op, Completion::UsageFailed(trouble))),
            },
            Effect::Rank { op, handle } => {
                let report =
                    self.engine.usage_report(handle).map_or_else(String::new, |report| json::write(report));
                present.effects.push(HostEffect::RankByHost { op, handle, report });
            }
            Effect::Resets { op, handle, secret, redeem } => {
                match self.resets_call(op, handle, secret, redeem) {
                    Ok(effect) => present.effects.push(effect),
                    Err(told) => follow.push(Follow::Failed(op, told)),
                }
            }
            Effect::LoginCall { op, login, stage } => {
                let now = self.engine.now();
                if let Some(made) = self.made_codes(now, login, stage) {
                    return follow.push(Follow::Failed(op, made));
                }
                let request = self.login_request(login, stage);
                self.present_request(op, None, Some(login), request, present, follow);
            }
            Effect::LoginPrompt { login } => present.effects.extend(self.login_prompt(login)),
            Effect::LoginStore { login } => follow.push(Follow::Store(login)),
            Effect::LoginOver { login } => self.vault.forget_login(login),
            Effect::Revoke { op, handle } => {
                let request = self.revocation(handle);
                self.present_request(op, Some(handle), None, request, present, follow);
            }
            // The others are presented elsewhere.
            _ => {}
        }
    }

    /// A request of an account's or of a login's, if there is one to be made.
    fn present_request(
        &mut self,
        op: OpId,
        handle: Option<Handle>,
        login: Option<RequestId>,
        request: Option<HttpRequest>,
        present: &mut PoolStep,
        follow: &mut Vec<Follow>,
    ) {
        match request {
            Some(request) => present.effects.push(self.send(op, handle, login, request)),
            None => follow.push(Follow::Failed(op, nothing_asked())),
        }
    }
}

/// The key of the lease under which a credential's tokens are renewed.
fn lease_key(id: CredentialId) -> String {
    ["refresh/", &*id.0.to_string()].concat()
}

fn nothing_asked() -> Completion {
    Completion::Failed { message: "it answers nothing".into() }
}

fn refresh_failure(definitive: bool, code: Box<str>, retry_after: Option<Span>) -> RefreshFailure {
    let kind = if definitive { FailureKind::Definitive } else { FailureKind::Transient };
    // A word, not a text: it goes into events.
    let is_word =
        code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    RefreshFailure { kind, code: if is_word { code } else { "host".into() }, retry_after }
}
