//! What goes to a host: effects, answers, events.

#![allow(missing_docs, reason = "fields are documented where the machine has them; here they only cross")]

use crate::credential::Origin;
use crate::engine::{
    Checked, Deadline, Entry, Event, FailedCode, History, Introspected, Next, RefusalCode, ResetsTold, RowId,
    RowKind,
};
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, LeaseId, OpId, RequestId};
use crate::json::{object, ToJson, Writer};
use crate::limit::{Ask, Terms, SLOTS_FOR};
use crate::secret::Secret;
use crate::time::{Span, Timestamp};
use crate::verdict::Scope;
use crate::wire::http::HttpRequest;

/// What one call led to. `changed` is to be applied before anything else.
pub struct PoolStep {
    /// Handles of which the host has taken an entry ([`Pool::entry`](crate::pool::Pool::entry)) that no longer holds: it forgets
    /// these, and takes them anew when it needs them.
    pub changed: Vec<Handle>,
    /// To be done.
    pub effects: Vec<HostEffect>,
    /// Worth telling.
    pub events: Vec<Event>,
    /// When to tick, on the monotonic clock.
    pub deadline: Option<Deadline>,
}

/// What the host's table keeps of a credential that it uses. No `Debug`: it holds a secret.
pub struct SecretEntry {
    pub id: Option<CredentialId>,
    pub provider: Box<str>,
    pub name: Box<str>,
    pub kind: Kind,
    pub origin: Origin,
    pub version: u64,
    pub secret: String,
    pub base_url: Option<Box<str>>,
    pub proxy_url: Option<String>,
    pub headers: Vec<(Box<str>, String)>,
    /// The key that the token is bound to, as a JWK: each request needs a proof.
    pub dpop: Option<String>,
    /// Its upstream may call models otherwise: ask for each lease.
    pub maps: bool,
}

/// Something for the host to do.
pub enum HostEffect {
    /// `store.load(since)`, then [`Loaded`](crate::pool::PoolInput::Loaded).
    Load { op: OpId, since: u64 },
    /// `store.lease()` for the host's own name, then [`Leased`](crate::pool::PoolInput::Leased) or [`Busy`](crate::pool::PoolInput::Busy).
    Lease { op: OpId, key: String, ttl: Span },
    /// `store.renew()`, then the same.
    Renew { op: OpId, key: String, fence: u64, ttl: Span },
    /// `store.release()`: not answered.
    Release { key: String, fence: u64 },
    /// Send this, its header `dpop` signed where it has a key, with no redirect followed, then [`Answered`](crate::pool::PoolInput::Answered) or [`Unanswered`](crate::pool::PoolInput::Unanswered), however late: on the way
    /// of the credential that it is about, or of the login.
    Http { op: OpId, handle: Option<Handle>, login: Option<RequestId>, request: HttpRequest },
    /// Call the host's own refresh, then [`HostRefreshed`](crate::pool::PoolInput::HostRefreshed) or [`HostRefreshFailed`](crate::pool::PoolInput::HostRefreshFailed).
    RefreshByHost { op: OpId, handle: Handle, refresh: Secret },
    /// Ask the host's own code for the lead of this token and, where `decide` says so, whether to renew it now; then
    /// [`Advised`](crate::pool::PoolInput::Advised).
    Advise { op: OpId, handle: Handle, decide: bool, expires: Option<Timestamp>, renewed: Option<Timestamp> },
    /// Ask those who share a credential's limits, then [`Shared`](crate::pool::PoolInput::Shared).
    Share { op: OpId, key: String, ask: Ask, terms: Terms },
    /// `store.commit()`, then [`Committed`](crate::pool::PoolInput::Committed) or [`Conflict`](crate::pool::PoolInput::Conflict).
    Commit { op: OpId, mutations: Vec<MutationData> },
    /// Ask the host's own code what is left of an account, then [`HostUsage`](crate::pool::PoolInput::HostUsage), however late.
    UsageByHost { op: OpId, handle: Handle },
    /// Ask it for the rank of a report, then [`Ranked`](crate::pool::PoolInput::Ranked).
    RankByHost { op: OpId, handle: Handle, report: String },
    /// `store.append()`, then [`Appended`](crate::pool::PoolInput::Appended).
    Append { op: OpId, log: History, entries: Vec<Entry> },
    /// A login wants this shown: a URL to open, and for the device flow the code to type in there.
    Prompt { login: RequestId, url: Box<str>, code: Option<Box<str>>, until: Option<Timestamp> },
    /// A request's answer.
    Reply { request: RequestId, answer: Answer },
}

/// A change of a row, with its secret's text.
pub struct MutationData {
    pub kind: RowKind,
    pub id: Option<RowId>,
    pub expects: Option<u64>,
    pub data: Option<Box<str>>,
    pub secret: Option<String>,
}

/// A request's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A credential to use.
    Leased { lease: LeaseId, handle: Handle, origin: Origin, forced: bool, round: u32 },
    /// Nobody is to be had.
    Refused { code: RefusalCode, retry_at: Option<Timestamp> },
    /// What a report led to. `reason` is `ok` for a success.
    Reported {
        reason: &'static str,
        scope: Scope,
        until: Option<Timestamp>,
        level: u8,
        action: Next,
        handle: Handle,
        /// What the rule that decided tells people.
        message: Option<Box<str>>,
    },
    /// Tokens are fresh, and durable.
    Refreshed { handle: Handle, version: u64, expires: Option<Timestamp> },
    /// They could not be renewed; `definitive`: they never will.
    RefreshFailed { definitive: bool, cause: Box<str> },
    /// What a provider says of tokens.
    Introspected(Introspected),
    /// Is a credential good?
    Checked(Checked),
    /// What came of a question about saved resets.
    Resets(ResetsTold),
    /// A usage limit that is reached was noted: is another credential of its kind free, else when; until when this one rests.
    Marked { switched: bool, retry_at: Option<Timestamp>, until: Option<Timestamp> },
    /// Were the headers taken in?
    Ingested { ingested: bool },
    /// It is done, and durable.
    Done { ids: Vec<CredentialId> },
    /// It was not done.
    Failed { code: FailedCode, message: Box<str> },
}

impl ToJson for PoolStep {
    fn write(&self, to: &mut Writer) {
        object!(to, self { changed if given, effects if given, events if given, deadline if given });
    }
}

impl ToJson for SecretEntry {
    fn write(&self, to: &mut Writer) {
        object!(to, self { id if given, provider, name, kind, origin, version, secret, base_url as "baseUrl" if given, proxy_url as "proxyUrl" if given, headers if given, dpop if given, maps if (self.maps) });
    }
}

impl ToJson for HostEffect {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Load { op, since } => {
                to.open_tag("load");
                object!(to, { op, since });
            }
            Self::Lease { op, key, ttl } => {
                to.open_tag("lease");
                object!(to, { op, key, ttl });
            }
            Self::Renew { op, key, fence, ttl } => {
                to.open_tag("renew");
                object!(to, { op, key, fence, ttl });
            }
            Self::Release { key, fence } => {
                to.open_tag("release");
                object!(to, { key, fence });
            }
            Self::Http { op, handle, login, request } => {
                to.open_tag("http");
                to.open('{');
                to.field("op", op);
                to.given("handle", handle);
                to.given("login", login);
                to.field("method", &request.method);
                to.field("url", &request.url);
                to.field("headers", &Headers(request));
                if let Some(key) = &request.key {
                    to.field("key", &key.expose());
                }
                if let Some(body) = &request.body {
                    to.field("body", &body.expose());
                }
                to.close('}');
            }
            Self::RefreshByHost { op, handle, refresh } => {
                to.open_tag("refresh_by_host");
                to.open('{');
                to.field("op", op);
                to.field("handle", handle);
                to.field("refresh", &refresh.expose());
                to.close('}');
            }
            Self::Advise { op, handle, decide, expires, renewed } => {
                to.open_tag("advise");
                object!(to, { op, handle, decide, expires if given, renewed if given });
            }
            Self::Share { op, key, ask, terms } => {
                to.open_tag("share");
                to.open('{');
                to.field("op", op);
                to.field("key", key);
                to.field("used", &ask.used);
                to.field("held", &ask.held);
                to.field("slots", &ask.slots);
                to.field("passes", &ask.passes);
                to.field("most", &terms.slots);
                to.field("rate", &terms.rate);
                to.field("bucket", &terms.bucket());
                to.field("ttl", &SLOTS_FOR);
                to.close('}');
            }
            Self::Commit { op, mutations } => {
                to.open_tag("commit");
                object!(to, { op, mutations });
            }
            Self::UsageByHost { op, handle } => {
                to.open_tag("usage_by_host");
                object!(to, { op, handle });
            }
            Self::RankByHost { op, handle, report } => {
                to.open_tag("rank_by_host");
                object!(to, { op, handle, report });
            }
            Self::Append { op, log, entries } => {
                to.open_tag("append");
                object!(to, { op, log, entries });
            }
            Self::Prompt { login, url, code, until } => {
                to.open_tag("prompt");
                object!(to, { login, url, code if given, until if given });
            }
            Self::Reply { request, answer } => {
                to.open_tag("reply");
                object!(to, { request, answer });
            }
        }
        to.close('}');
    }
}

/// Headers on their way to a provider.
struct Headers<'a>(&'a HttpRequest);

impl ToJson for Headers<'_> {
    fn write(&self, to: &mut Writer) {
        to.open('[');
        for (name, value) in &self.0.headers {
            to.item(&(&**name, value.expose()));
        }
        to.close(']');
    }
}

impl ToJson for MutationData {
    fn write(&self, to: &mut Writer) {
        object!(to, self { kind, id if given, expects if given, data if given, secret if given });
    }
}

impl ToJson for Answer {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Leased { lease, handle, origin, forced, round } => {
                to.open_tag("leased");
                object!(to, { lease, handle, origin, forced, round });
            }
            Self::Refused { code, retry_at } => {
                to.open_tag("refused");
                object!(to, { code, retry_at as "retryAt" if given });
            }
            Self::Reported { reason, scope, until, level, action, handle, message } => {
                to.open_tag("reported");
                object!(to, { reason, scope, until if given, level, action, handle, message if given });
            }
            Self::Refreshed { handle, version, expires } => {
                to.open_tag("refreshed");
                object!(to, { handle, version, expires if given });
            }
            Self::RefreshFailed { definitive, cause } => {
                to.open_tag("refresh_failed");
                object!(to, { definitive, cause });
            }
            Self::Introspected(said) => {
                to.open_tag("introspected");
                object!(to, said { active if given, expires if given, cause if given });
            }
            Self::Checked(checked) => {
                to.open_tag("checked");
                object!(to, checked { ok if given, reason if given, usable });
            }
            Self::Resets(told) => {
                to.open_tag("resets");
                object!(to, told { code, list if given, credit if given });
            }
            Self::Marked { switched, retry_at, until } => {
                to.open_tag("marked");
                object!(to, { switched, retry_at as "retryAt" if given, until if given });
            }
            Self::Ingested { ingested } => {
                to.open_tag("ingested");
                object!(to, { ingested });
            }
            Self::Done { ids } => {
                to.open_tag("done");
                object!(to, { ids });
            }
            Self::Failed { code, message } => {
                to.open_tag("failed");
                object!(to, { code, message });
            }
        }
        to.close('}');
    }
}
