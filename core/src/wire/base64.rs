//! Base64 (RFC 4648): a general engine takes 6 KB of WebAssembly, and is fast where texts are far longer than those that are read
//! here.

/// The digits that are letters and numbers; the last two are `+/` (§4) or, in addresses, `-_` (§5).
fn digit(byte: u8, last: [u8; 2]) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        _ if byte == last[0] => 62,
        _ if byte == last[1] => 63,
        _ => return None,
    })
}

const STANDARD: [u8; 2] = *b"+/";
const URL: [u8; 2] = *b"-_";

/// The bytes of a text in the form for addresses, with its padding or without.
pub(crate) fn decode_url(text: &str) -> Option<Vec<u8>> {
    decode(text, URL)
}

/// The bytes of a text in the standard form, with its padding.
pub(crate) fn decode_standard(text: &str) -> Option<Vec<u8>> {
    decode(text, STANDARD).filter(|_| text.len().is_multiple_of(4))
}

fn decode(text: &str, last: [u8; 2]) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let rest = digits.len() % 4;
    // A single digit is no byte; padding fills up the last four at most.
    if rest == 1 || padding > (4 - rest) % 4 {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() / 4 * 3 + 2);
    let (mut held, mut count) = (0_u32, 0);
    for byte in digits.bytes() {
        held = held << 6 | u32::from(digit(byte, last)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count) as u8);
        }
    }
    // What is left over of the last digit says nothing (§3.5).
    Some(bytes)
}

/// The standard form, padded.
pub(crate) fn encode_standard(bytes: &[u8]) -> String {
    let mut text = encode(bytes, STANDARD);
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

/// The form for addresses, not padded.
pub(crate) fn encode_url(bytes: &[u8]) -> String {
    encode(bytes, URL)
}

fn encode(bytes: &[u8], last: [u8; 2]) -> String {
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for three in bytes.chunks(3) {
        let mut held = 0_u32;
        for at in 0..3 {
            held = held << 8 | u32::from(three.get(at).copied().unwrap_or(0));
        }
        for at in 0..=three.len() {
            let digit = (held >> (18 - 6 * at) & 63) as u8;
            text.push(char::from(match digit {
                0..=25 => b'A' + digit,
                26..=51 => b'a' + digit - 26,
                52..=61 => b'0' + digit - 52,
                62 => last[0],
                _ => last[1],
            }));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::alphabet;
    use base64::engine::general_purpose::{GeneralPurposeConfig, URL_SAFE_NO_PAD};
    use base64::engine::{DecodePaddingMode, GeneralPurpose};
    use base64::Engine;
    use proptest::prelude::*;

    /// What was used before: what it takes is taken.
    fn lenient(url: bool, padding: DecodePaddingMode) -> GeneralPurpose {
        let config = GeneralPurposeConfig::new()
            .with_decode_padding_mode(padding)
            .with_decode_allow_trailing_bits(true);
        GeneralPurpose::new(if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD }, config)
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_the_crate_writes(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            let standard = base64::engine::general_purpose::STANDARD.encode(&bytes);
            prop_assert_eq!(encode_standard(&bytes), &*standard);
            prop_assert_eq!(encode_url(&bytes), URL_SAFE_NO_PAD.encode(&bytes));
            prop_assert_eq!(decode_standard(&standard), Some(bytes.clone()));
            prop_assert_eq!(decode_url(&encode_url(&bytes)), Some(bytes));
        }

        #[test]
        fn what_is_read_is_what_the_crate_reads(text in "[A-Za-z0-9+/=é _-]{0,4}[A-Ca-c0+/_-]{0,9}={0,3}") {
            let url = lenient(true, DecodePaddingMode::Indifferent).decode(&text).ok();
            prop_assert_eq!(decode_url(&text), url);
            let standard = lenient(false, DecodePaddingMode::RequireCanonical).decode(&text).ok();
            prop_assert_eq!(decode_standard(&text), standard);
        }
    }
}
