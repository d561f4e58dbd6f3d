use super::*;
use proptest::prelude::*;

/// Writes a message with texts as headers.
pub(crate) fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        lines.push(u8::try_from(name.len()).unwrap());
        lines.extend_from_slice(name.as_bytes());
        lines.push(7);
        lines.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        lines.extend_from_slice(value.as_bytes());
    }
    framed(&lines, payload)
}

fn framed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let word = |size: usize| u32::try_from(size).unwrap().to_be_bytes();
    let mut bytes = [word(FRAME + headers.len() + payload.len()), word(headers.len())].concat();
    bytes.extend_from_slice(&slow_crc32(&bytes).to_be_bytes());
    bytes.extend_from_slice(headers);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&slow_crc32(&bytes).to_be_bytes());
    bytes
}

/// Bit by bit, as the standard says it.
fn slow_crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        for bit in 0..8 {
            let one = (sum ^ u32::from(byte >> bit)) & 1 == 1;
            sum = if one { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn the_checksum_is_the_standard_one() {
    assert_eq!((crc32(b""), crc32(b"123456789")), (0, 0xcbf4_3926));
}

/// Vectors of the format's own test suite: a message of nothing, of a payload, of headers of every type.
#[test]
fn vectors() {
    let empty = bytes_of("000000100000000005c248eb7d98c8ff");
    let read: Vec<_> = messages(&empty).collect();
    assert_eq!(read, [Message { headers: &[], payload: &[] }]);

    let payload = bytes_of("0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
    assert_eq!(messages(&payload).map(|message| message.payload).collect::<Vec<_>>(), [b"{'foo':'bar'}"]);

    let text = bytes_of(
        "0000003d0000002007fd83960c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b27666f6f273a27626172277d8d9c08b1",
    );
    let [message] = messages(&text).collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(
        (message.header("content-type"), message.payload),
        (Some("application/json"), &b"{'foo':'bar'}"[..])
    );
    assert_eq!((message.header("Content-Type"), message.header("content")), (None, None));

    // Each type of value before a text: all of them are passed over rightly.
    for (kind, value) in [
        (0, &b""[..]),
        (1, b""),
        (2, b"\x01"),
        (3, b"\x01\x02"),
        (4, b"\x01\x02\x03\x04"),
        (5, b"\x01\x02\x03\x04\x05\x06\x07\x08"),
        (6, b"\x00\x03abc"),
        (7, b"\x00\x01x"),
        (8, b"\x00\x00\x01\x8c\xc2\x51\xf4\x00"),
        (9, b"0123456789abcdef"),
    ] {
        let mut headers = vec![1, b'h', kind];
        headers.extend_from_slice(value);
        headers.extend_from_slice(b"\x01t\x07\x00\x02ok");
        let bytes = framed(&headers, b"");
        assert_eq!(messages(&bytes).next().unwrap().header("t"), Some("ok"), "{kind}");
    }
    // What is malformed ends the headers.
    for headers in [
        &b"\x01h\x0a\x01t\x07\x00\x02ok"[..],
        b"\x05h",
        b"\x01h\x07\x00\xffx",
        b"\x01h\x07\x00",
        b"\x01t\x07\x00\x01\xff",
    ] {
        let bytes = framed(headers, b"");
        assert_eq!(messages(&bytes).next().unwrap().header("t"), None);
    }
}

#[test]
fn wrong_checksums_and_lengths() {
    // Vectors of the same suite: each checksum wrong once.
    for hex in [
        "0000003d00000020",
        "0000001d00000000fd528c5b7b27666f6f273a27626172277dc3653936",
        "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653937",
    ] {
        assert_eq!(messages(&bytes_of(hex)).count(), 0, "{hex}");
    }
    let good = message(&[(":event-type", "chunk")], b"{}");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert_eq!(messages(&bad).count(), 0, "{at}");
        // The next one is found all the same.
        bad.extend_from_slice(&good);
        assert_eq!(messages(&bad).count(), 1, "{at}");
    }
    // Lengths that lie, with the right checksum.
    for (whole, headers) in
        [(0_u32, 0_u32), (15, 0), (16, 1), (u32::MAX, 0), (40, u32::MAX), (0x0200_0000, 0)]
    {
        let mut bytes = [whole.to_be_bytes(), headers.to_be_bytes()].concat();
        bytes.extend_from_slice(&slow_crc32(&bytes).to_be_bytes());
        bytes.resize(64, 0);
        assert_eq!(messages(&bytes).count(), 0);
    }
}

#[test]
fn many_broken_messages_take_no_more_time() {
    let mut bad = Vec::new();
    for left in (0..4000_u32).rev() {
        let mut prelude = [(16 + left * 12).to_be_bytes(), [0; 4]].concat();
        prelude.extend_from_slice(&slow_crc32(&prelude).to_be_bytes());
        bad.extend_from_slice(&prelude);
    }
    assert_eq!(messages(&bad).count(), 0);
}

proptest! {
    #[test]
    fn the_half_table_counts_as_the_bits_do(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(crc32(&bytes), slow_crc32(&bytes));
    }

    #[test]
    fn every_whole_message_of_a_piece_is_found(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..6),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
    ) {
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for payload in &payloads {
            bytes.extend(message(&[(":event-type", "x")], payload));
            ends.push(bytes.len());
        }
        let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        let whole: Vec<&[u8]> = payloads.iter().enumerate()
            .filter(|(at, _)| ends[*at] >= from && ends[at + 1] <= to)
            .map(|(_, payload)| payload.as_slice()).collect();
        let found: Vec<&[u8]> = messages(&bytes[from..to]).map(|message| message.payload).collect();
        prop_assert_eq!(found, whole);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for message in messages(&framed(&bytes, b"")) {
            let _ = message.header("t");
        }
        let _ = messages(&bytes).count();
    }
}
