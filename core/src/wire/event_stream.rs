//! Amazon's event streams (`application/vnd.amazon.eventstream`): messages of bytes, each with its length, headers, a payload
//! and two checksums.
//!
//! ```text
//! length of all  4 bytes, big-endian      header:  length of the name, 1 byte; name; type, 1 byte; value
//! of headers     4                        types:   0 true, 1 false, 2 byte, 3 short, 4 integer, 5 long,
//! CRC-32 of these 8                                6 bytes and 7 text (length, 2 bytes), 8 timestamp, 9 UUID
//! headers, payload
//! CRC-32 of all before
//! ```
//!
//! (Amazon Transcribe, Event stream encoding; Smithy, Amazon Event Stream Specification.) The checksum of the first eight bytes
//! also finds the next message in a piece that begins in the midst of one.

/// Lengths, their checksum, and the checksum at the end.
const FRAME: usize = 16;
/// Messages of more bytes than this there are not (24 MiB of payload, 128 KiB of headers).
const LONGEST: usize = (24 << 20) + (128 << 10) + FRAME;
/// After so many messages whose contents do not fit their checksum the rest is not looked at.
const MAX_BROKEN: u32 = 16;

/// A message that is whole, both of its checksums right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    headers: &'a [u8],
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The value of a header that is a text, by its name as it is written; none where the headers are malformed before it.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.headers;
        while !rest.is_empty() {
            let length = usize::from(*rest.first()?);
            let found = rest.get(1..1 + length)?;
            let kind = *rest.get(1 + length)?;
            rest = rest.get(2 + length..)?;
            let size = match kind {
                0 | 1 => 0,
                2 => 1,
                3 => 2,
                4 => 4,
                5 | 8 => 8,
                9 => 16,
                6 | 7 => {
                    let size = usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?);
                    rest = rest.get(2..)?;
                    size
                }
                _ => return None,
            };
            let value = rest.get(..size)?;
            if kind == 7 && found == name.as_bytes() {
                return core::str::from_utf8(value).ok();
            }
            rest = rest.get(size..)?;
        }
        None
    }
}

/// The whole messages of a piece of a stream, in order. What stands before the first, between them and behind the last (the rest
/// of a message that began before, one that is cut off, noise) is passed over.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    broken: u32,
}

/// Reads a piece of a stream. Takes time in proportion to its length.
pub const fn messages(bytes: &[u8]) -> Messages<'_> {
    Messages { rest: bytes, broken: 0 }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        while self.broken < MAX_BROKEN && self.rest.len() >= FRAME {
            if let Some((whole, headers)) = prelude(self.rest) {
                if let Some(message) = self.rest.get(..whole) {
                    let body = &message[..whole - 4];
                    if word(&message[whole - 4..]) == Some(crc32(body)) {
                        self.rest = &self.rest[whole..];
                        return Some(Message {
                            headers: &body[12..12 + headers],
                            payload: &body[12 + headers..],
                        });
                    }
                    self.broken += 1;
                }
            }
            self.rest = &self.rest[1..];
        }
        None
    }
}

/// The lengths of a message and of its headers, where the bytes begin with one.
fn prelude(bytes: &[u8]) -> Option<(usize, usize)> {
    let (whole, headers) = (word(bytes)? as usize, word(bytes.get(4..)?)? as usize);
    let fits = (FRAME..=LONGEST).contains(&whole) && headers <= whole - FRAME;
    (fits && word(bytes.get(8..)?) == Some(crc32(bytes.get(..8)?))).then_some((whole, headers))
}

fn word(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_be_bytes)
}

/// CRC-32 as Ethernet, gzip and PNG have it (ISO/IEC 13239; polynomial `0xedb88320`, reflected), half a byte at a time.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let mut table = [0_u32; 16];
        let mut at = 0;
        while at < 16 {
            let (mut value, mut bit) = (at as u32, 0);
            while bit < 4 {
                value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[at] = value;
            at += 1;
        }
        table
    };
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..2 {
            sum = sum >> 4 ^ TABLE[(sum & 15) as usize];
        }
    }
    !sum
}

#[cfg(test)]
#[path = "event_stream_tests.rs"]
pub(crate) mod tests;
