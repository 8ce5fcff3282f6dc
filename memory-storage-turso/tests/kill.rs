//! A writer of a libSQL file is killed at random moments.

use std::path::Path;

use memory_conformance::kill::{self, Reopened};
use memory_core::Result;
use memory_storage_turso::TursoStorage;

struct Local;

impl Reopened for Local {
    type Storage = TursoStorage;

    async fn open(&self, path: &Path) -> Result<TursoStorage> {
        TursoStorage::local(path).await
    }

    async fn close(&self, path: &Path, storage: TursoStorage, last: bool) -> Result<(), String> {
        storage.close().await;
        if last {
            return check(path).await.map_err(|error| error.to_string());
        }
        Ok(())
    }
}

/// Runs SQLite's own check of all pages and indexes.
async fn check(path: &Path) -> libsql::Result<()> {
    let connection = libsql::Builder::new_local(path).build().await?.connect()?;
    let mut rows = connection.query("PRAGMA integrity_check", ()).await?;
    let row = rows.next().await?.expect("a row");
    assert_eq!(row.get::<String>(0)?, "ok");
    Ok(())
}

fn main() {
    kill::main(&Local, 100);
}
