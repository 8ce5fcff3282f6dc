//! Import of agents' transcripts in their usual formats.
#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use memory_core::ChatNoteKind::{KeptAside, Repaired};
use memory_core::{
    ChatMessage, ChatNoteKind, Episode, ExecutionResult, ExecutionStep, ImportedChat, InMemoryStorage,
    MemoryStorageExt, Record, TaskContext, TaskType,
};
use serde_json::{Value, json};

/// Imports a chat, and checks that no information is lost.
async fn import(text: &str) -> ImportedChat {
    let messages: Vec<ChatMessage> = serde_json::from_str(text).unwrap();
    let read: Value = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_value(&messages).unwrap(), read, "reading a chat loses nothing");
    let imported = Episode::from_chat(&messages, TaskContext::new("shop"), TaskType::Debugging).unwrap();
    imported.episode.validate().unwrap();
    let storage = InMemoryStorage::new();
    storage.store_episode(&imported.episode).await.unwrap();
    let stored = storage.get_episode(imported.episode.id).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(stored.to_chat().unwrap()).unwrap(), read, "a storage loses nothing of a chat");
    imported
}

/// Returns the tool, action, parameters and answer of each step.
type Seen<'a> = (&'a str, &'a str, &'a Value, Option<Result<&'a str, &'a str>>);

fn seen(step: &ExecutionStep) -> Seen<'_> {
    let result = step.result.as_ref().map(|result| match result {
        ExecutionResult::Success { output } => Ok(output.as_str()),
        ExecutionResult::Error { message } => Err(message.as_str()),
        ExecutionResult::Timeout => panic!("no chat tells of one"),
    });
    (&step.tool, &step.action, &step.parameters, result)
}

fn steps(episode: &Episode) -> Vec<Seen<'_>> {
    episode.steps.iter().map(seen).collect()
}

fn notes(imported: &ImportedChat) -> Vec<(usize, ChatNoteKind)> {
    imported.notes.iter().map(|note| (note.message, note.kind)).collect()
}

#[tokio::test]
async fn ids_that_are_repeated_empty_trimmed_and_listed_are_resolved_by_order() {
    let imported = import(include_str!("fixtures/chat/openai_repeated_ids.json")).await;
    let episode = &imported.episode;
    assert_eq!(episode.task_description, "The build fails. Find out why and mend it.");
    let expected = [
        ("read", "I look at both files.", json!({"path": "Cargo.toml"}), Some(Ok("[package]\nname = \"shop\""))),
        ("read", "", json!({"path": "build.rs"}), Some(Err("Error: no such file"))),
        ("shell", "", json!({"command": "cargo build"}), Some(Ok("error[E0433]: failed to resolve"))),
        ("shell", "", json!({"command": "cargo fetch"}), None),
        ("edit", "", json!("*** Begin Patch\n+mod shop;"), Some(Ok("done"))),
        ("shell", "", json!({"command": "cargo test"}), Some(Ok("both passed"))),
        ("shell", "", json!({"command": "cargo doc"}), Some(Ok(""))),
    ];
    let expected = expected.each_ref().map(|(tool, action, parameters, result)| (*tool, *action, parameters, *result));
    assert_eq!(steps(episode), expected);
    assert_eq!(episode.steps[6].metadata.get("answered_with"), Some(&json!(6)));
    let expected = [(2, Repaired), (3, KeptAside), (5, Repaired), (8, Repaired), (12, Repaired), (14, Repaired)];
    assert_eq!(notes(&imported), expected, "{:?}", imported.notes);
    assert!(imported.notes[1].to_string().starts_with("messages[3]: kept aside: an answer to `call_0`, which no"));
}

#[tokio::test]
async fn flat_calls_are_steps() {
    let imported = import(include_str!("fixtures/chat/flat_calls.json")).await;
    let expected = [
        ("find_user", json!({"name": "mia"}), Some(Ok("{\"id\": 31}"))),
        ("list_orders", json!({"user": "mia", "open": true}), Some(Ok("{\"orders\":[7,9]}"))),
        ("is_late", json!({"order": 7}), Some(Ok("true"))),
        ("is_late", json!({"order": 9}), Some(Err("TimeoutError: no answer of the carrier"))),
    ];
    let expected = expected.each_ref().map(|(tool, parameters, result)| (*tool, "", parameters, *result));
    assert_eq!(steps(&imported.episode), expected);
    assert_eq!(notes(&imported), [(5, Repaired), (6, Repaired)]);
}

#[tokio::test]
async fn blocks_that_use_tools_are_steps() {
    let imported = import(include_str!("fixtures/chat/anthropic_blocks.json")).await;
    assert_eq!(imported.episode.task_description, "What is the weather in Bern and in Graz?");
    let expected = [
        ("weather", "I ask for both.", json!({"place": "Bern"}), Some(Ok("12 °C, rain"))),
        ("weather", "", json!({"place": "Graz"}), Some(Err("no such station"))),
        ("web_search", "It rains in Bern.", json!({"query": "weather Graz"}), Some(Ok(""))),
    ];
    let expected = expected.each_ref().map(|(tool, action, parameters, result)| (*tool, *action, parameters, *result));
    assert_eq!(steps(&imported.episode), expected);
    assert_eq!(imported.notes, []);
}
