//! A stream's own connection to the database file.

use std::path::Path;
use std::time::Duration;

use rusqlite::limits::Limit;

use super::failure::{self, Failure};

/// How long a statement waits for a lock that a stranger to the lab holds on the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection, and whether its transaction was taken from it.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) sqlite: rusqlite::Connection,
    rolled_back: bool,
}

impl Database {
    /// Opens, and where need be creates, the database at `path`, in WAL mode,
    /// with a limit on the length of each value and row.
    pub(super) fn open(path: &Path, max_row_size: u32) -> Result<Self, Failure> {
        let sqlite = Self::connect(path, max_row_size).map_err(|cause| match failure::sqlite(cause) {
            Ok(error) => Failure::Internal(error.message),
            Err(failure) => failure,
        })?;
        Ok(Self { sqlite, rolled_back: false })
    }

    fn connect(path: &Path, max_row_size: u32) -> rusqlite::Result<rusqlite::Connection> {
        let sqlite = rusqlite::Connection::open(path)?;
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        // SQLite takes a limit beyond its own for that one.
        sqlite.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(max_row_size).unwrap_or(i32::MAX));
        sqlite.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        Ok(sqlite)
    }

    /// Whether no transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        self.sqlite.is_autocommit()
    }

    /// Ends the open transaction, and remembers to tell its owner.
    pub(super) fn force_rollback(&mut self) {
        if !self.sqlite.is_autocommit() {
            // It fails only where SQLite has already rolled back by itself.
            let _ = self.sqlite.execute_batch("ROLLBACK");
        }
        self.rolled_back = true;
    }

    /// Whether the transaction was ended by force since this was last asked.
    pub(super) fn take_rolled_back(&mut self) -> bool {
        std::mem::take(&mut self.rolled_back)
    }
}
