use super::*;
use proptest::prelude::*;

#[allow(clippy::option_option, reason = "no match, a match without the group, the group")]
fn captured(pattern: &str, text: &str) -> Option<Option<String>> {
    let pattern = Pattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    pattern.find(text).map(|found| found.captured.map(str::to_owned))
}

#[test]
fn every_notation() {
    for (pattern, text, want) in [
        ("limit", "the LIMIT is reached", true),
        ("(?-i)limit", "the LIMIT is reached", false),
        ("(?i)limit", "LIMIT", true),
        (r"^\d+ tokens$", "300 tokens", true),
        (r"^\d+ tokens$", "300 tokens left", false),
        (r"a.c", "a\nc", false),
        (r"[^a-z ]", "only letters", false),
        (r"[^a-z ]", "Only LETTERS", false),
        (r"(?-i)[^a-z ]", "only LETTERS", true),
        (r"[\d.,-]+ usd", "-1,000.5 usd", true),
        (r"\bcap\b", "recap", false),
        (r"\Bcap", "recap", true),
        (r"(?:daily|weekly) limit", "your weekly limit", true),
        (r"a{3}", "aa", false),
        (r"^a{2,3}$", "aaa", true),
        (r"^a{2,3}$", "aaaa", false),
        (r"^a{2,}$", "aaaaaa", true),
        (r"^(?:ab?){0}$", "", true),
        (r"額度(?:不足|耗盡)", "您的額度耗盡", true),
        (r"\{\}\[\]\(\)\\", r"{}[]()\", true),
        (r"]}", "]}", true),
        ("", "anything", true),
        ("(?:a*)*b", "aab", true),
        (r"\S\s\W", "a -", true),
        (r"[a-]", "-", true),
    ] {
        assert_eq!(captured(pattern, text).is_some(), want, "{pattern} in {text}");
    }
}

#[test]
fn one_group_is_captured() {
    for (pattern, text, want) in [
        (r"reset in (\d+ min)", "it will reset in 13 minutes", Some("13 min")),
        (r"(a+)", "xaaay", Some("aaa")),
        (r"(a+?)", "xaaay", Some("a")),
        (r"(?:x(\d))?y", "y", None),
        (r"(?:(\d),)+", "1,2,3,", Some("3")),
        (r"(a|ab)c?", "abc", Some("a")),
        (r"x(.*)y", "xüéy", Some("üé")),
    ] {
        assert_eq!(captured(pattern, text), Some(want.map(str::to_owned)), "{pattern} in {text}");
    }
}

#[test]
fn an_error_names_its_place() {
    for (pattern, at, message) in [
        ("a(b", 1, "not closed"),
        ("ab)", 2, "closes nothing"),
        ("*a", 0, "nothing to repeat"),
        ("a**", 2, "nothing to repeat"),
        ("a|+", 2, "nothing to repeat"),
        ("é[ab", 2, "not closed"),
        ("a[]", 2, "empty"),
        ("[b-a]", 1, "upside down"),
        ("[a[b]]", 2, "write"),
        (r"[\d-z]", usize::MAX, ""),
        (r"[a-\d]", 1, "two characters"),
        (r"a\q", 2, "no such escape"),
        (r"a\", 2, "no such escape"),
        (r"a\1", 2, "no such escape"),
        ("(a)(b)", 3, "only one"),
        ("(?=a)", 1, "expected `?:`"),
        ("a(?i)b", 2, "expected `?:`"),
        ("a{", 2, "a number"),
        ("a{300}", 2, "up to 255"),
        ("a{2,1}", 1, "upside down"),
        ("a{1", 3, "expected `}`"),
        ("(?:a{255}){255}", 10, "too many"),
        (&"(?:".repeat(17), 48, "too deeply"),
        (&"a".repeat(513), 512, "512"),
    ] {
        match Pattern::new(pattern) {
            Ok(_) => assert_eq!(at, usize::MAX, "{pattern} was taken"),
            Err(error) => {
                assert_eq!(error.at, at, "{pattern}: {error}");
                assert!(error.to_string().contains(message), "{pattern}: {error}");
            }
        }
    }
}

#[test]
fn in_json_the_error_names_the_rule_and_the_place() {
    let error = crate::json::read::<Vec<Pattern>>(r#"["fine", "a(b"]"#).unwrap_err();
    assert_eq!(error.to_string(), "[1]: pattern, at 1: this group is not closed");
}

#[test]
fn what_is_a_catastrophe_elsewhere_is_none_here() {
    let text = "a".repeat(2000);
    for source in
        ["^(?:a+)+$b", "(?:a|a)*b", "(?:a?){120}a{120}b", "(?:a*)*(?:a*)*(?:a*)*b", "(.*)(?:.*)=(?:.*)"]
    {
        assert_eq!(captured(source, &text), None, "{source}");
        let pattern = Pattern::new(source).unwrap();
        // Each step once at each place, and at most two ways lead on from each.
        let most = 3 * (pattern.steps.len() + 1) * (text.len() + 1);
        let looked = run::looked(&pattern, &text);
        assert!((text.len()..=most).contains(&looked), "{source}: {looked} of {most}");
    }
}

#[test]
fn a_giant_text_is_bounded() {
    let text = format!("{}needle", "x".repeat(1 << 20));
    assert_eq!(captured("needle", &text), None);
    assert_eq!(captured("é$", &"é".repeat(MAX_TEXT)), Some(None));
}

/// A pattern in our notation and in that of the yardstick, which knows more letters than ASCII's.
fn pattern() -> impl Strategy<Value = (String, String)> {
    let same = |text: &str| Just((text.to_owned(), text.to_owned())).boxed();
    let leaf = prop_oneof![
        4 => "[a-cA-C01_ -]".prop_map(|text| (text.clone(), text)),
        1 => prop_oneof![same("."), same("é"), same("[a-c]"), same("[^a]"), same("[^b-z0]"), same(r"\."), same("[_\\-é]")],
        1 => prop_oneof![
            Just((r"\d".to_owned(), "[0-9]".to_owned())),
            Just((r"\w".to_owned(), "[0-9A-Za-z_]".to_owned())),
            Just((r"\W".to_owned(), "[^0-9A-Za-z_]".to_owned())),
            Just((r"\s".to_owned(), "[ \\t\\n\\x0b\\x0c\\r]".to_owned())),
            Just((r"[\Da]".to_owned(), "[^0-9]".to_owned())),
        ],
        1 => prop_oneof![
            same("^"),
            same("$"),
            Just((r"\b".to_owned(), r"(?-u:\b)".to_owned())),
        ],
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let join = |with: &'static str| {
            move |parts: Vec<(String, String)>| {
                let (ours, theirs): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
                (format!("(?:{})", ours.join(with)), format!("(?:{})", theirs.join(with)))
            }
        };
        let repeat = prop_oneof!["[*+?]\\??", "\\{[0-3]\\}", "\\{[0-2],[2-4]\\}\\??", "\\{[0-2],\\}\\??"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(join("")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(join("|")),
            (inner, repeat).prop_map(|((ours, theirs), times)| (
                format!("(?:{ours}){times}"),
                format!("(?:{theirs}){times}")
            )),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    /// The same matches and the same capture as the crate `regex`, which is known to be right.
    #[test]
    fn as_the_yardstick_has_it(
        before in pattern(),
        group in pattern(),
        after in pattern(),
        exact in any::<bool>(),
        text in "[a-cA-C01_ é\n.-]{0,14}",
    ) {
        let flags = if exact { "(?-i)" } else { "(?i)" };
        let ours = format!("{flags}{}({}){}", before.0, group.0, after.0);
        let theirs = format!("{flags}{}({}){}", before.1, group.1, after.1);
        let theirs = regex::Regex::new(&theirs).unwrap();
        if let Ok(pattern) = Pattern::new(&ours) {
            let want = theirs.captures(&text).map(|found| found.get(1).map(|group| group.as_str()));
            prop_assert_eq!(pattern.find(&text).map(|found| found.captured), want, "{} in {:?}", ours, text);
        }
    }

    #[test]
    fn no_pattern_panics(source in "[a-c(){}\\[\\]|*+?.^$\\\\:i,0-9-]{0,24}|\\PC{0,12}", text in "\\PC{0,20}") {
        if let Ok(pattern) = Pattern::new(&source) {
            let _ = pattern.find(&text);
        }
    }
}
