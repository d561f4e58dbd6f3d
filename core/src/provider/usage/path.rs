//! Places in a document that is not ours, as the tables name them.
//!
//! | written | means |
//! |---|---|
//! | `a.b` | the field `b` of the field `a` of the item that a row is about |
//! | `.` | that item itself |
//! | `$.a`, `^.a` | from the document's root; from the item of the first list or map on the way |
//! | `a[]` | each item of a list; what is no list counts as a list of one |
//! | `a{}` | each value of an object; its name is `#` from there on |
//! | `a.#` | the field that is called as the last `{}` was |
//!
//! Texts and numbers are alternatives, separated by `|`, of which the first that is there counts: such a place, `'text`, `#`, or `*`,
//! the name of the limit, or `@`, that of its window.
//!
//! A condition is a list of terms that all hold, separated by `&`: `a`, `!a` (there, or not; `null` is not), `a=x`, `a!=x`, `?a=x`
//! (nothing else, if it is there), `a~x` (has it in it); `x,y` is one of both. Several conditions, separated by spaces: one of them.

use crate::json::Value;
use crate::wire::find::find;

/// No more places than this are gone through for one row: a list of a hostile answer ends somewhere.
const MAX_PLACES: usize = 512;

/// What a row is about, and what is known around it.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) root: &'a Value,
    /// The item of the first list or map on the way.
    pub(super) outer: Option<&'a Value>,
    pub(super) item: &'a Value,
    /// The name under which the last map had it.
    pub(super) key: &'a str,
    /// The list it is in.
    pub(super) siblings: &'a [Value],
    /// The name of the limit.
    pub(super) name: &'a str,
    /// The name of its window.
    pub(super) window: &'a str,
}

impl<'a> Here<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, outer: None, item: root, key: "", siblings: &[], name: "", window: "" }
    }

    /// Goes to every place that is meant, and stops where `found` says so.
    pub(super) fn walk(self, path: &str, found: &mut dyn FnMut(Self) -> bool) {
        let mut left = MAX_PLACES;
        let start = match path.as_bytes().first() {
            Some(b'$') => self.root,
            Some(b'^') => self.outer.unwrap_or(self.root),
            _ => self.item,
        };
        let path = path.strip_prefix(['$', '^']).unwrap_or(path);
        Self { item: start, ..self }.step(path.strip_prefix('.').unwrap_or(path), &mut left, found);
    }

    fn step(self, path: &str, left: &mut usize, found: &mut dyn FnMut(Self) -> bool) -> bool {
        if path.is_empty() {
            *left = left.saturating_sub(1);
            return *left == 0 || found(self);
        }
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let name = first.strip_suffix("[]").or_else(|| first.strip_suffix("{}")).unwrap_or(first);
        let place = match name {
            "" => Some(self.item),
            "#" => self.item.get(self.key),
            name => self.item.get(name),
        };
        let Some(place) = place.filter(|place| !place.is_null()) else { return false };
        let into =
            |item, key, siblings| Self { outer: self.outer.or(Some(item)), item, key, siblings, ..self };
        if first.ends_with(']') {
            let Some(items) = place.as_array() else {
                return into(place, self.key, &[]).step(rest, left, found);
            };
            return items.iter().any(|item| into(item, self.key, items).step(rest, left, found));
        }
        if first.ends_with('}') {
            let fields = place.as_object().unwrap_or_default();
            return fields.iter().any(|(key, item)| into(item, key, &[]).step(rest, left, found));
        }
        Self { item: place, ..self }.step(rest, left, found)
    }

    /// The first place that is meant.
    pub(super) fn get(self, path: &str) -> Option<&'a Value> {
        let mut first = None;
        self.walk(path, &mut |here| {
            first = Some(here.item);
            !here.item.is_null()
        });
        first.filter(|value| !value.is_null())
    }

    /// Is there a field of that name, if it says nothing?
    pub(super) fn has(self, path: &str) -> bool {
        let (parent, name) = path.rsplit_once('.').unwrap_or((".", path));
        self.get(parent).is_some_and(|parent| parent.get(name).is_some())
    }

    /// The first of the alternatives that is a text (or a number, or a truth value) and not empty.
    pub(super) fn text(self, any: &'a str) -> Option<&'a str> {
        any.split('|').find_map(|one| self.one(one)).filter(|text| !text.is_empty())
    }

    fn one(self, one: &'a str) -> Option<&'a str> {
        let text = match one {
            "" => return None,
            "#" => self.key,
            "*" => self.name,
            "@" => self.window,
            one => match one.strip_prefix('\'') {
                Some(text) => text,
                None => scalar(self.get(one)?)?,
            },
        };
        Some(text.trim()).filter(|text| !text.is_empty())
    }

    /// Does a condition hold? An empty one does.
    pub(super) fn holds(self, condition: &str) -> bool {
        condition.is_empty() || condition.split(' ').any(|all| all.split('&').all(|term| self.term(term)))
    }

    fn term(self, term: &str) -> bool {
        let Some(at) = term.bytes().position(|byte| matches!(byte, b'=' | b'~')) else {
            return match term.strip_prefix('!') {
                Some(path) => self.get(path).is_none(),
                None => self.get(term).is_some(),
            };
        };
        let (path, wanted) = (term.get(..at).unwrap_or_default(), term.get(at + 1..).unwrap_or_default());
        let within = term.as_bytes().get(at) == Some(&b'~');
        let (path, or_absent) = match path.strip_prefix('?') {
            Some(path) => (path, true),
            None => (path, false),
        };
        let (path, not) = match path.strip_suffix('!') {
            Some(path) => (path, true),
            None => (path, false),
        };
        let (mut there, mut equal) = (false, false);
        self.walk(path, &mut |here| {
            let Some(text) = scalar(here.item) else { return false };
            there = true;
            equal = wanted.split(',').any(|wanted| {
                if within {
                    contains(text, wanted)
                } else {
                    text.eq_ignore_ascii_case(wanted)
                }
            });
            equal
        });
        if not {
            !equal
        } else {
            equal || (or_absent && !there)
        }
    }
}

/// The text of what is no list and no object.
pub(super) fn scalar(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.as_str()),
        Value::Bool(true) => Some("true"),
        Value::Bool(false) => Some("false"),
        _ => None,
    }
}

/// Is one text in the other, whatever the case of its letters? Texts longer than 256 bytes are not looked at.
pub(super) fn contains(text: &str, part: &str) -> bool {
    text.len() <= 256
        && !part.is_empty()
        && find(&text.to_ascii_lowercase(), &part.to_ascii_lowercase()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        crate::json::read(
            r#"{"a":{"b":[{"c":1,"d":"X"},{"c":2,"d":null},7]},"m":{"k.1":{"v":true},"l":{"v":false}},"n":null,"t":" two ",
                "other":{"k.1":9},"e":""}"#,
        )
        .unwrap()
    }

    #[test]
    fn places() {
        let root = document();
        let here = Here::new(&root);
        let all = |path: &str| {
            let mut found = Vec::new();
            here.walk(path, &mut |here| {
                found.push(format!("{}{}", here.key, here.item));
                false
            });
            found.join(" ")
        };
        assert_eq!(all("a.b[].c"), "1 2");
        assert_eq!(all("$.a.b[].c"), "1 2");
        assert_eq!(all("t[]"), "\" two \"", "what is no list is a list of one");
        assert_eq!(all("m{}.v"), "k.1true lfalse");
        assert_eq!(all("m{}.^.v"), "", "a root in the middle is none");
        assert_eq!((all("nothing.a"), all("n"), all("n.x")), (String::new(), String::new(), String::new()));
        here.walk("m{}", &mut |here| {
            assert_eq!(here.text("$.other.#"), (here.text("#") == Some("k.1")).then_some("9"));
            false
        });
        here.walk("a.b[]", &mut |inner| {
            assert_eq!(inner.siblings.len(), 3);
            assert_eq!(inner.get("^.c").is_some(), inner.get("c").is_some());
            false
        });
    }

    #[test]
    fn texts() {
        let root = document();
        let here = Here { name: "N", window: "5h", ..Here::new(&root) };
        for (any, text) in [
            ("t", Some("two")),
            ("e|n|zz|t", Some("two")),
            ("n|'lit", Some("lit")),
            ("*", Some("N")),
            ("@", Some("5h")),
            ("#", None),
            ("a", None),
            ("m.l.v", Some("false")),
            ("", None),
        ] {
            assert_eq!(here.text(any), text, "{any}");
        }
        assert!(here.has("n") && here.has("a.b") && !here.has("zz") && !here.has("zz.a"));
    }

    #[test]
    fn conditions() {
        let root = document();
        let here = Here::new(&root);
        for (condition, holds) in [
            ("", true),
            ("t", true),
            ("n", false),
            ("!n", true),
            ("!t", false),
            ("a.b[].d=x", true),
            ("a.b[].d=y", false),
            ("a.b[].c=2,5", true),
            ("t=two", false),
            ("t~TWO", true),
            ("t~", false),
            ("zz=1", false),
            ("?zz=1", true),
            ("?a.b[].c=7", false),
            ("zz!=1", true),
            ("a.b[].c!=1", false),
            ("t&zz", false),
            ("zz t", true),
            (".", true),
        ] {
            assert_eq!(here.holds(condition), holds, "{condition}");
        }
    }

    #[test]
    fn a_long_list_ends() {
        let root: Value = crate::json::read(&format!("[{}0]", "0,".repeat(100_000))).unwrap();
        let mut count = 0;
        Here::new(&root).walk("[]", &mut |_| {
            count += 1;
            false
        });
        assert!(count < MAX_PLACES, "{count}");
    }
}
