//! What an entry takes beyond its key and value.

use std::fmt::Display;

use anyhow::Result;

use super::settings::{CacheSettings, CountAllocated};
use super::systems::{self, BOUNDED, Key, Maker, System, Value, key};
use crate::Progress;
use crate::report::Row;
use crate::statistics::significant;

/// A row for each system and size, and for the mean over the sizes. None where
/// nobody counts what is allocated.
pub(super) fn rows(settings: &CacheSettings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let Some(count) = settings.count_allocated else { return Ok(Vec::new()) };
    let sizes = &settings.filled;
    let mut makers = BOUNDED.to_vec();
    makers.push(Maker { name: "moka-expiring", make: |entries| Ok(Box::new(systems::moka_expiring(entries))) });
    progress.plan((makers.len() * sizes.len()) as u64);
    let mut sums = vec![0.0; makers.len()];
    let mut rows = Vec::new();
    for entries in sizes {
        for (maker, sum) in makers.iter().zip(&mut sums) {
            if progress.is_cancelled() {
                return Ok(rows);
            }
            progress.step(&format!("memory/{entries} {}", maker.name));
            let overhead = overhead(maker, *entries, count)?;
            *sum += overhead / sizes.len() as f64;
            rows.push(row(entries, maker, overhead));
        }
    }
    rows.extend(makers.iter().zip(sums).map(|(maker, mean)| row("mean", maker, mean)));
    Ok(rows)
}

fn row(entries: impl Display, maker: &Maker, overhead: f64) -> Row {
    let mut row = Row::new(super::COSTS.name, format!("memory/{entries}"), maker.name);
    row.bytes_per_entry = Some(significant(overhead, 4));
    row
}

/// Bytes for each entry of a cache that has been full for as long as it takes
/// to be filled twice, ghosts and whatever else included.
fn overhead(maker: &Maker, entries: usize, count: CountAllocated) -> Result<f64> {
    let requests = 2 * entries as u64;
    let mut made = None;
    let bytes = count(&mut || made = Some((maker.make)(entries).inspect(|system| fill(&**system, requests))));
    let Some(system) = made.transpose()? else { return Ok(f64::NAN) };
    Ok(bytes as f64 / system.held().max(1) as f64 - (size_of::<Key>() + size_of::<Value>()) as f64)
}

/// Uses a cache as it is used: looked up first, and now and then again.
fn fill(system: &dyn System, requests: u64) {
    for number in 0..requests {
        for wanted in [number, number / 2] {
            if system.get(&key(wanted)).is_none() {
                system.insert(key(wanted), wanted);
            }
        }
    }
}
