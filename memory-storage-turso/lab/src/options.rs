//! What a lab can be told.

use std::path::PathBuf;
use std::time::Duration;

use super::clock::Clock;
use super::server::Token;

/// How to run a [`Lab`](super::Lab).
///
/// ```
/// use std::time::Duration;
///
/// use memory_lab::{Clock, LabOptions};
///
/// let mut options = LabOptions::default();
/// options.rtt = Duration::from_millis(30);
/// options.clock = Clock::manual();
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct LabOptions {
    /// The port on loopback that clients connect to. Default: 0, any free one.
    pub port: u16,
    /// The database file, created if it is missing. Default: one in a
    /// temporary directory, deleted with the lab.
    pub database: Option<PathBuf>,
    /// The bearer token that requests must carry. Default: none is asked for.
    pub token: Option<Token>,
    /// The clock by which the server expires streams and ends transactions.
    /// Default: the system's.
    pub clock: Clock,
    /// The round-trip time, half of it each way. Default: none.
    pub rtt: Duration,
    /// Round trips that a new connection costs beyond its own one, as TLS would. Default: 0.
    pub tls_rtts: u32,
    /// Bytes a second, each way, shared by all connections. Default: no limit.
    pub bandwidth: Option<u64>,
    /// The most requests that the server works on at a time; a request beyond them is
    /// answered with 429. Default: 128, as libSQL's own server.
    pub max_requests: Option<usize>,
    /// The most streams that may want to write at a time. Beyond it the server takes
    /// no writes any more, for good. Default: any number.
    pub max_writers: Option<usize>,
}
