//! One line of a report.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::statistics::{Estimate, Spread, Verdict, significant};
use crate::{Measured, Series};

/// One operation as one system does it. Absent fields do not apply.
///
/// Times have four significant digits and ratios three, in the JSON as in the
/// table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The section of the bench.
    pub section: String,
    /// What was done.
    pub operation: String,
    /// Who did it: `ours`, or what we compare ourselves with.
    pub system: String,
    /// Median over the rounds of the time for one operation, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_ms_per_op: Option<f64>,
    /// The same in microseconds; a row has one of the three.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_us_per_op: Option<f64>,
    /// The same in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_ns_per_op: Option<f64>,
    /// The 95 % interval of that median, in its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci95: Option<[f64; 2]>,
    /// The fastest and the slowest round, in that unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// Rounds whose figure lies beyond Tukey's fences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outliers: Option<u64>,
    /// The least of the rounds, in the unit of the median: what it takes while
    /// nothing else uses the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    /// How many rounds these are figures of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u64>,
    /// Operations of one round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations_per_round: Option<u64>,
    /// The median as a multiple of the round-trip time that was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_multiple: Option<f64>,
    /// Answered requests for one operation, and round trips that connections took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trips_per_op: Option<f64>,
    /// Connections opened for one operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections_per_op: Option<f64>,
    /// Bytes sent for one operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_up_per_op: Option<f64>,
    /// Bytes received for one operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_down_per_op: Option<f64>,
    /// The system that `speedup` is over: the naive way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// How many times faster than the baseline, round by round: the median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speedup: Option<f64>,
    /// The 95 % interval of the speedup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speedup_ci95: Option<[f64; 2]>,
    /// What that interval says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// Time divided by that of `raw-libsql`, or of `raw-redb` for `redb`: the median over rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_vs_raw: Option<f64>,
    /// The 95 % interval of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_vs_raw_ci95: Option<[f64; 2]>,
    /// `cost_vs_raw` with the round's hop taken off our time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_vs_raw_without_hop: Option<f64>,
    /// The time of the hop off the async runtime and back, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_us_per_op: Option<f64>,
    /// The lab's round-trip time, in milliseconds, where the section found it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// The time that was expected of this operation, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_ms_per_op: Option<f64>,
    /// The speedup that was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_speedup: Option<f64>,
    /// The speedup that is asked for, where that is not the expected one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_speedup: Option<f64>,
    /// How many times faster than storing record by record, with a connection for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speedup_vs_store: Option<f64>,
    /// The part of the baseline's round trips that was saved, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trips_saved: Option<f64>,
    /// The part that was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_round_trips_saved: Option<f64>,
    /// How many times the time of the same without a cache, round by round: the median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_vs_uncached: Option<f64>,
    /// The most that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_cost_vs_uncached: Option<f64>,
    /// Nanoseconds beyond those of the cache by itself, round by round: the median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_ns_per_op: Option<f64>,
    /// The most that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_added_ns_per_op: Option<f64>,
    /// Whether everything was reached that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promise: Option<Promise>,
    /// How many records there were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// How many tasks worked at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tasks: Option<u64>,
    /// Hits among lookups, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hit_ratio: Option<f64>,
    /// The most entries that a cache was found to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_held: Option<u64>,
    /// Bytes that one entry takes beyond its key and value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_entry: Option<f64>,
    /// Why a figure is missing or what to know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether a promise is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Promise {
    /// All that was asked for is reached.
    Kept,
    /// Something is not.
    Missed,
}

/// The unit of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

impl Unit {
    /// Its sign.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Ms => "ms",
            Self::Us => "µs",
            Self::Ns => "ns",
        }
    }

    pub(crate) const fn per_second(self) -> f64 {
        match self {
            Self::Ms => 1e3,
            Self::Us => 1e6,
            Self::Ns => 1e9,
        }
    }

    /// The one that suits so many seconds: from a hundredth to thousands.
    fn for_seconds(seconds: f64) -> Self {
        match seconds {
            1e-3.. => Self::Ms,
            1e-6.. => Self::Us,
            _ => Self::Ns,
        }
    }
}

impl Row {
    /// A row without figures.
    pub fn new(section: &str, operation: impl Into<String>, system: impl Into<String>) -> Self {
        Self { section: section.to_owned(), operation: operation.into(), system: system.into(), ..Self::default() }
    }

    /// A row for each contender of a workload, all in one unit, with speedups
    /// over `baseline` if that ran.
    pub fn of(section: &str, measured: &Measured, baseline: &str) -> Vec<Self> {
        let medians = measured.series.iter().filter(|series| !series.seconds.is_empty());
        let medians = medians.map(|series| Estimate::of(series.seconds.iter().copied()).median);
        let unit = Unit::for_seconds(medians.fold(f64::INFINITY, f64::min));
        let row = |series: &Series| {
            let mut row = Self::new(section, series.operation.as_str(), series.system);
            row.reason.clone_from(&series.reason);
            if series.seconds.is_empty() {
                return row;
            }
            row.set_time(unit, series);
            let base = measured.of(baseline).filter(|base| base.system != series.system && !base.seconds.is_empty());
            if let Some(base) = base {
                let speedup = Estimate::of_ratios(&base.seconds, &series.seconds);
                row.baseline = Some(baseline.to_owned());
                row.speedup = Some(significant(speedup.median, 3));
                row.speedup_ci95 = ends(speedup.ci95, 3);
                row.verdict = speedup.verdict();
            }
            row
        };
        measured.series.iter().map(row).collect()
    }

    fn set_time(&mut self, unit: Unit, series: &Series) {
        let operations = series.operations;
        let estimate = Estimate::of(series.seconds.iter().map(|seconds| seconds * unit.per_second()));
        let median = match unit {
            Unit::Ms => &mut self.median_ms_per_op,
            Unit::Us => &mut self.median_us_per_op,
            Unit::Ns => &mut self.median_ns_per_op,
        };
        *median = Some(significant(estimate.median, 4));
        self.ci95 = ends(estimate.ci95, 4);
        let spread = Spread::of(series.seconds.iter().map(|seconds| seconds * unit.per_second()));
        self.range = ends(spread.map(|spread| spread.range), 4);
        self.outliers = spread.and_then(|spread| spread.outliers);
        self.rounds = Some(series.seconds.len() as u64);
        self.operations_per_round = Some(operations);
        if let Some(traffic) = &series.traffic {
            let all = operations as f64 * series.seconds.len() as f64;
            let per_op = |count: u64| significant(count as f64 / all, 4);
            self.round_trips_per_op = Some(per_op(traffic.round_trips));
            self.connections_per_op = traffic.connections.map(per_op);
            self.bytes_up_per_op = traffic.bytes_up.map(per_op);
            self.bytes_down_per_op = traffic.bytes_down.map(per_op);
        }
    }

    /// Says how many times the time of `raw` this took, and the same without
    /// the hop.
    pub fn set_cost(&mut self, ours: &Series, raw: &Series, hop: Option<&Series>) {
        let cost = Estimate::of_ratios(&ours.seconds, &raw.seconds);
        self.cost_vs_raw = Some(significant(cost.median, 3));
        self.cost_vs_raw_ci95 = ends(cost.ci95, 3);
        if let Some(hop) = hop {
            let rest: Vec<_> = ours.seconds.iter().zip(&hop.seconds).map(|(ours, hop)| ours - hop).collect();
            let median = Estimate::of(hop.seconds.iter().map(|seconds| seconds * 1e6)).median;
            self.hop_us_per_op = Some(significant(median, 4));
            // A machine so busy that hops by themselves took longer says nothing.
            let without = Some(Estimate::of_ratios(&rest, &raw.seconds).median).filter(|cost| *cost > 0.0);
            self.cost_vs_raw_without_hop = without.map(|cost| significant(cost, 3));
        }
    }

    /// Says how long the quickest round took.
    pub fn set_least(&mut self, series: &Series) {
        if let Some((_, unit)) = self.time() {
            let least = series.seconds.iter().copied().fold(f64::INFINITY, f64::min);
            self.least = Some(significant(least * unit.per_second(), 4));
        }
    }

    /// Says what multiple of the round-trip time this took.
    pub fn set_rtt_multiple(&mut self, rtt: Duration) {
        if let Some((time, unit)) = self.time() {
            self.rtt_multiple = Some(significant(time / unit.per_second() / rtt.as_secs_f64(), 3));
        }
    }

    /// The median time of one operation, and its unit.
    pub fn time(&self) -> Option<(f64, Unit)> {
        let times =
            [(self.median_ms_per_op, Unit::Ms), (self.median_us_per_op, Unit::Us), (self.median_ns_per_op, Unit::Ns)];
        times.into_iter().find_map(|(time, unit)| time.map(|time| (time, unit)))
    }
}

/// The ends of an interval, with so many significant digits.
fn ends(ends: Option<[f64; 2]>, digits: usize) -> Option<[f64; 2]> {
    ends.map(|ends| ends.map(|end| significant(end, digits)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Traffic;

    fn measured() -> Measured {
        let series = |system, seconds: f64| Series {
            system,
            operation: "get".to_owned(),
            operations: 2,
            seconds: vec![seconds; 6],
            ..Series::default()
        };
        let mut ours = series("ours", 12.344_56e-6);
        ours.traffic = Some(Traffic { round_trips: 6, bytes_up: Some(3), ..Traffic::default() });
        let series = vec![ours, series("naive", 0.001), series("raw", 10e-6)];
        Measured { operation: "get".to_owned(), series }
    }

    #[test]
    fn a_workload_becomes_rows_in_one_unit_with_speedups() {
        let measured = measured();
        let mut rows = Row::of("local", &measured, "naive");
        assert_eq!(rows[0].time(), Some((12.34, Unit::Us)));
        assert_eq!(rows[1].time(), Some((1000.0, Unit::Us)));
        assert_eq!((rows[0].speedup, rows[0].verdict), (Some(81.0), Some(Verdict::Faster)));
        assert_eq!((rows[1].speedup, &rows[1].baseline), (None, &None));
        assert_eq!((rows[1].range, rows[1].outliers), (Some([1000.0, 1000.0]), Some(0)));
        assert_eq!((rows[0].round_trips_per_op, rows[0].bytes_up_per_op), (Some(0.5), Some(0.25)));
        let hop = Series { system: "ours", seconds: vec![2e-6; 6], ..Series::default() };
        rows[0].set_cost(&measured.series[0], &measured.series[2], Some(&hop));
        assert_eq!((rows[0].cost_vs_raw, rows[0].cost_vs_raw_without_hop), (Some(1.23), Some(1.03)));
        assert_eq!(rows[0].hop_us_per_op, Some(2.0));
        rows[1].set_rtt_multiple(Duration::from_micros(300));
        assert_eq!(rows[1].rtt_multiple, Some(3.33));
        let seconds = vec![3e-6, 2e-6, 4e-6];
        rows[0].set_least(&Series { seconds, ..measured.series[0].clone() });
        assert_eq!(rows[0].least, Some(2.0));
    }

    #[test]
    fn few_rounds_give_no_interval_and_none_give_no_figures() {
        let mut measured = measured();
        measured.series[1].seconds.truncate(1);
        measured.series[2] =
            Series { seconds: Vec::new(), reason: Some("refused".to_owned()), ..measured.series[2].clone() };
        let rows = Row::of("local", &measured, "naive");
        assert_eq!((rows[0].speedup, rows[0].speedup_ci95, rows[0].verdict), (Some(81.0), None, None));
        assert_eq!((rows[1].time(), rows[1].ci95, rows[1].rounds), (Some((1000.0, Unit::Us)), None, Some(1)));
        assert_eq!((rows[2].time(), rows[2].reason.as_deref()), (None, Some("refused")));
        let rows = Row::of("local", &measured, "raw");
        assert_eq!((rows[0].speedup, &rows[0].baseline), (None, &None));
    }
}
