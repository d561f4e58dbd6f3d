//! Search and reading services that agents use beside models.

use super::entry::{entry, Entry, Place, Shape};

pub(super) const ENTRIES: &[Entry] = &[
    entry("brave", "Brave Search", "brave-search", "*", "api-dashboard.search.brave.com", &BRAVE),
    entry("exa", "Exa", "", "*", "dashboard.exa.ai/api-keys", &X_API_KEY),
    entry("firecrawl", "Firecrawl", "", "*", "firecrawl.dev/app/api-keys", &Shape::KEY),
    entry("jina", "Jina AI", "jina-ai", "*", "jina.ai", &Shape::KEY),
    entry("kagi", "Kagi", "", "*", "kagi.com/settings/api", &Shape::KEY),
    entry("parallel", "Parallel", "", "*", "platform.parallel.ai", &X_API_KEY),
    entry("tavily", "Tavily", "", "*", "app.tavily.com", &Shape::KEY),
    entry("tinyfish", "TinyFish", "", "*", "tinyfish.ai", &X_API_KEY),
];

const X_API_KEY: Shape = Shape { key: Place::Header("x-api-key"), ..Shape::KEY };
const BRAVE: Shape = Shape { key: Place::Header("x-subscription-token"), ..Shape::KEY };
