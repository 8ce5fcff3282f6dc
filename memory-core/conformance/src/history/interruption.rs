//! Writes that begin while a lookup is delayed.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use fastrand::Rng;
use memory_core::MemoryStorage;
use tokio::task::JoinHandle;

use super::lock::lock;
use super::record::History;
use super::task::Task;

/// The writes that began during lookups. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Interruptions(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Interruptions {
    /// Begins a write at each call: the call polls it once, and the runtime
    /// finishes it. Holds the storage weakly, since the storage's clock holds
    /// this value.
    pub(super) fn begin<S: MemoryStorage>(
        &self,
        storage: &Arc<S>,
        history: &Arc<History>,
        rng: Rng,
    ) -> impl Fn() + Send + Sync + 'static {
        let (begun, storage, history) = (Arc::clone(&self.0), Arc::downgrade(storage), Arc::clone(history));
        let rng = Mutex::new(rng);
        move || {
            let Some(storage) = storage.upgrade() else { return };
            let task = Task::new(storage, Arc::clone(&history), lock(&rng).fork());
            let mut write = Box::pin(task.write_once());
            // The runtime polls the task again.
            if pin!(&mut write).poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                lock(&begun).push(tokio::spawn(write));
            }
        }
    }

    /// Waits for all writes. Returns the message of a write that panicked.
    pub(super) async fn end(&self) -> Option<String> {
        loop {
            let next = lock(&self.0).pop()?;
            if let Err(panic) = next.await {
                return Some(panic.to_string());
            }
        }
    }
}
