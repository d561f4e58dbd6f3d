//! `application/x-www-form-urlencoded`, as OAuth wants it (RFC 6749 appendix B).

/// Writes names and values as a form. A space is `+`; what is not a letter, a digit or one of `*-._` is percent-encoded.
pub fn form(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(text: &str, to: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b' ' => to.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => to.push(char::from(byte)),
            _ => {
                to.push('%');
                to.push(char::from(DIGITS[usize::from(byte >> 4)]));
                to.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

/// Reads a form: names and values, in their order. `None` where something is percent-encoded wrongly, or is no UTF-8.
pub fn read_form(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                (digit()? << 4 | digit()?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_form_is_encoded() {
        assert_eq!(form(&[("a b", "1&2=3"), ("ü", "~%+")]), "a+b=1%262%3D3&%C3%BC=%7E%25%2B");
        assert_eq!(form(&[]), "");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let fields = [("a b", "1&2=3+%"), ("ü", ""), ("", "x")];
        let read = read_form(&form(&fields)).unwrap();
        assert!(read.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(fields));
        assert_eq!(read_form("a&&b=c=d").unwrap().len(), 2);
        for bad in ["%", "a=%1", "a=%zz", "a=%ff"] {
            assert_eq!(read_form(bad), None, "{bad}");
        }
    }
}
