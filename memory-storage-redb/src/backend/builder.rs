//! Opening a storage with settings.

use std::path::Path;

use memory_core::backend::IndexedKey;
use memory_core::{Error, Result};

use super::RedbStorage;
use super::database::{Config, Place};

/// Settings for a [`RedbStorage`], and the ways to open one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> memory_core::Result<()> {
/// use memory_storage_redb::RedbStorage;
///
/// let storage = RedbStorage::builder().index_metadata("session").memory().await?;
/// # drop(storage);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedbBuilder {
    indexes: Vec<String>,
    cache_size: usize,
    verify_on_open: Option<bool>,
}

impl Default for RedbBuilder {
    fn default() -> Self {
        Self { indexes: Vec::new(), cache_size: 128 << 20, verify_on_open: None }
    }
}

impl RedbBuilder {
    /// Declares that queries filter on this metadata key: each kind of record
    /// gets an index on it when the storage is opened, unless it has one. 1 to
    /// 128 letters, digits, `_`, `.` and `-`; any other key is refused where the
    /// storage is opened.
    pub fn index_metadata(mut self, key: impl Into<String>) -> Self {
        self.indexes.push(key.into());
        self
    }

    /// Sets the size of redb's cache of the file, in bytes, of which a half are for
    /// pages that wait to be written. Default: 128 MiB.
    pub const fn cache_size(mut self, bytes: usize) -> Self {
        self.cache_size = bytes;
        self
    }

    /// Sets whether opening a file verifies the checksum of every page,
    /// which reads all of it: 7 to 50 ms for each MB on a busy machine
    /// (`plans/MEASUREMENTS.md`). Without, a file opens at once, and damage to it is
    /// noticed where it is met: damaged records are [`Error::Corrupt`] either way,
    /// but a damaged index may hide records until [`check`](RedbStorage::check)
    /// tells. Default: files of at most 64 MiB are verified, larger ones are not.
    pub const fn verify_on_open(mut self, verify: bool) -> Self {
        self.verify_on_open = Some(verify);
        self
    }

    /// Opens the database in the file at `path`, creating it as needed. A relative
    /// path is resolved now: a later change of the working directory does not matter.
    ///
    /// # Errors
    ///
    /// - [`Error::InvalidInput`] for a key that cannot have an index, and for an
    ///   empty path.
    /// - [`Error::Unavailable`] where another process or storage has the file
    ///   open, its folder is missing, or the disk is full.
    /// - [`Error::Unsupported`] where the file is not a database of this
    ///   library's, is newer than it, or cannot be written.
    /// - [`Error::Corrupt`] where the file is damaged.
    pub async fn open(self, path: impl AsRef<Path>) -> Result<RedbStorage> {
        RedbStorage::start(self.config(Place::file(path.as_ref())?)?).await
    }

    /// Opens a new database in memory, which lives as long as the storage.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a key that cannot have an index.
    pub async fn memory(self) -> Result<RedbStorage> {
        RedbStorage::start(self.config(Place::Memory)?).await
    }

    /// Opens the database in a storage of the caller's own, such as an encrypted
    /// file. `make` is called once now, and again whenever the database is opened
    /// anew after a failure of the storage; by then it must hold what was written to
    /// it. The caller sees that no other process uses what is below.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    #[cfg(feature = "storage-backend")]
    pub async fn open_on<B: redb::StorageBackend>(
        self,
        make: impl Fn() -> B + Send + Sync + 'static,
    ) -> Result<RedbStorage> {
        RedbStorage::start(self.config(Place::backend(make))?).await
    }

    pub(super) fn config(self, place: Place) -> Result<Config> {
        Ok(Config {
            place,
            cache_size: self.cache_size,
            verify_on_open: self.verify_on_open,
            keys: self.indexes.iter().map(|key| IndexedKey::new(key)).collect::<Result<_, Error>>()?,
        })
    }
}
