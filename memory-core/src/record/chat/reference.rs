//! References in messages to the contents of steps.

use serde_json::{Value, json};

/// A reference to a part of a step, by the step's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// The whole call.
    Call(u32),
    /// The step's action: the text beside the calls.
    Action(u32),
    /// The text of the step's result.
    Result(u32),
}

const CALL: &str = "$call";
const ACTION: &str = "$action";
const RESULT: &str = "$result";

impl Reference {
    /// Parses a JSON object with one key as a reference.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let fields = value.as_object().filter(|fields| fields.len() == 1)?;
        let (key, step) = fields.iter().next()?;
        let step = u32::try_from(step.as_u64()?).ok()?;
        match key.as_str() {
            CALL => Some(Self::Call(step)),
            ACTION => Some(Self::Action(step)),
            RESULT => Some(Self::Result(step)),
            _ => None,
        }
    }
}

impl From<Reference> for Value {
    fn from(reference: Reference) -> Self {
        match reference {
            Reference::Call(step) => json!({ CALL: step }),
            Reference::Action(step) => json!({ ACTION: step }),
            Reference::Result(step) => json!({ RESULT: step }),
        }
    }
}
