//! HTTP as data.

use super::date;
use crate::secret::Secret;
use crate::time::Timestamp;
use core::fmt;

/// Headers after this many are not looked at.
pub const MAX_HEADERS: usize = 256;
/// A value longer than this many bytes counts as absent: to cut it could change what it says.
pub const MAX_VALUE: usize = 8192;

/// Headers as pairs of name and value, read without regard to the case of names and with bounds: neither a header of 1 MB
/// nor 100,000 of them cost more than the bounds above.
#[derive(Clone, Copy, Default)]
pub struct Headers<'a>(&'a [(String, String)]);

impl<'a> Headers<'a> {
    /// A view of these pairs, in the order in which they came.
    pub const fn new(pairs: &'a [(String, String)]) -> Self {
        Self(pairs)
    }

    /// All pairs within the bounds, values trimmed.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .iter()
            .take(MAX_HEADERS)
            .filter(|(_, value)| value.len() <= MAX_VALUE)
            .map(|(name, value)| (name.as_str(), value.trim()))
    }

    /// The values of every header of that name.
    pub fn all<'n>(self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.iter().filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The first non-empty value of that name.
    pub fn get(self, name: &str) -> Option<&'a str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// The moment of the answer by the answerer's own clock (`Date`), else `now`. Instants in an answer are relative to
    /// this: our clock may be minutes off.
    pub fn date_or(self, now: Timestamp) -> Timestamp {
        self.get("date").and_then(|text| date::parse_http(text, now)).unwrap_or(now)
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

impl<'a> From<&'a [(String, String)]> for Headers<'a> {
    fn from(pairs: &'a [(String, String)]) -> Self {
        Self(pairs)
    }
}

impl<'a> From<&'a Vec<(String, String)>> for Headers<'a> {
    fn from(pairs: &'a Vec<(String, String)>) -> Self {
        Self(pairs)
    }
}

/// An answer with its text, as a host hands it over.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Names and values, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The text of the body, as far as the host has read it.
    pub body: String,
}

/// The status, the names of headers and the length of the body: a token endpoint's answer is a secret.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers())
            .field("body", &self.body.len())
            .finish()
    }
}

impl Response {
    /// The headers as a view.
    pub fn headers(&self) -> Headers<'_> {
        Headers::new(&self.headers)
    }
}

/// A request that carries a secret: from the codecs to the host, and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: &'static str,
    /// The address.
    pub url: Box<str>,
    /// Headers: name in lower case, value.
    pub headers: Vec<(Box<str>, Secret)>,
    /// The body.
    pub body: Option<Secret>,
    /// A key, as a JWK: the request needs a proof of it (RFC 9449).
    pub key: Option<Secret>,
}

/// Method, host and path: a query may hold a code, and all the rest a token.
impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.url.split(['?', '#']).next().unwrap_or_default();
        let host = shown.split_once('@').map_or(shown, |(_, host)| host);
        write!(f, "{} {host}", self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_case_and_a_giant_is_harmless() {
        let pairs = vec![
            ("Retry-After".to_owned(), " 2 ".to_owned()),
            ("x-giant".to_owned(), "1".repeat(1 << 20)),
            ("x-empty".to_owned(), "  ".to_owned()),
        ];
        let headers = Headers::from(&pairs);
        assert_eq!(headers.get("retry-AFTER"), Some("2"));
        assert_eq!(headers.get("x-giant"), None);
        assert_eq!(headers.get("x-empty"), None);
    }

    #[test]
    fn debug_shows_no_value() {
        let response = Response {
            status: 200,
            headers: vec![("set-cookie".to_owned(), "canary".to_owned())],
            body: "canary".to_owned(),
        };
        let shown = format!("{response:?} {:?}", response.headers());
        assert!(shown.contains("set-cookie") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn the_answers_own_clock_is_preferred() {
        let pairs = vec![("date".to_owned(), "Thu, 01 Jan 2026 00:00:00 GMT".to_owned())];
        assert_eq!(Headers::from(&pairs).date_or(Timestamp(5)), Timestamp(1_767_225_600_000));
        assert_eq!(Headers::default().date_or(Timestamp(5)), Timestamp(5));
    }
}
