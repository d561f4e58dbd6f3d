//! Answers of usage endpoints as they come, one table a family: the requests that are made, and the report that is read.
//!
//! Shapes are those that the providers' own documents and public programs show; names, addresses and numbers are made up. The moment
//! is 2026-01-01T00:00:00Z.

use credpool::credential::Identity;
use credpool::facts::Kind;
use credpool::provider::usage::{Account, Probe, UsageFailure, UsageFailureKind, UsageNext};
use credpool::secret::Secret;
use credpool::time::Timestamp;
use credpool::usage::report::{Amount, Limit, Report};
use credpool::wire::http::{Headers, HttpRequest};
use std::fmt::Write;

mod anthropic;
mod asia;
mod codex;
mod google;
mod headers;
mod hostile;
mod others;
mod resets;

/// The moment of every vector.
pub(crate) const NOW: u64 = 1_767_225_600_000;

/// An answer: its status and its body. Zero: none came.
pub(crate) type Answer<'a> = (u16, &'a str);

/// What it is, the answers, and what is read of them.
pub(crate) type Vector<'a> = (&'a str, &'a [Answer<'a>], &'a str);

/// Whom is asked about, and with what.
pub(crate) struct Asked {
    pub(crate) provider: &'static str,
    pub(crate) kind: Kind,
    pub(crate) secret: &'static str,
    pub(crate) base_url: Option<&'static str>,
    pub(crate) identity: Identity,
}

impl Asked {
    pub(crate) fn oauth(provider: &'static str) -> Self {
        let identity = Identity {
            email: Some("a@x".into()),
            account_id: Some("acc".into()),
            project_id: Some("proj".into()),
            ..Identity::default()
        };
        Self { provider, kind: Kind::Oauth, secret: "canary-token", base_url: None, identity }
    }

    pub(crate) fn key(provider: &'static str) -> Self {
        Self { kind: Kind::ApiKey, identity: Identity::default(), ..Self::oauth(provider) }
    }

    pub(crate) fn begin(&self) -> Result<(Probe, HttpRequest), UsageFailure> {
        Probe::begin(Account {
            provider: self.provider,
            kind: self.kind,
            secret: &Secret::new(self.secret),
            refresh: None,
            base_url: self.base_url,
            identity: &self.identity,
        })
    }

    /// Plays the answers, one a request, and says which requests were made and how it ended.
    pub(crate) fn play(&self, answers: &[Answer<'_>]) -> (Vec<HttpRequest>, UsageNext) {
        let (mut probe, request) = self.begin().unwrap();
        let mut requests = vec![request];
        for (status, body) in answers {
            let next = match status {
                0 => probe.unanswered(),
                status => probe.answer(*status, Headers::default(), body, Timestamp(NOW)),
            };
            match next {
                UsageNext::Ask(request) => requests.push(request),
                end => {
                    assert_eq!(
                        requests.len(),
                        answers.len(),
                        "{}: more answers than requests",
                        self.provider
                    );
                    return (requests, end);
                }
            }
        }
        panic!("{}: {:?} is not answered", self.provider, requests.last());
    }

    pub(crate) fn report(&self, answers: &[Answer<'_>]) -> Report {
        match self.play(answers).1 {
            UsageNext::Done(report) => *report,
            other => panic!("{}: {other:?}", self.provider),
        }
    }
}

/// Each vector: what it is, the answers, and what is read of them.
pub(crate) fn check(asked: &Asked, vectors: &[Vector<'_>]) {
    for (name, answers, expected) in vectors {
        let (_, end) = asked.play(answers);
        let shown = match &end {
            UsageNext::Done(report) => show(report),
            UsageNext::Failed(failure) => failed(failure),
            UsageNext::Ask(request) => panic!("{name}: {request:?}"),
        };
        let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected, "{}: {name}", asked.provider);
        assert!(!format!("{end:?}").contains("canary"), "{name}: a secret is shown");
    }
}

pub(crate) fn failed(failure: &UsageFailure) -> String {
    let kind = match failure.kind {
        UsageFailureKind::Auth => "auth",
        UsageFailureKind::Refused => "refused",
        UsageFailureKind::Unsupported => "unsupported",
        UsageFailureKind::Transient => "transient",
        UsageFailureKind::Malformed => "malformed",
    };
    format!("{kind} {} {}", failure.code, failure.place).trim().to_owned()
}

/// A report in lines: one a limit, then what else there is.
pub(crate) fn show(report: &Report) -> String {
    let mut lines: Vec<String> = report.limits.iter().map(limit).collect();
    for meter in &report.meters {
        lines.push(format!("meter {} allowed={:?} reached={:?}", meter.name, meter.allowed, meter.reached));
    }
    if let Some(credits) = &report.credits {
        let balance = credits.balance.map(number);
        lines.push(format!(
            "credits has={} unlimited={} blocked={} balance={balance:?}",
            credits.has, credits.unlimited, credits.blocked
        ));
    }
    if let Some(resets) = &report.reset_credits {
        lines.push(format!("resets {}", resets.available));
    }
    if let Some(plan) = &report.plan {
        lines.push(format!("plan {plan}"));
    }
    for note in &report.notes {
        lines.push(format!("note {note}"));
    }
    lines.join("\n")
}

/// `anthropic:5h 6% ok | 5h +2h | shared`
fn limit(limit: &Limit) -> String {
    let mut line = format!("{} {} {}", limit.id, amount(&limit.amount), limit.status.as_str());
    if let Some(window) = &limit.window {
        let _ = write!(line, " | {}", window.id);
        if let Some(duration) = window.duration {
            let name = credpool::usage::report::Window::name_of(duration);
            if *name != *window.id {
                let _ = write!(line, "={name}");
            }
        }
        for (sign, at) in [("", window.resets_at), ("~", window.ticks_at)] {
            if let Some(at) = at {
                let _ = write!(line, " {sign}{}", length(at));
            }
        }
    }
    let scope = &limit.scope;
    for (name, text) in [("tier", &scope.tier), ("model", &scope.model), ("meter", &scope.meter)] {
        if let Some(text) = text {
            let _ = write!(line, " {name}={text}");
        }
    }
    if scope.shared {
        line += " shared";
    }
    line
}

fn amount(amount: &Amount) -> String {
    let share =
        amount.used_fraction().map_or("?".to_owned(), |share| format!("{}%", f64::from(share.0) / 10_000.0));
    match (amount.used, amount.limit, amount.remaining) {
        (Some(_), Some(100_000_000), _) if amount.unit.as_str() == "percent" => share,
        (used, limit, left) => {
            let text = |part: Option<u64>| part.map_or("?".to_owned(), number);
            format!("{share} {}/{}-{} {}", text(used), text(limit), text(left), amount.unit.as_str())
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "for people")]
fn number(millionths: u64) -> String {
    (millionths as f64 / 1e6).to_string()
}

/// How long from now, in the largest unit that fits: `+5h`, `-3d`, `+1500ms`.
fn length(at: Timestamp) -> String {
    let (sign, length) = if at.0 >= NOW { ('+', at.0 - NOW) } else { ('-', NOW - at.0) };
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if length >= size && length.is_multiple_of(size) {
            return format!("{sign}{}{unit}", length / size);
        }
    }
    format!("{sign}{length}ms")
}

/// The requests as lines: method, address, and the headers and the body, in which the secrets stand.
pub(crate) fn requests(asked: &Asked, answers: &[Answer<'_>]) -> Vec<String> {
    asked
        .play(answers)
        .0
        .iter()
        .map(|request| {
            let headers: Vec<String> =
                request.headers.iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect();
            let body = request.body.as_ref().map_or(String::new(), |body| format!(" {}", body.expose()));
            assert!(!format!("{request:?}").contains("canary"), "{request:?}");
            format!("{} {} [{}]{body}", request.method, request.url, headers.join("; "))
        })
        .collect()
}
