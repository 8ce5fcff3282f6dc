//! The open database, which may have to be opened again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::{fmt, fs};

use memory_core::backend::IndexedKey;
use memory_core::{Error, Result};
use redb::backends::InMemoryBackend;
use redb::{Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase};

use super::budget::{Budget, Stop};
use super::error::{self, guarded};
use super::identity::{self, Identity};
use super::index::Indexes;
use super::schema;

/// Location and settings of a database.
#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) place: Place,
    /// The size of redb's cache, in bytes.
    pub(super) cache_size: usize,
    /// Verifies every page when a file is opened. `None`: of files
    /// that are small enough.
    pub(super) verify_on_open: Option<bool>,
    /// The metadata keys that are to have an index.
    pub(super) keys: BTreeSet<IndexedKey>,
}

/// Opens a database with redb's settings.
#[cfg(any(test, feature = "storage-backend"))]
pub(super) type Opens = dyn Fn(&Builder) -> Result<Database, DatabaseError> + Send + Sync;

#[derive(Clone)]
pub(super) enum Place {
    /// A path that the working directory does not change.
    File(PathBuf),
    Memory,
    /// A storage of the caller's own, opened anew by each call.
    #[cfg(any(test, feature = "storage-backend"))]
    Backend(Arc<Opens>),
}

impl Place {
    /// The file at `path`, as seen from the working directory of this moment.
    pub(super) fn file(path: &Path) -> Result<Self> {
        std::path::absolute(path)
            .map(Self::File)
            .map_err(|error| Error::invalid_input("path", format!("{}: {error}", path.display())))
    }

    /// The storage that `make` makes whenever the database is opened.
    #[cfg(any(test, feature = "storage-backend"))]
    pub(super) fn backend<B: redb::StorageBackend>(make: impl Fn() -> B + Send + Sync + 'static) -> Self {
        Self::Backend(Arc::new(move |builder| builder.create_with_backend(make())))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::Memory => f.write_str("memory"),
            #[cfg(any(test, feature = "storage-backend"))]
            Self::Backend(_) => f.write_str("a storage backend"),
        }
    }
}

/// The largest file that is verified when it is opened, unless settings say
/// otherwise: about half a second of work on a busy machine.
const VERIFIED: u64 = 64 << 20;

impl Config {
    pub(super) fn verifies(&self) -> bool {
        self.verify_on_open.unwrap_or_else(|| match &self.place {
            Place::File(path) => fs::metadata(path).is_ok_and(|file| file.len() <= VERIFIED),
            Place::Memory => false,
            #[cfg(any(test, feature = "storage-backend"))]
            Place::Backend(_) => true,
        })
    }

    /// Returns the name of the operation in errors of opening.
    fn operation(&self) -> String {
        match &self.place {
            Place::File(path) => format!("open the database {}", path.display()),
            Place::Memory => "open the database".to_owned(),
            #[cfg(any(test, feature = "storage-backend"))]
            Place::Backend(_) => "open the database".to_owned(),
        }
    }

    /// Opens the database, and makes what is missing: the file, the schema,
    /// indexes.
    fn open(&self) -> Result<(Database, Indexes, Option<Identity>)> {
        let operation = self.operation();
        guarded(&operation, || {
            let database = self.database(&operation, self.verifies(), |builder, path| builder.create(path))?;
            let identity = match &self.place {
                Place::File(path) => Some(Identity::of(path, &operation)?),
                Place::Memory => None,
                #[cfg(any(test, feature = "storage-backend"))]
                Place::Backend(_) => None,
            };
            let indexes = schema::prepare(&database, &self.keys)?;
            Ok((database, indexes, identity))
        })
    }

    /// Opens the database that was open before, and makes nothing: a missing or
    /// other file is an error, and so is one without a schema.
    fn open_again(&self, identity: Option<&Identity>) -> Result<(Database, Indexes)> {
        let operation = self.operation();
        guarded(&operation, || {
            self.check_identity(&operation, identity)?;
            // Its pages were verified when it was first opened.
            let database = self.database(&operation, false, |builder, path| builder.open(path))?;
            self.check_identity(&operation, identity)?;
            let indexes = schema::existing(&database)?.ok_or_else(|| identity::replaced(&operation))?;
            Ok((database, indexes))
        })
    }

    /// Refuses a file that is another one than before.
    fn check_identity(&self, operation: &str, identity: Option<&Identity>) -> Result<()> {
        match (&self.place, identity) {
            (Place::File(path), Some(identity)) => identity.check(path, operation),
            _ => Ok(()),
        }
    }

    fn database(
        &self,
        operation: &str,
        verify: bool,
        file: impl FnOnce(&Builder, &Path) -> Result<Database, DatabaseError>,
    ) -> Result<Database> {
        let mut builder = Builder::new();
        builder.set_cache_size(self.cache_size).set_check_integrity_on_open(verify);
        let database = match &self.place {
            Place::File(path) => file(&builder, path),
            Place::Memory => builder.create_with_backend(InMemoryBackend::new()),
            #[cfg(any(test, feature = "storage-backend"))]
            Place::Backend(open) => open(&builder),
        };
        database.map_err(|error| error::database(operation, &error))
    }
}

/// The database that readers and the writer share.
pub(super) struct Shared {
    config: Config,
    /// Which file was opened.
    identity: Option<Identity>,
    state: RwLock<State>,
    indexes: RwLock<Arc<Indexes>>,
}

enum State {
    Open(Database),
    /// It could not be opened again after a failure, which is to be tried at the
    /// next call.
    Failed(Error),
    Closed,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}

impl Shared {
    pub(super) fn open(config: Config) -> Result<Self> {
        let (database, indexes, identity) = config.open()?;
        let (state, indexes) = (RwLock::new(State::Open(database)), RwLock::new(Arc::new(indexes)));
        Ok(Self { config, identity, state, indexes })
    }

    pub(super) fn indexes(&self) -> Arc<Indexes> {
        Arc::clone(&self.indexes.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_indexes(&self, indexes: Indexes) {
        *self.indexes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(indexes);
    }

    /// Reads one snapshot. While the database is being checked, compacted or
    /// opened, a read within a budget is told that it takes long.
    pub(super) fn read<T>(
        &self,
        operation: &str,
        budget: &mut Budget,
        read: impl FnOnce(&ReadTransaction, &Indexes, &mut Budget) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let state = match self.state.try_read() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                budget.long()?;
                self.lock()
            }
        };
        let state = match &*state {
            State::Failed(_) => {
                drop(state);
                budget.long()?;
                self.recover()?;
                self.lock()
            }
            State::Open(_) | State::Closed => state,
        };
        // After the database: an index that is known by then is in its snapshot.
        let indexes = self.indexes();
        let txn = state.database(operation)?.begin_read().map_err(|error| error::transaction(operation, &error))?;
        read(&txn, &indexes, budget)
    }

    /// Uses the database for a write.
    pub(super) fn write<T>(&self, operation: &str, write: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let state = self.lock();
        let state = if matches!(*state, State::Failed(_)) {
            drop(state);
            self.recover()?;
            self.lock()
        } else {
            state
        };
        guarded(operation, || write(state.database(operation)?))
    }

    /// Uses the database while nobody else does.
    pub(super) fn alone<T>(&self, operation: &str, run: impl FnOnce(&mut Database) -> Result<T>) -> Result<T> {
        let mut state = self.lock_alone();
        match &mut *state {
            State::Open(database) => guarded(operation, || run(database)),
            State::Failed(error) => Err(error.clone()),
            State::Closed => Err(closed(operation)),
        }
    }

    /// Closes the database and opens it again: after a failure of the disk, redb
    /// takes no more writes. What was committed is there again. Where the file was
    /// deleted or replaced, the database stays closed until it is put back.
    pub(super) fn reopen(&self) -> Result<()> {
        if matches!(self.config.place, Place::Memory) {
            return Ok(());
        }
        let mut state = self.lock_alone();
        if matches!(*state, State::Closed) {
            return Err(closed("open the database again"));
        }
        // While the file is open, no other one has its inode.
        let same = self.config.check_identity(&self.config.operation(), self.identity.as_ref());
        // The lock of the file is given back before it is taken anew.
        drop(guarded("close the database", || {
            *state = State::Failed(closed("open the database again"));
            Ok(())
        }));
        if let Err(error) = same {
            *state = State::Failed(error.clone());
            return Err(error);
        }
        self.open_again(&mut state)
    }

    /// Opens the database after [`Self::reopen`] could not.
    fn recover(&self) -> Result<()> {
        let mut state = self.lock_alone();
        match &*state {
            State::Failed(_) => self.open_again(&mut state),
            State::Open(_) | State::Closed => Ok(()),
        }
    }

    fn open_again(&self, state: &mut State) -> Result<()> {
        match self.config.open_again(self.identity.as_ref()) {
            Ok((database, indexes)) => {
                *state = State::Open(database);
                self.set_indexes(indexes);
                Ok(())
            }
            Err(error) => {
                *state = State::Failed(error.clone());
                Err(error)
            }
        }
    }

    /// Closes the database once nobody reads any more.
    pub(super) fn close(&self) -> Result<()> {
        let state = std::mem::replace(&mut *self.lock_alone(), State::Closed);
        let State::Open(database) = state else { return Ok(()) };
        guarded("close the database", || {
            database.close().map_err(|error| error::database("close the database", &error))
        })
    }

    fn lock(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_alone(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn database(&self, operation: &str) -> Result<&Database> {
        match self {
            Self::Open(database) => Ok(database),
            Self::Failed(error) => Err(error.clone()),
            Self::Closed => Err(closed(operation)),
        }
    }
}

fn closed(operation: &str) -> Error {
    Error::unavailable(operation, "the database is closed")
}
