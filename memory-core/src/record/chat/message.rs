//! Chat messages as language model APIs write them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// One message of a chat in the OpenAI form, with tool calls and their answers,
/// or with their forerunners `function_call` and the role `function`.
///
/// ```
/// use memory_core::{ChatMessage, ChatRole};
///
/// let message: ChatMessage = serde_json::from_str(r#"{"role": "user", "content": "Where is order 7?"}"#).unwrap();
/// assert_eq!(message, ChatMessage::new(ChatRole::User, "Where is order 7?"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChatMessage {
    /// Who speaks.
    pub role: ChatRole,
    /// What is said; `None` where a message only calls tools.
    #[serde(default)]
    pub content: Option<ChatContent>,
    /// The tools that an assistant message calls.
    #[serde(default, deserialize_with = "null_is_empty", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The one function that an assistant message calls, in the older form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// The call that a tool message answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The name of the speaker, tool or function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whatever else the message holds: `refusal`, `reasoning_content`.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl ChatMessage {
    /// A message that says something and nothing else.
    pub fn new(role: ChatRole, content: impl Into<String>) -> Self {
        Self {
            role,
            content: Some(ChatContent::Text(content.into())),
            tool_calls: Vec::new(),
            function_call: None,
            tool_call_id: None,
            name: None,
            other: Map::new(),
        }
    }

    /// An assistant message that only calls tools.
    pub fn calling(tool_calls: Vec<ToolCall>) -> Self {
        Self { content: None, tool_calls, ..Self::new(ChatRole::Assistant, "") }
    }

    /// A tool message that answers the call of this id.
    pub fn answering(tool_call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self { tool_call_id: Some(tool_call_id.into()), ..Self::new(ChatRole::Tool, content) }
    }
}

/// Who speaks in a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// The application, to the model.
    System,
    /// The application, to the model; the newer name.
    Developer,
    /// Whoever wants something done.
    User,
    /// The model.
    Assistant,
    /// A tool, answering a call.
    Tool,
    /// A function, answering a call in the older form.
    Function,
}

impl ChatRole {
    /// The name in lowercase, as in JSON: `assistant`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Function => "function",
        }
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, try_from = "Value")]
pub enum ChatContent {
    /// A text.
    Text(String),
    /// Parts: texts as `{"type": "text", "text": …}`, images, files.
    Parts(Vec<Value>),
}

impl ChatContent {
    /// All of it as one text. Parts that are texts and nothing else are joined
    /// by line ends; any other list of parts is its JSON.
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => match parts.iter().map(only_text).collect::<Option<Vec<_>>>() {
                Some(texts) => texts.join("\n"),
                None => Value::from(parts.clone()).to_string(),
            },
        }
    }

    /// The texts in it, joined by line ends, without images and files.
    pub fn texts(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(text_of).collect::<Vec<_>>().join("\n"),
        }
    }
}

fn text_of(part: &Value) -> Option<&str> {
    part.get("type").filter(|of| *of == "text").and(part.get("text"))?.as_str()
}

fn only_text(part: &Value) -> Option<&str> {
    text_of(part).filter(|_| part.as_object().is_some_and(|fields| fields.len() == 2))
}

impl TryFrom<Value> for ChatContent {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Array(parts) => Ok(Self::Parts(parts)),
            _ => Err("`content` is neither a text nor a list of parts nor null"),
        }
    }
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// What the answer names it by.
    pub id: String,
    /// What sort of tool: `function`.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// Which function, and its arguments.
    pub function: FunctionCall,
}

impl ToolCall {
    /// A call of a function, with its arguments as the model wrote them.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: id.into(), kind: function(), function: FunctionCall::new(name, arguments) }
    }
}

/// Which function is called, and its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FunctionCall {
    /// The function's name.
    pub name: String,
    /// The arguments: a JSON text as the model wrote it, which need not be
    /// valid; or, as some servers give them, JSON itself.
    #[serde(default)]
    pub arguments: Value,
}

impl FunctionCall {
    /// A call of a function, with its arguments as the model wrote them.
    pub fn new(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: Value::String(arguments.into()) }
    }
}

fn function() -> String {
    "function".to_owned()
}

fn null_is_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ToolCall>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ChatMessage, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn nulls_and_missing_fields_read_alike() {
        let with_nulls = r#"{"role": "assistant", "content": null, "tool_calls": null, "function_call": null}"#;
        assert_eq!(read(with_nulls).unwrap(), read(r#"{"role": "assistant"}"#).unwrap());
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let message = read(r#"{"role": "assistant", "content": null, "refusal": "No."}"#).unwrap();
        assert_eq!(message.other["refusal"], "No.");
        assert_eq!(read(&serde_json::to_string(&message).unwrap()).unwrap(), message);
    }

    #[test]
    fn a_wrong_role_and_a_wrong_content_are_refused_by_name() {
        assert!(read(r#"{"role": "wizard"}"#).unwrap_err().to_string().contains("wizard"));
        let error = read(r#"{"role": "user", "content": 7}"#).unwrap_err().to_string();
        assert!(error.contains("neither a text nor a list of parts"), "{error}");
    }

    #[test]
    fn parts_become_one_text_without_losing_what_is_not_text() {
        let texts = read(r#"{"role": "user", "content": [{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#);
        let texts = texts.unwrap().content.unwrap();
        assert_eq!((texts.to_text(), texts.texts()), ("a\nb".to_owned(), "a\nb".to_owned()));
        let json = r#"[{"text":"a","type":"text"},{"image_url":{"url":"u"},"type":"image_url"}]"#;
        let mixed = read(&format!(r#"{{"role": "user", "content": {json}}}"#)).unwrap().content.unwrap();
        assert_eq!((mixed.to_text(), mixed.texts()), (json.to_owned(), "a".to_owned()));
    }
}
