//! Everything that an engine may ask of its host, and everything that it tells.

use super::errand::{Checked, Redemption, ResetsTold};
use super::history::{Entry, History};
use super::input::Mutation;
use super::introspecting::Introspected;
use crate::credential::Origin;
use crate::id::{CredentialId, Handle, LeaseId, OpId, RequestId, SecretRef};
use crate::json::{object, words, ToJson, Writer};
use crate::limit::{Ask, Terms};
use crate::login::Stage;
use crate::retry::Next;
use crate::select::OutReason;
use crate::time::{Instant, Span, Timestamp};
use crate::verdict::{Reason, Scope};

/// What one call of [`Engine::handle`](super::Engine::handle) led to.
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "effects that are not performed are lost"]
pub struct Step {
    /// To be performed, in any order.
    pub effects: Vec<Effect>,
    /// Worth telling; never needed for correctness.
    pub events: Vec<Event>,
    /// When to call again with [`Input::Tick`](super::Input::Tick).
    pub next_deadline: Option<Deadline>,
}

/// When the engine wants to be called again, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Due when the monotonic clock shows this or more.
    pub at: Instant,
    /// What is due then.
    pub cause: Cause,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// A cooldown ends.
    Recovery,
    /// A token expires.
    Expiry,
    /// A lease was not reported.
    LeaseEnd,
    /// A tie was not used.
    TieEnd,
    /// Something is to be written behind.
    Flush,
    /// A caller's wait ends, or a further round begins.
    Waiter,
    /// A login goes on, or has taken too long.
    Login,
    /// A usage report is to be asked for, or takes too long.
    Usage,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read all rows, then [`Completion::Loaded`](super::Completion::Loaded).
    Load {
        /// Its number.
        op: OpId,
        /// Only those that changed after this generation; zero: all.
        since: u64,
    },
    /// Take the lease of a credential's refresh, then [`Completion::Leased`](super::Completion::Leased) or
    /// [`Completion::Busy`](super::Completion::Busy).
    Lease {
        /// Its number.
        op: OpId,
        /// Whose.
        id: CredentialId,
        /// For how long.
        ttl: Span,
    },
    /// Prolong it; answered likewise.
    Renew {
        /// Its number.
        op: OpId,
        /// Whose.
        id: CredentialId,
        /// The lease's.
        fence: u64,
        /// For how long, from now.
        ttl: Span,
    },
    /// Give it back. Not answered: it would end by itself.
    Release {
        /// Whose.
        id: CredentialId,
        /// The lease's.
        fence: u64,
    },
    /// Ask the token endpoint, then [`Completion::Refreshed`](super::Completion::Refreshed) or
    /// [`Completion::RefreshFailed`](super::Completion::RefreshFailed), however late.
    Refresh {
        /// Its number.
        op: OpId,
        /// Whose tokens.
        handle: Handle,
        /// With the refresh token of this secret.
        secret: SecretRef,
    },
    /// Ask what is left of an account, then [`Completion::Usage`](super::Completion::Usage) or
    /// [`Completion::UsageFailed`](super::Completion::UsageFailed), however late.
    FetchUsage {
        /// Its number.
        op: OpId,
        /// Whose.
        handle: Handle,
        /// With this secret.
        secret: SecretRef,
    },
    /// Make these changes, all or none, then [`Completion::Committed`](super::Completion::Committed) or
    /// [`Completion::Conflict`](super::Completion::Conflict).
    Commit {
        /// Its number.
        op: OpId,
        /// The changes.
        mutations: Vec<Mutation>,
    },
    /// The credential at this handle has this secret from now on.
    Reveal {
        /// Where.
        handle: Handle,
        /// Which secret.
        secret: SecretRef,
    },
    /// Nobody sits at this handle any more.
    Forget {
        /// Where.
        handle: Handle,
    },
    /// Ask what a login asks for at this stage, then [`Completion::Login`](super::Completion::Login).
    LoginCall {
        /// Its number.
        op: OpId,
        /// The login, by its request.
        login: RequestId,
        /// What is to be asked.
        stage: Stage,
    },
    /// Show the person what to do.
    LoginPrompt {
        /// The login.
        login: RequestId,
    },
    /// Add the account that a login brought, by [`Command::Add`](super::Command::Add) of the login's own request.
    LoginStore {
        /// The login.
        login: RequestId,
    },
    /// What is kept for a login is not needed any more.
    LoginOver {
        /// The login.
        login: RequestId,
    },
    /// Give an account's tokens back to its provider, then [`Completion::Revoked`](super::Completion::Revoked).
    Revoke {
        /// Its number.
        op: OpId,
        /// Whose.
        handle: Handle,
    },
    /// Ask whether an account's tokens are good (RFC 7662), then [`Completion::Introspected`](super::Completion::Introspected).
    Introspect {
        /// Its number.
        op: OpId,
        /// Whose.
        handle: Handle,
    },
    /// Ask the host for the rank of an account's last report, then [`Completion::Ranked`](super::Completion::Ranked).
    Rank {
        /// Its number.
        op: OpId,
        /// Whose.
        handle: Handle,
    },
    /// Write entries of a history, then [`Completion::Appended`](super::Completion::Appended).
    Append {
        /// Its number.
        op: OpId,
        /// Which.
        history: History,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// Ask a provider for an account's saved resets, and use one where that is wanted; then
    /// [`Completion::Resets`](super::Completion::Resets).
    Resets {
        /// Its number.
        op: OpId,
        /// Whose.
        handle: Handle,
        /// Its secret.
        secret: SecretRef,
        /// Use one.
        redeem: Option<Redemption>,
    },
    /// Ask the host's own code when an account is to be renewed, then
    /// [`Completion::Advised`](super::Completion::Advised).
    Advise {
        /// Its number.
        op: OpId,
        /// Whose.
        handle: Handle,
        /// Whether it is to be renewed now, too.
        decide: bool,
        /// When its token expires.
        expires: Option<Timestamp>,
        /// When it was renewed last.
        renewed: Option<Timestamp>,
    },
    /// Ask those who share a credential's limits for a part of them, then [`Completion::Shared`](super::Completion::Shared).
    Share {
        /// Its number.
        op: OpId,
        /// Whose.
        id: CredentialId,
        /// What is wanted.
        ask: Ask,
        /// What all have together.
        terms: Terms,
    },
    /// The secret is not needed any more.
    DropSecret {
        /// Which.
        secret: SecretRef,
    },
    /// A command's answer.
    Reply {
        /// Whose.
        request: RequestId,
        /// The answer.
        reply: Reply,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A credential to use.
    Leased(Leased),
    /// Nobody is to be had.
    Refused(Refusal),
    /// What a report led to.
    Reported(Reported),
    /// The tokens are fresh, and durable.
    Refreshed {
        /// Whose.
        handle: Handle,
        /// The version of the secret.
        version: u64,
        /// When it expires.
        expires: Option<Timestamp>,
    },
    /// They could not be renewed.
    RefreshFailed {
        /// They never will: the account is disabled, or needs a login.
        definitive: bool,
        /// Why: a code.
        cause: Box<str>,
    },
    /// What a provider says of tokens.
    Introspected(Introspected),
    /// Is a credential good?
    Checked(Checked),
    /// What came of a question about saved resets.
    Resets(ResetsTold),
    /// A usage limit that is reached was noted.
    Marked {
        /// Is another credential of its kind free?
        switched: bool,
        /// Else when the first of them is, where that is known.
        retry_at: Option<Timestamp>,
        /// Until when the one that was marked rests.
        until: Option<Timestamp>,
    },
    /// Were the headers taken in?
    Ingested {
        /// Else they said nothing new, or came too soon.
        ingested: bool,
    },
    /// It is done, and durable.
    Done {
        /// The stored credentials that it was about.
        ids: Vec<CredentialId>,
    },
    /// It was not done.
    Failed(Failed),
}

/// A credential to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leased {
    /// The lease, to be reported.
    pub lease: LeaseId,
    /// Whose secret to use.
    pub handle: Handle,
    /// Which leg of the cascade gave it.
    pub origin: Origin,
    /// It rests in truth: given because the policy prefers the provider's own error.
    pub forced: bool,
    /// The round of the call; when it has grown, everybody may be tried again.
    pub round: u32,
}

/// Why nobody is to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In one word.
    pub code: RefusalCode,
    /// When the first comes back, where that is known.
    pub retry_at: Option<Timestamp>,
}

/// Why nobody is to be had, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalCode {
    /// Some could serve; each is out for a time that is known for at least one.
    CoolingDown,
    /// Some could serve; for none is an end known: they are busy, or were tried already.
    Unavailable,
    /// Nobody could serve this request even if nothing cooled.
    NotFound,
    /// Neither the registry nor a credential knows the provider.
    UnknownProvider,
    /// The caller gave up.
    Aborted,
    /// Too many callers wait already, or too many leases are open.
    TooMany,
}

/// What a report led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// Why the call failed; `None` for a success.
    pub reason: Option<Reason>,
    /// What the failure covers.
    pub scope: Scope,
    /// Until when that scope rests now.
    pub until: Option<Timestamp>,
    /// How far its ladder has climbed.
    pub level: u8,
    /// What the policy says next.
    pub next: Next,
    /// The credential that it was about.
    pub handle: Handle,
    /// What the rule that decided tells people.
    pub message: Option<Box<str>>,
}

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// In one word.
    pub code: FailedCode,
    /// What happened and what to do, for people.
    pub message: Box<str>,
}

/// Why a command was not done, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailedCode {
    /// The store failed; nothing was changed.
    Store,
    /// Others kept changing the same row; nothing was changed.
    Conflict,
    /// The command makes no sense; nothing was changed.
    Invalid,
    /// There is no such credential or lease.
    NotFound,
    /// A login did not come to its end; the message is the code of the reason.
    Login,
}

/// Something worth telling. Which fields are there depends on the kind; none is ever a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The credential's id in the store.
    pub id: Option<CredentialId>,
    /// The credential's name.
    pub name: Option<Box<str>>,
    /// The provider.
    pub provider: Option<Box<str>>,
    /// The model.
    pub model: Option<Box<str>>,
    /// What a cooldown covers.
    pub scope: Option<Scope>,
    /// Why: a reason of the taxonomy.
    pub reason: Option<Reason>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// Why, in words.
    pub cause: Option<Box<str>>,
    /// A number: how many were selected, how far the clock jumped.
    pub count: Option<i64>,
}

/// What an event tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A credential is new here.
    Added,
    /// A credential changed.
    Updated,
    /// A credential is gone.
    Removed,
    /// A credential was disabled.
    Disabled,
    /// A scope of a credential rests.
    Cooled,
    /// It came back.
    Recovered,
    /// A circuit opened, is half-open or closed, as its cause says; of the upstream, where the scope says so.
    Circuit,
    /// A token expired.
    Expired,
    /// New tokens are in use, and durable.
    Refreshed,
    /// Tokens could not be renewed.
    RefreshFailed,
    /// An account needs a login: its tokens cannot be renewed any more.
    NeedsLogin,
    /// The store refused or failed; what was to be written is kept and tried again.
    PersistFailed,
    /// A credential was given out.
    Selected,
    /// A failed call goes on with another credential.
    Failover,
    /// A call ended.
    Result,
    /// The store has changed.
    Generation,
    /// A completion that nothing waits for.
    StaleCompletion,
    /// The wall clock jumped.
    Clock,
    /// A login has begun.
    LoginStarted,
    /// A login brought an account.
    LoggedIn,
    /// A login did not; `cause` is the code of the reason.
    LoginFailed,
    /// A usage report came.
    Usage,
}

impl Event {
    pub(super) const fn new(kind: EventKind, at: Timestamp) -> Self {
        Self {
            kind,
            at,
            id: None,
            name: None,
            provider: None,
            model: None,
            scope: None,
            reason: None,
            until: None,
            cause: None,
            count: None,
        }
    }
}

words! {
    /// The word for it.
    Cause {
        Recovery = "recovery",
        Expiry = "expiry",
        LeaseEnd = "lease_end",
        TieEnd = "tie_end",
        Flush = "flush",
        Waiter = "waiter",
        Login = "login",
        Usage = "usage",
    }
}

words! {
    /// The word for it.
    RefusalCode {
        CoolingDown = "cooling_down",
        Unavailable = "unavailable",
        NotFound = "not_found",
        UnknownProvider = "unknown_provider",
        Aborted = "aborted",
        TooMany = "too_many",
    }
}

words! {
    /// The word for it.
    FailedCode {
        Store = "store",
        Conflict = "conflict",
        Invalid = "invalid",
        NotFound = "not_found",
        Login = "login",
    }
}

words! {
    /// The word for it.
    EventKind {
        Added = "added",
        Updated = "updated",
        Removed = "removed",
        Disabled = "disabled",
        Cooled = "cooled",
        Recovered = "recovered",
        Circuit = "circuit",
        Expired = "expired",
        Refreshed = "refreshed",
        RefreshFailed = "refresh-failed",
        NeedsLogin = "needs-login",
        PersistFailed = "persist-failed",
        Selected = "selected",
        Failover = "failover",
        Result = "result",
        Generation = "generation",
        StaleCompletion = "stale-completion",
        Clock = "clock",
        LoginStarted = "login-started",
        LoggedIn = "logged-in",
        LoginFailed = "login-failed",
        Usage = "usage",
    }
}

impl ToJson for Deadline {
    fn write(&self, to: &mut Writer) {
        object!(to, self { at, cause });
    }
}

impl ToJson for Event {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            kind,
            at,
            id if given,
            name if given,
            provider if given,
            model if given,
            scope if given,
            reason if given,
            until if given,
            cause if given,
            count if given,
        });
    }
}

/// A candidate in an explanation.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Which one.
    pub handle: Handle,
    /// Why it is out; `None` where it is ready.
    pub out: Option<OutReason>,
    /// Until when, where it is out for a known time.
    pub until: Option<Timestamp>,
    /// Was it the one that would be picked?
    pub picked: bool,
    /// Its place in the order in which they would be picked, each time without the one before: 1 is the one that would be
    /// picked now. `None` where it is out.
    pub rank: Option<u32>,
    /// What its upstream calls the model, where that is not the caller's name.
    pub upstream: Option<Box<str>>,
}
