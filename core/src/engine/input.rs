//! Everything that can happen to an engine.

use super::{CostCommand, Errand, Introspected, MarkCommand, ResetsTold, Stated, UsageTrouble};
use crate::credential::{Changes, Identity, Origin, Record};
use crate::facts::oauth::Flow;
use crate::id::{CredentialId, Handle, LeaseId, OpId, RequestId, RouteId, SecretRef, SessionIx};
use crate::json::{words, FromJson, Reader, ToJson, Writer, Wrong};
use crate::limit::{Granted, Spending};
use crate::login::News;
use crate::policy::Policy;
use crate::refresh::RefreshFailure;
use crate::time::{Span, Timestamp};
use crate::usage::report::Report;
use crate::verdict::{Reason, Verdict};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The host wants something.
    Command(Command),
    /// An effect is done.
    Completion(OpId, Completion),
    /// Some of the rows of a load, which [`Completion::Loaded`] ends. Credentials come before what belongs to them, and all
    /// that belongs together comes without another input in between: until the end nobody new is handed out.
    Rows(OpId, Vec<Row>),
    /// Rows that others have changed, all since a generation that was read; those that are gone have no data. Nobody asked.
    Changed(u64, Vec<Row>),
    /// Time has passed. Early or repeated ticks change nothing.
    Tick,
}

/// What a host may want. A command with a [`RequestId`] is answered once by an
/// [`Effect::Reply`](super::Effect::Reply) with that number, in this step or a later one.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Read everything from the store. The first command of every pool.
    Load {
        /// Who asks.
        request: RequestId,
    },
    /// A credential for a call.
    Acquire(AcquireCommand),
    /// The caller of an [`Command::Acquire`] gave up.
    Cancel {
        /// The acquire's number.
        request: RequestId,
    },
    /// A call ended.
    Report(ReportCommand),
    /// Store credentials, all or none.
    Add {
        /// Who asks.
        request: RequestId,
        /// What is to be stored.
        items: Vec<NewItem>,
    },
    /// Change a stored credential.
    Update {
        /// Who asks.
        request: RequestId,
        /// Which one.
        handle: Handle,
        /// What changes.
        changes: Box<Changes>,
        /// A new secret, if that changes too.
        secret: Option<SecretRef>,
    },
    /// Take a credential out of the store.
    Remove {
        /// Who asks.
        request: RequestId,
        /// Which one.
        handle: Handle,
    },
    /// Set or take back a credential that is not stored: a run-time or configured key, one from the environment, or what
    /// the fallback gave.
    Override {
        /// Who asks.
        request: RequestId,
        /// Whose key it is; its `provider`, `kind` and `base_url` count.
        record: Box<Record>,
        /// Which leg of the cascade.
        origin: Origin,
        /// The secret; `None` takes it back.
        secret: Option<SecretRef>,
    },
    /// A session is free: its ties end, and its next call may go to anybody.
    Untie {
        /// Who asks.
        request: RequestId,
        /// Which session.
        session: SessionIx,
    },
    /// Log in to an account. Answered when it is stored, or the login is over.
    Login {
        /// Who asks; the login goes by this number.
        request: RequestId,
        /// The provider, by its registry name.
        provider: Box<str>,
        /// The way.
        flow: Flow,
        /// Are the endpoints to be found first?
        discover: bool,
        /// How long the person may take.
        wait: Span,
    },
    /// Something came for a login, from outside: a callback.
    LoginNews {
        /// Who brought it.
        request: RequestId,
        /// The login.
        login: RequestId,
        /// What it is.
        news: News,
    },
    /// Give an account back to its provider and take it out of the store.
    LogOut {
        /// Who asks.
        request: RequestId,
        /// Which one.
        handle: Handle,
        /// Is there anybody to give it back to?
        revoke: bool,
    },
    /// End rests by hand, ladders and circuits with them.
    Reset {
        /// Who asks.
        request: RequestId,
        /// Which credential; `None`: all, of the route's provider where a route is given.
        handle: Option<Handle>,
        /// For which model; `None`, or a route without one: for all.
        route: Option<RouteId>,
    },
    /// No new work for a credential; answered when its last call has ended. It gets work again with a change of
    /// `paused_until`, or after a restart.
    Drain {
        /// Who asks.
        request: RequestId,
        /// Which one.
        handle: Handle,
    },
    /// Other rules. All state stays.
    SetPolicy {
        /// Who asks.
        request: RequestId,
        /// The rules.
        policy: Box<Policy>,
    },
    /// Renew a credential's tokens.
    Refresh {
        /// Who asks.
        request: RequestId,
        /// Which one.
        handle: Handle,
        /// Even if they are fresh.
        force: bool,
        /// The version that was refused: where there is a newer one already, that is the answer.
        failed: Option<u64>,
        /// How long the caller waits, at least as long as the policy says.
        wait: Span,
    },
    /// Ask the provider whether an account's tokens are good. Decides nothing: what is dead rests, and is never disabled.
    Introspect {
        /// Who asks.
        request: RequestId,
        /// Which one.
        handle: Handle,
    },
    /// Renew tokens by themselves, or no longer.
    AutoRefresh {
        /// Who asks.
        request: RequestId,
        /// By themselves?
        enabled: bool,
        /// At the last multiple of this, counted from now, before they are due; zero: when they are due.
        interval: Span,
    },
    /// A usage report of an account.
    Usage {
        /// Who brings it.
        request: RequestId,
        /// Whose.
        handle: Handle,
        /// What it says.
        report: Box<Report>,
    },
    /// What the headers of an answer say of an account's usage.
    UsageHeaders {
        /// Who brings it; nobody, where it came with a call's report.
        request: Option<RequestId>,
        /// Whose.
        handle: Handle,
        /// What they say, as a report of their own.
        seen: Box<Report>,
    },
    /// Reports of accounts are wanted: answered when all have come or failed, or the wait is over.
    FetchUsage {
        /// Who asks.
        request: RequestId,
        /// Of whom; those that cannot be asked about are passed over.
        handles: Vec<Handle>,
        /// Also where a report is fresh.
        force: bool,
        /// How long the caller waits.
        wait: Span,
    },
    /// A usage limit is reached.
    MarkUsage(MarkCommand),
    /// What a call cost, told by hand.
    Cost(CostCommand),
    /// A question about one credential.
    Errand {
        /// Who asks.
        request: RequestId,
        /// About whom.
        handle: Handle,
        /// How long the caller waits.
        wait: Span,
        /// What is wanted.
        errand: Errand,
    },
    /// Write behind what is not in the store yet, and answer when it is.
    Flush {
        /// Who asks.
        request: RequestId,
    },
}

/// A credential to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NewItem {
    /// The record; `uid`, `created` and `secret_version` are filled in.
    pub record: Record,
    /// Its secret.
    pub secret: SecretRef,
    /// The stored credential that it is the same as, whose row it takes over.
    pub replaces: Option<CredentialId>,
    /// And it has that one's very secret.
    pub same_secret: bool,
    /// Further stored credentials whose place it takes: they go.
    pub removes: Vec<CredentialId>,
}

/// A credential for a call.
#[derive(Clone, Debug, PartialEq)]
pub struct AcquireCommand {
    /// Who asks.
    pub request: RequestId,
    /// Providers and models, tried in order.
    pub routes: Vec<RouteId>,
    /// The session; [`SessionIx::NONE`] where there is none.
    pub session: SessionIx,
    /// Another number of the same session, by which it was known before: it is followed where `session` is not tied.
    pub known_as: SessionIx,
    /// Never one of these.
    pub exclude: Vec<Handle>,
    /// Those that this call has tried before: left out until everybody was tried, then a further round begins.
    pub tried: Vec<Handle>,
    /// The round that this call is in: as its last lease said, zero at first.
    pub round: u32,
    /// Why its last attempt failed, if one did.
    pub after: Option<Reason>,
    /// How long the caller waits for one to come back.
    pub wait: Span,
    /// This one, if it is ready: whose token was just renewed after a refusal.
    pub prefer: Option<Handle>,
    /// The answer must come in this step: nobody is waited for, and a token that is about to expire is given as it is while
    /// it is renewed.
    pub now: bool,
}

/// A call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportCommand {
    /// Who asks.
    pub request: RequestId,
    /// Which use, or which credential.
    pub target: Target,
    /// How it ended.
    pub verdict: Verdict,
    /// What it took.
    pub spending: Spending,
    /// What the provider said is left.
    pub stated: Stated,
    /// How many attempts the call has made so far, this one included. Zero: the caller does not retry by our rules.
    pub attempts: u32,
    /// The account was renewed in this call already.
    pub refreshed: bool,
}

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A lease, which ends with it.
    Lease(LeaseId),
    /// A credential, where no lease is known: a use that began and ended now.
    Credential {
        /// Which one.
        handle: Handle,
        /// For what.
        route: RouteId,
        /// The session.
        session: SessionIx,
    },
}

/// How an effect ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Completion {
    /// The rows of a load, or the last of them.
    Loaded {
        /// The store's generation.
        generation: u64,
        /// The rows; of each kind in order of their ids.
        rows: Vec<Row>,
    },
    /// A lease was given, or prolonged.
    Leased {
        /// Its fence.
        fence: u64,
    },
    /// Another has the lease.
    Busy,
    /// New tokens came.
    Refreshed {
        /// The new secret.
        secret: SecretRef,
        /// When it expires.
        expires: Option<Timestamp>,
        /// Whose it is, as far as the answer says.
        identity: Box<Identity>,
    },
    /// No tokens came.
    RefreshFailed(RefreshFailure),
    /// A usage report came.
    Usage {
        /// What it says.
        report: Box<Report>,
    },
    /// None came.
    UsageFailed(UsageTrouble),
    /// What came of a question about saved resets.
    Resets(Box<ResetsTold>),
    /// A history was written.
    Appended,
    /// The host's rank of a report; none, where it has none.
    Ranked(Option<i32>),
    /// A commit was made; the ids and versions of its rows, in order.
    Committed {
        /// The store's generation.
        generation: u64,
        /// Ids and versions.
        rows: Vec<(RowId, u64)>,
    },
    /// A commit was refused because rows have changed; nothing of it was made.
    Conflict {
        /// The rows as they are now; a row that is gone has no data.
        rows: Vec<Row>,
    },
    /// What was asked for a login has an answer.
    Login {
        /// What it says.
        news: News,
    },
    /// A provider took tokens back, or did not.
    Revoked,
    /// What the host's own code says of an account.
    Advised {
        /// How long before its expiry the token is renewed; none: as the policy says.
        lead: Option<Span>,
        /// Is it to be renewed now? None: as the policy says.
        renew: Option<bool>,
        /// Was that asked?
        decided: bool,
    },
    /// What is given of limits that others share.
    Shared(Granted),
    /// What a provider says of tokens.
    Introspected(Introspected),
    /// The store failed.
    Failed {
        /// What it says of it.
        message: Box<str>,
    },
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowKind {
    /// A credential: its record, and its secret beside it.
    Credential,
    /// A credential's cooldowns and ladders.
    Health,
    /// A credential's last use and counters.
    Usage,
    /// A session's tie.
    Tie,
    /// A credential's refresh: the intent, and spare tokens.
    Refresh,
    /// The last usage report of a credential.
    Report,
}

/// The id of a row: a number for what belongs to a credential, a text otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowId {
    /// A credential's id.
    Number(u64),
    /// Any other.
    Text(Box<str>),
}

/// A row of a store, its secret apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub kind: RowKind,
    /// Its id.
    pub id: RowId,
    /// Grows with every change of it.
    pub version: u64,
    /// Its content, JSON; `None` where it is gone.
    pub data: Option<Box<str>>,
    /// Its secret, in the vault.
    pub secret: Option<SecretRef>,
}

/// A change of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutation {
    /// What it is.
    pub kind: RowKind,
    /// Its id; `None` where the store gives one.
    pub id: Option<RowId>,
    /// The version that it must have now; zero where it must not exist; `None` where any will do.
    pub expects: Option<u64>,
    /// Its new content; `None` deletes it.
    pub data: Option<Box<str>>,
    /// Its secret: filled in by the pool.
    pub secret: Option<SecretRef>,
}

words! {
    /// The word used in stores.
    RowKind { Credential = "credential", Health = "health", Usage = "usage", Tie = "tie", Refresh = "refresh", Report = "report" }
}

impl FromJson for RowId {
    fn blank() -> Self {
        Self::Number(0)
    }

    fn read(&mut self, from: &mut Reader<'_>) -> Result<(), Wrong> {
        *self = match from.peek() {
            b'"' => Self::Text(from.text()?.into()),
            _ => Self::Number(from.whole(0, u64::MAX)?),
        };
        Ok(())
    }
}

impl ToJson for RowId {
    fn write(&self, to: &mut Writer) {
        match self {
            Self::Number(id) => id.write(to),
            Self::Text(id) => id.write(to),
        }
    }
}

impl RowId {
    /// The credential that a row belongs to.
    pub const fn credential(&self) -> Option<CredentialId> {
        match self {
            Self::Number(id) => Some(CredentialId(*id)),
            Self::Text(_) => None,
        }
    }
}
