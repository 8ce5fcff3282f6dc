//! SQLite's failures as the storage's errors.

use std::fmt;
use std::time::Duration;

use memory_core::Error;

// SQLite's primary result codes, https://sqlite.org/rescode.html.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const NOTADB: i32 = 26;

/// Whether another connection holds a lock that this one needs.
pub(crate) fn is_busy(error: &libsql::Error) -> bool {
    matches!(primary_code(error), Some(BUSY | LOCKED))
}

fn primary_code(error: &libsql::Error) -> Option<i32> {
    match error {
        // The low byte of an extended code is the primary one.
        libsql::Error::SqliteFailure(code, _) => Some(code & 0xff),
        _ => None,
    }
}

pub(crate) fn storage_error(operation: &str, busy_timeout: Duration, error: &libsql::Error) -> Error {
    match primary_code(error) {
        Some(BUSY | LOCKED) => {
            let reason = format!("another connection kept the database locked for {busy_timeout:?}");
            Error::timeout(operation, reason)
        }
        Some(CORRUPT | NOTADB) => Error::corrupt(format!("the database, noticed at {operation}: {error}")),
        Some(FULL) => Error::unavailable(operation, "the disk is full"),
        Some(READONLY) => Error::unsupported(operation, "the database cannot be written"),
        Some(CANTOPEN) => cannot_open(operation),
        _ if matches!(error, libsql::Error::ConnectionFailed(_)) => cannot_open(operation),
        _ if error.to_string().contains("no such table") => Error::unsupported(
            operation,
            format!("{error}: the database has no schema, or not this one; `initialize_schema` creates it"),
        ),
        _ => Error::backend("libsql", operation, Failure(error.to_string())),
    }
}

fn cannot_open(operation: &str) -> Error {
    Error::unavailable(
        operation,
        "the file cannot be opened; see that its folder is there and may be written, and that this process may open more files",
    )
}

/// libsql's error as text: its own type is no part of this crate's interface.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
