//! A writer of a redb file is killed at random moments.

use std::path::Path;

use memory_conformance::kill::{self, Reopened};
use memory_core::Result;
use memory_storage_redb::RedbStorage;

struct Redb;

impl Reopened for Redb {
    type Storage = RedbStorage;

    async fn open(&self, path: &Path) -> Result<RedbStorage> {
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

fn main() {
    kill::main(&Redb, 200);
}
