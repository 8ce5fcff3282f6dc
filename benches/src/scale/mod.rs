//! Section `scale`: many episodes, and many tasks at the same time.
//!
//! For each number of episodes a database in a local file is loaded with so
//! many of 1 kB, a thousand in a call, and then asked: by ids, by metadata with
//! an index and without one, by domain, for the newest, and how many there are.
//! Then, on the largest, tasks get and store one episode after the other at the
//! same time, up to 64 of them; the time of one operation is that of all,
//! divided by their number.
//!
//! After a slash each operation has the number of episodes.

mod operations;
mod settings;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use fastrand::Rng;
use memory_core::{Episode, MemoryStorageExt};
use memory_storage_turso::TursoStorage;
use tokio::runtime::{Builder, Runtime};

use self::operations::Loaded;
pub use self::settings::ScaleSettings;
use crate::local::OURS;
use crate::population::{self, pad};
use crate::report::Row;
use crate::{Measured, Progress, Section, Series, Settings, Workload, run};

/// The section.
pub(crate) const SECTION: Section = Section {
    name: "scale",
    about: "a local file of many episodes, and many tasks at the same time",
    check: |_| Ok(()),
    describe,
    run: section,
};

/// Bytes of an episode as JSON.
const EPISODE_BYTES: usize = 1_000;
/// Episodes that are stored in one call.
const LOAD: usize = 1_000;

fn describe(settings: &Settings) -> String {
    let ScaleSettings { populations, tasks, rounds } = &settings.scale;
    let populations: Vec<_> = populations.iter().map(|count| name(*count)).collect();
    let most = tasks.iter().max().copied().unwrap_or_default();
    format!("{} episodes of 1 kB, 1 to {most} tasks, {rounds} rounds, seed {}", populations.join(", "), settings.seed)
}

fn section(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let runtime = Rc::new(Builder::new_multi_thread().enable_all().build()?);
    let files = tempfile::tempdir().context("make a folder for the databases")?;
    let mut rows = Vec::new();
    let populations = &settings.scale.populations;
    for (number, count) in populations.iter().enumerate() {
        let path = files.path().join(format!("{count}.db"));
        let (loaded, row) = load(&runtime, &path, *count, settings.seed, progress)?;
        rows.push(row);
        rows.extend(measure(loaded.workloads(), *count, None, settings, progress)?);
        if number + 1 == populations.len() {
            for tasks in &settings.scale.tasks {
                let workloads = loaded.concurrent(*tasks, settings.seed)?;
                rows.extend(measure(workloads, *count, Some(*tasks), settings, progress)?);
            }
        }
    }
    Ok(rows)
}

fn measure(
    mut workloads: Vec<Workload>,
    records: usize,
    tasks: Option<usize>,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for workload in &mut workloads {
        let measured = run(std::slice::from_mut(workload), settings.scale.rounds, settings.seed, progress)?;
        rows.extend(measured.iter().flat_map(|measured| sized(measured, records, tasks)));
    }
    Ok(rows)
}

fn sized(measured: &Measured, records: usize, tasks: Option<usize>) -> Vec<Row> {
    let mut rows = Row::of(SECTION.name, measured, "");
    for row in &mut rows {
        row.records = Some(records as u64);
        row.tasks = tasks.map(|tasks| tasks as u64);
    }
    rows
}

/// Stores so many episodes, and says what each of them cost.
fn load(runtime: &Rc<Runtime>, path: &Path, count: usize, seed: u64, progress: &dyn Progress) -> Result<(Loaded, Row)> {
    let storage = Arc::new(runtime.block_on(TursoStorage::builder().index_metadata("session").local(path))?);
    let operation = format!("load/{}", name(count));
    let mut series =
        Series { system: OURS, operation: operation.clone(), operations: LOAD.min(count) as u64, ..Series::default() };
    let mut ids = Vec::with_capacity(count);
    progress.plan(count.div_ceil(LOAD) as u64);
    // Not all at once: what is stored is not to be in memory too.
    let mut random = Rng::with_seed(seed);
    let mut episodes = population::generator(seed, count);
    while ids.len() < count {
        progress.step(&operation);
        let mut chunk = episodes.by_ref().take(LOAD).collect::<memory_core::Result<Vec<Episode>>>()?;
        chunk.iter_mut().try_for_each(|episode| pad(&mut random, episode, EPISODE_BYTES))?;
        ids.extend(chunk.iter().map(|episode| episode.id));
        let start = Instant::now();
        runtime.block_on(storage.store_episodes_batch(&chunk)).context("load episodes")?;
        series.seconds.push(start.elapsed().as_secs_f64() / chunk.len() as f64);
    }
    random.shuffle(&mut ids);
    let measured = Measured { operation, series: vec![series] };
    let row = sized(&measured, count, None).remove(0);
    Ok((Loaded { runtime: Rc::clone(runtime), storage, ids: ids.into() }, row))
}

/// A number of episodes, for people.
fn name(count: usize) -> String {
    match count {
        1_000_000.. if count.is_multiple_of(1_000_000) => format!("{}M", count / 1_000_000),
        1_000.. if count.is_multiple_of(1_000) => format!("{}k", count / 1_000),
        _ => count.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_where_they_are_round() {
        assert_eq!([300, 1_000, 100_000, 1_000_000, 1_500].map(name), ["300", "1k", "100k", "1M", "1500"]);
    }
}
