//! How often each system hits, beside the most that any can.

use anyhow::Result;

use super::systems::{BOUNDED, System, key};
use super::traces::{self, Trace};
use super::{RATIOS, optimum};
use crate::report::Row;
use crate::statistics::significant;
use crate::{Progress, Settings};

pub(super) fn describe(settings: &Settings) -> String {
    let files = settings.cache.traces.len();
    format!("{} requests of each drawn trace, {files} traces from files, seed {}", settings.cache.drawn, settings.seed)
}

/// A row for each trace, capacity and system, and for each phase of those whose
/// workload changes.
pub(super) fn rows(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let drawn = traces::synthetic(settings.seed, settings.cache.drawn);
    let traces = || drawn.iter().chain(&settings.cache.traces);
    progress.plan(traces().map(|trace| trace.capacities.len() as u64 * (BOUNDED.len() as u64 + 1)).sum());
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
    let mut all = vec![("optimum", optimum::hits(&trace.requests, capacity))];
    for maker in &BOUNDED {
        progress.step(&format!("{operation} {}", maker.name));
        all.push((maker.name, hits(&*(maker.make)(capacity)?, &trace.requests)));
    }
    let row = |operation: &str, system: &str, hits: &[bool]| {
        let mut row = Row::new(RATIOS.name, operation, system);
        let count = hits.iter().filter(|hit| **hit).count();
        row.hit_ratio = Some(significant(count as f64 / hits.len().max(1) as f64, 4));
        row
    };
    let mut rows: Vec<_> = all.iter().map(|(system, hits)| row(&operation, system, hits)).collect();
    if trace.phases > 1 {
        let length = trace.requests.len().div_ceil(trace.phases).max(1);
        for phase in 0..trace.phases {
            let operation = format!("{operation}/phase-{}", phase + 1);
            let part = |hits: &Vec<bool>| hits.chunks(length).nth(phase).unwrap_or_default().to_vec();
            rows.extend(all.iter().map(|(system, hits)| row(&operation, system, &part(hits))));
        }
    }
    Ok(rows)
}

/// Whether each request was a hit; what misses is inserted.
fn hits(system: &dyn System, requests: &[u32]) -> Vec<bool> {
    let request = |request: &u32| {
        let key = key(u64::from(*request));
        let hit = system.get(&key).is_some();
        if !hit {
            system.insert(key, u64::from(*request));
        }
        hit
    };
    requests.iter().map(request).collect()
}
