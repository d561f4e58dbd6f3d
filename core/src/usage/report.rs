//! A usage report: what a provider says is used of an account, of what, until which reset.
//!
//! Shares are integers in parts per million ([`Ppm`]), amounts are millionths of their unit (12.5 dollars are 12,500,000), times are
//! instants of the wall clock: nothing is rounded twice, and two machines read the same.

use crate::credential::Identity;
use crate::json::{from_json, object, transparent, words, ToJson, Writer};
use crate::time::{Span, Timestamp};

/// No more limits than this are kept of one report.
pub const MAX_LIMITS: usize = 64;
/// One of a unit: amounts are counted in millionths.
pub const UNIT: u64 = 1_000_000;

/// A share in parts per million. It may exceed [`Ppm::ALL`]: some plans let more be used than they have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, serde::Serialize), serde(transparent))]
pub struct Ppm(pub u32);

transparent!(Ppm);

impl Ppm {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// All of it.
    pub const ALL: Self = Self(1_000_000);

    /// `part` of `whole`, rounded down and saturating; `None` of nothing.
    pub const fn of(part: u64, whole: u64) -> Option<Self> {
        if whole == 0 {
            return None;
        }
        let share = part as u128 * Self::ALL.0 as u128 / whole as u128;
        Some(Self(if share > u32::MAX as u128 { u32::MAX } else { share as u32 }))
    }

    /// At most all.
    #[must_use]
    pub const fn capped(self) -> Self {
        if self.0 > Self::ALL.0 {
            Self::ALL
        } else {
            self
        }
    }

    /// What is left of all beside it.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(Self::ALL.0.saturating_sub(self.0))
    }
}

/// What an amount counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Per cent of an allowance whose size is not told.
    Percent,
    /// Tokens.
    Tokens,
    /// Requests.
    Requests,
    /// US dollars.
    Usd,
    /// Minutes.
    Minutes,
    /// Bytes.
    Bytes,
    /// Something else: credits of a plan, for example.
    #[default]
    Unknown,
}

words! {
    /// The word used in reports.
    Unit {
        Percent = "percent",
        Tokens = "tokens",
        Requests = "requests",
        Usd = "usd",
        Minutes = "minutes",
        Bytes = "bytes",
        Unknown = "unknown",
    }
}

/// How a limit stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// There is enough.
    Ok,
    /// Little is left; or all is used, and the provider says that it goes on all the same.
    Warning,
    /// Nothing is left.
    Exhausted,
    /// Nobody said.
    #[default]
    Unknown,
}

words! {
    /// The word used in reports.
    Status { Ok = "ok", Warning = "warning", Exhausted = "exhausted", Unknown = "unknown" }
}

impl Status {
    /// The status of a share, with the provider's threshold ([`warns_at`]).
    pub fn of(used: Option<Ppm>, warns: Ppm) -> Self {
        match used {
            None => Self::Unknown,
            Some(used) if used >= Ppm::ALL => Self::Exhausted,
            Some(used) if used >= warns => Self::Warning,
            Some(_) => Self::Ok,
        }
    }
}

/// From which share on a limit of this provider is a warning: 0.9, and 0.8 where plans are small (spec/omp-selection.md §5.1).
pub fn warns_at(provider: &str) -> Ppm {
    Ppm(if matches!(provider, "alibaba-token-plan" | "opencode-go") { 800_000 } else { 900_000 })
}

/// Where a report came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The provider was asked.
    #[default]
    Probe,
    /// Headers of an answer.
    Headers,
    /// What was counted here.
    Local,
    /// The host brought it.
    Host,
}

words! {
    /// The word used in reports.
    Origin { Probe = "probe", Headers = "headers", Local = "local", Host = "host" }
}

/// The time that a limit is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Its name: `5h`, `7d`, `monthly`.
    pub id: Box<str>,
    /// For people.
    pub label: Box<str>,
    /// How long it is.
    pub duration: Option<Span>,
    /// When it begins anew.
    pub resets_at: Option<Timestamp>,
    /// When the next part of it comes back, where it never begins anew but fills up bit by bit.
    pub ticks_at: Option<Timestamp>,
}

impl Window {
    /// The name of a window of that length: whole days from one day on, else whole hours, rounded, at least one. `5h`, `7d`.
    pub fn name_of(duration: Span) -> String {
        const HOUR: u64 = Span::from_hours(1).as_millis();
        let (unit, letter) = if duration.0 >= 24 * HOUR { (24 * HOUR, 'd') } else { (HOUR, 'h') };
        let mut name = (duration.0.saturating_add(unit / 2) / unit).max(1).to_string();
        name.push(letter);
        name
    }

    /// A window of that length, called after it.
    pub fn of(duration: Span, resets_at: Option<Timestamp>) -> Self {
        let id: Box<str> = Self::name_of(duration).into();
        Self { label: id.clone(), id, duration: Some(duration), resets_at, ticks_at: None }
    }
}

/// How much there is, in millionths of the unit. What a provider does not say is absent; a report with one of them is a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How much is used.
    pub used: Option<u64>,
    /// How much there is.
    pub limit: Option<u64>,
    /// How much is left.
    pub remaining: Option<u64>,
    /// Which share is used, as the provider says it.
    pub used_share: Option<Ppm>,
    /// Which share is left, as the provider says it.
    pub remaining_share: Option<Ppm>,
    /// What is counted.
    pub unit: Unit,
}

impl Amount {
    /// A share that is used, in per cent too.
    pub fn of_share(used: Ppm) -> Self {
        // 1 % is 1,000,000 millionths of a per cent, and 10,000 parts per million.
        let percent = u64::from(used.0) * 100;
        Self {
            used: Some(percent),
            limit: Some(100 * UNIT),
            remaining: Some((100 * UNIT).saturating_sub(percent)),
            used_share: Some(used),
            remaining_share: Some(used.rest()),
            unit: Unit::Percent,
        }
    }

    /// The share that is used, at most all of it. There is one meaning of it, everywhere: what the provider says is used; else used of
    /// the limit; else per cent; else what is not left. `None` where nothing of that is known.
    pub fn used_fraction(&self) -> Option<Ppm> {
        let share = match *self {
            Self { used_share: Some(share), .. } => share,
            Self { used: Some(used), limit: Some(limit), .. } if limit > 0 => Ppm::of(used, limit)?,
            Self { used: Some(used), unit: Unit::Percent, .. } => Ppm::of(used, 100 * UNIT)?,
            Self { remaining_share: Some(left), .. } => left.rest(),
            Self { remaining: Some(left), limit: Some(limit), .. } if limit > 0 => {
                Ppm::of(left, limit)?.rest()
            }
            _ => return None,
        };
        Some(share.capped())
    }

    /// Do the numbers say that nothing is left? An allowance of nothing at all says nothing: there it is the status that counts.
    pub fn is_used_up(&self) -> bool {
        let none_allowed = self.limit == Some(0);
        self.used_share.is_some_and(|used| used >= Ppm::ALL)
            || self.remaining_share == Some(Ppm::NONE)
            || (!none_allowed && self.remaining == Some(0))
            || (!none_allowed
                && matches!((self.used, self.limit), (Some(used), Some(limit)) if used >= limit))
            || (self.unit == Unit::Percent && self.used.is_some_and(|used| used >= 100 * UNIT))
    }
}

/// Whom and what a limit is for. What is absent is not limited to anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The account.
    pub account_id: Option<Box<str>>,
    /// The project.
    pub project_id: Option<Box<str>>,
    /// The organisation.
    pub org_id: Option<Box<str>>,
    /// The model, as the provider calls it.
    pub model: Option<Box<str>>,
    /// A class of models: `opus`, `fable`.
    pub tier: Option<Box<str>>,
    /// A meter that runs beside others of the account: `chat`, `spark`, `google`.
    pub meter: Option<Box<str>>,
    /// It is the umbrella over all others: where nothing is left of it, nothing of the account may be used.
    pub shared: bool,
}

/// One limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Its name, the same in every report: `anthropic:5h`. A history is kept by it.
    pub id: Box<str>,
    /// For people.
    pub label: Box<str>,
    /// Whom and what it is for.
    pub scope: Scope,
    /// The time that it is for.
    pub window: Option<Window>,
    /// How much there is.
    pub amount: Amount,
    /// How it stands, by the provider's own word or by its threshold.
    pub status: Status,
    /// For people.
    pub notes: Vec<Box<str>>,
}

impl Limit {
    /// The share that is used: see [`Amount::used_fraction`].
    pub fn used_fraction(&self) -> Option<Ppm> {
        self.amount.used_fraction()
    }

    /// Is nothing left? The status goes before the numbers: a `warning` at 100 % is an account that is still served
    /// (spec/omp-selection.md §4.5).
    pub fn is_exhausted(&self) -> bool {
        match self.status {
            Status::Exhausted => true,
            Status::Unknown => self.amount.is_used_up(),
            Status::Ok | Status::Warning => false,
        }
    }

    /// When it begins anew.
    pub fn resets_at(&self) -> Option<Timestamp> {
        self.window.as_ref()?.resets_at
    }

    /// When there will be something again, where nothing is left: when it begins anew, or its next part comes back.
    pub fn back_at(&self) -> Option<Timestamp> {
        let window = self.window.as_ref()?;
        window.resets_at.or(window.ticks_at)
    }

    /// How long its window is.
    pub fn duration(&self) -> Option<Span> {
        self.window.as_ref()?.duration
    }

    /// Has its window begun anew since it was reported? What it says is of the past then.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.resets_at().is_some_and(|reset| reset <= now)
    }
}

/// What a provider says of one meter as a whole, beside its limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// Its name; empty for the account as a whole.
    pub name: Box<str>,
    /// May it be used?
    pub allowed: Option<bool>,
    /// Is a limit reached?
    pub reached: Option<bool>,
}

/// Money or credits that are used when the plan's allowance is not enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credits {
    /// Are there any?
    pub has: bool,
    /// Is there no end of them?
    pub unlimited: bool,
    /// May none be used any more, whatever is left?
    pub blocked: bool,
    /// How much is left, in millionths.
    pub balance: Option<u64>,
}

impl Credits {
    /// Can a call be paid with them?
    pub fn usable(&self) -> bool {
        (self.has || self.unlimited) && !self.blocked && (self.unlimited || self.balance != Some(0))
    }
}

/// Resets that an account has saved up: each begins a window anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResetCredits {
    /// How many can be used.
    pub available: u32,
    /// Each of them, where the provider lists them.
    pub credits: Vec<ResetCredit>,
}

/// One saved reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResetCredit {
    /// Its id: what is given to redeem it.
    pub id: Option<Box<str>>,
    /// When it was granted.
    pub granted_at: Option<Timestamp>,
    /// Until when it can be used.
    pub expires_at: Option<Timestamp>,
    /// The provider's word: `available`, `redeemed`.
    pub status: Option<Box<str>>,
}

impl ResetCredit {
    /// Can it be used? One of which no status is told can.
    pub fn is_available(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "available")
    }
}

/// A usage report of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The provider, by its registry name.
    pub provider: Box<str>,
    /// When it was learned.
    pub fetched_at: Timestamp,
    /// Where from.
    pub origin: Origin,
    /// When headers last changed a report that was asked for.
    pub headers_at: Option<Timestamp>,
    /// Whose account it is, as the provider says.
    pub identity: Identity,
    /// The plan, as the provider calls it.
    pub plan: Option<Box<str>>,
    /// The host's own rank of it, the higher the better, where the host ranks.
    pub rank: Option<i32>,
    /// The limits; at most [`MAX_LIMITS`].
    pub limits: Vec<Limit>,
    /// What is said of whole meters; that without a name is the account.
    pub meters: Vec<Meter>,
    /// What is used when the allowance is not enough.
    pub credits: Option<Credits>,
    /// Saved resets.
    pub reset_credits: Option<ResetCredits>,
    /// For people.
    pub notes: Vec<Box<str>>,
}

impl Report {
    /// The limit of that name.
    pub fn limit(&self, id: &str) -> Option<&Limit> {
        self.limits.iter().find(|limit| &*limit.id == id)
    }

    /// What is said of a meter as a whole; the empty name is the account.
    pub fn meter(&self, name: &str) -> Option<&Meter> {
        self.meters.iter().find(|meter| &*meter.name == name)
    }

    /// Is anything exhausted that stands over all the account's models?
    pub fn is_exhausted(&self) -> bool {
        self.limits.iter().any(|limit| limit.scope.shared && limit.is_exhausted())
    }
}

from_json! { open Window { id, label = Box::default(), duration = None, resets_at = None, ticks_at = None } }

impl ToJson for Window {
    fn write(&self, to: &mut Writer) {
        object!(to, self { id, label, duration if given, resets_at if given, ticks_at if given });
    }
}

from_json! {
    open Amount {
        used = None,
        limit = None,
        remaining = None,
        used_share as "used_ppm" = None,
        remaining_share as "remaining_ppm" = None,
        unit = Unit::Unknown,
    }
}

impl ToJson for Amount {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            used if given,
            limit if given,
            remaining if given,
            used_share as "used_ppm" if given,
            remaining_share as "remaining_ppm" if given,
            unit,
        });
    }
}

from_json! {
    open Scope {
        account_id = None,
        project_id = None,
        org_id = None,
        model = None,
        tier = None,
        meter = None,
        shared = false,
    }
}

impl ToJson for Scope {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            account_id if given,
            project_id if given,
            org_id if given,
            model if given,
            tier if given,
            meter if given,
            shared if (self.shared),
        });
    }
}

from_json! {
    open Limit {
        id,
        label = Box::default(),
        scope = Scope::default(),
        window = None,
        amount = Amount::default(),
        status = Status::Unknown,
        notes = Vec::new(),
    }
}

impl ToJson for Limit {
    fn write(&self, to: &mut Writer) {
        object!(to, self { id, label, scope, window if given, amount, status, notes if given });
    }
}

from_json! { open Meter { name = Box::default(), allowed = None, reached = None } }

impl ToJson for Meter {
    fn write(&self, to: &mut Writer) {
        object!(to, self { name, allowed if given, reached if given });
    }
}

from_json! { open Credits { has = false, unlimited = false, blocked = false, balance = None } }

impl ToJson for Credits {
    fn write(&self, to: &mut Writer) {
        object!(to, self { has, unlimited, blocked, balance if given });
    }
}

from_json! { open ResetCredit { id = None, granted_at = None, expires_at = None, status = None } }

impl ToJson for ResetCredit {
    fn write(&self, to: &mut Writer) {
        object!(to, self { id if given, granted_at if given, expires_at if given, status if given });
    }
}

from_json! { open ResetCredits { available = 0, credits = Vec::new() } }

impl ToJson for ResetCredits {
    fn write(&self, to: &mut Writer) {
        object!(to, self { available, credits if given });
    }
}

from_json! {
    open Report {
        provider,
        fetched_at = Timestamp(0),
        origin = Origin::Probe,
        headers_at = None,
        identity = Identity::default(),
        plan = None,
        rank = None,
        limits = Vec::new(),
        meters = Vec::new(),
        credits = None,
        reset_credits = None,
        notes = Vec::new(),
    }
}

impl ToJson for Report {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            provider,
            fetched_at,
            origin,
            headers_at if given,
            identity if (self.identity != Identity::default()),
            plan if given,
            rank if given,
            limits,
            meters if given,
            credits if given,
            reset_credits if given,
            notes if given,
        });
    }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
