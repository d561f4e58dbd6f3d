//! The place of an error in words, found only when there is one.

/// One container that is open at a place.
enum Open<'a> {
    /// An object, and the key of the field that is being read.
    Object(Option<&'a str>),
    /// An array, and the index of the item that is being read.
    Array(usize),
}

/// The path of what stands behind `text`, which is JSON as far as it goes: `steps[3].acquire.model`, or `.`.
pub(super) fn path_behind(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = 0;
    let mut key_next = false;
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                open.push(Open::Object(None));
                key_next = true;
            }
            b'[' => open.push(Open::Array(0)),
            b'}' | b']' => {
                // A container that ends just here is the one that is complained of.
                if at + 1 < bytes.len() {
                    open.pop();
                } else if let Some(Open::Object(key)) = open.last_mut() {
                    *key = None;
                }
                key_next = false;
            }
            b',' => match open.last_mut() {
                Some(Open::Array(index)) => *index += 1,
                Some(Open::Object(_)) => key_next = true,
                None => {}
            },
            b'"' => {
                let from = at + 1;
                at = from;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += 1 + usize::from(bytes[at] == b'\\');
                }
                if let (true, Some(Open::Object(key))) = (key_next, open.last_mut()) {
                    *key = text.get(from..at.min(bytes.len()));
                    key_next = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut path = String::new();
    for container in open {
        match container {
            Open::Object(Some(key)) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            Open::Object(None) => {}
            Open::Array(index) => {
                path.push('[');
                path.push_str(&index.to_string());
                path.push(']');
            }
        }
    }
    if path.is_empty() {
        path.push('.');
    }
    path
}
