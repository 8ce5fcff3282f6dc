//! Lifetimes of entries.

use crate::cache::config::AdaptiveCacheConfig;

/// Range of a term's step: the binary logarithm of its length divided by the first term's.
pub(crate) const STEPS: std::ops::RangeInclusive<i32> = -16..=15;

/// The rules of lifetimes, in milliseconds.
///
/// A lifetime is a chain of terms. The first term is `ttl` long and begins when the value was
/// read from its source. At the end of a term, the number of reads in it decides:
///
/// - no read: the entry expires;
/// - at most `cold` reads: the next term is half as long, at least `min`;
/// - at least `hot` reads: the next term is twice as long, at most `max`;
/// - otherwise, the next term has the same length.
///
/// The fraction `decay` of the reads is carried over into the next term. No term ends later
/// than `max_age` after the value was read.
///
/// Only reads before the end of a term are counted, so the result does not depend on when the
/// end is noticed, and no timer is needed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    first: u32,
    min: u32,
    max: u32,
    pub(crate) max_age: u32,
    /// Number of reads from which the next term is twice as long. Further reads are not counted.
    pub(crate) hot: u32,
    cold: u32,
    decay: f64,
    jitter: f64,
}

/// The current term of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// End of the term, in milliseconds since an origin that the caller chooses.
    pub(crate) ends: u32,
    /// Number of doublings (negative: halvings) of the first term's length.
    pub(crate) step: i32,
    /// Number of reads in this term, including those carried over.
    pub(crate) reads: u32,
}

impl Lifetimes {
    /// Creates the lifetimes of a valid configuration.
    pub(crate) fn new(config: &AdaptiveCacheConfig) -> Self {
        let millis = |life: std::time::Duration| u32::try_from(life.as_millis()).unwrap_or(u32::MAX);
        Self {
            first: millis(config.ttl),
            min: millis(config.min_ttl),
            max: millis(config.max_ttl),
            max_age: millis(config.max_age),
            hot: config.hot_threshold,
            cold: config.cold_threshold,
            decay: config.decay,
            jitter: config.jitter,
        }
    }

    /// Returns the length of a term with the jitter of the key's hash.
    #[inline]
    pub(crate) fn term(&self, step: i32, hash: u32) -> u32 {
        let side = f64::from(hash) / f64::from(u32::MAX / 2) - 1.0;
        let length = self.clamp(self.length(step) * (1.0 + self.jitter * side));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped between two u32")]
        let length = length as u32;
        length
    }

    /// Returns the length of a term without jitter.
    fn length(&self, step: i32) -> f64 {
        // Most terms are first terms, and `exp2` costs more than the rest of this function.
        let doublings = if step == 0 { 1.0 } else { f64::from(step).exp2() };
        self.clamp(f64::from(self.first) * doublings)
    }

    fn clamp(&self, length: f64) -> f64 {
        length.max(f64::from(self.min)).min(f64::from(self.max))
    }

    /// Returns the term that contains `now`, after `term` has ended, or `None` if the entry has
    /// expired. `hard` is the latest end of any term.
    pub(crate) fn renew(&self, mut term: Term, hard: u32, hash: u32, now: u32) -> Option<Term> {
        while term.ends <= now {
            if term.reads == 0 || term.ends >= hard {
                return None;
            }
            // At a limit of the length, the step does not change. The first change in the other
            // direction therefore has an effect.
            if term.reads >= self.hot {
                if self.length(term.step) < f64::from(self.max) {
                    term.step = (term.step + 1).min(*STEPS.end());
                }
            } else if term.reads <= self.cold && self.length(term.step) > f64::from(self.min) {
                term.step = (term.step - 1).max(*STEPS.start());
            }
            term.reads = self.carried(term.reads);
            term.ends = term.ends.saturating_add(self.term(term.step, hash)).min(hard);
        }
        Some(term)
    }

    fn carried(&self, reads: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a small count")]
        let carried = (f64::from(reads) * self.decay) as u32;
        carried
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn lifetimes() -> Lifetimes {
        let config = AdaptiveCacheConfig { jitter: 0.0, ..AdaptiveCacheConfig::default() };
        Lifetimes::new(&config.with_lifetimes(Duration::from_millis(800)))
    }

    #[test]
    fn the_reads_of_a_term_decide_the_length_of_the_next() {
        let lifetimes = lifetimes();
        let after = |reads, step, hard| lifetimes.renew(Term { ends: 400, step, reads }, hard, 0, 400);
        assert_eq!(after(0, 0, 9_999), None);
        assert_eq!(after(1, 0, 9_999), Some(Term { ends: 600, step: -1, reads: 0 }));
        assert_eq!(after(3, 0, 9_999), Some(Term { ends: 800, step: 0, reads: 1 }));
        assert_eq!(after(4, 0, 9_999), Some(Term { ends: 1_200, step: 1, reads: 2 }));
        assert_eq!(after(63, 1, 9_999), Some(Term { ends: 1_200, step: 1, reads: 31 }));
        assert_eq!(after(1, -2, 9_999), Some(Term { ends: 500, step: -2, reads: 0 }));
        assert_eq!(after(63, 0, 700), Some(Term { ends: 700, step: 1, reads: 31 }));
        assert_eq!(after(63, 0, 400), None);
    }

    #[test]
    fn it_makes_no_difference_when_the_end_of_a_term_is_noticed() {
        let lifetimes = lifetimes();
        for reads in 0..=63 {
            let term = Term { ends: 100, step: -2, reads };
            for late in 100..5_000 {
                let early = (100..late).step_by(7).try_fold(term, |term, now| lifetimes.renew(term, 4_000, 0, now));
                let early = early.and_then(|term| lifetimes.renew(term, 4_000, 0, late));
                assert_eq!(early, lifetimes.renew(term, 4_000, 0, late), "{reads} reads at {late}");
            }
        }
    }

    #[test]
    fn jitter_stays_within_its_part_and_within_the_limits() {
        let config = AdaptiveCacheConfig { jitter: 0.1, ..AdaptiveCacheConfig::default() };
        let lifetimes = Lifetimes::new(&config.with_lifetimes(Duration::from_secs(8)));
        let lengths = |step| (0..1_000_u32).map(move |i| lifetimes.term(step, i.wrapping_mul(0x9E37_79B9)));
        assert!(lengths(0).all(|length| (3_600..=4_400).contains(&length)));
        assert!(lengths(0).any(|length| length < 3_700) && lengths(0).any(|length| length > 4_300));
        assert!(lengths(-16).all(|length| (1_000..=1_100).contains(&length)));
        assert!(lengths(15).all(|length| (7_200..=8_000).contains(&length)));
    }
}
