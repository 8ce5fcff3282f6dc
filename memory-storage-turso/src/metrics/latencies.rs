//! Latencies of one moment.

use std::ops::Sub;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long something took, each time: an HDR histogram.
///
/// The count and the mean are exact, a quantile is at most 1 % above the
/// latency that it stands for. As JSON it shows both in microseconds, and the
/// buckets, from which it is read back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Latencies {
    count: u64,
    total_nanos: u64,
    /// The upper bound of each bucket that holds any, in nanoseconds and in
    /// order, and how many it holds.
    buckets: Vec<(u64, u64)>,
}

impl Latencies {
    /// What `buckets` hold, each by its upper bound and in order.
    pub(super) fn new(total_nanos: u64, buckets: Vec<(u64, u64)>) -> Self {
        let count = buckets.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        Self { count, total_nanos, buckets }
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All of them together.
    pub const fn total(&self) -> Duration {
        Duration::from_nanos(self.total_nanos)
    }

    /// Their mean, in whole nanoseconds; `None` if there are none.
    pub fn mean(&self) -> Option<Duration> {
        self.total_nanos.checked_div(self.count).map(Duration::from_nanos)
    }

    pub(super) fn mean_nanos(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total_nanos as f64 / self.count as f64)
    }

    /// The latency that this part of them, 0 to 1, does not exceed: 0.5 gives
    /// the median. `None` if there are none.
    pub fn quantile(&self, part: f64) -> Option<Duration> {
        let wanted = part.clamp(0.0, 1.0) * self.count as f64;
        let mut passed = 0_u64;
        let reached = self.buckets.iter().find(|(_, count)| {
            passed = passed.saturating_add(*count);
            passed as f64 >= wanted
        });
        reached.or(self.buckets.last()).map(|(nanos, _)| Duration::from_nanos(*nanos))
    }
}

/// What came after `earlier`, a former moment of the same latencies.
impl Sub for &Latencies {
    type Output = Latencies;

    fn sub(self, earlier: Self) -> Latencies {
        let before = |nanos: u64| {
            let found = earlier.buckets.binary_search_by_key(&nanos, |(nanos, _)| *nanos);
            found.map_or(0, |index| earlier.buckets[index].1)
        };
        let after = self.buckets.iter().map(|(nanos, count)| (*nanos, count.saturating_sub(before(*nanos))));
        Latencies::new(self.total_nanos.saturating_sub(earlier.total_nanos), after.filter(|(_, n)| *n > 0).collect())
    }
}

/// As it is serialised.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(skip_deserializing)]
    count: u64,
    #[serde(skip_deserializing)]
    mean_us: Option<f64>,
    #[serde(skip_deserializing)]
    p50_us: Option<f64>,
    #[serde(skip_deserializing)]
    p90_us: Option<f64>,
    #[serde(skip_deserializing)]
    p99_us: Option<f64>,
    #[serde(skip_deserializing)]
    max_us: Option<f64>,
    total_nanos: u64,
    buckets: Vec<(u64, u64)>,
}

impl From<Latencies> for Written {
    fn from(latencies: Latencies) -> Self {
        let quantile = |part| latencies.quantile(part).map(|latency| latency.as_nanos() as f64 / 1e3);
        Self {
            count: latencies.count,
            mean_us: latencies.mean_nanos().map(|nanos| nanos / 1e3),
            p50_us: quantile(0.5),
            p90_us: quantile(0.9),
            p99_us: quantile(0.99),
            max_us: quantile(1.0),
            total_nanos: latencies.total_nanos,
            buckets: latencies.buckets,
        }
    }
}

impl From<Written> for Latencies {
    fn from(written: Written) -> Self {
        let mut buckets = written.buckets;
        buckets.sort_unstable();
        Self::new(written.total_nanos, buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latencies(buckets: &[(u64, u64)]) -> Latencies {
        Latencies::new(buckets.iter().map(|(nanos, count)| nanos * count).sum(), buckets.to_vec())
    }

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let some = latencies(&[(100, 50), (200, 40), (1_000, 10)]);
        let nanos = |part| some.quantile(part).unwrap().as_nanos();
        assert_eq!([0.0, 0.5, 0.51, 0.9, 0.91, 1.0].map(nanos), [100, 100, 200, 200, 1_000, 1_000]);
        assert_eq!((some.count(), some.mean()), (100, Some(Duration::from_nanos(230))));
        let none = Latencies::default();
        assert_eq!((none.quantile(0.5), none.mean(), none.count()), (None, None, 0));
    }

    #[test]
    fn a_difference_holds_what_came_in_between() {
        let earlier = latencies(&[(100, 2), (300, 1)]);
        let later = latencies(&[(100, 5), (200, 1), (300, 1)]);
        assert_eq!(&later - &earlier, latencies(&[(100, 3), (200, 1)]));
        assert_eq!(&earlier - &later, Latencies::new(0, vec![]), "never below nothing");
    }

    #[test]
    fn json_shows_the_figures_and_is_read_back() {
        let some = latencies(&[(1_500, 1), (2_500, 1)]);
        let json = serde_json::to_value(&some).unwrap();
        assert_eq!((&json["count"], &json["mean_us"], &json["max_us"]), (&2.into(), &2.0.into(), &2.5.into()));
        assert_eq!(serde_json::from_value::<Latencies>(json).unwrap(), some);
        let none = serde_json::to_value(Latencies::default()).unwrap();
        assert_eq!(none["p50_us"], serde_json::Value::Null);
    }
}
