//! What is left of an account, asked of its provider: requests are built here and answers read here; when to ask, and what follows,
//! is decided in [`engine`](crate::engine).
//!
//! A provider is a file of data in `sources/` and a row in [`SOURCES`]; [`read`] reads them all. A [`Probe`] is one question: one
//! request, or several after each other where a provider needs them.

mod amount;
mod headers;
mod path;
mod probe;
mod read;
mod resets;
mod source;

pub use headers::ingest;
pub use probe::Probe;
pub use resets::{
    pick_reset, read_redemption, read_resets, redeem_request, resets_request, Redeemed, RESET_PROVIDERS,
};

use self::source::Source;
use crate::credential::Identity;
use crate::facts::Kind;
use crate::json;
use crate::secret::Secret;
use crate::time::Span;
use crate::usage::report::Report;
use crate::wire::find;
use crate::wire::http::HttpRequest;

/// An answer longer than this is none.
pub const MAX_ANSWER: usize = 1 << 19;
/// An account has no more requests than this to make for one report.
const MAX_ASKS: usize = 8;

/// Each provider that can be asked, by its registry name; with which kinds of credential, and how. Where one has several, the hosts of a credential's base URL choose.
const SOURCES: [(&str, &str, &str); 20] = [
    ("anthropic", "oauth token", include_str!("sources/anthropic.json")),
    ("openai-codex", "oauth token", include_str!("sources/openai-codex.json")),
    ("google-antigravity", "oauth token", include_str!("sources/google-antigravity.json")),
    ("google-gemini-cli", "oauth token", include_str!("sources/google-gemini-cli.json")),
    ("github-copilot", "oauth token api_key", include_str!("sources/github-copilot.json")),
    ("zai", "api_key oauth token", include_str!("sources/zai.json")),
    ("zhipu-coding-plan", "api_key oauth token", include_str!("sources/zhipu-coding-plan.json")),
    ("kimi-code", "oauth token api_key", include_str!("sources/kimi-code.json")),
    ("minimax-code", "api_key", include_str!("sources/minimax-code.json")),
    ("minimax-code-cn", "api_key", include_str!("sources/minimax-code-cn.json")),
    ("alibaba-token-plan", "api_key", include_str!("sources/alibaba-token-plan.json")),
    ("alibaba-token-plan", "api_key", include_str!("sources/alibaba-token-plan-cn.json")),
    ("cursor", "oauth token api_key", include_str!("sources/cursor.json")),
    ("synthetic", "api_key", include_str!("sources/synthetic.json")),
    ("umans", "api_key", include_str!("sources/umans.json")),
    ("xai-oauth", "oauth token", include_str!("sources/xai-oauth.json")),
    ("opencode-go", "api_key", include_str!("sources/opencode-go.json")),
    ("openrouter", "api_key oauth token", include_str!("sources/openrouter.json")),
    ("deepseek", "api_key", include_str!("sources/deepseek.json")),
    ("moonshot", "api_key", include_str!("sources/moonshot.json")),
];

/// Whom they can ask, without how: that is all that most programs need.
const ASKED: [(&str, &str); SOURCES.len()] = {
    let mut asked = [("", ""); SOURCES.len()];
    let mut at = 0;
    while at < asked.len() {
        asked[at] = (SOURCES[at].0, SOURCES[at].1);
        at += 1;
    }
    asked
};

/// Can this provider be asked with this kind of credential? `None`: nobody knows how; `Some(false)`: not with this kind.
pub fn can_be_asked(provider: &str, kind: Kind) -> Option<bool> {
    let (_, kinds) = ASKED.iter().find(|(name, _)| *name == provider)?;
    Some(kinds.split(' ').any(|word| word == kind.as_str()))
}

/// Whom a provider is asked about.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// The provider, by its registry name.
    pub provider: &'a str,
    /// The kind of credential.
    pub kind: Kind,
    /// The key or the access token.
    pub secret: &'a Secret,
    /// The part that renews it, where it has one.
    pub refresh: Option<&'a Secret>,
    /// Where its calls go, where that is not the provider's own address.
    pub base_url: Option<&'a str>,
    /// Whose it is, as far as that is known.
    pub identity: &'a Identity,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageFailureKind {
    /// The provider does not know the secret, or not any more. Nothing is disabled for it: the next real use decides.
    Auth,
    /// The secret is good for calls and not for this question.
    Refused,
    /// There is nothing to ask: another kind of credential, another host, something that is not known of the account.
    Unsupported,
    /// It may be answered later.
    Transient,
    /// The answer is none.
    Malformed,
}

/// Why there is no report. It holds nothing of the answer but names of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageFailure {
    /// What kind it is.
    pub kind: UsageFailureKind,
    /// A word: `http-503`, `no_project`, `expected a number`.
    pub code: Box<str>,
    /// The field of the answer that is wrong; empty where none is.
    pub place: Box<str>,
    /// Not before then, as the provider asks.
    pub retry_after: Option<Span>,
}

impl UsageFailure {
    fn of(kind: UsageFailureKind, code: &str) -> Self {
        Self { kind, code: code.into(), place: Box::default(), retry_after: None }
    }

    fn malformed(place: &str, what: &str) -> Self {
        Self { place: place.into(), ..Self::of(UsageFailureKind::Malformed, what) }
    }
}

/// What comes next of a probe.
#[derive(Debug)]
pub enum UsageNext {
    /// This is to be asked; redirects are not to be followed.
    Ask(HttpRequest),
    /// The report.
    Done(Box<Report>),
    /// There is none.
    Failed(UsageFailure),
}

/// The source of a provider for a credential with this base URL.
fn sources(provider: &str, base_url: Option<&str>) -> Option<Source> {
    let mut chosen = None;
    for (name, _, text) in SOURCES {
        if name != provider {
            continue;
        }
        let source: Source = json::read(text).ok()?;
        let fits = base_url.is_some_and(|url| source.hosts.split(' ').any(|host| is_at(url, host)));
        if fits || chosen.is_none() {
            chosen = Some(source);
        }
    }
    chosen
}

/// `https://a.example` of `https://a.example/b?c`.
fn origin_of(url: &str) -> &str {
    let host = find::find(url, "://").map_or(0, |at| at + 3);
    let rest = url.get(host..).unwrap_or_default();
    let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(rest.len());
    url.get(..host + end).unwrap_or(url)
}

/// Is it an address of this host, or of one below it, over TLS?
fn is_at(url: &str, host: &str) -> bool {
    let origin = origin_of(url);
    let Some(found) = origin.strip_prefix("https://") else { return false };
    let found = found.strip_suffix(":443").unwrap_or(found);
    let found = found.to_ascii_lowercase();
    found.strip_suffix(host).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

#[cfg(test)]
mod tests;
