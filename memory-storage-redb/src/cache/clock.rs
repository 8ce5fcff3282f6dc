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
///
/// An [`AdaptiveCache`](crate::AdaptiveCache) calls its clock outside its locks.
pub trait Clock: Send + Sync {
    /// The present moment. It must never run backwards: an entry would come back
    /// to life.
    fn now(&self) -> Moment;

    /// A moment that is not before the present one, where that is known for less
    /// than [`now`](Self::now) costs: it may be some seconds ahead, and jump. Every
    /// lookup asks for it; the present moment is asked for where the entry's term may
    /// be over by then, and where there is a writer to wait for. If it were before the
    /// present, entries would be answered whose lives are over. By default, the
    /// present moment.
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
/// With glibc on `x86_64` Linux, its [`latest`](Clock::latest) is one to three
/// seconds ahead: whether the second of the wall clock is still the one in which it
/// was computed is known for a sixth of the instructions of a reading. That is
/// wrong only while the wall clock shows a second for longer than a second, or once
/// more: where it was set back by as long as the process asked for no time, or where a
/// library fakes it. Entries can then outlive their terms by that long, or until
/// the next insertion, which finds it out.
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

/// How far the time can have come, by the second that the wall clock shows. Both
/// clocks are sped up and slowed down together. (On most other processors the kernel has
/// no such second for glibc to read.)
#[cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
mod second {
    use super::{AtomicU64, Moment, Ordering};

    /// A second lasts one second, a leap second makes it two, and what is left of
    /// the one in which the clock was read is rounded up.
    const AHEAD: u64 = 3;

    pub(super) static BOUND: Bound = Bound::new();

    /// Its upper half is a second of the wall clock, of which it is the lower half;
    /// its lower half a second of the monotonic clock, at whose beginning the other
    /// has ended. What anybody has stored for the present second holds, whatever was
    /// read before or after it.
    pub(super) struct Bound(AtomicU64);

    impl Bound {
        pub(super) const fn new() -> Self {
            Self(AtomicU64::new(u64::MAX))
        }

        /// A moment not before the present one, in this second of the wall clock.
        #[inline]
        pub(super) fn latest(&self, second: u32, now: impl FnOnce() -> Moment) -> Moment {
            let known = self.0.load(Ordering::Relaxed);
            if known >> 32 == u64::from(second) { end(known) } else { self.learn(second, now()) }
        }

        /// Learns from a reading that came after the second: so this ends before two
        /// more have passed.
        #[cold]
        #[inline(never)]
        fn learn(&self, second: u32, now: Moment) -> Moment {
            let Ok(latest) = u32::try_from(now.0 / 1_000 + AHEAD) else { return now };
            let known = u64::from(second) << 32 | u64::from(latest);
            self.0.store(known, Ordering::Relaxed);
            end(known)
        }

        /// Forgets what a reading of the clock contradicts.
        #[inline]
        pub(super) fn check(&self, now: Moment) {
            if now > end(self.0.load(Ordering::Relaxed)) {
                self.0.store(u64::MAX, Ordering::Relaxed);
            }
        }
    }

    #[inline]
    const fn end(known: u64) -> Moment {
        Moment((known & u32::MAX as u64) * 1_000)
    }

    /// The kernel's second, which glibc reads without a system call: ten
    /// instructions, where a reading of the coarse clock has 65, which were a fifth
    /// of the time of a hit, and a quarter where lookups wait for memory and the
    /// processor looks ahead for the next. No safe function of a library that we
    /// know has it.
    #[allow(unsafe_code, reason = "a measured gain, argued above")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half is what is wanted")]
    #[inline]
    pub(super) fn present() -> u32 {
        // SAFETY: `time` writes to where its argument points, unless that is null.
        (unsafe { libc::time(std::ptr::null_mut()) }) as u32
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// A wall clock and a monotonic one, in milliseconds.
        struct Clocks {
            wall: u64,
            monotonic: u64,
        }

        impl Clocks {
            /// What a bound says of them, in milliseconds ahead, and of how many times
            /// it has asked.
            fn ask(&self, bound: &Bound, asked: &mut u64) -> Option<u64> {
                #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
                let second = (self.wall / 1_000) as u32;
                let latest = bound.latest(second, || {
                    *asked += 1;
                    Moment(self.monotonic)
                });
                latest.0.checked_sub(self.monotonic)
            }
        }

        #[test]
        fn the_bound_is_ahead_of_every_time_and_learnt_once_a_second() {
            // The second time beyond what 32 bits hold.
            for wall in [0, 999, 1_000_000, (u64::from(u32::MAX) - 1) * 1_000 + 7] {
                for monotonic in [0, 1, 123_456, 999_999] {
                    let (bound, mut asked) = (Bound::new(), 0);
                    for passed in 0..5_000 {
                        let clocks = Clocks { wall: wall + passed, monotonic: monotonic + passed };
                        let ahead = clocks.ask(&bound, &mut asked);
                        assert!(ahead.is_some_and(|ahead| (1_000..=3_000).contains(&ahead)), "{ahead:?}");
                        bound.check(Moment(clocks.monotonic));
                    }
                    assert!((5..=6).contains(&asked), "{asked}");
                }
            }
        }

        #[test]
        fn a_leap_second_and_a_wall_clock_that_is_set_are_borne() {
            let (bound, mut asked) = (Bound::new(), 0);
            for passed in 0..20_000_u64 {
                let wall = match passed {
                    // The second 7 comes twice.
                    0..8_000 => 100_000 + passed,
                    8_000..12_000 => 100_000 + passed - 1_000,
                    // It is set forward by an hour, and back by two.
                    12_000..16_000 => 3_700_000 + passed,
                    _ => 50_000 + passed,
                };
                let ahead = Clocks { wall, monotonic: 777 + passed }.ask(&bound, &mut asked);
                assert!(ahead.is_some(), "after {passed} ms");
            }
        }

        #[test]
        fn a_wall_clock_that_stands_still_is_found_out_by_a_reading() {
            let (bound, mut asked) = (Bound::new(), 0);
            let at = |monotonic| Clocks { wall: 5_000, monotonic };
            assert!(at(1_000).ask(&bound, &mut asked).is_some());
            assert!(at(90_000).ask(&bound, &mut asked).is_none());
            bound.check(Moment(90_000));
            assert!(at(90_000).ask(&bound, &mut asked).is_some());
            assert_eq!(asked, 2);
        }

        #[test]
        fn a_clock_beyond_what_is_kept_is_read_every_time() {
            let (bound, mut asked) = (Bound::new(), 0);
            let late = Clocks { wall: 5_000, monotonic: u64::from(u32::MAX) * 1_000 };
            assert_eq!((late.ask(&bound, &mut asked), late.ask(&bound, &mut asked), asked), (Some(0), Some(0), 2));
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

    /// Moves on by `by`, in whole milliseconds, and stops at the last [`Moment`] there is.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        let later = |now: u64| Some(Moment::from_millis(now.saturating_add(by)).0);
        // Never refused, since `later` always has an answer.
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
