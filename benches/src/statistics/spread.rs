//! How far figures scatter, and which of them stand apart.

use super::MIN_ROUNDS;

/// The ends of some figures, and how many of them are outliers.
///
/// An outlier lies more than one and a half times the distance of the quartiles
/// below the lower or above the upper one (J. W. Tukey, *Exploratory Data
/// Analysis*, 1977, section 2C). The quartiles are interpolated between
/// neighbours (type 7 of R. J. Hyndman and Y. Fan, *Sample quantiles in
/// statistical packages*, The American Statistician 50, 1996). Outliers are
/// counted and shown, and never taken away: medians do not need it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least and the greatest figure.
    pub range: [f64; 2],
    /// Outliers, where there were at least [`MIN_ROUNDS`] figures.
    pub outliers: Option<u64>,
}

impl Spread {
    /// How far `figures` scatter; none, where there are fewer than two.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<_> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let [low, .., high] = sorted[..] else { return None };
        let fences = fences(&sorted);
        let outliers = sorted.iter().filter(|figure| **figure < fences[0] || **figure > fences[1]).count();
        Some(Self { range: [low, high], outliers: (sorted.len() >= MIN_ROUNDS).then_some(outliers as u64) })
    }
}

fn fences(sorted: &[f64]) -> [f64; 2] {
    let [lower, upper] = [1, 3].map(|quarters| quartile(sorted, quarters));
    let reach = 1.5 * (upper - lower);
    [lower - reach, upper + reach]
}

/// So many quarters of the way through the figures, between neighbours where
/// none stands there.
fn quartile(sorted: &[f64], quarters: usize) -> f64 {
    let way = quarters * (sorted.len() - 1);
    let (at, rest) = (way / 4, (way % 4) as f64 / 4.0);
    let next = sorted[(at + 1).min(sorted.len() - 1)];
    sorted[at] + rest * (next - sorted[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_interpolated() {
        // R: quantile(c(1, 2, 4, 8, 16, 32), c(.25, .5, .75), type = 7)
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        assert_eq!(Vec::from([1, 2, 3].map(|quarters| quartile(&sorted, quarters))), [2.5, 6.0, 14.0]);
    }

    #[test]
    fn figures_beyond_the_fences_are_outliers() {
        // Quartiles 3 and 7, fences −3 and 13.
        let figures = |last| [5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, last];
        assert_eq!(Spread::of(figures(13.0)), Some(Spread { range: [1.0, 13.0], outliers: Some(0) }));
        assert_eq!(Spread::of(figures(13.1)), Some(Spread { range: [1.0, 13.1], outliers: Some(1) }));
        let both = [-9.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 30.0];
        assert_eq!(Spread::of(both), Some(Spread { range: [-9.0, 30.0], outliers: Some(2) }));
    }

    #[test]
    fn few_figures_have_a_range_and_one_has_none() {
        assert_eq!(Spread::of([2.0, 1.0]), Some(Spread { range: [1.0, 2.0], outliers: None }));
        assert_eq!(Spread::of([2.0]), None);
    }
}
