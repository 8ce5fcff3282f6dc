//! The primitives of `src/sync`, scheduled by shuttle.

#[path = "../../src/sync/biased.rs"]
mod biased;

pub(crate) use biased::{Announced, BiasedLock, ReadGuard, WriteGuard};
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::sync::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use shuttle::thread::yield_now;

pub(crate) struct RwLock(shuttle::sync::RwLock<()>);

impl RwLock {
    pub(crate) fn new() -> Self {
        Self(shuttle::sync::RwLock::new(()))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, ()> {
        self.0.read().unwrap()
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.write().unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

/// A low number, so that announced readers meet writers often.
pub(crate) const READS_IN_A_ROW: u32 = 2;

pub(crate) const READS_COUNTED: u32 = 1;

pub(crate) const MAX_THREADS: usize = 4;

#[derive(Clone, Copy)]
pub(crate) struct ThreadIndex(usize);

impl ThreadIndex {
    pub(crate) fn index(self) -> usize {
        self.0
    }
}

/// Some threads have an index, and some do not.
pub(crate) fn thread_index() -> Option<ThreadIndex> {
    let me = usize::from(shuttle::current::me());
    (me < MAX_THREADS).then_some(ThreadIndex(me))
}

pub(crate) fn claimed_thread_indexes() -> usize {
    MAX_THREADS
}

pub(crate) fn known_thread_index() -> Option<ThreadIndex> {
    thread_index()
}

/// shuttle is sequentially consistent, so a barrier has nothing to do.
pub(crate) fn light_barrier() {}

pub(crate) fn full_barrier() {
    yield_now();
}

pub(crate) fn has_full_barrier() -> bool {
    true
}

pub(crate) fn is_withdrawn() -> bool {
    false
}

/// Marks nothing: all of shuttle's threads are one thread to the standard library.
pub(crate) struct Inside;

impl Inside {
    pub(crate) fn enter(_: usize) -> Self {
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {}
}
