//! A small number for each thread, which no other has at the same time.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many threads can own a stripe at a time.
pub(crate) const STRIPES: usize = 32;

const UNKNOWN: usize = usize::MAX;

thread_local! {
    /// This thread's stripe, or [`STRIPES`] where it can have none. It has no
    /// destructor, so that it can be asked for until the very end of a thread.
    static OWNED: Cell<usize> = const { Cell::new(UNKNOWN) };
    /// What gives it back.
    static LEASE: Lease = Lease::take();
}

/// A set bit is a stripe that has an owner.
static OWNERS: Mutex<u32> = Mutex::new(0);

struct Lease(usize);

/// The number below [`STRIPES`] that this thread alone has while it lives, or
/// `None` when so many others have one, or when it has begun to end.
#[inline]
pub(crate) fn stripe() -> Option<usize> {
    let mut owned = OWNED.get();
    if owned == UNKNOWN {
        owned = claim();
    }
    (owned < STRIPES).then_some(owned)
}

#[cold]
fn claim() -> usize {
    let claimed = LEASE.try_with(|lease| lease.0).unwrap_or(STRIPES);
    OWNED.set(claimed);
    claimed
}

fn owners() -> MutexGuard<'static, u32> {
    OWNERS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lease {
    fn take() -> Self {
        let mut owners = owners();
        let stripe = owners.trailing_ones() as usize;
        if stripe < STRIPES {
            *owners |= 1 << stripe;
        }
        Self(stripe)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Destructors of other variables may come after this one, and use a
        // cache, when the stripe is already another thread's.
        OWNED.set(STRIPES);
        if self.0 < STRIPES {
            *owners() &= !(1 << self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Says at its end whether the thread's stripe, if it has one, is its own.
    struct Last(Sender<bool>);

    impl Drop for Last {
        fn drop(&mut self) {
            let is_own = stripe().is_none_or(|stripe| *owners() & 1 << stripe != 0);
            self.0.send(is_own).unwrap();
        }
    }

    #[test]
    fn a_thread_that_ends_uses_no_stripe_that_it_has_given_back() {
        thread_local! {
            static BEFORE: Cell<Option<Last>> = const { Cell::new(None) };
            static AFTER: Cell<Option<Last>> = const { Cell::new(None) };
        }
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || {
            BEFORE.set(Some(Last(sender.clone())));
            let own = stripe();
            AFTER.set(Some(Last(sender)));
            assert_eq!(stripe(), own);
        });
        thread.join().unwrap();
        assert_eq!(receiver.iter().collect::<Vec<_>>(), [true, true]);
    }

    #[test]
    fn no_two_threads_have_the_same() {
        let barrier = std::sync::Barrier::new(STRIPES + 8);
        let stripes = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..STRIPES + 8)
                .map(|_| {
                    scope.spawn(|| {
                        let own = stripe();
                        barrier.wait();
                        own
                    })
                })
                .collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        let distinct: std::collections::BTreeSet<_> = stripes.iter().collect();
        assert_eq!(distinct.len(), stripes.len());
    }
}
