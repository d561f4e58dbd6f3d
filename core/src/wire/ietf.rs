//! The `RateLimit` and `RateLimit-Policy` fields of the IETF draft (draft-ietf-httpapi-ratelimit-headers), in its
//! newer form of structured fields (`"default";r=50;t=30`) and the older one of bare pairs (`limit=10, remaining=5, reset=3`).

/// One item: a name and what was said of it.
#[derive(Default)]
pub(super) struct Item<'a> {
    pub(super) name: &'a str,
    pub(super) limit: Option<&'a str>,
    pub(super) remaining: Option<&'a str>,
    pub(super) reset: Option<&'a str>,
}

/// The items of one field value; at most eight.
pub(super) fn items(value: &str) -> Vec<Item<'_>> {
    let bare = value.split(',').all(|part| !part.contains(['"', ';']) && part.contains('='));
    if bare {
        let mut item = Item::default();
        value.split(',').take(8).for_each(|pair| set(&mut item, pair));
        return vec![item];
    }
    value
        .split(',')
        .take(8)
        .map(|part| {
            let mut pieces = part.split(';');
            let name = pieces.next().unwrap_or_default().trim().trim_matches('"');
            let mut item = Item { name, ..Item::default() };
            pieces.take(8).for_each(|pair| set(&mut item, pair));
            item
        })
        .collect()
}

fn set<'a>(item: &mut Item<'a>, pair: &'a str) {
    let Some((key, value)) = pair.split_once('=') else { return };
    let value = Some(value.trim().trim_matches('"'));
    match key.trim() {
        "q" | "limit" => item.limit = value,
        "r" | "remaining" => item.remaining = value,
        "t" | "reset" => item.reset = value,
        _ => {}
    }
}
