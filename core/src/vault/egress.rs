//! How the requests of one credential leave: by which proxy, with which headers of its own. Both may hold passwords, so
//! they stand beside the secret, in the vault and in the store.

use crate::json::{ToJson, Writer};
use crate::secret::Secret;
use crate::wire::find::split_once;

/// A header's name, in lower case, and its value.
pub type Header = (Box<str>, Secret);

/// The way out of one credential's requests, where it has one of its own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Egress {
    /// The proxy that its requests must take: `http`, `https` or `socks5`, with user and password where it wants them.
    pub proxy: Option<Secret>,
    /// Headers of its own, beside the credential's.
    pub headers: Vec<Header>,
}

/// So many headers of its own a credential may have.
const MOST_HEADERS: usize = 64;
/// A proxy's address and a header's value are at most so long, in bytes.
const LONGEST: usize = 8 * 1024;
/// The connection's own, and the host's.
const NOT_OURS: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

impl Egress {
    /// Sets what is given: an empty address or list takes away what there was. The field that is wrong, and why.
    /// `reserved`: headers in which credentials go.
    pub fn change(
        &mut self,
        proxy: Option<Box<str>>,
        headers: Option<Vec<Header>>,
        reserved: &[&str],
    ) -> Result<(), (&'static str, &'static str)> {
        if let Some(proxy) = proxy {
            if !proxy.is_empty() && !is_proxy(&proxy) {
                return Err((
                    "proxyUrl",
                    "expected an address such as http://user:password@host:3128, of http, https or socks5",
                ));
            }
            self.proxy = (!proxy.is_empty()).then(|| Secret::new(proxy));
        }
        if let Some(mut headers) = headers {
            if headers.len() > MOST_HEADERS {
                return Err(("headers", "has more than 64"));
            }
            for (name, value) in &mut headers {
                name.make_ascii_lowercase();
                check_header(name, value.expose(), reserved).map_err(|fault| ("headers", fault))?;
            }
            self.headers = headers;
        }
        Ok(())
    }

    /// A number for the way out: zero without a proxy, else a few bits of its address. Two that are taken for one wait for each other.
    pub fn way(&self) -> u8 {
        let Some(proxy) = &self.proxy else { return 0 };
        let mut sum = 0_u32;
        for byte in proxy.expose().bytes() {
            sum = sum.wrapping_mul(31).wrapping_add(u32::from(byte));
        }
        (sum % 255) as u8 + 1
    }

    /// Is there nothing special?
    pub fn is_empty(&self) -> bool {
        self.proxy.is_none() && self.headers.is_empty()
    }

    /// The proxy's address as it may be shown: without user, password and path.
    pub fn shown_proxy(&self) -> Option<Box<str>> {
        let (scheme, rest) = split_once(self.proxy.as_ref()?.expose(), "://")?;
        let authority = authority(rest);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        Some([scheme, "://", host].concat().into())
    }

    /// Shows every text that must not be seen: the address, user and password of the proxy, the values of headers.
    pub(super) fn each(&self, see: &mut dyn FnMut(&str)) {
        if let Some((proxy, (_, rest))) =
            self.proxy.as_ref().and_then(|proxy| Some((proxy, split_once(proxy.expose(), "://")?)))
        {
            see(proxy.expose());
            if let Some((user, _)) = authority(rest).rsplit_once('@') {
                see(user);
                see(user.split_once(':').map_or("", |(_, password)| password));
            }
        }
        // What is shorter is a word, no secret: it would be taken out of every message.
        for (_, value) in self.headers.iter().filter(|(_, value)| value.expose().len() > 7) {
            see(value.expose());
        }
    }
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn is_proxy(address: &str) -> bool {
    let Some((scheme, rest)) = split_once(address, "://") else { return false };
    let host = authority(rest).rsplit('@').next().unwrap_or_default();
    matches!(scheme, "http" | "https" | "socks5")
        && !host.is_empty()
        && !host.starts_with(':')
        && address.len() <= LONGEST
        && address.bytes().all(|byte| byte.is_ascii_graphic())
}

fn check_header(name: &str, value: &str, reserved: &[&str]) -> Result<(), &'static str> {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 200 || !name.bytes().all(in_name) {
        return Err("a name of a header has letters, digits and `-`");
    }
    if reserved.contains(&name) {
        return Err("the credential itself goes there: its key or token is given apart");
    }
    if NOT_OURS.contains(&name) {
        return Err("one of them belongs to the connection");
    }
    let in_value = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    if value.is_empty() || value.len() > LONGEST || value.trim() != value || !value.bytes().all(in_value) {
        return Err("a value is empty, or has a character that cannot stand in a header");
    }
    Ok(())
}

/// Headers on their way to where they may be seen: the store, the host's table.
pub struct Shown<'a>(pub &'a [Header]);

impl ToJson for Shown<'_> {
    fn write(&self, to: &mut Writer) {
        to.items(self.0.iter().map(|(name, value)| (&**name, value.expose())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(address: &str) -> Result<Egress, (&'static str, &'static str)> {
        let mut egress = Egress::default();
        egress.change(Some(address.into()), None, &[]).map(|()| egress)
    }

    fn header(name: &str, value: &str) -> Result<(), (&'static str, &'static str)> {
        Egress::default().change(
            None,
            Some(vec![(name.into(), Secret::new(value))]),
            &["authorization", "x-api-key"],
        )
    }

    #[test]
    fn a_proxy_is_shown_without_user_and_password() {
        for (address, shown) in [
            ("http://user:pass@proxy.example:3128/", "http://proxy.example:3128"),
            ("https://a:b@c@host", "https://host"),
            ("socks5://127.0.0.1:9050", "socks5://127.0.0.1:9050"),
            ("http://h?user:pass@x", "http://h"),
        ] {
            assert_eq!(proxy(address).unwrap().shown_proxy().as_deref(), Some(shown));
        }
        for wrong in
            ["proxy:3128", "ftp://h", "http://", "http://u:p@", "http://:80", "http://a b", "http://h\n"]
        {
            assert_eq!(proxy(wrong).err().unwrap().0, "proxyUrl", "{wrong:?}");
        }
        assert!(proxy("").unwrap().is_empty());
    }

    #[test]
    fn what_must_not_be_seen_is_known() {
        let mut egress = proxy("http://user:pass@host").unwrap();
        egress
            .change(
                None,
                Some(vec![("X-A".into(), Secret::new("12345678")), ("x-b".into(), Secret::new("on"))]),
                &[],
            )
            .unwrap();
        assert_eq!(&*egress.headers[0].0, "x-a");
        let mut seen = Vec::new();
        egress.each(&mut |text| seen.push(text.to_owned()));
        assert_eq!(seen, ["http://user:pass@host", "user:pass", "pass", "12345678"]);
    }

    #[test]
    fn headers_are_checked() {
        assert!(header("X-Team", "a b").is_ok());
        for (name, value) in [
            ("authorization", "Bearer x"),
            ("X-Api-Key", "x"),
            ("Host", "x"),
            ("a b", "x"),
            ("", "x"),
            ("x-a", ""),
            ("x-a", "a\r\nb: c"),
            ("x-a", " a"),
            ("x-a", "é"),
        ] {
            assert_eq!(header(name, value).err().unwrap().0, "headers", "{name} {value:?}");
        }
    }
}
