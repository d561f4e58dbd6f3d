//! Where a provider says what is used, and how it says it: data, one row a limit. The language of places, texts and conditions is in
//! [`path`](super::path).

use crate::facts::oauth::IdentityPaths;
use crate::json::from_json;
use crate::usage::report::Unit;

/// Where one provider is asked, and how its answers are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    /// Hosts of the provider, separated by spaces: a credential that is used elsewhere is not shown to it.
    pub(super) hosts: Box<str>,
    /// Is the renewing part of the secret shown, where there is one? (A GitHub token, of which Copilot's are made.)
    pub(super) renewing: bool,
    /// The requests, in their order.
    pub(super) asks: Vec<Ask>,
    /// What the answers' limits are.
    pub(super) rows: Vec<Row>,
    /// What is said of whole meters.
    pub(super) meters: Vec<MeterRow>,
    /// The plan: a text.
    pub(super) plan: Box<str>,
    /// Credits: the object that tells of them.
    pub(super) credits: Option<CreditsRow>,
    /// How many saved resets there are: a number.
    pub(super) resets: Box<str>,
    /// Remarks for people: a condition, and what is said where it holds.
    pub(super) notes: Vec<(Box<str>, Box<str>)>,
    /// Whose account it is.
    pub(super) identity: IdentityPaths,
}

/// One request. In its address, headers and body stand `{token}`, `{account}`, `{project}`, `{org}`, `{user}` (of the token), `{cookie}`,
/// `{csrf}` (of the cookie) and `{taken}`, what the answer before gave.
#[derive(Clone, Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "answers to questions that have nothing to do with each other"
)]
pub(super) struct Ask {
    pub(super) url: Box<str>,
    /// A header whose text is not known is left out.
    pub(super) headers: Vec<(Box<str>, Box<str>)>,
    /// How the secret is shown.
    pub(super) auth: Box<str>,
    /// With a body it is a POST: JSON, or a form where the text does not begin with a brace.
    pub(super) body: Box<str>,
    /// Empty: always. `failed`: the one before failed, though not for the secret. `empty`: nothing is known so far. `unnamed`: nor is
    /// whose account it is.
    pub(super) when: Box<str>,
    /// Can the report be without it?
    pub(super) optional: bool,
    /// One of these fields, separated by spaces, must be there: else it is another document.
    pub(super) known: Box<str>,
    /// The answer says that it is none: a condition.
    pub(super) fails: Box<str>,
    /// The answer says that the secret is not good: a condition.
    pub(super) dead: Box<str>,
    /// What is shown is not what calls are made with: it may be dead, and the credential good.
    pub(super) aside: bool,
    /// Does a 403 mean that the secret is not good?
    pub(super) forbids: bool,
    /// What the next request needs: a text; or, where the answer is a page, what stands behind this text, up to a quotation mark.
    pub(super) take: Box<str>,
    /// Is the answer a page, of which only `take` is read?
    pub(super) page: bool,
}

/// How a limit, or many of one kind, are read.
#[derive(Clone, Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "answers to questions that have nothing to do with each other"
)]
pub(super) struct Row {
    /// The items that are limits; several places, separated by spaces.
    pub(super) each: Box<str>,
    /// A condition.
    pub(super) when: Box<str>,
    /// The limit's id and label, with texts in braces; in the id they are made plain.
    pub(super) id: Box<str>,
    pub(super) label: Box<str>,
    /// The limit's name: a text.
    pub(super) name: Box<str>,
    /// `spark=spark bengalfox=spark codex-=`: what has the one in it is called the other; what begins with the last, without it.
    pub(super) alias: Box<str>,
    /// A share: `used%`, `left%`, `used/` or `left/` (of one), or `any` (per cent above one), and a number.
    pub(super) share: Box<str>,
    /// Where the share is not told but a reset is, nothing is left.
    pub(super) silent: bool,
    pub(super) used: Box<str>,
    pub(super) limit: Box<str>,
    pub(super) left: Box<str>,
    /// Amounts are divided by 10 to the power of this: a number.
    pub(super) places: Box<str>,
    pub(super) unit: Unit,
    /// The window: its name, `5h`, `7d`, `monthly`.
    pub(super) window: Box<str>,
    /// Its length in seconds, or in minutes: numbers.
    pub(super) seconds: Box<str>,
    pub(super) minutes: Box<str>,
    /// Its unit, its count, and what units mean: `unit number 3=h 6=w`.
    pub(super) per: Box<str>,
    /// What it is called: a text in which `week`, `day` or `month` is looked for.
    pub(super) words: Box<str>,
    /// Where nothing tells it: a week if it resets later than in a day or last of its list, else a day.
    pub(super) guess: bool,
    /// It ends with the day, week or month.
    pub(super) calendar: bool,
    /// When it began: an instant.
    pub(super) begin: Box<str>,
    /// When it begins anew: an instant, or seconds from now.
    pub(super) reset: Box<str>,
    pub(super) reset_in: Box<str>,
    /// When its next part comes back: an instant.
    pub(super) tick: Box<str>,
    /// A text and what it means: `status rate-limited=exhausted`.
    pub(super) status: Box<str>,
    /// Where this condition holds, more is served than the limit: a warning, not exhausted.
    pub(super) soft: Box<str>,
    /// Texts of the scope.
    pub(super) tier: Box<str>,
    pub(super) model: Box<str>,
    pub(super) meter: Box<str>,
    /// A condition.
    pub(super) shared: Box<str>,
    /// Of several with one id the first counts, or the one with the `lowest` rest; or they are `sum`med up, or `number`ed.
    pub(super) merge: Box<str>,
    /// Without it the answer is malformed.
    pub(super) must: bool,
}

/// How a meter's own word is read.
#[derive(Clone, Debug, Default)]
pub(super) struct MeterRow {
    pub(super) each: Box<str>,
    pub(super) name: Box<str>,
    pub(super) alias: Box<str>,
    pub(super) allowed: Box<str>,
    pub(super) reached: Box<str>,
}

/// How credits are read.
#[derive(Clone, Debug, Default)]
pub(super) struct CreditsRow {
    pub(super) each: Box<str>,
    pub(super) has: Box<str>,
    pub(super) unlimited: Box<str>,
    pub(super) blocked: Box<str>,
    pub(super) balance: Box<str>,
}

from_json! {
    strict Source {
        hosts,
        renewing = false,
        asks,
        rows,
        meters = Vec::new(),
        plan = Box::default(),
        credits = None,
        resets = Box::default(),
        notes = Vec::new(),
        identity = IdentityPaths::default(),
    }
}

from_json! {
    strict Ask {
        url,
        headers = Vec::new(),
        auth = "Bearer {token}".into(),
        body = Box::default(),
        when = Box::default(),
        optional = false,
        known = Box::default(),
        fails = Box::default(),
        dead = Box::default(),
        aside = false,
        forbids = false,
        take = Box::default(),
        page = false,
    }
}

from_json! {
    strict Row {
        each = Box::default(),
        when = Box::default(),
        id,
        label,
        name = Box::default(),
        alias = Box::default(),
        share = Box::default(),
        silent = false,
        used = Box::default(),
        limit = Box::default(),
        left = Box::default(),
        places = Box::default(),
        unit = Unit::Unknown,
        window = Box::default(),
        seconds = Box::default(),
        minutes = Box::default(),
        per = Box::default(),
        words = Box::default(),
        guess = false,
        calendar = false,
        begin = Box::default(),
        reset = Box::default(),
        reset_in = Box::default(),
        tick = Box::default(),
        status = Box::default(),
        soft = Box::default(),
        tier = Box::default(),
        model = Box::default(),
        meter = Box::default(),
        shared = Box::default(),
        merge = Box::default(),
        must = false,
    }
}

from_json! {
    strict MeterRow {
        each,
        name,
        alias = Box::default(),
        allowed = Box::default(),
        reached = Box::default(),
    }
}

from_json! {
    strict CreditsRow {
        each,
        has = Box::default(),
        unlimited = Box::default(),
        blocked = Box::default(),
        balance = Box::default(),
    }
}
