//! Which queries use an index, in SQLite's own words.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use memory_core::backend::Scalar;
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
        Query::new().filter(metadata("session").eq(memory_core::backend::Scalar::Null)),
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

/// Values around everything where what an index holds could differ from them.
fn values() -> Vec<serde_json::Value> {
    let mut values = vec![
        serde_json::json!(null),
        serde_json::json!(true),
        serde_json::json!(false),
        serde_json::json!([1]),
        serde_json::json!({ "key": 1 }),
    ];
    let far = 4_000_000_000_000_000_i64;
    for integer in [0, 1, 3, far - 1, far, far + 1, 10_000_000_000_000_000, 1 << 53, (1 << 53) + 1, i64::MAX] {
        values.extend([integer.into(), (-integer).into()]);
    }
    values.push(i64::MIN.into());
    #[expect(clippy::cast_precision_loss, reason = "near it is enough")]
    let near = far as f64;
    for real in [
        0.0,
        0.25,
        0.999_999,
        1.0,
        3.0,
        2.999_999_999_999_999_6,
        3.000_000_000_000_000_4,
        1e-5,
        9.9e-6,
        1e-30,
        5e-324,
        near - 0.5,
        near,
        near + 0.5,
        9_007_199_254_740_992.0,
        9.999_999_999_999_998e15,
        1e16,
        1.000_000_000_000_000_2e16,
        1e17,
        9.223_372_036_854_775e18,
        9.223_372_036_854_776e18,
        1e19,
        1.234_567_890_123_456_7e25,
        1e300,
        f64::MAX,
    ] {
        values.extend([real.into(), (-real).into()]);
    }
    for text in ["", "a", "a\0", "a\0b", "a\u{1}", "b", "\0", "\\u0000", "1", "1e5", "key\0", "\"key\":", "\u{10ffff}"]
    {
        values.push(text.into());
    }
    values
}

fn scalar(value: &serde_json::Value) -> Option<Scalar<'static>> {
    match value {
        serde_json::Value::Null => Some(Scalar::Null),
        serde_json::Value::Bool(value) => Some((*value).into()),
        serde_json::Value::Number(number) => {
            number.as_i64().map(Into::into).or_else(|| number.as_f64().map(Into::into))
        }
        serde_json::Value::String(text) => Some(text.clone().into()),
        _ => None,
    }
}

#[tokio::test]
async fn an_index_hides_no_match_and_adds_none() {
    let values = values();
    let mut episodes: Vec<_> = values
        .iter()
        .map(|value| {
            let mut episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
            episode.metadata.insert("key", value.clone());
            episode
        })
        .collect();
    // Keys that one SQLite or another takes for `key`, with it and without.
    for keys in [&["key\0"][..], &["key", "key\0b"], &["key\0b", "nested"], &[]] {
        let mut episode = episodes[0].clone();
        episode.id = memory_core::EpisodeId::new();
        episode.metadata = memory_core::Metadata::new();
        for key in keys {
            episode.metadata.insert(*key, 3);
        }
        episode.metadata.insert("other", serde_json::json!({ "key": 3 }));
        episodes.push(episode);
    }
    let storage = TursoStorage::builder().index_metadata("key").memory().await.unwrap();
    storage.put(&episodes).await.unwrap();
    let operands: Vec<_> = values.iter().filter_map(scalar).collect();
    let field = || metadata::<Episode>("key");
    for operand in &operands {
        let same_class = operands.iter().rev().take(20).cloned().chain([operand.clone()]);
        for (test, by_index) in [
            (field().eq(operand.clone()), true),
            (field().lt(operand.clone()), *operand != Scalar::Null),
            (field().le(operand.clone()), *operand != Scalar::Null),
            (field().gt(operand.clone()), *operand != Scalar::Null),
            (field().ge(operand.clone()), *operand != Scalar::Null),
            (field().is_in([operand.clone(), Scalar::Null]), true),
            (field().is_in(same_class), true),
            (field().ne(operand.clone()), false),
        ] {
            let query = Query::<Episode>::new().filter(test.clone()).limit(1000);
            let mut found: Vec<_> = storage.query(&query).await.unwrap().records.iter().map(|found| found.id).collect();
            let mut wanted: Vec<_> =
                episodes.iter().filter(|episode| test.matches(episode)).map(|one| one.id).collect();
            found.sort_unstable();
            wanted.sort_unstable();
            assert_eq!(found, wanted, "{test:?}");
            let plan = storage.explain(&query).await.unwrap();
            assert_eq!(matches!(plan.access, Access::Index(_)), by_index, "{test:?}: {plan}");
        }
    }
}
