//! A lock of many readers that costs them next to nothing while nobody writes.
//!
//! A lock that counts its readers in one word needs two atomic additions for a
//! read. Here they were 14 of the 29 ns of a hit on 50,000 entries, and since
//! neither lets the processor go on to the next lookup before this one is done,
//! 60 of the 115 ns on a million; two threads besides pull the word from each
//! other. What it takes to do without cannot be said in safe code: the value is
//! reached in two ways, and only the protocol below keeps them apart.
//!
//! While the lock is *biased* to readers, a reader announces the lock in a slot
//! that only its own thread writes, and then looks whether the bias still
//! stands. A writer, who has the ordinary lock, withdraws the bias, lets every
//! thread pass a barrier (`membarrier(2)`), and waits until no slot announces
//! the lock. So either the writer sees the announcement, or the reader sees
//! that the bias is gone and takes the ordinary lock. The barrier is paid by
//! the writer, who needs it only where the bias stood: it takes 0.1 to 2.5 µs,
//! and the bias comes back only after as many reads in a row as are worth it.
//!
//! Biased locks with announced readers are from Dice and Kogan, "BRAVO: Biased
//! Locking for Reader-Writer Locks", USENIX ATC 2019.
#![allow(unsafe_code, reason = "a measured gain, argued above")]

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{
    AtomicBool, AtomicU32, AtomicUsize, Ordering, Padded, READS_IN_A_ROW, RwLock, RwLockReadGuard, RwLockWriteGuard,
    STRIPES, Stripe, full_barrier, has_full_barrier, light_barrier, yield_now,
};

/// What the thread that owns a stripe reads: a lock's address, or 0.
static ANNOUNCED: [Padded<AtomicUsize>; STRIPES] = [const { Padded(AtomicUsize::new(0)) }; STRIPES];

/// A value that many may read or one may change. What a reader by announcement
/// looks at comes first, side by side, as the fields are written.
#[repr(C)]
pub(crate) struct BiasedLock<T> {
    biased: AtomicBool,
    can_be_biased: bool,
    value: UnsafeCell<T>,
    /// Reads since the last write, while there is no bias.
    reads: AtomicU32,
    lock: RwLock,
}

// SAFETY: as for any lock of many readers. Sharing the lock hands out `&T` to
// several threads at once, and `&mut T` to one at a time.
unsafe impl<T: Send + Sync> Sync for BiasedLock<T> {}

/// Keeps writers out, by an announcement that the bias let stand.
pub(crate) struct Announced<'a, T> {
    lock: &'a BiasedLock<T>,
    slot: &'static AtomicUsize,
}

/// Keeps writers out, by the ordinary lock.
pub(crate) struct ReadGuard<'a, T> {
    lock: &'a BiasedLock<T>,
    _held: RwLockReadGuard<'a, ()>,
}

/// Keeps everybody else out.
pub(crate) struct WriteGuard<'a, T> {
    lock: &'a BiasedLock<T>,
    _held: RwLockWriteGuard<'a, ()>,
}

impl<T> BiasedLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            biased: AtomicBool::new(false),
            can_be_biased: has_full_barrier(),
            value: UnsafeCell::new(value),
            reads: AtomicU32::new(0),
            lock: RwLock::new(),
        }
    }

    /// Announces a read of this thread, whose stripe this must be, if the bias
    /// lets it.
    #[inline]
    pub(crate) fn announce(&self, stripe: Stripe) -> Option<Announced<'_, T>> {
        let slot = &ANNOUNCED[stripe.index()].0;
        // One read within another, of a second cache: a slot holds one.
        if slot.load(Ordering::Relaxed) != 0 {
            return None;
        }
        slot.store(self.address(), Ordering::Relaxed);
        // Between the announcement and the look at the bias there must be a
        // full barrier. The writer's stands in for it: it falls before the
        // store, and then the load comes after it and sees that the bias is
        // gone; or after the store, and then the writer sees that.
        light_barrier();
        if self.biased.load(Ordering::Acquire) {
            return Some(Announced { lock: self, slot });
        }
        slot.store(0, Ordering::Release);
        None
    }

    /// Reads under the ordinary lock.
    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        let held = self.lock.read();
        // Others count at the same time; one more or less does not matter.
        let reads = self.reads.load(Ordering::Relaxed) + 1;
        self.reads.store(reads, Ordering::Relaxed);
        if reads == READS_IN_A_ROW && self.can_be_biased {
            // No writer is at work, and the next sees this once it has the lock.
            self.biased.store(true, Ordering::Release);
        }
        ReadGuard { lock: self, _held: held }
    }

    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        let held = self.lock.write();
        self.reads.store(0, Ordering::Relaxed);
        if self.biased.load(Ordering::Relaxed) {
            self.withdraw();
        }
        WriteGuard { lock: self, _held: held }
    }

    /// Takes the bias away, and waits for those who read by it.
    #[cold]
    fn withdraw(&self) {
        self.biased.store(false, Ordering::SeqCst);
        full_barrier();
        for slot in &ANNOUNCED {
            while slot.0.load(Ordering::Acquire) == self.address() {
                yield_now();
            }
        }
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<T> Deref for Announced<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: a writer has withdrawn the bias and waited for every
        // announcement of this lock, and this one found the bias standing.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for Announced<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // The writer who sees this sees all that was read as done.
        self.slot.store(0, Ordering::Release);
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: a writer holds the ordinary lock exclusively, and whoever has
        // this guard holds it too.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: as below.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the ordinary lock is held exclusively, so that no other
        // writer and no locked reader is there; the bias is withdrawn and comes
        // back only under that lock, so that no reader by announcement is.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> fmt::Debug for BiasedLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BiasedLock").field("biased", &self.biased).finish_non_exhaustive()
    }
}
