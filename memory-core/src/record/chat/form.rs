//! Recognition of calls and answers by their types.

use serde_json::Value;

use super::reference::Reference;

/// Reduces a name to lowercase letters and digits, since `tool_use`,
/// `tool-call` and `toolCall` are all in use.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns true if a block of this type is a call: `tool_use`,
/// `server_tool_use`.
pub(super) fn is_call(of: &str) -> bool {
    let of = plain(of);
    ["tooluse", "toolcall", "functioncall"].iter().any(|end| of.ends_with(end))
}

/// Returns true if an item without a role and of this type is a call:
/// `function_call`, `web_search_call`.
pub(super) fn is_call_item(of: &str) -> bool {
    plain(of).ends_with("call")
}

/// Returns true if a block or an item of this type answers a call:
/// `tool_result`, `function_call_output`.
pub(super) fn is_answer(of: &str) -> bool {
    let of = plain(of);
    ["toolresult", "functionresponse", "calloutput"].iter().any(|end| of.ends_with(end))
}

/// Returns the path of a part that looks like a call, in a message whose known
/// calls have been replaced by references.
pub(super) fn unknown_call(value: &Value, path: &str) -> Option<String> {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| unknown_call(item, &format!("{path}[{n}]")))
        }
        Value::Object(_) if Reference::of(value).is_some() => None,
        Value::Object(fields) => {
            if fields.get("type").and_then(Value::as_str).is_some_and(is_call) {
                return Some(path.to_owned());
            }
            // `usage` holds counts, which may include calls.
            fields.iter().filter(|(field, _)| *field != "usage").find_map(|(field, value)| {
                let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                let calls = is_call(field.trim_end_matches('s')) && holds_an_object(value);
                if calls { Some(path) } else { unknown_call(value, &path) }
            })
        }
        _ => None,
    }
}

fn holds_an_object(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_an_object),
        value => value.is_object() && Reference::of(value).is_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_in_unknown_places_are_found() {
        for (message, path) in [
            (json!({"parts": [{"text": "x"}, {"functionCall": {"name": "f"}}]}), "parts[1].functionCall"),
            (json!({"additional_kwargs": {"tool_calls": [{"id": "c"}]}}), "additional_kwargs.tool_calls"),
            (json!({"message": {"content": [{"type": "tool-call"}]}}), "message.content[0]"),
        ] {
            assert_eq!(unknown_call(&message, "").as_deref(), Some(path));
        }
        for none in [
            json!({"tool_calls": [{"$call": 1}], "content": "tool_calls", "function_call": null}),
            json!({"invalid_tool_calls": [], "tool_call_id": "c", "tools": [{"type": "function"}]}),
        ] {
            assert_eq!(unknown_call(&none, ""), None);
        }
    }
}
