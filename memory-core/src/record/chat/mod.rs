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

/// The deepest JSON that `serde_json` reads from a text.
const MAX_DEPTH_OF_A_TEXT: usize = 127;

/// An episode from a chat, and what was odd in the chat.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ImportedChat {
    /// The episode.
    pub episode: Episode,
    /// What followed no specification, in the order of the messages; empty for
    /// a chat in which nothing was repaired or kept aside.
    pub notes: Vec<ChatNote>,
}

impl Episode {
    /// Imports a chat with tool calls as an episode that begins now; see
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
    /// As [`from_chat_at`](Episode::from_chat_at).
    pub fn from_chat(messages: &[ChatMessage], context: TaskContext, task_type: TaskType) -> Result<ImportedChat> {
        Self::from_chat_at(messages, context, task_type, Timestamp::now())
    }

    /// Imports a chat with tool calls as an episode. A transcript has no times,
    /// so that all steps bear `start_time`.
    ///
    /// # Behaviour
    ///
    /// - The task's description is the text of the first user message that says
    ///   something.
    /// - Each call is a step, in order. Calls are known in the form of OpenAI
    ///   (`tool_calls` with a `function` or an object of any other type, the
    ///   older `function_call`, items of the Responses API), flat
    ///   (`{id, name, arguments}`) and as blocks of the content, as Anthropic
    ///   has them (`tool_use`). A call that names no tool is one of the tool that
    ///   its `type` names, and its parameters are the whole call.
    /// - Arguments are kept as JSON if that loses nothing, and otherwise as the
    ///   text itself: where it is no JSON, too deep for a record, names a key
    ///   twice in one object or holds a number with more digits than `i64`,
    ///   `u64` and `f64` keep. Such a step has `"raw_arguments": true` in its
    ///   metadata.
    /// - The text beside the calls of a message is the action of the first.
    /// - An answer is the result of the call of its id. If several open calls
    ///   have that id, it belongs to the last message that has one, and there to
    ///   the first; so does an answer without an id. An answer to several ids
    ///   goes part by part if it has as many parts, and else to the first, whose
    ///   number the others have as `answered_with`. An answer that belongs to no
    ///   call, or to one that has an answer, stays a message.
    /// - The text of an answer is that of all its text parts, or the JSON of one
    ///   that is no text. The result is an error if that text begins with one
    ///   word that ends in `Error` or `Exception` and then a colon or nothing,
    ///   or with `Traceback (most recent call last)`; if it is a JSON object
    ///   whose `error` is anything but null, false, zero or empty, or whose
    ///   `is_error` or `isError` is true; or if `is_error` or `isError` beside it
    ///   is true. One that merely mentions errors is none.
    /// - The chat is in the episode's metadata as `messages`, one entry for each:
    ///   the message, in which `{"$call": 3}`, `{"$action": 3}` and
    ///   `{"$result": 3}` stand for what the step 3 holds; or its JSON as a text,
    ///   where metadata cannot hold it. With what a step's metadata has as `call`,
    ///   [`to_chat`](Episode::to_chat) gives all messages back as they were.
    ///   Leave out the system prompt if the episodes should not each have it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] that names the message by its index, from 0, for
    /// one without a role, a call that names neither a tool nor its type, JSON
    /// nested deeper than 127, and the first part that looks like a call in an
    /// unknown form if no call of the chat is understood; also for a chat in
    /// which no user says anything.
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
                import.note(KeptAside, format!("`{path}` looks like a call, in no form that is known"));
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
                "no user says anything, where the task is the first to do so",
            ));
        };
        if first != Some(index) {
            import.message = index;
            import.note(Repaired, "the task is the first user message that says something");
        }
        let mut notes = import.notes;
        notes.sort_by_key(|note| note.message);
        if let (true, Some((index, path))) = (episode.steps.is_empty(), unknown) {
            let reason = "it looks like a call, and no call of this chat is in a form that is known";
            return Err(Error::invalid_input(at(index, &path), reason));
        }
        episode.task_description = task;
        let mut kept = Vec::with_capacity(entries.len());
        for (index, (entry, message)) in entries.into_iter().zip(messages).enumerate() {
            kept.push(self::kept(entry, message, &episode).ok_or_else(|| {
                Error::invalid_input(format!("messages[{index}]"), "it cannot be written as JSON and read again")
            })?);
        }
        episode.metadata.insert(export::MESSAGES, kept);
        Ok(ImportedChat { episode, notes })
    }
}

/// The entry if metadata can hold it and it gives the message back, and
/// otherwise the message as a text.
fn kept(entry: Value, message: &ChatMessage, episode: &Episode) -> Option<Value> {
    let lossless =
        |entry: &Value| export::message(entry, &episode.steps).is_ok_and(|read| read == *message.as_object());
    if arguments::fits_in_metadata(&entry, 1) && lossless(&entry) {
        return Some(entry);
    }
    let text = Value::Object(message.as_object().clone()).to_string().into();
    lossless(&text).then_some(text)
}

/// Looks without recursion, since the depth is not yet known.
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
