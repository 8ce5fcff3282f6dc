use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{ExecutionResult, MemoryStorageExt, Record};

fn episode(messages: Value) -> Result<Episode> {
    let messages: Vec<ChatMessage> = serde_json::from_value(messages).unwrap();
    let start = Timestamp::from_micros(1_715_803_200_000_000).unwrap();
    Episode::from_chat_at(&messages, TaskContext::new("airline"), TaskType::Other, start)
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn user() -> Value {
    json!({"role": "user", "content": "Help."})
}

fn success(output: &str) -> ExecutionResult {
    ExecutionResult::Success { output: output.to_owned() }
}

fn refusal(messages: Value) -> String {
    episode(messages).unwrap_err().to_string()
}

#[test]
fn a_transcript_becomes_a_whole_episode() {
    let episode = episode(json!([
        {"role": "system", "content": "You are an airline agent."},
        {"role": "user", "content": "Cancel my flight."},
        {"role": "assistant", "content": "Which one?"},
        {"role": "user", "content": "JG7FMM", "name": "mia"},
        {"role": "assistant", "content": "I look it up.", "tool_calls": [call("c1", "look", r#"{"id":"JG7FMM"}"#)]},
        {"role": "tool", "tool_call_id": "c1", "name": "look", "content": "{\"id\": \"JG7FMM\"}"},
        {"role": "assistant", "content": null, "tool_calls": [call("c2", "cancel", "{}")], "refusal": null},
        {"role": "tool", "tool_call_id": "c2", "name": "cancel", "content": "Error: not allowed", "status": 403},
        {"role": "system", "content": "The session ends."},
        {"role": "assistant", "content": null, "refusal": "I cannot."},
    ]))
    .unwrap();
    assert_eq!(episode.task_description, "Cancel my flight.");
    assert_eq!(episode.start_time.as_micros(), 1_715_803_200_000_000);
    let [look, cancel] = &episode.steps[..] else { panic!("{:?}", episode.steps) };
    assert_eq!((look.step_number, look.tool.as_str(), look.action.as_str()), (1, "look", "I look it up."));
    assert_eq!(look.parameters, json!({"id": "JG7FMM"}));
    assert_eq!(look.result, Some(success("{\"id\": \"JG7FMM\"}")));
    assert_eq!(look.metadata.to_string(), r#"{"call_id":"c1"}"#);
    assert_eq!(look.timestamp, episode.start_time);
    assert_eq!((cancel.step_number, cancel.action.as_str()), (2, ""));
    assert_eq!(cancel.result, Some(ExecutionResult::Error { message: "Error: not allowed".to_owned() }));
    assert_eq!(cancel.metadata.to_string(), r#"{"answer_other":{"status":403},"call_id":"c2"}"#);
    let said = json!([
        {"role": "user", "content": "Cancel my flight."},
        {"role": "assistant", "content": "Which one?"},
        {"role": "user", "content": "JG7FMM", "name": "mia"},
        {"role": "assistant", "content": "I look it up.", "steps": [1]},
        {"role": "assistant", "steps": [2]},
        {"role": "system", "content": "The session ends."},
        {"role": "assistant", "other": {"refusal": "I cannot."}},
    ]);
    assert_eq!(episode.metadata.get("messages"), Some(&said));
}

#[test]
fn parallel_calls_are_answered_in_any_order_or_not_at_all() {
    let episode = episode(json!([
        user(),
        {"role": "assistant", "tool_calls": [call("a", "x", "1"), call("b", "y", "2"), call("c", "z", "3")]},
        {"role": "tool", "tool_call_id": "c", "content": "third"},
        {"role": "tool", "tool_call_id": "a", "content": "first"},
    ]))
    .unwrap();
    let results: Vec<_> = episode.steps.iter().map(|step| step.result.clone()).collect();
    assert_eq!(results, [Some(success("first")), None, Some(success("third"))]);
    assert_eq!(episode.metadata.get("messages").unwrap()[1]["steps"], json!([1, 2, 3]));
}

#[test]
fn the_older_form_is_understood() {
    let episode = episode(json!([
        user(),
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"n\": 1}"}},
        {"role": "function", "name": "f", "content": "one"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"n\": 2}"}},
        {"role": "function", "name": "f", "content": "two"},
    ]))
    .unwrap();
    let results: Vec<_> = episode.steps.iter().map(|step| step.result.clone()).collect();
    assert_eq!(results, [Some(success("one")), Some(success("two"))]);
    assert!(episode.steps[0].metadata.is_empty());
}

#[test]
fn an_id_may_be_used_again_once_it_is_answered() {
    let asked = |n: &str| json!({"role": "assistant", "tool_calls": [call("c", "f", n)]});
    let answered = |n: &str| json!({"role": "tool", "tool_call_id": "c", "content": n});
    let episode = episode(json!([user(), asked("1"), answered("one"), asked("2"), answered("two")])).unwrap();
    assert_eq!(episode.steps[0].result, Some(success("one")));
    assert_eq!(episode.steps[1].result, Some(success("two")));
    let refused = refusal(json!([user(), asked("1"), asked("2")]));
    assert!(refused.contains("`messages[2].tool_calls`: an earlier call `c` still waits"), "{refused}");
}

#[test]
fn answers_that_answer_nothing_are_refused_by_index() {
    let asked = json!({"role": "assistant", "tool_calls": [call("c", "f", "{}")]});
    let answered = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
    let refused = refusal(json!([user(), asked, answered("d")]));
    assert!(refused.contains("`messages[2].tool_call_id`: an answer to `d`, which no earlier"), "{refused}");
    let refused = refusal(json!([user(), answered("c"), asked]));
    assert!(refused.contains("messages[1].tool_call_id"), "{refused}");
    let refused = refusal(json!([user(), asked, answered("c"), answered("c")]));
    assert!(refused.contains("messages[3]") && refused.contains("already answered by messages[2]"), "{refused}");
    let refused = refusal(json!([user(), asked, {"role": "tool", "content": "x"}]));
    assert!(refused.contains("`messages[2].tool_call_id`: an answer without it"), "{refused}");
    let refused = refusal(json!([user(), {"role": "function", "name": "f", "content": "x"}]));
    assert!(refused.contains("messages[1].name"), "{refused}");
}

#[test]
fn calls_and_answers_of_the_wrong_role_are_refused() {
    let refused = refusal(json!([{"role": "user", "content": "x", "tool_calls": [call("c", "f", "{}")]}]));
    assert!(refused.contains("`messages[0].tool_calls`: calls in a message of the role user"), "{refused}");
    let refused = refusal(json!([user(), {"role": "assistant", "content": "x", "tool_call_id": "c"}]));
    assert!(refused.contains("messages[1].tool_call_id"), "{refused}");
}

#[test]
fn a_chat_without_a_task_is_refused() {
    for messages in [json!([]), json!([{"role": "system", "content": "x"}]), json!([{"role": "user", "content": null}])]
    {
        assert!(refusal(messages).contains("the first user message is the task"));
    }
}

#[test]
fn hostile_content_is_kept_and_accepted_by_every_storage() {
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    let text = "[".repeat(5_000);
    let episode = episode(json!([
        {"role": "user", "content": [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": deep}]},
        {"role": "assistant", "content": "a\u{0}b", "big": u64::MAX, "deep": deep,
            "tool_calls": [call("", "", &text), call("\u{0}'\"", "; DROP TABLE episodes", "{\"a\": 1, \"a\": 2}")]},
        {"role": "tool", "tool_call_id": "", "content": [{"type": "text", "text": "\u{1f4a5}"}], "deep": deep},
    ]))
    .unwrap();
    episode.validate().unwrap();
    assert_eq!(episode.task_description, "Look:");
    assert_eq!(episode.steps[0].parameters, Value::from(text));
    assert_eq!(episode.steps[0].metadata.get("raw_arguments"), Some(&json!(true)));
    assert_eq!(episode.steps[0].result, Some(success("\u{1f4a5}")));
    assert_eq!(episode.steps[1].parameters, r#"{"a": 1, "a": 2}"#);
    let said = episode.metadata.get("messages").unwrap();
    assert!(said[0]["content"].as_str().unwrap().contains("image_url"));
    assert!(said[1]["other"].as_str().unwrap().contains("18446744073709551615"));
}

#[tokio::test]
async fn an_episode_from_a_chat_comes_back_from_a_storage_as_it_was() {
    let asked = json!({"role": "assistant", "tool_calls": [call("c", "f", "{\"n\": 1.5}")]});
    let episode = episode(json!([user(), asked])).unwrap();
    let storage = crate::InMemoryStorage::new();
    storage.store_episode(&episode).await.unwrap();
    assert_eq!(*storage.get_episode(episode.id).await.unwrap().unwrap(), episode);
    assert_eq!(crate::codec::decode::<Episode>(&crate::codec::encode(&episode).unwrap()).unwrap(), episode);
}

fn any_message() -> impl Strategy<Value = Value> {
    let role = prop::sample::select(vec!["system", "user", "assistant", "tool", "function"]);
    let id = || prop::sample::select(vec!["a", "b", "c"]);
    let calls = prop::collection::vec((id(), "[{}\":a1]{0,8}"), 0..3);
    (role, "[Eror: {}]{0,8}", calls, prop::option::of(id())).prop_map(|(role, content, calls, answers)| {
        let calls: Vec<_> = calls.iter().map(|(id, arguments)| call(id, "f", arguments)).collect();
        json!({"role": role, "content": content, "tool_calls": calls, "tool_call_id": answers, "name": "f"})
    })
}

proptest! {
    #[test]
    fn no_transcript_panics_and_no_call_is_lost(messages in prop::collection::vec(any_message(), 0..12)) {
        let calls: usize = messages.iter().map(|message| message["tool_calls"].as_array().unwrap().len()).sum();
        if let Ok(episode) = episode(messages.into()) {
            prop_assert_eq!(episode.steps.len(), calls);
            prop_assert!(episode.validate().is_ok());
        }
    }

    #[test]
    fn every_answer_reaches_its_call(order in Just((0..8_usize).collect::<Vec<_>>()).prop_shuffle(), answered in 0..=8_usize) {
        let calls: Vec<_> = (0..8).map(|n| call(&format!("c{n}"), "f", "{}")).collect();
        let mut messages = vec![user(), json!({"role": "assistant", "tool_calls": calls})];
        let answer = |n: &usize| json!({"role": "tool", "tool_call_id": format!("c{n}"), "content": n.to_string()});
        messages.extend(order[..answered].iter().map(answer));
        let episode = episode(messages.into()).unwrap();
        for (n, step) in episode.steps.iter().enumerate() {
            let expected = order[..answered].contains(&n).then(|| success(&n.to_string()));
            prop_assert_eq!(&step.result, &expected);
        }
    }
}
