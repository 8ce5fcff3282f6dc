//! Spans of what is asked through caches: how much of what, and who answered.
//! What the storage is asked then has spans of its own.

use std::future::Future;

use memory_core::{Kind, Result};
use tracing::{Instrument, Span, field};

use crate::metrics::error_kind;

pub(super) fn get(kind: Kind, count: usize) -> Span {
    tracing::debug_span!("cached_get", kind = kind.name(), count, by = field::Empty, outcome = field::Empty)
}

pub(super) fn query(kind: Kind, limit: usize) -> Span {
    tracing::debug_span!("cached_query", kind = kind.name(), limit, by = field::Empty, outcome = field::Empty)
}

pub(super) fn count(kind: Kind) -> Span {
    tracing::debug_span!("cached_count", kind = kind.name(), by = field::Empty, outcome = field::Empty)
}

pub(super) fn commit(count: usize) -> Span {
    tracing::debug_span!("cached_commit", count, outcome = field::Empty)
}

/// Notes who answered: the cache alone, or the storage.
pub(super) fn by_cache(span: &Span, alone: bool) {
    span.record("by", if alone { "cache" } else { "storage" });
}

/// Does the work inside the span, and notes how it ended.
pub(super) async fn during<T>(span: &Span, work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = work.instrument(span.clone()).await;
    span.record("outcome", done.as_ref().map_or_else(error_kind, |_| "ok"));
    done
}
