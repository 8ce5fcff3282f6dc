//! A writer of a libSQL file is killed at random moments.
//!
//! The test starts itself as the writer. `MEMORY_TEST_KILLS` says how often,
//! `MEMORY_TEST_SEED` from which seed.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use memory_conformance::kill::{self, Kills, Reopened};
use memory_core::Result;
use memory_storage_turso::TursoStorage;
use tokio::runtime::Builder;

/// What the first argument of a writer is, before the file and its first number.
const WRITER: &str = "write-until-killed";

/// The file at this path.
struct Local(PathBuf);

impl Reopened for Local {
    type Storage = TursoStorage;

    async fn open(&self, path: &Path) -> Result<TursoStorage> {
        TursoStorage::local(path).await
    }

    async fn close(&self, storage: TursoStorage, last: bool) -> Result<(), String> {
        storage.close().await;
        if last {
            return check(&self.0).await.map_err(|error| error.to_string());
        }
        Ok(())
    }
}

/// SQLite's own check of all pages and indexes.
async fn check(path: &Path) -> libsql::Result<()> {
    let connection = libsql::Builder::new_local(path).build().await?.connect()?;
    let mut rows = connection.query("PRAGMA integrity_check", ()).await?;
    let row = rows.next().await?.expect("a row");
    assert_eq!(row.get::<String>(0)?, "ok");
    Ok(())
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [writer, path, first] if writer == WRITER => {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let first = first.parse().expect("a number");
            let written = runtime.block_on(async { kill::write(&TursoStorage::local(path).await?, first).await });
            written.expect("the storage works");
        }
        // As libtest does, for tools that ask.
        arguments if arguments.iter().any(|argument| argument == "--list") => {}
        _ => test(number("MEMORY_TEST_KILLS", 100), number("MEMORY_TEST_SEED", 0)),
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn test(cycles: u64, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("memory.db");
    let child = |path: &Path, first: u64| {
        let mut child = Command::new(env::current_exe().expect("this program"));
        child.arg(WRITER).arg(path).arg(first.to_string());
        child
    };
    let kills = Kills { cycles, seed, child, progress: || () };
    let acknowledged = kill::kill(&Local(path.clone()), &path, &kills).unwrap_or_else(|what| panic!("{what}"));
    println!("{cycles} times killed from seed {seed}: {acknowledged} writes acknowledged, none lost, none torn");
}
