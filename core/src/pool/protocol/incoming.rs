//! What comes from a host: commands, and what came of effects.

#![allow(missing_docs, reason = "fields are documented where the machine has them; here they only cross")]

use crate::classify::Stream;
use crate::credential::{Alias, Changes, Identity, Limits, Origin};
use crate::engine::{RowId, RowKind};
use crate::facts::oauth::Flow;
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, LeaseId, OpId, RequestId};
use crate::json::{from_json, variant, FromJson, Reader, Value, Wrong};
use crate::limit::Spending;
use crate::secret::Secret;
use crate::time::{Span, Timestamp};
use crate::usage::report::Report;
use crate::vault::{Client, Header};
use crate::verdict::{Reason, TransportError};

/// How a pool is made.
#[derive(Debug, Default)]
pub struct PoolConfig {
    /// A preset's name, or a policy document.
    pub policy: Value,
    /// The documents that the policy extends and that are not in the program: see [`Policy::read_with`](crate::policy::Policy::read_with).
    pub documents: Vec<(String, String)>,
    /// What draws grow from; the same seed repeats a history.
    pub seed: u64,
    /// Providers beside the built-in ones.
    pub providers: Vec<crate::facts::ProviderFacts>,
    /// Tell of every selection?
    pub tell_selected: bool,
    /// Limits hold for all machines together: the host asks those who share them.
    pub shared_limits: bool,
    /// The user's OAuth clients, by provider.
    pub clients: Vec<(Box<str>, Client)>,
    /// What the host's own code does to renew accounts, by provider.
    pub renewals: Vec<(Box<str>, crate::pool::HostRenewal)>,
}

/// What a host says.
pub enum PoolInput {
    /// Time has passed.
    Tick {},
    /// Read everything from the store: the first input of every pool, and `reload` later.
    Load { request: RequestId },
    /// A credential for a call.
    Acquire {
        request: RequestId,
        providers: Vec<Box<str>>,
        model: Option<Box<str>>,
        session: Option<Box<str>>,
        /// Another name of the same session, by which it was known before.
        known_as: Option<Box<str>>,
        exclude: Vec<Handle>,
        tried: Vec<Handle>,
        round: u32,
        after: Option<Reason>,
        wait: Span,
        prefer: Option<Handle>,
        now: bool,
    },
    /// The caller of an acquire gave up.
    Cancel { request: RequestId },
    /// A call ended.
    Report {
        request: RequestId,
        lease: Option<LeaseId>,
        handle: Option<Handle>,
        model: Option<Box<str>>,
        session: Option<Box<str>>,
        outcome: Outcome,
        attempts: u32,
        refreshed: bool,
    },
    /// Store credentials.
    Add { request: RequestId, credentials: Vec<CredentialInput> },
    /// Change a stored credential.
    Update { request: RequestId, id: CredentialId, changes: Box<Changes>, secret: Option<SecretInput> },
    /// Take a credential out of the store.
    Remove { request: RequestId, id: CredentialId },
    /// Set or take back a credential that is not stored.
    Override {
        request: RequestId,
        provider: Box<str>,
        origin: Origin,
        kind: Option<Kind>,
        secret: Option<SecretInput>,
        /// The environment variable that it came from, where it did.
        name: Option<Box<str>>,
    },
    /// A session is free.
    Untie { request: RequestId, session: Box<str> },
    /// End rests by hand: of one credential or (of a provider, or) of all; for one model or for all.
    Reset { request: RequestId, handle: Option<Handle>, provider: Option<Box<str>>, model: Option<Box<str>> },
    /// No new work for a credential; answered when its last call has ended.
    Drain { request: RequestId, handle: Handle },
    /// Other rules: a preset's name, or a document; and documents as [`PoolConfig`] has them.
    Policy { request: RequestId, policy: Value, documents: Vec<(String, String)> },
    /// A usage report of an account, from the host.
    Usage { request: RequestId, handle: Handle, report: Box<Report> },
    /// Reports of accounts are wanted: of these providers or credentials; of all, where none are named.
    FetchUsage {
        request: RequestId,
        providers: Vec<Box<str>>,
        handles: Vec<Handle>,
        /// Also where a report is fresh.
        force: bool,
        wait: Span,
    },
    /// The headers of an answer say what is left of an account.
    UsageHeaders { request: RequestId, handle: Handle, headers: Vec<(String, String)>, status: Option<u16> },
    /// A usage limit is reached: of this credential, or of the session's.
    MarkUsage {
        request: RequestId,
        provider: Box<str>,
        model: Option<Box<str>>,
        session: Option<Box<str>>,
        handle: Option<Handle>,
        retry_after: Option<Span>,
    },
    /// Write behind what is not in the store yet.
    Flush { request: RequestId },
    /// Log in to an account.
    Login { request: RequestId, login: LoginInput },
    /// What came back for a login: a callback's URL, or what a person pasted.
    Callback { request: RequestId, login: RequestId, text: Box<str>, pasted: bool },
    /// Give an account back to its provider and take it out of the store.
    Logout { request: RequestId, id: CredentialId },
    /// Renew an account's tokens.
    Refresh { request: RequestId, id: CredentialId, force: bool, failed: Option<u64>, wait: Span },
    /// Ask the provider whether an account's tokens are good.
    Introspect { request: RequestId, id: CredentialId },
    /// What a call cost, told by hand: of the credential at `handle`, else of the session's, else of the only one.
    Cost {
        request: RequestId,
        provider: Box<str>,
        session: Option<Box<str>>,
        handle: Option<Handle>,
        usage: Spending,
        at: Option<Timestamp>,
    },
    /// A question about one credential: is it good; with `resets`, which saved resets has it; with a `redemption`, an id that is the
    /// same for every try, one of them is used: `credit`, else the one that ends first.
    Errand {
        request: RequestId,
        handle: Handle,
        wait: Span,
        resets: bool,
        redemption: Option<Box<str>>,
        credit: Option<Box<str>>,
    },
    /// Renew tokens by themselves, or no longer.
    AutoRefresh { request: RequestId, enabled: bool, interval: Span },
    /// A load is done; of rows that have changed, those that are gone have no data.
    Loaded { op: OpId, generation: u64, rows: Vec<RowData> },
    /// Others have changed these rows; of those that are gone there is no data.
    Changed { generation: u64, rows: Vec<RowData> },
    /// A lease was given, or prolonged.
    Leased { op: OpId, fence: u64 },
    /// Another has the lease.
    Busy { op: OpId },
    /// A provider answered a request of ours.
    Answered { op: OpId, status: u16, headers: Vec<(String, String)>, body: String },
    /// It did not. `sent`: the request may have reached it.
    Unanswered { op: OpId, sent: bool },
    /// What the host's own code says; nothing of what is left out. `decided`: it was asked whether to renew, and is to be believed.
    Advised { op: OpId, lead: Option<Span>, renew: Option<bool>, decided: bool },
    /// What is given of limits that others share: slots in all, further passes, how many share, when to ask again.
    Shared { op: OpId, slots: u32, passes: u32, members: u32, retry: Span },
    /// The host renewed tokens.
    HostRefreshed {
        op: OpId,
        access: Secret,
        refresh: Option<Secret>,
        expires: Option<Timestamp>,
        identity: Identity,
    },
    /// The host could not renew them; `code` is a word of its own.
    HostRefreshFailed { op: OpId, definitive: bool, code: Box<str>, retry_after: Option<Span> },
    /// A commit was made.
    Committed { op: OpId, generation: u64, rows: Vec<(RowId, u64)> },
    /// A commit was refused: rows have changed.
    Conflict { op: OpId, rows: Vec<RowData> },
    /// What the host's own code says is left of an account; without a report why there is none, in a word of its own.
    HostUsage { op: OpId, report: Option<Box<Report>>, code: Box<str>, refused: bool },
    /// The host's rank of a report, where it has one.
    Ranked { op: OpId, rank: Option<i32> },
    /// A history was written.
    Appended { op: OpId },
    /// The store failed.
    Failed { op: OpId, message: Box<str> },
}

/// How a call ended, as it came.
#[derive(Debug, Default)]
pub struct Outcome {
    /// It succeeded.
    pub ok: bool,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body's text, as far as it was read.
    pub body: Option<Box<str>>,
    /// There was no answer, or no end of it.
    pub transport: Option<TransportError>,
    /// It was a question beside the call proper, such as counting tokens.
    pub aside: bool,
    /// What the call took.
    pub usage: Spending,
    /// It was a stream, answered with a 200, that came to its end.
    pub stream: Option<StreamData>,
}

/// What the host kept of a stream.
#[derive(Debug, Default)]
pub struct StreamData {
    /// Its first bytes; nothing where `tail` is all of it.
    pub head: Box<str>,
    /// Its last bytes.
    pub tail: Box<str>,
    /// Both are the base64 of Amazon's binary messages.
    pub binary: bool,
}

impl StreamData {
    /// The same, for the codec.
    pub(in crate::pool) fn view(&self) -> Stream<'_> {
        Stream { head: &self.head, tail: &self.tail, binary: self.binary }
    }
}

/// A secret as it is given.
#[derive(Default)]
pub struct SecretInput {
    pub key: Option<Box<str>>,
    pub token: Option<Box<str>>,
    pub access: Option<Box<str>>,
    pub refresh: Option<Box<str>>,
    /// The proxy of its requests; an empty text takes it away.
    pub proxy_url: Option<Box<str>>,
    /// Headers of its own, in place of all that it had.
    pub headers: Option<Vec<Header>>,
}

/// A credential as it is given.
pub struct CredentialInput {
    pub provider: Box<str>,
    pub name: Option<Box<str>>,
    pub kind: Option<Kind>,
    pub key: Option<Box<str>>,
    pub token: Option<Box<str>>,
    pub access: Option<Box<str>>,
    pub refresh: Option<Box<str>>,
    pub priority: i32,
    pub weight: Option<u32>,
    pub models: Vec<Box<str>>,
    pub excluded_models: Vec<Box<str>>,
    pub aliases: Vec<Alias>,
    pub prefix: Option<Box<str>>,
    pub limits: Limits,
    pub enabled: Option<bool>,
    pub cooling: Option<bool>,
    pub source: Option<Box<str>>,
    pub expires: Option<Timestamp>,
    pub base_url: Option<Box<str>>,
    pub token_url: Option<Box<str>>,
    /// The proxy of its requests, and headers of its own: where they are left out, a stored one keeps its own.
    pub proxy_url: Option<Box<str>>,
    pub headers: Option<Vec<Header>>,
    pub retry: Option<u8>,
    pub identity: Identity,
    /// The client that an account was logged in by.
    pub client: Option<Box<Client>>,
}

/// A login as it is asked for.
pub struct LoginInput {
    pub provider: Box<str>,
    /// The way; the provider's preferred one where it is left out.
    pub flow: Option<Flow>,
    /// The client; the configuration's where it is left out.
    pub client: Option<Client>,
    /// Where the browser is sent back to; the provider's registered address where it is left out.
    pub redirect: Option<Box<str>>,
    /// The provider's own where they are left out.
    pub scopes: Option<Vec<Box<str>>>,
    /// Secret randomness of the host's: 22 characters and more.
    pub state: Secret,
    /// The same, 43 to 128 (RFC 7636 §4.1).
    pub verifier: Secret,
    pub name: Option<Box<str>>,
    pub priority: Option<i32>,
    /// The proxy of the login's requests, and of the account's from then on.
    pub proxy_url: Option<Box<str>>,
    /// A key of the host's making, as a JWK: tokens are bound to it (RFC 9449).
    pub dpop: Option<Secret>,
    /// How long the person may take.
    pub wait: Span,
}

/// A row with its secret's text.
pub struct RowData {
    pub kind: RowKind,
    pub id: RowId,
    pub version: u64,
    pub data: Option<Box<str>>,
    pub secret: Option<Box<str>>,
}

impl RowData {
    /// The same once more.
    #[cfg(feature = "simulate")]
    pub(crate) fn twin(&self) -> Self {
        let Self { kind, id, version, data, secret } = self;
        Self { kind: *kind, id: id.clone(), version: *version, data: data.clone(), secret: secret.clone() }
    }
}

from_json! {
    strict PoolConfig {
        policy = Value::Null,
        documents = Vec::new(),
        seed = 0,
        providers = Vec::new(),
        tell_selected as "tellSelected" = false,
        shared_limits as "sharedLimits" = false,
        clients = Vec::new(),
        renewals = Vec::new(),
    }
}

impl FromJson for PoolInput {
    fn blank() -> Self {
        Self::Tick {}
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = match &*from.tag()? {
            "tick" => variant!(from, Self::Tick {}),
            "load" => variant!(from, Self::Load { request }),
            "acquire" => variant!(from, Self::Acquire {
                request,
                providers,
                model = None,
                session = None,
                known_as as "knownAs" = None,
                exclude = Vec::new(),
                tried = Vec::new(),
                round = 0,
                after = None,
                wait = Span::ZERO,
                prefer = None,
                now = false,
            }),
            "cancel" => variant!(from, Self::Cancel { request }),
            "report" => variant!(from, Self::Report {
                request,
                lease = None,
                handle = None,
                model = None,
                session = None,
                outcome,
                attempts = 0,
                refreshed = false,
            }),
            "add" => variant!(from, Self::Add { request, credentials }),
            "override" => variant!(from, Self::Override {
                request,
                provider,
                origin,
                kind = None,
                secret = None,
                name = None,
            }),
            "flush" => variant!(from, Self::Flush { request }),
            "loaded" => variant!(from, Self::Loaded { op, generation, rows }),
            "changed" => variant!(from, Self::Changed { generation, rows }),
            "committed" => variant!(from, Self::Committed { op, generation, rows }),
            "conflict" => variant!(from, Self::Conflict { op, rows }),
            "appended" => variant!(from, Self::Appended { op }),
            "failed" => variant!(from, Self::Failed { op, message }),
            seldom => Self::read_seldom(seldom, from)?,
        };
        from.end_tag()
    }
}

from_json! {
    strict Outcome {
        ok = false,
        status = None,
        headers = Vec::new(),
        body = None,
        transport = None,
        aside = false,
        usage = Spending::default(),
        stream = None,
    }
}

from_json! {
    strict StreamData { head = Box::default(), tail, binary = false }
}

from_json! {
    strict SecretInput {
        key = None,
        token = None,
        access = None,
        refresh = None,
        proxy_url as "proxyUrl" = None,
        headers = None,
    }
}

from_json! {
    strict CredentialInput {
        provider,
        name = None,
        kind = None,
        key = None,
        token = None,
        access = None,
        refresh = None,
        priority = 0,
        weight = None,
        models = Vec::new(),
        excluded_models as "excludedModels" = Vec::new(),
        aliases = Vec::new(),
        prefix = None,
        limits = Limits::default(),
        enabled = None,
        cooling = None,
        source = None,
        expires = None,
        base_url as "baseUrl" = None,
        token_url as "tokenUrl" = None,
        proxy_url as "proxyUrl" = None,
        headers = None,
        retry = None,
        identity = Identity::default(),
        client = None,
    }
}

from_json! {
    strict LoginInput {
        provider,
        flow = None,
        client = None,
        redirect = None,
        scopes = None,
        state,
        verifier,
        name = None,
        priority = None,
        proxy_url as "proxyUrl" = None,
        dpop = None,
        wait = crate::login::USUAL_WAIT,
    }
}

from_json! {
    open RowData { kind, id, version, data = None, secret = None }
}
