//! Clocks.

#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
mod second;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A point in time, in whole milliseconds since an origin that depends on the clock. The
/// maximum is `i64::MAX` milliseconds, 292 million years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// Returns the moment `millis` milliseconds after the origin, or the maximum if that is later.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis < i64::MAX.cast_unsigned() { millis } else { i64::MAX.cast_unsigned() })
    }

    /// Returns the milliseconds since the origin.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns the time since `earlier`, or 0 if `earlier` is in the future.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A source of time for an [`AdaptiveCache`](crate::AdaptiveCache).
///
/// The cache calls its clock outside its locks.
pub trait Clock: Send + Sync {
    /// Returns the present moment. It must never run backwards, or expired entries would be
    /// returned again.
    fn now(&self) -> Moment;

    /// Returns an upper bound of the present moment, if the clock has one that costs less than
    /// [`now`](Self::now).
    ///
    /// The bound may be some seconds ahead of the present moment, and may jump. It must never be
    /// before it, or expired entries would be returned. Every lookup calls this method. A lookup
    /// calls `now` in addition if the entry's term may have ended at the bound, or if the lookup has
    /// to wait for a writer. The default implementation returns `now`.
    #[inline]
    fn latest(&self) -> Moment {
        self.now()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Moment {
        C::now(self)
    }

    fn latest(&self) -> Moment {
        C::latest(self)
    }
}

/// The monotonic clock of the operating system, at its cheapest resolution.
///
/// On Linux this is `CLOCK_MONOTONIC_COARSE`, which the kernel advances at every timer tick. It
/// is 1 to 10 ms behind, usually 4 ms, and a lifetime can be longer by that time. On other
/// systems it is [`Instant`](std::time::Instant), which has no such delay and costs more. The
/// clock stops while the machine is suspended, on every system on which `Instant` does.
///
/// On `x86_64` Linux with glibc, [`latest`](Clock::latest) is one to three seconds ahead. It is
/// computed once for each second of the wall clock and takes a sixth of the instructions of
/// `now`. It is wrong if the wall clock shows a second for longer than one second or twice: after
/// the wall clock was set back by exactly the time for which the process did not read it, or if a
/// library fakes the wall clock. Entries can then outlive their terms by that time, or until the
/// next insertion, which detects the error.
#[derive(Clone, Copy, Debug, Default)]
pub struct CoarseClock;

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Clock for CoarseClock {
    #[inline]
    fn now(&self) -> Moment {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::MonotonicCoarse);
        // A monotonic clock starts at 0 when the machine boots, so the fields are never negative.
        let (seconds, nanoseconds) = (time.tv_sec.cast_unsigned(), time.tv_nsec.cast_unsigned());
        #[allow(clippy::useless_conversion, reason = "the fields' types differ between platforms")]
        let now = Moment(seconds * 1_000 + u64::from(nanoseconds) / 1_000_000);
        #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
        second::BOUND.check(now);
        now
    }

    #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
    #[inline]
    fn latest(&self) -> Moment {
        second::BOUND.latest(second::present(), || self.now())
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

/// A clock for tests, which the caller advances. Clones share the time.
#[derive(Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Creates a clock that shows `now`.
    pub fn at(now: Moment) -> Self {
        Self(Arc::new(AtomicU64::new(now.0)))
    }

    /// Advances the clock by whole milliseconds, up to the maximum [`Moment`].
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let later = |now: u64| Some(Moment::from_millis(now.saturating_add(by)).0);
        // The update never fails, since `later` always returns a value.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
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
        assert!((0..1_000).all(|_| CoarseClock.now() <= CoarseClock.latest()));
        let clock = ManualClock::at(Moment::from_millis(5));
        let other = clock.clone();
        clock.advance(Duration::from_millis(7));
        assert_eq!(other.now().as_millis(), 12);
        assert_eq!(other.now().since(Moment::from_millis(20)), Duration::ZERO);
    }

    #[test]
    fn the_manual_clock_stops_at_the_last_moment() {
        let clock = ManualClock::at(Moment::from_millis(5));
        for by in [Duration::MAX, Duration::from_millis(1), Duration::from_millis(u64::MAX), Duration::MAX] {
            clock.advance(by);
            assert_eq!(clock.now(), Moment::from_millis(u64::MAX));
        }
    }
}
