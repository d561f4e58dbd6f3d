use super::*;
use proptest::prelude::*;
use serde_json::{json, Value as Json};

fn renamed(form: Form, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut names, mut out) = (ModelNames::new(form, "our \"best\""), Vec::new());
    for piece in pieces {
        names.push(piece, &mut out);
    }
    out
}

fn text(form: Form, text: &str) -> String {
    String::from_utf8(renamed(form, &[text.as_bytes()])).unwrap()
}

const NAME: &str = r#""our \"best\"""#;

#[test]
fn the_fields_of_an_answer() {
    for (body, fields) in [
        (
            r#"{"id":"x","model":"up","choices":[{"message":{"model":"stays","content":"\"model\":\"up\""}}]}"#,
            1,
        ),
        (r#" {"model" : "up" , "modelVersion":"up","model_version":"stays","models":"stays"}"#, 2),
        (
            r#"{"type":"message_start","message":{"id":"m","model":"up","modelVersion":"stays","usage":{"model":"stays"}},"model":"up"}"#,
            2,
        ),
        (
            r#"{"response":{"tools":[{"model":"stays"}],"model":"up","modelVersion":"up"},"type":"response.created"}"#,
            3 - 1,
        ),
        (
            r#"[{"modelVersion":"up","candidates":[{"content":{"parts":[{"text":"model"}]}}]},
{"modelVersion":"up"}]"#,
            2,
        ),
        ("{\"model\":\"up\",\"message\":{\"content\":\"a\"}}\n{\"model\":\"up\",\"done\":true}\n", 2),
        (r#"{"model":"up\\","x":"stays"}"#, 0),
        (
            r#"{"model":7,"model":null,"model":["stays"],"model":{"model":"stays"},"m":"model","response":"model"}"#,
            0,
        ),
        (
            r#"{"message":["stays",{"model":"stays"}],"response":[{"model":"stays"}],"data":{"model":"stays"}}"#,
            0,
        ),
        (r#""model" "stays" [["model","stays",{"model":"stays"}]]"#, 0),
        (
            r#"{"input":{"model":"stays"},"arguments":"{\"model\":\"stays\"}","message":{"content":[{"input":{"model":"stays"}}]}}"#,
            0,
        ),
    ] {
        let want = body.replace(r#""up\\""#, NAME).replace(r#""up""#, NAME);
        assert_eq!(text(Form::Json, body), want, "{body}");
        assert!(fields == 0 || want != body, "{body}");
        assert_eq!(want.matches(NAME).count(), fields.max(body.matches(r#""up\\""#).count()), "{body}");
    }
}

#[test]
fn events() {
    for (stream, want) in [
        (
            "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"up\"}}\r\n\r\ndata:{\"model\":\"up\"}\n\n",
            "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"model\":NAME}}\r\n\r\ndata:{\"model\":NAME}\n\n",
        ),
        // Events that hang together without a blank line, comments, and the end.
        (
            "\u{feff}data: {\"model\":\"up\"}\ndata: {\"model\":\"up\"}\r: {\"model\":\"stays\"}\nevent: x\ndata: [DONE]\n\n",
            "\u{feff}data: {\"model\":NAME}\ndata: {\"model\":NAME}\r: {\"model\":\"stays\"}\nevent: x\ndata: [DONE]\n\n",
        ),
        // One value over several lines.
        (
            "data: {\ndata:  \"model\":\r\ndata: \"up\"}\r\n\r\ndata: {\"model\":\"up\"}",
            "data: {\ndata:  \"model\":\r\ndata: NAME}\r\n\r\ndata: {\"model\":NAME}",
        ),
        // A text that does not end in its line: that event is left alone, the next one is not.
        (
            "data: {\"model\":\"up\ndata: {\"model\":\"stays\"}\n\ndata: {\"model\":\"up\"}\n\n",
            "data: {\"model\":BEGUN\ndata: {\"model\":\"stays\"}\n\ndata: {\"model\":NAME}\n\n",
        ),
        ("database: {\"model\":\"stays\"}\n dat", "database: {\"model\":\"stays\"}\n dat"),
    ] {
        let want = want.replace("NAME", NAME).replace("BEGUN", NAME.strip_suffix('"').unwrap());
        assert_eq!(text(Form::Events, stream), want);
    }
}

#[test]
fn what_is_cut_off_is_cut_off() {
    assert_eq!(text(Form::Json, r#"{"model":"u"#), r#"{"model":"our \"best\""#);
    assert_eq!(text(Form::Json, r#"{"mod"#), r#"{"mod"#);
}

#[test]
fn a_form_is_told_by_its_type() {
    for (kind, form) in [
        ("application/json; charset=utf-8", Some(Form::Json)),
        ("Application/Problem+JSON", Some(Form::Json)),
        ("application/x-ndjson", Some(Form::Json)),
        ("text/event-stream;charset=utf-8", Some(Form::Events)),
        ("application/vnd.amazon.eventstream", None),
        ("text/plain", None),
        ("application/jsonp", None),
        ("", None),
    ] {
        assert_eq!(Form::of(kind), form, "{kind}");
    }
}

/// The slow obvious way: all of it read, changed, written.
fn slow(answer: &mut Json) {
    fn set(object: Option<&mut Json>, fields: &[&str]) {
        let Some(object) = object.and_then(Json::as_object_mut) else { return };
        for field in fields {
            if let Some(value) = object.get_mut(*field).filter(|value| value.is_string()) {
                *value = json!("our \"best\"");
            }
        }
    }
    if let Some(answers) = answer.as_array_mut() {
        for answer in answers.iter_mut().filter(|answer| answer.is_object()) {
            slow(answer);
        }
        return;
    }
    if answer.is_object() {
        set(answer.get_mut("message"), &["model"]);
        set(answer.get_mut("response"), &["model", "modelVersion"]);
        set(Some(answer), &["model", "modelVersion"]);
    }
}

fn any_json() -> impl Strategy<Value = Json> {
    let word = prop::sample::select(vec![
        "model",
        "modelVersion",
        "message",
        "response",
        "x",
        "",
        "mo\"del\\",
        "{\"model\":\"",
        "é💥\n",
    ]);
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        any::<i32>().prop_map(|number| json!(number)),
        word.clone().prop_map(|text| json!(text))
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            prop::collection::vec((word.clone(), inner), 0..6).prop_map(|fields| Json::Object(
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn as_if_it_were_read_changed_and_written(answers in prop::collection::vec(any_json(), 1..4), pretty in any::<bool>()) {
        let write = |answer: &Json| if pretty { serde_json::to_string_pretty(answer).unwrap() } else { answer.to_string() };
        let bodies: Vec<String> = answers.iter().map(write).collect();
        let changed: Vec<String> = answers.into_iter().map(|mut answer| { slow(&mut answer); write(&answer) }).collect();
        prop_assert_eq!(text(Form::Json, &bodies.join("\n")), changed.join("\n"));
        let event = |body: &String| body.lines().fold(String::new(), |event, line| event + "data: " + line + "\n") + "\n";
        prop_assert_eq!(
            text(Form::Events, &bodies.iter().map(event).collect::<String>()),
            changed.iter().map(event).collect::<String>()
        );
    }

    #[test]
    fn the_cuts_between_pieces_do_not_matter(
        body in r#"((data: ?)?[\[{]("(model|message|response|x)\\?":? ?("u"|\{|,|"u)){0,3}[\]}]{0,3}[\r\n]{0,3}){0,6}"#,
        cuts in prop::collection::vec(0_usize..120, 0..8),
        events in any::<bool>(),
    ) {
        let form = if events { Form::Events } else { Form::Json };
        let bytes = body.as_bytes();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.sort_unstable();
        let (mut pieces, mut from) = (Vec::new(), 0);
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(renamed(form, &pieces), renamed(form, &[bytes]));
    }

    #[test]
    fn no_bytes_panic_and_only_names_are_added(bytes in prop::collection::vec(any::<u8>(), 0..300), events in any::<bool>()) {
        let form = if events { Form::Events } else { Form::Json };
        let out = renamed(form, &[&bytes]);
        prop_assert!(out.len() <= bytes.len() + NAME.len() * bytes.len());
    }
}
