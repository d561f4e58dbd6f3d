//! Files of environment variables: `NAME=value` lines, of which those are taken whose names are known to be a provider's.

use super::collect::Found;
use super::credential::Credential;
use super::write::Plan;
use crate::facts::Kind;
use crate::provider::{environment_kind, Registry};
use std::collections::HashMap;

/// Names beside those of the registry.
const OTHERS: [(&str, &str); 9] = [
    ("CLAUDE_CODE_OAUTH_TOKEN", "anthropic"),
    ("ANTHROPIC_AUTH_TOKEN", "anthropic"),
    ("CODEX_API_KEY", "openai"),
    ("GROK_API_KEY", "xai"),
    ("GOOGLE_GENERATIVE_AI_API_KEY", "google"),
    ("GOOGLE_AI_API_KEY", "google"),
    ("AZURE_API_KEY", "azure"),
    ("TOGETHERAI_API_KEY", "together"),
    ("GITHUB_COPILOT_TOKEN", "github-copilot"),
];
/// What a variable's name ends in that holds an address, in place of its `_API_KEY`.
const ADDRESSES: [&str; 3] = ["_BASE_URL", "_API_BASE", "_API_BASE_URL"];
/// Names that end so are worth telling, where nobody knows whose they are.
const SECRET_ENDS: [&str; 4] = ["_API_KEY", "_API_KEYS", "_OAUTH_TOKEN", "_AUTH_TOKEN"];

pub(super) fn is_it(text: &str) -> bool {
    let mut some = false;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).take(20)
    {
        match assignment(line) {
            Some(_) => some = true,
            None => return false,
        }
    }
    some
}

/// `NAME` and what stands behind the sign.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_name = !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(in_name);
    (is_name && name.len() <= 128).then_some((name, value.trim()))
}

/// A value without its quotes. An error says why it cannot be read.
fn value(text: &str) -> Result<String, &'static str> {
    const OPEN: &str = "its value does not end in its line";
    let made = |text: &str| {
        if text.contains("${") || text.contains("$(") {
            Err("its value is made of others")
        } else {
            Ok(())
        }
    };
    if let Some(rest) = text.strip_prefix('\'') {
        return rest.split_once('\'').map(|(inside, _)| inside.to_owned()).ok_or(OPEN);
    }
    if let Some(rest) = text.strip_prefix('"') {
        let mut inside = String::new();
        let mut characters = rest.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => return Ok(inside),
                '\\' => match characters.next().ok_or(OPEN)? {
                    'n' => inside.push('\n'),
                    'r' => inside.push('\r'),
                    't' => inside.push('\t'),
                    other => inside.push(other),
                },
                '$' if characters.as_str().starts_with(['{', '(']) => {
                    return Err("its value is made of others")
                }
                other => inside.push(other),
            }
        }
        return Err(OPEN);
    }
    made(text)?;
    let plain = text.split_once(" #").map_or(text, |(before, _)| before);
    Ok(plain.trim_end().to_owned())
}

pub(super) fn read(text: &str, found: &mut Found) {
    let variables = Variables::known();
    let mut lines = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, raw)) = assignment(line) {
            lines.push((name, raw, ["line ", &number.to_string(), ": ", name].concat()));
        }
    }
    // The last of a name counts, as it does where such a file is loaded.
    let last: HashMap<&str, &str> = lines.iter().map(|(name, raw, _)| (*name, *raw)).collect();
    for (name, raw, place) in &lines {
        let Some(whose) = variables.find(name) else {
            if SECRET_ENDS.iter().any(|end| name.ends_with(end)) && !raw.is_empty() {
                found.skip(place, "no known provider has a variable of this name");
            }
            continue;
        };
        if last.get(name) != Some(raw) {
            found.skip(place, "the same variable is set once more further down");
            continue;
        }
        let read = match value(raw) {
            Ok(read) => read,
            Err(why) => {
                found.skip(place, why);
                continue;
            }
        };
        take(place, name, &read, &whose, found, |name| last.get(name).and_then(|raw| value(raw).ok()));
    }
}

/// Takes the value of one variable over; `other` gives the values of others.
pub(super) fn take(
    place: &str,
    name: &str,
    read: &str,
    whose: &Whose,
    found: &mut Found,
    other: impl Fn(&str) -> Option<String>,
) {
    let several = whose.list && read.contains([',', ';']);
    let keys: Vec<&str> = if whose.list {
        read.split([',', ';', ' ']).map(str::trim).filter(|key| !key.is_empty()).collect()
    } else {
        vec![read]
    };
    if keys.iter().all(|key| key.trim().is_empty()) {
        return found.skip(place, "it is empty");
    }
    let stem = whose.variable.strip_suffix("_API_KEY").or_else(|| whose.variable.strip_suffix("_AUTH_TOKEN"));
    let behind = name.get(whose.variable.len() + usize::from(whose.list)..).unwrap_or_default();
    let address = stem.and_then(|stem| ADDRESSES.iter().find_map(|end| other(&[stem, end, behind].concat())));
    for (index, key) in keys.iter().enumerate() {
        let kind = if matches!(whose.variable.as_str(), "ANTHROPIC_AUTH_TOKEN" | "GITHUB_COPILOT_TOKEN") {
            Kind::Token
        } else {
            environment_kind(&whose.variable)
        };
        let mut credential = match kind {
            Kind::ApiKey => Credential::key(&whose.provider, key),
            Kind::Token | Kind::Oauth => Credential::token(&whose.provider, key),
        };
        let number = if several { (index + 1).to_string() } else { String::new() };
        let between = if whose.suffix.is_empty() || number.is_empty() { "" } else { "-" };
        let name = [whose.suffix.as_str(), between, &number].concat();
        credential.name = (!name.is_empty()).then_some(name);
        credential.base_url = address.clone().filter(|address| !address.is_empty());
        let place = if several { super::collect::nth(place, index) } else { place.to_owned() };
        found.add(&place, credential);
    }
}

/// Whose a variable is.
pub(super) struct Whose {
    provider: String,
    /// The known variable that its name begins with.
    variable: String,
    /// What stands behind it, as a name: `OPENAI_API_KEY_WORK` is that of `work`.
    suffix: String,
    /// It holds several, with commas between: `OPENAI_API_KEYS`.
    list: bool,
}

/// The variables that are known.
pub(super) struct Variables(HashMap<String, String>);

impl Variables {
    pub(super) fn known() -> Self {
        let registry = Registry::builtin();
        let mut known = HashMap::new();
        for facts in registry.names().filter_map(|name| registry.facts(name)) {
            for variable in &facts.environment {
                known.entry(variable.as_ref().to_owned()).or_insert_with(|| facts.name.as_ref().to_owned());
            }
        }
        for (variable, provider) in OTHERS {
            known.entry(variable.to_owned()).or_insert_with(|| provider.to_owned());
        }
        Self(known)
    }

    pub(super) fn find(&self, name: &str) -> Option<Whose> {
        let whose = |variable: &str, behind: &str, list| {
            let provider = self.0.get(variable)?.clone();
            let suffix = behind.trim_start_matches('_').to_ascii_lowercase();
            Some(Whose { provider, variable: variable.to_owned(), suffix, list })
        };
        if let Some(found) = whose(name, "", false) {
            return Some(found);
        }
        // The longest known name that it begins with: `_2`, `_WORK`, `2`, `S`.
        for end in (1..name.len()).rev() {
            let (Some(start), Some(behind)) = (name.get(..end), name.get(end..)) else { continue };
            if !self.0.contains_key(start) {
                continue;
            }
            let digits = behind.bytes().all(|byte| byte.is_ascii_digit());
            if let Some(rest) =
                behind.strip_prefix('S').filter(|rest| rest.is_empty() || rest.starts_with('_'))
            {
                return whose(start, rest, true);
            }
            if digits || behind.starts_with('_') {
                return whose(start, behind, false);
            }
        }
        None
    }

    /// The variable for a provider's credential of a kind.
    fn variable(&self, provider: &str, kind: Kind) -> Option<String> {
        let facts = Registry::builtin().facts(provider)?;
        // One that is another provider's first would be read as that one's.
        let of_kind = |variable: &&str| {
            let whose = self.0.get(*variable);
            environment_kind(variable) == kind && whose.is_some_and(|whose| whose == provider)
        };
        facts.environment.iter().map(AsRef::as_ref).find(of_kind).map(str::to_owned)
    }
}

pub(super) fn write(plan: &mut Plan<'_>) {
    let known = Variables::known();
    let mut lines: Vec<(String, String)> = Vec::new();
    for (at, credential) in plan.all() {
        if credential.kind == Kind::Oauth {
            plan.leave_out(
                at,
                "a file of variables has keys and tokens: an account would have to be renewed in it",
            );
            continue;
        }
        let Some(variable) = known.variable(&credential.provider, credential.kind) else {
            plan.leave_out(at, "this provider has no variable for it");
            continue;
        };
        let taken = |name: &str| lines.iter().any(|(other, _)| other == name);
        let word = credential.name.as_deref().unwrap_or_default();
        let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let word = if word != "default" && word.bytes().all(in_word) {
            word.to_ascii_uppercase()
        } else {
            String::new()
        };
        let word = if word.is_empty() { word } else { ["_", &word].concat() };
        let mut behind = word.clone();
        let mut number = 1;
        while taken(&[variable.as_str(), &behind].concat()) {
            number += 1;
            behind = [word.as_str(), "_", &number.to_string()].concat();
        }
        let address = match (&credential.base_url, variable.strip_suffix("_API_KEY")) {
            (Some(address), Some(stem)) => Some(([stem, ADDRESSES[0], &behind].concat(), address.clone())),
            (Some(_), None) => {
                plan.leave_out(at, "there is no variable for the address of its server");
                continue;
            }
            (None, _) => None,
        };
        lines.push(([variable.as_str(), &behind].concat(), credential.secret.expose().to_owned()));
        lines.extend(address);
        plan.takes(at);
    }
    if plan.any() {
        let mut text = String::new();
        for (name, value) in lines {
            text.push_str(&name);
            text.push('=');
            text.push_str(&quoted(&value));
            text.push('\n');
        }
        plan.text(".env", text);
    }
}

fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./+=:@,~".contains(&byte);
    if value.bytes().all(plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return ["'", value, "'"].concat();
    }
    let mut text = String::from('"');
    for character in value.chars() {
        if matches!(character, '"' | '\\' | '$' | '`') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('"');
    text
}
