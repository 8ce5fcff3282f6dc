//! A writer of a redb file is killed at random moments.
//!
//! The test starts itself as the writer. `MEMORY_TEST_KILLS` says how often,
//! `MEMORY_TEST_SEED` from which seed.

use std::env;
use std::path::Path;
use std::process::Command;

use memory_conformance::kill::{self, Kills, Reopened};
use memory_core::Result;
use memory_storage_redb::RedbStorage;
use tokio::runtime::Builder;

/// What the first argument of a writer is, before the file and its first number.
const WRITER: &str = "write-until-killed";

struct Redb;

impl Reopened for Redb {
    type Storage = RedbStorage;

    async fn open(&self, path: &Path) -> Result<RedbStorage> {
        RedbStorage::open(path).await
    }

    async fn close(&self, storage: RedbStorage, last: bool) -> Result<(), String> {
        if last {
            let report = storage.check().await.map_err(|error| error.to_string())?;
            if !report.is_sound() {
                return Err(format!("{report:?}"));
            }
        }
        storage.close().await.map_err(|error| error.to_string())
    }
}

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [writer, path, first] if writer == WRITER => {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let first = first.parse().expect("a number");
            let written = runtime.block_on(async { kill::write(&Redb.open(path.as_ref()).await?, first).await });
            written.expect("the storage works");
        }
        // As libtest does, for tools that ask.
        arguments if arguments.iter().any(|argument| argument == "--list") => {}
        _ => test(number("MEMORY_TEST_KILLS", 200), number("MEMORY_TEST_SEED", 0)),
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn test(cycles: u64, seed: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let child = |path: &Path, first: u64| {
        let mut child = Command::new(env::current_exe().expect("this program"));
        child.arg(WRITER).arg(path).arg(first.to_string());
        child
    };
    let kills = Kills { cycles, seed, child, progress: || () };
    let acknowledged =
        kill::kill(&Redb, &folder.path().join("memory.redb"), &kills).unwrap_or_else(|what| panic!("{what}"));
    println!("{cycles} times killed from seed {seed}: {acknowledged} writes acknowledged, none lost, none torn");
}
