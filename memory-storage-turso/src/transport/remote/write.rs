//! Writes: combined into one request where they wait, and answered one by one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use libsql_hrana::proto::Stmt;
use memory_core::{Error, Result, WriteId};
use tokio::time::{Instant, timeout_at};

use super::failure::{Failure, Outcome};
use super::gate::{Gate, Member, News, Turn};
use super::ledger::{self, Entry, Verdict};
use super::message::Request;
use super::pool::Permit;
use super::retry::Operation;
use super::{MAX_RIDING, Remote, uncounted, whole};
use crate::metrics::Call;
use crate::sql::{Done, Step};

/// The most writes in one request, 64 entries of the ledger.
const MAX_WRITES: usize = 64;

/// The most statements in one request of several writes.
const MAX_STATEMENTS: usize = 1_000;

pub(super) type WriteGate = Gate<Arc<Write>, Result<Done, Failure>>;
type WriteNews = News<Arc<Write>, Result<Done, Failure>>;
type WriteTurn = Turn<Arc<Write>, Result<Done, Failure>>;
type WriteMember = Member<Arc<Write>, Result<Done, Failure>>;

/// A write under way.
#[derive(Debug)]
pub(super) struct Write {
    id: WriteId,
    name: &'static str,
    fences: Vec<WriteId>,
    statements: Vec<Stmt>,
    /// The request of this write alone.
    alone: Request,
    deadline: Instant,
    /// The number of the present attempt.
    number: AtomicU32,
    /// The most writes that its next request may hold.
    most: AtomicUsize,
    /// True if it may have happened, or may yet.
    unknown: AtomicBool,
}

impl Write {
    fn entry(&self) -> Entry<'_> {
        Entry { id: self.id, statements: &self.statements, fences: self.fences.len() }
    }

    fn is_unknown(&self) -> bool {
        self.unknown.load(Ordering::Relaxed)
    }
}

impl Remote {
    /// Runs the steps of one write as one transaction, exactly once in effect.
    pub(crate) async fn write(
        &self,
        call: &Call<'_>,
        id: WriteId,
        fences: &[WriteId],
        steps: Vec<Step>,
    ) -> Result<Done> {
        let operation = self.policy.begin(call.words(), Some(id));
        let write = Arc::new(self.prepare(call.words(), operation.deadline, id, fences, steps)?);
        // Should this future be dropped, nobody knows what became of the write.
        let doubt = Doubt { remote: self, write: &write, over: false };
        let attempt = |number| {
            write.number.store(number, Ordering::Relaxed);
            self.attempt(call, operation, &write)
        };
        let done = self.policy.retry(operation, &self.shared, attempt).await;
        doubt.resolve(&done);
        done
    }

    fn prepare(
        &self,
        name: &'static str,
        deadline: Instant,
        id: WriteId,
        fences: &[WriteId],
        steps: Vec<Step>,
    ) -> Result<Write> {
        let statements = ledger::statements(id, fences, steps, self.policy.batch.batch_size);
        let entry = Entry { id, statements: &statements, fences: fences.len() };
        let (batch, _) = ledger::write(&[entry], &[], &self.ledger);
        let alone = self.encode(name, batch, uncounted(fences.len().min(MAX_RIDING)))?;
        Ok(Write {
            id,
            name,
            fences: fences.to_vec(),
            statements,
            alone,
            deadline,
            number: AtomicU32::new(1),
            most: AtomicUsize::new(MAX_WRITES),
            unknown: AtomicBool::new(false),
        })
    }

    /// One attempt: waits for a turn, or until another write has sent it along.
    async fn attempt(&self, call: &Call<'_>, operation: Operation<'_>, write: &Arc<Write>) -> Result<Done, Failure> {
        let done = loop {
            match self.enter(operation, Some(Arc::clone(write))).await {
                Err(failure) => break Err(failure),
                Ok(News::Answer(done)) => break done,
                Ok(News::Abandoned) => {}
                // Others in the request may have more time than this one.
                Ok(News::Turn(turn)) => {
                    match timeout_at(operation.deadline, self.send(call, operation, write, turn)).await {
                        Ok(Some(done)) => break done,
                        Ok(None) => {}
                        Err(_) => {
                            break Err(Failure::last(
                                self.policy.timeout(operation.name, "the server did not answer in time"),
                            ));
                        }
                    }
                }
            }
        };
        done.map_err(|failure| match failure.outcome {
            Outcome::NotDone if write.is_unknown() => failure.in_doubt(),
            _ => failure,
        })
    }

    /// Waits for the turn of a request that writes.
    pub(super) async fn enter(
        &self,
        operation: Operation<'_>,
        write: Option<Arc<Write>>,
    ) -> Result<WriteNews, Failure> {
        if let Some(turn) = self.gate.try_turn() {
            return Ok(News::Turn(turn));
        }
        let waiting = self.shared.pool.waiting();
        let news = timeout_at(operation.deadline, self.gate.enter(write)).await.map_err(|_| {
            Failure::last(self.policy.timeout(operation.name, "the writes before it, or the request that it was in"))
        })?;
        if !matches!(news, News::Turn(_)) {
            // It did not wait for a turn, but for its answer.
            waiting.forget();
        }
        Ok(news)
    }

    /// Sends one request of this write and of those that wait, as many as fit.
    /// `None` where another write of the request failed and this one is to be
    /// sent again.
    async fn send(
        &self,
        call: &Call<'_>,
        operation: Operation<'_>,
        own: &Arc<Write>,
        turn: WriteTurn,
    ) -> Option<Result<Done, Failure>> {
        let permit = match self.policy.permit(operation, &self.shared).await {
            Ok(permit) => permit,
            Err(failure) => return Some(Err(failure)),
        };
        let (members, before) = self.take_along(own, &turn);
        let writes: Vec<_> = std::iter::once(own).chain(members.iter().map(|member| &member.write)).cloned().collect();
        let sent = self.send_together(call, &permit, &writes, &before).await;
        let ticket = Arc::<OnceLock<bool>>::default();
        let many = writes.len();
        let verdicts = match sent {
            Ok(verdicts) => verdicts,
            // One of them may be what the server refuses the whole request for.
            Err(failure) if many > 1 && matches!(failure.outcome, Outcome::NotDone) && !failure.retry => {
                writes.iter().map(|_| Verdict::Undone).collect()
            }
            Err(failure) => {
                let smaller = (many / 2).max(1);
                for write in &writes {
                    write.most.store(smaller, Ordering::Relaxed);
                }
                writes.iter().map(|write| Verdict::Failed(failure.of(write.name))).collect()
            }
        };
        let mut answers = verdicts.into_iter().zip(&writes).map(|(verdict, write)| match verdict {
            Verdict::Done(done) => Some(Ok(done)),
            Verdict::Failed(failure) => Some(Err(failure.with_ticket(&ticket))),
            Verdict::Undone => {
                // Smaller and smaller requests find the one that fails.
                write.most.store((many / 2).max(1), Ordering::Relaxed);
                None
            }
        });
        let own = answers.next()?;
        for (member, answer) in members.into_iter().zip(answers) {
            if let Some(answer) = answer {
                member.answer(answer);
            }
        }
        own
    }

    /// The waiting writes that go along, and which of all were in doubt before,
    /// this one first. From here on all of them are, until an answer says more:
    /// one whose caller goes away must not be forgotten.
    fn take_along(&self, own: &Write, turn: &WriteTurn) -> (Vec<WriteMember>, Vec<bool>) {
        let mut before = vec![own.unknown.swap(true, Ordering::Relaxed)];
        let mut ids = HashSet::from([own.id]);
        let mut fences: HashSet<_> = own.fences.iter().copied().collect();
        let mut most = own.most.load(Ordering::Relaxed);
        let (mut writes, mut statements, mut bytes) = (1, own.statements.len(), own.alone.body.len());
        let members = turn.take(|write| {
            // The ledger decides between two commits of one batch, and between a
            // write and its fence, once one of them is committed.
            let meets = ids.contains(&write.id)
                || fences.contains(&write.id)
                || write.fences.iter().any(|fence| ids.contains(fence));
            let fewer = most.min(write.most.load(Ordering::Relaxed));
            // A request of several is shorter than their requests together.
            let after = (writes + 1, statements + write.statements.len(), bytes + write.alone.body.len());
            let fits = !meets && after.0 <= fewer && after.1 <= MAX_STATEMENTS && after.2 <= self.max_request;
            if fits {
                (writes, statements, bytes) = after;
                most = fewer;
                ids.insert(write.id);
                fences.extend(&write.fences);
                before.push(write.unknown.swap(true, Ordering::Relaxed));
            }
            fits
        });
        (members, before)
    }

    /// Sends writes as one request, and fences off by the way what is in doubt.
    async fn send_together(
        &self,
        call: &Call<'_>,
        permit: &Permit<'_>,
        writes: &[Arc<Write>],
        before: &[bool],
    ) -> Result<Vec<Verdict>, Failure> {
        let not_sent = |failure: Failure| {
            for (write, before) in writes.iter().zip(before) {
                write.unknown.store(*before, Ordering::Relaxed);
            }
            Failure { outcome: Outcome::NotDone, ..failure }
        };
        let number = writes.iter().map(|write| write.number.load(Ordering::Relaxed)).max().unwrap_or(1);
        let until = self.policy.until(writes.iter().map(|write| write.deadline).max().unwrap_or_else(Instant::now));
        let riding = loop {
            let riding = self.in_doubt_beside(writes);
            if riding.len() <= MAX_RIDING {
                break riding;
            }
            for part in riding.chunks(self.settled_at_once()) {
                let request = self.settlement(call.words(), part).map_err(|error| not_sent(Failure::last(error)))?;
                let read = Arc::new(whole(|name, result| ledger::committed(name, &result)));
                let sent = self.policy.timed(call.words(), &self.shared, number, until, |attempt| {
                    self.post(call, &request, attempt, &read)
                });
                self.shared.noted(permit, sent.await).map_err(not_sent)?;
                self.forget(part);
            }
        };
        let entries: Vec<_> = writes.iter().map(|write| write.entry()).collect();
        let (batch, steps) = ledger::write(&entries, &riding, &self.ledger);
        let request = match writes {
            [alone] if riding.is_empty() => alone.alone.clone(),
            _ => Request::new(call.words(), batch).map_err(|error| not_sent(Failure::last(error)))?,
        };
        let names: Vec<_> = writes.iter().map(|write| (write.name, write.id)).collect();
        let read = Arc::new(whole(move |_, result| Ok(ledger::verdicts(names.iter().copied(), &steps, &result))));
        let sent = self
            .policy
            .timed(call.words(), &self.shared, number, until, |attempt| self.post(call, &request, attempt, &read));
        let sent = self.shared.noted(permit, sent.await).map_err(|failure| Failure {
            // The answer to a write is short: there were too many others.
            retry: failure.retry || failure.is_too_large(),
            ..failure
        });
        self.note(writes, before, &riding, &sent);
        sent
    }

    /// Notes which writes are in doubt after a request, and which no more.
    fn note(&self, writes: &[Arc<Write>], before: &[bool], riding: &[WriteId], sent: &Result<Vec<Verdict>, Failure>) {
        let mut over = Vec::new();
        for (number, write) in writes.iter().enumerate() {
            let failure = match sent {
                Ok(verdicts) => match &verdicts[number] {
                    Verdict::Done(done) => {
                        // What had been done before brought only the fences of that time.
                        if !done.already {
                            over.extend(&write.fences);
                        }
                        over.push(write.id);
                        write.unknown.store(false, Ordering::Relaxed);
                        continue;
                    }
                    Verdict::Failed(failure) => Some(failure),
                    Verdict::Undone => None,
                },
                Err(failure) => Some(failure),
            };
            let unknown = match failure.map_or(Outcome::NotDone, |failure| failure.outcome) {
                Outcome::NotDone => before[number],
                Outcome::Unknown => true,
                Outcome::Never => {
                    over.push(write.id);
                    false
                }
            };
            write.unknown.store(unknown, Ordering::Relaxed);
        }
        let committed = |verdict: &Verdict| matches!(verdict, Verdict::Done(done) if !done.already);
        if sent.as_ref().is_ok_and(|verdicts| verdicts.iter().any(committed)) {
            over.extend(riding);
        }
        self.forget(&over);
    }

    /// Indeterminate writes of this storage other than these and those that these
    /// fence off alone.
    fn in_doubt_beside(&self, writes: &[Arc<Write>]) -> Vec<WriteId> {
        let among = |id: &WriteId| match writes {
            [alone] => alone.id == *id || alone.fences.contains(id),
            _ => writes.iter().any(|write| write.id == *id),
        };
        self.in_doubt().iter().filter(|id| !among(id)).copied().collect()
    }
}

/// A write whose outcome is not known yet.
struct Doubt<'a> {
    remote: &'a Remote,
    write: &'a Write,
    over: bool,
}

impl Doubt<'_> {
    fn resolve<T>(mut self, done: &Result<T>) {
        self.over = !done.as_ref().is_err_and(Error::outcome_unknown);
    }
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if !self.over && self.write.is_unknown() {
            let mut in_doubt = self.remote.in_doubt();
            if !in_doubt.contains(&self.write.id) {
                in_doubt.push(self.write.id);
            }
        }
    }
}
