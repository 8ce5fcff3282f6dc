//! Writes of unknown outcome. Until one is over, nothing that it may change is
//! cached; it is over once it was settled, or a later write was acknowledged
//! that fenced it off.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use memory_core::backend::ByKind;
use memory_core::{MemoryStorage, WriteId};
use tokio::runtime::Handle;

use super::kind::Begun;
use super::shared::Shared;
use crate::metrics::error_kind;

/// The pauses between attempts to settle: the first, and their limit.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));
/// Indeterminate writes that one write fences off. Where there are more, they are
/// settled before the next write begins. A storage across a network does not
/// count so many fences against the largest request.
const MAX_FENCES: usize = 64;

/// The doubts of one storage.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    open: Mutex<Open>,
    /// Whether a task is at work on them.
    settling: AtomicBool,
}

#[derive(Debug, Default)]
struct Open {
    doubts: Vec<Doubt>,
    next: u64,
}

/// A write of unknown outcome. Its number tells apart attempts under one id.
#[derive(Debug)]
pub(super) struct Doubt {
    number: u64,
    id: WriteId,
    pub(super) begun: ByKind<Begun>,
}

/// Doubts that a settlement or a fence, begun now, will end.
#[derive(Debug, Default)]
pub(super) struct Ending {
    numbers: Vec<u64>,
    pub(super) ids: Vec<WriteId>,
}

impl Doubts {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, id: WriteId, begun: ByKind<Begun>) {
        let mut open = self.open();
        let number = open.next;
        open.next += 1;
        open.doubts.push(Doubt { number, id, begun });
    }

    /// The doubts about writes for which `chosen` holds.
    pub(super) fn ending(&self, chosen: impl Fn(WriteId) -> bool) -> Ending {
        let mut ending = Ending::default();
        for doubt in self.open().doubts.iter().filter(|doubt| chosen(doubt.id)) {
            ending.numbers.push(doubt.number);
            ending.ids.push(doubt.id);
        }
        ending
    }

    /// Takes out those that are over. Each is given to one caller alone, so
    /// that it is ended once.
    pub(super) fn take(&self, ending: &Ending) -> Vec<Doubt> {
        self.open().doubts.extract_if(.., |doubt| ending.numbers.binary_search(&doubt.number).is_ok()).collect()
    }

    /// Returns whether one write can fence off all of them.
    pub(super) fn are_few(&self) -> bool {
        self.len() <= MAX_FENCES
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.open().doubts.len()
    }
}

impl<S: MemoryStorage> Shared<S> {
    /// Sees to it that a task is at work on the doubts, if there are any and a
    /// runtime to work on. Without one, the next write fences them off.
    pub(super) fn settle_soon(self: &Arc<Self>) {
        if self.doubts.len() == 0 || self.doubts.settling.swap(true, Ordering::SeqCst) {
            return;
        }
        let settling = Settling(Arc::downgrade(self));
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(settling.run());
        }
    }

    /// Ends what a settlement or a fence has ended.
    pub(super) fn resolve(&self, ending: &Ending) {
        for doubt in self.doubts.take(ending) {
            self.caches.end(&doubt.begun, None);
        }
    }
}

/// The task's claim to be the only one, given up however it ends.
struct Settling<S: MemoryStorage>(Weak<Shared<S>>);

impl<S: MemoryStorage> Settling<S> {
    async fn run(self) {
        let mut pause = PAUSES.0;
        while let Some(shared) = self.0.upgrade() {
            let ending = shared.doubts.ending(|_| true);
            if ending.ids.is_empty() {
                // A doubt that came since has found this task at work.
                drop(self);
                shared.settle_soon();
                return;
            }
            match shared.storage.settle(&ending.ids).await {
                Ok(()) => {
                    shared.resolve(&ending);
                    pause = PAUSES.0;
                }
                Err(error) => {
                    let reason = error_kind(&error);
                    tracing::debug!(writes = ending.ids.len(), reason, "writes of unknown outcome are not settled yet");
                    drop(shared);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        }
    }
}

impl<S: MemoryStorage> Drop for Settling<S> {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            shared.doubts.settling.store(false, Ordering::SeqCst);
        }
    }
}
