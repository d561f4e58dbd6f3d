//! Escapes inside a text (RFC 8259 §7).

/// The character that stands behind a backslash, and how many bytes it takes there.
pub(super) fn escaped(bytes: &[u8]) -> Option<(char, usize)> {
    let character = match bytes.first()? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        b'u' => {
            let unit = unit(bytes)?;
            if !(0xd800..0xe000).contains(&unit) {
                return Some((char::from_u32(unit)?, 5));
            }
            // Half of a pair: the other half must follow.
            let low = bytes
                .get(5..)
                .filter(|rest| rest.starts_with(b"\\u"))
                .and_then(|rest| unit_of_low(&rest[1..]))?;
            let high = unit.checked_sub(0xd800).filter(|high| *high < 0x400)?;
            return Some((char::from_u32(0x1_0000 + (high << 10) + low)?, 11));
        }
        _ => return None,
    };
    Some((character, 1))
}

fn unit_of_low(bytes: &[u8]) -> Option<u32> {
    unit(bytes)?.checked_sub(0xdc00).filter(|low| *low < 0x400)
}

/// The four hexadecimal digits behind a `u`.
fn unit(bytes: &[u8]) -> Option<u32> {
    bytes.get(1..5)?.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}
