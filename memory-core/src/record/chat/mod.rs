//! Chat transcripts as episodes.

mod answer;
mod arguments;
mod message;

use std::collections::HashMap;

use serde_json::{Map, Value};

pub use message::{ChatContent, ChatMessage, ChatRole, FunctionCall, ToolCall};

use crate::error::Result;
use crate::record::check::Check;
use crate::{Episode, EpisodeId, Error, ExecutionStep, TaskContext, TaskType, Timestamp};

impl Episode {
    /// The episode that a chat with tool calls tells of, as if it had just
    /// begun; see [`from_chat_at`](Episode::from_chat_at).
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
    /// let episode = Episode::from_chat(&messages, TaskContext::new("airline"), TaskType::Other).unwrap();
    /// assert_eq!(episode.task_description, "Cancel my flight, please.");
    /// assert_eq!(episode.steps[0].parameters["reservation"], "JG7FMM");
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_chat_at`](Episode::from_chat_at).
    pub fn from_chat(messages: &[ChatMessage], context: TaskContext, task_type: TaskType) -> Result<Self> {
        Self::from_chat_at(messages, context, task_type, Timestamp::now())
    }

    /// The episode that a chat with tool calls tells of. A transcript has no
    /// times, so that all steps bear `start_time`.
    ///
    /// # Behaviour
    ///
    /// - The task's description is the text of the first user message.
    /// - Each call is a step, in the order of the calls, with the function as
    ///   its tool, its answer as the result, and as its action what the
    ///   assistant said along with it, if anything. A call without an answer
    ///   has no result. Answers may come in any order, and an id may be used
    ///   again once it is answered.
    /// - Arguments are kept as JSON if that loses nothing, and otherwise as the
    ///   text itself: where it is no JSON, too deep for a record, names a key
    ///   twice in one object or holds a number with more digits than `i64`,
    ///   `u64` and `f64` keep. Such a step has `"raw_arguments": true` in its
    ///   metadata.
    /// - An answer is kept whole. It is an error if it begins with one word
    ///   that ends in `Error` or `Exception` and then a colon or nothing, or
    ///   with `Traceback (most recent call last)`; if it is a JSON object whose
    ///   `error` is anything but null, false, zero or empty, or whose
    ///   `is_error` or `isError` is true; or if the message's `is_error` is
    ///   true. One that merely mentions errors is none.
    /// - A step's metadata holds the call's id as `call_id`, the answer's
    ///   `name` as `answer_name` if it is not the tool's, and whatever else the
    ///   answer's message has as `answer_other`.
    /// - The conversation is in the episode's metadata as `messages`: for each
    ///   message of the user, the assistant or, later on, the system, in order,
    ///   its `role`, `content` (as [`ChatContent::to_text`]), `name`, the
    ///   numbers of the `steps` it called, and whatever else it has as `other`.
    ///   Fields that are absent, null or empty lists are left out.
    /// - Not kept: the system prompt, which is every `system` or `developer`
    ///   message before the first of another role; where between the other
    ///   messages an answer came; and `type`, which is `function`.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] that names the message by its index, from 0, for
    /// an answer to no call or to one that is answered, a call whose id is that
    /// of an open one, and calls or answers of the wrong role; also for a chat
    /// in which no user speaks, or the first one says nothing.
    pub fn from_chat_at(
        messages: &[ChatMessage],
        context: TaskContext,
        task_type: TaskType,
        start_time: Timestamp,
    ) -> Result<Self> {
        let task = messages.iter().find(|message| message.role == ChatRole::User);
        let Some(task) = task.and_then(|message| message.content.as_ref()) else {
            return Err(Error::invalid_input("messages", "the first user message is the task, and there is none"));
        };
        let episode = Self::with_id(EpisodeId::new(), start_time, task.texts(), context, task_type);
        let mut transcript = Transcript { episode, open: HashMap::new(), answered: HashMap::new(), said: Vec::new() };
        let is_prompt = |message: &&ChatMessage| matches!(message.role, ChatRole::System | ChatRole::Developer);
        let prompt = messages.iter().take_while(is_prompt).count();
        for (index, message) in messages.iter().enumerate() {
            let at = |(field, reason): Refused| Error::invalid_input(format!("messages[{index}].{field}"), reason);
            check_role(message).map_err(at)?;
            if index >= prompt {
                transcript.read(index, message).map_err(at)?;
            }
        }
        transcript.episode.metadata.insert("messages", transcript.said);
        Ok(transcript.episode)
    }
}

/// The field of a message that is wrong, and why.
type Refused = (&'static str, String);

/// How an answer names its call.
#[derive(Clone, PartialEq, Eq, Hash)]
enum CallRef {
    Id(String),
    /// The older form knows a call only by the function's name.
    Function(String),
}

/// Only the assistant calls, and only a tool message names the call it answers.
fn check_role(message: &ChatMessage) -> Result<(), Refused> {
    let calls = !message.tool_calls.is_empty() || message.function_call.is_some();
    if calls && message.role != ChatRole::Assistant {
        return Err(("tool_calls", format!("calls in a message of the role {}", message.role.name())));
    }
    if message.tool_call_id.is_some() && message.role != ChatRole::Tool {
        return Err(("tool_call_id", format!("an answer in a message of the role {}", message.role.name())));
    }
    Ok(())
}

struct Transcript {
    episode: Episode,
    /// The step of each call that waits for its answer.
    open: HashMap<CallRef, usize>,
    /// The message that answered last, for calls that have been.
    answered: HashMap<CallRef, usize>,
    said: Vec<Value>,
}

impl Transcript {
    fn read(&mut self, index: usize, message: &ChatMessage) -> Result<(), Refused> {
        match message.role {
            ChatRole::Tool => {
                let id = message.tool_call_id.clone().ok_or(("tool_call_id", "an answer without it".to_owned()))?;
                self.answer(index, message, CallRef::Id(id), "tool_call_id")
            }
            ChatRole::Function => {
                let name = message.name.clone().ok_or(("name", "an answer without it".to_owned()))?;
                self.answer(index, message, CallRef::Function(name), "name")
            }
            _ => self.say(message),
        }
    }

    fn say(&mut self, message: &ChatMessage) -> Result<(), Refused> {
        let content = message.content.as_ref().map(ChatContent::to_text);
        let mut steps: Vec<Value> = Vec::new();
        let calls = message.tool_calls.iter().map(|call| (Some(&call.id), &call.function));
        for (id, function) in calls.chain(message.function_call.iter().map(|function| (None, function))) {
            let call = id.map_or_else(|| CallRef::Function(function.name.clone()), |id| CallRef::Id(id.clone()));
            if self.open.insert(call, self.episode.steps.len()).is_some() {
                let name = id.unwrap_or(&function.name);
                return Err(("tool_calls", format!("an earlier call `{name}` still waits for its answer")));
            }
            let step = self.step(function, id, content.clone().unwrap_or_default())?;
            steps.push(step.step_number.into());
            self.episode.steps.push(step);
        }
        let mut said = Map::from_iter([("role".to_owned(), message.role.name().into())]);
        said.extend(content.map(|content| ("content".to_owned(), content.into())));
        said.extend(message.name.clone().map(|name| ("name".to_owned(), name.into())));
        said.extend((!steps.is_empty()).then(|| ("steps".to_owned(), steps.into())));
        said.extend(other(message).map(|other| ("other".to_owned(), other)));
        self.said.push(said.into());
        Ok(())
    }

    fn step(&self, function: &FunctionCall, id: Option<&String>, action: String) -> Result<ExecutionStep, Refused> {
        let number = u32::try_from(self.episode.steps.len() + 1);
        let number = number.map_err(|_| ("tool_calls", "more calls than steps can be numbered".to_owned()))?;
        let (parameters, raw) = arguments::parse(&function.arguments);
        let mut step = ExecutionStep::new(number, function.name.clone(), action);
        step.timestamp = self.episode.start_time;
        step.parameters = parameters;
        if let Some(id) = id {
            step.metadata.insert("call_id", id.as_str());
        }
        if raw {
            step.metadata.insert("raw_arguments", true);
        }
        Ok(step)
    }

    fn answer(
        &mut self,
        index: usize,
        message: &ChatMessage,
        call: CallRef,
        field: &'static str,
    ) -> Result<(), Refused> {
        let Some(step) = self.open.remove(&call) else {
            let (CallRef::Id(name) | CallRef::Function(name)) = &call;
            let reason = match self.answered.get(&call) {
                Some(earlier) => format!("the call `{name}` is already answered by messages[{earlier}]"),
                None => format!("an answer to `{name}`, which no earlier message calls"),
            };
            return Err((field, reason));
        };
        self.answered.insert(call, index);
        let step = &mut self.episode.steps[step];
        let text = message.content.as_ref().map(ChatContent::to_text).unwrap_or_default();
        step.result = Some(answer::result(text, &message.other));
        if let Some(name) = message.name.as_ref().filter(|name| **name != step.tool) {
            step.metadata.insert("answer_name", name.as_str());
        }
        if let Some(other) = other(message) {
            step.metadata.insert("answer_other", other);
        }
        Ok(())
    }
}

/// What a message has beside the known fields; as text if metadata cannot hold it.
fn other(message: &ChatMessage) -> Option<Value> {
    let is_something = |value: &Value| !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty());
    let fields: Map<_, _> = message.other.clone().into_iter().filter(|(_, value)| is_something(value)).collect();
    if fields.is_empty() {
        return None;
    }
    // Inside `messages` it stands two levels deeper than here.
    let nested = Value::Array(vec![Value::Array(vec![fields.into()])]);
    let mut check = Check::new();
    let fits = check.json(String::new, &nested).is_none() && check.finish().is_ok();
    Some(if fits { nested[0][0].clone() } else { nested[0][0].to_string().into() })
}

#[cfg(test)]
mod tests;
