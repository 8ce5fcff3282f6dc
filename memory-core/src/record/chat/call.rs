//! Calls of tools, in the forms that are about.

use serde_json::{Map, Value};

use super::arguments;
use crate::ExecutionStep;

const NAMES: [&str; 4] = ["name", "tool_name", "toolName", "function"];
const ARGUMENTS: [&str; 4] = ["arguments", "input", "args", "parameters"];
/// In the Responses API `id` is the item's and `call_id` the call's.
const IDS: [&str; 4] = ["call_id", "id", "toolCallId", "tool_call_id"];

/// The key in a step's metadata of the call without its name and arguments.
const CALL: &str = "call";
/// The key in a step's metadata of the call's id.
const CALL_ID: &str = "call_id";
/// The key in a step's metadata that says that the parameters are the text of
/// the arguments.
const RAW: &str = "raw_arguments";

/// Where the name of a call's tool and its arguments stand.
struct Place {
    /// The object in the call that holds them; `None` if that is the call.
    body: Option<String>,
    name: &'static str,
    arguments: Option<&'static str>,
}

/// Finds them in the field of the call's type (`function`, `custom`), or else
/// in the call itself. `is_name` tells a name.
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

/// Whether this is a call that can be understood: it names a tool, or at least
/// its own type.
pub(super) fn is_call(call: &Map<String, Value>) -> bool {
    place(call, Value::is_string).is_some() || call.get("type").is_some_and(Value::is_string)
}

/// The tool that a call or an answer names.
pub(super) fn tool_name(fields: &Map<String, Value>) -> Option<String> {
    NAMES.into_iter().find_map(|name| fields.get(name)?.as_str().map(str::to_owned))
}

/// The id that answers name the call by; `None` if it is missing or empty.
pub(super) fn id(call: &Map<String, Value>) -> Option<String> {
    IDS.into_iter().find_map(|field| id_text(call.get(field)?))
}

/// An id as text; `None` if it is empty or neither a text nor a number.
pub(super) fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(id) if !id.is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Moves a call into a step: its tool, its parameters, and in its metadata
/// whatever else the call holds.
///
/// A call that names no tool is one of the tool that its type names, and its
/// parameters are the whole call.
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

/// Sets the parameters, and returns what is left to know about their spelling:
/// null for the compact text of the parameters, `false` for the parameters as
/// they are, `true` for what the parameters are the text of, and otherwise the
/// text itself.
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

/// The call that [`into_step`] made into this step; `None` for another step.
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
