//! Profiles to begin with: what an agent offers that finds keys in its environment. A preset may have some, as a document of its
//! own (`NAME.profiles.json`), which the host gives as it gives the preset: the pool's WebAssembly carries none.
//!
//! Only names of variables are known here, never what they hold.

use crate::json::{self, from_json, object, JsonError, ToJson, Writer};

/// A profile that may be offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstProfile {
    /// The provider, by its registry name.
    pub provider: Box<str>,
    /// The profile's name.
    pub name: Box<str>,
    /// Higher is tried first.
    pub priority: i32,
    /// The variable that has its key; none: a server that needs none.
    pub key: Option<Box<str>>,
    /// The variable that may have another address.
    pub address: Option<Box<str>>,
    /// Its address where no variable has one.
    pub base_url: Option<Box<str>>,
    /// The model that is asked for where nobody names one.
    pub model: Option<Box<str>>,
    /// May it be used at once?
    pub enabled: bool,
}

/// Those of a document that are offered where these variables are set, the highest first: a profile whose key is set, and one that needs
/// none, which stays disabled until somebody enables it. An address is left to its variable where that is set.
pub fn first_profiles(document: &str, is_set: &dyn Fn(&str) -> bool) -> Result<Vec<FirstProfile>, JsonError> {
    let mut offered: Vec<FirstProfile> = Vec::new();
    for mut profile in json::read::<Vec<FirstProfile>>(document)? {
        profile.enabled = profile.key.is_some();
        if profile.key.as_deref().is_some_and(|variable| !is_set(variable)) {
            continue;
        }
        if profile.address.as_deref().is_some_and(is_set) {
            profile.base_url = None;
        } else {
            profile.address = None;
        }
        let at = offered.iter().position(|other| other.priority < profile.priority);
        offered.insert(at.unwrap_or(offered.len()), profile);
    }
    Ok(offered)
}

/// The document of a preset; nothing where it has none.
#[cfg(feature = "presets")]
pub fn first_profiles_of(preset: &str) -> Option<&'static str> {
    (preset == "code-buddy").then_some(include_str!("presets/code-buddy.profiles.json"))
}

from_json! {
    strict FirstProfile {
        provider,
        name,
        priority = 0,
        key = None,
        address = None,
        base_url = None,
        model = None,
        enabled = false,
    }
}

impl ToJson for FirstProfile {
    fn write(&self, to: &mut Writer) {
        object!(to, self {
            provider,
            name,
            priority,
            key if given,
            address if given,
            base_url as "baseUrl" if given,
            model if given,
            enabled,
        });
    }
}

#[cfg(all(test, feature = "presets"))]
mod tests {
    use super::*;

    fn offered(set: &[&str]) -> Vec<FirstProfile> {
        first_profiles(first_profiles_of("code-buddy").unwrap(), &|name| set.contains(&name)).unwrap()
    }

    #[test]
    fn only_those_whose_key_is_set_and_the_local_one_disabled() {
        let names = |set: &[&str]| {
            offered(set).into_iter().map(|profile| String::from(profile.name)).collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["ollama-local"]);
        assert_eq!(
            names(&["OPENAI_API_KEY", "GROK_API_KEY", "PATH"]),
            ["grok-default", "openai-default", "ollama-local"]
        );
        assert_eq!(
            names(&["GROK_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GOOGLE_API_KEY"]).len(),
            5
        );
        let local = &offered(&[])[0];
        assert_eq!((local.enabled, local.base_url.as_deref()), (false, Some("http://localhost:11434/v1")));
    }

    #[test]
    fn an_address_is_left_to_its_variable() {
        let [grok, _] = offered(&["GROK_API_KEY", "GROK_BASE_URL"]).try_into().unwrap();
        assert_eq!(
            (grok.enabled, grok.address.as_deref(), grok.base_url),
            (true, Some("GROK_BASE_URL"), None)
        );
        assert_eq!(offered(&["GROK_API_KEY"])[0].address, None);
        assert_eq!(first_profiles_of("default"), None);
    }
}
