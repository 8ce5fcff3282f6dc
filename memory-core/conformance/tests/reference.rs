//! The suite on the reference backend, directly and behind pointers.

use std::collections::HashSet;
use std::sync::Arc;

use memory_conformance::{Suite, names, run};
use memory_core::{InMemoryStorage, MemoryStorage};

#[tokio::test]
async fn the_reference_backend_passes_every_case() {
    let report = run(|| async { Ok(InMemoryStorage::new()) }).await;
    report.assert_passed();
    assert_eq!(report.passed(), names());
}

/// Forwarding passes on every operation, also on a runtime of several threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_behind_pointers_passes_every_case() {
    let behind_pointers = || async { Ok(Box::new(Arc::new(InMemoryStorage::new())) as Box<dyn MemoryStorage>) };
    run(behind_pointers).await.assert_passed();
}

#[tokio::test]
async fn an_arc_of_any_storage_passes() {
    let shared = || async { Ok(Arc::new(InMemoryStorage::new()) as Arc<dyn MemoryStorage>) };
    for theme in ["put_", "get_", "delete_", "commit_", "count_", "explain_", "pages_"] {
        Suite::new(shared).only(theme).run().await.assert_passed();
    }
}

#[test]
fn there_are_at_least_sixty_cases_each_with_a_name_of_its_own() {
    let names = names();
    assert!(names.len() >= 60, "{}", names.len());
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    for name in names {
        assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')), "{name}");
    }
}
