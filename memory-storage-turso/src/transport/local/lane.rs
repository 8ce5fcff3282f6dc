//! Threads that own connections.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use memory_core::{Error, Result};
use tokio::sync::oneshot;

use super::Connection;
use super::queue::{Job, JobReceiver, JobSender, job_queue};
use super::standstill::Standstill;
use crate::metrics::PerformanceMetrics;

/// One or more threads, each with a connection of its own, that take jobs from
/// one queue in order, and urgent jobs before all others.
///
/// The threads end once the lane is [ended](Self::end) or dropped, and the queue
/// is empty.
pub(crate) struct Lane {
    /// `None` once the lane is ended.
    jobs: Option<JobSender>,
    /// Each is dropped by its thread once the connection is closed.
    closed: Vec<oneshot::Receiver<()>>,
    /// As `closed`, for a caller without a runtime: nothing is ever sent.
    all_closed: Receiver<()>,
    threads: usize,
    /// Jobs that were handed over and are not over.
    under_way: Arc<AtomicUsize>,
    metrics: Arc<PerformanceMetrics>,
}

/// A job that was handed over.
pub(crate) struct Pending<T> {
    operation: &'static str,
    reply: oneshot::Receiver<Result<T>>,
}

impl Lane {
    /// Starts the threads, and returns once each has opened its connection.
    pub(crate) async fn start(
        name: &str,
        threads: usize,
        metrics: Arc<PerformanceMetrics>,
        open: impl Fn() -> Result<Connection> + Clone + Send + 'static,
    ) -> Result<Self> {
        let (jobs, queue) = job_queue();
        let under_way = Arc::<AtomicUsize>::default();
        let mut opened = Vec::with_capacity(threads);
        let mut closed = Vec::with_capacity(threads);
        let (closing_all, all_closed) = bounded(0);
        for number in 0..threads {
            let (ready, is_ready) = oneshot::channel();
            opened.push(is_ready);
            let (closing, is_closed) = oneshot::channel::<()>();
            closed.push(is_closed);
            let (open, queue, under_way) = (open.clone(), queue.clone(), Arc::clone(&under_way));
            let closing_all = closing_all.clone();
            thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || {
                    match open() {
                        Ok(connection) => {
                            drop(ready.send(Ok(())));
                            work(connection, &queue, &under_way);
                        }
                        Err(error) => drop(ready.send(Err(error))),
                    }
                    drop((closing, closing_all));
                })
                .map_err(|error| Error::backend("libsql", "start a thread", error))?;
        }
        for ready in opened {
            ready.await.map_err(|_| panicked("open a connection"))??;
        }
        Ok(Self { jobs: Some(jobs), closed, all_closed, threads, under_way, metrics })
    }

    /// Takes no more jobs: the threads end once those that were handed over are
    /// done.
    pub(crate) fn end(&mut self) {
        self.jobs = None;
    }

    /// Returns once the connections of an ended lane are closed.
    pub(crate) async fn closed(&mut self) {
        for closed in self.closed.drain(..) {
            // The sender is dropped, never used.
            drop(closed.await);
        }
    }

    /// As [`Self::closed`], blocking the thread, and no longer than `patience`.
    pub(super) fn wait_until_closed(&self, patience: Duration) {
        // An error, always: of the end, or of the time.
        let _ended = self.all_closed.recv_timeout(patience);
    }

    /// Leaves the lane behind in a fork of its process, which has none of its
    /// threads: nothing that they might have locked is touched.
    pub(super) fn forget(&mut self) {
        std::mem::forget(self.jobs.take());
        std::mem::forget(std::mem::take(&mut self.closed));
    }

    /// Returns a handle that can stop the threads for a moment. They end no sooner than it.
    pub(super) fn standstill(&self) -> Option<Standstill> {
        let jobs = self.jobs.clone()?;
        Some(Standstill { jobs, under_way: Arc::clone(&self.under_way), threads: self.threads })
    }

    /// Hands a job over at once; its answer is awaited apart. A job whose
    /// answer nobody waits for any more is not begun.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Pending<T> {
        let (answer, reply) = oneshot::channel();
        let others = self.under_way.fetch_add(1, Ordering::Relaxed);
        let waits = (others >= self.threads).then(|| (Instant::now(), Arc::clone(&self.metrics)));
        let job: Job = Box::new(move |connection| {
            if !answer.is_closed() {
                if let Some((start, metrics)) = waits {
                    metrics.local.pool_waits.record(start.elapsed());
                }
                drop(answer.send(job(connection)));
            }
        });
        // Of an ended lane the job is dropped, and its waiter told.
        if let Some(jobs) = &self.jobs {
            jobs.send(job);
        }
        Pending { operation, reply }
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.submit(operation, job).answer().await
    }
}

impl<T> Pending<T> {
    pub(crate) async fn answer(self) -> Result<T> {
        self.reply.await.unwrap_or_else(|_| Err(panicked(self.operation)))
    }
}

fn work(mut connection: Connection, queue: &JobReceiver, under_way: &AtomicUsize) {
    while let Some(job) = queue.next() {
        // A panic ends its own job, whose waiter is told by the dropped
        // answer, and leaves the connection as it was before.
        if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
            connection.roll_back();
        }
        under_way.fetch_sub(1, Ordering::Relaxed);
        connection.after_job();
    }
}

fn panicked(operation: &str) -> Error {
    Error::backend("libsql", operation, std::io::Error::other("the database's thread panicked"))
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("waiting", &self.jobs.as_ref().map_or(0, JobSender::len)).finish_non_exhaustive()
    }
}
