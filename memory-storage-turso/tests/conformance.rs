//! The conformance suite on each way to open a storage.

use std::sync::atomic::{AtomicUsize, Ordering};

use memory_conformance as conformance;
use memory_storage_turso::{BatchConfig, TursoBuilder, TursoStorage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let number = AtomicUsize::new(0);
    let open = || TursoStorage::local(folder.path().join(format!("{}.db", number.fetch_add(1, Ordering::Relaxed))));
    conformance::run(open).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_memory_conforms() {
    conformance::run(TursoStorage::memory).await.assert_passed();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_and_small_parts_change_no_answer() {
    let open = || {
        let batch = BatchConfig { batch_size: 2, ..BatchConfig::default() };
        let keys = ["session", "priority", "a.b", "k", "key"];
        keys.into_iter().fold(TursoStorage::builder().batch(batch), TursoBuilder::index_metadata).memory()
    };
    conformance::run(open).await.assert_passed();
}
