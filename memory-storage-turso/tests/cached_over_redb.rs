//! The cached storage conforms over redb.

use memory_conformance as conformance;
use memory_storage_redb::RedbStorage;
use memory_storage_turso::{CacheConfig, CachedStorage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_conforms_over_redb() {
    conformance::run(|| async { CachedStorage::new(RedbStorage::memory().await?, &CacheConfig::default()) })
        .await
        .assert_passed();
}
