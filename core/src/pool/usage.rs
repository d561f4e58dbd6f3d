//! Usage in the host's terms: questions become requests, answers become reports; reports that a host brings; what the machine must
//! know of providers' limits. Nothing is decided here.

use super::{not_found, Answer, HostEffect, Outcome, Pool, PoolStep};
use crate::engine::{Command, Completion, Input, UsageTrouble, SAYS_NOTHING};
use crate::facts::Kind;
use crate::id::{CredentialId, Handle, OpId, RequestId, SecretRef};
use crate::json::{from_json, object, ToJson, Writer};
use crate::provider::usage::{self, can_be_asked, Account, Probe, UsageFailure, UsageFailureKind, UsageNext};
use crate::provider::{usage_facts, METERED};
use crate::time::{Now, Span, Timestamp};
use crate::usage::report::{Origin, Report};
use crate::wire::http::Headers;

/// What is shorter is a rate, not an allowance.
const SHORTEST_WINDOW: Span = Span::from_hours(1);

/// An answer of a provider.
#[derive(Clone, Copy)]
pub(super) struct Answered<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a [(String, String)],
    pub(super) body: &'a str,
}

/// A provider that was asked what is left of an account.
pub(super) struct Question {
    op: OpId,
    handle: Handle,
    probe: Probe,
}

/// What a host's own code does for the usage of a provider's accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostUsage {
    /// It learns what is left of an account, in place of a request to the provider.
    pub asks: bool,
    /// Of these kinds; of all, where none is named.
    pub kinds: Vec<Kind>,
    /// An answer says nothing of whether the credential is good.
    pub says_nothing: bool,
    /// It ranks reports.
    pub ranks: bool,
}

from_json! {
    strict HostUsage { asks = false, kinds = Vec::new(), says_nothing = false, ranks = false }
}

/// What is known of what is left of an account, and how long that lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageView<'a> {
    /// Its place in the host's table.
    pub handle: Handle,
    /// Its id in the store.
    pub id: Option<CredentialId>,
    /// Its provider.
    pub provider: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What was reported last.
    pub report: Option<&'a Report>,
    /// When the windows of the report that do not last until their reset will be empty, at the rate until now.
    pub forecasts: Vec<Forecast<'a>>,
    /// Why the last question had no answer: a word.
    pub trouble: Option<&'a str>,
}

/// A window that does not last until its reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast<'a> {
    /// The limit.
    pub limit: &'a str,
    /// When nothing will be left of it.
    pub lasts_until: Timestamp,
}

impl ToJson for Forecast<'_> {
    fn write(&self, to: &mut Writer) {
        object!(to, self { limit, lasts_until as "lastsUntil" });
    }
}

impl ToJson for UsageView<'_> {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            handle,
            id if given,
            provider,
            name,
            report if given,
            forecasts if given,
            trouble if given,
        });
    }
}

impl Pool {
    /// What is known of the accounts of a provider, or of all: those of which there is a report, or of which one was asked for in vain.
    pub fn usage(&self, provider: Option<&str>) -> Vec<UsageView<'_>> {
        let provider = provider.map(|provider| self.name_of(provider));
        let now = self.engine.now().wall;
        let mut views = Vec::new();
        for handle in self.engine.handles() {
            let Some(record) = self.engine.record(handle) else { continue };
            let report = self.engine.usage_report(handle);
            let trouble = self.engine.usage_trouble(handle).map(|trouble| &*trouble.code);
            let wanted = provider.as_ref().is_none_or(|provider| *provider == record.provider);
            if !wanted || report.is_none() && trouble.is_none() {
                continue;
            }
            let mut forecasts = Vec::new();
            for limit in report.map_or(&[][..], |report| &report.limits) {
                if let Some(lasts_until) = limit.lasts_until(now) {
                    forecasts.push(Forecast { limit: &limit.id, lasts_until });
                }
            }
            let id = self.engine.origin(handle).and_then(|(_, id)| id);
            let (provider, name) = (&*record.provider, &*record.name);
            views.push(UsageView { handle, id, provider, name, report, forecasts, trouble });
        }
        views
    }

    /// What models draw on, and who can be asked, goes to the machine.
    pub(super) fn tell_usage_facts(&mut self) {
        for &provider in METERED {
            if let Some(facts) = usage_facts(provider) {
                self.engine.set_usage_facts(provider, facts);
            }
        }
        let names: Vec<Box<str>> = self.registry.names().map(Into::into).collect();
        for name in names {
            self.tell_usage_source(&name);
        }
    }

    /// Who can be asked about a provider's accounts goes to the machine: the host's own code goes before ours.
    fn tell_usage_source(&mut self, name: &str) {
        let host = self.usage_host(name);
        let mut kinds = 0;
        for kind in [Kind::ApiKey, Kind::Token, Kind::Oauth] {
            let asked = match &host {
                Some(host) if host.asks => host.kinds.is_empty() || host.kinds.contains(&kind),
                _ => can_be_asked(name, kind) == Some(true),
            };
            kinds |= u8::from(asked) << kind as u8;
        }
        if host.as_ref().is_some_and(|host| host.asks && host.says_nothing) {
            kinds |= SAYS_NOTHING;
        }
        if kinds != 0 || host.is_some() {
            self.engine.set_usage_source(name, kinds);
        }
        if host.is_some() {
            self.engine.set_usage_ranks(name, host.is_some_and(|host| host.ranks));
        }
    }

    fn usage_host(&self, name: &str) -> Option<HostUsage> {
        self.usage_hosts.iter().find(|(of, _)| **of == *name).map(|(_, host)| host.clone())
    }

    /// What a host's own code does to learn and to rank what is left of a provider's accounts, from now on.
    pub fn usage_by_host(&mut self, provider: &str, host: HostUsage) {
        let name = self.name_of(provider);
        self.usage_hosts.retain(|(of, _)| *of != name);
        self.usage_hosts.push((name.clone(), host));
        self.tell_usage_source(&name);
    }

    /// What a host's own code has learned.
    pub(super) fn told_by_host(report: Option<Box<Report>>, code: &str, refused: bool) -> Completion {
        match report {
            Some(mut report) => {
                report.origin = Origin::Host;
                Completion::Usage { report }
            }
            None => Completion::UsageFailed(UsageTrouble {
                refused,
                rejected: refused,
                ..UsageTrouble::of(if code.is_empty() { "no_report" } else { code })
            }),
        }
    }

    /// A report that the host brings.
    pub(super) fn host_usage(
        &self,
        request: RequestId,
        handle: Handle,
        mut report: Box<Report>,
    ) -> Result<Command, (RequestId, Answer)> {
        let record = self.engine.record(handle).ok_or_else(|| (request, not_found()))?;
        report.provider = record.provider.clone();
        report.origin = Origin::Host;
        Ok(Command::Usage { request, handle, report })
    }

    /// What the headers of an answer say of an account's windows, if they say anything. Rates of requests and tokens a minute are the
    /// gates' (`pool/learning.rs`): no account is ranked by them.
    pub(super) fn usage_headers(
        &self,
        handle: Handle,
        headers: &[(String, String)],
        status: Option<u16>,
        now: Now,
    ) -> Option<Box<Report>> {
        let record = self.engine.record(handle)?;
        let served = status.is_some_and(|status| (200..300).contains(&status));
        let mut seen = usage::ingest(&record.provider, Headers::new(headers), served, now.wall)?;
        seen.limits.retain(|limit| limit.duration().is_some_and(|length| length >= SHORTEST_WINDOW));
        (!seen.limits.is_empty()).then(|| Box::new(seen))
    }

    /// The same of a call that is reported, where the policy listens.
    pub(super) fn seen_in(&self, handle: Handle, outcome: &Outcome, now: Now) -> Option<Command> {
        if outcome.headers.is_empty() || !self.engine.policy().heed_headers {
            return None;
        }
        let status = if outcome.ok { Some(200) } else { outcome.status };
        let seen = self.usage_headers(handle, &outcome.headers, status, now)?;
        Some(Command::UsageHeaders { request: None, handle, seen })
    }

    /// A question as a request, or why there is none.
    pub(super) fn usage_question(
        &mut self,
        op: OpId,
        handle: Handle,
        secret: SecretRef,
    ) -> Result<HostEffect, UsageTrouble> {
        let gone = || UsageTrouble { never: true, ..UsageTrouble::of("gone") };
        let account = self.account_at(handle, secret).ok_or_else(gone)?;
        if self.usage_host(account.provider).is_some_and(|host| host.asks) {
            return Ok(HostEffect::UsageByHost { op, handle });
        }
        let (probe, request) = Probe::begin(account).map_err(|failure| trouble(&failure))?;
        self.questions.push(Question { op, handle, probe });
        Ok(HostEffect::Http { op, handle: Some(handle), login: None, request })
    }

    /// An account as its provider is asked about it.
    pub(super) fn account_at(&self, handle: Handle, secret: SecretRef) -> Option<Account<'_>> {
        let record = self.engine.record(handle)?;
        let parts = self.vault.get(secret)?;
        Some(Account {
            provider: &record.provider,
            kind: record.kind,
            secret: &parts.main,
            refresh: parts.refresh.as_ref(),
            base_url: record.base_url.as_deref(),
            identity: &record.identity,
        })
    }

    /// An answer to a question about usage: the next step, where a question was open. `answer`: nothing, where none came.
    pub(super) fn usage_answered(
        &mut self,
        now: Now,
        op: OpId,
        answer: Option<Answered<'_>>,
    ) -> Option<PoolStep> {
        let Some(at) = self.questions.iter().position(|question| question.op == op) else {
            return self.resets_answered(now, op, answer);
        };
        let mut question = self.questions.swap_remove(at);
        let next = match answer {
            Some(Answered { status, headers, body }) => {
                question.probe.answer(status, Headers::new(headers), body, now.wall)
            }
            None => question.probe.unanswered(),
        };
        let completion = match next {
            UsageNext::Ask(request) => {
                let handle = Some(question.handle);
                self.questions.push(question);
                let step = self.engine.handle(now, Input::Tick);
                let mut step = self.present(now, step);
                step.effects.push(HostEffect::Http { op, handle, login: None, request });
                return Some(step);
            }
            UsageNext::Done(report) => Completion::Usage { report },
            UsageNext::Failed(failure) => Completion::UsageFailed(trouble(&failure)),
        };
        let step = self.engine.handle(now, Input::Completion(op, completion));
        Some(self.present(now, step))
    }
}

fn trouble(failure: &UsageFailure) -> UsageTrouble {
    UsageTrouble {
        refused: failure.kind == UsageFailureKind::Auth,
        rejected: matches!(failure.kind, UsageFailureKind::Auth | UsageFailureKind::Refused),
        never: failure.kind == UsageFailureKind::Unsupported,
        code: failure.code.clone(),
        retry_after: failure.retry_after,
    }
}
