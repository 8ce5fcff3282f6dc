//! Tests of the bounds, and of the counts that they rest on.
#![allow(clippy::unwrap_used, reason = "a failure is the test's")]

use std::collections::HashMap;
use std::sync::{Arc, Barrier, OnceLock, Weak};

use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig};
use proptest::prelude::*;

/// Creates a cache in which each value is its own weight.
fn cache(max_entries: usize, max_weight: u64) -> AdaptiveCache<u32, u64> {
    let config = AdaptiveCacheConfig { max_entries, max_weight, ..AdaptiveCacheConfig::default() };
    AdaptiveCache::builder(config).weigher(|_, weight| *weight).seed(3).build().unwrap()
}

fn assert_consistent(cache: &AdaptiveCache<u32, u64>, max_entries: usize, max_weight: u64) {
    let entries = cache.entries();
    let keys: HashMap<_, _> = entries.iter().copied().collect();
    assert_eq!(keys.len(), entries.len(), "a key is there twice");
    assert_eq!(entries.len(), cache.len());
    assert_eq!(entries.iter().map(|(_, weight)| weight).sum::<u64>(), cache.weight());
    assert!(cache.len() <= max_entries && cache.weight() <= max_weight, "{cache:?}");
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u32, u64),
    Get(u32),
    Remove(u32),
    RemoveIf(u32, u64),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..60_u32;
    let step = prop_oneof![
        30 => (key.clone(), 0..120_u64).prop_map(|(key, weight)| Step::Insert(key, weight)),
        30 => key.clone().prop_map(Step::Get),
        5 => key.clone().prop_map(Step::Remove),
        5 => (key, 0..120_u64).prop_map(|(key, weight)| Step::RemoveIf(key, weight)),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    #[test]
    fn a_value_is_the_last_inserted_or_none_and_no_bound_is_exceeded(
        steps in steps(),
        max_entries in 1..40_usize,
        max_weight in 1..1_000_u64,
    ) {
        let cache = cache(max_entries, max_weight);
        let mut last = HashMap::new();
        let mut rejected = 0;
        for step in steps {
            match step {
                Step::Insert(key, weight) => {
                    let fits = weight <= max_weight;
                    prop_assert_eq!(cache.insert(key, weight), fits);
                    rejected += u64::from(!fits);
                    if fits { last.insert(key, weight); } else { last.remove(&key); }
                    // The new entry is evicted only if other entries are inserted.
                    prop_assert!(cache.len() <= max_entries);
                }
                Step::Get(key) => {
                    let found = cache.get(&key);
                    prop_assert!(found.is_none() || found == last.get(&key).copied());
                }
                Step::Remove(key) => {
                    let removed = cache.remove(&key);
                    let known = last.remove(&key);
                    prop_assert!(removed.is_none() || removed == known);
                    prop_assert_eq!(cache.get(&key), None);
                }
                Step::RemoveIf(key, limit) => {
                    let removed = cache.remove_if(&key, |weight| *weight < limit);
                    prop_assert!(removed.is_none_or(|weight| weight < limit && last.remove(&key) == Some(weight)));
                }
                Step::Clear => {
                    cache.clear();
                    last.clear();
                    prop_assert!(cache.is_empty());
                }
            }
            assert_consistent(&cache, max_entries, max_weight);
        }
        prop_assert_eq!(cache.stats().rejected, rejected);
    }
}

#[test]
fn a_value_of_a_tenth_of_the_budget_is_admitted_to_a_full_cache_of_many_shards() {
    let (entries, weight) = (20_000, 2_000_000);
    let cache = cache(entries, weight);
    (0..40_000).for_each(|key| assert!(cache.insert(key, 100)));
    for key in 100_000..100_020 {
        assert!(cache.insert(key, weight / 10));
        assert_eq!(cache.get(&key), Some(weight / 10));
        assert_consistent(&cache, entries, weight);
    }
    assert!(cache.insert(1, weight), "a value as heavy as the whole budget");
    assert_consistent(&cache, entries, weight);
    assert!(!cache.insert(2, weight + 1));
    assert!(!cache.insert(3, u64::MAX));
    assert_eq!(cache.stats().rejected, 2);
}

#[test]
fn the_highest_bounds_limit_nothing() {
    let unweighed = cache(10, u64::MAX);
    (0..100).for_each(|key| assert!(unweighed.insert(key, u64::from(u32::MAX))));
    assert_eq!(unweighed.len(), 10);
    let uncounted = cache(usize::MAX, 10);
    (0..100).for_each(|key| assert!(uncounted.insert(key, 1)));
    assert_eq!(uncounted.len(), 10);
}

#[test]
fn weights_beyond_32_bits_are_counted_exactly() {
    let cache = cache(10, u64::MAX);
    let heavy = [1 << 32, (1 << 32) + 7, u64::from(u32::MAX), 1 << 55];
    for (key, weight) in (0..).zip(heavy) {
        cache.insert(key, 3);
        assert!(cache.insert(key, weight));
        assert_eq!(cache.get(&key), Some(weight));
    }
    assert_eq!(cache.weight(), heavy.iter().sum::<u64>());
    assert_eq!(cache.remove(&1), Some((1 << 32) + 7));
    assert_consistent(&cache, 10, 1 << 56);
    // The maximum total weight, which is below the configured bound.
    assert!(cache.insert(9, 1 << 56));
    assert_eq!((cache.len(), cache.weight(), cache.get(&9)), (1, 1 << 56, Some(1 << 56)));
    assert!(!cache.insert(8, (1 << 56) + 1) && !cache.insert(8, u64::MAX));
    assert_consistent(&cache, 10, 1 << 56);
}

#[test]
fn eight_threads_of_random_weights_leave_no_bound_exceeded() {
    for (max_entries, max_weight) in [(5_000, 60_000), (300, u64::MAX), (8_000, 9_000)] {
        let cache = cache(max_entries, max_weight);
        let max_weight = max_weight.min(1 << 56);
        for round in 0..4 {
            let barrier = Barrier::new(8);
            std::thread::scope(|scope| {
                for thread in 0..8 {
                    let (cache, barrier) = (&cache, &barrier);
                    scope.spawn(move || {
                        let mut random = fastrand::Rng::with_seed(round * 8 + thread);
                        barrier.wait();
                        for _ in 0..5_000 {
                            let key = random.u32(0..12_000);
                            match random.u8(0..10) {
                                0 => drop(cache.remove(&key)),
                                1 => drop(cache.remove_if(&key, |weight| weight % 2 == 0)),
                                2..5 => drop(cache.get(&key)),
                                _ if random.u16(..) == 0 => cache.clear(),
                                // An occasional heavy value evicts from several shards.
                                5 if random.u8(..) == 0 => drop(cache.insert(key, max_weight / 10)),
                                _ => drop(cache.insert(key, random.u64(0..40))),
                            }
                        }
                    });
                }
            });
            assert_consistent(&cache, max_entries, max_weight);
        }
        let stats = cache.stats();
        assert_eq!((stats.entries, stats.weight), (cache.len() as u64, cache.weight()));
        assert!(stats.insertions > 50_000 && stats.evictions > 0);
    }
}

/// A value that calls its cache when it is dropped. The call would deadlock under a lock.
#[derive(Clone)]
struct Returning(Weak<OnceLock<AdaptiveCache<u32, Returning>>>);

impl Drop for Returning {
    fn drop(&mut self) {
        if let Some(cache) = self.0.upgrade()
            && let Some(cache) = cache.get()
        {
            (0..4).for_each(|key| assert!(cache.with(&key, |_| ()).is_some() || cache.len() < 5));
        }
    }
}

#[test]
fn values_are_dropped_outside_the_locks() {
    let place = Arc::new(OnceLock::new());
    let cache = place.get_or_init(|| AdaptiveCache::new(AdaptiveCacheConfig::with_max_entries(4)).unwrap());
    let value = || Returning(Arc::downgrade(&place));
    (0..100).for_each(|key| assert!(cache.insert(key, value())));
    assert!(cache.insert(99, value()));
    drop(cache.remove(&99));
    assert!(!cache.insert_weighing(1, value(), u64::MAX, cache.now()));
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn a_key_that_is_inserted_and_removed_repeatedly_takes_no_more_memory() {
    let cache = cache(10_000, 1 << 40);
    (0..1_000).for_each(|key| assert!(cache.insert(key, 1)));
    // Without removal of dangling nodes, the queue would grow with each round.
    for _ in 0..2_000_000 {
        cache.insert(5_000, 1);
        cache.remove(&5_000);
    }
    assert_consistent(&cache, 10_000, 1 << 40);
}

/// Reads until the locks are biased.
fn use_for_a_while(cache: &AdaptiveCache<u32, u64>) {
    (0..2_000).for_each(|_| assert!(cache.get(&1).is_some()));
}

#[test]
fn a_panic_of_a_reader_releases_the_lock() {
    let cache = cache(100, 1_000);
    for round in 0..4 {
        cache.insert(1, round);
        if round % 2 == 1 {
            use_for_a_while(&cache);
        }
        let read = std::panic::AssertUnwindSafe(|| cache.with(&1, |_| panic!("on purpose")));
        assert!(std::panic::catch_unwind(read).is_err());
        assert_eq!(cache.get(&1), Some(round));
    }
    assert_eq!(cache.remove(&1), Some(3));
}

#[test]
fn one_cache_can_be_read_inside_another() {
    let (outer, inner) = (cache(100, 1_000), cache(100, 1_000));
    for round in 0..4 {
        for cache in [&outer, &inner] {
            cache.insert(1, round);
            if round % 2 == 1 {
                use_for_a_while(cache);
            }
        }
        let both = outer.with(&1, |value| (*value, inner.get(&1), inner.with(&1, |inner| *inner)));
        assert_eq!(both, Some((round, Some(round), Some(round))));
    }
}

#[test]
fn more_threads_than_can_announce_their_reads_see_whole_values() {
    let config = AdaptiveCacheConfig::with_max_entries(100);
    let cache: AdaptiveCache<u32, [u64; 4]> = AdaptiveCache::builder(config).seed(5).build().unwrap();
    let barrier = Barrier::new(48);
    std::thread::scope(|scope| {
        for thread in 0..48_u64 {
            let (cache, barrier) = (&cache, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for number in 0..2_000 {
                    let key = u32::try_from(number % 7).unwrap();
                    if number % 50 == thread {
                        cache.insert(key, [number; 4]);
                    } else if let Some(value) = cache.get(&key) {
                        assert_eq!(value, [value[0]; 4]);
                    }
                }
            });
        }
    });
    assert_eq!(cache.len(), 7);
}
