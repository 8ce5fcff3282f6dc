//! Files that earlier versions wrote are read by this one.
//!
//! `golden/` holds a file of each version of the schema, and its records as
//! JSON. With `MEMORY_WRITE_GOLDEN=1`, the test first writes the files of the
//! present version; that is for a new version alone, since files of a version
//! that is in use never change.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use memory_conformance::strategy::{self, Generate};
use memory_core::field::metadata;
use memory_core::{Access, Episode, Heuristic, MemoryStorage, Pattern, Query, Record, Result, Store};
use memory_storage_redb::RedbStorage;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Records {
    episodes: Vec<Episode>,
    patterns: Vec<Pattern>,
    heuristics: Vec<Heuristic>,
}

fn golden(version: u32, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/schema_{version}.{extension}"))
}

fn some<R: Generate>() -> Vec<R> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy::records::<R>(8..9).new_tree(&mut runner).unwrap().current()
}

async fn write(version: u32) -> Result<()> {
    let mut episodes = some::<Episode>();
    for (number, episode) in episodes.iter_mut().enumerate() {
        episode.metadata.insert("session", number % 3);
    }
    let records = Records { episodes, patterns: some(), heuristics: some() };
    let path = golden(version, "redb");
    drop(fs::remove_file(&path));
    let storage = RedbStorage::builder().index_metadata("session").open(&path).await?;
    storage.put(&records.episodes).await?;
    storage.put(&records.patterns).await?;
    storage.put(&records.heuristics).await?;
    storage.compact().await?;
    storage.close().await?;
    fs::write(golden(version, "json"), serde_json::to_string_pretty(&records).unwrap()).unwrap();
    Ok(())
}

async fn holds<R: Record>(storage: &RedbStorage, records: &[R])
where
    RedbStorage: Store<R>,
{
    let ids: Vec<_> = records.iter().map(Record::id).collect();
    let found = storage.get(&ids).await.unwrap();
    for (found, record) in found.iter().zip(records) {
        assert_eq!(found.as_deref(), Some(record));
    }
    let all = storage.query(&Query::<R>::new()).await.unwrap();
    assert_eq!(all.records.len(), records.len());
}

#[tokio::test]
async fn files_of_every_version_of_the_schema_are_read() {
    let present = RedbStorage::memory().await.unwrap().health().await.unwrap().schema_version.unwrap();
    if env::var_os("MEMORY_WRITE_GOLDEN").is_some() {
        write(present).await.unwrap();
    }
    for version in 1..=present {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.redb");
        fs::copy(golden(version, "redb"), &path).unwrap();
        let records: Records = serde_json::from_slice(&fs::read(golden(version, "json")).unwrap()).unwrap();
        let storage = RedbStorage::open(&path).await.unwrap();
        holds(&storage, &records.episodes).await;
        holds(&storage, &records.patterns).await;
        holds(&storage, &records.heuristics).await;
        // Its indexes are those that this version would make, entry by entry.
        let report = storage.check().await.unwrap();
        assert!(report.is_sound(), "{report:?}");
        let session = Query::<Episode>::new().filter(metadata("session").eq(1));
        assert!(matches!(storage.explain(&session).await.unwrap().access, Access::Index(_)));
        assert_eq!(storage.query(&session).await.unwrap().records.len(), 3);
    }
}
