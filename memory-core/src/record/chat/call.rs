//! Tool calls in their known forms.

use serde_json::{Map, Value};

use super::arguments;
use crate::ExecutionStep;

const NAMES: [&str; 4] = ["name", "tool_name", "toolName", "function"];
const ARGUMENTS: [&str; 4] = ["arguments", "input", "args", "parameters"];
/// In the Responses API, `id` identifies the item and `call_id` the call.
const IDS: [&str; 4] = ["call_id", "id", "toolCallId", "tool_call_id"];

/// Metadata key of a step for the call without its name and arguments.
const CALL: &str = "call";
/// Metadata key of a step for the call's id.
const CALL_ID: &str = "call_id";
/// Metadata key of a step that is set if the parameters are the text of the
/// arguments.
const RAW: &str = "raw_arguments";

/// The fields of a call that hold the tool's name and the arguments.
struct Place {
    /// The object in the call that holds the fields; `None` if it is the call
    /// itself.
    body: Option<String>,
    name: &'static str,
    arguments: Option<&'static str>,
}

/// Finds the fields in the object named by the call's type (`function`,
/// `custom`), or else in the call itself. `is_name` recognises a name.
fn place(call: &Map<String, Value>, is_name: fn(&Value) -> bool) -> Option<Place> {
    let nested = ["function"].into_iter().chain(call.get("type").and_then(Value::as_str));
    let nested = nested.filter_map(|body| Some((Some(body.to_owned()), call.get(body)?.as_object()?)));
    nested.chain([(None, call)]).find_map(|(body, fields)| {
        let name = NAMES.into_iter().find(|name| fields.get(*name).is_some_and(is_name))?;
        Some(Place { body, name, arguments: ARGUMENTS.into_iter().find(|field| fields.contains_key(*field)) })
    })
}

fn body<'a>(call: &'a mut Map<String, Value>, place: &Place) -> Option<&'a mut Map<String, Value>> {
    match &place.body {
        Some(body) => call.get_mut(body)?.as_object_mut(),
        None => Some(call),
    }
}

/// Returns true if the call names a tool, or at least its own type.
pub(super) fn is_call(call: &Map<String, Value>) -> bool {
    place(call, Value::is_string).is_some() || call.get("type").is_some_and(Value::is_string)
}

/// Returns the tool that a call or an answer names.
pub(super) fn tool_name(fields: &Map<String, Value>) -> Option<String> {
    NAMES.into_iter().find_map(|name| fields.get(name)?.as_str().map(str::to_owned))
}

/// Returns the call's id, which answers refer to; `None` if it is missing or
/// empty.
pub(super) fn id(call: &Map<String, Value>) -> Option<String> {
    IDS.into_iter().find_map(|field| id_text(call.get(field)?))
}

/// Returns an id as text; `None` if it is empty, or neither a text nor a
/// number.
pub(super) fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Moves a call into a step: the tool, the parameters, and into the step's
/// metadata the rest of the call.
///
/// If the call names no tool, its type is the tool, and the whole call is the
/// parameters.
pub(super) fn into_step(mut call: Map<String, Value>, step: &mut ExecutionStep) {
    if let Some(id) = id(&call) {
        step.metadata.insert(CALL_ID, id);
    }
    let Some(place) = place(&call, Value::is_string) else {
        call.get("type").and_then(Value::as_str).unwrap_or_default().clone_into(&mut step.tool);
        set_parameters(step, &Value::Object(call));
        return;
    };
    if let Some(fields) = body(&mut call, &place) {
        if let Some(Value::String(name)) = fields.insert(place.name.to_owned(), Value::Null) {
            step.tool = name;
        }
        if let Some(moved) = place.arguments.and_then(|field| fields.get_mut(field)) {
            let left = set_parameters(step, moved);
            *moved = left;
        }
    }
    let call = Value::Object(call);
    if arguments::fits_in_metadata(&call, 0) {
        step.metadata.insert(CALL, call);
    } else {
        step.metadata.insert(CALL, call.to_string());
    }
}

/// Sets the parameters, and returns a mark from which the arguments' spelling
/// can be restored: null for the compact text of the parameters, `false` for
/// the parameters themselves, `true` if the parameters are the text of the
/// arguments, and otherwise the text itself.
fn set_parameters(step: &mut ExecutionStep, arguments: &Value) -> Value {
    let (parameters, raw) = arguments::parse(arguments);
    let left = match arguments {
        Value::String(_) if raw => Value::Bool(false),
        Value::String(text) => {
            let compact = parameters.to_string();
            if *text == compact { Value::Null } else { text.as_str().into() }
        }
        _ => Value::Bool(raw),
    };
    step.parameters = parameters;
    if raw {
        step.metadata.insert(RAW, true);
    }
    left
}

/// Restores the call that [`into_step`] moved into the step; `None` for a step
/// from another source.
pub(super) fn from_step(step: &ExecutionStep) -> Option<Value> {
    let mut call: Map<String, Value> = match step.metadata.get(CALL) {
        None if step.metadata.get(RAW).is_some() => return serde_json::from_str(step.parameters.as_str()?).ok(),
        None => return Some(step.parameters.clone()),
        Some(Value::String(text)) => serde_json::from_str(text).ok()?,
        Some(call) => call.as_object()?.clone(),
    };
    let place = place(&call, Value::is_null)?;
    let fields = body(&mut call, &place)?;
    fields.insert(place.name.to_owned(), step.tool.as_str().into());
    if let Some(spelling) = place.arguments.and_then(|field| fields.get_mut(field)) {
        match spelling {
            Value::Null => *spelling = step.parameters.to_string().into(),
            Value::Bool(false) => *spelling = step.parameters.clone(),
            Value::Bool(true) => *spelling = serde_json::from_str(step.parameters.as_str()?).ok()?,
            _ => {}
        }
    }
    Some(call.into())
}
