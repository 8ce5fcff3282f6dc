//! Results whose terms end while a lookup is held up: what was invalidated meanwhile never
//! comes back.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use memory_core::field::domain;
use memory_core::{Episode, InMemoryStorage, Query, Store, TaskContext, TaskType};
use memory_storage_redb::{Clock, ManualClock, Moment};
use memory_storage_turso::{CacheConfig, CachedStorage};

type Storage = CachedStorage<InMemoryStorage>;
type Meanwhile = Box<dyn FnOnce() + Send>;

/// A clock whose lookups take their time and are then held up: what is given to it runs
/// between, once.
#[derive(Clone, Debug, Default)]
struct Stalling(ManualClock, Slot);

#[derive(Clone, Default)]
struct Slot(Arc<Mutex<Option<Meanwhile>>>);

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slot")
    }
}

impl Clock for Stalling {
    fn now(&self) -> Moment {
        self.0.now()
    }

    fn latest(&self) -> Moment {
        let taken = self.0.now();
        let meanwhile = self.1.0.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        taken
    }
}

fn episode(name: &str) -> Episode {
    Episode::new(name, TaskContext::new("web"), TaskType::Debugging)
}

fn found(storage: &Storage) -> Vec<String> {
    let query = Query::<Episode>::new().filter(domain().eq("web"));
    let page = storage.query(&query).now_or_never().unwrap().unwrap();
    page.records.iter().map(|record| record.task_description.clone()).collect()
}

fn counted(storage: &Storage) -> u64 {
    storage.count(&domain::<Episode>().eq("web"), None).now_or_never().unwrap().unwrap().total
}

#[test]
fn a_lookup_that_counts_after_the_end_of_a_term_brings_back_no_old_result() {
    type Change = fn(&Storage, &Episode);
    let changes: [(&str, Change); 4] = [
        ("put", |storage, _| storage.put(&[episode("new")]).now_or_never().unwrap().unwrap()),
        ("delete", |storage, old| {
            assert_eq!(Store::<Episode>::delete(storage, &[old.id]).now_or_never().unwrap().unwrap(), 1);
        }),
        ("invalidate", |storage, old| {
            storage.inner().put(&[episode("foreign")]).now_or_never().unwrap().unwrap();
            storage.invalidate(old.id);
        }),
        ("invalidate_all", |storage, _| {
            storage.inner().put(&[episode("foreign")]).now_or_never().unwrap().unwrap();
            storage.invalidate_all();
        }),
    ];
    for (name, change) in changes {
        for counts in [false, true] {
            let clock = Stalling::default();
            let config = CacheConfig { query_ttl: Duration::from_secs(20), ..CacheConfig::default() };
            let storage = CachedStorage::with_clock(InMemoryStorage::new(), &config, clock.clone()).unwrap();
            let storage = Arc::new(storage);
            let old = episode("old");
            storage.put(std::slice::from_ref(&old)).now_or_never().unwrap().unwrap();
            let ask = |storage: &Storage| if counts { counted(storage) } else { found(storage).len() as u64 };
            assert_eq!(ask(&storage), 1);
            // Its first term ends after 9 to 11 seconds, by the hash of its key, and the second, of
            // half the length, after 13.5 to 16.5.
            clock.0.advance(Duration::from_millis(8_999));
            let (other, time) = (Arc::clone(&storage), clock.0.clone());
            *clock.1.0.lock().unwrap() = Some(Box::new(move || {
                time.advance(Duration::from_millis(2_500));
                change(&other, &old);
            }));
            // This one began before the change, and may have either answer.
            ask(&storage);
            assert!(clock.1.0.lock().unwrap().is_none());
            assert_eq!(ask(&storage), if name == "delete" { 0 } else { 2 }, "{name}, counts: {counts}");
        }
    }
}
