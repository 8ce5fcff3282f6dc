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

/// Tells a cache the time.
pub trait Clock: Send + Sync {
    /// The present moment. It must never run backwards: an entry would come back
    /// to life.
    fn now(&self) -> Moment;

    /// A moment that is not before the present one, where that is known for less
    /// than [`now`](Self::now) costs. Every lookup asks for it first, and for the
    /// present moment only where the entry's term may be over by then: so it may
    /// be a few seconds ahead, and jump. By default, the present moment.
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

/// The clock of the operating system, at the resolution that costs least.
///
/// On Linux it is `CLOCK_MONOTONIC_COARSE`, which the kernel advances at every
/// tick of its timer: 1 to 10 ms behind, most often 4. A lifetime counted by
/// it can therefore be one tick longer than it says. Elsewhere it is
/// [`Instant`](std::time::Instant), without that delay and at a higher price.
/// It stands still while the machine is suspended, wherever `Instant` does.
///
/// Its [`latest`](Clock::latest) is, with glibc on `x86_64` Linux, two to three
/// seconds ahead: a sixth of the instructions of a reading tell whether the
/// second of the wall clock is still the one in which the clock was last read.
/// It would be wrong if the wall clock were set back and came to a second for
/// the second time, and nothing in the process had asked in between.
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

    #[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
    #[inline]
    fn latest(&self) -> Moment {
        second::latest(*self)
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

/// How far the time can have come, by the second that the wall clock shows. Both
/// clocks are sped up and slowed down together.
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
mod second {
    use super::{AtomicU64, Clock, CoarseClock, Moment, Ordering};

    /// A second lasts one second, a leap second makes it two, and what is left of
    /// the one in which the clock was read is rounded up.
    const AHEAD: u64 = 3;

    /// The lower half of a second of the wall clock, and below it a second of the
    /// monotonic one that does not come before the other ends. The first is at the
    /// end of time.
    static KNOWN: AtomicU64 = AtomicU64::new(u64::MAX);

    #[inline]
    pub(super) fn latest(clock: CoarseClock) -> Moment {
        let second = present();
        let known = KNOWN.load(Ordering::Relaxed);
        if known >> 32 == u64::from(second) {
            return Moment((known & u64::from(u32::MAX)) * 1_000);
        }
        learn(clock, second)
    }

    /// The clock is read after the second, so that it is not before its end by more.
    #[cold]
    #[inline(never)]
    fn learn(clock: CoarseClock, second: u32) -> Moment {
        let now = clock.now();
        let Ok(latest) = u32::try_from(now.0 / 1_000 + AHEAD) else { return now };
        KNOWN.store(u64::from(second) << 32 | u64::from(latest), Ordering::Relaxed);
        Moment(u64::from(latest) * 1_000)
    }

    /// The kernel's second, which glibc reads without a system call: ten
    /// instructions, where a reading of the coarse clock has 65, which were a fifth
    /// of the time of a hit, and a quarter where lookups wait for memory and the
    /// processor looks ahead for the next. No safe function of a library that we
    /// know has it.
    #[allow(unsafe_code, reason = "a measured gain, argued above")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half is what is wanted")]
    #[inline]
    fn present() -> u32 {
        // SAFETY: `time` writes to where its argument points, unless that is null.
        (unsafe { libc::time(std::ptr::null_mut()) }) as u32
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_was_known_in_another_second_is_learnt_anew() {
            let (clock, wall) = (CoarseClock, u64::from(present()));
            for other in [wall - 1, wall + 100, 0, u64::from(u32::MAX)] {
                KNOWN.store(other << 32, Ordering::Relaxed);
                let (before, latest) = (clock.now(), latest(clock));
                assert!(before <= latest && latest.0 <= clock.now().0 + AHEAD * 1_000, "{before:?} {latest:?}");
                assert!((wall..wall + 100).contains(&(KNOWN.load(Ordering::Relaxed) >> 32)));
            }
        }
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
        assert!((0..1_000).all(|_| CoarseClock.now() <= CoarseClock.latest()));
        let clock = ManualClock::at(Moment::from_millis(5));
        let other = clock.clone();
        clock.advance(Duration::from_millis(7));
        assert_eq!(other.now().as_millis(), 12);
        assert_eq!(other.now().since(Moment::from_millis(20)), Duration::ZERO);
    }
}
