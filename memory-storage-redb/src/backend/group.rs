//! Group commit: several writes in one transaction.

use memory_core::backend::{IndexedKey, PendingWrite};
use memory_core::{Error, Result, WriteId, Written};
use redb::ReadableDatabase;

use super::database::Shared;
use super::encode::Changes;
use super::writer::{Write, answer};
use super::{error, schema, write};

const OPERATION: &str = "write";

/// The part of the writer that commits, on its thread.
pub(super) struct Committer<'a> {
    shared: &'a Shared,
    /// Writes whose transaction may have been committed: its number, and how
    /// many records each write has then deleted. The number of transactions in
    /// the file tells, once that can be opened again.
    unresolved: Option<(u64, Vec<(PendingWrite, u64)>)>,
}

impl<'a> Committer<'a> {
    pub(super) const fn new(shared: &'a Shared) -> Self {
        Self { shared, unresolved: None }
    }

    /// Finds out what became of earlier writes, if that is unknown.
    pub(super) fn resolve(&mut self) -> Result<()> {
        if let Some((number, _)) = &self.unresolved {
            let happened = self.commits()? == *number;
            for (pending, deleted) in self.unresolved.take().into_iter().flat_map(|(_, writes)| writes) {
                if happened {
                    drop(pending.apply(|| Ok(deleted)));
                }
            }
        }
        Ok(())
    }

    /// Reads the number of transactions that the file has seen.
    fn commits(&self) -> Result<u64> {
        self.shared.write(OPERATION, |database| {
            let txn = database.begin_read().map_err(|error| error::transaction(OPERATION, &error))?;
            schema::commits(&txn)
        })
    }

    /// Commits writes together, and answers each. Where that fails, each is tried
    /// by itself in the order in which they came, so that one that cannot be
    /// written takes no other along; once the disk refuses one, those that are as
    /// large fail without being tried.
    pub(super) fn write(&mut self, writes: Vec<Write>) {
        if let Err(error) = self.resolve() {
            for write in writes {
                answer(write.reply, Err(error.clone()));
            }
            return;
        }
        let mut open = Vec::with_capacity(writes.len());
        for write in writes {
            match write.pending.as_ref().and_then(PendingWrite::outcome) {
                Some(outcome) => answer(write.reply, outcome),
                None => open.push(write),
            }
        }
        let failure = match self.commit(&open.iter().map(|write| &write.changes).collect::<Vec<_>>()) {
            Ok(deleted) => return done(open, deleted),
            Err(failure) => failure,
        };
        let retry = open.len() > 1 && matches!(failure, Failure::Nothing(_));
        if !retry {
            return self.failed(open, &failure);
        }
        let mut refused: Option<(Error, usize)> = None;
        for write in open {
            let bytes = write.changes.bytes;
            let result = match &refused {
                Some((error, least)) if bytes >= *least => Err(Failure::Nothing(error.clone())),
                _ => self.commit(&[&write.changes]),
            };
            match result {
                Ok(deleted) => done(vec![write], deleted),
                Err(failure) => {
                    if let Failure::Nothing(error) = &failure
                        && error.is_transient()
                    {
                        let least = refused.as_ref().map_or(bytes, |(_, least)| bytes.min(*least));
                        refused = Some((error.clone(), least));
                    }
                    self.failed(vec![write], &failure);
                }
            }
        }
    }

    /// Answers writes whose common transaction failed.
    fn failed(&mut self, writes: Vec<Write>, failure: &Failure) {
        let mut pending = Vec::new();
        for (place, mut write) in writes.into_iter().enumerate() {
            let deleted = failure.deleted(place);
            let error = failure.of(write.id);
            if let Some(entry) = write.pending.take() {
                match failure {
                    Failure::Nothing(_) => drop(entry),
                    Failure::Unconfirmed { .. } => drop(entry.apply(|| Ok(deleted))),
                    Failure::Unknown { .. } => pending.push((entry, deleted)),
                }
            }
            answer(write.reply, Err(error));
        }
        if let Failure::Unknown { number, .. } = failure
            && !pending.is_empty()
        {
            self.unresolved = Some((*number, pending));
        }
    }

    /// Commits several writes in one transaction, and says of each how many of
    /// the records to delete were there.
    fn commit(&self, writes: &[&Changes]) -> Result<Vec<u64>, Failure> {
        if writes.iter().all(|changes| changes.is_empty()) {
            return Ok(vec![0; writes.len()]);
        }
        let indexes = self.shared.indexes();
        let mut ready = None;
        let done = self.shared.write(OPERATION, |database| {
            let txn = schema::begin(database)?;
            let deleted = write::apply(&txn, &indexes, writes)?;
            let number = schema::count_commit(&txn)?;
            ready = Some((number, deleted.clone()));
            txn.commit().map_err(|error| error::commit(OPERATION, &error))?;
            Ok(deleted)
        });
        let error = match done {
            Ok(deleted) => return Ok(deleted),
            Err(error) => error,
        };
        // redb takes no more writes after a failure, until it is opened again.
        let reopened = self.shared.reopen();
        let Some((number, deleted)) = ready else { return Err(Failure::Nothing(error)) };
        match reopened.and_then(|()| self.commits()) {
            Ok(found) if found == number => Err(Failure::Unconfirmed { error, deleted }),
            Ok(_) => Err(Failure::Nothing(error)),
            Err(_) => Err(Failure::Unknown { error, number, deleted }),
        }
    }

    pub(super) fn ensure_index(&mut self, key: IndexedKey) -> Result<()> {
        self.resolve()?;
        if self.shared.indexes().contains(&key) {
            return Ok(());
        }
        let indexes = self.shared.write("create an index", |database| schema::prepare(database, &[key].into()));
        match indexes {
            Ok(indexes) => {
                self.shared.set_indexes(indexes);
                Ok(())
            }
            Err(error) => {
                drop(self.shared.reopen());
                Err(error)
            }
        }
    }
}

/// Enters writes that were committed in the ledger, in the order in which they
/// took effect, and answers them.
fn done(writes: Vec<Write>, deleted: Vec<u64>) {
    for (write, deleted) in writes.into_iter().zip(deleted) {
        let written = match write.pending {
            Some(pending) => pending.apply(|| Ok(deleted)),
            None => Ok(Written::new(write.id, deleted)),
        };
        answer(write.reply, written);
    }
}

/// Why a commit failed.
enum Failure {
    /// Nothing was written.
    Nothing(Error),
    /// It was written, and the disk did not confirm that it is durable.
    Unconfirmed { error: Error, deleted: Vec<u64> },
    /// It may have been written, and cannot be looked for.
    Unknown { error: Error, number: u64, deleted: Vec<u64> },
}

impl Failure {
    fn of(&self, write: WriteId) -> Error {
        match self {
            Self::Nothing(error) => error.clone(),
            Self::Unconfirmed { error, .. } | Self::Unknown { error, .. } => {
                Error::indeterminate(write, error.to_string())
            }
        }
    }

    fn deleted(&self, place: usize) -> u64 {
        match self {
            Self::Nothing(_) => 0,
            Self::Unconfirmed { deleted, .. } | Self::Unknown { deleted, .. } => {
                deleted.get(place).copied().unwrap_or(0)
            }
        }
    }
}
