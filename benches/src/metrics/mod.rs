//! Section `metrics`: what it costs a cache hit to be measured.
//!
//! `ours` is a cached storage as it is by default, and `metrics-off` the same
//! with [`PerformanceMetrics::off`]. Both answer from their caches alone, the
//! same episodes in the same order, in interleaved rounds.
//!
//! - `hit`: `get_cached`, which costs nothing but the lookup;
//! - `hit/get_episode`: through the trait, with its boxed future and `Vec`.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Result, ensure};
use memory_core::{Episode, MemoryStorageExt, TaskContext, TaskType};
use memory_storage_turso::{CacheConfig, CachedTursoStorage, PerformanceMetrics, TursoStorage};
use tokio::runtime::{Builder, Runtime};

use crate::report::{Promise, Row};
use crate::statistics::{Estimate, significant};
use crate::{Contender, Measured, Progress, Scope, Section, Settings, Workload, run, timed};

/// The section.
pub(crate) const SECTION: Section = Section {
    name: "metrics",
    about: "a cache hit with its metrics on and off",
    check: |_| Ok(()),
    describe: |settings| format!("{EPISODES} episodes, {} rounds, seed {}", settings.rounds, settings.seed),
    run: section,
};

const ON: &str = "ours";
const OFF: &str = "metrics-off";
const EPISODES: usize = 1_000;
/// What metrics may add to a hit.
const EXPECTED_NANOS: f64 = 10.0;

fn section(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let runtime = Rc::new(Builder::new_current_thread().build()?);
    let episodes: Rc<[Episode]> = (0..EPISODES)
        .map(|number| Episode::new(format!("Task {number}"), TaskContext::new("web"), TaskType::Testing))
        .collect();
    let on = open(&runtime, Arc::default(), &episodes)?;
    let off = open(&runtime, Arc::new(PerformanceMetrics::off()), &episodes)?;
    let hits = if settings.scope == Scope::Quick { 20_000 } else { 200_000 };
    let contenders = |cached| {
        [(ON, &on), (OFF, &off)].map(|(name, storage)| contender(name, cached, &runtime, storage, &episodes)).into()
    };
    let mut workloads =
        [Workload::new("hit", hits, contenders(true)), Workload::new("hit/get_episode", hits, contenders(false))];
    let measured = run(&mut workloads, settings.rounds, settings.seed, progress)?;
    Ok(measured.iter().flat_map(rows).collect())
}

/// A storage that has all episodes in its cache.
fn open(runtime: &Runtime, metrics: Arc<PerformanceMetrics>, episodes: &[Episode]) -> Result<Rc<CachedTursoStorage>> {
    runtime.block_on(async {
        let storage = TursoStorage::builder().metrics(metrics).memory().await?;
        let storage = storage.with_cache(CacheConfig::default())?;
        storage.store_episodes_batch(episodes).await?;
        Ok(Rc::new(storage))
    })
}

fn contender(
    name: &'static str,
    cached: bool,
    runtime: &Rc<Runtime>,
    storage: &Rc<CachedTursoStorage>,
    episodes: &Rc<[Episode]>,
) -> Contender {
    let (runtime, storage, episodes) = (Rc::clone(runtime), Rc::clone(storage), Rc::clone(episodes));
    Contender::new(name, move |hits| {
        let misses = storage.stats().episodes.misses;
        let get = async |number: u64| {
            let id = episodes[usize::try_from(number).unwrap_or_default() % EPISODES].id;
            let found = if cached { storage.get_cached(id).await? } else { storage.get_episode(id).await? };
            ensure!(found.is_some(), "{id} is missing");
            Ok(())
        };
        let sample = runtime.block_on(timed(hits, get))?;
        ensure!(storage.stats().episodes.misses == misses, "a hit that was none");
        Ok(sample)
    })
}

/// The rows, and on ours what the metrics add to a hit: the median of the
/// differences within each round.
fn rows(measured: &Measured) -> Vec<Row> {
    let mut rows = Row::of(SECTION.name, measured, OFF);
    if let (Some(on), Some(off)) = (measured.of(ON), measured.of(OFF)) {
        let added = on.seconds.iter().zip(&off.seconds).map(|(on, off)| (on - off) * 1e9);
        let added = significant(Estimate::of(added).median, 3);
        for row in rows.iter_mut().filter(|row| row.system == ON) {
            row.added_ns_per_op = Some(added);
            row.expected_added_ns_per_op = Some(EXPECTED_NANOS);
            row.promise = Some(if added <= EXPECTED_NANOS { Promise::Kept } else { Promise::Missed });
        }
    }
    rows
}
