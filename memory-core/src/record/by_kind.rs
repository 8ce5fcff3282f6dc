//! One value for each kind of record.

use std::fmt;

use super::Record;
use crate::{Episode, Heuristic, Pattern};

/// A family of types, one for each kind of record.
pub trait PerKind {
    /// The member of the family for `R`.
    type Of<R: Record>;
}

/// One value of a family for each kind, selected by the record's type.
///
/// ```
/// use memory_core::backend::{ByKind, PerKind};
/// use memory_core::{Episode, Id, Pattern, Record};
///
/// struct Deleted;
///
/// impl PerKind for Deleted {
///     type Of<R: Record> = Vec<Id<R>>;
/// }
///
/// let mut deleted = ByKind::<Deleted>::default();
/// deleted.of_mut::<Pattern>().push(Id::new());
/// assert_eq!((deleted.of::<Pattern>().len(), deleted.of::<Episode>().len()), (1, 0));
/// ```
pub struct ByKind<F: PerKind> {
    /// The value for episodes.
    pub episodes: F::Of<Episode>,
    /// The value for patterns.
    pub patterns: F::Of<Pattern>,
    /// The value for heuristics.
    pub heuristics: F::Of<Heuristic>,
}

impl<F: PerKind> ByKind<F> {
    /// Returns the value for one kind.
    pub fn of<R: Record>(&self) -> &F::Of<R> {
        R::select(self)
    }

    /// Returns a mutable reference to the value for one kind.
    pub fn of_mut<R: Record>(&mut self) -> &mut F::Of<R> {
        R::select_mut(self)
    }
}

impl<F: PerKind> Default for ByKind<F>
where
    F::Of<Episode>: Default,
    F::Of<Pattern>: Default,
    F::Of<Heuristic>: Default,
{
    fn default() -> Self {
        Self { episodes: Default::default(), patterns: Default::default(), heuristics: Default::default() }
    }
}

impl<F: PerKind> Clone for ByKind<F>
where
    F::Of<Episode>: Clone,
    F::Of<Pattern>: Clone,
    F::Of<Heuristic>: Clone,
{
    fn clone(&self) -> Self {
        Self { episodes: self.episodes.clone(), patterns: self.patterns.clone(), heuristics: self.heuristics.clone() }
    }
}

impl<F: PerKind> fmt::Debug for ByKind<F>
where
    F::Of<Episode>: fmt::Debug,
    F::Of<Pattern>: fmt::Debug,
    F::Of<Heuristic>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByKind")
            .field("episodes", &self.episodes)
            .field("patterns", &self.patterns)
            .field("heuristics", &self.heuristics)
            .finish()
    }
}
