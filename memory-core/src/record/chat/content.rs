//! The text of a message's content.

use serde_json::Value;

/// The texts in the content of a message or a block, joined by line ends: a
/// text itself, the texts of the parts of a list, whatever else the parts hold,
/// and nothing of images and files.
pub(super) fn texts(content: &Value) -> String {
    match content {
        Value::Array(parts) => parts.iter().filter_map(text_of).collect::<Vec<_>>().join("\n"),
        content => text_of(content).unwrap_or_default().to_owned(),
    }
}

/// The text of an answer: its texts, or the JSON of one that is no text and no
/// list of parts.
pub(super) fn answer(content: &Value) -> String {
    match content {
        Value::Null | Value::String(_) | Value::Array(_) => texts(content),
        content => text_of(content).map_or_else(|| content.to_string(), str::to_owned),
    }
}

/// The text of a part, `{"type": "text", "text": …}` or bare.
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

/// The one text in a content, to be moved elsewhere; `None` if there are
/// several, or none.
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
