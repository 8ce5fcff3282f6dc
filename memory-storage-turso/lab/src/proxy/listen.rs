//! Starting and stopping the proxy, and what a test can ask of it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::exchange::serve;
use super::line::{LateAnswer, Line};
use super::{Counters, ProxyOptions, Script};

/// A running proxy. It stops, and resets its connections, when it is dropped.
///
/// HTTP/1.1 requests are read to their end and passed on, as are the answers.
/// Anything else (TLS, HTTP/2) goes through delayed and with its bytes counted,
/// but meets no faults and counts as no request.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    line: Arc<Line>,
    orders: mpsc::Sender<Order>,
    accepting: JoinHandle<()>,
}

/// What the accepting task is told, and by which it reports back.
#[derive(Debug)]
enum Order {
    GoDown(oneshot::Sender<()>),
    ComeUp(oneshot::Sender<io::Result<()>>),
}

/// While it lives, requests are read and then wait.
#[derive(Debug)]
pub struct Held {
    line: Arc<Line>,
}

impl Proxy {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// Where the port is taken.
    pub async fn start(options: ProxyOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let line = Arc::new(Line::new(&options));
        let (orders, received) = mpsc::channel(1);
        let accepting = tokio::spawn(accept(listener, address, Arc::clone(&line), received));
        Ok(Self { address, line, orders, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has gone through so far.
    pub fn counters(&self) -> Counters {
        self.line.tally.snapshot()
    }

    /// Starts counting anew.
    pub fn reset_counters(&self) {
        self.line.tally.reset();
    }

    /// Replaces the script.
    pub fn script(&self, script: impl Into<Script>) {
        *self.line.script() = script.into();
    }

    /// How many steps of the script have not been used.
    pub fn steps_left(&self) -> usize {
        self.line.script().remaining()
    }

    /// Changes the round-trip time, from the next request or answer on.
    pub fn set_rtt(&self, rtt: Duration) {
        self.line.set_rtt(rtt);
    }

    /// Holds back every request that is read from now on, until what it returns
    /// is dropped. With [`in_flight_reached`](Self::in_flight_reached) it
    /// shows, without a race, how many requests a client has under way at once.
    pub fn hold(&self) -> Held {
        self.line.held.send_modify(|held| *held += 1);
        Held { line: Arc::clone(&self.line) }
    }

    /// Waits until so many requests are under way at once.
    pub async fn in_flight_reached(&self, count: u64) {
        self.line.tally.in_flight_reached(count).await;
    }

    /// Waits until no more than so many requests are under way.
    pub async fn in_flight_fell_to(&self, count: u64) {
        self.line.tally.in_flight_fell_to(count).await;
    }

    /// How many requests are still to be delivered late.
    pub fn late_requests(&self) -> usize {
        self.line.late_count()
    }

    /// Delivers, in order, every request that was to be late, and waits for the
    /// server's answers. Returns them, together with those to requests that
    /// have been delivered late since this was last called.
    pub async fn release_late(&self) -> Vec<LateAnswer> {
        self.line.deliver_late(|_| true).await;
        self.line.take_late_answers()
    }

    /// Closes every connection and stops listening: new ones are refused by the system.
    pub async fn go_down(&self) {
        let (done, report) = oneshot::channel();
        // Where the task is gone, so is the listener.
        if self.orders.send(Order::GoDown(done)).await.is_ok() {
            let _ = report.await;
        }
    }

    /// Listens again, on the same port.
    ///
    /// # Errors
    ///
    /// Where somebody else took the port in the meantime.
    pub async fn come_up(&self) -> io::Result<()> {
        let (done, report) = oneshot::channel();
        let gone = |_| io::Error::other("the proxy was stopped");
        self.orders.send(Order::ComeUp(done)).await.map_err(|_| io::Error::other("the proxy was stopped"))?;
        report.await.map_err(gone)?
    }

    /// Closes every connection and waits until the proxy is gone.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // It was aborted, which is not an error.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.line.held.send_modify(|held| *held -= 1);
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, line: Arc<Line>, mut orders: mpsc::Receiver<Order>) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(order) = orders.recv() => match order {
                Order::GoDown(done) => {
                    listener = None;
                    connections.shutdown().await;
                    let _ = done.send(());
                }
                Order::ComeUp(done) => {
                    let bound = if listener.is_some() { Ok(None) } else { TcpListener::bind(address).await.map(Some) };
                    let _ = done.send(bound.map(|bound| listener = bound.or(listener.take())));
                }
            },
            Some(_) = connections.join_next() => {}
            accepted = next(listener.as_ref()) => {
                if let Ok((client, _)) = accepted {
                    let line = Arc::clone(&line);
                    connections.spawn(async move { serve(client, &line).await });
                }
            }
        }
    }
}

/// The next connection; never, while there is no listener.
async fn next(listener: Option<&TcpListener>) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}
