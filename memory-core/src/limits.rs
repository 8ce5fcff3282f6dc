//! Limits on the input that a storage accepts.
//!
//! A storage checks its input before it does anything, so that a refused call
//! has changed nothing.

use crate::error::{Error, Result};

/// The most content a record may have, in bytes: 4 MiB. Texts and keys count
/// their UTF-8 length, every other value eight bytes, and every item of a list
/// eight more, so that a list of nothing counts too. A number of more than
/// eight digits that is no `i64` counts its digits.
pub const MAX_RECORD: usize = 4 << 20;
/// The longest metadata key, in bytes of UTF-8: 1 KiB.
pub const MAX_METADATA_KEY: usize = 1 << 10;
/// The longest domain, language, framework or tag of a
/// [`TaskContext`](crate::TaskContext), in bytes of UTF-8: 1 KiB. Backends keep
/// these texts in indexes.
pub const MAX_KEY_TEXT: usize = 1 << 10;
/// How deep JSON in a record may nest; a scalar has depth 0, and the metadata
/// object itself is not counted.
pub const MAX_DEPTH: usize = 64;
/// The most records or ids in one call.
pub const MAX_PER_CALL: usize = 10_000;
/// The most records on one page of a query.
pub const MAX_LIMIT: usize = 10_000;
/// How many records a page holds unless told.
pub const DEFAULT_LIMIT: usize = 100;
/// Maximum number of predicates and connectives in a filter.
pub const MAX_FILTER_NODES: usize = 256;
/// The longest metadata key that can be asked for, in bytes: 4 KiB. Keys inside
/// nested values may be longer than [`MAX_METADATA_KEY`].
pub const MAX_FILTER_KEY: usize = 4 << 10;
/// The most content of all operands of one filter, in bytes.
pub const MAX_FILTER_CONTENT: usize = 1 << 20;
/// The most groups that one count may give.
pub const MAX_GROUPS: usize = 10_000;

pub(crate) fn check_len(what: &str, len: usize) -> Result<()> {
    if len > MAX_PER_CALL {
        return Err(Error::invalid_input(what, format!("{len} in one call, of at most {MAX_PER_CALL}")));
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
        assert!(error.contains("`context.tags[1]`") && error.contains("1025 bytes, of at most 1024"), "{error}");
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
