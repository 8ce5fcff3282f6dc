//! The time of a history, and delayed lookups.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use tokio::time::Instant;

use super::lock::lock;

/// Maximum delay of a lookup, in milliseconds.
const LONGEST_STALL: u64 = 1_500;

/// The time of a history, for the clock of a cache in it: virtual time plus the
/// delays of lookups. Clones show the same time.
///
/// In a cache whose entries live for a few seconds, entries expire and are
/// renewed in the course of a history.
#[derive(Clone)]
pub struct Time(Arc<Inner>);

struct Inner {
    begin: Instant,
    /// Sum of the delays of lookups, in milliseconds.
    stalled: AtomicU64,
    /// True if a cache uses this time.
    is_used: AtomicBool,
    /// True while a lookup is delayed.
    stalls: AtomicBool,
    rng: Mutex<Rng>,
    meanwhile: Mutex<Option<Meanwhile>>,
}

/// The callback that runs while a lookup is delayed.
type Meanwhile = Arc<dyn Fn() + Send + Sync>;

impl Time {
    pub(super) fn new(rng: Rng) -> Self {
        Self(Arc::new(Inner {
            begin: Instant::now(),
            stalled: AtomicU64::new(0),
            is_used: AtomicBool::new(false),
            stalls: AtomicBool::new(false),
            rng: Mutex::new(rng),
            meanwhile: Mutex::new(None),
        }))
    }

    /// Returns the same time, for a cache.
    pub(super) fn for_a_cache(&self) -> Self {
        self.0.is_used.store(true, Ordering::Relaxed);
        self.clone()
    }

    /// Returns true if a cache uses this time.
    pub(super) fn is_used(&self) -> bool {
        self.0.is_used.load(Ordering::Relaxed)
    }

    /// Sets the callback that runs while some of the lookups are delayed.
    pub(super) fn interrupt(&self, meanwhile: impl Fn() + Send + Sync + 'static) {
        *lock(&self.0.meanwhile) = Some(Arc::new(meanwhile));
    }

    /// Returns the milliseconds since the history began.
    pub fn now(&self) -> u64 {
        let since = u64::try_from(self.0.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        since.saturating_add(self.0.stalled.load(Ordering::Relaxed))
    }

    /// Returns the time for a lookup, and may delay the lookup afterwards: time
    /// passes, and a write may begin, before this method returns. The caller
    /// must not hold a lock.
    pub fn look(&self) -> u64 {
        let taken = self.now();
        let (stalls, passes, writes) = {
            let mut rng = lock(&self.0.rng);
            (rng.u8(..10) == 0, rng.u64(..LONGEST_STALL), rng.bool())
        };
        // A write that begins here may look entries up, without a delay of its
        // own.
        if !stalls || self.0.stalls.swap(true, Ordering::Relaxed) {
            return taken;
        }
        self.0.stalled.fetch_add(passes, Ordering::Relaxed);
        let meanwhile = lock(&self.0.meanwhile).clone();
        if let Some(meanwhile) = meanwhile.filter(|_| writes) {
            meanwhile();
        }
        self.0.stalls.store(false, Ordering::Relaxed);
        taken
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Time").field(&self.now()).finish()
    }
}
