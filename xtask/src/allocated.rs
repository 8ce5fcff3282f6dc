//! How much is allocated, counted while somebody wants to know.
//!
//! Only a global allocator can count, and this program has one, whatever it
//! measures. To count all the time costs two atomic additions for each
//! allocation and its end, 14 ns here, which the other measurements would bear,
//! and those most that allocate for each insertion, on two threads at once. So
//! it is switched: off, it is a load of a word that nobody writes.
#![allow(unsafe_code, reason = "a global allocator cannot be had without; it only hands on to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting { counts: AtomicBool::new(false), bytes: AtomicIsize::new(0) };

struct Counting {
    counts: AtomicBool,
    bytes: AtomicIsize,
}

/// By how many bytes more are allocated after `work` than before, as asked for
/// by all threads; none if they are fewer. One call at a time.
pub(crate) fn during(work: &mut dyn FnMut()) -> usize {
    ALLOCATOR.bytes.store(0, Ordering::SeqCst);
    ALLOCATOR.counts.store(true, Ordering::SeqCst);
    work();
    ALLOCATOR.counts.store(false, Ordering::SeqCst);
    usize::try_from(ALLOCATOR.bytes.load(Ordering::SeqCst)).unwrap_or(0)
}

impl Counting {
    #[inline]
    fn count(&self, new: usize, old: usize) {
        if self.counts.load(Ordering::Relaxed) {
            // No allocation is larger than `isize::MAX`.
            self.bytes.fetch_add(new.cast_signed() - old.cast_signed(), Ordering::Relaxed);
        }
    }
}

// SAFETY: everything is done by the system's allocator, with what was asked for.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 0);
        // SAFETY: the caller's promise about `layout` is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.count(new_size, layout.size());
        // SAFETY: as above, and `block` comes from the system's allocator.
        unsafe { System.realloc(block, layout, new_size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_counted_and_what_is_freed_is_not() {
        let mut kept = Vec::new();
        let bytes = during(&mut || {
            drop(vec![0_u8; 1 << 20]);
            kept = vec![1_u8; 1 << 16];
            kept.reserve_exact(3 << 20);
        });
        // Other threads of the test allocate a little meanwhile.
        assert!(bytes.abs_diff(kept.capacity()) < 1 << 16, "{bytes}");
        assert_eq!(during(&mut || kept = Vec::new()), 0);
    }
}
