//! Tests of caller's code that calls the cache: it may outside the locks; under a lock the call
//! panics in builds with debug assertions instead of a deadlock.
#![allow(clippy::unwrap_used, reason = "a failure is the test's")]

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig, Clock, ManualClock, Moment};

type Shared<K, V, C = ManualClock> = Arc<OnceLock<AdaptiveCache<K, V, C>>>;

fn config() -> AdaptiveCacheConfig {
    AdaptiveCacheConfig::with_max_entries(8).with_lifetimes(Duration::from_millis(800))
}

/// Returns every call that takes a lock.
fn calls() -> Vec<fn(&AdaptiveCache<u32, u64>)> {
    vec![
        |cache| _ = cache.get(&1),
        |cache| _ = cache.get(&2),
        |cache| _ = cache.insert(3, 3),
        |cache| _ = cache.remove(&1),
        |cache| _ = cache.remove_if(&1, |_| true),
        |cache| _ = cache.insert_weighing(1, 1, u64::MAX, cache.now()),
        |cache| drop(cache.entries()),
        |cache| cache.retain(|_, _| true),
        AdaptiveCache::clear,
    ]
}

#[test]
#[cfg(debug_assertions)]
fn a_call_from_inside_the_cache_panics_and_leaves_it_whole() {
    let cache = AdaptiveCache::<u32, u64>::new(AdaptiveCacheConfig::with_max_entries(100_000)).unwrap();
    for call in calls() {
        let inside: [&dyn Fn(); 3] = [
            &|| _ = cache.with(&1, |_| call(&cache)),
            &|| {
                _ = cache.remove_if(&1, |_| {
                    call(&cache);
                    true
                });
            },
            &|| {
                cache.retain(|_, _| {
                    call(&cache);
                    false
                });
            },
        ];
        for inside in inside {
            assert!(cache.insert(1, 7));
            // The first call finds the lock open, and the second finds it biased.
            for _ in 0..2 {
                let panic = catch_unwind(AssertUnwindSafe(inside)).unwrap_err();
                let message = panic.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_default();
                assert!(message.contains("called from inside itself"), "{message}");
                assert!((0..2_000).all(|_| cache.get(&1) == Some(7)));
            }
        }
        call(&cache);
    }
}

#[test]
fn a_call_after_the_closure_and_of_another_cache_inside_it_is_answered() {
    let new = || AdaptiveCache::<u32, u64>::new(config()).unwrap();
    let (cache, other) = (new(), new());
    for call in calls() {
        cache.insert(1, 7);
        assert_eq!(cache.with(&1, |value| (*value, call(&other))), Some((7, ())));
        call(&cache);
    }
}

/// A key whose `Eq` and `Hash` call the cache if they are told to.
#[derive(Clone)]
struct Curious(u32, Weak<OnceLock<AdaptiveCache<Curious, u64, ManualClock>>>);

thread_local! {
    static ASKS: Cell<bool> = const { Cell::new(false) };
}

impl Curious {
    fn ask(&self) {
        if ASKS.take()
            && let Some(cache) = self.1.upgrade()
        {
            let _ = cache.get().unwrap().get(self);
        }
    }
}

impl PartialEq for Curious {
    fn eq(&self, other: &Self) -> bool {
        self.ask();
        self.0 == other.0
    }
}

impl Eq for Curious {}

impl Hash for Curious {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[cfg(debug_assertions)]
type Call = fn(&AdaptiveCache<Curious, u64, ManualClock>, &Curious);

#[test]
#[cfg(debug_assertions)]
fn a_key_that_calls_the_cache_when_it_is_compared_panics() {
    let place = Shared::<Curious, u64>::default();
    let cache = place.get_or_init(|| AdaptiveCache::builder(config()).clock(ManualClock::default()).build().unwrap());
    let key = Curious(1, Arc::downgrade(&place));
    assert!(cache.insert(key.clone(), 1));
    let calls: [Call; 2] = [|cache, key| _ = cache.get(key), |cache, key| _ = cache.remove(key)];
    for call in calls {
        ASKS.set(true);
        assert!(catch_unwind(AssertUnwindSafe(|| call(cache, &key))).is_err());
        assert_eq!(cache.get(&key), Some(1));
    }
}

/// A clock that calls the cache each time it is read.
struct Meddling(ManualClock, Weak<OnceLock<AdaptiveCache<u32, u64, Meddling>>>);

thread_local! {
    static ASKED: Cell<u32> = const { Cell::new(0) };
}

impl Clock for Meddling {
    fn now(&self) -> Moment {
        // The calls below read the clock again, and must not recurse.
        if ASKED.replace(ASKED.get() + 1) == 0
            && let Some(cache) = self.1.upgrade()
            && let Some(cache) = cache.get()
        {
            cache.insert(7, 7);
            cache.retain(|key, _| *key != 7);
        }
        ASKED.set(ASKED.get() - 1);
        self.0.now()
    }
}

#[test]
fn the_clock_and_the_weigher_may_use_the_cache() {
    let (clock, place) = (ManualClock::default(), Shared::<u32, u64, Meddling>::default());
    let cache = place.get_or_init(|| {
        let own = Arc::downgrade(&place);
        let weigher = {
            let own = Weak::clone(&own);
            move |_: &u32, _: &u64| {
                if let Some(cache) = own.upgrade() {
                    cache.get().unwrap().get(&1);
                }
                1
            }
        };
        AdaptiveCache::builder(config()).weigher(weigher).clock(Meddling(clock.clone(), own)).build().unwrap()
    });
    for round in 0..20 {
        (0..5).for_each(|key| assert!(cache.insert(key, round)));
        (0..5).for_each(|key| assert_eq!(cache.get(&key), Some(round)));
        assert_eq!((cache.remove(&0), cache.entries().len()), (Some(round), 4));
        // Some entries are renewed at this time, and some expire.
        clock.advance(Duration::from_millis(50 * round));
        (0..5).for_each(|key| _ = cache.get(&key));
    }
}
