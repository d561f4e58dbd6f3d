//! Names of models: suffixes and wildcards.

/// The model whose state is kept: the name without a trailing thinking suffix. `gpt(high)` is `gpt`; `gpt(`, `(x)` and
/// `gpt(high` are names as they stand (CLIProxyAPI's `ParseSuffix`).
pub fn canonical_model(model: &str) -> &str {
    let model = model.trim();
    match model.strip_suffix(')').and_then(|open| open.rfind('(')) {
        Some(at) if at > 0 => model.get(..at).unwrap_or(model),
        _ => model,
    }
}

/// A name with `*` for any text, compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Box<str>);

impl Pattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_ascii_lowercase().into())
    }

    /// Does the name match? Linear in the name for each `*`, however many there are.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        // Where to go on after a mismatch: the last star, and the first byte that it does not cover.
        let mut retry: Option<(usize, usize)> = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    retry = Some((p + 1, n));
                    p += 1;
                }
                Some(&byte) if byte == name[n].to_ascii_lowercase() => {
                    p += 1;
                    n += 1;
                }
                _ => match retry {
                    Some((after_star, covered)) => {
                        p = after_star;
                        n = covered + 1;
                        retry = Some((after_star, covered + 1));
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|&byte| byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thinking_suffix_is_no_part_of_the_model() {
        for (name, canonical) in
            [("gpt(high)", "gpt"), ("gpt", "gpt"), ("gpt(", "gpt("), ("gpt(high", "gpt(high"), ("(x)", "(x)")]
        {
            assert_eq!(canonical_model(name), canonical);
        }
        assert_eq!(canonical_model("a(b)(8192)"), "a(b)");
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, matches) in [
            ("gpt-5*", "gpt-5.2", true),
            ("*-mini", "GPT-5-mini", true),
            ("o3", "o3-pro", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        assert!(!Pattern::new(&"*a".repeat(200)).matches(&"a".repeat(199)));
    }
}
