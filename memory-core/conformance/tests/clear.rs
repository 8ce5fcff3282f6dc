//! Deletion of the suite's records from a shared database.

use std::sync::Arc;

use memory_conformance::{Suite, clear, marked, run};
use memory_core::{
    Episode, Error, Filter, Heuristic, InMemoryStorage, MemoryStorageExt, Pattern, PatternKind, Store, TaskContext,
};

fn own(rest: u64) -> Heuristic {
    let mut heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
    heuristic.id = marked(rest);
    heuristic
}

/// Runs the whole suite on one storage that is cleared before each case, by
/// which every record of every case is recognised.
#[tokio::test]
async fn every_case_passes_on_one_shared_database() {
    let shared = Arc::new(InMemoryStorage::new());
    let factory = async || {
        clear(&shared).await?;
        Ok(Arc::clone(&shared))
    };
    run(factory).await.assert_passed();
    clear(&shared).await.unwrap();
    assert_eq!(shared.count(&Filter::<Episode>::all(), None).await.unwrap().total, 0);
    assert_eq!(shared.count(&Filter::<Pattern>::all(), None).await.unwrap().total, 0);
    assert_eq!(shared.count(&Filter::<Heuristic>::all(), None).await.unwrap().total, 0);
}

#[tokio::test]
async fn clear_deletes_what_the_suite_made_and_counts_it() {
    let storage = InMemoryStorage::new();
    storage.store_heuristics_batch(&(0..2_500).map(own).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(clear(&storage).await.unwrap(), 2_500);
    assert_eq!(clear(&storage).await.unwrap(), 0);
}

#[tokio::test]
async fn clear_refuses_a_database_with_a_foreign_record_and_deletes_nothing() {
    let storage = InMemoryStorage::new();
    storage.store_heuristic(&own(1)).await.unwrap();
    let kind = PatternKind::ErrorRecovery { error_type: "403".to_owned(), recovery_steps: Vec::new() };
    let foreign = Pattern::new(TaskContext::new("web"), kind);
    storage.store_pattern(&foreign).await.unwrap();

    let error = clear(&storage).await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }), "{error}");
    assert!(error.to_string().contains(&format!("pattern {}", foreign.id)), "{error}");
    assert!(storage.get_pattern(foreign.id).await.unwrap().is_some());
    assert!(storage.get_heuristic(own(1).id).await.unwrap().is_some());

    let refusing = async || clear(&storage).await.map(|_| InMemoryStorage::new());
    let report = Suite::new(refusing).only("put_").run().await;
    assert!(report.passed().is_empty());
    assert!(report.failed().iter().all(|failed| failed.reason.contains("did not make")), "{report}");
}
