//! Tests of lifetimes, with clocks that the tests advance.
#![allow(clippy::unwrap_used, reason = "a failure is the test's")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig, Clock, ManualClock, Moment};
use proptest::prelude::*;

const FIRST: u64 = 400;
const SHORTEST: u64 = 100;
const LONGEST: u64 = 600;
const CAP: u64 = 1_500;
const HOT: u64 = 4;
const COLD: u64 = 1;

type Cache = AdaptiveCache<u8, u64, Arc<Ahead>>;

/// A clock whose `latest` is ahead by a number of milliseconds. It counts the calls of `now`.
struct Ahead(ManualClock, u64, Arc<AtomicU64>);

impl Clock for Ahead {
    fn now(&self) -> Moment {
        self.2.fetch_add(1, Ordering::Relaxed);
        self.0.now()
    }

    fn latest(&self) -> Moment {
        Moment::from_millis(self.0.now().as_millis() + self.1)
    }
}

fn cache(jitter: f64) -> (Cache, ManualClock) {
    cache_ahead(jitter, FIRST / 2)
}

fn cache_ahead(jitter: f64, ahead: u64) -> (Cache, ManualClock) {
    let (cache, clock, _) = cache_asking(jitter, ahead);
    (cache, clock)
}

fn cache_asking(jitter: f64, ahead: u64) -> (Cache, ManualClock, Arc<AtomicU64>) {
    let millis = Duration::from_millis;
    let config = AdaptiveCacheConfig {
        ttl: millis(FIRST),
        min_ttl: millis(SHORTEST),
        max_ttl: millis(LONGEST),
        max_age: millis(CAP),
        hot_threshold: 4,
        cold_threshold: 1,
        decay: 0.5,
        jitter,
        ..AdaptiveCacheConfig::with_max_entries(1_000)
    };
    let (clock, asked) = (ManualClock::at(Moment::from_millis(10_000)), Arc::default());
    let cache = AdaptiveCache::builder(config)
        .clock(Arc::new(Ahead(clock.clone(), ahead, Arc::clone(&asked))))
        .seed(11)
        .build()
        .unwrap();
    (cache, clock, asked)
}

/// A model of lifetimes that advances one millisecond at a time.
#[derive(Clone, Copy, Debug)]
struct Life {
    value: u64,
    read_at: u64,
    length: u64,
    ends: u64,
    reads: u64,
}

impl Life {
    fn begin(value: u64, read_at: u64) -> Self {
        Self { value, read_at, length: FIRST, ends: read_at + FIRST, reads: 0 }
    }

    /// Returns the lifetime after the millisecond that ends at `now`, or `None` if it is over.
    fn tick(mut self, now: u64) -> Option<Self> {
        if now < self.ends {
            return Some(self);
        }
        if self.reads == 0 || now >= self.read_at + CAP {
            return None;
        }
        // A length is changed only within the limits, and clamped when it is used.
        if self.reads >= HOT && self.length < LONGEST {
            self.length *= 2;
        } else if self.reads <= COLD && self.length > SHORTEST {
            self.length /= 2;
        }
        self.reads /= 2;
        self.ends = (now + self.length.clamp(SHORTEST, LONGEST)).min(self.read_at + CAP);
        Some(self)
    }

    fn read(&mut self) -> u64 {
        self.reads = (self.reads + 1).min(HOT);
        self.value
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert { key: u8, ago: u64 },
    Get(u8),
    Remove(u8),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..4_u8;
    let step = prop_oneof![
        2 => (key.clone(), 0..600_u64).prop_map(|(key, ago)| Step::Insert { key, ago }),
        12 => key.clone().prop_map(Step::Get),
        1 => key.prop_map(Step::Remove),
        6 => (0..250_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_answer_is_the_model_s(steps in steps(), ahead in prop_oneof![Just(0), 0..2 * CAP]) {
        let (cache, clock) = cache_ahead(0.0, ahead);
        let mut model = HashMap::<u8, Life>::new();
        let mut now = clock.now().as_millis();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert { key, ago } => {
                    let value = number as u64;
                    let taken = cache.insert_read_at(key, value, Moment::from_millis(now - ago));
                    prop_assert_eq!(taken, ago < FIRST);
                    model.remove(&key);
                    if taken {
                        model.insert(key, Life::begin(value, now - ago));
                    }
                }
                Step::Get(key) => prop_assert_eq!(cache.get(&key), model.get_mut(&key).map(Life::read)),
                Step::Remove(key) => prop_assert_eq!(cache.remove(&key), model.remove(&key).map(|life| life.value)),
                Step::Wait(millis) => {
                    clock.advance(Duration::from_millis(millis));
                    for _ in 0..millis {
                        now += 1;
                        model = model.into_iter().filter_map(|(key, life)| Some((key, life.tick(now)?))).collect();
                    }
                }
            }
            let mut entries = cache.entries();
            entries.sort_unstable();
            let mut living: Vec<_> = model.iter().map(|(key, life)| (*key, life.value)).collect();
            living.sort_unstable();
            prop_assert_eq!(entries, living);
        }
        let stats = cache.stats();
        prop_assert_eq!(stats.evictions, 0);
        prop_assert!(stats.entries >= model.len() as u64);
    }

    #[test]
    fn a_read_never_shortens_a_life_and_none_exceeds_the_cap(reads in prop::collection::vec(0..CAP, 0..40), key: u8) {
        let life = |reads: &[u64]| {
            let (cache, clock) = cache(0.1);
            cache.insert(key, 7);
            (0..2 * CAP).find(|at| {
                reads.iter().filter(|read| *read == at).for_each(|_| assert!(cache.get(&key).is_none_or(|value| value == 7)));
                clock.advance(Duration::from_millis(1));
                cache.entries().is_empty()
            })
        };
        let unread = life(&[]).unwrap();
        let read = life(&reads).unwrap();
        prop_assert!(read >= unread, "{read} ms with reads at {reads:?}, {unread} ms without");
        prop_assert!(read < CAP, "{read} ms");
        if let Some(first) = reads.iter().min().filter(|first| **first < unread) {
            let once = life(&[*first]).unwrap();
            prop_assert!(once > unread, "{once} ms with one read at {first}, {unread} ms without");
        }
    }
}

#[test]
fn an_expired_entry_is_a_miss_and_is_counted_once() {
    let (cache, clock) = cache(0.0);
    cache.insert(1, 1);
    clock.advance(Duration::from_millis(FIRST - 1));
    assert_eq!(cache.get(&1), Some(1));
    clock.advance(Duration::from_millis(CAP));
    assert_eq!((cache.len(), cache.get(&1), cache.len(), cache.get(&1)), (1, None, 0, None));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.expirations, stats.evictions), (1, 2, 1, 0));
}

#[test]
fn only_a_read_near_the_end_of_a_term_reads_the_present_moment() {
    let (cache, clock, asked) = cache_asking(0.0, 100);
    cache.insert(1, 1);
    // The first lookup of a thread claims its index.
    assert_eq!(cache.get(&1), Some(1));
    let times = |millis, reads| {
        clock.advance(Duration::from_millis(millis));
        let before = asked.load(Ordering::Relaxed);
        assert!((0..reads).all(|_| cache.get(&1) == Some(1)));
        asked.load(Ordering::Relaxed) - before
    };
    // The first of these lookups finds the lock open.
    assert_eq!([times(0, 1), times(FIRST - 101, 2_000), times(1, 2_000), times(99, 2_000)], [0, 0, 2_000, 2_000]);
    assert_eq!([times(1, 2_000), times(LONGEST - 102, 2_000)], [1, 0]);
}

#[test]
fn insertions_remove_expired_entries_that_no_lookup_finds() {
    let (cache, clock) = cache(0.0);
    (0..100).for_each(|key| assert!(cache.insert(key, 0)));
    clock.advance(Duration::from_millis(FIRST));
    (100..200).for_each(|key| assert!(cache.insert(key, 0)));
    assert_eq!(cache.len(), 100);
    assert_eq!(cache.stats().expirations, 100);
}

#[test]
fn a_value_read_too_long_ago_is_rejected_and_the_former_value_is_removed() {
    let (cache, clock) = cache(0.0);
    cache.insert(1, 1);
    let old = Moment::from_millis(clock.now().as_millis() - FIRST);
    assert!(!cache.insert_read_at(1, 2, old));
    assert_eq!((cache.get(&1), cache.stats().rejected), (None, 1));
}

#[test]
fn a_moment_in_the_future_counts_as_the_present() {
    let (cache, clock) = cache(0.0);
    cache.insert_read_at(1, 1, Moment::from_millis(u64::MAX));
    clock.advance(Duration::from_millis(FIRST));
    assert_eq!(cache.get(&1), None);
}

#[test]
fn a_rebase_does_not_change_when_an_entry_expires() {
    // The first insertion after 2^31 ms moves the shard's base.
    let begin = |reads: bool| {
        let (cache, clock) = cache(0.0);
        cache.insert(0, 0);
        clock.advance(Duration::from_millis((1 << 31) - 10));
        cache.insert(1, 1);
        clock.advance(Duration::from_millis(20));
        cache.insert(2, 2);
        (21..2 * CAP).find(|_| {
            clock.advance(Duration::from_millis(1));
            let lives = cache.entries().contains(&(1, 1));
            assert!(!reads || !lives || cache.get(&1) == Some(1));
            !lives
        })
    };
    assert_eq!((begin(false), begin(true)), (Some(FIRST), Some(CAP)));
}

#[test]
fn lifetimes_are_right_beyond_32_bits_of_milliseconds() {
    let (cache, clock) = cache(0.0);
    let day = Duration::from_secs(24 * 60 * 60);
    for _ in 0..60 {
        cache.insert(1, 1);
        clock.advance(Duration::from_millis(FIRST - 1));
        assert_eq!(cache.get(&1), Some(1));
        clock.advance(day);
        assert_eq!(cache.get(&1), None);
        cache.insert(2, 2);
        clock.advance(day * 2);
        assert_eq!(cache.get(&2), None);
    }
    // The cache is not used for longer than the range of 32 bits.
    cache.insert(3, 3);
    clock.advance(day * 120);
    assert_eq!((cache.get(&3), cache.entries()), (None, vec![]));
}

type Meanwhile = Box<dyn FnOnce() + Send>;

/// A clock that suspends one lookup after it has read the time, and runs a closure before the
/// lookup continues.
#[derive(Clone, Default)]
struct Stalling(ManualClock, Arc<Mutex<Option<Meanwhile>>>);

impl Clock for Stalling {
    fn now(&self) -> Moment {
        self.0.now()
    }

    fn latest(&self) -> Moment {
        let taken = self.0.now();
        let meanwhile = self.1.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        taken
    }
}

#[test]
fn a_late_read_renews_no_entry_that_was_found_expired() {
    type Cache = AdaptiveCache<u8, u64, Stalling>;
    type Observe = fn(&Cache);
    let observers: [(&str, Observe); 6] = [
        ("get", |cache| assert_eq!(cache.get(&1), None)),
        ("with", |cache| assert_eq!(cache.with(&1, |value| *value), None)),
        ("entries", |cache| assert_eq!(cache.entries(), [])),
        ("retain", |cache| cache.retain(|_, _| true)),
        ("remove_if", |cache| assert_eq!(cache.remove_if(&1, |_| false), None)),
        ("insertions", |cache| (2..60).for_each(|key| assert!(cache.insert(key, 2)))),
    ];
    for (name, observe) in observers {
        let clock = Stalling::default();
        let config = AdaptiveCacheConfig { jitter: 0.0, ..AdaptiveCacheConfig::default() };
        let config = config.with_lifetimes(Duration::from_millis(800));
        let cache: Arc<Cache> = Arc::new(AdaptiveCache::builder(config).clock(clock.clone()).seed(2).build().unwrap());
        // The first lookup of a thread claims its index.
        assert_eq!(cache.get(&0), None);
        assert!(cache.insert(1, 1));
        clock.0.advance(Duration::from_millis(399));
        let (other, time) = (Arc::clone(&cache), clock.0.clone());
        *clock.1.lock().unwrap() = Some(Box::new(move || {
            time.advance(Duration::from_millis(2));
            observe(&other);
        }));
        // In a real program this lookup has found the entry already, and counts its read now.
        assert_eq!(cache.get(&1), None, "{name}");
        assert_eq!(cache.get(&1), None, "{name}");
    }
}

#[test]
fn entries_stay_expired_at_the_maximum_moment() {
    let (cache, clock) = cache(0.0);
    cache.insert(1, 1);
    for _ in 0..3 {
        clock.advance(Duration::MAX);
        assert_eq!(cache.get(&1), None);
        cache.insert(1, 2);
        assert_eq!((cache.entries(), cache.remove(&1)), (vec![], None));
    }
}
