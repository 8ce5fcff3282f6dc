//! Results of calls from the tools' answers.

use serde_json::{Map, Value};

use crate::ExecutionResult;

/// Returns the result that an answer describes, by the rule in the docs of
/// [`Episode::from_chat_at`](crate::Episode::from_chat_at). The result holds
/// the complete text.
pub(super) fn result(text: String, message: &Map<String, Value>) -> ExecutionResult {
    if says_error(&text) || flagged(message) {
        ExecutionResult::Error { message: text }
    } else {
        ExecutionResult::Success { output: text }
    }
}

/// Returns a result of the same variant without the text, for a call that
/// shares its answer with another call.
pub(super) const fn without_text(result: &ExecutionResult) -> ExecutionResult {
    match result {
        ExecutionResult::Success { .. } => ExecutionResult::Success { output: String::new() },
        ExecutionResult::Error { .. } => ExecutionResult::Error { message: String::new() },
        ExecutionResult::Timeout => ExecutionResult::Timeout,
    }
}

fn says_error(text: &str) -> bool {
    let text = text.trim();
    if text.starts_with('{') {
        return serde_json::from_str::<Map<String, Value>>(text)
            .is_ok_and(|fields| flagged(&fields) || fields.get("error").is_some_and(is_something));
    }
    let word = text.split_once(':').map_or(text, |(word, _)| word);
    names_an_error(word) || text.starts_with("Traceback (most recent call last)")
}

fn names_an_error(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$'))
        && (word.ends_with("error") || word.ends_with("exception"))
}

fn flagged(fields: &Map<String, Value>) -> bool {
    ["is_error", "isError"].iter().any(|flag| fields.get(*flag) == Some(&Value::Bool(true)))
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_recognised() {
        for text in [
            "Error: flight HAT030 not available on date 2024-05-13",
            "error: x",
            "  ERROR:\nx",
            "Error",
            "ValueError: invalid literal",
            "java.lang.NullPointerException: null",
            "Traceback (most recent call last):\n  File \"x\"",
            r#"{"error": "no such user"}"#,
            r#"{"id": 3, "error": {"code": -32601}}"#,
            r#"{"content": [], "isError": true}"#,
            r#" {"is_error": true} "#,
        ] {
            assert!(says_error(text), "{text}");
        }
        let flags = Map::from_iter([("is_error".to_owned(), Value::Bool(true))]);
        assert_eq!(result("gone".to_owned(), &flags), ExecutionResult::Error { message: "gone".to_owned() });
    }

    #[test]
    fn what_merely_mentions_an_error_is_none() {
        for text in [
            "",
            "Error rate is 3 %",
            "Error-free: yes",
            "Errors: 0",
            "0 errors",
            "No error: all is well",
            "terrors",
            "The tool said Error: x",
            r#"{"error": null, "data": 1}"#,
            r#"{"error": false}"#,
            r#"{"error": ""}"#,
            r#"{"error": 0}"#,
            r#"{"error": []}"#,
            r#"{"error_count": 3}"#,
            r#"{"is_error": false}"#,
            r#"{"data": {"error": "nested"}}"#,
            r#"["error"]"#,
            r#"{"error": "cut"#,
        ] {
            assert!(!says_error(text), "{text}");
        }
    }
}
