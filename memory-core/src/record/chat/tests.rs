use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::{ExecutionResult, Record};

fn import(messages: Value) -> Result<ImportedChat> {
    let messages: Vec<ChatMessage> = serde_json::from_value(messages).unwrap();
    let start = Timestamp::from_micros(1_715_803_200_000_000).unwrap();
    let imported = Episode::from_chat_at(&messages, TaskContext::new("airline"), TaskType::Other, start)?;
    assert_eq!(imported.episode.to_chat().unwrap(), messages);
    Ok(imported)
}

fn episode(messages: Value) -> Episode {
    import(messages).unwrap().episode
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn calling(calls: impl Into<Value>) -> Value {
    json!({"role": "assistant", "tool_calls": calls.into()})
}

fn answer(id: &str, content: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content})
}

fn user() -> Value {
    json!({"role": "user", "content": "Help."})
}

fn success(output: &str) -> ExecutionResult {
    ExecutionResult::Success { output: output.to_owned() }
}

fn error(message: &str) -> ExecutionResult {
    ExecutionResult::Error { message: message.to_owned() }
}

fn results(episode: &Episode) -> Vec<Option<ExecutionResult>> {
    episode.steps.iter().map(|step| step.result.clone()).collect()
}

fn refusal(messages: Value) -> String {
    import(messages).unwrap_err().to_string()
}

#[test]
fn a_transcript_becomes_a_whole_episode() {
    let imported = import(json!([
        {"role": "system", "content": "You are an airline agent."},
        {"role": "user", "content": "Cancel my flight."},
        {"role": "assistant", "content": "I look it up.", "tool_calls": [call("c1", "look", r#"{"id":"JG7FMM"}"#)]},
        {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "{\"id\": \"JG7FMM\"}"},
        {"role": "assistant", "content": null, "tool_calls": [call("c2", "cancel", "{}")], "refusal": null},
        {"role": "tool", "tool_call_id": "c2", "name": "cancel", "content": "Error: not allowed", "status": 403},
        {"role": "assistant", "content": null, "refusal": "I cannot."},
    ]))
    .unwrap();
    assert_eq!(imported.notes, []);
    let episode = imported.episode;
    assert_eq!(episode.task_description, "Cancel my flight.");
    assert_eq!(episode.start_time.as_micros(), 1_715_803_200_000_000);
    let [look, cancel] = &episode.steps[..] else { panic!("{:?}", episode.steps) };
    assert_eq!((look.step_number, look.tool.as_str(), look.action.as_str()), (1, "look", "I look it up."));
    assert_eq!(look.parameters, json!({"id": "JG7FMM"}));
    assert_eq!(look.timestamp, episode.start_time);
    let rest = json!({"id": "c1", "type": "function", "function": {"name": null, "arguments": null}});
    assert_eq!(look.metadata.get("call"), Some(&rest));
    assert_eq!(look.metadata.get("call_id"), Some(&json!("c1")));
    assert_eq!((cancel.step_number, cancel.action.as_str()), (2, ""));
    assert_eq!(results(&episode), [Some(success("{\"id\": \"JG7FMM\"}")), Some(error("Error: not allowed"))]);
    let messages = json!([
        {"role": "system", "content": "You are an airline agent."},
        {"role": "user", "content": "Cancel my flight."},
        {"role": "assistant", "content": {"$action": 1}, "tool_calls": [{"$call": 1}]},
        {"role": "tool", "tool_call_id": "c1", "name": "look", "content": {"$result": 1}},
        {"role": "assistant", "content": null, "tool_calls": [{"$call": 2}], "refusal": null},
        {"role": "tool", "tool_call_id": "c2", "name": "cancel", "content": {"$result": 2}, "status": 403},
        {"role": "assistant", "content": null, "refusal": "I cannot."},
    ]);
    assert_eq!(episode.metadata.get("messages"), Some(&messages));
}

#[test]
fn the_older_form_is_understood() {
    let imported = import(json!([
        user(),
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"n\": 1}"}},
        {"role": "function", "name": "f", "content": "one"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"n\": 2}"}},
        {"role": "function", "name": "f", "content": "two"},
        {"role": "function", "name": "f", "content": "three"},
    ]))
    .unwrap();
    assert_eq!(results(&imported.episode), [Some(success("one")), Some(success("two"))]);
    let [note] = &imported.notes[..] else { panic!("{:?}", imported.notes) };
    assert_eq!((note.message, note.kind), (5, KeptAside));
}

#[test]
fn items_of_the_responses_api_are_understood() {
    let episode = episode(json!([
        user(),
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "x"}},
        {"type": "function_call_output", "call_id": "c", "output": "Error: no"},
    ]));
    assert_eq!(results(&episode), [Some(error("Error: no")), None]);
    assert_eq!(
        (episode.steps[1].tool.as_str(), &episode.steps[1].parameters["action"]["query"]),
        ("web_search_call", &json!("x"))
    );
}

#[test]
fn an_id_used_again_after_an_interrupted_call_means_the_later_one() {
    let imported = import(json!([
        user(),
        calling(json!([call("c", "f", "1")])),
        user(),
        calling(json!([call("c", "f", "2"), call("c", "f", "3")])),
        answer("c", "two"),
        answer("c", "three"),
    ]))
    .unwrap();
    assert_eq!(results(&imported.episode), [None, Some(success("two")), Some(success("three"))]);
    assert_eq!(imported.notes.len(), 2, "{:?}", imported.notes);
}

#[test]
fn answers_that_answer_nothing_stay_messages() {
    let asked = calling(json!([call("c", "f", "{}")]));
    for (messages, index, words) in [
        (json!([user(), asked, answer("d", "x")]), 2, "`d`, which no earlier message calls"),
        (json!([user(), answer("c", "x"), asked]), 1, "`c`, which no earlier message calls"),
        (json!([user(), asked, answer("c", "y"), answer("c", "x")]), 3, "a second answer to the call `c`"),
        (json!([user(), asked, {"role": "tool", "name": "g", "content": "x"}]), 2, "no call of `g` is open"),
    ] {
        let imported = import(messages).unwrap();
        let [note] = &imported.notes[..] else { panic!("{:?}", imported.notes) };
        assert_eq!((note.message, note.kind), (index, KeptAside), "{note}");
        assert!(note.reason.contains(words), "{note}");
        assert_eq!(imported.episode.metadata.get("messages").unwrap()[index]["content"], "x");
    }
}

#[test]
fn an_unknown_kind_of_call_is_a_step_with_what_it_holds() {
    let custom = json!({"id": "c", "type": "custom", "custom": {"name": "edit", "input": "…"}});
    let nameless = json!({"id": "d", "type": "computer", "action": {"x": 3}});
    let signed =
        json!({"id": "e", "type": "function", "function": {"name": "f", "arguments": "{ }"}, "extra_content": 7});
    let episode = episode(json!([user(), calling(json!([custom, nameless, signed]))]));
    let [custom, other, signed] = &episode.steps[..] else { panic!("{:?}", episode.steps) };
    assert_eq!((custom.tool.as_str(), &custom.parameters), ("edit", &json!("…")));
    assert_eq!((other.tool.as_str(), &other.parameters), ("computer", &nameless));
    assert_eq!((&signed.parameters, &signed.metadata.get("call").unwrap()["extra_content"]), (&json!({}), &json!(7)));
}

#[test]
fn an_answer_is_judged_by_its_texts_whatever_stands_beside_them() {
    let parts = json!([{"type": "text", "text": "Error: no such file", "cache_control": {"type": "ephemeral"}}]);
    let image = json!([{"type": "text", "text": "Error: too dark"}, {"type": "image_url", "image_url": {"url": "u"}}]);
    for (content, text) in [(parts, "Error: no such file"), (image, "Error: too dark")] {
        let answered = json!({"role": "tool", "tool_call_id": "c", "content": content});
        let episode = episode(json!([user(), calling(json!([call("c", "f", "{}")])), answered]));
        assert_eq!(results(&episode), [Some(error(text))]);
    }
}

#[test]
fn one_text_beside_many_calls_is_stored_once() {
    let text = "I do it all at once. ".repeat(4_000);
    let calls: Vec<_> = (0..48).map(|n| call(&format!("c{n}"), "f", "{}")).collect();
    let mut asked = calling(calls);
    asked["content"] = json!(text);
    let episode = episode(json!([user(), asked]));
    assert_eq!(episode.steps.len(), 48);
    assert_eq!(episode.steps[0].action, text);
    assert!(episode.content_size() < text.len() + 48 * 500, "{}", episode.content_size());
    let ids: Vec<_> = (0..48).map(|n| format!("c{n}")).collect();
    let calls: Vec<_> = ids.iter().map(|id| call(id, "f", "{}")).collect();
    let answered = json!({"role": "tool", "tool_call_ids": ids, "content": text});
    let episode = self::episode(json!([user(), calling(calls), answered]));
    assert!(episode.steps.iter().all(|step| step.result.is_some()));
    assert!(episode.content_size() < text.len() + 48 * 500, "{}", episode.content_size());
}

#[test]
fn an_answer_of_as_many_parts_as_ids_goes_part_by_part() {
    let parts = json!([{"type": "text", "text": "one"}, "Error: two"]);
    let answered = json!({"role": "tool", "tool_call_id": ["a", "b"], "content": parts});
    let episode = episode(json!([user(), calling(json!([call("a", "f", "{}"), call("b", "f", "{}")])), answered]));
    assert_eq!(results(&episode), [Some(success("one")), Some(error("Error: two"))]);
}

#[test]
fn calls_in_an_unknown_form_are_refused_or_noted_and_never_passed_over() {
    let unknown = json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]});
    let refused = refusal(json!([user(), unknown]));
    assert!(refused.contains("`messages[1].parts[0].functionCall`: it looks like a call"), "{refused}");
    let imported = import(json!([user(), calling(json!([call("a", "f", "{}")])), unknown])).unwrap();
    assert_eq!(imported.notes.len(), 1);
    assert!(imported.notes[0].to_string().starts_with("messages[2]: kept aside: `parts[0].functionCall`"));
    // The same call twice in one message, as some libraries write it, is one.
    let block = json!({"type": "tool_use", "id": "a", "name": "f", "input": {}});
    let twice = json!({"role": "assistant", "content": [block], "tool_calls": [call("a", "f", "{}")]});
    let imported = import(json!([user(), twice])).unwrap();
    assert_eq!((imported.episode.steps.len(), imported.notes.len()), (1, 1));
}

#[test]
fn what_cannot_be_understood_is_refused_by_index_and_field() {
    for (message, field) in [
        (json!({"content": "x"}), "role"),
        (calling(json!("f()")), "tool_calls"),
        (calling(json!([call("a", "f", ""), {"id": "c", "arguments": "{}"}])), "tool_calls[1]"),
        (calling(json!([7])), "tool_calls[0]"),
        (json!({"role": "assistant", "function_call": "f"}), "function_call"),
    ] {
        let refused = refusal(json!([user(), message]));
        assert!(refused.contains(&format!("`messages[1].{field}`")), "{refused}");
    }
    let deep = (0..127).fold(json!(1), |inner, _| json!([inner]));
    let refused = refusal(json!([{"role": "user", "content": "x", "deep": [deep]}]));
    assert!(refused.contains("`messages[0]`: JSON nested deeper than 127"), "{refused}");
}

#[test]
fn the_task_is_the_first_user_message_that_says_something() {
    for none in [json!([]), json!([{"role": "system", "content": "x"}]), json!([{"role": "user", "content": null}])] {
        assert!(refusal(none).contains("no user message has a text"));
    }
    let blank = json!({"role": "user", "content": " \n"});
    let image = json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]});
    let imported = import(json!([blank, image, user()])).unwrap();
    assert_eq!(imported.episode.task_description, "Help.");
    let [note] = &imported.notes[..] else { panic!("{:?}", imported.notes) };
    assert_eq!((note.message, note.kind), (2, Repaired));
}

#[test]
fn hostile_content_is_kept_and_accepted_by_every_storage() {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    let text = "[".repeat(5_000);
    let calls = json!([call("", "", &text), call("\u{0}'\"", "; DROP TABLE episodes", "{\"a\": 1, \"a\": 2}")]);
    let imported = import(json!([
        {"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": deep}]},
        {"role": "assistant", "content": "a\u{0}b", "big": u64::MAX, "deep": deep, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "", "content": [{"type": "text", "text": "\u{1f4a5}"}], "deep": deep},
        {"role": "tool", "content": {"$result": 1}},
        {"role": "wizard", "$serde_json::private::Number": "x", "content": {"$call": 2}},
        calling(json!([{"type": "function", "function": {"name": null}, "name": "f", "arguments": deep}])),
    ]));
    let episode = imported.unwrap().episode;
    episode.validate().unwrap();
    assert_eq!(episode.task_description, "Look:");
    assert_eq!(episode.steps[0].parameters, Value::from(text));
    assert_eq!(episode.steps[0].metadata.get("raw_arguments"), Some(&json!(true)));
    assert_eq!(episode.steps[0].result, Some(success("\u{1f4a5}")));
    assert_eq!(episode.steps[1].parameters, r#"{"a": 1, "a": 2}"#);
    assert_eq!(episode.steps[2].tool, "f");
}

#[test]
fn a_chat_follows_its_steps_and_needs_them() {
    let mut episode = episode(json!([user(), calling(json!([call("c", "f", "{}")])), answer("c", "x")]));
    episode.steps[0].tool = "g".to_owned();
    assert_eq!(episode.to_chat().unwrap()[1].get("tool_calls").unwrap()[0]["function"]["name"], "g");
    episode.steps.clear();
    let refused = episode.to_chat().unwrap_err().to_string();
    assert!(refused.contains("`metadata.messages[1]`: it refers to the step 1"), "{refused}");
    let refused = Episode::new("x", TaskContext::new("y"), TaskType::Other).to_chat().unwrap_err().to_string();
    assert!(refused.contains("metadata.messages"), "{refused}");
}

/// JSON that consists of the parts of chats, in expected and unexpected places.
fn any_json() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "c",
        "f",
        "assistant",
        "tool",
        "function",
        "text",
        "tool_use",
        "tool_result",
        "custom",
        "{\"a\": 1}",
        "Error: x",
    ];
    let leaf = prop_oneof![
        4 => prop::sample::select(texts.to_vec()).prop_map(Value::from),
        1 => prop::sample::select(vec![json!(null), json!(true), json!(1), json!(u64::MAX), json!(0.5)]),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::btree_map(any_key(), inner, 0..6).prop_map(|fields| Map::from_iter(fields).into()),
        ]
    })
}

fn any_key() -> impl Strategy<Value = String> {
    let keys = [
        "type",
        "id",
        "name",
        "arguments",
        "input",
        "function",
        "custom",
        "text",
        "content",
        "tool_use_id",
        "output",
        "is_error",
        "$call",
        "$action",
        "$result",
        "call_id",
        "functionCall",
        "tool_calls",
    ];
    prop::sample::select(keys.to_vec()).prop_map(str::to_owned)
}

fn any_message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec!["system", "user", "assistant", "assistant", "tool", "tool", "function"]);
    let known = prop::collection::vec((prop::sample::select(vec!["", "c", "d"]), "[{}\":a1 ]{0,8}"), 0..3)
        .prop_map(|calls| calls.iter().map(|(id, arguments)| call(id, "f", arguments)).collect::<Value>());
    let calls = prop_oneof![6 => known, 1 => any_json()];
    let content = prop_oneof![3 => "[Eror: {}]{0,8}".prop_map(Value::from), 2 => any_json()];
    let optional = (prop::option::of(content), prop::option::of(calls), prop::option::of(any_json()));
    let others = prop::collection::btree_map(any_key(), any_json(), 0..3);
    (prop::option::weighted(0.95, role), optional, others).prop_map(|(role, (content, calls, id), others)| {
        let mut message = Map::from_iter(others);
        let fields =
            [("role", role.map(Value::from)), ("content", content), ("tool_calls", calls), ("tool_call_id", id)];
        message.extend(fields.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))));
        message.into()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_chat_is_imported_without_loss_or_refused_by_its_message(messages in prop::collection::vec(any_message(), 0..8)) {
        let calls: usize = messages.iter().filter_map(|message| message.get("tool_calls")?.as_array()).map(Vec::len).sum();
        let like_calls = messages.iter().any(|message| form::unknown_call(message, "").is_some());
        match import(messages.into()) {
            Ok(imported) => {
                let episode = imported.episode;
                prop_assert!(episode.steps.len() >= calls);
                prop_assert!(!like_calls || !episode.steps.is_empty());
                prop_assert!(!episode.task_description.trim().is_empty());
                prop_assert!(episode.validate().is_ok());
            }
            Err(refused) => {
                let refused = refused.to_string();
                prop_assert!(refused.contains("messages[") || refused.contains("no user message has a text"), "{}", refused);
            }
        }
    }

    #[test]
    fn every_answer_reaches_its_call(order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(), answered in 0..=8_usize) {
        let calls: Vec<_> = (0..8).map(|n| call(&format!("c{n}"), "f", "{}")).collect();
        let mut messages = vec![user(), calling(calls)];
        messages.extend(order[..answered].iter().map(|n| answer(&format!("c{n}"), &n.to_string())));
        let imported = import(messages.into()).unwrap();
        prop_assert_eq!(&imported.notes, &[]);
        for (n, result) in results(&imported.episode).iter().enumerate() {
            let expected = order[..answered].contains(&n).then(|| success(&n.to_string()));
            prop_assert_eq!(result, &expected);
        }
    }
}
