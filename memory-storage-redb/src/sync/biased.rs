//! A lock of many readers that costs them next to nothing while nobody writes.
//!
//! A lock that counts its readers in one word needs two atomic additions for a
//! read. They were 14 of the 29 ns of a hit on 50,000 entries, and since neither
//! lets the processor go on to the next lookup before this one is done, 60 of the
//! 115 ns on a million; two threads besides pull the word from each other. What it
//! takes to do without cannot be said in safe code: the value is reached in two
//! ways, and only the protocol below keeps them apart.
//!
//! A reader announces the lock in a seat that only its own thread writes, and
//! then looks whether a writer is at work. A writer, who has the ordinary lock,
//! says so, and then waits until no seat announces the lock. Between the
//! announcement and the look there must be a full barrier: so either the writer
//! sees the announcement, or the reader sees the writer and waits for the
//! ordinary lock. In an *open* lock the barrier is the reader's, one atomic
//! operation on a line that is its own. While the lock is *biased* it is the
//! writer's: who finds the bias lets every thread pass a barrier
//! (`membarrier(2)`), which takes 0.1 to 2.5 µs, and the bias comes back only
//! after as many reads in a row as are worth it. Where the kernel refuses that
//! barrier after all, as under a later seccomp filter, the writer takes a slow one
//! for a last time, and no lock is biased from then on.
//!
//! Biased locks with announced readers are from Dice and Kogan, "BRAVO: Biased
//! Locking for Reader-Writer Locks", USENIX ATC 2019.
#![allow(unsafe_code, reason = "a measured gain, argued above")]

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{
    AtomicU8, AtomicU32, AtomicUsize, Ordering, READS_COUNTED, READS_IN_A_ROW, RwLock, RwLockReadGuard,
    RwLockWriteGuard, STRIPES, Stripe, claimed_stripes, full_barrier, has_full_barrier, is_withdrawn, light_barrier,
    yield_now,
};

/// What the thread that owns a stripe writes, on cache lines of its own.
#[repr(align(128))]
struct Seat {
    /// The address of the lock that it reads, or 0.
    announced: AtomicUsize,
    /// Its reads of open locks.
    reads: AtomicU32,
}

static SEATS: [Seat; STRIPES] = [const { Seat { announced: AtomicUsize::new(0), reads: AtomicU32::new(0) } }; STRIPES];

/// Readers pass a barrier.
const OPEN: u8 = 0;
/// Readers pass none.
const BIASED: u8 = 1;
/// A writer is at work, or waits for readers to leave.
const WRITTEN: u8 = 2;

/// A value that many may read or one may change. All of the lock comes first, as
/// the fields are written, and of the value what it has first is beside it.
#[repr(C)]
pub(crate) struct BiasedLock<T> {
    state: AtomicU8,
    can_be_biased: bool,
    /// Reads since the last write, while the lock is open, in round numbers.
    reads: AtomicU32,
    lock: RwLock,
    value: UnsafeCell<T>,
}

// SAFETY: as for any lock of many readers. Sharing the lock hands out `&T` to
// several threads at once, and `&mut T` to one at a time.
unsafe impl<T: Send + Sync> Sync for BiasedLock<T> {}

/// Keeps writers out, by an announcement that came before them.
pub(crate) struct Announced<'a, T> {
    lock: &'a BiasedLock<T>,
    seat: &'static Seat,
}

/// Keeps writers out, in either way.
pub(crate) enum ReadGuard<'a, T> {
    Announced(Announced<'a, T>),
    Locked { lock: &'a BiasedLock<T>, _held: RwLockReadGuard<'a, ()> },
}

/// Keeps everybody else out.
pub(crate) struct WriteGuard<'a, T> {
    lock: &'a BiasedLock<T>,
    _held: RwLockWriteGuard<'a, ()>,
}

impl<T> BiasedLock<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            state: AtomicU8::new(OPEN),
            can_be_biased: has_full_barrier(),
            reads: AtomicU32::new(0),
            lock: RwLock::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Reads by an announcement of this thread, whose stripe this must be, unless
    /// there is a writer to wait for, or the thread reads another lock.
    #[inline]
    pub(crate) fn read_announced(&self, stripe: Stripe) -> Option<Announced<'_, T>> {
        let seat = &SEATS[stripe.index()];
        // One read within another, of a second cache: a seat holds one.
        if seat.announced.load(Ordering::Relaxed) != 0 {
            return None;
        }
        // With what this thread has read of other locks before: a writer may find
        // this address in place of its own.
        seat.announced.store(self.address(), Ordering::Release);
        // The writer's barrier falls before the store, and then the load comes
        // after it and sees the writer; or after the store, and then the writer
        // sees that.
        light_barrier();
        if self.state.load(Ordering::Acquire) == BIASED || self.is_open(seat) {
            return Some(Announced { lock: self, seat });
        }
        seat.announced.store(0, Ordering::Release);
        None
    }

    /// Whether this seat's announcement, of a lock without bias, keeps writers out.
    #[cold]
    #[inline(never)]
    fn is_open(&self, seat: &Seat) -> bool {
        // To begin with, for less than what follows.
        if self.state.load(Ordering::Relaxed) == WRITTEN {
            return false;
        }
        seat.announced.swap(self.address(), Ordering::SeqCst);
        if self.state.load(Ordering::SeqCst) == WRITTEN {
            return false;
        }
        // Not each read writes to what others write to.
        let own = seat.reads.load(Ordering::Relaxed).wrapping_add(1);
        seat.reads.store(own, Ordering::Relaxed);
        if own.is_multiple_of(READS_COUNTED) {
            self.count_reads();
        }
        true
    }

    /// Reads, whatever that takes, by this thread, whose stripe this must be.
    pub(crate) fn read(&self, stripe: Option<Stripe>) -> ReadGuard<'_, T> {
        let announced = stripe.and_then(|stripe| self.read_announced(stripe));
        announced.map_or_else(|| ReadGuard::Locked { lock: self, _held: self.lock.read() }, ReadGuard::Announced)
    }

    fn count_reads(&self) {
        if !self.can_be_biased || is_withdrawn() {
            return;
        }
        // Others count at the same time; a few more or less do not matter.
        let reads = self.reads.load(Ordering::Relaxed).saturating_add(READS_COUNTED);
        self.reads.store(reads, Ordering::Relaxed);
        if reads >= READS_IN_A_ROW {
            // No writer is at work while the lock is open, and the next finds
            // the bias.
            let _ = self.state.compare_exchange(OPEN, BIASED, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        let held = self.lock.write();
        let before = self.state.swap(WRITTEN, Ordering::SeqCst);
        let guard = WriteGuard { lock: self, _held: held };
        if before == BIASED {
            full_barrier();
        }
        // Who claims a stripe after this count sees the writer.
        for seat in &SEATS[..claimed_stripes()] {
            while seat.announced.load(Ordering::SeqCst) == self.address() {
                yield_now();
            }
        }
        self.reads.store(0, Ordering::Relaxed);
        guard
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

impl<T> Deref for Announced<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this was announced, and then no writer was at work: the next
        // waits until the announcement is withdrawn.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for Announced<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // The writer who sees this sees all that was read as done.
        self.seat.announced.store(0, Ordering::Release);
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Announced(announced) => announced,
            // SAFETY: a writer holds the ordinary lock exclusively, and whoever
            // has this guard holds it too.
            Self::Locked { lock, .. } => unsafe { &*lock.value.get() },
        }
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
        // SAFETY: the ordinary lock is held exclusively, so that no other writer
        // and no locked reader is there; and since the lock is marked as written
        // and every announcement of before was waited for, no announced one is.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        // Who sees this sees all that was written.
        self.lock.state.store(OPEN, Ordering::Release);
    }
}

impl<T> fmt::Debug for BiasedLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_biased = self.state.load(Ordering::Relaxed) == BIASED;
        f.debug_struct("BiasedLock").field("is_biased", &is_biased).finish_non_exhaustive()
    }
}
