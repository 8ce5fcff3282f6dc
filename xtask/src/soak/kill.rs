//! A process that writes is killed at random moments.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use memory_conformance::kill::{self, Kills, Reopened};
use memory_storage_redb::RedbStorage;
use memory_storage_turso::TursoStorage;
use tokio::runtime::Builder;

use super::progress_bar;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Backend {
    /// A redb file
    Redb,
    /// A libSQL file
    Local,
}

struct Redb;

impl Reopened for Redb {
    type Storage = RedbStorage;

    async fn open(&self, path: &Path) -> memory_core::Result<RedbStorage> {
        RedbStorage::open(path).await
    }

    async fn close(&self, _path: &Path, storage: RedbStorage, last: bool) -> Result<(), String> {
        if last {
            let report = storage.check().await.map_err(|error| error.to_string())?;
            if !report.is_sound() {
                return Err(format!("{report:?}"));
            }
        }
        storage.close().await.map_err(|error| error.to_string())
    }
}

struct Local;

impl Reopened for Local {
    type Storage = TursoStorage;

    async fn open(&self, path: &Path) -> memory_core::Result<TursoStorage> {
        TursoStorage::local(path).await
    }

    async fn close(&self, _path: &Path, storage: TursoStorage, _last: bool) -> Result<(), String> {
        storage.close().await;
        Ok(())
    }
}

/// Is the process that writes until it is killed.
pub(super) fn write(backend: Backend, path: &Path, first: u64) -> Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        match backend {
            Backend::Redb => kill::write(&Redb.open(path).await?, first).await?,
            Backend::Local => kill::write(&Local.open(path).await?, first).await?,
        }
        Ok(())
    })
}

/// Kills so many processes that write.
pub(super) fn run(backend: Backend, cycles: u64, seed: u64) -> Result<()> {
    let folder = env::temp_dir().join(format!("memory-kill-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("create {}", folder.display()))?;
    let progress = progress_bar(cycles);
    let program = env::current_exe()?;
    let name = backend.to_possible_value().expect("no backend is skipped").get_name().to_owned();
    let child = |path: &Path, first: u64| {
        let mut child = Command::new(&program);
        child.args(["soak", "--kill", &name, "--first", &first.to_string(), "--writer"]).arg(path);
        child
    };
    let kills = Kills { cycles, seed, child, progress: || progress.inc(1) };
    let path = folder.join("memory");
    let killed = match backend {
        Backend::Redb => kill::kill(&Redb, &path, &kills),
        Backend::Local => kill::kill(&Local, &path, &kills),
    };
    progress.finish_and_clear();
    // The file of a failure stays, to be looked at.
    let acknowledged = killed.map_err(|what| anyhow!("{what}; the file is {}", path.display()))?;
    std::fs::remove_dir_all(&folder)?;
    println!(
        "kill {name}: {cycles} times killed from seed {seed}, {acknowledged} writes acknowledged: none lost, none torn"
    );
    Ok(())
}
