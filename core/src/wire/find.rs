//! A text in a text. The standard library's search takes 4 KB of WebAssembly, and is fast where texts are far longer than
//! those that are read here.

/// Where `mark`, which is not empty, first stands.
pub(crate) fn find(text: &str, mark: &str) -> Option<usize> {
    let (bytes, mark) = (text.as_bytes(), mark.as_bytes());
    let first = *mark.first()?;
    let mut at = 0;
    while at + mark.len() <= bytes.len() {
        if bytes.get(at) == Some(&first) && bytes.get(at..).is_some_and(|rest| rest.starts_with(mark)) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// What stands before and behind the first `mark`, which is not empty.
pub(crate) fn split_once<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = find(text, mark)?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_finds_what_the_standard_library_finds(text in "[abé]{0,12}", mark in "[abé]{1,3}") {
            prop_assert_eq!(super::find(&text, &mark), text.find(&mark));
            prop_assert_eq!(super::split_once(&text, &mark), text.split_once(&mark));
        }
    }
}
