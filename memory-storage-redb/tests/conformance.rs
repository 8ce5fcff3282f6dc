//! The conformance suite on each way to open a storage.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use memory_conformance as conformance;
use memory_core::MemoryStorage;
use memory_storage_redb::{RedbBuilder, RedbStorage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let number = AtomicUsize::new(0);
    let open = || RedbStorage::open(folder.path().join(format!("{}.redb", number.fetch_add(1, Ordering::Relaxed))));
    conformance::run(open).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_memory_conforms() {
    conformance::run(RedbStorage::memory).await.assert_passed();
}

#[tokio::test]
async fn a_storage_behind_pointers_conforms_on_one_thread() {
    let shared = || async { Ok(Arc::new(RedbStorage::memory().await?) as Arc<dyn MemoryStorage>) };
    conformance::run(shared).await.assert_passed();
}

/// Every metadata key of the suite that can have an index has one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_and_a_small_cache_change_no_answer() {
    let open = || {
        let keys = ["session", "priority", "a.b", "k", "key", "n", "x", "a", "b", "p", "0"];
        keys.into_iter().fold(RedbStorage::builder().cache_size(0), RedbBuilder::index_metadata).memory()
    };
    conformance::run(open).await.assert_passed();
}
