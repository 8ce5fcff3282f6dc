//! An upper bound of the monotonic clock for each second of the wall clock. The system adjusts
//! the rate of both clocks together. (On most other processors the kernel provides no such
//! second to glibc.)

use std::sync::atomic::{AtomicU64, Ordering};

use super::Moment;

/// Seconds between a reading of the monotonic clock and the bound: one for the wall clock's
/// second, one for a leap second, and one for rounding up.
const AHEAD: u64 = 3;

pub(super) static BOUND: Bound = Bound::new();

/// A bound, in one word.
///
/// High 32 bits: wall-clock second (truncated). Low 32 bits: a second of the monotonic clock at
/// whose start the wall-clock second has ended. A bound that any thread stored for the present
/// second is valid, whatever other threads stored before or after.
pub(super) struct Bound(AtomicU64);

impl Bound {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }

    /// Returns a moment that is not before the present one. `second` is the present second of the
    /// wall clock.
    #[inline]
    pub(super) fn latest(&self, second: u32, now: impl FnOnce() -> Moment) -> Moment {
        let known = self.0.load(Ordering::Relaxed);
        if known >> 32 == u64::from(second) { end(known) } else { self.compute(second, now()) }
    }

    /// Computes the bound for a wall-clock second from a reading of the monotonic clock that came
    /// after it.
    #[cold]
    #[inline(never)]
    fn compute(&self, second: u32, now: Moment) -> Moment {
        let Ok(latest) = u32::try_from(now.0 / 1_000 + AHEAD) else { return now };
        let known = u64::from(second) << 32 | u64::from(latest);
        self.0.store(known, Ordering::Relaxed);
        end(known)
    }

    /// Discards the bound if a reading of the monotonic clock exceeds it.
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

/// Returns the wall clock's second, truncated to 32 bits.
///
/// glibc reads it in ten instructions without a system call. A reading of the coarse clock takes
/// 65, which was a fifth of the time of a hit, and a quarter where lookups wait for memory and
/// overlap. We know no library with a safe function for it.
#[allow(unsafe_code, reason = "a measured gain, argued above")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lower half is what is wanted")]
#[inline]
pub(super) fn present() -> u32 {
    // SAFETY: `time` writes to its argument unless that is null.
    (unsafe { libc::time(std::ptr::null_mut()) }) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wall clock and a monotonic clock, in milliseconds.
    struct Clocks {
        wall: u64,
        monotonic: u64,
    }

    impl Clocks {
        /// Asks a bound, and counts in `asked` how often the bound reads the monotonic clock. Returns
        /// how far the bound is ahead, in milliseconds.
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
    fn the_bound_is_ahead_of_every_time_and_computed_once_a_second() {
        // The last of these passes the maximum of 32 bits.
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
    fn the_bound_holds_after_a_leap_second_and_when_the_wall_clock_is_set() {
        let (bound, mut asked) = (Bound::new(), 0);
        for passed in 0..20_000_u64 {
            let wall = match passed {
                // The wall clock shows the second 107 twice.
                0..8_000 => 100_000 + passed,
                8_000..12_000 => 100_000 + passed - 1_000,
                // The wall clock is set forward by an hour, and back by two.
                12_000..16_000 => 3_700_000 + passed,
                _ => 50_000 + passed,
            };
            let ahead = Clocks { wall, monotonic: 777 + passed }.ask(&bound, &mut asked);
            assert!(ahead.is_some(), "after {passed} ms");
        }
    }

    #[test]
    fn a_reading_detects_a_wall_clock_that_stands_still() {
        let (bound, mut asked) = (Bound::new(), 0);
        let at = |monotonic| Clocks { wall: 5_000, monotonic };
        assert!(at(1_000).ask(&bound, &mut asked).is_some());
        assert!(at(90_000).ask(&bound, &mut asked).is_none());
        bound.check(Moment(90_000));
        assert!(at(90_000).ask(&bound, &mut asked).is_some());
        assert_eq!(asked, 2);
    }

    #[test]
    fn a_time_beyond_32_bits_is_read_every_time() {
        let (bound, mut asked) = (Bound::new(), 0);
        let late = Clocks { wall: 5_000, monotonic: u64::from(u32::MAX) * 1_000 };
        assert_eq!((late.ask(&bound, &mut asked), late.ask(&bound, &mut asked), asked), (Some(0), Some(0), 2));
    }
}
