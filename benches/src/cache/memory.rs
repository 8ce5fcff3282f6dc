//! What an entry takes beyond its key and value.

use anyhow::Result;

use super::systems::{self, BOUNDED, Key, Maker, Value, key};
use crate::report::Row;
use crate::statistics::significant;
use crate::{Progress, Settings};

/// On both sides of where tables of a power of two double.
const SIZES: [usize; 3] = [150_000, 200_000, 250_000];

/// A row for each system and size, and for the mean over the sizes. None where
/// nobody counts what is allocated.
pub(super) fn rows(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let Some(allocated) = settings.allocated else { return Ok(Vec::new()) };
    let mut expiring = BOUNDED.to_vec();
    expiring.push(Maker { name: "moka-expiring", make: |entries| Ok(Box::new(systems::moka_expiring(entries))) });
    progress.plan((expiring.len() * SIZES.len()) as u64);
    let mut sums = vec![0.0; expiring.len()];
    let mut rows = Vec::new();
    for entries in SIZES {
        for (maker, sum) in expiring.iter().zip(&mut sums) {
            progress.step(&format!("memory/{entries} {}", maker.name));
            let overhead = overhead(maker, entries, allocated)?;
            *sum += overhead / SIZES.len() as f64;
            rows.push(row(entries, maker, overhead));
        }
    }
    rows.extend(expiring.iter().zip(sums).map(|(maker, mean)| row("mean", maker, mean)));
    Ok(rows)
}

fn row(entries: impl std::fmt::Display, maker: &Maker, overhead: f64) -> Row {
    let mut row = Row::new(super::COSTS.name, format!("memory/{entries}"), maker.name);
    row.bytes_per_entry = Some(significant(overhead, 4));
    row
}

/// Bytes for each entry of a cache that has been full for as long as it takes
/// to be filled twice, ghosts and whatever else included.
fn overhead(maker: &Maker, entries: usize, allocated: fn() -> usize) -> Result<f64> {
    let before = allocated();
    let system = (maker.make)(entries)?;
    let requests = 2 * entries as u64;
    for number in 0..requests {
        // As a cache is used: looked up first, and now and then again.
        for wanted in [number, number / 2] {
            if system.get(&key(wanted)).is_none() {
                system.insert(key(wanted), wanted);
            }
        }
    }
    let bytes = allocated().saturating_sub(before);
    let held = (0..requests).filter(|number| system.get(&key(*number)).is_some()).count().max(1);
    Ok(bytes as f64 / held as f64 - (size_of::<Key>() + size_of::<Value>()) as f64)
}
