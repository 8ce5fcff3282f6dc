//! Restoration of the chat that an episode was imported from.

use serde_json::{Map, Value};

use super::reference::Reference;
use super::{ChatMessage, call};
use crate::error::Result;
use crate::{Episode, Error, ExecutionResult, ExecutionStep};

/// Metadata key of an episode for the messages.
pub(super) const MESSAGES: &str = "messages";

impl Episode {
    /// Restores the chat that [`from_chat`](Self::from_chat) imported, equal to
    /// the original. Contents of steps are taken from the steps as they are
    /// now.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if the metadata has no list of `messages`, or a
    /// message refers to a step that is missing or was not imported.
    pub fn to_chat(&self) -> Result<Vec<ChatMessage>> {
        let Some(Value::Array(entries)) = self.metadata.get(MESSAGES) else {
            return Err(Error::invalid_input(
                "metadata.messages",
                "the list is missing; this episode was not imported from a chat",
            ));
        };
        let message = |(index, entry): (usize, &Value)| {
            let message = message(entry, &self.steps).map(ChatMessage::from);
            message.map_err(|reason| Error::invalid_input(format!("metadata.messages[{index}]"), reason))
        };
        entries.iter().enumerate().map(message).collect()
    }
}

/// Restores a message from its entry.
pub(super) fn message(entry: &Value, steps: &[ExecutionStep]) -> Result<Map<String, Value>, String> {
    if let Value::String(text) = entry {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    match restored(entry, steps)? {
        Value::Object(message) => Ok(message),
        _ => Err("it is not a JSON object".to_owned()),
    }
}

fn restored(value: &Value, steps: &[ExecutionStep]) -> Result<Value, String> {
    match value {
        Value::Array(items) => items.iter().map(|item| restored(item, steps)).collect(),
        Value::Object(fields) => {
            if let Some(reference) = Reference::of(value) {
                return referred(reference, steps);
            }
            let field = |(key, value): (&String, &Value)| Ok((key.clone(), restored(value, steps)?));
            fields.iter().map(field).collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        scalar => Ok(scalar.clone()),
    }
}

fn referred(reference: Reference, steps: &[ExecutionStep]) -> Result<Value, String> {
    let (Reference::Call(number) | Reference::Action(number) | Reference::Result(number)) = reference;
    let at = usize::try_from(number).unwrap_or_default().wrapping_sub(1);
    let here = steps.get(at).filter(|step| step.step_number == number);
    let Some(step) = here.or_else(|| steps.iter().find(|step| step.step_number == number)) else {
        return Err(format!("it refers to the step {number}, which is missing"));
    };
    match reference {
        Reference::Call(_) => {
            call::from_step(step).ok_or_else(|| format!("the step {number} was not imported from a chat"))
        }
        Reference::Action(_) => Ok(step.action.as_str().into()),
        Reference::Result(_) => match &step.result {
            Some(ExecutionResult::Success { output: text } | ExecutionResult::Error { message: text }) => {
                Ok(text.as_str().into())
            }
            Some(ExecutionResult::Timeout) | None => Err(format!("the step {number} has no answer")),
        },
    }
}
