//! What crosses between a pool and its host: plain data, JSON in JavaScript. `bindings-js/ts/protocol.ts` is its twin.

#![allow(missing_docs, reason = "fields are documented where the machine has them; here they only cross")]

use crate::credential::{Changes, Identity, Origin};
use crate::engine::{Deadline, Event, FailedCode, Next, RefusalCode, RowId, RowKind};
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, LeaseId, OpId, RequestId};
use crate::time::{Span, Timestamp};
use crate::verdict::{Scope, TransportError};
use serde::{Deserialize, Serialize};

/// How a pool is made.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct PoolConfig {
    /// A preset's name, or a policy document.
    pub policy: serde_json::Value,
    /// What draws grow from; the same seed repeats a history.
    pub seed: u64,
    /// Providers beside the built-in ones.
    pub providers: Vec<crate::facts::ProviderFacts>,
    /// Tell of every selection?
    pub tell_selected: bool,
}

/// What a host says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum PoolInput {
    /// Time has passed.
    Tick {},
    /// Read everything from the store: the first input of every pool, and `reload` later.
    Load { request: RequestId },
    /// A credential for a call.
    Acquire {
        request: RequestId,
        providers: Vec<Box<str>>,
        #[serde(default)]
        model: Option<Box<str>>,
        #[serde(default)]
        session: Option<Box<str>>,
        #[serde(default)]
        exclude: Vec<Handle>,
        #[serde(default)]
        tried: Vec<Handle>,
        #[serde(default)]
        round: u32,
        #[serde(default)]
        wait: Span,
    },
    /// The caller of an acquire gave up.
    Cancel { request: RequestId },
    /// A call ended.
    Report {
        request: RequestId,
        #[serde(default)]
        lease: Option<LeaseId>,
        #[serde(default)]
        handle: Option<Handle>,
        #[serde(default)]
        model: Option<Box<str>>,
        #[serde(default)]
        session: Option<Box<str>>,
        outcome: Outcome,
        #[serde(default)]
        attempts: u32,
    },
    /// Store credentials.
    Add { request: RequestId, credentials: Vec<CredentialInput> },
    /// Change a stored credential.
    Update {
        request: RequestId,
        id: CredentialId,
        #[serde(default)]
        changes: Changes,
        #[serde(default)]
        secret: Option<SecretInput>,
    },
    /// Take a credential out of the store.
    Remove { request: RequestId, id: CredentialId },
    /// Set or take back a credential that is not stored.
    Override {
        request: RequestId,
        provider: Box<str>,
        origin: Origin,
        #[serde(default)]
        kind: Option<Kind>,
        #[serde(default)]
        secret: Option<SecretInput>,
        /// The environment variable that it came from, where it did.
        #[serde(default)]
        name: Option<Box<str>>,
    },
    /// Write behind what is not in the store yet.
    Flush { request: RequestId },
    /// A load is done.
    Loaded { op: OpId, generation: u64, rows: Vec<RowData> },
    /// A commit was made.
    Committed { op: OpId, generation: u64, rows: Vec<(RowId, u64)> },
    /// A commit was refused: rows have changed.
    Conflict { op: OpId, rows: Vec<RowData> },
    /// The store failed.
    Failed { op: OpId, message: Box<str> },
}

/// How a call ended, as it came.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Outcome {
    /// It succeeded.
    pub ok: bool,
    /// The HTTP status.
    pub status: Option<u16>,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body's text, as far as it was read.
    pub body: Option<Box<str>>,
    /// There was no answer.
    pub transport: Option<TransportError>,
}

/// A secret as it is given.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretInput {
    pub key: Option<Box<str>>,
    pub token: Option<Box<str>>,
    pub access: Option<Box<str>>,
    pub refresh: Option<Box<str>>,
}

/// A credential as it is given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CredentialInput {
    pub provider: Box<str>,
    #[serde(default)]
    pub name: Option<Box<str>>,
    #[serde(default)]
    pub kind: Option<Kind>,
    #[serde(default)]
    pub key: Option<Box<str>>,
    #[serde(default)]
    pub token: Option<Box<str>>,
    #[serde(default)]
    pub access: Option<Box<str>>,
    #[serde(default)]
    pub refresh: Option<Box<str>>,
    #[serde(default)]
    pub priority: i32,
    #[serde(default)]
    pub weight: Option<u32>,
    #[serde(default)]
    pub models: Vec<Box<str>>,
    #[serde(default)]
    pub enabled: Option<bool>,
    #[serde(default)]
    pub source: Option<Box<str>>,
    #[serde(default)]
    pub expires: Option<Timestamp>,
    #[serde(default)]
    pub base_url: Option<Box<str>>,
    #[serde(default)]
    pub identity: Identity,
}

/// A row with its secret's text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowData {
    pub kind: RowKind,
    pub id: RowId,
    pub version: u64,
    #[serde(default)]
    pub data: Option<Box<str>>,
    #[serde(default)]
    pub secret: Option<Box<str>>,
}

/// What one call led to. `secrets` are to be applied before anything else.
#[derive(Serialize)]
pub struct PoolStep {
    /// Changes of the host's table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretChange>,
    /// To be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<HostEffect>,
    /// Worth telling.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// When to tick, on the monotonic clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
}

/// A change of the host's table of secrets. No `Debug`: it holds one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretChange {
    /// The place.
    pub handle: Handle,
    /// Who sits there now; absent where nobody does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<SecretEntry>,
}

/// What the host's table keeps of a credential.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretEntry {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<CredentialId>,
    pub provider: Box<str>,
    pub name: Box<str>,
    pub kind: Kind,
    pub origin: Origin,
    pub version: u64,
    pub secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<Box<str>>,
}

/// Something for the host to do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum HostEffect {
    /// `store.load()`, then [`PoolInput::Loaded`].
    Load { op: OpId },
    /// `store.commit()`, then [`PoolInput::Committed`] or [`PoolInput::Conflict`].
    Commit { op: OpId, mutations: Vec<MutationData> },
    /// A request's answer.
    Reply { request: RequestId, answer: Answer },
}

/// A change of a row, with its secret's text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MutationData {
    pub kind: RowKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<RowId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expects: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A request's answer.
#[derive(Serialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Answer {
    /// A credential to use.
    Leased { lease: LeaseId, handle: Handle, origin: Origin, forced: bool, round: u32 },
    /// Nobody is to be had.
    Refused {
        code: RefusalCode,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    /// What a report led to. `reason` is `ok` for a success.
    Reported {
        reason: &'static str,
        scope: Scope,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        level: u8,
        action: Next,
        handle: Handle,
    },
    /// It is done, and durable.
    Done { ids: Vec<CredentialId> },
    /// It was not done.
    Failed { code: FailedCode, message: Box<str> },
}
