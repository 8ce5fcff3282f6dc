//! Detection of a thread that calls a cache from inside it, in builds with debug assertions.

#[cfg(debug_assertions)]
use std::cell::RefCell;

#[cfg(debug_assertions)]
thread_local! {
    /// The addresses of the caches whose code this thread runs.
    static INSIDE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// Marks the calling thread as one that holds, or is about to take, a lock of a cache. The mark
/// is dropped after the lock's guard. Without debug assertions it does nothing.
pub(crate) struct Inside(#[cfg(debug_assertions)] usize);

impl Inside {
    /// Marks the calling thread as inside the cache at this address.
    #[inline]
    #[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "nothing is marked"))]
    pub(crate) fn enter(cache: usize) -> Self {
        #[cfg(debug_assertions)]
        {
            // A thread that is ending has no thread-local list any more, and is not checked.
            let again = INSIDE.try_with(|inside| inside.borrow().contains(&cache)).unwrap_or(false);
            assert!(
                !again,
                "an `AdaptiveCache` was called from inside itself: by a closure given to `with`, `remove_if` or \
                 `retain`, or by `Eq`, `Hash`, `Borrow` or `Clone` of a key or value. These run under a lock of the \
                 cache, for which the call would wait for ever. Take what is needed out of the closure, and call the \
                 cache after it"
            );
            let _ = INSIDE.try_with(|inside| inside.borrow_mut().push(cache));
            Self(cache)
        }
        #[cfg(not(debug_assertions))]
        Self()
    }
}

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        #[cfg(debug_assertions)]
        let _ = INSIDE.try_with(|inside| {
            let mut inside = inside.borrow_mut();
            let last = inside.iter().rposition(|cache| *cache == self.0);
            last.map(|last| inside.swap_remove(last))
        });
    }
}
