//! One question to a provider, from its first request to its report.

use super::path::Here;
use super::read::Reading;
use super::source::{Ask, Source};
use super::{
    can_be_asked, is_at, origin_of, sources, Account, UsageFailure, UsageFailureKind, UsageNext, MAX_ANSWER,
    MAX_ASKS,
};
use crate::json::{self, Value};
use crate::oauth::read_identity;
use crate::secret::Secret;
use crate::time::Timestamp;
use crate::usage::report::Report;
use crate::wire::http::{Headers, HttpRequest};
use crate::wire::jwt::Claims;
use crate::wire::{find, retry_after};

/// One question that is under way.
pub struct Probe {
    source: Source,
    /// The next request.
    at: usize,
    /// The one that was made last, and how it went.
    asked: usize,
    failure: Option<UsageFailure>,
    /// What stands in braces.
    known: Vec<(&'static str, Secret)>,
    /// `http://127.0.0.1:8080`, where the credential is used on the machine itself.
    origin: Option<Box<str>>,
    report: Report,
}

impl Probe {
    /// Begins: the probe, and what is to be asked first.
    pub fn begin(account: Account<'_>) -> Result<(Self, HttpRequest), UsageFailure> {
        let unsupported = |code| UsageFailure::of(UsageFailureKind::Unsupported, code);
        let parts = Parts::of(account.secret.expose());
        let base_url = account.base_url.filter(|url| !url.is_empty()).or(parts.text("baseUrl"));
        let source = sources(account.provider, base_url).ok_or_else(|| unsupported("no_source"))?;
        if can_be_asked(account.provider, account.kind) != Some(true) {
            return Err(unsupported("kind"));
        }
        let origin = match base_url {
            Some(url) if is_loopback(url) => Some(origin_of(url).into()),
            Some(url) if !source.hosts.split(' ').any(|host| is_at(url, host)) => {
                return Err(unsupported("host"))
            }
            _ => None,
        };
        let known = known_of(account, &parts, source.renewing);
        let report = Report {
            provider: account.provider.into(),
            identity: account.identity.clone(),
            ..Report::default()
        };
        let mut probe = Self { source, at: 0, asked: 0, failure: None, known, origin, report };
        match probe.next() {
            UsageNext::Ask(request) => Ok((probe, request)),
            UsageNext::Failed(failure) => Err(failure),
            UsageNext::Done(_) => Err(unsupported("nothing_to_ask")),
        }
    }

    /// The answer came.
    pub fn answer(&mut self, status: u16, headers: Headers<'_>, body: &str, now: Timestamp) -> UsageNext {
        self.report.fetched_at = now;
        self.failure = self.read(status, headers, body, now).err();
        self.next()
    }

    /// No answer came.
    pub fn unanswered(&mut self) -> UsageNext {
        self.failure = Some(UsageFailure::of(UsageFailureKind::Transient, "network"));
        self.next()
    }

    /// The next request that is to be made and can be; else the end.
    fn next(&mut self) -> UsageNext {
        if let Some(failure) = &self.failure {
            let last = self.source.asks.get(self.asked);
            let optional = last.is_some_and(|ask| ask.optional) && self.asked > 0;
            if failure.kind == UsageFailureKind::Auth && !optional {
                return UsageNext::Failed(failure.clone());
            }
            if optional {
                self.failure = None;
            }
        }
        while let Some(ask) = self.source.asks.get(self.at).filter(|_| self.at < MAX_ASKS) {
            let at = self.at;
            self.at += 1;
            let identity = &self.report.identity;
            let wanted = match &*ask.when {
                "" => self.failure.is_none(),
                "failed" => self.failure.is_some(),
                "empty" => self.failure.is_none() && self.report.limits.is_empty(),
                _ => self.failure.is_none() && (identity.account_id.is_none() || identity.email.is_none()),
            };
            if !wanted {
                continue;
            }
            match self.request(ask) {
                Ok(request) => {
                    self.asked = at;
                    return UsageNext::Ask(request);
                }
                // Where another request could be made in its place it is.
                Err(failure) if !ask.optional => self.failure = Some(failure),
                Err(_) => {}
            }
        }
        match self.failure.take() {
            Some(failure) => UsageNext::Failed(failure),
            None => UsageNext::Done(Box::new(core::mem::take(&mut self.report))),
        }
    }

    fn request(&self, ask: &Ask) -> Result<HttpRequest, UsageFailure> {
        let missing = |name: &str| UsageFailure::of(UsageFailureKind::Unsupported, &["no_", name].concat());
        let mut url = self.fill(&ask.url, Form::Url).map_err(missing)?;
        if let Some(origin) = &self.origin {
            url = [&**origin, url.get(origin_of(&url).len()..).unwrap_or_default()].concat();
        }
        let mut headers = vec![("accept".into(), Secret::new("application/json"))];
        if !ask.auth.is_empty() {
            headers.push((
                "authorization".into(),
                Secret::new(self.fill(&ask.auth, Form::Header).map_err(missing)?),
            ));
        }
        for (name, value) in &ask.headers {
            match self.fill(value, Form::Header) {
                Ok(value) => headers.push((name.clone(), Secret::new(value))),
                // A cookie is how the secret is shown.
                Err(which) if &**name == "cookie" => return Err(missing(which)),
                Err(_) => {}
            }
        }
        if ask.body.is_empty() {
            return Ok(HttpRequest { method: "GET", url: url.into(), headers, body: None, key: None });
        }
        let is_json = ask.body.starts_with('{');
        let kind = if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
        headers.push(("content-type".into(), Secret::new(kind)));
        let body = self.fill(&ask.body, if is_json { Form::Json } else { Form::Url }).map_err(missing)?;
        Ok(HttpRequest { method: "POST", url: url.into(), headers, body: Some(Secret::new(body)), key: None })
    }

    /// Fills a template; which word is not known, where one is not.
    fn fill<'t>(&self, template: &'t str, form: Form) -> Result<String, &'t str> {
        let (mut filled, mut rest) = (String::new(), template);
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let word = after
                .split_once('}')
                .filter(|(word, _)| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()));
            let Some((word, after)) = word else {
                filled.push('{');
                rest = after;
                continue;
            };
            let (_, value) = self.known.iter().rev().find(|(name, _)| *name == word).ok_or(word)?;
            match form {
                Form::Header => filled.push_str(value.expose()),
                Form::Json => {
                    let quoted = json::write(&value.expose());
                    filled.push_str(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default());
                }
                Form::Url => {
                    let field = crate::oauth::form(&[("", value.expose())]);
                    filled.push_str(field.get(1..).unwrap_or_default());
                }
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Reads the answer to the last request.
    fn read(
        &mut self,
        status: u16,
        headers: Headers<'_>,
        body: &str,
        now: Timestamp,
    ) -> Result<(), UsageFailure> {
        let Some(ask) = self.source.asks.get(self.asked) else { return Ok(()) };
        if let Some(failure) = failure_of(ask, status, headers, body, now) {
            return Err(failure);
        }
        if body.len() > MAX_ANSWER {
            return Err(UsageFailure::malformed("", "too_long"));
        }
        if ask.page {
            let taken = find::split_once(body, &ask.take).and_then(|(_, rest)| rest.split_once('"'));
            let (taken, _) = taken.ok_or_else(|| UsageFailure::malformed(&ask.take, "not_found"))?;
            keep(&mut self.known, "taken", taken);
            return Ok(());
        }
        let document: Value =
            json::read(body).map_err(|error| UsageFailure::malformed(&error.path, &error.message))?;
        let here = Here::new(&document);
        let says = |condition: &str| !condition.is_empty() && here.holds(condition);
        if says(&ask.dead) {
            return Err(UsageFailure::of(UsageFailureKind::Auth, "refused_in_body"));
        }
        if says(&ask.fails) {
            return Err(UsageFailure::of(UsageFailureKind::Transient, "failed_in_body"));
        }
        if !ask.known.is_empty() && !ask.known.split(' ').any(|name| here.has(name)) {
            let place = ask.known.split(' ').next().unwrap_or_default();
            return Err(UsageFailure::malformed(place, "missing"));
        }
        if !ask.take.is_empty() {
            let taken = here.text(&ask.take).ok_or_else(|| UsageFailure::malformed(&ask.take, "missing"))?;
            keep(&mut self.known, "taken", taken);
        }
        let mut reading = Reading::new(&self.source, core::mem::take(&mut self.report), now);
        let unwrapped = unwrap(&document);
        reading.document(unwrapped.as_ref().unwrap_or(&document));
        let (wrong, report) = (reading.wrong, reading.report);
        self.report = report;
        // What the provider says goes before what was known; what it does not say stays.
        let mut identity = read_identity(&self.source.identity, &[&document]);
        identity.fill(&self.report.identity);
        self.report.identity = identity;
        match wrong {
            // Of an answer that is good in part that part counts, unless all of it is needed.
            Some(place) if self.report.limits.is_empty() || self.source.rows.iter().any(|row| row.must) => {
                self.report.limits.clear();
                Err(UsageFailure::malformed(&place, "not_as_expected"))
            }
            _ => Ok(()),
        }
    }
}

/// How a text is written into a request.
#[derive(Clone, Copy)]
enum Form {
    Header,
    Json,
    Url,
}

/// The failure that a status tells.
fn failure_of(
    ask: &Ask,
    status: u16,
    headers: Headers<'_>,
    body: &str,
    now: Timestamp,
) -> Option<UsageFailure> {
    use UsageFailureKind::{Auth, Refused, Transient, Unsupported};
    // A page in the place of an answer is somebody's between the provider and us.
    let is_page = body.trim_ascii_start().starts_with('<');
    let kind = match status {
        200..=299 => return None,
        401 if !ask.aside => Auth,
        403 if is_page => Transient,
        403 if ask.forbids => Auth,
        // Where a cookie is not good the answer is a redirect to a login.
        300..=403 if status != 400 => Refused,
        501 => Unsupported,
        408 | 409 | 423 | 425 | 429 | 500.. => Transient,
        _ => Unsupported,
    };
    let mut failure = UsageFailure::of(kind, &["http-", &status.to_string()].concat());
    failure.retry_after = retry_after::read(headers, now).map(|hint| hint.after);
    Some(failure)
}

/// A gateway's answer within an answer, as Alibaba's consoles have it: `{"data":{"Data":"{…}"}}`.
fn unwrap(document: &Value) -> Option<Value> {
    let text = Here::new(document).get("data.Data")?.as_str()?;
    json::read::<Value>(text).ok().filter(Value::is_object)
}

/// A key that is an object of several: oh-my-pi's form of Alibaba's keys.
struct Parts(Option<Value>);

impl Parts {
    fn of(secret: &str) -> Self {
        Self(secret.starts_with('{').then(|| json::read::<Value>(secret).ok()).flatten())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.get(name)?.as_str().filter(|text| !text.is_empty())
    }
}

/// What stands in braces, of an account.
fn known_of(account: Account<'_>, parts: &Parts, renewing: bool) -> Vec<(&'static str, Secret)> {
    let mut known = Vec::new();
    let secret = account.refresh.filter(|_| renewing).unwrap_or(account.secret).expose();
    let cookie = parts.text("cookie").unwrap_or_default();
    keep(&mut known, "token", parts.text("token").unwrap_or(if parts.0.is_some() { "" } else { secret }));
    keep(&mut known, "cookie", cookie);
    for part in cookie.split(';') {
        if let Some(("csrf" | "login_aliyunid_csrf", value)) = part.trim_ascii().split_once('=') {
            keep(&mut known, "csrf", value);
        }
    }
    if let Some(claims) = Claims::read(secret) {
        let user = claims.text(&["sub"]).unwrap_or_default();
        keep(&mut known, "user", user.rsplit_once('|').map_or(user, |(_, user)| user));
    }
    for (name, value) in [
        ("account", &account.identity.account_id),
        ("project", &account.identity.project_id),
        ("org", &account.identity.org_id),
    ] {
        keep(&mut known, name, value.as_deref().unwrap_or_default());
    }
    known
}

/// Keeps a text that may stand in a request: printable ASCII, not empty, of a size that headers have.
fn keep(known: &mut Vec<(&'static str, Secret)>, name: &'static str, value: &str) {
    let value = value.trim_ascii();
    if (1..=16_384).contains(&value.len())
        && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
    {
        known.push((name, Secret::new(value)));
    }
}

/// Is it an address of the machine itself?
fn is_loopback(url: &str) -> bool {
    url.starts_with("http://") && crate::facts::oauth::is_safe_url(url)
}
