//! The pool as a JavaScript class.

use credpool::credential::Origin;
use credpool::engine::{Acquire, RefusalCode};
use credpool::facts::ProviderFacts;
use credpool::id::{CredentialId, Handle, LeaseId, OpId, RouteId, SessionIx};
use credpool::json::{self, FromJson, ToJson, Writer};
use credpool::policy::first_profiles;
use credpool::pool::{Pool, PoolConfig, PoolInput, Preference};
use credpool::provider::{CREDENTIAL_HEADERS, CREDENTIAL_QUERY, LIST_HEADERS};
use credpool::time::{Instant, Now, Timestamp};
use credpool::wire::model_names::{Form, ModelNames};
use credpool::wire::rate_limit::NAMES;
use wasm_bindgen::prelude::*;

/// The hot path's answers below zero.
mod code {
    pub(super) const ASK: f64 = -1.0;
    pub(super) const COOLING_DOWN: f64 = -2.0;
    pub(super) const UNAVAILABLE: f64 = -3.0;
    pub(super) const NOT_FOUND: f64 = -4.0;
    pub(super) const UNKNOWN_PROVIDER: f64 = -5.0;
    pub(super) const TOO_MANY: f64 = -6.0;
}

/// A pool. Times are milliseconds: `wall` since 1970, `mono` on a clock that never goes back.
#[wasm_bindgen]
pub struct WasmPool(Pool);

#[wasm_bindgen]
impl WasmPool {
    /// Makes an empty pool from a `PoolConfig`. Throws where the configuration is wrong, with the place.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str, wall: f64, mono: f64) -> Result<WasmPool, JsError> {
        let config: PoolConfig = parse(config)?;
        Pool::new(config, now(wall, mono)).map(Self).map_err(|error| JsError::new(&error.to_string()))
    }

    /// Something happened: a `PoolInput` in, a `PoolStep` out. Throws where the input is malformed, with the place.
    pub fn handle(&mut self, wall: f64, mono: f64, input: &str) -> Result<String, JsError> {
        let parsed: PoolInput = parse(input)?;
        let step = self.0.handle(now(wall, mono), parsed);
        // The engine has gone on, and the host will not hear of it: the worst moment.
        #[cfg(feature = "break-on-purpose")]
        crate::broken::asked(input);
        Ok(json::write(&step))
    }

    /// Some rows of a load: their numbers, and the UTF-8 of one text of all their texts (`core/src/pool/packed.rs`). A
    /// `PoolStep` out; empty where numbers and text do not belong together.
    #[wasm_bindgen(js_name = takeRows)]
    pub fn take_rows(&mut self, wall: f64, mono: f64, op: f64, numbers: &[f64], text: &[u8]) -> String {
        let text = core::str::from_utf8(text).unwrap_or_default();
        match self.0.take_rows(now(wall, mono), OpId(op as u64), numbers, text) {
            Some(step) => json::write(&step),
            None => String::new(),
        }
    }

    /// What the host keeps of the credential at a handle: a `SecretEntry`; empty where nobody is there.
    pub fn entry(&mut self, handle: u32) -> String {
        self.0.entry(Handle(handle)).map_or_else(String::new, |entry| json::write(&entry))
    }

    /// The handle of a stored credential; -1 where there is none.
    pub fn find(&self, id: f64) -> f64 {
        place(self.0.find(CredentialId(id as u64)))
    }

    /// The handle of a credential by its provider and its name; -1 where there is none.
    #[wasm_bindgen(js_name = findNamed)]
    pub fn find_named(&self, provider: &str, name: &str) -> f64 {
        place(self.0.find_named(provider, name))
    }

    /// The handle of what the host's fallback gave for a provider; -1 where there is nothing.
    #[wasm_bindgen(js_name = findFallback)]
    pub fn find_fallback(&self, provider: &str) -> f64 {
        place(self.0.find_unstored(provider, Origin::Fallback))
    }

    /// A text of somebody else without any secret of this pool.
    #[wasm_bindgen(js_name = withoutSecrets)]
    pub fn without_secrets(&self, text: &str) -> String {
        self.0.without_secrets(text)
    }

    /// What is to be signed as the proof for one request with a token that is bound to a key (RFC 9449); empty where the key is none.
    pub fn proof(&mut self, wall: f64, key: &str, access: &str, method: &str, url: &str) -> String {
        self.0.proof(Timestamp(wall as u64), key, access, method, url).unwrap_or_default()
    }

    /// An answer to such a request: its address, its status, headers as pairs. Is the request to be made once more?
    #[wasm_bindgen(js_name = proofAnswered)]
    pub fn proof_answered(&mut self, wall: f64, url: &str, status: u16, headers: &str) -> bool {
        let headers: Vec<(String, String)> = json::read(headers).unwrap_or_default();
        self.0.proof_answered(Timestamp(wall as u64), url, status, &headers)
    }

    /// What the host's own code does to renew a provider's accounts: a `HostRenewal`.
    #[wasm_bindgen(js_name = renewByHost)]
    pub fn renew_by_host(&mut self, provider: &str, renewal: &str) -> Result<(), JsError> {
        self.0.renew_by_host(provider, parse(renewal)?);
        Ok(())
    }

    /// What the host's own code does for the usage of a provider's accounts: a `HostUsage`.
    #[wasm_bindgen(js_name = usageByHost)]
    pub fn usage_by_host(&mut self, provider: &str, usage: &str) -> Result<(), JsError> {
        self.0.usage_by_host(provider, parse(usage)?);
        Ok(())
    }

    /// The hot path: the number of a lease, or what went wrong as a number below zero.
    #[wasm_bindgen(js_name = tryAcquire)]
    pub fn try_acquire(&mut self, mono: f64, route: u32, session: f64) -> f64 {
        #[cfg(feature = "break-on-purpose")]
        crate::broken::session(SessionIx(session as u64));
        match self.0.try_acquire(instant(mono), RouteId(route), SessionIx(session as u64)) {
            Acquire::Ready(lease) => lease.0 as f64,
            Acquire::Ask => code::ASK,
            Acquire::Refused(refusal, _) => match refusal {
                RefusalCode::CoolingDown => code::COOLING_DOWN,
                RefusalCode::Unavailable | RefusalCode::Aborted => code::UNAVAILABLE,
                RefusalCode::NotFound => code::NOT_FOUND,
                RefusalCode::UnknownProvider => code::UNKNOWN_PROVIDER,
                RefusalCode::TooMany => code::TOO_MANY,
            },
        }
    }

    /// When the first of a route's candidates comes back, by the wall clock; -1 where that is not known.
    pub fn soonest(&mut self, route: u32) -> f64 {
        match self.0.soonest(RouteId(route)) {
            Acquire::Refused(_, Some(at)) => self.0.engine().now().wall_of(at).0 as f64,
            _ => -1.0,
        }
    }

    /// The hot path's end of a successful call. False: it has more to do, report it by `handle`.
    pub fn release(&mut self, mono: f64, lease: f64) -> bool {
        self.0.release(instant(mono), LeaseId(lease as u64))
    }

    /// What is wanted of a successful answer to a lease's call: 1 its headers of limits, 2 what it took, 3 both; 0: `release`
    /// says all.
    pub fn wanted(&self, lease: f64) -> u32 {
        let wanted = self.0.wanted(LeaseId(lease as u64));
        u32::from(wanted.headers) + 2 * u32::from(wanted.usage)
    }

    /// How the names of the headers of limits begin: a list of texts in lower case.
    #[wasm_bindgen(js_name = limitHeaders)]
    pub fn limit_headers() -> String {
        json::write(&NAMES)
    }

    /// The profiles of a preset's document that are offered where these variables are set: a list. Throws where the document is wrong.
    #[wasm_bindgen(js_name = firstProfiles)]
    pub fn first_profiles(document: &str, set: &str) -> Result<String, JsError> {
        let set: Vec<String> = parse(set)?;
        let offered = first_profiles(document, &|name| set.iter().any(|known| known == name));
        offered.map(|offered| json::write(&offered)).map_err(|error| JsError::new(&error.to_string()))
    }

    /// Ends a lease of which nothing is known. False: somebody waits for it, tick at once.
    pub fn abandon(&mut self, lease: f64) -> bool {
        self.0.abandon(LeaseId(lease as u64))
    }

    /// The number of a provider, by name or alias, and a model; an empty model is none.
    pub fn route(&mut self, provider: &str, model: &str) -> u32 {
        self.0.route(provider, text(model)).0
    }

    /// What the upstream of a lease calls the model that its caller named; empty where that is the same.
    #[wasm_bindgen(js_name = upstreamModel)]
    pub fn upstream_model(&self, lease: f64, requested: &str) -> String {
        self.0.upstream_model(LeaseId(lease as u64), requested).unwrap_or_default()
    }

    /// What rewrites the answer to a lease's call, of a `Content-Type`, where it is to name another model than the upstream's.
    #[wasm_bindgen(js_name = modelNames)]
    pub fn model_names(&self, lease: f64, content_type: &str) -> Option<WasmModelNames> {
        let name = self.0.answer_model(LeaseId(lease as u64))?;
        Some(WasmModelNames(ModelNames::new(Form::of(content_type)?, name)))
    }

    /// What the answer to a lease's call is to call its model; empty where it is left as it is.
    #[wasm_bindgen(js_name = answerModel)]
    pub fn answer_model(&self, lease: f64) -> String {
        self.0.answer_model(LeaseId(lease as u64)).unwrap_or_default().to_owned()
    }

    /// The number of a session; 0 is none.
    pub fn session(&mut self, name: &str) -> f64 {
        #[cfg(feature = "break-on-purpose")]
        if name == "break:hot" {
            return crate::broken::SESSION.0 as f64;
        }
        self.0.session(name).0 as f64
    }

    /// Does the policy want sessions read off requests?
    #[wasm_bindgen(js_name = derivesSessions)]
    pub fn derives_sessions(&self) -> bool {
        self.0.engine().policy().affinity.derive
    }

    /// The session of a request, and what it was known as before: a list of at most two texts. `headers`: a list of names and
    /// values, `body`: JSON text, empty where there is none.
    #[wasm_bindgen(js_name = deriveSession)]
    pub fn derive_session(&self, headers: &str, body: &str) -> Result<String, JsError> {
        let headers: Vec<(String, String)> = parse(headers)?;
        let found = self.0.derive_session(&headers, text(body));
        let names = found.map(|found| (Some(found.session), found.known_as));
        let (session, known_as) = names.unwrap_or_default();
        Ok(json::write(&session.into_iter().chain(known_as).collect::<Vec<_>>()))
    }

    /// What the registry knows of a provider, by name or alias; empty where it knows nothing.
    pub fn provider(&self, name: &str) -> String {
        match self.0.registry().facts(name) {
            Some(facts) => json::write(&ProviderView(facts)),
            None => String::new(),
        }
    }

    /// How calls to a provider are made, known or not, without how its accounts log in; empty where the name is impossible.
    #[wasm_bindgen(js_name = providerOrDefault)]
    pub fn provider_or_default(&self, name: &str) -> String {
        match self.0.registry().sending_facts(name) {
            Some(facts) => json::write(&ProviderView(facts)),
            None => String::new(),
        }
    }

    /// The scopes that a login asks for, of a service of the provider where one is named; empty where there are none.
    #[wasm_bindgen(js_name = oauthScopes)]
    pub fn oauth_scopes(&self, provider: &str, service: &str) -> String {
        self.0
            .registry()
            .oauth_scopes(provider, service)
            .map_or_else(String::new, |scopes| json::write(&scopes))
    }

    /// The names of all providers in the registry.
    pub fn providers(&self) -> String {
        json::write(&self.0.registry().names().collect::<Vec<_>>())
    }

    /// Adds a provider. Throws where its name is known already, or something of it makes no sense.
    pub fn register(&mut self, facts: &str) -> Result<(), JsError> {
        let facts: ProviderFacts = parse(facts)?;
        self.0.register(facts).map_err(|error| JsError::new(&error.to_string()))
    }

    /// The whole secret of a stored credential, for its owner to take elsewhere: an object of texts.
    #[wasm_bindgen(js_name = exportSecret)]
    pub fn export_secret(&self, id: f64) -> String {
        self.0.export_secret(CredentialId(id as u64)).unwrap_or_default()
    }

    /// Every credential of a provider (all, where it is empty), without secrets.
    pub fn list(&self, provider: &str) -> String {
        json::write(&self.0.list(text(provider)))
    }

    /// A provider's credentials, in the order of a preference: `default`, `valid`, `recent` or `type`.
    pub fn profiles(&self, provider: &str, preference: &str) -> String {
        json::write(&self.0.profiles(provider, Preference::of(preference)))
    }

    /// What is known of what is left of the accounts of a provider (all, where it is empty).
    pub fn usage(&self, provider: &str) -> String {
        json::write(&self.0.usage(text(provider)))
    }

    /// Who would be picked now, and why the others would not.
    pub fn explain(&mut self, provider: &str, model: &str, session: &str) -> String {
        json::write(&self.0.explain(provider, text(model), text(session)))
    }

    /// The place of the one that would be picked now; -1 where nobody would. Changes nothing.
    pub fn peek(&mut self, provider: &str, model: &str, session: &str) -> f64 {
        let route = self.0.route(provider, text(model));
        let session = text(session).map_or(SessionIx::NONE, |session| self.0.session(session));
        place(self.0.engine().peek(route, session))
    }

    /// The full state without secrets, for a bug report.
    pub fn state(&self) -> String {
        json::write(&self.0.engine().state())
    }

    /// How long `fetch` waits for a credential where the caller does not say, in milliseconds: the policy's word.
    #[wasm_bindgen(js_name = fetchWait)]
    pub fn fetch_wait(&self) -> f64 {
        self.0.engine().policy().retry.fetch_wait.0 as f64
    }

    /// Tells of every selection from now on, or no longer.
    #[wasm_bindgen(js_name = tellSelected)]
    pub fn tell_selected(&mut self, tell: bool) {
        self.0.tell_selected(tell);
    }
}

/// Rewrites the names of models in one answer, while it passes.
#[wasm_bindgen]
pub struct WasmModelNames(ModelNames);

#[wasm_bindgen]
impl WasmModelNames {
    /// The next bytes of the body in, what takes their place out.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 64);
        self.0.push(bytes, &mut out);
        out
    }
}

/// A provider's facts, and what is the same for all of them.
struct ProviderView(ProviderFacts);

impl ToJson for ProviderView {
    fn write(&self, to: &mut Writer) {
        to.open('{');
        to.field("facts", &self.0);
        to.field("stripHeaders", &CREDENTIAL_HEADERS);
        to.field("stripQuery", &CREDENTIAL_QUERY);
        to.field("listHeaders", &LIST_HEADERS);
        to.close('}');
    }
}

/// A JavaScript number as milliseconds: what is no number, or below zero, is zero.
fn millis(value: f64) -> u64 {
    value as u64
}

/// A handle as a number; -1 is none.
fn place(handle: Option<Handle>) -> f64 {
    handle.map_or(-1.0, |handle| f64::from(handle.0))
}

fn instant(mono: f64) -> Instant {
    Instant(millis(mono))
}

fn now(wall: f64, mono: f64) -> Now {
    Now::from_millis(millis(wall), millis(mono))
}

fn text(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

/// Errors name the place, and quote nothing: what crosses may hold secrets.
fn parse<T: FromJson>(text: &str) -> Result<T, JsError> {
    json::read(text).map_err(|error| JsError::new(&error.to_string()))
}
