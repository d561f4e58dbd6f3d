//! What is remembered of usage over time: entries of the store's histories `usage` and `cost`, written behind; and budgets, which are
//! what is known of a credential of which nobody else says anything.

use super::marking::SERVED;
use super::saving::PendingOp;
use super::{tie_key, Effect, Engine, Reply};
use crate::credential::Origin as Leg;
use crate::id::{Handle, ProviderIx, RequestId, RouteId, SessionIx};
use crate::json::{words, ToJson, Writer};
use crate::limit::Spending;
use crate::time::{Span, Timestamp};
use crate::usage::report::{warns_at, Amount, Limit, Origin, Ppm, Report, Scope, Status, Unit, Window};

/// A share that has moved by so much since it was last remembered is remembered anew, within the hour too.
const STEP: u32 = 20_000;
/// A budget that has moved by so much is reported anew.
const BUDGET_STEP: u32 = 10_000;
/// While the store is away so many entries are kept, the newest.
const MOST: usize = 4096;

/// A history of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum History {
    /// What was left of accounts.
    Usage,
    /// What calls cost.
    Cost,
}

words! {
    /// Its name in the store.
    History { Usage = "usage", Cost = "cost" }
}

/// An entry: when, and what, as JSON.
pub type Entry = (Timestamp, Box<str>);

/// What was last remembered of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Remembered {
    hour: u64,
    shares: Vec<u32>,
}

/// What a call cost, told by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct CostCommand {
    /// Who says so.
    pub request: RequestId,
    /// The provider.
    pub route: RouteId,
    /// The session whose credential it was, where `handle` does not say.
    pub session: SessionIx,
    /// The credential.
    pub handle: Option<Handle>,
    /// What it took.
    pub spending: Spending,
    /// When.
    pub at: Option<Timestamp>,
}

impl Remembered {
    /// Is there something new in a report? Each hour, and whenever a share has moved or a window has begun anew.
    fn is_new(&mut self, report: &Report) -> bool {
        let hour = report.fetched_at.0 / Span::from_hours(1).0;
        let shares = |limit: &Limit| limit.used_fraction().map_or(u32::MAX, |used| used.0);
        let mut moved = hour != self.hour || self.shares.len() != report.limits.len();
        for (limit, before) in report.limits.iter().zip(&self.shares) {
            moved |= shares(limit).abs_diff(*before) >= STEP;
        }
        if moved {
            self.hour = hour;
            self.shares.clear();
            for limit in &report.limits {
                self.shares.push(shares(limit));
            }
        }
        moved
    }
}

impl Engine {
    /// Remembers what a report says, where that is new.
    pub(super) fn remember_usage(&mut self, handle: Handle) {
        let Some(member) = self.member_mut(handle) else { return };
        let Some(id) = member.id else { return };
        let Some(known) = member.usage.as_deref_mut() else { return };
        if !known.remembered.is_new(&known.report) || known.report.limits.is_empty() {
            return;
        }
        let mut entry = Writer::default();
        entry.open('{');
        entry.field("id", &id);
        entry.field("provider", &member.record.provider);
        entry.field("name", &member.record.name);
        entry.given("plan", &known.report.plan);
        entry.field("limits", &Limits(&known.report));
        entry.close('}');
        let at = known.report.fetched_at;
        self.write_history(History::Usage, at, entry.into_text());
    }

    fn write_history(&mut self, history: History, at: Timestamp, entry: String) {
        if self.histories.len() >= MOST {
            self.histories.remove(0);
        }
        self.histories.push((history, (at, entry.into())));
        self.schedule_flush();
    }

    /// Writes what is to be remembered.
    pub(super) fn save_histories(&mut self) {
        let mut of = [Vec::new(), Vec::new()];
        for (history, entry) in std::mem::take(&mut self.histories) {
            of[history as usize].push(entry);
        }
        for (history, entries) in [History::Usage, History::Cost].into_iter().zip(of) {
            if !entries.is_empty() {
                let op = self.op();
                self.ops.insert(op, PendingOp::Append { history, entries: entries.clone() });
                self.effects.push(Effect::Append { op, history, entries });
            }
        }
    }

    /// The store did not take them: they are written again with what comes next.
    #[inline(never)]
    pub(super) fn not_appended(&mut self, history: History, entries: Vec<Entry>, message: &str) {
        for entry in entries.into_iter().rev() {
            if self.histories.len() < MOST {
                self.histories.insert(0, (history, entry));
            }
        }
        self.hold_back(message);
    }

    /// What a call cost is counted in the budget of its credential, and remembered. Whose it was: who was named, else whom the session
    /// has, else the only one that is stored, else the environment's.
    #[inline(never)]
    pub(super) fn record_cost(&mut self, command: &CostCommand) {
        let recorded = match self.spender(command) {
            None => false,
            Some(handle) => {
                self.count_cost(handle, command);
                true
            }
        };
        self.reply(command.request, Reply::Ingested { ingested: recorded });
    }

    fn spender(&self, command: &CostCommand) -> Option<Handle> {
        let provider = self.routes.get(command.route)?.provider;
        let is_its = |handle: &Handle| self.member(*handle).is_some_and(|member| member.provider == provider);
        if command.handle.is_some() {
            return command.handle.filter(is_its);
        }
        let key = tie_key(self.policy.affinity.kind, provider, command.route);
        let tied = self.ties.get(command.session, key);
        let served = tied.or_else(|| self.ties.get(command.session, key | SERVED));
        served.map(|(handle, _)| handle).filter(is_its).or_else(|| self.only_one(provider))
    }

    fn only_one(&self, provider: ProviderIx) -> Option<Handle> {
        let (mut stored, mut count, mut env) = (None, 0, None);
        for at in 0..self.members.len() as u32 {
            let Some(member) = self.member(Handle(at)).filter(|member| member.provider == provider) else {
                continue;
            };
            if member.id.is_some() {
                (stored, count) = (Some(Handle(at)), count + 1);
            } else if member.origin == Leg::Env {
                env = Some(Handle(at));
            }
        }
        if count == 0 {
            env
        } else {
            stored.filter(|_| count == 1)
        }
    }

    fn count_cost(&mut self, handle: Handle, command: &CostCommand) {
        let at = command.at.unwrap_or(self.now.wall);
        self.learn(handle, command.spending, super::Stated::default());
        self.expire_report(handle);
        let Some(member) = self.member(handle) else { return };
        let mut entry = Writer::default();
        entry.open('{');
        entry.given("id", &member.id);
        entry.field("provider", &member.record.provider);
        entry.field("name", &member.record.name);
        entry.given("microdollars", &command.spending.microdollars);
        entry.given("tokens", &command.spending.tokens);
        entry.close('}');
        self.write_history(History::Cost, at, entry.into_text());
    }

    /// What is left of a credential's budget is what is known of it, where nobody else says what is left.
    pub(super) fn report_budget(&mut self, handle: Handle) {
        let now = self.now;
        let Some(gate) = self.gates[handle.0 as usize].as_ref() else { return };
        let (Some(budget), Some(spent)) = (gate.limits().budget, gate.spent()) else { return };
        let Some(member) = self.member(handle) else { return };
        let known = member.usage.as_ref().filter(|known| !known.is_old()).map(|known| &known.report);
        if known.is_some_and(|report| report.origin != Origin::Local) {
            return;
        }
        let provider = member.record.provider.clone();
        let mut report =
            Report { provider, fetched_at: now.wall, origin: Origin::Local, ..Report::default() };
        for (id, unit, limit, used) in [
            ("budget:usd", Unit::Usd, budget.microdollars, spent.microdollars),
            ("budget:tokens", Unit::Tokens, budget.tokens, spent.tokens.saturating_mul(1_000_000)),
        ] {
            let Some(limit) = limit.filter(|&limit| limit > 0) else { continue };
            let limit = if unit == Unit::Tokens { limit.saturating_mul(1_000_000) } else { limit };
            let used_share = Ppm::of(used, limit).map(Ppm::capped);
            // The gate holds it back where all is spent: nothing else has to rest for it.
            let status = match Status::of(used_share, warns_at(&report.provider)) {
                Status::Exhausted => Status::Warning,
                status => status,
            };
            let window = Window { label: "Budget".into(), ..Window::of(budget.window, Some(spent.ends)) };
            let amount =
                Amount { used: Some(used), limit: Some(limit), used_share, unit, ..Amount::default() };
            let scope = Scope { shared: true, ..Scope::default() };
            report.limits.push(Limit {
                id: id.into(),
                label: "Budget".into(),
                scope,
                window: Some(window),
                amount,
                status,
                notes: Vec::new(),
            });
        }
        let share = |limit: &Limit| limit.used_fraction().unwrap_or_default().0;
        let same = known.is_some_and(|known| {
            let pairs = known.limits.iter().zip(&report.limits);
            let mut same = known.limits.len() == report.limits.len();
            for (old, new) in pairs {
                same &= old.resets_at() == new.resets_at() && share(new).abs_diff(share(old)) < BUDGET_STEP;
            }
            same
        });
        if !same && !report.limits.is_empty() {
            self.take_report(handle, report);
        }
    }
}

/// The limits of a report as a history has them: name, share used in parts per million, reset, status; what is not known is null.
struct Limits<'a>(&'a Report);

impl ToJson for Limits<'_> {
    fn write(&self, to: &mut Writer) {
        to.open('[');
        for limit in &self.0.limits {
            to.item(&Remark(limit));
        }
        to.close(']');
    }
}

struct Remark<'a>(&'a Limit);

impl ToJson for Remark<'_> {
    fn write(&self, to: &mut Writer) {
        let limit = self.0;
        to.open('{');
        to.field("id", &limit.id);
        to.given("used", &limit.used_fraction());
        to.given("resets", &limit.resets_at());
        to.field("status", &limit.status);
        to.close('}');
    }
}
