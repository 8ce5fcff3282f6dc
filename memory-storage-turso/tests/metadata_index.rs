//! Which queries use an index, in SQLite's own words.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use memory_core::field::{domain, metadata, metadata_path};
use memory_core::{Access, Episode, Heuristic, Pattern, Query, Store, TaskContext, TaskType};
use memory_storage_turso::TursoStorage;

fn session() -> Query<Episode> {
    Query::new().filter(metadata("session").eq("s77"))
}

async fn access(storage: &TursoStorage, query: &Query<Episode>) -> Access {
    storage.explain(query).await.unwrap().access
}

#[tokio::test]
async fn a_declared_key_is_found_by_its_index_and_needs_no_sort() {
    let storage = TursoStorage::builder().index_metadata("session").memory().await.unwrap();
    let by_number = Query::<Episode>::new().filter(metadata("session").ge(3) & domain().eq("web"));
    for query in [
        session(),
        Query::new().filter(metadata("session").is_in(["a", "b"])),
        Query::new().filter(metadata("session").eq(memory_core::Scalar::Null)),
        by_number,
    ] {
        let plan = storage.explain(&query).await.unwrap();
        assert!(matches!(plan.access, Access::Index(_)), "{plan}");
    }
    let plan = storage.explain(&session()).await.unwrap();
    assert!(plan.detail.contains("episodes_metadata_"), "{plan}");
    assert!(!plan.detail.contains("TEMP B-TREE"), "{plan}");
    let pattern = storage.explain(&Query::<Pattern>::new().filter(metadata("session").eq("s77"))).await.unwrap();
    assert!(pattern.detail.contains("patterns_metadata_"), "{pattern}");
    let heuristic = storage.explain(&Query::<Heuristic>::new().filter(metadata("session").eq("s77"))).await.unwrap();
    assert!(heuristic.detail.contains("heuristics_metadata_"), "{heuristic}");
}

#[tokio::test]
async fn other_keys_are_scanned_and_a_later_index_is_used_at_once_in_every_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let storage = TursoStorage::local(&path).await.unwrap();
    let mut episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
    episode.metadata.insert("session", "s77");
    storage.put(std::slice::from_ref(&episode)).await.unwrap();
    assert_eq!(access(&storage, &session()).await, Access::Scan);
    let other_process = TursoStorage::local(&path).await.unwrap();
    other_process.ensure_metadata_index("session").await.unwrap();
    other_process.ensure_metadata_index("session").await.unwrap();
    for storage in [&storage, &other_process] {
        assert!(matches!(access(storage, &session()).await, Access::Index(_)));
        assert_eq!(storage.query(&session()).await.unwrap().records.len(), 1);
    }
}

#[tokio::test]
async fn keys_that_cannot_have_an_index_are_scanned_and_refused_by_name() {
    let storage = TursoStorage::memory().await.unwrap();
    for key in ["", "a b", "$.x", "a[0]", "\"", "\\", "'", "x') --", "k\0", "\u{1F600}"] {
        let error = storage.ensure_metadata_index(key).await.unwrap_err();
        assert!(error.to_string().contains("index_metadata"), "{error}");
        assert_eq!(access(&storage, &Query::new().filter(metadata(key).eq(1))).await, Access::Scan, "{key:?}");
        let inside = Query::new().filter(metadata_path([key, "b"]).eq(1));
        assert_eq!(access(&storage, &inside).await, Access::Scan, "{key:?}");
    }
}

#[tokio::test]
async fn the_schemas_own_indexes_serve_time_and_domain() {
    let storage = TursoStorage::memory().await.unwrap();
    let index = |name: &str| Access::Index(name.to_owned());
    assert_eq!(access(&storage, &Query::new().filter(domain().eq("web"))).await, index("episodes_by_domain"));
    let since = Query::new().since(memory_core::Timestamp::now());
    assert_eq!(access(&storage, &since).await, index("episodes_by_time"));
    let newest = storage.explain(&Query::<Episode>::new()).await.unwrap();
    assert_eq!(newest.access, Access::Scan);
    assert!(!newest.detail.contains("TEMP B-TREE"), "{newest}");
}
