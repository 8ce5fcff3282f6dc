//! Limits on the input that a storage accepts.
//!
//! A storage checks its input before it does anything, so that a refused call
//! changes nothing.

use crate::error::{Error, Result};

/// Maximum content of a record, in bytes: 4 MiB.
///
/// A text or key counts its length in UTF-8, and every other value 8 bytes.
/// Each item of a list counts 8 bytes more, so that a list of empty items has
/// content, too. A number of more than eight digits that is no `i64` counts its
/// digits.
pub const MAX_RECORD: usize = 4 << 20;
/// Maximum length of a metadata key, in bytes of UTF-8: 1 KiB.
pub const MAX_METADATA_KEY: usize = 1 << 10;
/// Maximum length of the domain, language, framework and each tag of a
/// [`TaskContext`](crate::TaskContext), in bytes of UTF-8: 1 KiB. Backends keep
/// these texts in indexes.
pub const MAX_KEY_TEXT: usize = 1 << 10;
/// Maximum nesting of JSON in a record, in levels. A scalar has depth 0. The
/// metadata object itself is not counted.
pub const MAX_DEPTH: usize = 64;
/// Maximum number of records or ids in one call.
pub const MAX_PER_CALL: usize = 10_000;
/// Maximum number of records on a page.
pub const MAX_LIMIT: usize = 10_000;
/// Default number of records on a page.
pub const DEFAULT_LIMIT: usize = 100;
/// Maximum number of predicates and connectives in a filter.
pub const MAX_FILTER_NODES: usize = 256;
/// Maximum length of a metadata key in a filter, in bytes of UTF-8: 4 KiB. Keys
/// inside nested values may be longer than [`MAX_METADATA_KEY`].
pub const MAX_FILTER_KEY: usize = 4 << 10;
/// Maximum content of all operands of a filter, in bytes: 1 MiB.
pub const MAX_FILTER_CONTENT: usize = 1 << 20;
/// Maximum number of groups in the result of a count.
pub const MAX_GROUPS: usize = 10_000;

pub(crate) fn check_len(what: &str, len: usize) -> Result<()> {
    if len > MAX_PER_CALL {
        return Err(Error::invalid_input(what, format!("{len} in one call; the maximum is {MAX_PER_CALL}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Episode, Record as _, TaskContext, TaskType};

    fn episode() -> Episode {
        Episode::new("", TaskContext::new("web"), TaskType::Other)
    }

    #[test]
    fn lists_of_nothing_have_content_too() {
        let many = MAX_RECORD / 8;
        let mut episode = episode();
        episode.context.tags = vec![String::new(); many];
        assert!(episode.validate().unwrap_err().to_string().contains("bytes of content"));
        episode.context.tags.truncate(many - 100);
        episode.validate().unwrap();

        episode.context.tags.clear();
        for nothing in [json!(""), json!([]), json!({})] {
            episode.metadata.insert("k", vec![nothing; many]);
            assert!(episode.validate().unwrap_err().to_string().contains("bytes of content"));
        }
    }

    #[test]
    fn texts_that_serve_as_keys_are_short() {
        let mut episode = episode();
        let longest = "ö".repeat(MAX_KEY_TEXT / 2);
        let context = &mut episode.context;
        context.domain.clone_from(&longest);
        (context.language, context.framework) = (Some(longest.clone()), Some(longest.clone()));
        context.tags = vec![longest.clone(), longest.clone()];
        episode.validate().unwrap();
        episode.context.tags[1].push('x');
        let error = episode.validate().unwrap_err().to_string();
        assert!(error.contains("`context.tags[1]`") && error.contains("1025 bytes; the maximum is 1024"), "{error}");
    }

    #[test]
    fn the_refusal_names_the_first_field_that_is_wrong() {
        let mut episode = episode();
        episode.metadata.insert("k", json!([{"deep": u64::MAX}]));
        let error = episode.validate().unwrap_err().to_string();
        assert!(error.contains(&episode.id.to_string()) && error.contains("`metadata`"), "{error}");
        assert!(error.contains("outside i64"), "{error}");
    }
}
