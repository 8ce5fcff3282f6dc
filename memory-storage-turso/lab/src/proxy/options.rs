//! What a proxy can be told.

use std::net::SocketAddr;
use std::time::Duration;

/// How to run a [`Proxy`](super::Proxy).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProxyOptions {
    /// Where requests are passed on to.
    pub target: SocketAddr,
    /// The port on loopback. Default: 0, any free one.
    pub port: u16,
    /// The round-trip time, half of it each way. Default: none.
    pub rtt: Duration,
    /// Round trips that a new connection costs beyond its own one, as TLS would. Default: 0.
    pub tls_rtts: u32,
    /// Bytes a second, each way, shared by all connections. Default: no limit.
    pub bandwidth: Option<u64>,
}

impl ProxyOptions {
    /// The defaults, in front of `target`.
    pub fn new(target: SocketAddr) -> Self {
        Self { target, port: 0, rtt: Duration::ZERO, tls_rtts: 0, bandwidth: None }
    }
}
