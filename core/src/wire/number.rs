//! Decimal numbers without floats.

/// Reads digits with an optional fraction at the start of `text`, as so many `unit`s: the value, rounded down to a whole
/// number and saturating, and how many bytes were read. No sign, no exponent. Digits after the sixth of a fraction do
/// not count, so `unit` is best a million times what matters.
pub(super) fn prefix(text: &str, unit: u64) -> Option<(u64, usize)> {
    let bytes = text.as_bytes();
    let whole_end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    let mut whole = 0_u64;
    for digit in &bytes[..whole_end] {
        whole = whole.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    }
    let mut end = whole_end;
    let (mut fraction, mut scale) = (0_u64, 1_u64);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1;
        while let Some(digit) = bytes.get(end).filter(|byte| byte.is_ascii_digit()) {
            if scale < 1_000_000 {
                fraction = fraction * 10 + u64::from(digit - b'0');
                scale *= 10;
            }
            end += 1;
        }
    }
    (end > 0).then(|| {
        // fraction < 10^6, so the product overflows only for units above 10^13: none here.
        (whole.saturating_mul(unit).saturating_add(fraction.saturating_mul(unit) / scale), end)
    })
}

/// The whole of `text`, trimmed, as so many `unit`s.
pub(super) fn whole(text: &str, unit: u64) -> Option<u64> {
    let text = text.trim();
    prefix(text, unit).filter(|&(_, end)| end == text.len()).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_scale_and_saturate() {
        assert_eq!(whole(" 1.5 ", 1000), Some(1500));
        assert_eq!(whole("2.0", 1000), Some(2000));
        assert_eq!(whole(".5", 1000), Some(500));
        assert_eq!(whole("0.1234567", 1_000_000), Some(123_456));
        assert_eq!(whole("1000000000000000000000", 1000), Some(u64::MAX));
        for bad in ["", " ", "-1", "+1", "1e3", "NaN", "Infinity", "1.", ".", "1,5", "٣"] {
            assert_eq!(whole(bad, 1000), None, "{bad}");
        }
    }
}
