//! Starting and stopping the server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use super::budget::Budget;
use super::database::Database;
use super::stream::Streams;
use super::{ServerOptions, State, http};
use crate::clock::Clock;
use crate::lock::lock;

/// How long a server that is being stopped waits for its requests.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running server: Hrana 3 over HTTP, on loopback, over a real database file.
///
/// It follows libSQL's own server (`sqld`) down to the wording of errors, which
/// clients are known to read, and where that server departs from the protocol:
///
/// - rows are sent even where `want_rows` is false;
/// - the condition `error` holds for a step that was skipped;
/// - a step's error names SQLite's primary result code only;
/// - a transaction is ended after five seconds only if another writer waits;
/// - of statements SQLite would run, some are refused: `VACUUM`, `ANALYZE`,
///   most pragmas that set something, whatever is temporary.
///
/// Where it differs from that server:
///
/// - one database, without namespaces, so no `ATTACH`; one token, which may do
///   everything; no replication, so `replication_index` is always null;
/// - JSON only: no Protobuf, no WebSocket, no `/v1`;
/// - answers are compressed with gzip only, at its fastest level, and those of
///   a cursor not at all;
/// - a client waits for a writer, never for a connection;
/// - batons are random names and not signed ones.
///
/// It stops when it is dropped; [`stop`](Server::stop) waits for that.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
    /// While one connection is open SQLite keeps the log, and need not fold it into the file at every close.
    anchor: Mutex<Option<Database>>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    expiring: Option<JoinHandle<()>>,
}

impl Server {
    /// Opens the database and begins to listen.
    ///
    /// # Errors
    ///
    /// Where the port is taken, or the file cannot be opened as a database.
    pub async fn start(options: ServerOptions) -> io::Result<Self> {
        // The libsql crate insists on being the first in the process to set the library up.
        libsql::Builder::new_local(":memory:").build().await.map_err(io::Error::other)?;

        let (path, max_row_size) = (options.database.clone(), options.max_row_size);
        let anchor = spawn_blocking(move || Database::open(&path, max_row_size)).await?;
        let anchor = anchor.map_err(|failure| io::Error::other(format!("opening the database: {failure:?}")))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;

        let (clock, token) = (options.clock.clone(), options.token.clone());
        let budget = Budget::new(options.max_response, options.max_responses);
        let requests = Semaphore::new(options.max_requests.min(Semaphore::MAX_PERMITS));
        let state = Arc::new(State { token, streams: Streams::new(options), budget, requests });
        let expiring = keep_time(&clock, &state);
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state), stopped));
        Ok(Self { address, state, anchor: Mutex::new(Some(anchor)), stop, accepting, expiring })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many streams clients have left open, or are using at this moment.
    pub fn open_streams(&self) -> usize {
        self.state.streams.open_count()
    }

    /// Returns whether the server has stopped taking writes, after too many writers at once.
    pub fn is_stuck(&self) -> bool {
        self.state.streams.lane.is_stuck()
    }

    /// Finishes the requests that are running, rolls back what is open, and closes the database.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let state = Arc::clone(&self.state);
        let anchor = lock(&self.anchor).take();
        // Whatever these tasks report, they are over.
        let _ = spawn_blocking(move || state.streams.shut()).await;
        let _ = (&mut self.accepting).await;
        let _ = spawn_blocking(move || drop(anchor)).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.streams.lane.close();
        self.accepting.abort();
        if let Some(expiring) = &self.expiring {
            expiring.abort();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                if let Ok((connection, _)) = accepted {
                    connections.spawn(serve(connection, Arc::clone(&state), stopped.clone()));
                }
            }
        }
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    // A client that does not read its answer must not keep the server alive.
    if tokio::time::timeout(PATIENCE, finished).await.is_err() {
        connections.shutdown().await;
    }
}

async fn serve(connection: TcpStream, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    // An answer must not wait for the acknowledgement of the one before it.
    let _ = connection.set_nodelay(true);
    let builder = auto::Builder::new(TokioExecutor::new());
    let service = service_fn(move |request| http::handle(Arc::clone(&state), request));
    let mut serving = pin!(builder.serve_connection(TokioIo::new(connection), service));
    // What goes wrong with a connection is for its client to see.
    tokio::select! {
        _ = serving.as_mut() => {}
        _ = stopped.changed() => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

/// Has streams expire: when the clock is advanced, and where it runs by itself, every second.
fn keep_time(clock: &Clock, state: &Arc<State>) -> Option<JoinHandle<()>> {
    let watched = Arc::downgrade(state);
    clock.watch(move || {
        if let Some(state) = watched.upgrade() {
            state.streams.expire();
            state.streams.lane.wake();
        }
    });
    let tick = clock.real_wait(Duration::from_secs(1))?;
    Some(tokio::spawn(tick_away(tick, Arc::downgrade(state))))
}

async fn tick_away(tick: Duration, state: Weak<State>) {
    let mut ticks = tokio::time::interval(tick);
    loop {
        ticks.tick().await;
        let Some(state) = state.upgrade() else { break };
        if spawn_blocking(move || state.streams.expire()).await.is_err() {
            break;
        }
    }
}
