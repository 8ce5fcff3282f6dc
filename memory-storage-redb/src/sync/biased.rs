//! A reader-writer lock whose readers do not write to shared memory while there is no writer.
//!
//! # Why
//!
//! A lock that counts its readers in one word needs two atomic additions for each read. They took
//! 14 of the 29 ns of a hit among 50,000 entries, and 60 of the 115 ns among a million, since they
//! keep the processor from overlapping lookups. With two threads, the word also moves between the
//! cores. Safe code cannot avoid them: two ways of locking lead to the same value, and only the
//! protocol keeps them apart.
//!
//! # Protocol
//!
//! Each reading thread has a *reader cell* that only this thread writes. A reader announces the
//! lock in its cell and then checks whether a writer is active. A writer takes the ordinary lock,
//! marks itself as active, and waits until no cell announces the lock. Between the announcement and
//! the check there must be a full barrier. Either the writer then sees the announcement, or the
//! reader sees the writer and waits for the ordinary lock.
//!
//! - In an *open* lock, the reader executes the barrier: one atomic operation on a cache line of
//!   its own.
//! - In a *biased* lock, the writer executes the barrier on behalf of all threads
//!   (`membarrier(2)`), which takes 0.1 to 2.5 µs. The lock then becomes open. It becomes biased
//!   again after [`READS_IN_A_ROW`] reads without a write.
//! - If the kernel later refuses that barrier, for example because of a seccomp filter, the writer
//!   executes a slow barrier once, and no lock becomes biased again.
//!
//! Biased locks with announced readers are from Dice and Kogan, "BRAVO: Biased Locking for
//! Reader-Writer Locks", USENIX ATC 2019.
#![allow(unsafe_code, reason = "a measured gain, argued above")]

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::{
    AtomicU8, AtomicU32, AtomicUsize, MAX_THREADS, Ordering, READS_COUNTED, READS_IN_A_ROW, RwLock, RwLockReadGuard,
    RwLockWriteGuard, ThreadIndex, claimed_thread_indexes, full_barrier, has_full_barrier, is_withdrawn, light_barrier,
    yield_now,
};

/// The reader cell of one thread index, on cache lines of its own.
#[repr(align(128))]
struct ReaderCell {
    /// Address of the announced lock, or 0.
    announced: AtomicUsize,
    /// Number of reads of open locks by this thread.
    reads: AtomicU32,
}

static READERS: [ReaderCell; MAX_THREADS] =
    [const { ReaderCell { announced: AtomicUsize::new(0), reads: AtomicU32::new(0) } }; MAX_THREADS];

/// The lock is open: readers execute a barrier.
const OPEN: u8 = 0;
/// The lock is biased: readers execute no barrier.
const BIASED: u8 = 1;
/// A writer is active, or waits for readers.
const WRITING: u8 = 2;

/// A value behind a biased lock. The fields are declared in memory order: the lock is next to the
/// first fields of the value.
#[repr(C)]
pub(crate) struct BiasedLock<T> {
    state: AtomicU8,
    can_be_biased: bool,
    /// Approximate number of reads since the last write, while the lock is open.
    reads: AtomicU32,
    lock: RwLock,
    value: UnsafeCell<T>,
}

// SAFETY: as for any reader-writer lock. The lock gives `&T` to several threads at once, and
// `&mut T` to one thread at a time.
unsafe impl<T: Send + Sync> Sync for BiasedLock<T> {}

/// A shared guard whose reader has announced the lock.
pub(crate) struct Announced<'a, T> {
    lock: &'a BiasedLock<T>,
    reader: &'static ReaderCell,
}

/// A shared guard.
pub(crate) enum ReadGuard<'a, T> {
    Announced(Announced<'a, T>),
    Locked { lock: &'a BiasedLock<T>, _held: RwLockReadGuard<'a, ()> },
}

/// An exclusive guard.
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

    /// Locks for reading by an announcement. `thread` is the calling thread's index. Returns `None` if
    /// a writer is active, or if the thread already reads another lock.
    #[inline]
    pub(crate) fn read_announced(&self, thread: ThreadIndex) -> Option<Announced<'_, T>> {
        let reader = &READERS[thread.index()];
        // The thread reads another lock, and a cell holds one announcement.
        if reader.announced.load(Ordering::Relaxed) != 0 {
            return None;
        }
        // The store is a release: a writer of the lock that was announced before may see this address
        // instead of 0, and then has to see the earlier reads as done.
        reader.announced.store(self.address(), Ordering::Release);
        // The writer's barrier comes before or after this store. If it comes before, the load below
        // sees the writer. If it comes after, the writer sees the announcement.
        light_barrier();
        if self.state.load(Ordering::Acquire) == BIASED || self.is_open(reader) {
            return Some(Announced { lock: self, reader });
        }
        reader.announced.store(0, Ordering::Release);
        None
    }

    /// Completes an announcement with a barrier, and returns whether no writer is active.
    #[cold]
    #[inline(never)]
    fn is_open(&self, reader: &ReaderCell) -> bool {
        // This check is cheaper than the barrier below.
        if self.state.load(Ordering::Relaxed) == WRITING {
            return false;
        }
        reader.announced.swap(self.address(), Ordering::SeqCst);
        if self.state.load(Ordering::SeqCst) == WRITING {
            return false;
        }
        // Only one read in [`READS_COUNTED`] writes to the shared count.
        let own = reader.reads.load(Ordering::Relaxed).wrapping_add(1);
        reader.reads.store(own, Ordering::Relaxed);
        if own.is_multiple_of(READS_COUNTED) {
            self.count_reads();
        }
        true
    }

    /// Locks for reading, and waits for a writer if needed. `thread` is the calling thread's index.
    pub(crate) fn read(&self, thread: Option<ThreadIndex>) -> ReadGuard<'_, T> {
        let announced = thread.and_then(|thread| self.read_announced(thread));
        announced.map_or_else(|| ReadGuard::Locked { lock: self, _held: self.lock.read() }, ReadGuard::Announced)
    }

    fn count_reads(&self) {
        if !self.can_be_biased || is_withdrawn() {
            return;
        }
        // Concurrent additions may be lost; the count need not be exact.
        let reads = self.reads.load(Ordering::Relaxed).saturating_add(READS_COUNTED);
        self.reads.store(reads, Ordering::Relaxed);
        if reads >= READS_IN_A_ROW {
            // An open lock has no writer, and the next writer sees the bias.
            let _ = self.state.compare_exchange(OPEN, BIASED, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        let held = self.lock.write();
        let before = self.state.swap(WRITING, Ordering::SeqCst);
        let guard = WriteGuard { lock: self, _held: held };
        if before == BIASED {
            full_barrier();
        }
        // A thread that claims an index after this count sees the writer.
        for reader in &READERS[..claimed_thread_indexes()] {
            while reader.announced.load(Ordering::SeqCst) == self.address() {
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
        // SAFETY: the announcement was made while no writer was active, and the next writer waits
        // until it is withdrawn.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> Drop for Announced<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // A writer that sees this store sees all reads as done.
        self.reader.announced.store(0, Ordering::Release);
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Announced(announced) => announced,
            // SAFETY: this guard holds the ordinary lock shared, which a writer holds exclusively.
            Self::Locked { lock, .. } => unsafe { &*lock.value.get() },
        }
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: as in `deref_mut`.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the ordinary lock is held exclusively, so there is no other writer and no reader
        // that holds it. The lock is marked as written and all earlier announcements were awaited, so
        // there is no announced reader.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        // A thread that sees this store sees the write.
        self.lock.state.store(OPEN, Ordering::Release);
    }
}

impl<T> fmt::Debug for BiasedLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_biased = self.state.load(Ordering::Relaxed) == BIASED;
        f.debug_struct("BiasedLock").field("is_biased", &is_biased).finish_non_exhaustive()
    }
}
