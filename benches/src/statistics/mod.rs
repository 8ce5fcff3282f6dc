//! Medians, their confidence intervals, and what they say about a comparison.
//!
//! Contenders run in interleaved rounds, in an order drawn anew for each, so
//! that a disturbance of the machine meets all of them. A round gives one
//! figure for each contender: the mean over its operations in that round.
//!
//! The interval of the median is the distribution-free one of two order
//! statistics: of *n* sorted figures, the *k*-th from either end, where *k* is
//! the greatest with P(Binomial(*n*, 1/2) < *k*) at most 2.5 %. It holds with at
//! least 95 % whatever the distribution is, which means and standard deviations
//! of skewed latencies do not (W. J. Conover, *Practical Nonparametric
//! Statistics*, 3rd ed. 1999, section 3.2; J.-Y. Le Boudec, *Performance
//! Evaluation of Computer and Communication Systems*, 2010, theorem 2.1).
//!
//! Two contenders are compared by the ratio of their figures *within each
//! round*, and the median of these ratios with its interval: what slows a whole
//! round down cancels out (T. Kalibera and R. Jones, *Rigorous benchmarking in
//! reasonable time*, ISMM 2013, on why effects of whole runs must not be
//! mistaken for differences). If the interval contains 1, it is a tie.

mod spread;

use serde::{Deserialize, Serialize};

pub use spread::Spread;

/// The fewest figures from which a 95 % interval can be had.
pub const MIN_ROUNDS: usize = 6;
/// The most rounds: beyond, the binomial weights leave the range of `f64`.
pub const MAX_ROUNDS: usize = 1_000;

/// A median and the interval in which it lies with at least 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median of the figures.
    pub median: f64,
    /// The lower and upper end of the interval, where there were at least
    /// [`MIN_ROUNDS`] figures.
    pub ci95: Option<[f64; 2]>,
}

impl Estimate {
    /// The median of `figures`.
    ///
    /// # Panics
    ///
    /// With no figures, or more than [`MAX_ROUNDS`].
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        assert!((1..=MAX_ROUNDS).contains(&count), "{count} rounds, of 1 to {MAX_ROUNDS}");
        let median = f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]);
        let interval = || {
            let rank = interval_rank(count);
            [sorted[rank - 1], sorted[count - rank]]
        };
        Self { median, ci95: (count >= MIN_ROUNDS).then(interval) }
    }

    /// The median of the ratios `above / below`, pair by pair.
    pub fn of_ratios(above: &[f64], below: &[f64]) -> Self {
        Self::of(above.iter().zip(below).map(|(above, below)| above / below))
    }

    /// What this says if it is a speedup.
    pub fn verdict(&self) -> Option<Verdict> {
        let [low, high] = self.ci95?;
        Some(match (low > 1.0, high < 1.0) {
            (true, _) => Verdict::Faster,
            (_, true) => Verdict::Slower,
            _ => Verdict::Tie,
        })
    }
}

/// What an interval says about a speedup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All of it is above 1.
    Faster,
    /// All of it is below 1.
    Slower,
    /// It contains 1.
    Tie,
}

/// The rank from either end of the order statistics that bound the interval.
fn interval_rank(count: usize) -> usize {
    let mut rank = 0;
    let mut weight = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let mut tail = weight;
    while tail <= 0.025 {
        rank += 1;
        weight *= (count - rank + 1) as f64 / rank as f64;
        tail += weight;
    }
    rank
}

/// `value` with so many significant digits and no more.
pub fn significant(value: f64, digits: usize) -> f64 {
    // Printing rounds decimally, which arithmetic on binary fractions does not.
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Skewed as latencies are: a normal exponent, with median 1.
    fn latency(random: &mut fastrand::Rng) -> f64 {
        let normal: f64 = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        (normal * 0.4).exp()
    }

    #[test]
    fn the_ranks_are_those_of_the_tables() {
        let ranks: Vec<_> = [6, 8, 9, 11, 12, 15, 17, 20, 25, 31, 50, 100].map(interval_rank).into();
        assert_eq!(ranks, [1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 18, 40]);
    }

    #[test]
    fn the_median_and_its_interval_are_order_statistics() {
        let estimate = Estimate::of([9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0]);
        assert_eq!(estimate, Estimate { median: 5.0, ci95: Some([2.0, 8.0]) });
        assert_eq!(Estimate::of([1.0, 2.0, 3.0, 4.0, 5.0, 60.0]), Estimate { median: 3.5, ci95: Some([1.0, 60.0]) });
        assert_eq!(Estimate::of([2.0, 4.0]), Estimate { median: 3.0, ci95: None });
    }

    #[test]
    fn the_interval_covers_the_true_median_as_often_as_it_says() {
        for count in [6, 11, 31, 101] {
            let mut random = fastrand::Rng::with_seed(count);
            let covered = (0..2_000)
                .filter(|_| {
                    let interval = Estimate::of((0..count).map(|_| latency(&mut random))).ci95;
                    interval.is_some_and(|[low, high]| low <= 1.0 && 1.0 <= high)
                })
                .count();
            assert!(covered >= 1_885, "{covered} of 2000 with {count} rounds");
        }
    }

    #[test]
    fn equals_tie_and_differences_show() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut verdicts = [0; 3];
        for _ in 0..1_000 {
            // Each round is slow or fast as a whole, far more than the contenders differ.
            let rounds: Vec<_> = (0..15).map(|_| 1.0 + 9.0 * random.f64()).collect();
            let mut series = |cost: f64| -> Vec<_> {
                rounds.iter().map(|round| round * cost * (0.95 + 0.1 * random.f64())).collect()
            };
            let (base, same, fast, slow) = (series(1.0), series(1.0), series(0.8), series(1.25));
            verdicts[0] += usize::from(Estimate::of_ratios(&base, &same).verdict() == Some(Verdict::Tie));
            verdicts[1] += usize::from(Estimate::of_ratios(&base, &fast).verdict() == Some(Verdict::Faster));
            verdicts[2] += usize::from(Estimate::of_ratios(&base, &slow).verdict() == Some(Verdict::Slower));
        }
        assert!(verdicts[0] >= 950 && verdicts[1] == 1_000 && verdicts[2] == 1_000, "{verdicts:?}");
    }

    #[test]
    fn figures_are_rounded_decimally() {
        for (value, rounded) in [(123_456.0, "123500"), (0.000_123_456, "0.0001235"), (9.9999, "10"), (0.0, "0")] {
            assert_eq!(significant(value, 4).to_string(), rounded);
        }
    }
}
