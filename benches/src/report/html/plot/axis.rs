//! Where a value is along a plot.

/// Between how many ticks the eye still counts.
const MOST_TICKS: usize = 7;

/// A range of values, from 0 to 100 % of a plot.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report::html) enum Axis {
    /// Equal distances are equal ratios.
    Log {
        /// The ends, above zero.
        ends: [f64; 2],
    },
    /// Equal distances are equal differences.
    Linear {
        /// The ends.
        ends: [f64; 2],
    },
}

impl Axis {
    /// A logarithmic axis that holds these values with some room around; those
    /// that are not above zero have no place on it.
    pub(in crate::report::html) fn log(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let [low, high] = ends(values.into_iter().filter(|value| *value > 0.0))?;
        // As much on either side as a tenth of the way, and not nothing.
        let room = (high / low).powf(0.05).max(1.25);
        Some(Self::Log { ends: [low / room, high * room] })
    }

    /// An axis of ratios, of which none is below 0 and none above 1.
    pub(in crate::report::html) fn ratio(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let [low, high] = ends(values)?;
        // From the tenth below to the tenth above.
        let ends = [(low * 10.0).floor() / 10.0, (high * 10.0).ceil() / 10.0];
        Some(Self::Linear { ends: if ends[0] < ends[1] { ends } else { [0.0, 1.0] } })
    }

    /// Where a value is, in per cent; at an end where it lies beyond.
    pub(in crate::report::html) fn place(&self, value: f64) -> f64 {
        let part = match self {
            Self::Log { ends: [low, high] } => (value.max(*low) / low).ln() / (high / low).ln(),
            Self::Linear { ends: [low, high] } => (value - low) / (high - low),
        };
        100.0 * part.clamp(0.0, 1.0)
    }

    /// Round values along it.
    pub(in crate::report::html) fn ticks(&self) -> Vec<f64> {
        match self {
            Self::Log { ends } => log_ticks(*ends),
            Self::Linear { ends: [low, high] } => {
                let step = [0.02, 0.05, 0.1, 0.2, 0.25].into_iter().find(|step| (high - low) / step < 6.5);
                let step = step.unwrap_or((high - low) / 5.0);
                let first = (low / step - 1e-9).ceil();
                let ticks = (0..=MOST_TICKS).map(|tick| (first + tick as f64) * step);
                ticks.take_while(|tick| *tick <= high + step * 1e-6).collect()
            }
        }
    }
}

fn ends(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    finite.fold(None, |ends, value| match ends {
        None => Some([value, value]),
        Some([low, high]) => Some([value.min(low), value.max(high)]),
    })
}

/// Powers of ten, with 2 and 5 between them where there are few.
fn log_ticks([low, high]: [f64; 2]) -> Vec<f64> {
    let within = |factors: &[f64], every: i32| -> Vec<f64> {
        let decades = (-30..=30).filter(|decade: &i32| decade.rem_euclid(every) == 0);
        let ticks = decades.flat_map(|decade| factors.iter().map(move |factor| factor * 10f64.powi(decade)));
        ticks.filter(|tick| (low..=high).contains(tick)).collect()
    };
    let choices = [within(&[1.0, 2.0, 5.0], 1), within(&[1.0, 3.0], 1), within(&[1.0], 1), within(&[1.0], 2)];
    let fit = choices.into_iter().find(|ticks| ticks.len() <= MOST_TICKS);
    fit.unwrap_or_else(|| within(&[1.0], 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_a_logarithmic_axis_go_by_ratio() {
        let axis = Axis::Log { ends: [1.0, 100.0] };
        let places = [0.1, 1.0, 10.0, 100.0, 1e9].map(|value| axis.place(value).round());
        assert_eq!(Vec::from(places), [0.0, 0.0, 50.0, 100.0, 100.0]);
        assert_eq!(axis.ticks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(Axis::Log { ends: [0.9, 1.2e9] }.ticks(), [1.0, 100.0, 1e4, 1e6, 1e8]);
        let axis = Axis::log([0.0, -1.0, f64::NAN, 20.0, 40.0]).unwrap();
        assert!(axis.place(20.0) > 5.0 && axis.place(40.0) < 95.0, "{axis:?}");
        assert_eq!(axis.ticks(), [20.0, 50.0]);
        assert_eq!(Axis::log([0.0]), None);
    }

    #[test]
    fn one_value_has_an_axis_too() {
        assert!((Axis::log([3.0]).unwrap().place(3.0) - 50.0).abs() < 1e-9);
        assert_eq!(Axis::ratio([0.8]).unwrap(), Axis::Linear { ends: [0.0, 1.0] });
    }

    #[test]
    fn ratios_begin_and_end_at_tenths() {
        let axis = Axis::ratio([0.25, 0.61]).unwrap();
        assert_eq!(axis, Axis::Linear { ends: [0.2, 0.7] });
        let ticks: Vec<_> = axis.ticks().iter().map(|tick| format!("{tick:.1}")).collect();
        assert_eq!(ticks, ["0.2", "0.3", "0.4", "0.5", "0.6", "0.7"]);
        assert_eq!(Axis::Linear { ends: [0.0, 1.0] }.ticks().len(), 6);
    }
}
