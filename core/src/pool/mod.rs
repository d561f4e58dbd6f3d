//! The pool: what a host drives. The machine and the codecs joined, effects in the host's terms.
//!
//! The machine knows references to secrets, and names of providers as they are in the registry; the pool puts in the texts,
//! resolves aliases, and reads answers into verdicts. It decides nothing else.

mod accounts;
mod add;
mod dpop;
mod learning;
mod login;
mod names;
mod packed;
mod profiles;
mod protocol;
mod refresh;
mod resets;
mod seldom;
mod show;
mod table;
mod usage;

pub use add::InputError;
pub use learning::Wanted;
pub use profiles::Preference;
pub use protocol::{
    Answer, CredentialInput, HostEffect, LoginInput, MutationData, Outcome, PoolConfig, PoolInput, PoolStep,
    RowData, SecretEntry, SecretInput, StreamData,
};
pub use refresh::HostRenewal;
pub use show::{CandidateView, Explanation};
pub use usage::{Forecast, HostUsage, UsageView};

use crate::classify::{classify, classify_stream, Answer as Upstream, Subject};
use crate::credential::Record;
use crate::engine::{
    Acquire, AcquireCommand, Command, Completion, Effect, Engine, Failed, FailedCode, Input, Leased,
    Mutation, Refusal, Reply, ReportCommand, Reported, Row, Step, Target,
};
use crate::entropy::Seed;
use crate::facts::{Kind, ProviderFacts};
use crate::id::{CredentialId, Handle, LeaseId, OpId, RequestId, RouteId, SecretRef, SessionIx};
use crate::json;
use crate::policy::{Policy, PolicyError};
use crate::provider::{RegisterError, Registry};
use crate::select::IntMap;
use crate::time::{Instant, Now};
use crate::vault::{Client, SecretParts, Vault};
use crate::verdict::{Failure, Reason, Scope, Verdict};
use crate::wire::http::Headers;
use crate::wire::session::{derive_session, DerivedSession};

/// An engine, its secrets, and what it knows of providers.
pub struct Pool {
    engine: Engine,
    vault: Vault,
    registry: Registry,
    seed: Seed,
    /// Stored credentials by a digest of their secret: made when something is first added.
    fingerprints: Option<IntMap<u64, u32>>,
    /// By handle: has the host taken the entry as it is now?
    taken: Vec<bool>,
    /// The user's OAuth clients, by registry names of providers.
    clients: Vec<(Box<str>, Client)>,
    /// Token endpoints that were asked and have not answered.
    calls: Vec<refresh::Call>,
    /// Proofs of possession: what servers want in them, and requests that went out with one.
    proofs: dpop::Proofs,
    /// Providers that were asked what is left of an account.
    questions: Vec<usage::Question>,
    /// Providers that were asked for saved resets.
    resets: Vec<resets::ResetsCall>,
    /// What the host's own code does to renew accounts, by registry names of providers.
    renewals: Vec<(Box<str>, HostRenewal)>,
    /// What it does to learn and to rank what is left of them, likewise.
    usage_hosts: Vec<(Box<str>, HostUsage)>,
}

/// Why a pool could not be made.
#[derive(Debug)]
pub enum OpenError {
    /// The policy is wrong.
    Policy(PolicyError),
    /// A provider of the configuration is wrong.
    Provider(RegisterError),
}

impl core::fmt::Display for OpenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Policy(error) => error.fmt(f),
            Self::Provider(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenError {}

impl Pool {
    /// An empty pool. The first input is [`PoolInput::Load`].
    pub fn new(config: PoolConfig, now: Now) -> Result<Self, OpenError> {
        let policy = Policy::read_with(config.policy, &config.documents).map_err(OpenError::Policy)?;
        let mut registry = Registry::builtin();
        for facts in config.providers {
            registry.register(facts).map_err(OpenError::Provider)?;
        }
        let mut clients = config.clients;
        for (provider, _) in &mut clients {
            if let Some(name) = registry.resolve(provider) {
                *provider = name.into();
            }
        }
        let seed = Seed(config.seed);
        let mut engine = Engine::new(policy, seed, now);
        engine.tell_selected(config.tell_selected);
        if config.shared_limits {
            engine.share_limits();
        }
        let mut pool = Self {
            engine,
            vault: Vault::default(),
            registry,
            seed,
            fingerprints: None,
            clients,
            taken: Vec::new(),
            calls: Vec::new(),
            proofs: dpop::Proofs::default(),
            questions: Vec::new(),
            resets: Vec::new(),
            renewals: Vec::new(),
            usage_hosts: Vec::new(),
        };
        pool.tell_refresh_facts();
        for (provider, host) in config.renewals {
            pool.renew_by_host(&provider, host);
        }
        pool.tell_usage_facts();
        Ok(pool)
    }

    /// The machine, to look at.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The registry of providers.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Adds a provider. What was a stranger's name before is the provider's from now on.
    pub fn register(&mut self, facts: ProviderFacts) -> Result<(), RegisterError> {
        let name = facts.name.to_ascii_lowercase();
        self.registry.register(facts)?;
        self.tell_facts_of(name.trim());
        Ok(())
    }

    /// The whole secret of a stored credential, as its row has it.
    pub fn export_secret(&self, id: CredentialId) -> Option<String> {
        let handle = self.engine.find(id)?;
        let parts = self.vault.get(self.engine.secret(handle)?)?;
        Some(parts.to_json(self.engine.record(handle)?.kind))
    }

    /// Tells of every selection from now on, or no longer.
    pub fn tell_selected(&mut self, tell: bool) {
        self.engine.tell_selected(tell);
    }

    /// Something happened.
    pub fn handle(&mut self, now: Now, input: PoolInput) -> PoolStep {
        let of_usage = match &input {
            PoolInput::Answered { op, status, headers, body } => {
                let answer = usage::Answered { status: *status, headers, body };
                self.usage_answered(now, *op, Some(answer))
            }
            PoolInput::Unanswered { op, .. } => self.usage_answered(now, *op, None),
            _ => None,
        };
        if let Some(step) = of_usage {
            return step;
        }
        if !self.proofs.is_empty() {
            if let Some(again) = self.proof_was_answered(&input) {
                let step = self.engine.handle(now, Input::Tick);
                let mut step = self.present(now, step);
                step.effects.push(again);
                return step;
            }
        }
        let mut before = None;
        if let PoolInput::Report { lease, handle, outcome, .. } = &input {
            let handle = handle.or_else(|| lease.map(LeaseId::handle));
            let seen = handle.and_then(|handle| self.seen_in(handle, outcome, now));
            before = seen.map(|seen| self.engine.handle(now, Input::Command(seen)));
        }
        if let Some(before) = before {
            let mut present = self.present(now, before);
            let step = match self.translate(now, input) {
                Ok(input) => self.engine.handle(now, input),
                Err((request, answer)) => {
                    present.effects.push(HostEffect::Reply { request, answer });
                    self.engine.handle(now, Input::Tick)
                }
            };
            self.present_into(now, step, &mut present);
            return present;
        }
        match self.translate(now, input) {
            Ok(input) => {
                let step = self.engine.handle(now, input);
                self.present(now, step)
            }
            Err((request, answer)) => {
                let step = self.engine.handle(now, Input::Tick);
                let mut step = self.present(now, step);
                step.effects.push(HostEffect::Reply { request, answer });
                step
            }
        }
    }

    /// The hot path, see [`Engine::try_acquire`].
    pub fn try_acquire(&mut self, mono: Instant, route: RouteId, session: SessionIx) -> Acquire {
        self.engine.try_acquire(mono, route, session)
    }

    /// The hot path's end of a successful call, see [`Engine::release`].
    pub fn release(&mut self, mono: Instant, lease: LeaseId) -> bool {
        self.engine.release(mono, lease)
    }

    /// Ends a lease of which nothing is known, see [`Engine::abandon`]: where it answers false, tick at once.
    pub fn abandon(&mut self, lease: LeaseId) -> bool {
        self.engine.abandon(lease)
    }

    /// When a route's first candidate comes back.
    pub fn soonest(&mut self, route: RouteId) -> Acquire {
        self.engine.soonest(route)
    }

    /// The number of a provider, by name or alias, and a model. An unknown provider has a number too: credentials may name
    /// it later.
    pub fn route(&mut self, provider: &str, model: Option<&str>) -> RouteId {
        match self.registry.resolve(provider) {
            Some(name) => self.engine.route(name, model, true),
            None => self.engine.route(&provider.trim().to_ascii_lowercase(), model, false),
        }
    }

    /// What the upstream of a lease calls the model that its caller named; `None` where that is the same.
    pub fn upstream_model(&self, lease: LeaseId, requested: &str) -> Option<String> {
        self.engine.upstream_model(lease, requested)
    }

    /// What the answer to a lease's call is to call its model, where that is not as the upstream calls it. See
    /// [`ModelNames`](crate::wire::model_names::ModelNames).
    pub fn answer_model(&self, lease: LeaseId) -> Option<&str> {
        self.engine.answer_model(lease)
    }

    /// The number of a session.
    pub fn session(&mut self, name: &str) -> SessionIx {
        self.engine.session(name)
    }

    /// The session that a request belongs to, where the policy wants it read off the request: its headers, and its body as
    /// JSON text.
    pub fn derive_session(&self, headers: &[(String, String)], body: Option<&str>) -> Option<DerivedSession> {
        let derives = self.engine.policy().affinity.derive;
        derives.then(|| derive_session(Headers::from(headers), body)).flatten()
    }

    /// The registry name of a provider.
    fn name_of(&self, provider: &str) -> Box<str> {
        self.registry
            .resolve(provider)
            .map_or_else(|| provider.trim().to_ascii_lowercase().into(), Into::into)
    }

    fn translate(&mut self, now: Now, input: PoolInput) -> Result<Input, (RequestId, Answer)> {
        let command = match input {
            PoolInput::Tick {} => return Ok(Input::Tick),
            PoolInput::Load { request } => Command::Load { request },
            PoolInput::Acquire {
                request,
                providers,
                model,
                session,
                known_as,
                exclude,
                tried,
                round,
                after,
                wait,
                prefer,
                now: at_once,
            } => {
                let routes =
                    providers.iter().map(|provider| self.route(provider, model.as_deref())).collect();
                let session = session.map_or(SessionIx::NONE, |name| self.session(&name));
                let known_as = known_as.map_or(SessionIx::NONE, |name| self.session(&name));
                Command::Acquire(AcquireCommand {
                    request,
                    routes,
                    session,
                    known_as,
                    exclude,
                    tried,
                    round,
                    after,
                    wait,
                    prefer,
                    now: at_once,
                })
            }
            PoolInput::Cancel { request } => Command::Cancel { request },
            PoolInput::Report { request, lease, handle, model, session, outcome, attempts, refreshed } => {
                let handle = handle.or_else(|| lease.map(LeaseId::handle));
                let record = handle.and_then(|handle| self.engine.record(handle));
                let (provider, name) = record
                    .map(|record| (record.provider.clone(), &record.name))
                    .ok_or_else(|| (request, not_found()))?;
                let verdict = self.judge(&provider, name, &outcome, now);
                let target = match (lease, handle) {
                    (Some(lease), _) => Target::Lease(lease),
                    (None, Some(handle)) => {
                        let route = self.route(&provider, model.as_deref());
                        let session = session.map_or(SessionIx::NONE, |name| self.session(&name));
                        Target::Credential { handle, route, session }
                    }
                    (None, None) => return Err((request, not_found())),
                };
                let succeeded = verdict == Verdict::Success;
                let stated = self.stated(&outcome, succeeded, now);
                let spending =
                    handle.map_or(outcome.usage, |handle| self.spending(handle, &outcome, succeeded));
                Command::Report(ReportCommand {
                    request,
                    target,
                    verdict,
                    spending,
                    stated,
                    attempts,
                    refreshed,
                })
            }
            PoolInput::Add { request, credentials } => {
                let items = self.new_items(credentials).map_err(|error| (request, invalid(&error)))?;
                Command::Add { request, items }
            }
            PoolInput::Override { request, provider, origin, kind, secret, name } => {
                let (record, secret) = self
                    .override_parts(&provider, origin, kind, secret, name)
                    .map_err(|error| (request, invalid(&error)))?;
                Command::Override { request, record: Box::new(record), origin, secret }
            }
            PoolInput::Flush { request } => Command::Flush { request },
            PoolInput::Loaded { op, generation, rows } => {
                let rows = rows.into_iter().map(|row| self.keep_secret(row)).collect();
                return Ok(Input::Completion(op, Completion::Loaded { generation, rows }));
            }
            PoolInput::Changed { generation, rows } => {
                let rows = rows.into_iter().map(|row| self.keep_secret(row)).collect();
                return Ok(Input::Changed(generation, rows));
            }
            PoolInput::Committed { op, generation, rows } => {
                return Ok(Input::Completion(op, Completion::Committed { generation, rows }));
            }
            PoolInput::Conflict { op, rows } => {
                let rows = rows.into_iter().map(|row| self.keep_secret(row)).collect();
                return Ok(Input::Completion(op, Completion::Conflict { rows }));
            }
            PoolInput::Appended { op } => return Ok(Input::Completion(op, Completion::Appended)),
            PoolInput::Failed { op, message } => {
                return Ok(Input::Completion(op, Completion::Failed { message }));
            }
            seldom => return self.translate_seldom(now, seldom),
        };
        Ok(Input::Command(command))
    }

    /// What an answer means that a credential of this provider and name got.
    pub fn judge(&self, provider: &str, credential: &str, outcome: &Outcome, now: Now) -> Verdict {
        if outcome.ok {
            return Verdict::Success;
        }
        let provider = self.name_of(provider);
        let subject = Subject { provider: &provider, credential };
        let rules = &self.engine.policy().classify;
        let headers = Headers::from(outcome.headers.as_slice());
        if let Some(stream) = &outcome.stream {
            return classify_stream(rules, subject, headers, stream.view(), now.wall);
        }
        let mut answer = Upstream {
            status: outcome.status,
            headers,
            body: outcome.body.as_deref(),
            transport: outcome.transport,
        };
        let verdict = classify(rules, subject, &answer, now.wall);
        if !outcome.aside || outcome.status != Some(404) {
            return verdict;
        }
        // An endpoint that is missing says nothing of the credential, unless the answer says that the model is.
        answer.status = None;
        match classify(rules, subject, &answer, now.wall) {
            Verdict::Failure(said) if said.reason == Reason::ModelNotFound => verdict,
            _ => Verdict::Failure(Failure::new(Reason::Unknown, Scope::Request, None)),
        }
    }

    fn keep_secret(&mut self, row: RowData) -> Row {
        let secret =
            row.secret.as_deref().and_then(SecretParts::from_json).map(|parts| self.vault.put(parts));
        Row { kind: row.kind, id: row.id, version: row.version, data: row.data, secret }
    }

    /// A step in the host's terms: references become texts.
    #[inline(never)]
    fn present(&mut self, now: Now, step: Step) -> PoolStep {
        let mut present =
            PoolStep { changed: Vec::new(), effects: Vec::new(), events: Vec::new(), deadline: None };
        self.present_into(now, step, &mut present);
        present
    }

    fn present_into(&mut self, now: Now, step: Step, present: &mut PoolStep) {
        present.events.extend(step.events);
        present.deadline = step.next_deadline;
        // Secrets are dropped last: an effect before may still carry one.
        let mut dropped = Vec::new();
        let mut follow = Vec::new();
        for effect in step.effects {
            match effect {
                Effect::Load { op, since } => present.effects.push(HostEffect::Load { op, since }),
                Effect::Append { op, history, entries } => {
                    present.effects.push(HostEffect::Append { op, log: history, entries });
                }
                Effect::Commit { op, mutations } => {
                    let mutations =
                        mutations.into_iter().map(|mutation| self.with_secret(mutation)).collect();
                    present.effects.push(HostEffect::Commit { op, mutations });
                }
                Effect::Reveal { handle, secret } => {
                    self.note_fingerprint(handle, secret);
                    self.outdate(handle, &mut present.changed);
                }
                Effect::Forget { handle } => self.outdate(handle, &mut present.changed),
                Effect::DropSecret { secret } => dropped.push(secret),
                Effect::Reply { request, reply } => {
                    present.effects.push(HostEffect::Reply { request, answer: answer(reply) });
                }
                seldom => self.present_seldom(seldom, present, &mut follow),
            }
        }
        for secret in dropped {
            self.vault.forget(secret);
        }
        // What follows at once, without the host: only now, when all of this step is presented.
        for next in follow {
            match next {
                Follow::Store(login) => self.store_login(now, login, present),
                Follow::Failed(op, failed) => {
                    let step = self.engine.handle(now, Input::Completion(op, failed));
                    self.present_into(now, step, present);
                }
            }
        }
    }

    fn with_secret(&self, mutation: Mutation) -> MutationData {
        let Mutation { kind, id, expects, data, secret } = mutation;
        let secret = secret.and_then(|secret| self.vault.get(secret)).map(|parts| {
            let record = data.as_deref().and_then(|data| json::read::<Record>(data).ok());
            parts.to_json(record.map_or(Kind::ApiKey, |record| record.kind))
        });
        MutationData { kind, id, expects, data, secret }
    }

    /// The host's entry of a handle no longer holds.
    fn outdate(&mut self, handle: Handle, changed: &mut Vec<Handle>) {
        if let Some(taken @ true) = self.taken.get_mut(handle.0 as usize) {
            *taken = false;
            changed.push(handle);
        }
    }

    fn note_fingerprint(&mut self, handle: Handle, secret: SecretRef) {
        let Some(known) = &mut self.fingerprints else { return };
        let Some(record) = self.engine.record(handle) else { return };
        let Some(parts) = self.vault.get(secret) else { return };
        if self.engine.origin(handle).is_some_and(|(origin, _)| origin.is_stored()) {
            known.insert(parts.fingerprint(&record.provider), handle.0);
        }
    }
}

/// What follows a step at once.
enum Follow {
    /// The account of a login is to be added.
    Store(RequestId),
    /// There is nothing to be sent for an effect: this came of it.
    Failed(OpId, Completion),
}

fn answer(reply: Reply) -> Answer {
    match reply {
        Reply::Leased(Leased { lease, handle, origin, forced, round }) => {
            Answer::Leased { lease, handle, origin, forced, round }
        }
        Reply::Refused(Refusal { code, retry_at }) => Answer::Refused { code, retry_at },
        Reply::Reported(Reported { reason, scope, until, level, next, handle, message }) => {
            Answer::Reported {
                reason: reason.map_or("ok", Reason::as_str),
                scope,
                until,
                level,
                action: next,
                handle,
                message,
            }
        }
        Reply::Refreshed { handle, version, expires } => Answer::Refreshed { handle, version, expires },
        Reply::RefreshFailed { definitive, cause } => Answer::RefreshFailed { definitive, cause },
        Reply::Introspected(said) => Answer::Introspected(said),
        Reply::Checked(checked) => Answer::Checked(checked),
        Reply::Resets(told) => Answer::Resets(told),
        Reply::Marked { switched, retry_at, until } => Answer::Marked { switched, retry_at, until },
        Reply::Ingested { ingested } => Answer::Ingested { ingested },
        Reply::Done { ids } => Answer::Done { ids },
        Reply::Failed(Failed { code, message }) => Answer::Failed { code, message },
    }
}

fn invalid(error: &InputError) -> Answer {
    Answer::Failed { code: FailedCode::Invalid, message: error.to_string().into() }
}

fn not_found() -> Answer {
    let message = "there is no such credential, or the lease has ended".into();
    Answer::Failed { code: FailedCode::NotFound, message }
}
