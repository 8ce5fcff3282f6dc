//! Chat messages.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// One message of a chat with a language model: a JSON object.
///
/// The message keeps the object as it was read, so that it is written back
/// without loss. [`Episode::from_chat`](crate::Episode::from_chat) describes
/// the fields that have a meaning.
///
/// ```
/// use memory_core::ChatMessage;
///
/// let message: ChatMessage = serde_json::from_str(r#"{"role": "user", "content": "Where is order 7?"}"#).unwrap();
/// assert_eq!(message, ChatMessage::new("user", "Where is order 7?"));
/// assert_eq!(message.get("content").unwrap(), "Where is order 7?");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChatMessage(Map<String, Value>);

impl ChatMessage {
    /// Creates a message with a role (`system`, `user`, `assistant`) and a
    /// text.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self::from_iter([("role", Value::from(role.into())), ("content", content.into().into())])
    }

    /// Creates an assistant message that calls one tool, with the arguments as
    /// the model wrote them.
    pub fn calling(id: impl Into<String>, tool: impl Into<String>, arguments: impl Into<String>) -> Self {
        let function = json!({"name": tool.into(), "arguments": arguments.into()});
        let call = json!({"id": id.into(), "type": "function", "function": function});
        Self::from_iter([("role", "assistant".into()), ("content", Value::Null), ("tool_calls", json!([call]))])
    }

    /// Creates a tool message that answers the call with the given id.
    pub fn answering(tool_call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self::new("tool", content).with("tool_call_id", tool_call_id.into())
    }

    /// Sets a field of the message.
    pub fn with(mut self, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(field.into(), value.into());
        self
    }

    /// Returns the value of a field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field)
    }

    /// Returns the speaker's role, if the message names one.
    pub fn role(&self) -> Option<&str> {
        self.get("role")?.as_str()
    }

    /// Returns the role, or the `type` of an item without a role.
    pub(super) fn speaker(&self) -> Option<&str> {
        self.role().or_else(|| self.get("type")?.as_str())
    }

    /// Returns the JSON object.
    pub const fn as_object(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for ChatMessage {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(fields: I) -> Self {
        Self(fields.into_iter().map(|(field, value)| (field.into(), value)).collect())
    }
}

impl From<Map<String, Value>> for ChatMessage {
    fn from(fields: Map<String, Value>) -> Self {
        Self(fields)
    }
}

impl From<ChatMessage> for Value {
    fn from(message: ChatMessage) -> Self {
        Self::Object(message.0)
    }
}
