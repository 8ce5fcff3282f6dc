//! Section `local`: a database in a file of this machine.
//!
//! These systems do each operation on databases of one schema (which ours
//! creates), in WAL mode with `synchronous = NORMAL`:
//!
//! - `ours`: `TursoStorage`, awaited on a current-thread runtime;
//! - `raw-libsql`: hand-written libsql on the calling thread, statements
//!   prepared once and reset before each use, a batch as one transaction;
//! - `naive-libsql`: the same, but every statement prepared anew, every record
//!   read or written by itself, and metadata searched by `LIKE`;
//! - `rusqlite`, where peers take part: what `raw-libsql` does, in a process of
//!   its own, which takes its time itself.
//!
//! Beside these, in files of their own:
//!
//! - `redb`: `RedbStorage`, awaited on a current-thread runtime;
//! - `raw-redb`: hand-written redb on the calling thread, with the encoding and
//!   the index tables of `RedbStorage`, a batch as one transaction, and redb's
//!   defaults;
//! - `raw-redb-quick`: the same with quick repair, which `RedbStorage` has
//!   on, where it makes a difference: in stores.
//!
//! An acknowledged redb transaction is durable and costs two syncs; with
//! `synchronous = NORMAL`, libSQL syncs at checkpoints. `store/64_tasks` has 64
//! tasks that store a record each at the same time, against one that stores them
//! one after the other; the time is that of one record. Where the disk's sync
//! takes less than a millisecond, `store/64_tasks/slow_sync` is the same with
//! syncs that wait a millisecond more.
//!
//! All of them turn records into rows and rows into records inside the clock.
//! Tables that are written to are emptied and the log is checkpointed before
//! each turn. A tenth of a turn's operations run before the clock does, after
//! which caches are warm and threads awake. What ours stores as an upsert, the
//! others insert.

pub(crate) mod by_hand;
mod database;
mod pages;
mod queries;
mod reads;
mod redb;
mod rusqlite;
mod writes;

use anyhow::{Context, Result};

pub(crate) use database::Ours;
pub(crate) use queries::by_index;

use self::redb::{RAW_REDB, REDB};
use crate::report::Row;
use crate::{Measured, Progress, Section, Settings, run};

/// The section.
pub(crate) const SECTION: Section = Section {
    name: "local",
    about: "a local file: store, get, query and delete, against libsql and redb by hand",
    check: rusqlite::check,
    describe,
    run: section,
};

pub(crate) const OURS: &str = "ours";
pub(crate) const RAW: &str = "raw-libsql";
pub(crate) const NAIVE: &str = "naive-libsql";
/// A contender that only goes to another thread and back, among those of a read.
const HOP: &str = "hop";

fn describe(settings: &Settings) -> String {
    format!(
        "{} episodes ({}), {} small ones to query, {} rounds, seed {}",
        settings.trajectories.episodes.len(),
        settings.trajectories.source,
        settings.population,
        settings.rounds,
        settings.seed,
    )
}

fn section(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    progress.plan(3);
    let files = tempfile::tempdir().context("make a folder for the databases")?;
    progress.step("local: load the episodes");
    let mut workloads = writes::workloads(files.path(), settings)?;
    workloads.extend(reads::workloads(files.path(), settings)?);
    progress.step("local: load small episodes to query");
    workloads.extend(queries::workloads(files.path(), settings)?);
    workloads.extend(pages::workloads(files.path(), settings)?);
    progress.step("local: load the episodes into redb");
    redb::join(&mut workloads, files.path(), settings)?;
    let measured = run(&mut workloads, settings.rounds, settings.seed, progress)?;
    let mut rows: Vec<_> = measured.iter().flat_map(rows).collect();
    if !progress.is_cancelled() {
        rows.extend(redb::rows(files.path(), settings, progress)?);
    }
    Ok(rows)
}

fn rows(measured: &Measured) -> Vec<Row> {
    let mut rows = Row::of(SECTION.name, measured, NAIVE);
    for row in &mut rows {
        if row.system == OURS {
            if let (Some(ours), Some(raw)) = (measured.of(OURS), measured.of(RAW)) {
                row.set_cost(ours, raw, measured.of(HOP));
            }
        } else if row.system == REDB {
            if let (Some(ours), Some(raw)) = (measured.of(REDB), measured.of(RAW_REDB)) {
                row.set_cost(ours, raw, None);
            }
        } else if row.system == HOP {
            let hop = Row::new(row.section.as_str(), HOP, OURS);
            *row = Row {
                median_ms_per_op: row.median_ms_per_op,
                median_us_per_op: row.median_us_per_op,
                median_ns_per_op: row.median_ns_per_op,
                ci95: row.ci95,
                range: row.range,
                outliers: row.outliers,
                rounds: row.rounds,
                operations_per_round: row.operations_per_round,
                reason: Some("an empty job to the writer's thread and back, in the rounds of get/warm".to_owned()),
                ..hop
            };
        }
        if row.system == NAIVE && row.operation.starts_with("query_metadata") {
            row.reason = Some("LIKE on the metadata's text".to_owned());
        }
    }
    rows
}
