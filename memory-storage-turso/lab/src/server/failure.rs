//! What can go wrong with a request, in the words and codes of libSQL's server.

use libsql_hrana::proto;

/// An error that ends the HTTP request, and with it the stream.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client broke the protocol: 400, as plain text.
    Protocol(String),
    /// The stream was idle for too long: 400, as a protocol error.
    StreamExpired,
    /// No valid token: 401.
    Unauthorized(&'static str),
    /// The server is at a loss: 500.
    Internal(String),
}

/// An error of one request of a pipeline: of the whole HTTP request, or of this part alone.
#[derive(Debug)]
pub(super) enum Rejection {
    Request(Failure),
    Part(proto::Error),
}

impl Failure {
    pub(super) fn protocol(message: impl Into<String>) -> Self {
        Self::Protocol(message.into())
    }
}

impl From<Failure> for Rejection {
    fn from(failure: Failure) -> Self {
        Self::Request(failure)
    }
}

impl From<proto::Error> for Rejection {
    fn from(error: proto::Error) -> Self {
        Self::Part(error)
    }
}

/// An error as the protocol carries it.
pub(super) fn error(code: &str, message: impl Into<String>) -> proto::Error {
    proto::Error { message: message.into(), code: code.to_owned() }
}

pub(super) fn stream_expired() -> proto::Error {
    error("STREAM_EXPIRED", "The stream has expired due to inactivity")
}

pub(super) fn response_too_large() -> proto::Error {
    error("RESPONSE_TOO_LARGE", "Response is too large")
}

pub(super) fn transaction_timeout() -> proto::Error {
    error("TRANSACTION_TIMEOUT", "Transaction timed out")
}

pub(super) fn arguments_invalid(reason: impl std::fmt::Display) -> proto::Error {
    error("ARGS_INVALID", format!("Arguments do not match SQL parameters: {reason}"))
}

/// What libSQL itself reports. Errors that are none of SQLite's are the server's own.
pub(super) fn sqlite(failure: rusqlite::Error) -> Result<proto::Error, Failure> {
    match failure {
        rusqlite::Error::SqliteFailure(cause, message) => {
            let message = message.unwrap_or_else(|| cause.to_string());
            Ok(error(code(cause.code), format!("SQLite error: {message}")))
        }
        rusqlite::Error::SqlInputError { error: cause, msg, offset, .. } => {
            Ok(error(code(cause.code), format!("SQL input error: {msg} (at offset {offset})")))
        }
        other => Err(Failure::Internal(other.to_string())),
    }
}

/// The server names the primary result code only; the rest is in the message.
fn code(code: rusqlite::ErrorCode) -> &'static str {
    use rusqlite::ErrorCode as E;
    match code {
        E::InternalMalfunction => "SQLITE_INTERNAL",
        E::PermissionDenied => "SQLITE_PERM",
        E::OperationAborted => "SQLITE_ABORT",
        E::DatabaseBusy => "SQLITE_BUSY",
        E::DatabaseLocked => "SQLITE_LOCKED",
        E::OutOfMemory => "SQLITE_NOMEM",
        E::ReadOnly => "SQLITE_READONLY",
        E::OperationInterrupted => "SQLITE_INTERRUPT",
        E::SystemIoFailure => "SQLITE_IOERR",
        E::DatabaseCorrupt => "SQLITE_CORRUPT",
        E::NotFound => "SQLITE_NOTFOUND",
        E::DiskFull => "SQLITE_FULL",
        E::CannotOpen => "SQLITE_CANTOPEN",
        E::FileLockingProtocolFailed => "SQLITE_PROTOCOL",
        E::SchemaChanged => "SQLITE_SCHEMA",
        E::TooBig => "SQLITE_TOOBIG",
        E::ConstraintViolation => "SQLITE_CONSTRAINT",
        E::TypeMismatch => "SQLITE_MISMATCH",
        E::ApiMisuse => "SQLITE_MISUSE",
        E::NoLargeFileSupport => "SQLITE_NOLFS",
        E::AuthorizationForStatementDenied => "SQLITE_AUTH",
        E::ParameterOutOfRange => "SQLITE_RANGE",
        E::NotADatabase => "SQLITE_NOTADB",
        _ => "SQLITE_UNKNOWN",
    }
}
