//! A small number for each thread, which no other has at the same time.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// Above every stripe that was ever claimed.
static CLAIMED: AtomicUsize = AtomicUsize::new(0);

/// A number above every stripe that was ever claimed.
pub(crate) fn claimed_stripes() -> usize {
    CLAIMED.load(Ordering::SeqCst)
}

struct Lease(usize);

/// A number below [`STRIPES`] that one thread alone has while it lives. It does
/// not leave its thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stripe {
    index: usize,
    of_this_thread: PhantomData<*const ()>,
}

impl Stripe {
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.index
    }
}

/// This thread's own, claimed now if it was not before; `None` when so many
/// others have one, or when the thread has begun to end.
pub(crate) fn stripe() -> Option<Stripe> {
    if OWNED.get() == UNKNOWN {
        OWNED.set(LEASE.try_with(|lease| lease.0).unwrap_or(STRIPES));
    }
    own_stripe()
}

/// The same as [`stripe`], and `None` where the thread has not claimed one yet.
#[inline]
pub(crate) fn own_stripe() -> Option<Stripe> {
    let index = owned();
    (index < STRIPES).then_some(Stripe { index, of_this_thread: PhantomData })
}

/// Never a part of its caller: in another crate, and that is where lookups are
/// compiled, a thread's own variable is a call away in any case, and from here
/// it is one with nothing to save.
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
        let stripe = owners.trailing_ones() as usize;
        if stripe < STRIPES {
            *owners |= 1 << stripe;
            CLAIMED.fetch_max(stripe + 1, Ordering::SeqCst);
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
            let is_own = stripe().is_none_or(|stripe| *owners() & 1 << stripe.index != 0);
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
            let own = stripe().map(Stripe::index);
            AFTER.set(Some(Last(sender)));
            assert_eq!(stripe().map(Stripe::index), own);
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
                        let own = stripe().map(Stripe::index);
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
