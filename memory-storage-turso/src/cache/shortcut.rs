//! The plausible shortcuts that are wrong, so that tests can show that they
//! would notice one.

use super::coherence::{Cell, Generation};

/// What differs from the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shortcut {
    #[default]
    None,
    /// Reads fill the cache whatever happens; a write clears it at its end.
    FillThenInvalidate,
    /// A write puts its value in at its end, whoever overlapped it.
    WriteThrough,
    /// A write counts at its end alone.
    BumpAfter,
    /// A write counts at its beginning and its end, and is never pending.
    BumpWithoutPending,
    /// While a write is pending, a read joins whatever flight there is.
    JoinWhilePending,
    /// The next write ends a doubt without having fenced the old one off.
    Unfenced,
    /// An invalidation removes what lives, and passes over what is dead. In the model alone.
    SkipDead,
    /// A lookup that finds an entry dead leaves it, and a later read brings it back. In the
    /// model alone.
    LateRenewal,
}

/// A [`Cell`] that takes a shortcut, under the real caches and flights.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mutant {
    cell: Cell,
    shortcut: Shortcut,
}

impl Mutant {
    pub(super) const fn take(&mut self, shortcut: Shortcut) {
        self.shortcut = shortcut;
    }

    pub(super) fn note(&self) -> Option<Generation> {
        match self.shortcut {
            Shortcut::JoinWhilePending => self.cell.note().or(Some(Generation::ANY)),
            _ => self.cell.note(),
        }
    }

    pub(super) fn is_still(&self, noted: Generation) -> bool {
        self.cell.is_still(noted)
    }

    pub(super) const fn begin(&mut self) -> Generation {
        match self.shortcut {
            Shortcut::BumpAfter => self.cell.generation(),
            Shortcut::BumpWithoutPending => {
                self.cell.invalidate();
                self.cell.generation()
            }
            _ => self.cell.begin(),
        }
    }

    pub(super) const fn end(&mut self, begun: Generation) -> bool {
        match self.shortcut {
            Shortcut::BumpAfter | Shortcut::BumpWithoutPending => {
                self.cell.invalidate();
                false
            }
            Shortcut::WriteThrough => {
                self.cell.end(begun);
                true
            }
            _ => self.cell.end(begun),
        }
    }

    pub(super) const fn invalidate(&mut self) {
        self.cell.invalidate();
    }
}

/// Histories over the real thing with a shortcut. The one that fills and then
/// invalidates is the usual cache-aside code, in `tests/coherence_history.rs`.
mod tests {
    use memory_conformance::history::{Unruly, history};
    use memory_storage_redb::CacheConfig;

    use super::*;
    use crate::CachedStorage;

    fn caught(wrap: impl Fn(Unruly) -> CachedStorage<Unruly>) -> bool {
        (0..300).any(|seed| history(seed, &wrap).is_err())
    }

    #[test]
    fn random_histories_catch_each_shortcut() {
        for shortcut in
            [Shortcut::WriteThrough, Shortcut::BumpAfter, Shortcut::BumpWithoutPending, Shortcut::JoinWhilePending]
        {
            let wrap = |backend| CachedStorage::new(backend, &CacheConfig::default()).unwrap().with_shortcut(shortcut);
            assert!(caught(wrap), "{shortcut:?}");
        }
    }

    #[test]
    fn random_histories_catch_a_backend_without_fences() {
        let wrap = |backend: Unruly| CachedStorage::new(backend.unfenced(), &CacheConfig::default()).unwrap();
        assert!(caught(wrap));
    }
}
