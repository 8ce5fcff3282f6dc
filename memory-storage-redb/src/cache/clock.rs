//! Where the time comes from.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A point in time: whole milliseconds since an origin that only its clock
/// knows, at most `i64::MAX`, which is after 292 million years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// So many milliseconds after the clock's origin, or the last moment there is.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis < i64::MAX.cast_unsigned() { millis } else { i64::MAX.cast_unsigned() })
    }

    /// Milliseconds since the clock's origin.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; nothing if it is yet to come.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Tells a cache the time. Every lookup asks once, so an answer must be cheap,
/// and must never run backwards: an entry would come back to life.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Moment;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Moment {
        C::now(self)
    }
}

/// The clock of the operating system, at the resolution that costs least.
///
/// On Linux it is `CLOCK_MONOTONIC_COARSE`, which the kernel advances at every
/// tick of its timer: 1 to 10 ms behind, most often 4. A lifetime counted by
/// it can therefore be one tick longer than it says. Elsewhere it is
/// [`Instant`](std::time::Instant), without that delay and at a higher price.
/// It stands still while the machine is suspended, wherever `Instant` does.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoarseClock;

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Clock for CoarseClock {
    #[inline]
    fn now(&self) -> Moment {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        // A monotonic clock counts from the start of the machine: never below 0.
        let (seconds, nanoseconds) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
        #[allow(clippy::useless_conversion, reason = "the fields' types differ between platforms")]
        Moment(seconds * 1_000 + u64::from(nanoseconds) / 1_000_000)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Clock for CoarseClock {
    #[inline]
    fn now(&self) -> Moment {
        use std::sync::OnceLock;
        use std::time::Instant;

        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let since = ORIGIN.get_or_init(Instant::now).elapsed();
        Moment::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock for tests: it moves when it is told to. Clones share the time.
#[derive(Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Moment) -> Self {
        Self(Arc::new(AtomicU64::new(now.0)))
    }

    /// Moves on by `by`, in whole milliseconds.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ManualClock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_clock_never_runs_backwards_and_the_manual_one_only_when_told() {
        let times: Vec<_> = (0..1_000).map(|_| CoarseClock.now()).collect();
        assert!(times.is_sorted());
        let clock = ManualClock::at(Moment::from_millis(5));
        let other = clock.clone();
        clock.advance(Duration::from_millis(7));
        assert_eq!(other.now().as_millis(), 12);
        assert_eq!(other.now().since(Moment::from_millis(20)), Duration::ZERO);
    }
}
