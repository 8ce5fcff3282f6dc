//! A server across a network, spoken to by stateless Hrana 3 pipelines: every
//! operation is one request, which leaves nothing open behind it.

mod answer;
mod client;
mod departure;
mod endpoint;
mod failure;
mod gate;
mod ledger;
mod message;
mod network;
mod pool;
mod retry;
mod schema;
mod write;

use std::sync::{Arc, Mutex, PoisonError};

use libsql_hrana::proto::Batch;
use memory_core::limits::MAX_RECORD;
use memory_core::{Error, Result, WriteId};
use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Instrument;

use answer::{BatchResult, Row, ServerError};
use client::Client;
pub use client::NetworkStats;
pub(crate) use endpoint::{Endpoint, Token};
use failure::Failure;
use gate::{Gate, News};
use message::Request;
pub(crate) use retry::RetryPolicy;
use retry::{Attempt, Operation, Shared};
use write::WriteGate;

use crate::config::{LedgerConfig, RemoteConfig};
use crate::metrics::{Call, PerformanceMetrics};
use crate::schema::SELECT_VERSION;
use crate::sql::{Columns, Statement};

#[derive(Debug)]
pub(crate) struct Remote {
    client: Client,
    policy: RetryPolicy,
    shared: Shared,
    /// Turns of requests that write.
    gate: Arc<WriteGate>,
    max_request: usize,
    max_response: usize,
    max_row_size: usize,
    ledger: LedgerConfig,
    /// Writes of this storage that may or may not have happened, or may yet.
    in_doubt: Mutex<Vec<WriteId>>,
}

/// Indeterminate writes that a write fences off by the way. Where there are
/// more, they are settled by a request of their own before the write.
const MAX_RIDING: usize = 64;

/// Writes that one request settles.
const MAX_SETTLED: usize = 10_000;

/// The bytes of a fence in a request: a quoted UUID and a comma, with its quotes
/// escaped.
const BYTES_PER_FENCE: usize = 41;

/// More bytes than the statement takes that fences writes off, or a request that
/// does nothing else.
const FENCE_OVERHEAD: usize = 2 << 10;

impl Remote {
    pub(crate) fn new(
        endpoint: Endpoint,
        token: Token,
        config: RemoteConfig,
        metrics: &Arc<PerformanceMetrics>,
    ) -> Result<Self> {
        let max_answer = longest_answer(config.max_response);
        let host = endpoint.host().to_owned();
        let client = Client::new(endpoint, token, config.pool_size, max_answer, Arc::clone(metrics))?;
        Ok(Self {
            client,
            policy: RetryPolicy {
                deadline: config.deadline,
                attempt_timeout: config.attempt_timeout,
                batch: config.batch,
                host,
            },
            shared: Shared::new(config.pool_size, Arc::clone(metrics)),
            gate: Gate::new(config.max_writes),
            max_request: config.max_request,
            max_response: config.max_response,
            max_row_size: config.max_row_size,
            ledger: config.ledger,
            in_doubt: Mutex::default(),
        })
    }

    pub(crate) const fn max_row_size(&self) -> usize {
        self.max_row_size
    }

    pub(crate) const fn max_request(&self) -> usize {
        self.max_request
    }

    /// Runs one statement, whose answer is small whatever the database holds,
    /// and collects what `decode` makes of each row.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        statement: Statement,
        decode: impl Fn(&dyn Columns) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        let batch = Batch::single(message::stmt(statement, true));
        self.request(call, self.policy.begin(call.words(), None), batch, move |name, result| {
            let rows = message::step_rows(name, result, 0)?;
            rows.iter().map(|row| decode(row)).collect::<Result<_>>().map_err(Failure::last)
        })
        .await
    }

    /// When an operation that begins now must have ended, however many requests
    /// it takes.
    pub(crate) fn deadline(&self) -> Instant {
        self.policy.begin("", None).deadline
    }

    /// As [`Self::read`], for a statement whose answer grows with the database:
    /// it is made for an answer of so many bytes, as the server counts them, and
    /// its last column says how many rows there are in all, of which the answer
    /// may hold fewer, but at least one. Returns that number too.
    ///
    /// A server that refuses an answer as too large is asked for half as much.
    pub(crate) async fn read_bounded<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        deadline: Instant,
        statement: impl Fn(usize) -> Statement,
        decode: impl Fn(&dyn Columns) -> Result<T> + Send + Sync + 'static,
    ) -> Result<(Vec<T>, usize)> {
        let operation = Operation { name: call.words(), write: None, deadline };
        let decode = Arc::new(decode);
        let mut room = self.max_response;
        loop {
            let (decode, last) = (Arc::clone(&decode), room == 0);
            let batch = Batch::single(message::stmt(statement(room), true));
            let read = move |name: &str, answer: Result<BatchResult, ServerError>| match answer {
                Err(error) if error.is_too_large() && !last => Ok(None),
                Err(error) => Err(Failure::batch(name, &error)),
                Ok(result) => {
                    let rows = message::step_rows(name, result, 0)?;
                    counted(&rows, &*decode).map(Some).map_err(Failure::last)
                }
            };
            if let Some(found) = self.exchange(call, operation, batch, read).await? {
                return Ok(found);
            }
            tracing::debug!(bytes = room, "the answer is too large for the server; asking for half as much");
            room /= 2;
        }
    }

    /// Runs statements that may be repeated as one transaction.
    pub(crate) async fn transaction(&self, call: &Call<'_>, statements: Vec<Statement>) -> Result<()> {
        let operation = self.policy.begin(call.words(), None);
        let request = self.encode(operation.name, ledger::transaction(statements), 0)?;
        self.change(call, operation, &request, |name, result| ledger::committed(name, &result)).await
    }

    /// Opens a connection, so that the first operation finds one, and returns
    /// the version of the schema if there is one.
    pub(crate) async fn connect(&self, call: &Call<'_>) -> Result<Option<i64>> {
        let batch = Batch::single(message::stmt(Statement::new(SELECT_VERSION, []), true));
        self.request(call, self.policy.begin(call.words(), None), batch, |name, result| {
            if result.step_errors.iter().flatten().any(ServerError::is_missing_table) {
                return Ok(None);
            }
            let rows = message::step_rows(name, result, 0)?;
            rows.first().map(|row| row.integer(0)).transpose().map_err(Failure::last)
        })
        .await
    }

    /// Makes sure that each of these writes has happened or never will.
    pub(crate) async fn settle(&self, call: &Call<'_>, writes: &[WriteId]) -> Result<()> {
        let operation = self.policy.begin(call.words(), None);
        for part in writes.chunks(self.settled_at_once()) {
            let request = self.settlement(operation.name, part)?;
            self.change(call, operation, &request, |name, result| ledger::committed(name, &result)).await?;
            self.forget(part);
        }
        Ok(())
    }

    /// Returns the most writes that one request settles.
    fn settled_at_once(&self) -> usize {
        (self.max_request.saturating_sub(FENCE_OVERHEAD) / BYTES_PER_FENCE).clamp(1, MAX_SETTLED)
    }

    /// A request that settles writes.
    fn settlement(&self, name: &str, writes: &[WriteId]) -> Result<Request> {
        let statements = [ledger::fence(writes), ledger::prune(writes.len(), &self.ledger)];
        self.encode(name, ledger::transaction(statements), uncounted(1))
    }

    /// A request of at most `max_request` bytes, of which the first `uncounted`
    /// are the transport's own, and not the caller's.
    fn encode(&self, name: &str, batch: Batch, uncounted: usize) -> Result<Request> {
        if Handle::try_current().is_err() {
            // Timers and sockets would panic.
            let reason = "it was called outside a tokio runtime; call it within one that has time and I/O enabled";
            return Err(Error::misconfigured(name, reason));
        }
        let request = Request::new(name, batch)?;
        let bytes = request.body.len();
        if bytes > self.max_request.saturating_add(uncounted) {
            let reason = format!(
                "{name} is a request of {bytes} bytes, of at most {}; do it in several calls, or raise the limit if \
                 the server takes more",
                self.max_request
            );
            return Err(Error::invalid_input("max_request", reason));
        }
        Ok(request)
    }

    /// Sends a request that only reads, and returns what `read` makes of the
    /// operation's name and the batch's result.
    async fn request<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        operation: Operation<'_>,
        batch: Batch,
        read: impl Fn(&str, BatchResult) -> Result<T, Failure> + Send + Sync + 'static,
    ) -> Result<T> {
        self.exchange(call, operation, batch, whole(read)).await
    }

    /// As [`Self::request`], for a `read` that understands errors of the whole
    /// batch.
    async fn exchange<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        operation: Operation<'_>,
        batch: Batch,
        read: impl Fn(&str, Result<BatchResult, ServerError>) -> Result<T, Failure> + Send + Sync + 'static,
    ) -> Result<T> {
        let (request, read) = (self.encode(operation.name, batch, 0)?, Arc::new(read));
        self.policy.run(operation, &self.shared, |attempt| self.post(call, &request, attempt, &read)).await
    }

    /// Sends a request that writes, alone, when it is its turn.
    async fn change<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        operation: Operation<'_>,
        request: &Request,
        read: impl Fn(&str, BatchResult) -> Result<T, Failure> + Send + Sync + 'static,
    ) -> Result<T> {
        let read = Arc::new(whole(read));
        let attempt = async |number| {
            // Only a turn is waited for, so that no answer comes.
            let _turn = loop {
                if let News::Turn(turn) = self.enter(operation, None).await? {
                    break turn;
                }
            };
            let post = |attempt| self.post(call, request, attempt, &read);
            self.policy.attempt(operation, &self.shared, number, post).await
        };
        self.policy.retry(operation, &self.shared, attempt).await
    }

    /// Makes one attempt of a request.
    async fn post<T: Send + 'static>(
        &self,
        call: &Call<'_>,
        request: &Request,
        attempt: Attempt,
        read: &Arc<impl Fn(&str, Result<BatchResult, ServerError>) -> Result<T, Failure> + Send + Sync + 'static>,
    ) -> Result<T, Failure> {
        let (name, steps, read) = (call.words(), request.steps, Arc::clone(read));
        let span = tracing::debug_span!("request", attempt = attempt.number, sent_bytes = request.body.len());
        let read = move |answer: &[u8]| read(name, message::batch_result(name, answer, steps)?);
        self.client.post(call, &request.body, &attempt, read).instrument(span).await
    }

    fn in_doubt(&self) -> std::sync::MutexGuard<'_, Vec<WriteId>> {
        self.in_doubt.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, writes: &[WriteId]) {
        if !writes.is_empty() {
            self.in_doubt().retain(|write| !writes.contains(write));
        }
    }
}

/// Takes an error of the whole batch for the failure of its attempt.
fn whole<T>(
    read: impl Fn(&str, BatchResult) -> Result<T, Failure> + Send + Sync + 'static,
) -> impl Fn(&str, Result<BatchResult, ServerError>) -> Result<T, Failure> + Send + Sync + 'static {
    move |name, answer| read(name, answer.map_err(|error| Failure::batch(name, &error))?)
}

/// The bytes that so many fences take at most.
const fn uncounted(fences: usize) -> usize {
    if fences > 0 { FENCE_OVERHEAD + fences * BYTES_PER_FENCE } else { 0 }
}

/// Decodes each row, and returns the records with the number in the first row's last
/// column.
fn counted<T>(rows: &[Row], decode: &impl Fn(&dyn Columns) -> Result<T>) -> Result<(Vec<T>, usize)> {
    let total = rows.first().map_or(Ok(0), |row| row.integer(row.values.len().saturating_sub(1)))?;
    let found = rows.iter().map(|row| decode(row)).collect::<Result<_>>()?;
    Ok((found, usize::try_from(total).unwrap_or(0)))
}

/// The longest answer that is read.
///
/// One holds `max_response` bytes of records, or a single record of any size.
/// JSON takes six bytes for a character that it must escape, and two more for
/// one that was escaped before; the rest is what the protocol adds.
fn longest_answer(max_response: usize) -> usize {
    max_response.saturating_mul(6).max(MAX_RECORD.saturating_mul(8)).saturating_add(1 << 20)
}
