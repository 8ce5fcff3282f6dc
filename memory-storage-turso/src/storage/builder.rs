//! Opening a storage with settings.

#[cfg(feature = "remote")]
use std::future::Future;
#[cfg(feature = "local")]
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[cfg(doc)]
use memory_core::Error;
use memory_core::Result;
use memory_core::backend::IndexedKey;

use super::TursoStorage;
use crate::config::BatchConfig;
#[cfg(feature = "remote")]
use crate::config::{LedgerConfig, RemoteConfig};
#[cfg(feature = "local")]
use crate::config::{LocalConfig, PreparedCacheConfig, Synchronous};
use crate::metrics::PerformanceMetrics;
use crate::transport::Transport;
#[cfg(feature = "local")]
use crate::transport::local::{Local, Place};
#[cfg(feature = "remote")]
use crate::transport::remote::{Endpoint, Remote, Token};

/// Settings for a [`TursoStorage`], and the ways to open one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> memory_core::Result<()> {
/// use memory_storage_turso::TursoStorage;
///
/// let storage = TursoStorage::builder().index_metadata("session").memory().await?;
/// # drop(storage);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TursoBuilder {
    indexes: Vec<String>,
    batch: BatchConfig,
    metrics: Option<Arc<PerformanceMetrics>>,
    #[cfg(feature = "local")]
    local: LocalConfig,
    #[cfg(feature = "remote")]
    remote: RemoteConfig,
    #[cfg(feature = "remote")]
    token: Token,
}

impl Default for TursoBuilder {
    fn default() -> Self {
        Self {
            indexes: Vec::new(),
            batch: BatchConfig::default(),
            metrics: None,
            #[cfg(feature = "local")]
            local: LocalConfig {
                readers: std::thread::available_parallelism().map_or(1, usize::from).min(4),
                busy_timeout: Duration::from_secs(5),
                synchronous: Synchronous::default(),
                patience: Duration::from_secs(5),
                log_limit: 8 << 20,
                batch: BatchConfig::default(),
                prepared: PreparedCacheConfig::default(),
            },
            #[cfg(feature = "remote")]
            remote: RemoteConfig {
                deadline: Duration::from_secs(30),
                attempt_timeout: Duration::from_secs(10),
                pool_size: 16,
                max_writes: 1,
                max_request: 8 << 20,
                max_response: 8 << 20,
                ledger: LedgerConfig::default(),
                max_row_size: 5_000_000,
                batch: BatchConfig::default(),
            },
            #[cfg(feature = "remote")]
            token: Token::None,
        }
    }
}

impl TursoBuilder {
    /// Declares that queries filter on this metadata key: each table gets an
    /// index on it, unless it has one. 1 to 128 letters, digits, `_`, `.` and
    /// `-`; any other key is refused where the storage is opened. A local
    /// database has its indexes made when it is opened, one across a network
    /// by [`TursoStorage::initialize_schema`].
    pub fn index_metadata(mut self, key: impl Into<String>) -> Self {
        self.indexes.push(key.into());
        self
    }

    /// How writes are cut into parts and tried again, and reads of a server.
    pub fn batch(mut self, config: BatchConfig) -> Self {
        self.batch = config;
        self
    }

    /// Where the storage records what it does, in place of metrics of its own:
    /// [`PerformanceMetrics::off`], or those of other storages, whose figures
    /// are then one.
    pub fn metrics(mut self, metrics: Arc<PerformanceMetrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    fn indexes(&self) -> Result<Vec<IndexedKey>> {
        self.indexes.iter().map(|key| IndexedKey::new(key)).collect()
    }
}

/// Local databases.
#[cfg(feature = "local")]
impl TursoBuilder {
    /// What each connection's cache of prepared statements may hold.
    pub fn prepared_cache(mut self, config: PreparedCacheConfig) -> Self {
        self.local.prepared = config;
        self
    }

    /// How many connections read a local file at once, 1 to 256. Default:
    /// one for each processor, at most 4.
    pub fn readers(mut self, readers: usize) -> Self {
        self.local.readers = readers;
        self
    }

    /// How long a local operation waits for another process that has the
    /// database locked, before it fails with [`Error::Timeout`]; at most a day. Default: 5 s.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.local.busy_timeout = timeout;
        self
    }

    /// When a local write counts as stored. Default: [`Synchronous::Normal`].
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.local.synchronous = synchronous;
        self
    }

    /// Opens the database in the file at `path`, creating it and its schema as
    /// needed, and the declared indexes.
    ///
    /// A file that this process may not write, or whose folder it may not, is
    /// opened for reading: writes are [`Error::Unsupported`], and declared
    /// indexes that are missing stay missing. That takes a file that was closed
    /// cleanly, or its log and the log's index beside it; nobody else may write
    /// the file meanwhile if its folder is what cannot be written.
    ///
    /// # Errors
    ///
    /// Each names the file and the system's reason.
    ///
    /// - [`Error::InvalidInput`] for a setting that cannot work, by its name, and
    ///   for a `path` where no database can be: its folder is missing, it is a
    ///   folder itself, permissions or a read-only file system are in the way.
    /// - [`Error::Corrupt`] where the file is no database.
    /// - [`Error::Unsupported`] where its schema is newer than this library, or
    ///   it holds tables of somebody else by these names, and then it is left as
    ///   it is; and where the database was open when this process was forked.
    /// - [`Error::Timeout`] where another process keeps it locked.
    /// - [`Error::Unavailable`] where the disk is full or this process has too
    ///   many files open.
    pub async fn local(self, path: impl AsRef<Path>) -> Result<TursoStorage> {
        let place = Place::file(path.as_ref())?;
        self.open(place).await
    }

    /// Opens a new database in memory, which lives as long as the storage.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a setting that cannot work, by its name.
    pub async fn memory(self) -> Result<TursoStorage> {
        self.open(Place::Memory).await
    }

    async fn open(self, place: Place) -> Result<TursoStorage> {
        let indexes = self.indexes()?;
        let config = LocalConfig { batch: self.batch, ..self.local };
        config.validate()?;
        let metrics = self.metrics.unwrap_or_default();
        let batch_size = config.batch.batch_size;
        let local = Local::open(place, config, Arc::clone(&metrics)).await?;
        let storage = TursoStorage::over(Transport::Local(Box::new(local)), batch_size, metrics, indexes);
        storage.initialize_schema().await?;
        Ok(storage)
    }
}

/// Servers across a network.
#[cfg(feature = "remote")]
impl TursoBuilder {
    /// How long an operation may take in all, retries included. Default: 30 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.remote.deadline = deadline;
        self
    }

    /// How long one attempt may take before it is given up and made again.
    /// Default: 10 s.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.remote.attempt_timeout = timeout;
        self
    }

    /// How many requests may be on their way at once, and so how many
    /// connections a server without HTTP/2 sees; more wait. Where the server has
    /// too much to do (429), fewer are sent for a while. 1 to 10,000. Default: 16.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.remote.pool_size = connections;
        self
    }

    /// Limits the requests that write and are under way at once. Writes that
    /// wait are combined into the next request, up to 64 of them, and each is
    /// answered by itself: a write that fails takes no other with it. A server
    /// applies one write at a time in any case, and sqld can stop taking writes
    /// for good when a dozen clients write at once. Default: 1.
    pub fn max_writes(mut self, requests: usize) -> Self {
        self.remote.max_writes = requests;
        self
    }

    /// The largest request, in bytes, at least 16 KiB. A larger write is refused
    /// with [`Error::InvalidInput`], and so is a query by a larger filter; a get
    /// of more ids is split. Up to 64 fences that a batch holds, and what the
    /// storage itself sends beside a write to fence off indeterminate ones, come
    /// on top of it: 8 KiB at most. Default: 8 MiB.
    pub fn max_request(mut self, bytes: usize) -> Self {
        self.remote.max_request = bytes;
        self
    }

    /// Limits the bytes of one answer, unless it is a single record; the
    /// rest is fetched by further requests. Counted as sqld counts: texts before
    /// JSON escapes, and the JSON around each value. Servers refuse answers
    /// beyond a limit of their own (sqld's is 10 MB), and are then asked for
    /// half as much, which costs a request each time. Default: 8 MiB.
    pub fn max_response(mut self, bytes: usize) -> Self {
        self.remote.max_response = bytes;
        self
    }

    /// For how long, and for how many writes, a repeated write is recognised as
    /// one. Default: 7 days and 1,000,000 writes.
    pub fn ledger(mut self, config: LedgerConfig) -> Self {
        self.remote.ledger = config;
        self
    }

    /// The largest row that the server takes, in bytes, 2 MiB to 2 GiB: sqld's
    /// `max_row_size`, which is set when a namespace is created. A record that
    /// makes a larger row is refused with [`Error::InvalidInput`] before
    /// anything is sent. Default: 5,000,000, as sqld's.
    pub fn max_row_size(mut self, bytes: usize) -> Self {
        self.remote.max_row_size = bytes;
        self
    }

    /// Asks for the token before each request, in place of the one given to
    /// [`remote`](Self::remote), so that it may change; whoever provides it
    /// should keep it at hand. Its error ends the operation.
    pub fn token_provider<F, T>(mut self, provider: F) -> Self
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<String>> + Send + 'static,
    {
        self.token = Token::provider(provider);
        self
    }

    /// Connects to a server: `libsql://` and `https://` URLs, and `http://` to
    /// this machine or without a token. An empty token is none. One request,
    /// which opens the connection and checks the schema's version; whether
    /// there is a schema is not asked for, since
    /// [`TursoStorage::initialize_schema`] may be about to create it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a URL, token or setting that cannot work, by
    /// its name; [`Error::Unauthorized`] where the server refuses the token;
    /// [`Error::Misconfigured`] where it cannot be reached for a reason that
    /// stays: a host that does not exist, a certificate that is not trusted, a
    /// missing database; [`Error::Unavailable`] and [`Error::Timeout`] where it
    /// cannot be reached now; [`Error::Unsupported`] where the schema is newer
    /// than this library.
    pub async fn remote(self, url: impl AsRef<str>, token: impl AsRef<str>) -> Result<TursoStorage> {
        let indexes = self.indexes()?;
        let token = if self.token.is_some() { self.token } else { Token::fixed(token.as_ref())? };
        let config = RemoteConfig { batch: self.batch, ..self.remote };
        config.validate()?;
        let endpoint = Endpoint::parse(url.as_ref(), token.is_some())?;
        let batch_size = config.batch.batch_size;
        let metrics = self.metrics.unwrap_or_default();
        let remote = Remote::new(endpoint, token, config, &metrics)?;
        let storage = TursoStorage::over(Transport::Remote(Box::new(remote)), batch_size, metrics, indexes);
        storage.connect().await?;
        Ok(storage)
    }
}
