//! What a server can be told.

use std::path::PathBuf;
use std::time::Duration;

use super::token::Token;
use crate::clock::Clock;

/// How to run a [`Server`](super::Server). The limits are those of libSQL's own server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerOptions {
    /// The port on loopback. Default: 0, any free one.
    pub port: u16,
    /// The database file, created if it is missing.
    pub database: PathBuf,
    /// The bearer token that requests must carry. Default: none is asked for.
    pub token: Option<Token>,
    /// The clock of the two limits below. Default: the system's.
    pub clock: Clock,
    /// How long a stream may be idle before it expires. Default: 10 s.
    pub idle_limit: Duration,
    /// How long a transaction may keep another writer waiting. Default: 5 s.
    pub transaction_limit: Duration,
    /// The most bytes of a value, and of a row of a table or an index.
    /// Default: 5,000,000.
    pub max_row_size: u32,
    /// The most bytes of one answer, counted with the JSON around each
    /// value and before any escapes. Default: 10,000,000.
    pub max_response: u64,
    /// How many bytes all answers may have that are being made at a time. Default: 32,000,000.
    pub max_responses: u64,
    /// The most requests that are worked on at a time; a request beyond them is
    /// answered with 429. Default: 128.
    pub max_requests: usize,
    /// The most streams that may want to write at a time. Beyond it the server takes
    /// no writes any more, for good: every writer waits, and reads go on. Libsql's
    /// own server does so with a dozen writers or more, after some hundred writes.
    /// Default: any number.
    pub max_writers: Option<usize>,
}

impl ServerOptions {
    /// The defaults, for the database file at `database`.
    pub fn new(database: impl Into<PathBuf>) -> Self {
        Self {
            port: 0,
            database: database.into(),
            token: None,
            clock: Clock::system(),
            idle_limit: Duration::from_secs(10),
            transaction_limit: Duration::from_secs(5),
            max_row_size: 5_000_000,
            max_response: 10_000_000,
            max_responses: 32_000_000,
            max_requests: 128,
            max_writers: None,
        }
    }
}
