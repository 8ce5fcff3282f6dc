//! redb's failures as the storage's errors.

use std::any::Any;
use std::fmt;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

use memory_core::{Error, Result};
use redb::{CommitError, CompactionError, DatabaseError, StorageError, TableError, TransactionError};

pub(super) const BACKEND: &str = "redb";

/// Runs what calls redb. redb may panic where the file is damaged: the caller
/// gets an error in its place.
pub(super) fn guarded<T>(operation: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    // What a panic leaves behind is redb's own state, which it marks as poisoned
    // itself, and values of `run` that nothing else sees.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        Err(Error::corrupt(format!(
            "the database, noticed at {operation}: redb panicked: {}; `check` says what else is damaged",
            message(&*panic)
        )))
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

pub(super) fn storage(operation: &str, error: &StorageError) -> Error {
    match error {
        StorageError::Corrupted(what) => Error::corrupt(format!("the database, noticed at {operation}: {what}")),
        StorageError::Io(error) => io(operation, error),
        StorageError::PreviousIo => Error::unavailable(
            operation,
            "an earlier failure of the disk, after which the file is opened again by the next write",
        ),
        StorageError::DatabaseClosed => Error::unavailable(operation, "the database is closed"),
        StorageError::LockPoisoned(_) => {
            Error::corrupt(format!("the database, noticed at {operation}: redb panicked before"))
        }
        error => other(operation, error),
    }
}

pub(super) fn io(operation: &str, error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::FileTooLarge | ErrorKind::QuotaExceeded => {
            Error::unavailable(operation, format!("the disk is full: {error}"))
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            Error::unsupported(operation, format!("the file cannot be written: {error}; make it writable"))
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Error::unavailable(operation, format!("{error}; see that its folder is there"))
        }
        ErrorKind::IsADirectory => Error::unsupported(operation, "this is a folder; name a file in it"),
        ErrorKind::InvalidData => {
            Error::unsupported(operation, format!("the file is not a redb database: {error}; use another file"))
        }
        ErrorKind::UnexpectedEof => {
            Error::corrupt(format!("the database, noticed at {operation}: the file is cut short: {error}"))
        }
        _ => Error::backend(BACKEND, operation, Failure(error.to_string())),
    }
}

pub(super) fn database(operation: &str, error: &DatabaseError) -> Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Error::unavailable(
            operation,
            "another process, or another storage of this one, has it open; one at a time can, so close that first",
        ),
        DatabaseError::UpgradeRequired(version) => Error::unsupported(
            operation,
            format!("it is of redb's file format {version}, which redb 2.6 upgrades to the one in use"),
        ),
        DatabaseError::Storage(error) => storage(operation, error),
        error => other(operation, error),
    }
}

pub(super) fn transaction(operation: &str, error: &TransactionError) -> Error {
    match error {
        TransactionError::Storage(error) => storage(operation, error),
        error => other(operation, error),
    }
}

pub(super) fn commit(operation: &str, error: &CommitError) -> Error {
    match error {
        CommitError::Storage(error) => storage(operation, error),
        error => other(operation, error),
    }
}

pub(super) fn compaction(operation: &str, error: &CompactionError) -> Error {
    match error {
        CompactionError::Storage(error) => storage(operation, error),
        error => other(operation, error),
    }
}

pub(super) fn table(operation: &str, error: &TableError) -> Error {
    match error {
        TableError::Storage(error) => storage(operation, error),
        error => Error::corrupt(format!("the database, noticed at {operation}: {error}")),
    }
}

fn other(operation: &str, error: &dyn fmt::Display) -> Error {
    Error::backend(BACKEND, operation, Failure(error.to_string()))
}

/// redb's error as text: its own type is no part of this crate's interface.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
