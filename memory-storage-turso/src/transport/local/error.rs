//! SQLite's failures as the storage's errors.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use memory_core::Error;

use super::file;
use crate::schema::OPEN;

// SQLite's primary result codes, https://sqlite.org/rescode.html.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const PERM: i32 = 3;
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

/// A failure of SQLite on the database at `path`, or the one in memory.
pub(crate) fn storage_error(
    operation: &str,
    busy_timeout: Duration,
    path: Option<&Path>,
    error: &libsql::Error,
) -> Error {
    let opening = operation == OPEN || matches!(error, libsql::Error::ConnectionFailed(_));
    let failed = match primary_code(error) {
        Some(BUSY | LOCKED) => {
            let reason = format!("another connection kept the database locked for {busy_timeout:?}");
            Error::timeout(operation, reason)
        }
        Some(CORRUPT | NOTADB) => Error::corrupt(format!("the database, noticed at {operation}: {error}")),
        Some(FULL) => Error::unavailable(operation, "the disk is full"),
        code if opening && matches!(code, None | Some(PERM | READONLY | CANTOPEN)) && path.is_some() => {
            file::cannot_open(path.unwrap_or(Path::new("")), &error.to_string())
        }
        Some(PERM | READONLY) => {
            let why = path.and_then(file::read_only);
            let reason = why.unwrap_or_else(|| "the database was opened for reading only".to_owned());
            Error::unsupported(operation, format!("{reason}; open it where it can be written"))
        }
        Some(CANTOPEN) => Error::unavailable(operation, format!("{error}; this process may have too many files open")),
        _ if error.to_string().contains("no such table") => Error::unsupported(
            operation,
            format!("{error}: the database has no schema, or not this one; `initialize_schema` creates it"),
        ),
        _ => Error::backend("libsql", operation, Failure(error.to_string())),
    };
    path.map_or(failed.clone(), |path| about(path, failed))
}

/// Names the file that an error is about, unless the error does.
pub(crate) fn about(path: &Path, error: Error) -> Error {
    let path = path.display().to_string();
    let named = |reason: String| if reason.contains(&path) { reason } else { format!("{path}: {reason}") };
    match error {
        Error::Corrupt { what, .. } => Error::corrupt(named(what)),
        Error::Unavailable { operation, reason, .. } => Error::unavailable(operation, named(reason)),
        Error::Timeout { operation, reason, .. } => Error::timeout(operation, named(reason)),
        Error::Unsupported { operation, reason, .. } => Error::unsupported(operation, named(reason)),
        Error::Backend { operation, source, .. } if !operation.contains(&path) => {
            Error::backend("libsql", format!("{operation}: {path}"), Cause(source))
        }
        error => error,
    }
}

/// The source of an error, passed on.
#[derive(Debug)]
struct Cause(std::sync::Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
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
