//! Random histories over the cached storage: no answer is older than it may be.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "coherence_history/aside.rs"]
mod aside;

use aside::CacheAside;
use memory_conformance::history::history;
use memory_storage_turso::{CacheConfig, CachedStorage};

#[test]
fn five_hundred_histories_are_never_stale() {
    let (mut reads, mut acknowledged, mut failed) = (0, 0, 0);
    for seed in 0..500 {
        let wrap = |backend| CachedStorage::new(backend, &CacheConfig::default()).unwrap();
        let summary = history(seed, wrap).unwrap_or_else(|stale| panic!("{stale}"));
        reads += summary.reads;
        acknowledged += summary.acknowledged;
        failed += summary.failed;
    }
    println!("{reads} answers, {acknowledged} writes, {failed} failures");
    assert!(reads > 20_000 && acknowledged > 5_000 && failed > 5_000);
}

#[test]
fn small_caches_are_never_stale_either() {
    let config = CacheConfig { max_episodes: 2, max_queries: 1, ..CacheConfig::default() };
    for seed in 500..600 {
        let summary = history(seed, |backend| CachedStorage::new(backend, &config).unwrap());
        summary.unwrap_or_else(|stale| panic!("{stale}"));
    }
}

/// The usual code, which looks right: the histories are long enough to tell.
#[test]
fn the_usual_cache_is_stale_before_long() {
    let stale = (0..20).filter(|seed| history(*seed, CacheAside::new).is_err()).count();
    assert!(stale > 10, "{stale} of 20");
}
