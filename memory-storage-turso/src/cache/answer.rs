//! Cached results of queries and counts.

use std::sync::Arc;

use memory_core::backend::{Changes, Scalar};
use memory_core::{Counts, Filter, Id, Page, Record};

/// The whole result of a query or a count of one kind.
#[derive(Debug)]
pub(super) enum Answer<R> {
    /// A page, and the filter that selected it, if known.
    Page(Option<Filter<R>>, Page<R>),
    /// The numbers of records.
    Counts(Counts),
}

impl<R: Record> Answer<R> {
    /// Returns whether this result stays right after a write of `changes`,
    /// whether or not the write takes effect.
    ///
    /// Only what is written counts: no record of the page is written, and no
    /// written record matches the filter. What a record was before the write is
    /// unknown, since another process may have changed it. A page that ends before
    /// a deleted record keeps its cursor, which then leads to a shorter page.
    pub(super) fn stands(&self, changes: &Changes<R>) -> bool {
        let Self::Page(Some(filter), page) = self else { return false };
        !page.records.iter().any(|record| changes.contains(record.id()))
            && !changes.puts().any(|record| filter.matches(record))
    }

    /// Bytes of the content, beside the enum itself.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Page(_, page) => {
                let record = |record: &Arc<R>| size_of::<(Arc<R>, R, Id<R>)>() + record.content_size();
                page.records.iter().map(record).sum()
            }
            Self::Counts(counts) => {
                let text = |(value, _): &(Option<Scalar<'_>>, u64)| match value {
                    Some(Scalar::Text(text)) => text.len(),
                    _ => 0,
                };
                size_of_val(counts.groups.as_slice()) + counts.groups.iter().map(text).sum::<usize>()
            }
        }
    }
}
