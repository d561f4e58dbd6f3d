//! Credentials into a tool's own files. What a format cannot hold is found by reading the files again and comparing: so it is
//! named exactly, whatever the format.

use super::credential::Credential;
use super::{
    claude_code, cliproxyapi, code_buddy, codex, copilot, devclaw, dotenv, gemini_cli, litellm, oh_my_pi,
    openclaw, read, yaml, Source, Tool,
};
use crate::json::{object, ToJson, Value, Writer};
use crate::secret::is_reference;

/// A file to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What of a credential the files do not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Which credential, counted from 0.
    pub index: usize,
    /// Why it is not in them at all; empty where it is.
    pub why: String,
    /// The fields that are lost.
    pub fields: Vec<&'static str>,
}

/// Files, and what they do not hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// The files.
    pub files: Vec<File>,
    /// What they do not hold, in the order of the credentials.
    pub losses: Vec<Loss>,
}

impl ToJson for File {
    fn write(&self, to: &mut Writer) {
        object!(to, self { name, text });
    }
}

impl ToJson for Loss {
    fn write(&self, to: &mut Writer) {
        object!(to, self { index, why if (!self.why.is_empty()), fields if given });
    }
}

impl ToJson for Written {
    fn write(&self, to: &mut Writer) {
        object!(to, self { files, losses });
    }
}

/// Writes credentials as files of a tool.
pub fn write(tool: Tool, credentials: &[Credential]) -> Written {
    let mut plan = Plan { credentials: Vec::new(), taken: Vec::new(), losses: Vec::new(), files: Vec::new() };
    let references = matches!(tool, Tool::OpenClaw | Tool::LiteLlm);
    for (at, credential) in credentials.iter().enumerate() {
        let secret = credential.secret.expose();
        if secret.is_empty() && tool != Tool::LiteLlm {
            plan.leave_out(at, "it has no secret, only the address of its server");
        } else if is_reference(secret) && !(references && secret.starts_with("env:")) {
            plan.leave_out(at, "its secret is a reference, which this format does not have");
        } else {
            plan.credentials.push((at, credential));
        }
    }
    let write = match tool {
        Tool::OhMyPi => oh_my_pi::write,
        Tool::CliProxyApi => cliproxyapi::write,
        Tool::DevClaw => devclaw::write,
        Tool::CodeBuddy => code_buddy::write,
        Tool::OpenClaw => openclaw::write,
        Tool::Codex => codex::write,
        Tool::ClaudeCode => claude_code::write,
        Tool::GeminiCli => gemini_cli::write,
        Tool::Copilot => copilot::write,
        Tool::Env => dotenv::write,
        Tool::LiteLlm => litellm::write,
    };
    write(&mut plan);
    plan.compare(tool, credentials);
    plan.losses.sort_by_key(|loss| loss.index);
    Written { files: plan.files, losses: plan.losses }
}

/// What is being written.
pub(super) struct Plan<'a> {
    credentials: Vec<(usize, &'a Credential)>,
    taken: Vec<usize>,
    losses: Vec<Loss>,
    files: Vec<File>,
}

impl<'a> Plan<'a> {
    /// The credentials that this format could hold, with their numbers.
    pub(super) fn all(&self) -> Vec<(usize, &'a Credential)> {
        self.credentials.clone()
    }

    /// This one is not in the files.
    pub(super) fn leave_out(&mut self, index: usize, why: &str) {
        self.losses.push(Loss { index, why: why.to_owned(), fields: Vec::new() });
    }

    /// This one is in the files.
    pub(super) fn takes(&mut self, index: usize) {
        self.taken.push(index);
    }

    /// Is any in the files?
    pub(super) fn any(&self) -> bool {
        !self.taken.is_empty()
    }

    /// A file of JSON, for people to read.
    pub(super) fn file(&mut self, name: &str, value: &Value) {
        let mut text = String::new();
        pretty(value, 0, &mut text);
        text.push('\n');
        self.text(name, text);
    }

    /// A file of YAML.
    pub(super) fn yaml(&mut self, name: &str, value: &Value) {
        let text = yaml::write(value);
        self.text(name, text);
    }

    /// Any file.
    pub(super) fn text(&mut self, name: &str, text: String) {
        self.files.push(File { name: name.to_owned(), text });
    }

    /// Reads the files again: a field that does not come back is lost.
    fn compare(&mut self, tool: Tool, credentials: &[Credential]) {
        let mut back = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            let beside = self.files.get(at + 1).map(|file| file.text.as_str());
            if let Ok((_, found)) = read(Some(tool), &Source { text: &file.text, beside }) {
                back.extend(found.credentials.into_iter().map(|found| found.credential));
            }
        }
        for &index in &self.taken {
            let Some(credential) = credentials.get(index) else { continue };
            let same = |other: &&Credential| {
                other.provider == credential.provider && other.secret == credential.secret
            };
            let fields = back.iter().find(same).map_or(vec!["secret"], |found| credential.differences(found));
            if !fields.is_empty() {
                self.losses.push(Loss { index, why: String::new(), fields });
            }
        }
    }
}

/// The one place that a format has for a kind of credential: the first that comes takes it.
pub(super) struct Place {
    taken: bool,
    what: &'static str,
}

impl Place {
    pub(super) fn new(what: &'static str) -> Self {
        Self { taken: false, what }
    }

    /// Is it free? Then it is taken now; else the credential is left out.
    pub(super) fn take(&mut self, plan: &mut Plan<'_>, index: usize) -> bool {
        if self.taken {
            plan.leave_out(index, &["the file has room for ", self.what].concat());
            return false;
        }
        self.taken = true;
        plan.takes(index);
        true
    }
}

fn pretty(value: &Value, depth: usize, text: &mut String) {
    let (open, close, items): (_, _, Vec<(Option<&str>, &Value)>) = match value {
        Value::Object(fields) if !fields.is_empty() => {
            ('{', '}', fields.iter().map(|(name, value)| (Some(name.as_str()), value)).collect())
        }
        Value::Array(items) if !items.is_empty() => {
            ('[', ']', items.iter().map(|item| (None, item)).collect())
        }
        other => return text.push_str(&other.to_string()),
    };
    text.push(open);
    for (at, (name, item)) in items.into_iter().enumerate() {
        text.push_str(if at > 0 { ",\n" } else { "\n" });
        text.push_str(&"  ".repeat(depth + 1));
        if let Some(name) = name {
            text.push_str(&Value::from(name).to_string());
            text.push_str(": ");
        }
        pretty(item, depth + 1, text);
    }
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(close);
}
