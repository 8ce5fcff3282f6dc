//! How often each system hits, beside the most that any can.

use anyhow::Result;

use super::systems::{self, BOUNDED, Maker, System, key};
use super::traces::{self, Trace};
use super::{RATIOS, optimum};
use crate::report::Row;
use crate::statistics::significant;
use crate::{Progress, Settings};

/// Moka and mini-moka as they are without being settled.
const UNSETTLED: [Maker; 2] = [
    Maker { name: "moka-unsettled", make: |entries| Ok(Box::new(systems::moka(entries))) },
    Maker { name: "mini-moka-unsettled", make: |entries| Ok(Box::new(systems::mini_moka(entries))) },
];

/// How often it is counted what a cache holds.
const COUNTED: usize = 64;

pub(super) fn describe(settings: &Settings) -> String {
    let files = settings.cache.traces.len();
    format!("{} requests of each drawn trace, {files} traces from files, seed {}", settings.cache.drawn, settings.seed)
}

/// A row for each trace, capacity and system, and for each phase of those whose
/// workload changes.
pub(super) fn rows(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let drawn = traces::synthetic(settings.seed, settings.cache.drawn);
    let traces = || drawn.iter().chain(&settings.cache.traces);
    progress.plan(traces().map(|trace| (trace.capacities.len() * (1 + BOUNDED.len() + UNSETTLED.len())) as u64).sum());
    let mut rows = Vec::new();
    for trace in traces() {
        for capacity in &trace.capacities {
            if progress.is_cancelled() {
                return Ok(rows);
            }
            rows.extend(compare(trace, *capacity, progress)?);
        }
    }
    Ok(rows)
}

fn compare(trace: &Trace, capacity: usize, progress: &dyn Progress) -> Result<Vec<Row>> {
    let operation = format!("{}/{capacity}", trace.name);
    progress.step(&format!("{operation} optimum"));
    let mut all = vec![("optimum", optimum::hits(&trace.requests, capacity), None)];
    let settled = BOUNDED.iter().map(|maker| (maker, true));
    for (maker, settle) in settled.chain(UNSETTLED.iter().map(|maker| (maker, false))) {
        progress.step(&format!("{operation} {}", maker.name));
        let (hits, most) = run(&*(maker.make)(capacity)?, &trace.requests, settle);
        all.push((maker.name, hits, Some(most as u64)));
    }
    let row = |operation: &str, system: &str, hits: &[bool]| {
        let mut row = Row::new(RATIOS.name, operation, system);
        let count = hits.iter().filter(|hit| **hit).count();
        row.hit_ratio = Some(significant(count as f64 / hits.len().max(1) as f64, 4));
        row
    };
    let whole = |(system, hits, most_held): &(&str, Vec<bool>, Option<u64>)| Row {
        most_held: *most_held,
        ..row(&operation, system, hits)
    };
    let mut rows: Vec<_> = all.iter().map(whole).collect();
    if trace.phases > 1 {
        let length = trace.requests.len().div_ceil(trace.phases).max(1);
        for phase in 0..trace.phases {
            let operation = format!("{operation}/phase-{}", phase + 1);
            let part = |hits: &Vec<bool>| hits.chunks(length).nth(phase).unwrap_or_default().to_vec();
            rows.extend(all.iter().map(|(system, hits, _)| row(&operation, system, &part(hits))));
        }
    }
    Ok(rows)
}

/// Whether each request was a hit, and the most entries that were found to be
/// held; what misses is inserted.
fn run(system: &dyn System, requests: &[u32], settle: bool) -> (Vec<bool>, usize) {
    // Odd, so as not to keep step with what a cache puts off.
    let every = (requests.len() / COUNTED) | 1;
    let mut most = 0;
    let request = |(number, request): (usize, &u32)| {
        let key = key(u64::from(*request));
        let hit = system.get(&key).is_some();
        if !hit {
            system.insert(key, u64::from(*request));
        }
        if settle {
            system.settle();
        }
        if number % every == 0 {
            most = most.max(system.held());
        }
        hit
    };
    let hits = requests.iter().enumerate().map(request).collect();
    (hits, most)
}
