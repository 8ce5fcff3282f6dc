//! Locks, atomics and thread indexes of the cache.
//!
//! The tests of interleavings compile the cache over other primitives of the same names.

mod barrier;
mod biased;
mod inside;
mod thread_index;

use std::sync::{self, PoisonError};

pub(crate) use barrier::{full_barrier, has_full_barrier, is_withdrawn, light_barrier};
pub(crate) use biased::{Announced, BiasedLock, ReadGuard, WriteGuard};
pub(crate) use inside::Inside;
pub(crate) use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::thread::yield_now;
pub(crate) use thread_index::{MAX_THREADS, ThreadIndex, claimed_thread_indexes, known_thread_index, thread_index};

/// A reader-writer lock without a value that is not poisoned. A panic in the caller's code under
/// the lock leaves every entry valid. (A panic in `Hash` while a table is rebuilt loses entries.)
#[derive(Debug, Default)]
pub(crate) struct RwLock(sync::RwLock<()>);

impl RwLock {
    pub(crate) const fn new() -> Self {
        Self(sync::RwLock::new(()))
    }

    #[inline]
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, ()> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock that threads try to take and never wait for.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(sync::TryLockError::WouldBlock) => None,
        }
    }
}

/// Number of reads without a write in between after which a lock becomes biased. The barriers of
/// so many reads take about 2.3 µs, as long as the writer's barrier if threads run on all cores.
pub(crate) const READS_IN_A_ROW: u32 = 512;

/// Number of reads of a thread that are added to a lock's count at once.
pub(crate) const READS_COUNTED: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a test in a thread that has an index. Another test takes all indexes for a moment.
    fn with_a_thread_index(test: impl Fn(Option<ThreadIndex>) + Sync) {
        let run = || {
            thread_index().is_some_and(|own| {
                test(Some(own));
                true
            })
        };
        while !std::thread::scope(|scope| scope.spawn(run).join().unwrap()) {
            yield_now();
        }
    }

    #[test]
    fn a_lock_becomes_biased_after_reads_in_a_row_and_open_after_a_write() {
        with_a_thread_index(|own| {
            let lock = BiasedLock::new(1);
            let is_biased = || format!("{lock:?}").contains("is_biased: true");
            for round in 1..=3 {
                let read = || assert_eq!(*lock.read(own), round);
                // Reads of the index's former owner may be included in the count.
                (0..READS_IN_A_ROW - READS_COUNTED).for_each(|_| read());
                assert!(!is_biased());
                (0..2 * READS_COUNTED).for_each(|_| read());
                // Without a full barrier no lock becomes biased.
                assert_eq!(is_biased(), has_full_barrier());
                *lock.write() += 1;
                assert!(!is_biased());
            }
        });
    }

    #[test]
    fn a_read_within_a_read_of_another_lock_takes_the_ordinary_lock() {
        with_a_thread_index(|own| {
            let (outer, inner) = (BiasedLock::new(1), BiasedLock::new(2));
            let (first, second) = (outer.read(own), inner.read(own));
            assert!(matches!(first, ReadGuard::Announced(_)) && matches!(second, ReadGuard::Locked { .. }));
            assert_eq!((*first, *second), (1, 2));
        });
    }
}
