//! From measurements to rows.

use std::time::Duration;

use super::batches::{SIZES, name, retrieve_name};
use super::expected::{self, at_most_added};
use super::reads::Hits;
use super::{
    BASELINE_NO_CACHE, E2E_BASELINE, E2E_BY_HAND, E2E_OPTIMIZED, METADATA_NETWORK, OPTIMIZED_CACHE_FIRST, SECTION,
    UNCACHED_MIX, hits, narrowing, prepared,
};
use crate::clients::{BASELINE, OURS, Scene};
use crate::local::NAIVE;
use crate::report::Row;
use crate::statistics::{Estimate, significant};
use crate::{Measured, Series};

/// The rows of everything that went across the network.
pub(super) fn network(
    measured: &Measured,
    scenes: &[std::rc::Rc<Scene>],
    hits: &Hits,
    rtt: Option<Duration>,
) -> Vec<Row> {
    let read = measured.at(BASELINE_NO_CACHE, BASELINE).cloned().unwrap_or_default();
    let mut rows = over(measured, &[BASELINE_NO_CACHE, UNCACHED_MIX, OPTIMIZED_CACHE_FIRST], &read, BASELINE);
    cache_first(&mut rows, measured, hits);
    for scene in scenes {
        for size in SIZES {
            let (name, retrieve) = (name(size, scene), retrieve_name(size, scene));
            let one_by_one = read.scaled(&name, size as u64);
            let mut batch = over(measured, &[&name, &retrieve], &one_by_one, BASELINE);
            if let (Some(stored), Some(ours)) = (measured.at(&name, BASELINE), measured.at(&name, OURS))
                && !stored.seconds.is_empty()
            {
                let ratio = Estimate::of_ratios(&stored.seconds, &ours.seconds).median;
                let ours = batch.iter_mut().filter(|row| row.operation == name && row.system == OURS);
                ours.for_each(|row| row.speedup_vs_store = Some(significant(ratio, 3)));
            }
            rows.append(&mut batch);
        }
    }
    for (operations, base, system) in [
        (&[METADATA_NETWORK][..], METADATA_NETWORK, BASELINE),
        (&[E2E_BASELINE, E2E_BY_HAND, E2E_OPTIMIZED], E2E_BASELINE, BASELINE),
    ] {
        let base = measured.at(base, system).cloned().unwrap_or_default();
        rows.extend(over(measured, operations, &base, system));
    }
    finish(&mut rows, rtt);
    rows
}

/// The rows of what every operation costs when cold and when cached.
pub(super) fn round_trips(measured: &Measured, rtt: Option<Duration>) -> Vec<Row> {
    let mut operations: Vec<_> = measured.series.iter().map(|series| series.operation.as_str()).collect();
    operations.dedup();
    let mut rows = Vec::new();
    for operation in operations {
        let dropping = measured.at(operation, narrowing::DROPPING).cloned().unwrap_or_default();
        rows.extend(over(measured, &[operation], &dropping, narrowing::DROPPING));
    }
    finish(&mut rows, rtt);
    rows
}

/// The rows of what happened on this machine alone.
pub(super) fn local(metadata: &Measured, prepared: &Measured, hit: &Measured) -> Vec<Row> {
    let mut rows = Row::of(SECTION.name, metadata, NAIVE);
    for (operation, base) in [(prepared::OPERATION, prepared::PREPARING), (prepared::BY_HAND, NAIVE)] {
        let base_series = prepared.at(operation, base).cloned().unwrap_or_default();
        rows.extend(over(prepared, &[operation], &base_series, base));
    }
    let ours = |row: &&mut Row| row.speedup.is_some() && (row.system == OURS || row.operation == prepared::BY_HAND);
    rows.iter_mut().filter(ours).for_each(|row| expected::of(&row.operation).judge(row));
    let mut hits = Row::of(SECTION.name, hit, "");
    let cache = hit.of(hits::CACHE);
    for (system, most) in [(hits::DIRECT, 40.0), (hits::TRAIT, 150.0)] {
        let Some(row) = hits.iter_mut().find(|row| row.system == system) else { continue };
        if let Some((cache, series)) = cache.zip(hit.of(system)) {
            let added = series.seconds.iter().zip(&cache.seconds).map(|(with, alone)| 1e9 * (with - alone));
            row.added_ns_per_op = Some(significant(Estimate::of(added).median, 3));
        }
        at_most_added(most).judge(row);
    }
    rows.extend(hits);
    rows
}

/// The rows of these operations, in their order, with speedups over `base`.
fn over(measured: &Measured, operations: &[&str], base: &Series, baseline: &str) -> Vec<Row> {
    let mut series = vec![base.clone()];
    for operation in operations {
        series.extend(measured.series.iter().filter(|series| series.operation == *operation).cloned());
    }
    let measured = Measured { operation: measured.operation.clone(), series };
    let mut rows = Row::of(SECTION.name, &measured, baseline);
    // It is there twice where it is one of them.
    rows.remove(0);
    let trips = base.round_trips_per_operation().filter(|trips| *trips > 0.0);
    for (row, series) in rows.iter_mut().zip(&measured.series[1..]) {
        if row.speedup.is_some() {
            let saved = series.round_trips_per_operation().zip(trips).map(|(of, all)| 1.0 - of / all);
            row.round_trips_saved = saved.map(|part| significant(part, 4));
        }
    }
    rows
}

/// What the cache answered, and what it saves of what ours does without.
fn cache_first(rows: &mut [Row], measured: &Measured, hits: &Hits) {
    let Some(row) = rows.iter_mut().find(|row| row.operation == OPTIMIZED_CACHE_FIRST) else { return };
    let (hit, lookups) = hits.get();
    row.hit_ratio = (lookups > 0).then(|| significant(hit as f64 / lookups as f64, 4));
    let (cached, uncached) = (measured.at(OPTIMIZED_CACHE_FIRST, OURS), measured.at(UNCACHED_MIX, OURS));
    if let Some((cached, uncached)) = cached.zip(uncached) {
        let cost = Estimate::of_ratios(&cached.seconds, &uncached.seconds).median;
        row.cost_vs_uncached = Some(significant(cost, 3));
        let trips = cached.round_trips_per_operation().zip(uncached.round_trips_per_operation());
        row.round_trips_saved = trips.map(|(with, without)| significant(1.0 - with / without, 4));
    }
}

/// Adds the round-trip time, and what was expected of ours.
fn finish(rows: &mut [Row], rtt: Option<Duration>) {
    for row in rows {
        row.rtt_ms = rtt.map(|rtt| rtt.as_secs_f64() * 1e3);
        if let Some(rtt) = rtt.filter(|rtt| !rtt.is_zero() && row.round_trips_per_op > Some(0.0)) {
            row.set_rtt_multiple(rtt);
        }
        if row.system == OURS || row.operation == BASELINE_NO_CACHE {
            expected::of(&row.operation).judge(row);
        }
        if (row.operation.as_str(), row.system.as_str()) == (METADATA_NETWORK, OURS) {
            expected::explain(
                row,
                "one round trip, and the baseline is hardly more than three: the promise is of the search",
            );
        }
        if let (BASELINE_NO_CACHE, Some(rtt)) = (row.operation.as_str(), row.rtt_ms) {
            expected::explain(row, &format!("the round-trip time found by calibration is {rtt} ms"));
        }
    }
}
