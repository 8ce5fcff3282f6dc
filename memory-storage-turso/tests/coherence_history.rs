//! Random histories over the cached storage: no answer is older than it may be.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "coherence_history/aside.rs"]
mod aside;

use std::time::Duration;

use aside::CacheAside;
use memory_conformance::history::{Time, history};
use memory_storage_redb::{Clock, Moment};
use memory_storage_turso::{CacheConfig, CachedStorage};

/// The time of a history, in which lookups are held up.
struct HistoryClock(Time);

impl Clock for HistoryClock {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.now())
    }

    fn latest(&self) -> Moment {
        Moment::from_millis(self.0.look())
    }
}

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

/// Entries die and are renewed in the course of a history, while lookups are held up.
#[test]
fn caches_whose_entries_die_are_never_stale_either() {
    for (seeds, ttl) in [(1_000..1_200, 2_000), (1_200..1_400, 600)] {
        let ttl = Duration::from_millis(ttl);
        let config = CacheConfig { episode_ttl: ttl, query_ttl: ttl, ..CacheConfig::default() };
        for seed in seeds {
            let summary = history(seed, |backend| {
                let clock = HistoryClock(backend.time());
                CachedStorage::with_clock(backend, &config, clock).unwrap()
            });
            summary.unwrap_or_else(|stale| panic!("{stale}"));
        }
    }
}

/// The usual code, which looks right: the histories are long enough to tell.
#[test]
fn the_usual_cache_is_stale_before_long() {
    let stale = (0..20).filter(|seed| history(*seed, CacheAside::new).is_err()).count();
    assert!(stale > 10, "{stale} of 20");
}
