//! The thread that writes, and its queue.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use memory_core::backend::{IndexedKey, PendingWrite, WriteLedger};
use memory_core::{Error, Result, WriteId, Written};
use tokio::sync::oneshot;

use super::check::{self, CheckReport};
use super::database::{Config, Shared};
use super::encode::Changes;
use super::group::Committer;
use super::{error, schema};

/// The most that one transaction writes, in bytes of records, unless a single
/// write is larger.
const MAX_GROUP: usize = 32 << 20;

pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

/// A job for the writer's thread.
pub(super) enum Job {
    Write(Write),
    /// Settles these writes: whatever came before this job is over.
    Settle(Vec<WriteId>, Reply<()>),
    EnsureIndex(IndexedKey, Reply<()>),
    Check(Reply<CheckReport>),
    Compact(Reply<bool>),
    Close(Reply<()>),
}

/// Changes to be written together or not at all.
pub(super) struct Write {
    pub(super) id: WriteId,
    pub(super) fences: Vec<WriteId>,
    /// The commit's entry in the ledger. Plain puts and deletes have none, since
    /// nobody knows their ids.
    pub(super) pending: Option<PendingWrite>,
    pub(super) changes: Changes,
    pub(super) reply: Reply<Written>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// True once no more jobs come.
    ended: bool,
    /// True once no more jobs are done.
    dead: bool,
}

#[derive(Default)]
struct Waiting {
    queue: Mutex<Queue>,
    came: Condvar,
}

/// The way to the writer's thread, which ends once what was handed over is done
/// and the way is dropped.
pub(super) struct Writer(Arc<Waiting>);

impl Writer {
    /// Opens the database on a new thread, which then writes to it.
    pub(super) async fn start(config: Config, ledger: WriteLedger) -> Result<(Self, Arc<Shared>)> {
        let waiting = Arc::new(Waiting::default());
        let jobs = Arc::clone(&waiting);
        let (opened, answer) = oneshot::channel();
        let run = move || match Shared::open(config) {
            Ok(shared) => {
                let shared = Arc::new(shared);
                // Where nobody waits for it any more, its writer is dropped as well.
                drop(opened.send(Ok(Arc::clone(&shared))));
                work(&jobs, &shared, &ledger);
            }
            Err(error) => drop(opened.send(Err(error))),
        };
        let writer = Self(waiting);
        thread::Builder::new().name("memory-redb".to_owned()).spawn(run).map_err(|error| {
            Error::unavailable("open the database", format!("no thread for it can be started: {error}"))
        })?;
        let shared = answer.await.unwrap_or_else(|_| Err(gone("open the database")))?;
        Ok((writer, shared))
    }

    /// Hands a job over, from when on it is done whether or not anybody waits.
    pub(super) fn hand_over<T, F>(&self, job: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        F: FnOnce(Reply<T>) -> Job,
    {
        let (reply, answer) = oneshot::channel();
        let mut queue = self.0.lock();
        if !queue.dead {
            queue.jobs.push_back(job(reply));
        }
        drop(queue);
        self.0.came.notify_one();
        async move { answer.await.unwrap_or_else(|_| Err(gone("write"))) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.lock().ended = true;
        self.0.came.notify_one();
    }
}

fn gone(operation: &str) -> Error {
    Error::unavailable(operation, "the writer's thread has ended")
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The jobs to be done next: several writes or one of another kind. `None`
    /// once there are none and none will come.
    fn next(&self) -> Option<Next> {
        let mut queue = self.lock();
        loop {
            match queue.jobs.pop_front() {
                Some(Job::Write(first)) => return Some(Next::Writes(queue.group(first))),
                Some(job) => return Some(Next::Other(job)),
                None if queue.ended => return None,
                None => queue = self.came.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Queue {
    /// The writes that become one transaction with the first: as many as follow
    /// it at once, and are neither fenced off by one of them nor the same write.
    /// The ledger decides on those once these are committed.
    fn group(&mut self, first: Write) -> Vec<Write> {
        let mut bytes = first.changes.bytes;
        let mut apart: HashSet<_> = first.fences.iter().copied().chain([first.id]).collect();
        let mut group = vec![first];
        while let Some(Job::Write(next)) = self.jobs.front()
            && bytes + next.changes.bytes <= MAX_GROUP
            && !apart.contains(&next.id)
            && let Some(Job::Write(next)) = self.jobs.pop_front()
        {
            bytes += next.changes.bytes;
            apart.extend(next.fences.iter().copied().chain([next.id]));
            group.push(next);
        }
        group
    }
}

enum Next {
    Writes(Vec<Write>),
    Other(Job),
}

/// Answers a caller, who may have gone.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T>) {
    drop(reply.send(result));
}

/// Drops what is left undone when the thread ends, however it does: that
/// answers whoever waits.
struct Ended<'a>(&'a Waiting);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.dead = true;
        queue.jobs.clear();
    }
}

fn work(waiting: &Waiting, shared: &Shared, ledger: &WriteLedger) {
    let _ended = Ended(waiting);
    let mut committer = Committer::new(shared);
    while let Some(next) = waiting.next() {
        match next {
            Next::Writes(writes) => committer.write(writes),
            Next::Other(Job::Write(write)) => committer.write(vec![write]),
            Next::Other(Job::Settle(writes, reply)) => {
                answer(reply, committer.resolve().map(|()| ledger.settle(&writes)));
            }
            Next::Other(Job::EnsureIndex(key, reply)) => answer(reply, committer.ensure_index(key)),
            Next::Other(Job::Check(reply)) => answer(reply, Ok(check::check(shared))),
            Next::Other(Job::Compact(reply)) => answer(reply, compact(shared)),
            Next::Other(Job::Close(reply)) => answer(reply, shared.close()),
        }
    }
    drop(shared.close());
}

/// Compacts the file. redb's own commits meanwhile leave it in need of a full
/// repair, so that one more commit follows, also after a failure.
fn compact(shared: &Shared) -> Result<bool> {
    let operation = "compact the database";
    let done = shared.alone(operation, |database| {
        let mut any = false;
        while database.compact().map_err(|error| error::compaction(operation, &error))? {
            any = true;
        }
        schema::commit_nothing(database)?;
        Ok(any)
    });
    if done.is_err() {
        drop(shared.reopen().and_then(|()| shared.write(operation, schema::commit_nothing)));
    }
    done
}
