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

#[cfg(test)]
mod tests {
    use super::form;

    #[test]
    fn what_means_something_in_a_form_is_encoded() {
        assert_eq!(form(&[("a b", "1&2=3"), ("ü", "~%+")]), "a+b=1%262%3D3&%C3%BC=%7E%25%2B");
        assert_eq!(form(&[]), "");
    }
}
