//! Tests of the cache's own modules over shuttle's primitives, in thousands of schedules.
#![allow(clippy::unwrap_used, reason = "a failure is the test's")]
#![allow(dead_code, unused_imports, unreachable_pub, reason = "not all of the modules is used here")]

#[path = "../../src/cache/mod.rs"]
mod cache;
mod sync;

use std::sync::Arc;
use std::time::Duration;

use cache::{AdaptiveCache, AdaptiveCacheConfig, ManualClock};
use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

/// Number of schedules of each scenario.
const SCHEDULES: usize = 20_000;

type Cache = AdaptiveCache<u32, u64, ManualClock>;

/// Creates a cache in two shards, in which each value is its own weight.
fn cache(max_entries: usize, max_weight: u64) -> (Arc<Cache>, ManualClock) {
    let clock = ManualClock::default();
    let config = AdaptiveCacheConfig { max_entries, max_weight, ..AdaptiveCacheConfig::default() };
    let builder = AdaptiveCache::builder(config.with_lifetimes(Duration::from_millis(100)));
    let cache = builder.weigher(|_, weight| *weight).clock(clock.clone()).seed(1).shards(2).build().unwrap();
    (Arc::new(cache), clock)
}

fn assert_consistent(cache: &Cache, max_entries: usize, max_weight: u64) {
    let entries = cache.entries();
    assert_eq!(entries.len(), cache.len());
    assert_eq!(entries.iter().map(|(_, weight)| weight).sum::<u64>(), cache.weight());
    assert!(cache.len() <= max_entries && cache.weight() <= max_weight, "{cache:?}");
}

fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// A thread finds what it inserted until it removes it, whatever other threads do to other keys
/// of the same shards. No thread finds a value that was never inserted.
fn nothing_is_lost_and_nothing_made_up() {
    let (cache, _) = cache(100, 1_000);
    let owners = [1_u32, 2].map(|key| {
        let cache = Arc::clone(&cache);
        thread::spawn(move || {
            for round in 0..2_u64 {
                let value = u64::from(key) * 10 + round;
                assert!(cache.insert(key, value));
                assert_eq!(cache.get(&key), Some(value));
                if round == 0 {
                    assert_eq!(cache.remove_if(&key, |present| *present != value), None);
                    assert_eq!(cache.remove(&key), Some(value));
                    assert_eq!(cache.get(&key), None);
                }
            }
        })
    });
    let reader = {
        let cache = Arc::clone(&cache);
        thread::spawn(move || {
            for key in [1, 2, 1, 2] {
                let valid = [u64::from(key) * 10, u64::from(key) * 10 + 1];
                assert!(cache.get(&key).is_none_or(|value| valid.contains(&value)));
            }
        })
    };
    join(owners.into_iter().chain([reader]));
    assert_consistent(&cache, 100, 1_000);
    assert_eq!([cache.get(&1), cache.get(&2)], [Some(11), Some(21)]);
    let stats = cache.stats();
    assert_eq!((stats.insertions, stats.evictions, stats.expirations, stats.rejected), (4, 0, 0, 0));
}

/// Concurrent insertions of random weights end within the bounds.
fn no_bound_is_exceeded_once_insertions_are_done() {
    let (cache, _) = cache(3, 50);
    let threads = (0..8_u32).map(|thread| {
        let cache = Arc::clone(&cache);
        thread::spawn(move || {
            for _ in 0..2 {
                let key = thread_rng().gen_range(0..12);
                cache.insert(key, thread_rng().gen_range(1..=30));
                cache.get(&(key / 2));
            }
            if thread == 3 {
                cache.clear();
            }
        })
    });
    join(threads.collect::<Vec<_>>());
    assert_consistent(&cache, 3, 50);
    // A value of the whole bound evicts all other entries.
    assert!(cache.insert(100, 50));
    assert_eq!((cache.get(&100), cache.len()), (Some(50), 1));
}

/// Entries expire and are renewed while threads read, replace and remove them.
fn an_expired_entry_is_expired_for_every_thread() {
    let (cache, clock) = cache(100, 1_000);
    cache.insert(1, 1);
    cache.get(&1);
    // The first term ended and earned another, which ends unread.
    clock.advance(Duration::from_millis(56));
    let readers = (0..2).map(|_| {
        let cache = Arc::clone(&cache);
        thread::spawn(move || assert!(cache.get(&1).is_some_and(|value| value <= 2)))
    });
    let writer = {
        let cache = Arc::clone(&cache);
        thread::spawn(move || assert!(cache.insert(1, 2)))
    };
    join(readers.chain([writer]).collect::<Vec<_>>());
    clock.advance(Duration::from_millis(101));
    let readers = (0..2).map(|_| {
        let cache = Arc::clone(&cache);
        thread::spawn(move || assert_eq!(cache.get(&1), None))
    });
    join(readers.collect::<Vec<_>>());
    assert!(cache.is_empty());
    assert_eq!(cache.stats().expirations, 1);
}

/// Inserts an entry, advances to the last millisecond of its term, and starts a reader that may
/// read the time before the term ends and count its read afterwards.
fn a_late_read(clock: &ManualClock, cache: &Arc<Cache>) -> thread::JoinHandle<()> {
    cache.insert(1, 1);
    clock.advance(Duration::from_millis(44));
    let cache = Arc::clone(cache);
    thread::spawn(move || assert!(cache.get(&1).is_none_or(|value| value == 1)))
}

/// If one lookup found an entry expired, no later lookup returns it, whatever an earlier lookup
/// counts in the meantime.
fn an_entry_that_was_found_expired_stays_expired() {
    let (cache, clock) = cache(100, 1_000);
    let late = a_late_read(&clock, &cache);
    let observers = (0..2).map(|_| {
        let (cache, clock) = (Arc::clone(&cache), clock.clone());
        thread::spawn(move || {
            clock.advance(Duration::from_millis(12));
            if cache.get(&1).is_none() {
                assert_eq!(cache.get(&1), None);
            }
        })
    });
    join(observers.chain([late]).collect::<Vec<_>>());
}

/// An invalidation removes living and expired entries: no late read renews an entry that it
/// skipped.
fn an_invalidation_leaves_nothing_that_a_late_read_renews() {
    for by_key in [false, true] {
        let (cache, clock) = cache(100, 1_000);
        let late = a_late_read(&clock, &cache);
        let invalidation = {
            let (cache, clock) = (Arc::clone(&cache), clock.clone());
            thread::spawn(move || {
                clock.advance(Duration::from_millis(12));
                if by_key {
                    cache.entries().iter().for_each(|(key, _)| assert!(cache.remove(key).is_some()));
                } else {
                    cache.retain(|_, _| false);
                }
                assert_eq!(cache.get(&1), None);
            })
        };
        join([late, invalidation]);
        assert_eq!((cache.get(&1), cache.len(), cache.weight()), (None, 0, 0));
    }
}

/// No reader of the lock, announced or not, sees a write in progress, and no write is lost.
fn a_writer_is_alone() {
    let lock = Arc::new(sync::BiasedLock::new((0, 0)));
    let readers = (0..2).map(|_| {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            let check = |pair: &(i32, i32)| {
                let first = pair.0;
                thread::yield_now();
                assert_eq!(first, pair.1);
            };
            for round in 0..4 {
                // The last read is without an index, as for a thread beyond the maximum.
                let thread = sync::thread_index().filter(|_| round < 3);
                match thread.and_then(|thread| lock.read_announced(thread)) {
                    Some(pair) => check(&pair),
                    None => check(&lock.read(thread)),
                }
            }
        })
    });
    let writers = (0..2).map(|_| {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            for _ in 0..2 {
                let mut pair = lock.write();
                pair.0 += 1;
                thread::yield_now();
                pair.1 += 1;
            }
        })
    });
    join(readers.chain(writers).collect::<Vec<_>>());
    assert_eq!(*lock.read(None), (4, 4));
}

/// One read of a biased lock meets one write. There are few steps, so that thousands of schedules
/// contain every order of them.
fn a_read_that_needs_no_barrier_meets_a_write() {
    let lock = Arc::new(sync::BiasedLock::new((0, 0)));
    (0..sync::READS_IN_A_ROW).for_each(|_| assert_eq!(*lock.read(sync::thread_index()), (0, 0)));
    assert!(format!("{lock:?}").contains("is_biased: true"));
    let reader = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            if let Some(pair) = sync::thread_index().and_then(|thread| lock.read_announced(thread)) {
                let first = pair.0;
                thread::yield_now();
                assert_eq!(first, pair.1);
            }
        })
    };
    let writer = {
        let lock = Arc::clone(&lock);
        thread::spawn(move || {
            let mut pair = lock.write();
            pair.0 += 1;
            thread::yield_now();
            pair.1 += 1;
        })
    };
    join([reader, writer]);
    assert_eq!(*lock.read(None), (1, 1));
}

fn main() {
    let scenarios: [(&str, fn()); 7] = [
        ("nothing is lost and nothing made up", nothing_is_lost_and_nothing_made_up),
        ("no bound is exceeded once insertions are done", no_bound_is_exceeded_once_insertions_are_done),
        ("an expired entry is expired for every thread", an_expired_entry_is_expired_for_every_thread),
        ("an entry that was found expired stays expired", an_entry_that_was_found_expired_stays_expired),
        (
            "an invalidation leaves nothing that a late read renews",
            an_invalidation_leaves_nothing_that_a_late_read_renews,
        ),
        ("a writer is alone", a_writer_is_alone),
        ("a read that needs no barrier meets a write", a_read_that_needs_no_barrier_meets_a_write),
    ];
    for (name, scenario) in scenarios {
        // Half of the schedules are random, and half have few switches in unlikely places. A failing
        // schedule is printed, and `shuttle::replay` repeats it.
        shuttle::check_random(scenario, SCHEDULES / 2);
        shuttle::check_pct(scenario, SCHEDULES / 2, 3);
        println!("{SCHEDULES} schedules: {name}");
    }
}
