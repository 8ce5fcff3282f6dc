//! What a query came to, as it is cached.

use std::sync::Arc;

use memory_core::backend::{Changes, Scalar};
use memory_core::{Counts, Episode, Filter, Heuristic, Id, Kind, Page, Pattern, Record};

use super::kind::Cached;

/// A whole result.
#[derive(Debug)]
pub enum Answer {
    /// A page of episodes.
    Episodes(Found<Episode>),
    /// A page of patterns.
    Patterns(Found<Pattern>),
    /// A page of heuristics.
    Heuristics(Found<Heuristic>),
    /// How many records of a kind there are.
    Counts(Kind, Counts),
}

/// A page, and the filter that it was found by where that is known.
#[derive(Debug)]
pub struct Found<R> {
    pub(super) filter: Option<Filter<R>>,
    pub(super) page: Page<R>,
}

impl Answer {
    /// The kind whose table it was read from.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Episodes(_) => Kind::Episode,
            Self::Patterns(_) => Kind::Pattern,
            Self::Heuristics(_) => Kind::Heuristic,
            Self::Counts(kind, _) => *kind,
        }
    }

    /// Whether it stays right whatever becomes of these changes, by what is
    /// written alone: no record of the page is written, and none that is
    /// written matches. What a record was before is not known here, since
    /// another process may have changed it; a page that ends before a record
    /// which is deleted keeps its cursor, and leads to a shorter page.
    pub(super) fn stands<R: Cached>(&self, changes: &Changes<R>) -> bool {
        let Some(Found { filter: Some(filter), page }) = R::found(self) else { return false };
        !page.records.iter().any(|record| changes.contains(record.id()))
            && !changes.puts().any(|record| filter.matches(record))
    }

    /// The bytes that it takes.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Episodes(found) => found.size(),
            Self::Patterns(found) => found.size(),
            Self::Heuristics(found) => found.size(),
            Self::Counts(_, counts) => {
                let text = |(value, _): &(Option<Scalar<'_>>, u64)| match value {
                    Some(Scalar::Text(text)) => text.len(),
                    _ => 0,
                };
                size_of_val(counts.groups.as_slice()) + counts.groups.iter().map(text).sum::<usize>()
            }
        }
    }
}

impl<R: Record> Found<R> {
    fn size(&self) -> usize {
        let record = |record: &Arc<R>| size_of::<(Arc<R>, R, Id<R>)>() + record.content_size();
        self.page.records.iter().map(record).sum()
    }
}
