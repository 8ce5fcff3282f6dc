//! Chat transcripts as episodes.

mod answer;
mod arguments;
mod call;
mod content;
mod export;
mod form;
mod import;
mod message;
mod note;
mod open;
mod reference;

use serde_json::Value;

pub use message::ChatMessage;
pub use note::{ChatNote, ChatNoteKind};

use self::import::Import;
use self::note::ChatNoteKind::{KeptAside, Repaired};
use self::open::OpenCalls;
use crate::error::Result;
use crate::{Episode, EpisodeId, Error, TaskContext, TaskType, Timestamp};

/// Maximum depth of JSON that `serde_json` reads from a text.
const MAX_DEPTH_OF_A_TEXT: usize = 127;

/// An episode that was imported from a chat, and notes on the chat's
/// irregularities.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImportedChat {
    /// The episode.
    pub episode: Episode,
    /// The irregularities, in the order of the messages. Empty if nothing was
    /// repaired or set aside.
    pub notes: Vec<ChatNote>,
}

impl Episode {
    /// Imports a chat with tool calls as an episode that begins now. See
    /// [`from_chat_at`](Episode::from_chat_at).
    ///
    /// ```
    /// use memory_core::{ChatMessage, Episode, TaskContext, TaskType};
    ///
    /// let transcript = r#"[
    ///     {"role": "system", "content": "You help travellers."},
    ///     {"role": "user", "content": "Cancel my flight, please."},
    ///     {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function",
    ///         "function": {"name": "cancel", "arguments": "{\"reservation\": \"JG7FMM\"}"}}]},
    ///     {"role": "tool", "tool_call_id": "call_1", "content": "Error: no such reservation"}
    /// ]"#;
    /// let messages: Vec<ChatMessage> = serde_json::from_str(transcript).unwrap();
    /// let imported = Episode::from_chat(&messages, TaskContext::new("airline"), TaskType::Other).unwrap();
    /// let episode = imported.episode;
    /// assert!(imported.notes.is_empty());
    /// assert_eq!(episode.task_description, "Cancel my flight, please.");
    /// assert_eq!(episode.steps[0].parameters["reservation"], "JG7FMM");
    /// assert_eq!(episode.to_chat().unwrap(), messages);
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`from_chat_at`](Episode::from_chat_at).
    pub fn from_chat(messages: &[ChatMessage], context: TaskContext, task_type: TaskType) -> Result<ImportedChat> {
        Self::from_chat_at(messages, context, task_type, Timestamp::now())
    }

    /// Imports a chat with tool calls as an episode. A transcript has no times;
    /// every step gets `start_time`.
    ///
    /// # Behaviour
    ///
    /// - The task's description is the text of the first user message with a
    ///   text.
    /// - Each call becomes a step, in order. The known forms of a call are
    ///   OpenAI's (`tool_calls` with a `function` or an object of another type,
    ///   the older `function_call`, items of the Responses API), a flat object
    ///   (`{id, name, arguments}`) and blocks of the content as in Anthropic's
    ///   API (`tool_use`). If a call names no tool, its `type` is the tool and
    ///   the whole call is the step's parameters.
    /// - Arguments are stored as JSON if no information is lost, and otherwise
    ///   as the original text. Text is stored if the arguments are not JSON,
    ///   nest too deep for a record, repeat a key within one object, or hold a
    ///   number with more digits than `i64`, `u64` and `f64` keep. The metadata
    ///   of such a step has `"raw_arguments": true`.
    /// - The text beside the calls of a message becomes the action of the first
    ///   call's step.
    /// - An answer becomes the result of the call with its id. If several open
    ///   calls have that id, the answer belongs to the first of them in the
    ///   last message that has one. An answer without an id is assigned in the
    ///   same way. If an answer has several ids and as many parts, each part
    ///   belongs to one id; otherwise the answer belongs to the first id, and
    ///   the other steps hold the first step's number as `answered_with`. An
    ///   answer to no call, or to a call with an answer, stays a message.
    /// - The text of an answer is the text of all its text parts, or its JSON
    ///   if it has none. The result is an error in three cases: the text begins
    ///   with one word that ends in `Error` or `Exception`, followed by a colon
    ///   or nothing, or with `Traceback (most recent call last)`; the text is a
    ///   JSON object whose `error` is neither null, false, zero nor empty, or
    ///   whose `is_error` or `isError` is true; or the message has `is_error`
    ///   or `isError` set to true. A text that only mentions errors is not an
    ///   error.
    /// - The episode's metadata holds the chat as `messages`, with one entry
    ///   for each message. An entry is the message, in which `{"$call": 3}`,
    ///   `{"$action": 3}` and `{"$result": 3}` refer to the contents of step 3,
    ///   or the message's JSON as a text if metadata cannot hold the message.
    ///   Together with `call` in the metadata of each step,
    ///   [`to_chat`](Episode::to_chat) restores all messages exactly. To keep
    ///   the system prompt out of every episode, remove it before the import.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`], naming the message by its index from 0, for a
    /// message without a role, for a call that names neither a tool nor its
    /// type, for JSON nested deeper than 127 levels, and for a part that looks
    /// like a call in an unknown form if the chat has no call in a known form.
    /// Also if no user message has a text.
    pub fn from_chat_at(
        messages: &[ChatMessage],
        context: TaskContext,
        task_type: TaskType,
        start_time: Timestamp,
    ) -> Result<ImportedChat> {
        let at = |index: usize, field: &str| format!("messages[{index}].{field}");
        for (index, message) in messages.iter().enumerate() {
            if depth_exceeds(message, MAX_DEPTH_OF_A_TEXT) {
                let reason = format!("JSON nested deeper than {MAX_DEPTH_OF_A_TEXT}");
                return Err(Error::invalid_input(format!("messages[{index}]"), reason));
            }
        }
        let mut episode = Self::with_id(EpisodeId::new(), start_time, "", context, task_type);
        let mut import = Import { episode: &mut episode, notes: Vec::new(), message: 0, open: OpenCalls::default() };
        let mut entries = Vec::with_capacity(messages.len());
        let mut unknown = None;
        for (index, message) in messages.iter().enumerate() {
            import.message = index;
            let entry = import.read(message);
            let entry = entry.map_err(|(field, reason)| Error::invalid_input(at(index, &field), reason))?;
            if let Some(path) = form::unknown_call(&entry, "") {
                import.note(KeptAside, format!("`{path}` looks like a call in an unknown form"));
                unknown = unknown.or(Some((index, path)));
            }
            entries.push(entry);
        }
        let speaks = |message: &ChatMessage| matches!(message.speaker(), Some("user" | "human"));
        let said = |message: &ChatMessage| message.get("content").map(content::texts).unwrap_or_default();
        let mut asked = (0..).zip(messages).filter(|(_, message)| speaks(message)).peekable();
        let first = asked.peek().map(|(index, _)| *index);
        let Some((index, task)) =
            asked.map(|(index, task)| (index, said(task))).find(|(_, text)| !text.trim().is_empty())
        else {
            return Err(Error::invalid_input(
                "messages",
                "no user message has a text; the first such text becomes the task description",
            ));
        };
        if first != Some(index) {
            import.message = index;
            import.note(Repaired, "the task is the first user message with a text");
        }
        let mut notes = import.notes;
        notes.sort_by_key(|note| note.message);
        if let (true, Some((index, path))) = (episode.steps.is_empty(), unknown) {
            let reason = "it looks like a call, and the chat has no call in a known form";
            return Err(Error::invalid_input(at(index, &path), reason));
        }
        episode.task_description = task;
        let mut kept = Vec::with_capacity(entries.len());
        for (index, (entry, message)) in entries.into_iter().zip(messages).enumerate() {
            kept.push(self::kept(entry, message, &episode).ok_or_else(|| {
                Error::invalid_input(
                    format!("messages[{index}]"),
                    "its JSON text does not read back as the same message",
                )
            })?);
        }
        episode.metadata.insert(export::MESSAGES, kept);
        Ok(ImportedChat { episode, notes })
    }
}

/// Returns the entry if metadata can hold it and the message can be restored
/// from it, and otherwise the message as a text.
fn kept(entry: Value, message: &ChatMessage, episode: &Episode) -> Option<Value> {
    let lossless =
        |entry: &Value| export::message(entry, &episode.steps).is_ok_and(|read| read == *message.as_object());
    if arguments::fits_in_metadata(&entry, 1) && lossless(&entry) {
        return Some(entry);
    }
    let text = Value::Object(message.as_object().clone()).to_string().into();
    lossless(&text).then_some(text)
}

/// Walks the message without recursion, since its depth is not yet known.
fn depth_exceeds(message: &ChatMessage, limit: usize) -> bool {
    let mut open: Vec<_> = message.as_object().values().map(|value| (value, 1)).collect();
    while let Some((value, depth)) = open.pop() {
        let depth = depth + usize::from(value.is_array() || value.is_object());
        if depth > limit {
            return true;
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth))),
            Value::Object(fields) => open.extend(fields.values().map(|field| (field, depth))),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
