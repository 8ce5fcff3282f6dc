//! Threads that own connections.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use memory_core::{Error, Result};
use tokio::sync::oneshot;

use super::Connection;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// One or more threads, each with a connection of its own, that take jobs from
/// one queue in order.
///
/// The threads end once the lane is dropped and the queue is empty.
pub(crate) struct Lane {
    jobs: Sender<Job>,
    /// Each is dropped by its thread once the connection is closed.
    closed: Vec<oneshot::Receiver<()>>,
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
        open: impl Fn() -> Result<Connection> + Clone + Send + 'static,
    ) -> Result<Self> {
        let (jobs, queue) = unbounded();
        let mut opened = Vec::with_capacity(threads);
        let mut closed = Vec::with_capacity(threads);
        for number in 0..threads {
            let (ready, is_ready) = oneshot::channel();
            opened.push(is_ready);
            let (closing, is_closed) = oneshot::channel::<()>();
            closed.push(is_closed);
            let (open, queue) = (open.clone(), queue.clone());
            thread::Builder::new()
                .name(format!("{name}-{number}"))
                .spawn(move || {
                    match open() {
                        Ok(connection) => {
                            drop(ready.send(Ok(())));
                            work(connection, &queue);
                        }
                        Err(error) => drop(ready.send(Err(error))),
                    }
                    drop(closing);
                })
                .map_err(|error| Error::backend("libsql", "start a thread", error))?;
        }
        for ready in opened {
            ready.await.map_err(|_| panicked("open a connection"))??;
        }
        Ok(Self { jobs, closed })
    }

    /// Ends the lane, and returns once everything that was handed over is done
    /// and the connections are closed.
    pub(crate) async fn close(self) {
        drop(self.jobs);
        for closed in self.closed {
            // The sender is dropped, never used.
            drop(closed.await);
        }
    }

    /// Hands a job over at once; its answer is awaited apart. A job whose
    /// answer nobody waits for any more is not begun.
    pub(crate) fn submit<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Pending<T> {
        let (answer, reply) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !answer.is_closed() {
                drop(answer.send(job(connection)));
            }
        });
        // The threads live as long as this sender, so the queue is open.
        drop(self.jobs.send(job));
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

fn work(mut connection: Connection, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        // A panic ends its own job, whose waiter is told by the dropped
        // answer, and leaves the connection as it was before.
        if catch_unwind(AssertUnwindSafe(|| job(&mut connection))).is_err() {
            connection.roll_back();
        }
    }
}

fn panicked(operation: &str) -> Error {
    Error::backend("libsql", operation, std::io::Error::other("the database's thread panicked"))
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("waiting", &self.jobs.len()).finish_non_exhaustive()
    }
}
