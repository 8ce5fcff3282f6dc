//! Texts of message contents.

use serde_json::Value;

/// Returns the texts in the content of a message or a block, joined by
/// newlines: the content itself if it is a text, or the texts of its parts.
/// Images and files have none.
pub(super) fn texts(content: &Value) -> String {
    match content {
        Value::Array(parts) => parts.iter().filter_map(text_of).collect::<Vec<_>>().join("\n"),
        content => text_of(content).unwrap_or_default().to_owned(),
    }
}

/// Returns the text of an answer: its texts, or its JSON if it is neither a
/// text nor a list of parts. A list without a text and without a part that has
/// a type is plain JSON.
pub(super) fn answer(content: &Value) -> String {
    let is_part = |part: &Value| part.is_string() || part.get("type").is_some_and(Value::is_string);
    match content {
        Value::Array(parts) if !parts.is_empty() && !parts.iter().any(is_part) => content.to_string(),
        Value::Null | Value::String(_) | Value::Array(_) => texts(content),
        content => text_of(content).map_or_else(|| content.to_string(), str::to_owned),
    }
}

/// Returns the text of a part, which is `{"type": "text", "text": …}` or a bare
/// string.
fn text_of(part: &Value) -> Option<&str> {
    match part {
        Value::String(text) => Some(text),
        part => {
            let is_text =
                part.get("type").and_then(Value::as_str).is_some_and(|of| of == "text" || of.ends_with("_text"));
            is_text.then(|| part.get("text")?.as_str()).flatten()
        }
    }
}

/// Returns the only text in a content, to move it elsewhere; `None` if there is
/// none or there are several.
pub(super) fn only_text(content: &mut Value) -> Option<&mut Value> {
    match content {
        Value::String(_) => Some(content),
        Value::Array(parts) => {
            let mut texts = parts.iter_mut().filter(|part| text_of(part).is_some());
            let part = texts.next().filter(|_| texts.next().is_none())?;
            if part.is_string() { Some(part) } else { part.get_mut("text") }
        }
        content if text_of(content).is_some() => content.get_mut("text"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_are_judged_by_their_texts_whatever_else_they_hold() {
        let parts = json!([
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            {"type": "image_url", "image_url": {"url": "u"}},
            {"type": "output_text", "text": "b"},
            "c",
        ]);
        assert_eq!(texts(&parts), "a\nb\nc");
        assert_eq!(answer(&parts), "a\nb\nc");
        assert_eq!(answer(&json!({"status": 7})), r#"{"status":7}"#);
        assert_eq!(answer(&json!([{"flight": "HAT030"}, 7])), r#"[{"flight":"HAT030"},7]"#);
        assert_eq!(answer(&json!([])), "");
        assert_eq!(answer(&json!({"type": "text", "text": "a"})), "a");
        assert_eq!(
            (texts(&json!(7)), answer(&json!(7)), answer(&Value::Null)),
            (String::new(), "7".into(), String::new())
        );
    }

    #[test]
    fn the_only_text_is_found_among_other_parts() {
        let mut one = json!([{"type": "image"}, {"type": "text", "text": "a"}]);
        assert_eq!(only_text(&mut one), Some(&mut json!("a")));
        assert_eq!(only_text(&mut json!(["a", "b"])), None);
        assert_eq!(only_text(&mut json!({"type": "text", "text": "a"})), Some(&mut json!("a")));
        assert_eq!(only_text(&mut Value::Null), None);
    }
}
