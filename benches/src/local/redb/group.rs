//! Group commit: many tasks that store one record each against one task that
//! stores as many.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use memory_core::{Episode, MemoryStorageExt};
use memory_storage_redb::RedbStorage;
use redb::StorageBackend;
use redb::backends::FileBackend;

use super::super::database::Ours;
use super::REDB;
use crate::report::Row;
use crate::{Contender, Progress, Settings, Workload, population, run};

const TASKS: u64 = 64;
/// The baseline: one task stores the same records one after the other.
const ONE: &str = "redb-one-task";
/// The least time of a sync that group commit is measured with.
const SYNC: Duration = Duration::from_millis(1);

/// Rows for the disk as it is, and for one whose syncs take a millisecond where
/// they take less.
pub(super) fn rows(folder: &Path, settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let episodes: Rc<[Episode]> = population::population(settings.seed, usize::try_from(TASKS)?)?.into();
    let sync = sync_time(folder)?;
    let real = Ours::new(RedbStorage::builder().open(folder.join("group.redb")))?;
    let note = format!("a sync of this disk takes {:.2} ms", sync.as_secs_f64() * 1e3);
    let mut workloads = vec![workload("store/64_tasks", &note, &real, &episodes)];
    if sync < SYNC {
        let path = folder.join("group-slow.redb");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        let make =
            move || SlowSync(FileBackend::new(file.try_clone().expect("a descriptor is free")).expect("no lock"));
        let slow = Ours::new(RedbStorage::builder().open_on(make))?;
        let note = format!("simulated: each sync waits {} ms more", SYNC.as_millis());
        workloads.push(workload("store/64_tasks/slow_sync", &note, &slow, &episodes));
    }
    let measured = run(&mut workloads, settings.rounds, settings.seed, progress)?;
    let mut rows: Vec<_> =
        measured.iter().flat_map(|measured| Row::of(super::super::SECTION.name, measured, ONE)).collect();
    for row in &mut rows {
        row.tasks = Some(if row.system == REDB { TASKS } else { 1 });
    }
    Ok(rows)
}

fn workload(operation: &str, note: &str, ours: &Ours<RedbStorage>, episodes: &Rc<[Episode]>) -> Workload {
    let many = {
        let (ours, episodes) = (ours.clone(), Rc::clone(episodes));
        Contender::new(REDB, move |_| {
            let stores = episodes.iter().map(|episode| ours.storage.store_episode(episode));
            let start = Instant::now();
            ours.block_on(try_join_all(stores))?;
            Ok(start.elapsed().into())
        })
    };
    let one = {
        let (ours, episodes) = (ours.clone(), Rc::clone(episodes));
        Contender::new(ONE, move |_| {
            let start = Instant::now();
            for episode in &*episodes {
                ours.block_on(ours.storage.store_episode(episode))?;
            }
            Ok(start.elapsed().into())
        })
    };
    Workload::new(operation, TASKS, vec![many.note(note), one.note(note)])
}

/// The median time of a sync of a file in this folder.
fn sync_time(folder: &Path) -> Result<Duration> {
    let mut file = File::create(folder.join("sync"))?;
    let mut times = Vec::new();
    for _ in 0..21 {
        file.write_all(&[1; 4096])?;
        let start = Instant::now();
        file.sync_data()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    ensure!(!times.is_empty(), "nothing was synced");
    Ok(times[times.len() / 2])
}

/// A file whose syncs take a millisecond more.
#[derive(Debug)]
struct SlowSync(FileBackend);

impl StorageBackend for SlowSync {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        thread::sleep(SYNC);
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}
