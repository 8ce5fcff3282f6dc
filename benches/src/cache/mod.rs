//! Sections `cache` and `cache_ratio`: the adaptive cache and others.
//!
//! - `ours` is [`AdaptiveCache`](memory_storage_redb::AdaptiveCache) with
//!   lifetimes, adaptation and statistics on, and `ours-uncounted` the same
//!   without statistics.
//! - `quick_cache`, `moka`, `foyer` (S3-FIFO) and `mini-moka` are as their
//!   crates make them by default; `moka-expiring` has a life for each entry,
//!   which grows with every read, as ours does; `lru` is a list behind a mutex.
//! - In `cache_ratio` all do what they have put off after every request, so that
//!   they are compared at the same capacity. `moka-unsettled` and
//!   `mini-moka-unsettled` are left to themselves, and hold up to 64 more.
//! - `dashmap` has no bound, and is the floor.
//!
//! Keys are UUIDs, and values eight bytes: as large as an `Arc`, without its
//! count, which would cost all of them the same.

mod costs;
mod memory;
mod optimum;
mod ratios;
mod settings;
mod systems;
mod traces;

use anyhow::Result;

pub use self::costs::workloads as cache_workloads;
pub use self::settings::{CacheSettings, CountAllocated};
pub use self::traces::Trace;
use crate::report::Row;
use crate::{Progress, Section, Settings};

/// What it costs.
pub(crate) const COSTS: Section = Section {
    name: "cache",
    about: "the adaptive cache: cost of hits, writes and entries, against other caches",
    check: |_| Ok(()),
    describe: |settings| format!("{} rounds, seed {}", settings.cache.rounds, settings.seed),
    run: costs_and_memory,
};

/// How often it hits.
pub(crate) const RATIOS: Section = Section {
    name: "cache_ratio",
    about: "the adaptive cache: hit ratios on traces, against other caches and the optimum",
    check: |_| Ok(()),
    describe: ratios::describe,
    run: ratios::rows,
};

fn costs_and_memory(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let mut rows = costs::rows(settings, progress)?;
    rows.extend(memory::rows(&settings.cache, progress)?);
    Ok(rows)
}
