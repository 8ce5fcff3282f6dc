//! How often each system hits, beside the most that any can.

use anyhow::Result;

use super::systems::{BOUNDED, key};
use super::traces::{self, Trace};
use super::{RATIOS, optimum};
use crate::report::Row;
use crate::statistics::significant;
use crate::{Progress, Settings};

/// A row for each trace, capacity and system.
pub(super) fn rows(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let mut traces = traces::synthetic(settings.seed, if settings.is_quick() { 4 } else { 1 });
    for path in &settings.traces {
        traces.push(traces::read(path)?);
    }
    progress.plan(traces.iter().map(|trace| trace.capacities.len() as u64 * (BOUNDED.len() as u64 + 1)).sum());
    let mut rows = Vec::new();
    for trace in &traces {
        for capacity in &trace.capacities {
            rows.extend(compare(trace, *capacity, progress)?);
        }
    }
    Ok(rows)
}

fn compare(trace: &Trace, capacity: usize, progress: &dyn Progress) -> Result<Vec<Row>> {
    let operation = format!("{}/{capacity}", trace.name);
    let row = |system: &str, hits: u64| {
        let mut row = Row::new(RATIOS.name, operation.as_str(), system);
        row.hit_ratio = Some(significant(hits as f64 / trace.requests.len().max(1) as f64, 4));
        row
    };
    progress.step(&format!("{operation} optimum"));
    let mut rows = vec![row("optimum", optimum::hits(&trace.requests, capacity))];
    for maker in &BOUNDED {
        progress.step(&format!("{operation} {}", maker.name));
        let system = (maker.make)(capacity)?;
        let mut hits = 0;
        for request in &trace.requests {
            let key = key(u64::from(*request));
            if system.get(&key).is_some() {
                hits += 1;
            } else {
                system.insert(key, u64::from(*request));
            }
        }
        rows.push(row(maker.name, hits));
    }
    Ok(rows)
}
