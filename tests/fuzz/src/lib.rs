//! What the fuzzers run, and what the smoke test runs with a few thousand inputs of its own: one function a parser. Each
//! must return for any bytes; what is asserted holds for every answer.
#![forbid(unsafe_code)]

pub mod import;

use credpool::classify::{classify as classify_answer, classify_event, classify_stream, Answer, Stream};
use credpool::credential::Identity;
use credpool::facts::oauth::{Flow, OauthFacts};
use credpool::facts::Kind;
use credpool::json::Value;
use credpool::login::{Login, News, Todo};
use credpool::oauth;
use credpool::pattern::Pattern;
use credpool::provider::usage::{can_be_asked, Account, Probe, UsageNext};
use credpool::provider::{auth_parts, Registry};
use credpool::rules::ClassifyRules;
use credpool::secret::Secret;
use credpool::time::{Instant, Span, Timestamp};
use credpool::verdict::Verdict;
use credpool::wire::event_stream::messages;
use credpool::wire::http::Headers;
use credpool::wire::model_names::{Form, ModelNames};
use credpool::wire::rate_limit::{RateLimits, MAX_LIMITS};
use credpool::wire::{date, duration, jwt, retry_after as retry, sse as events};
use std::sync::OnceLock;

/// One target: its name, its function, and inputs to begin with.
pub struct Target {
    /// The name of the fuzzer's binary.
    pub name: &'static str,
    /// What is run.
    pub run: fn(&[u8]),
    /// Good inputs, from which mutations reach far.
    pub seeds: &'static [&'static str],
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "retry_after",
        run: retry_after,
        seeds: &["120", "1.5", "Sat, 19 Sep 2026 10:00:45 GMT", "2, 5", "99999999999999999999", "-1"],
    },
    Target {
        name: "dates",
        run: dates,
        seeds: &[
            "2026-09-19T10:00:45.123+05:30",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ],
    },
    Target {
        name: "durations",
        run: durations,
        seeds: &["1h16m50s", "34.074824224s", "2 hours, 5 minutes and 3 seconds", "900ms", "12µs"],
    },
    Target {
        name: "headers",
        run: headers,
        seeds: &[
            "x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 6m0s",
            "anthropic-ratelimit-unified-5h-status: rejected\nanthropic-ratelimit-unified-5h-reset: 1790814600",
            "x-codex-primary-used-percent: 100\nx-codex-primary-reset-at: 1790814600",
            "ratelimit: \"default\";r=50;t=30\nratelimit-policy: \"burst\";q=100;w=60",
            "x-quota-snapshot-chat: ent=300&rem=29.7&rst=2026-05-01T00%3A00%3A00Z\nretry-after: 5",
        ],
    },
    Target { name: "jwt", run: jwt, seeds: &["eyJhbGciOiJub25lIn0.eyJleHAiOjE3NjcyMjU2MDAsInN1YiI6ImEifQ.c2ln"] },
    Target {
        name: "sse",
        run: sse,
        seeds: &["event: error\r\ndata: {\"a\":1}\r\n\r\n: ping\rdata:x\n\n", "\u{feff}data\n\nid: 1\nretry: 5\n\n"],
    },
    Target {
        name: "event_stream",
        run: event_stream,
        seeds: &["\0\0\0\u{1b}\0\0\0\u{b}\u{1}h\u{7}\0\u{6}chunk!{}", "\0\0\0\u{10}\0\0\0\0"],
    },
    Target {
        name: "model_names",
        run: model_names,
        seeds: &[
            r#"{"id":"x","model":"up","message":{"model":"up","content":"\"model\":"},"response":{"modelVersion":"up"}}"#,
            "event: a\r\ndata: {\"model\":\r\ndata: \"up\"}\r\n\r\ndata: [DONE]\n\n",
            "[{\"modelVersion\":\"up\"},\n{\"model\":\"up\\\\\"}]",
        ],
    },
    Target {
        name: "classify",
        run: classify,
        seeds: &[
            r#"{"error":{"message":"Please try again in 20s","type":"requests","code":"rate_limit_exceeded"}}"#,
            r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"retryDelay":"34.07s"},{"violations":[{"quotaId":"PerDay"}]}]}}]"#,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
            r#"{"error":{"type":"usage_limit_reached","resets_at":1767229200,"resets_in_seconds":999}}"#,
            r#"{"error":{"code":429,"metadata":{"raw":"x","headers":{"X-RateLimit-Reset":"1767312000000"}}}}"#,
            r#"{"detail":[{"msg":"field required"}],"errors":[{"code":1}],"error":"invalid_grant"}"#,
            "<!doctype html><html>502",
        ],
    },
    Target {
        name: "stream",
        run: stream,
        seeds: &[
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
            "data: {\"error\":{\"code\":502,\"message\":\"x\"},\"choices\":[]}\n\n",
        ],
    },
    Target {
        name: "rules",
        run: rules,
        seeds: &[
            r#"{"custom":[{"status":[429],"rules":[{"pattern":["(x+)"],"field":{"error.code":"a*"},"header":{"x-*":"*"},"reason":"auth","hint":5,"stop":true,"message":"m"}]}]}"#,
            r#"{"rules":[{"status":["5xx",429,"400-410"],"code":["a*b*c"],"text":["x"],"reason":"quota","scope":"meter:m"}]}"#,
        ],
    },
    Target {
        name: "pattern",
        run: pattern,
        seeds: &["(?:a|b)*(c+?)$\nabac", "(?-i)^\\d{1,3}[^a-z]\\b\n12 x", "((a?){9})\naa", "額度(?:不足|.{2,4})\n額度"],
    },
    Target {
        name: "json",
        run: json,
        seeds: &[
            r#"{"acquire":{"request":1,"providers":["openai"],"wait":-1,"model":null}}"#,
            r#"{"a":[1,-2.5e+3,true,null,"\u00e9\ud83d\ude00\n"],"b":{}}"#,
        ],
    },
    Target {
        name: "policy",
        run: policy,
        seeds: &[
            r#"{"extends":"cliproxyapi","strategy":"fill-first","jitter":3,"cooldown":{"quota":{"action":"ladder","base":1,"max":9,"factor":3}}}"#,
            r#"{"cascade":[["env"],["runtime","stored"]],"affinity":{"kind":"session","ttl":0,"max":0},"hints":{"max":18446744073709551615}}"#,
        ],
    },
    Target {
        name: "scenario",
        run: scenario,
        seeds: &[
            r#"{"name":"x","credentials":[{"name":"a","provider":"openai","key":"k"}],"steps":[{"at":0,"acquire":{"provider":"openai","model":"m(high)","session":"s","as":"l"}},{"at":1,"report":{"lease":"l","status":429,"headers":{"retry-after":"9"},"body":{"error":{"code":"x"}}},"expect":{"until":{"$within":[0,9]}}},{"at":2,"crash":{}},{"at":3,"clock":{"jump":-5}}]}"#,
            r#"{"name":"x","preset":"cliproxyapi","policy":{"strategy":"fill-first"},"pools":2,"env":{"OPENAI_API_KEY":"e"},"steps":[{"at":0,"repeat":3,"every":7,"acquire":{"providers":["gemini","openai"]}},{"at":0,"pool":1,"explain":{"provider":"openai"}},{"at":18446744073709551615,"events":{}}]}"#,
        ],
    },
    Target {
        name: "usage_answer",
        run: usage_answer,
        seeds: &[
            r#"a{"five_hour":{"utilization":6.5,"resets_at":"2026-01-01T04:00:00+00:00"},"limits":[{"kind":"weekly_scoped","percent":57,"scope":{"model":{"display_name":"Fable"}}}],"extra_usage":{"is_enabled":true,"monthly_limit":5000,"used_credits":1}}"#,
            r#"b{"rate_limit":{"allowed":true,"primary_window":{"used_percent":12,"limit_window_seconds":18000,"reset_at":1767236400}},"additional_rate_limits":[{"metered_feature":"codex_bengalfox","rate_limit":{"primary_window":{"used_percent":1e2}}}],"rate_limit_reset_credits":{"available_count":3}}"#,
            r#"c{"models":{"m":{"modelProvider":"MODEL_PROVIDER_GOOGLE","quotaInfo":[{"remainingFraction":0.5,"resetTime":"2026-01-01T05:00:00Z"}],"quotaInfoByTier":{"x":{"windowId":"WINDOW_WEEKLY"}}}}}"#,
            r#"f{"success":true,"data":{"limits":[{"type":"TIME_LIMIT","unit":5,"number":1,"usage":4000,"usageDetails":[{"modelCode":"zread"}]}]}}"#,
            r#"m{"billingCycleEnd":"2026-02-01","individualUsage":{"plan":{"autoPercentUsed":0.02,"limit":2000}},"gpt-4":{"numRequests":1},"startOfMonth":"2026-01-31"}"#,
            r#"r{"data":{"limit":5,"limit_remaining":"$1.5","limit_reset":"weekly"},"usage":{"rolling":{"percent":1}}}"#,
        ],
    },
    Target {
        name: "callback",
        run: callback,
        seeds: &[
            "http://127.0.0.1:1/cb?code=c%2B1&state=canary-state&iss=https%3A%2F%2Fa.example",
            "/cb?error=access_denied&state=canary-state",
            "code#canary-state",
            "4/0Ab-code",
        ],
    },
    Target {
        name: "oauth_answer",
        run: oauth_answer,
        seeds: &[
            r#"{"access_token":"a","token_type":"bearer","expires_in":"3600","refresh_token":"r","id_token":"e30.e30.x"}"#,
            r#"{"error":"slow_down","interval":10}"#,
            r#"{"error":{"code":"refresh_token_reused","type":"x"}}"#,
            r#"{"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"https://a.example/d","expires_in":1800,"interval":5}"#,
            r#"{"issuer":"https://a.example","token_endpoint":"https://a.example/t","token_endpoint_auth_methods_supported":["client_secret_basic"]}"#,
            r#"{"active":true,"exp":1767225600,"sub":"s","email":"a@x","account":{"uuid":"u"}}"#,
        ],
    },
    Target {
        name: "oauth_facts",
        run: oauth_facts,
        seeds: &[
            r#"{"flows":["code","device"],"issuer":"https://a.example","params":[["a","b"]],"identity":{"email":["a b"]},"life":1000}"#,
        ],
    },
    Target {
        name: "login",
        run: login,
        seeds: &["\x00\x01\x02\x03\x04\x05\x06\x07\x08", "\x02\x08\x06\x08\x07", "\x01\x03\x08\x05\x08\x06"],
    },
    Target { name: "provider", run: provider, seeds: &["openai", " Gemini ", "my-host", "x-api-key"] },
];

fn text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Instants worth trying beside the data's own.
fn instants(data: &[u8]) -> [Timestamp; 3] {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(data) {
        *to = *from;
    }
    [Timestamp(1_767_225_600_000), Timestamp(u64::MAX), Timestamp(u64::from_le_bytes(bytes))]
}

fn sane(span: Span) {
    assert!(span > Span::ZERO && span <= duration::MAX, "{span:?}");
}

/// A policy: read over every preset, or refused with a place.
pub fn policy(data: &[u8]) {
    if let Ok(document) = credpool::json::read::<credpool::json::Value>(&text(data)) {
        for preset in credpool::policy::preset_names() {
            let _ = credpool::policy::Policy::over(preset, document.clone());
        }
    }
}

/// A scenario: read and run, twice alike, or refused with a place. What would only take long is left out.
pub fn scenario(data: &[u8]) {
    let text = text(data);
    let Ok(mut scenario) = credpool::simulate::Scenario::parse(&text) else { return };
    scenario.pools = scenario.pools.min(3);
    for step in &mut scenario.steps {
        step.repeat = step.repeat.map(|times| times.min(50));
    }
    let again = scenario.clone();
    let (first, second) = (credpool::simulate::run(&scenario), credpool::simulate::run(&again));
    assert_eq!(first.ok(), second.ok());
}

/// `Retry-After`.
pub fn retry_after(data: &[u8]) {
    for from in instants(data) {
        if let Some(span) = retry::parse(&text(data), from) {
            sane(span);
        }
    }
}

/// Dates: what is read is written and read again.
pub fn dates(data: &[u8]) {
    for now in instants(data) {
        if let Some(at) = date::parse(&text(data), now) {
            assert_eq!(date::parse_rfc3339(&date::rfc3339(at)), Some(at));
        }
        date::rfc3339(now);
    }
}

/// Lengths of time.
pub fn durations(data: &[u8]) {
    let text = text(data);
    let strict = duration::parse(&text);
    let loose = duration::parse_start(text.trim_start());
    assert!(strict.is_none() || strict == loose, "what Go reads, people read: {strict:?} {loose:?}");
    assert!(strict.into_iter().chain(loose).all(|span| span <= duration::MAX));
}

fn pairs(data: &[u8]) -> Vec<(String, String)> {
    text(data)
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

/// Headers, one a line: limits and hints.
pub fn headers(data: &[u8]) {
    let pairs = pairs(data);
    let headers = Headers::new(&pairs);
    for now in instants(data) {
        let limits = RateLimits::read(headers, now);
        assert!(limits.0.len() <= MAX_LIMITS);
        limits.0.iter().filter_map(|limit| limit.reset).for_each(sane);
        let (refusal, windows) = (limits.reset_of_refusal(), limits.reset_of_windows());
        refusal.into_iter().chain(windows).for_each(sane);
        if let Some(hint) = retry::read(headers, now) {
            sane(hint.after);
        }
    }
}

/// JSON Web Tokens: the text itself, and the text as the claims of one.
pub fn jwt(data: &[u8]) {
    for token in [text(data).into_owned(), format!("e30.{}.e30", text(data))] {
        if let Some(claims) = jwt::Claims::read(&token) {
            let _ = (claims.expires(), claims.text(&["a", "b"]), claims.get("sub"));
        }
    }
}

/// Event streams: where the pieces are cut does not matter.
pub fn sse(data: &[u8]) {
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut parser, mut found) = (events::Parser::new(), Vec::new());
        for piece in pieces {
            parser.push(piece, |event| found.push(event));
        }
        found.extend(parser.finish());
        found
    };
    let whole = read(&mut core::iter::once(data));
    assert!(whole.iter().all(|event| event.data.len() <= events::MAX_DATA));
    let size = data.first().map_or(1, |byte| usize::from(byte % 7) + 1);
    assert_eq!(whole, read(&mut data.chunks(size)));
}

fn presets() -> &'static [ClassifyRules; 2] {
    static RULES: OnceLock<[ClassifyRules; 2]> = OnceLock::new();
    RULES.get_or_init(|| {
        [
            include_str!("../../../core/src/policy/presets/default.classify.json"),
            include_str!("../../../core/src/policy/presets/cliproxyapi.classify.json"),
        ]
        .map(|preset| credpool::json::read(preset).expect("presets parse"))
    })
}

/// Bodies under both presets, for the providers with ways of their own.
pub fn classify(data: &[u8]) {
    let body = text(data);
    for rules in presets() {
        for (provider, status) in
            [("openai", 429), ("google", 400), ("anthropic", 401), ("openrouter", 200), ("zai", 500)]
        {
            for now in instants(data) {
                let answer = Answer { status: Some(status), body: Some(&body), ..Answer::default() };
                if let Verdict::Failure(failure) = classify_answer(rules, provider, &answer, now) {
                    if let Some(hint) = failure.hint {
                        sane(hint.after);
                    }
                }
            }
        }
    }
}

/// Any bytes, and the same bytes as the payload of messages with right checksums, with other bytes between them.
pub fn event_stream(data: &[u8]) {
    for message in messages(data) {
        assert!(message.payload.len() < data.len());
        message.header(":event-type");
    }
    let size = (data.first().map_or(0, |byte| usize::from(*byte))).min(data.len());
    let (headers, payload) = data.split_at(size);
    let word = |size: usize| u32::try_from(size).unwrap_or(0).to_be_bytes();
    let mut bytes = [word(16 + data.len()), word(size)].concat();
    bytes.extend_from_slice(&crc32(&bytes).to_be_bytes());
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(&crc32(&bytes).to_be_bytes());
    let twice = [&bytes[..], data, &bytes].concat();
    assert!(messages(&twice).filter(|message| message.payload == payload).count() >= 1);
    for name in ["h", ":message-type"] {
        if let Some(value) = messages(&bytes).next().and_then(|message| message.header(name)) {
            assert!(value.len() <= headers.len());
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 },
        )
    })
}

/// Nothing but names comes in, and the cuts between pieces do not matter.
pub fn model_names(data: &[u8]) {
    let size = data.first().map_or(1, |byte| usize::from(byte % 7) + 1);
    for form in [Form::Json, Form::Events] {
        let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let (mut names, mut out) = (ModelNames::new(form, "n"), Vec::new());
            pieces.for_each(|piece| names.push(piece, &mut out));
            out
        };
        let whole = read(&mut core::iter::once(data));
        assert_eq!(whole, read(&mut data.chunks(size)));
        assert!(whole.len() <= data.len() + data.iter().filter(|byte| **byte == b'"').count());
    }
}

/// Error events in streams, and how streams end.
pub fn stream(data: &[u8]) {
    let whole = text(data);
    for rules in presets() {
        for (head, tail) in [("", &*whole), (&*whole, whole.get(whole.len() / 2..).unwrap_or_default())] {
            classify_stream(
                rules,
                "openai",
                Headers::default(),
                Stream { head, tail, binary: false },
                Timestamp(0),
            );
            classify_stream(
                rules,
                "amazon-bedrock",
                Headers::default(),
                Stream { head, tail, binary: true },
                Timestamp(0),
            );
        }
    }
    let mut parser = events::Parser::new();
    let mut check = |event: events::Event| {
        for rules in presets() {
            let failure = classify_event(rules, "openrouter", Headers::default(), &event, Timestamp(0));
            if let Some(hint) = failure.and_then(|failure| failure.hint) {
                sane(hint.after);
            }
        }
    };
    parser.push(data, &mut check);
    if let Some(event) = parser.finish() {
        check(event);
    }
}

/// Rules from outside, applied to a fixed answer.
pub fn rules(data: &[u8]) {
    let Ok(rules) = credpool::json::read::<ClassifyRules>(&text(data)) else { return };
    let body = r#"{"error":{"code":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab","message":"xxxxxxxx"}}"#;
    let answer = Answer { status: Some(429), body: Some(body), ..Answer::default() };
    classify_answer(&rules, "openai", &answer, Timestamp(0));
    let text = credpool::json::write(&rules);
    assert_eq!(credpool::json::read::<ClassifyRules>(&text).expect("and read again"), rules);
}

/// A pattern from outside, and a text: the line behind it.
pub fn pattern(data: &[u8]) {
    let text = text(data);
    let (source, text) = text.split_once('\n').unwrap_or((&text, ""));
    match Pattern::new(source) {
        Ok(pattern) => {
            if let Some(part) = pattern.find(text).and_then(|found| found.captured) {
                assert!(text.contains(part));
            }
        }
        Err(error) => assert!(error.at <= source.len()),
    }
}

/// JSON from outside: what is read is written and read again, and a type is read or an error names a place.
pub fn json(data: &[u8]) {
    let text = text(data);
    if let Ok(value) = credpool::json::read::<Value>(&text) {
        assert_eq!(credpool::json::read::<Value>(&credpool::json::write(&value)).as_ref(), Ok(&value));
    }
    for error in [
        credpool::json::read::<credpool::pool::PoolInput>(&text).err(),
        credpool::json::read::<credpool::policy::Policy>(&text).err(),
    ] {
        assert!(error.is_none_or(|error| !error.path.is_empty() && !error.message.is_empty()));
    }
}

/// Names of providers, and secrets on their way into a header.
pub fn provider(data: &[u8]) {
    let text = text(data);
    let mut registry = Registry::builtin();
    registry.resolve(&text);
    let Some(facts) = registry.facts_or_default(&text) else { return };
    for kind in facts.kinds.clone() {
        if let Some(parts) = auth_parts(&facts, kind, &Secret::new(&*text)) {
            let clean = |value: &str| value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            assert!(parts.headers.iter().all(|(_, value)| clean(value.expose())));
        }
    }
    if registry.resolve(&text).is_none() {
        registry.register(facts).expect("what the registry made is good");
        assert!(registry.resolve(&text).is_some());
    }
}

/// The provider of the targets below.
fn facts() -> OauthFacts {
    let text = r#"{"flows":["code"],"issuer":"https://a.example","authorize":"https://a.example/a","token":"https://a.example/t"}"#;
    credpool::json::read(text).expect("it is right")
}

/// No code comes out of a callback that was not pasted and does not hold the state; none with another state, ever.
pub fn callback(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let state = Secret::new("canary-state");
    let of = oauth::Authorization { state, ..oauth::Authorization::default() };
    for pasted in [false, true] {
        if let Ok(code) = oauth::read_callback(&facts(), &of, &text, pasted) {
            assert!(!code.is_empty());
            assert!(pasted || oauth::read_form(&text).is_none_or(|fields| !fields.is_empty()));
            assert!(pasted || text.contains("state="));
        }
    }
    let _ = oauth::read_form(&text);
}

/// Whatever an endpoint answers: a code of an error has a code's form, a length of time has an end.
pub fn oauth_answer(data: &[u8]) {
    let body = String::from_utf8_lossy(data);
    let now = Timestamp(1_767_225_600_000);
    for status in [200, 400, 503] {
        match oauth::read_token_answer(status, Headers::default(), &body, now, Span::from_mins(5)) {
            Ok(tokens) => {
                assert!(!tokens.access.is_empty());
                assert!(tokens.expires.is_none_or(|at| at > now));
                let identity = oauth::identity_of_answer(&facts().identity, &body, &tokens);
                assert!(identity.email.is_none_or(|email| email.len() <= 320));
            }
            Err(failure) => {
                let plain =
                    |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.".contains(&byte);
                assert!(failure.code.len() <= 64 && failure.code.bytes().all(plain), "{}", failure.code);
            }
        }
        if let Ok(grant) = oauth::read_device_answer(status, Headers::default(), &body, now) {
            assert!(grant.interval >= Span::from_secs(1) && grant.interval <= Span::from_mins(5));
            assert!(grant.life <= Span::from_hours(24));
            assert!(credpool::facts::oauth::is_safe_url(&grant.verification_uri));
        }
        let _ = oauth::read_poll(status, Headers::default(), &body, now);
        let mut found = facts();
        if oauth::read_metadata(&mut found, status, &body).is_ok() {
            assert!(found.problem().is_none());
        }
        let _ = oauth::read_userinfo(&found.identity, status, &body);
        let _ = oauth::read_introspection(&found.identity, status, &body);
    }
}

/// An answer of a usage endpoint, given to every request of one provider: an end comes, and what is read is bounded.
pub fn usage_answer(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let (body, now) = (String::from_utf8_lossy(rest), Timestamp(1_767_225_600_000));
    let asked = Registry::builtin();
    let all: Vec<&str> = asked.names().filter(|name| can_be_asked(name, Kind::ApiKey).is_some()).collect();
    let provider = all[usize::from(first.wrapping_sub(b'a')) % all.len()];
    let kind = if can_be_asked(provider, Kind::Oauth) == Some(true) { Kind::Oauth } else { Kind::ApiKey };
    let identity = Identity { project_id: Some("p".into()), ..Identity::default() };
    let secret = Secret::new(r#"{"token":"canary","cookie":"canary"}"#);
    let account =
        Account { provider, kind, secret: &secret, refresh: None, base_url: None, identity: &identity };
    let Ok((mut probe, _)) = Probe::begin(account) else { return };
    for _ in 0..8 {
        match probe.answer(200, Headers::default(), &body, now) {
            UsageNext::Ask(_) => {}
            UsageNext::Done(report) => {
                assert!(report.limits.len() <= credpool::usage::report::MAX_LIMITS);
                let text = credpool::json::write(&*report);
                assert_eq!(credpool::json::read(&text).as_ref(), Ok(&*report));
                return assert!(!text.contains("canary") || body.contains("canary"));
            }
            UsageNext::Failed(failure) => return assert!(failure.code.len() <= 200, "{}", failure.code),
        }
    }
    panic!("{provider} asks without an end");
}

/// What a user registers: read or refused; what is sound has somewhere to get tokens.
pub fn oauth_facts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(read) = credpool::json::read::<OauthFacts>(&text) else { return };
    let sound = read.problem().is_none();
    assert!(!sound || !read.token.is_empty() || !read.issuer.is_empty());
    let _ = credpool::json::write(&read);
}

/// Any news in any order: a login ends, and asks one thing at a time.
pub fn login(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let flow = [Flow::Code, Flow::Device, Flow::ClientCredentials][usize::from(first % 3)];
    let mut now = Instant(0);
    let (mut login, _) = Login::start(flow, first & 4 != 0, Span(u64::from(first) * 1000), now);
    for &byte in rest {
        let news = match byte % 9 {
            0 => News::Found,
            1 => News::Device { interval: Span(u64::from(byte) << 40), life: Span(u64::MAX) },
            2 => News::Code,
            3 => News::Pending,
            4 => News::SlowDown((byte & 64 != 0).then_some(Span(u64::MAX))),
            5 => News::Tokens { whose: byte & 64 != 0 },
            6 => News::Whose,
            7 => News::Failed { code: "x".into(), transient: byte & 64 != 0 },
            _ => {
                now = now.max(login.deadline());
                if matches!(login.due(now), Todo::Fail(_)) {
                    return;
                }
                continue;
            }
        };
        if matches!(login.hear(news, now), Todo::Fail(_)) {
            return;
        }
        assert!(login.deadline() <= now + credpool::login::LONGEST_WAIT);
    }
}
