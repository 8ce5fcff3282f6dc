//! The primitives that the cache is built on. The tests of interleavings build
//! the same modules on others of the same names.

mod barrier;
mod biased;
mod inside;
mod stripe;

use std::sync::{self, PoisonError};

pub(crate) use barrier::{full_barrier, has_full_barrier, is_withdrawn, light_barrier};
pub(crate) use biased::{Announced, BiasedLock, ReadGuard, WriteGuard};
pub(crate) use inside::Inside;
pub(crate) use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::thread::yield_now;
pub(crate) use stripe::{STRIPES, Stripe, claimed_stripes, own_stripe, stripe};

/// A lock of many readers, over nothing of its own. A panic in a caller's own
/// code while it is held leaves every entry whole, so that it does not poison
/// the lock. (One of `Hash`, while a table is rebuilt, loses entries.)
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

/// A lock that is only ever tried: who does not get it goes on without.
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

/// Reads in a row, without a write between them, after which readers do without
/// a barrier. Theirs take some 2.3 µs together, which is what a writer's takes
/// where threads run on all cores.
pub(crate) const READS_IN_A_ROW: u32 = 512;

/// One in so many reads of a thread counts for as many.
pub(crate) const READS_COUNTED: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs this in a thread that has a stripe: another test takes all there are,
    /// for a moment.
    fn with_a_stripe(test: impl Fn(Option<Stripe>) + Sync) {
        let run = || {
            stripe().is_some_and(|own| {
                test(Some(own));
                true
            })
        };
        while !std::thread::scope(|scope| scope.spawn(run).join().unwrap()) {
            yield_now();
        }
    }

    #[test]
    fn a_lock_is_biased_after_as_many_reads_as_are_worth_it_and_until_a_write() {
        with_a_stripe(|own| {
            let lock = BiasedLock::new(1);
            let is_biased = || format!("{lock:?}").contains("is_biased: true");
            for round in 1..=3 {
                let read = || assert_eq!(*lock.read(own), round);
                // What the stripe's owner before has read counts, up to a round number.
                (0..READS_IN_A_ROW - READS_COUNTED).for_each(|_| read());
                assert!(!is_biased());
                (0..2 * READS_COUNTED).for_each(|_| read());
                // Where there is a bias at all.
                assert_eq!(is_biased(), has_full_barrier());
                *lock.write() += 1;
                assert!(!is_biased());
            }
        });
    }

    #[test]
    fn a_read_within_a_read_of_another_lock_is_a_read() {
        with_a_stripe(|own| {
            let (outer, inner) = (BiasedLock::new(1), BiasedLock::new(2));
            let (first, second) = (outer.read(own), inner.read(own));
            assert!(matches!(first, ReadGuard::Announced(_)) && matches!(second, ReadGuard::Locked { .. }));
            assert_eq!((*first, *second), (1, 2));
        });
    }
}
