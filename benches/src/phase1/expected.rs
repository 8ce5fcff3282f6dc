//! What was expected of each operation, and whether it was reached.

use crate::report::{Promise, Row, Unit};

/// What was expected of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// Its time, in milliseconds.
    pub(super) millis: Option<f64>,
    /// How many times faster than the baseline.
    pub(super) speedup: Option<f64>,
    /// The speedup that is asked for in its place.
    pub(super) target: Option<f64>,
    /// The part of round trips that are gone, 0 to 1.
    pub(super) saved: Option<f64>,
    /// The most that it may cost of the same without a cache.
    pub(super) cost_vs_uncached: Option<f64>,
    /// The most nanoseconds beyond the cache by itself.
    pub(super) added_ns: Option<f64>,
}

/// A record at a time, with a connection for each: in milliseconds.
pub(super) const BASELINE_MS: f64 = 134.0;

/// A call for many records, over the baseline for each of them.
const fn batch(millis: f64, speedup: f64) -> Expected {
    Expected { millis: Some(millis), speedup: Some(speedup), saved: Some(0.55), ..NOTHING }
}

const NOTHING: Expected =
    Expected { millis: None, speedup: None, target: None, saved: None, cost_vs_uncached: None, added_ns: None };

/// So much less time: as a speedup.
const fn faster(part: f64) -> Expected {
    Expected { speedup: Some(1.0 / (1.0 - part)), ..NOTHING }
}

/// What the first phase of optimisation expected.
pub(super) fn of(operation: &str) -> Expected {
    let operation = operation.trim_end_matches("/real").trim_end_matches("/retrieve");
    match operation {
        "baseline_no_cache" => Expected { millis: Some(BASELINE_MS), ..NOTHING },
        "optimized_cache_first" => Expected {
            millis: Some(20.0),
            speedup: Some(BASELINE_MS / 20.0),
            saved: Some(0.85),
            cost_vs_uncached: Some(0.2),
            ..NOTHING
        },
        // 15 ms are less than a round trip.
        "batch_operations/10" => Expected { target: Some(28.0), ..batch(15.0, 89.3) },
        "batch_operations/50" => batch(48.0, 140.0),
        "batch_operations/100" => batch(80.0, 167.0),
        "prepared_statements" | "prepared_statements/by_hand" => faster(0.35),
        "metadata_query_optimized" => faster(0.70),
        "e2e_optimized" => Expected { speedup: Some(6.25), saved: Some(0.55), ..NOTHING },
        _ => NOTHING,
    }
}

/// What was asked of a hit: at most so many nanoseconds beyond the cache's own.
pub(super) const fn at_most_added(nanoseconds: f64) -> Expected {
    Expected { added_ns: Some(nanoseconds), ..NOTHING }
}

impl Expected {
    /// Says in the row what was expected, whether it was reached, and where it
    /// fell short, why.
    ///
    /// Medians decide, with the digits that the row shows, since of all figures
    /// they are the ones that come out alike in two runs: an interval's end is
    /// a single round's. Where the interval contains what is asked for, the row
    /// says so.
    pub(super) fn judge(&self, row: &mut Row) {
        let digits = |value: f64| crate::statistics::significant(value, 3);
        row.expected_ms_per_op = self.millis;
        row.expected_speedup = self.speedup.map(digits);
        row.target_speedup = self.target;
        row.expected_round_trips_saved = self.saved;
        row.expected_cost_vs_uncached = self.cost_vs_uncached;
        row.expected_added_ns_per_op = self.added_ns;
        let asked = self.target.or(row.expected_speedup);
        // At a server given by URL nothing counts the requests of all systems.
        let is_uncounted = self.saved.is_some() && row.round_trips_saved.is_none() && row.speedup.is_some();
        let saved = self.saved.filter(|_| !is_uncounted);
        if is_uncounted {
            explain(row, "round trips are not counted at this server, and those saved have no part in the verdict");
        }
        let pairs = [
            (row.speedup, asked),
            (row.round_trips_saved, saved),
            // The other way round: the most that is allowed, and what it is.
            (self.cost_vs_uncached, row.cost_vs_uncached.or(self.cost_vs_uncached.map(|_| f64::INFINITY))),
            (self.added_ns, row.added_ns_per_op.or(self.added_ns.map(|_| f64::INFINITY))),
        ];
        let asked_for = pairs.iter().filter_map(|(reached, asked)| asked.map(|asked| (*reached, asked)));
        let reached: Vec<_> =
            asked_for.map(|(reached, asked)| reached.is_some_and(|reached| reached >= asked)).collect();
        if !reached.is_empty() {
            row.promise = Some(if reached.contains(&false) { Promise::Missed } else { Promise::Kept });
        }
        let short = |asked: Option<f64>| row.speedup.zip(asked).is_some_and(|(speedup, asked)| speedup < asked);
        if short(row.expected_speedup) {
            let why = shortfall(row, self.millis);
            explain(row, &why);
        }
        if let (Some([low, high]), Some(asked)) = (row.speedup_ci95, asked)
            && (low..=high).contains(&asked)
        {
            explain(row, &format!("the interval of its speedup, {low} to {high}, contains the x{asked} asked for"));
        }
    }
}

/// Why a speedup is below what was expected.
fn shortfall(row: &Row, expected: Option<f64>) -> String {
    let millis = row.time().map(|(time, unit)| time * if unit == Unit::Ms { 1.0 } else { 1e-3 });
    match (expected, row.rtt_ms, millis) {
        (Some(expected), Some(rtt), _) if expected < rtt => format!(
            "the {expected} ms that were expected are less than one round trip of {rtt} ms, and no answer comes \
             across a network in less"
        ),
        (_, Some(rtt), Some(millis)) => {
            let bytes = row.bytes_up_per_op.unwrap_or_default() + row.bytes_down_per_op.unwrap_or_default();
            let trips = row.round_trips_per_op.unwrap_or_default();
            format!(
                "of its {millis:.1} ms, {:.1} are {trips} round trip of {rtt} ms, which no answer across a network does \
                 without; the rest is work on {bytes:.0} bytes",
                trips * rtt,
            )
        }
        _ => "the work that both ways have in common is most of what is left".to_owned(),
    }
}

/// Adds to what there is to know about a row.
pub(super) fn explain(row: &mut Row, what: &str) {
    row.reason = Some(row.reason.take().map_or_else(|| what.to_owned(), |reason| format!("{reason}; {what}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(operation: &str, speedup: f64, saved: f64) -> Row {
        let mut row = Row::new("phase1", operation, "ours");
        (row.median_ms_per_op, row.rtt_ms) = (Some(42.0), Some(39.0));
        (row.speedup, row.speedup_ci95) = (Some(speedup), Some([speedup - 2.0, speedup + 2.0]));
        row.round_trips_saved = Some(saved);
        row
    }

    fn judged(mut row: Row) -> Row {
        of(&row.operation).judge(&mut row);
        row
    }

    #[test]
    fn a_promise_is_kept_where_all_of_it_is_reached() {
        let kept = judged(row("batch_operations/100", 280.0, 0.99));
        assert_eq!((kept.promise, kept.reason), (Some(Promise::Kept), None));
        let slow = judged(row("batch_operations/100", 150.0, 0.99));
        assert_eq!(slow.promise, Some(Promise::Missed));
        assert!(slow.reason.unwrap().contains("round trip of 39 ms"));
        assert_eq!(judged(row("batch_operations/100/retrieve/real", 280.0, 0.5)).promise, Some(Promise::Missed));
        assert_eq!(judged(row("query_page/cold", 2.0, 0.5)).promise, None);
    }

    #[test]
    fn what_no_network_allows_is_named_and_its_target_decides() {
        let ten = judged(row("batch_operations/10", 31.0, 0.97));
        assert_eq!(
            (ten.promise, ten.expected_speedup, ten.target_speedup),
            (Some(Promise::Kept), Some(89.3), Some(28.0))
        );
        assert!(ten.reason.unwrap().contains("15 ms that were expected are less than one round trip of 39 ms"));
        let close = judged(row("batch_operations/10", 29.0, 0.97));
        assert!(close.reason.unwrap().contains("27 to 31, contains the x28 asked for"));
    }

    #[test]
    fn what_may_not_be_exceeded_is_a_promise_too() {
        let mut first = row("optimized_cache_first", 20.0, 0.85);
        assert_eq!(judged(first.clone()).promise, Some(Promise::Missed), "nothing is known of the cost");
        first.cost_vs_uncached = Some(0.21);
        assert_eq!(judged(first.clone()).promise, Some(Promise::Missed));
        first.cost_vs_uncached = Some(0.16);
        assert_eq!(judged(first.clone()).promise, Some(Promise::Kept));
        first.round_trips_saved = Some(0.84);
        assert_eq!(judged(first).promise, Some(Promise::Missed));
    }

    #[test]
    fn where_round_trips_are_not_counted_the_speedup_decides() {
        for operation in
            ["batch_operations/10", "batch_operations/100", "batch_operations/50/retrieve", "e2e_optimized"]
        {
            for (speedup, promise) in [(280.0, Promise::Kept), (2.0, Promise::Missed)] {
                let mut uncounted = row(operation, speedup, 0.0);
                uncounted.round_trips_saved = None;
                let uncounted = judged(uncounted);
                assert_eq!(uncounted.promise, Some(promise), "{operation}");
                assert!(uncounted.reason.unwrap().contains("not counted"), "{operation}");
            }
        }
    }

    #[test]
    fn what_was_not_measured_is_no_kept_promise() {
        let mut failed = Row::new("phase1", "e2e_optimized", "ours");
        of("e2e_optimized").judge(&mut failed);
        assert_eq!(failed.promise, Some(Promise::Missed));
    }
}
