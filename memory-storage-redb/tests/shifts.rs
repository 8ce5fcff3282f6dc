//! Tests of the adaptation to a change of the workload, within a few capacities of lookups.
#![allow(clippy::unwrap_used, reason = "a failure is the test's")]

use fastrand::Rng;
use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig};

/// Looks `keys` up and inserts the missing ones. Returns the hit ratio in percent of every `each`
/// lookups.
fn hits(cache: &AdaptiveCache<u64, ()>, keys: impl Iterator<Item = u64>, each: usize) -> Vec<usize> {
    let hit = |key| {
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, ());
        }
        usize::from(hit)
    };
    let all: Vec<_> = keys.map(hit).collect();
    all.chunks(each).map(|part| part.iter().sum::<usize>() * 100 / part.len()).collect()
}

/// Returns a number of which lower values are more likely: one in two is below 1,250.
fn popular(random: &mut Rng) -> u64 {
    let part = random.f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of some thousands")]
    let number = (20_000.0 * part.powi(4)) as u64;
    number
}

fn loop_of(length: u64) -> impl Iterator<Item = u64> {
    ((1 << 32)..(1 << 32) + length).cycle()
}

/// Returns keys that are each looked up for a while and never again.
fn recent(mut random: Rng) -> impl Iterator<Item = u64> {
    (2_u64 << 32..).flat_map(move |newest| {
        let most = random.u64(1..900);
        let ago = random.u64(0..most);
        [newest, newest - ago, newest - ago / 2]
    })
}

fn cache(entries: usize) -> AdaptiveCache<u64, ()> {
    AdaptiveCache::builder(AdaptiveCacheConfig::with_max_entries(entries)).seed(1).build().unwrap()
}

#[test]
fn a_part_of_a_loop_is_cached_fifteen_capacities_after_a_popularity_workload() {
    for (entries, length) in [(500, 650), (500, 800), (1_000, 1_300), (3_000, 4_000)] {
        let (cache, mut random) = (cache(entries), Rng::with_seed(1));
        hits(&cache, (0..60 * entries).map(|_| popular(&mut random)), entries);
        let ratios = hits(&cache, loop_of(length).take(25 * entries), entries);
        let (most, late) = (100 * entries / usize::try_from(length).unwrap(), &ratios[15..]);
        let mean = late.iter().sum::<usize>() / late.len();
        assert!(mean * 10 >= most * 9, "{entries} of {length}, of at most {most} %: {ratios:?}");
    }
}

#[test]
fn recent_keys_are_cached_ten_capacities_after_a_loop() {
    for entries in [500, 1_000] {
        let ratio = |before: usize| {
            let cache = cache(entries);
            hits(&cache, loop_of(entries as u64 * 3 / 2).take(before * entries), entries);
            let ratios = hits(&cache, recent(Rng::with_seed(2)).take(20 * entries), entries);
            ratios[10..].iter().sum::<usize>() / 10
        };
        let (after, at_once) = (ratio(60), ratio(0));
        assert!(after + 3 >= at_once && at_once > 30, "{entries}: {after} % after a loop, {at_once} % without");
    }
}

#[test]
fn a_part_of_a_loop_is_cached_however_long_the_loop_is() {
    for times in [2_usize, 5, 10, 20] {
        let cache = cache(200);
        let ratios = hits(&cache, loop_of(200 * times as u64).take(200 * times * 40), 200 * times * 4);
        let late = ratios[5..].iter().sum::<usize>() / 5;
        assert!(late * times >= 80, "{times} times as long: {ratios:?}");
    }
}
