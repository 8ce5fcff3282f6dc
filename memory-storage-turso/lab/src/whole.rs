//! The server and the proxy in front of it, as one thing.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::clock::Clock;
use super::options::LabOptions;
use super::proxy::{Counters, Held, LateAnswer, Proxy, ProxyOptions, Script};
use super::server::{Server, ServerOptions};

/// A libSQL server behind a network, all on this machine.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// use memory_lab::{Fault, Lab, LabOptions};
///
/// let lab = Lab::start(LabOptions::default()).await?;
/// lab.script(Fault::status(503).retry_after(1));
/// // … send requests to `lab.url()`; the first of them meets the 503 …
/// assert_eq!(lab.counters().requests, 0);
/// lab.stop().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lab {
    // Stopped in this order also where the lab is only dropped.
    proxy: Proxy,
    server: Server,
    clock: Clock,
    database: PathBuf,
    temporary: Option<TempDir>,
}

impl Lab {
    /// Starts the server, and the proxy in front of it.
    ///
    /// # Errors
    ///
    /// Where the port is taken, or the database cannot be opened or created.
    pub async fn start(options: LabOptions) -> io::Result<Self> {
        let (database, temporary) = if let Some(path) = options.database {
            (path, None)
        } else {
            let directory = tempfile::Builder::new().prefix("lab-").tempdir()?;
            (directory.path().join("memory.db"), Some(directory))
        };
        let mut behind = ServerOptions::new(&database);
        behind.token = options.token;
        behind.clock = options.clock.clone();
        behind.max_requests = options.max_requests.unwrap_or(behind.max_requests);
        behind.max_writers = options.max_writers;
        let server = Server::start(behind).await?;

        let mut front = ProxyOptions::new(server.address());
        front.port = options.port;
        front.rtt = options.rtt;
        front.tls_rtts = options.tls_rtts;
        front.bandwidth = options.bandwidth;
        let proxy = Proxy::start(front).await?;
        Ok(Self { proxy, server, clock: options.clock, database, temporary })
    }

    /// The URL for clients, without a slash at the end.
    pub fn url(&self) -> String {
        self.proxy.url()
    }

    /// The address for clients.
    pub fn address(&self) -> SocketAddr {
        self.proxy.address()
    }

    /// The database file, in which a test may look for itself.
    pub fn database(&self) -> &Path {
        &self.database
    }

    /// The clock of the server.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The server, for who wants to ask it around the proxy.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The proxy, for what is not repeated here.
    pub fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// What has gone through so far.
    pub fn counters(&self) -> Counters {
        self.proxy.counters()
    }

    /// Replaces the script of faults.
    pub fn script(&self, script: impl Into<Script>) {
        self.proxy.script(script);
    }

    /// Changes the round-trip time.
    pub fn set_rtt(&self, rtt: Duration) {
        self.proxy.set_rtt(rtt);
    }

    /// Holds requests back until what it returns is dropped: see [`Proxy::hold`].
    pub fn hold(&self) -> Held {
        self.proxy.hold()
    }

    /// Waits until so many requests are under way at once.
    pub async fn in_flight_reached(&self, count: u64) {
        self.proxy.in_flight_reached(count).await;
    }

    /// Waits until no more than so many requests are under way.
    pub async fn in_flight_fell_to(&self, count: u64) {
        self.proxy.in_flight_fell_to(count).await;
    }

    /// Delivers the requests that were to be late: see [`Proxy::release_late`].
    pub async fn release_late(&self) -> Vec<LateAnswer> {
        self.proxy.release_late().await
    }

    /// Stops both, waits until they are gone, and deletes a temporary database.
    pub async fn stop(self) {
        self.proxy.stop().await;
        self.server.stop().await;
        drop(self.temporary);
    }
}
