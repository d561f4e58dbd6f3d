//! Server-sent events (HTML Living Standard §9.2.6), read piece by piece as bytes arrive, with bounds.

/// A line longer than this many bytes is cut.
pub const MAX_LINE: usize = 64 * 1024;
/// An event with more data than this many bytes is cut.
pub const MAX_DATA: usize = 256 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its kind; empty where the stream named none (then it is a `message`).
    pub event: String,
    /// Its lines of data, joined by line feeds.
    pub data: String,
    /// Was something cut because it exceeded a bound?
    pub truncated: bool,
}

/// The reader. What it holds never exceeds the two bounds.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    line_cut: bool,
    event: Event,
    has_data: bool,
    /// The byte that ended the line before; none in the first line.
    ended_by: Option<u8>,
}

impl Parser {
    /// A reader at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and gives every event that they complete to `emit`.
    pub fn push(&mut self, bytes: &[u8], mut emit: impl FnMut(Event)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.line.is_empty() && self.ended_by == Some(b'\r') && rest[0] == b'\n' {
                self.ended_by = Some(b'\n');
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = &rest[..end.unwrap_or(rest.len())];
            let room = MAX_LINE - self.line.len();
            self.line_cut |= piece.len() > room;
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            let Some(end) = end else { return };
            if let Some(event) = self.end_line() {
                emit(event);
            }
            self.ended_by = Some(rest[end]);
            rest = &rest[end + 1..];
        }
    }

    /// What an unfinished last event holds, for a stream that ended without its blank line. The standard drops it; an
    /// error event that a provider wrote before it hung up is worth reading.
    pub fn finish(mut self) -> Option<Event> {
        if !self.line.is_empty() {
            let _ = self.end_line();
        }
        self.take_event()
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = core::mem::take(&mut self.line);
        let cut = core::mem::take(&mut self.line_cut);
        let mut line = line.as_slice();
        if self.ended_by.is_none() {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.take_event();
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match &line[..colon] {
            b"data" => {
                if self.has_data && self.event.data.len() < MAX_DATA {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                let room = MAX_DATA.saturating_sub(self.event.data.len());
                let mut end = value.len().min(room);
                while !value.is_char_boundary(end) {
                    end -= 1;
                }
                self.event.data.push_str(value.get(..end).unwrap_or_default());
                self.event.truncated |= cut || end < value.len();
            }
            b"event" => {
                self.event.event.clear();
                self.event.event.push_str(&value);
                self.event.truncated |= cut;
            }
            // Comments, ids and retry times are of no use here.
            _ => {}
        }
        None
    }

    fn take_event(&mut self) -> Option<Event> {
        let event = core::mem::take(&mut self.event);
        core::mem::take(&mut self.has_data).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Vec<Event> {
        let (mut parser, mut events) = (Parser::new(), Vec::new());
        for piece in pieces {
            parser.push(piece, |event| events.push(event));
        }
        events.extend(parser.finish());
        events
    }

    fn event(event: &str, data: &str) -> Event {
        Event { event: event.into(), data: data.into(), truncated: false }
    }

    #[test]
    fn every_line_ending_and_field() {
        let text =
            "\u{feff}: hi\r\nevent: error\rdata: a\ndata:b\r\n\r\nid: 1\nretry: 5\n\ndata\n\ndata: last";
        assert_eq!(read(&[text.as_bytes()]), [event("error", "a\nb"), event("", ""), event("", "last")]);
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut parser = Parser::new();
        parser.push(b"data: ", |_| ());
        for _ in 0..1000 {
            parser.push(&[b'x'; 10_000], |_| ());
        }
        assert!(parser.line.len() <= MAX_LINE);
        let mut found = Vec::new();
        parser.push(b"\n\n", |event| found.push(event));
        assert!(found[0].truncated);
        for endless in ["data: xxxxxxxxxxxxxxxx\n", "data\n"] {
            parser.push(endless.repeat(MAX_DATA).as_bytes(), |_| ());
            assert!(parser.event.data.len() <= MAX_DATA);
        }
    }

    proptest! {
        #[test]
        fn the_cuts_between_pieces_do_not_matter(
            text in "((data|event|id|)(: ?)?[a-zé]{0,6}(\r\n|\n|\r)){0,20}",
            cuts in proptest::collection::vec(0_usize..200, 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let (mut pieces, mut from) = (Vec::new(), 0);
            for cut in cuts {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            pieces.push(&bytes[from..]);
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            read(&[&bytes]);
        }
    }
}
