//! Thread indexes: a small number for each thread, unique among living threads.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Number of threads that can have an index at the same time.
pub(crate) const MAX_THREADS: usize = 32;

const UNKNOWN: usize = usize::MAX;

thread_local! {
    /// The calling thread's index, [`UNKNOWN`], or [`MAX_THREADS`] if the thread has none. The
    /// variable has no destructor, so it can be read until the thread's very end.
    static OWNED: Cell<usize> = const { Cell::new(UNKNOWN) };
    /// Returns the index when the thread ends.
    static LEASE: Lease = Lease::take();
}

/// A bit for each index that is in use.
static OWNERS: Mutex<u32> = Mutex::new(0);

/// An index above every index that was ever claimed.
static CLAIMED: AtomicUsize = AtomicUsize::new(0);

/// Returns an index above every index that was ever claimed.
pub(crate) fn claimed_thread_indexes() -> usize {
    CLAIMED.load(Ordering::SeqCst)
}

struct Lease(usize);

/// An index below [`MAX_THREADS`] that belongs to one thread while it lives. The value cannot be
/// sent to another thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadIndex {
    index: usize,
    of_this_thread: PhantomData<*const ()>,
}

impl ThreadIndex {
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.index
    }
}

/// Returns the calling thread's index, and claims one if needed. Returns `None` if all indexes are
/// in use, or if the thread is ending.
pub(crate) fn thread_index() -> Option<ThreadIndex> {
    if OWNED.get() == UNKNOWN {
        OWNED.set(LEASE.try_with(|lease| lease.0).unwrap_or(MAX_THREADS));
    }
    known_thread_index()
}

/// Returns the calling thread's index if the thread has claimed one.
#[inline]
pub(crate) fn known_thread_index() -> Option<ThreadIndex> {
    let index = owned();
    (index < MAX_THREADS).then_some(ThreadIndex { index, of_this_thread: PhantomData })
}

/// This function is never inlined. Lookups are compiled in other crates, where access to a
/// thread-local variable is a call anyway; as a call of this function it saves no registers.
#[inline(never)]
fn owned() -> usize {
    OWNED.get()
}

fn owners() -> MutexGuard<'static, u32> {
    OWNERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lease {
    fn take() -> Self {
        let mut owners = owners();
        let index = owners.trailing_ones() as usize;
        if index < MAX_THREADS {
            *owners |= 1 << index;
            CLAIMED.fetch_max(index + 1, Ordering::SeqCst);
        }
        Self(index)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Destructors of other thread-local variables may run after this one and use a cache, when
        // the index already belongs to another thread.
        OWNED.set(MAX_THREADS);
        if self.0 < MAX_THREADS {
            *owners() &= !(1 << self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Sends, when it is dropped, whether the thread's index, if it has one, is its own.
    struct Last(Sender<bool>);

    impl Drop for Last {
        fn drop(&mut self) {
            let is_own = thread_index().is_none_or(|index| *owners() & 1 << index.index != 0);
            self.0.send(is_own).unwrap();
        }
    }

    #[test]
    fn a_thread_that_ends_does_not_use_the_index_that_it_returned() {
        thread_local! {
            static BEFORE: Cell<Option<Last>> = const { Cell::new(None) };
            static AFTER: Cell<Option<Last>> = const { Cell::new(None) };
        }
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || {
            BEFORE.set(Some(Last(sender.clone())));
            let own = thread_index().map(ThreadIndex::index);
            AFTER.set(Some(Last(sender)));
            assert_eq!(thread_index().map(ThreadIndex::index), own);
        });
        thread.join().unwrap();
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [true, true]);
    }

    #[test]
    fn no_two_living_threads_have_the_same_index() {
        let barrier = std::sync::Barrier::new(MAX_THREADS + 8);
        let indexes = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..MAX_THREADS + 8)
                .map(|_| {
                    scope.spawn(|| {
                        let own = thread_index().map(ThreadIndex::index);
                        barrier.wait();
                        own
                    })
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        let distinct: std::collections::BTreeSet<_> = indexes.iter().collect();
        assert_eq!(distinct.len(), indexes.len());
    }
}
