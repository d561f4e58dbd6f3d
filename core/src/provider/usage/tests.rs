use super::*;

#[test]
fn every_table_is_read() {
    for (name, kinds, text) in SOURCES {
        let source: Source = json::read(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(crate::provider::Registry::builtin().facts(name).is_some(), "{name} is a provider");
        assert!(
            !source.asks.is_empty() && source.asks.len() <= MAX_ASKS && !source.rows.is_empty(),
            "{name}"
        );
        for ask in &source.asks {
            assert!(ask.url.starts_with("https://"), "{name}: {}", ask.url);
            assert!(matches!(&*ask.when, "" | "failed" | "empty" | "unnamed"), "{name}: {}", ask.when);
            assert!(ask.known.is_empty() == ask.page, "{name}: a document is known by its fields");
        }
        for kind in kinds.split(' ') {
            assert!(["api_key", "token", "oauth"].contains(&kind), "{name}: {kind}");
        }
        for row in &source.rows {
            assert!(matches!(&*row.merge, "" | "lowest" | "sum" | "number"), "{name}: {}", row.merge);
            let kind = row.share.split(' ').next().unwrap_or_default();
            assert!(["", "used%", "left%", "used/", "left/", "any"].contains(&kind), "{name}: {kind}");
        }
    }
}
