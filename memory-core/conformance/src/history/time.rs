//! Time of a history, and lookups that are held up.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use tokio::time::Instant;

use super::lock::lock;

/// Longest time for which a lookup is held up, in milliseconds.
const LONGEST_STALL: u64 = 1_500;

/// Time of a history, for the clock of a cache in it: virtual time, and what passes while
/// lookups are held up. Clones show the same time.
///
/// A cache whose entries live for a few seconds sees them end and be renewed in the course
/// of a history.
#[derive(Clone)]
pub struct Time(Arc<Inner>);

struct Inner {
    begin: Instant,
    /// Milliseconds that have passed while lookups were held up.
    stalled: AtomicU64,
    /// Whether a cache counts by this.
    is_used: AtomicBool,
    /// Whether a lookup is held up now.
    stalls: AtomicBool,
    rng: Mutex<Rng>,
    meanwhile: Mutex<Option<Meanwhile>>,
}

/// What happens while a lookup is held up.
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

    /// The same time, for a cache that counts by it.
    pub(super) fn for_a_cache(&self) -> Self {
        self.0.is_used.store(true, Ordering::Relaxed);
        self.clone()
    }

    /// Whether a cache counts by it.
    pub(super) fn is_used(&self) -> bool {
        self.0.is_used.load(Ordering::Relaxed)
    }

    /// From here on, `meanwhile` is called while some of the lookups are held up.
    pub(super) fn interrupt(&self, meanwhile: impl Fn() + Send + Sync + 'static) {
        *lock(&self.0.meanwhile) = Some(Arc::new(meanwhile));
    }

    /// Milliseconds since the history began.
    pub fn now(&self) -> u64 {
        let since = u64::try_from(self.0.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        since.saturating_add(self.0.stalled.load(Ordering::Relaxed))
    }

    /// The time for a lookup, after which the lookup may be held up: time passes, and a
    /// write may begin, before this returns. To be called without a lock held.
    pub fn look(&self) -> u64 {
        let taken = self.now();
        let (stalls, passes, writes) = {
            let mut rng = lock(&self.0.rng);
            (rng.u8(..10) == 0, rng.u64(..LONGEST_STALL), rng.bool())
        };
        // Not while a write that is begun here looks something up.
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
