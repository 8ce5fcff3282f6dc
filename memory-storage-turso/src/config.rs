//! Settings.

use std::time::Duration;

use memory_core::{Error, Result};

/// How writes are cut into parts, and how often they are tried.
///
/// A write is atomic whatever these say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// Locally, rows that are encoded and handed over at a time: while the
    /// database stores one part, the next is encoded. Remotely, rows of one
    /// statement inside the one request. Default: 100.
    pub batch_size: usize,
    /// How often an attempt that changed nothing is made again, within the
    /// deadline. Default: 3.
    pub max_retries: u32,
    /// The longest pause before the first retry; each pause is drawn at random
    /// between nothing and its limit, and the limit doubles each time.
    /// Default: 100 ms.
    pub retry_base_delay: Duration,
    /// The limit's limit. Default: 5 s.
    pub retry_max_delay: Duration,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            batch_size: 100,
            max_retries: 3,
            retry_base_delay: Duration::from_millis(100),
            retry_max_delay: Duration::from_secs(5),
        }
    }
}

impl BatchConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        if self.batch_size == 0 {
            return Err(Error::invalid_input("batch_size", "a part of 0 rows never ends; use at least 1"));
        }
        if self.retry_base_delay > self.retry_max_delay {
            let reason = format!("{:?} is over `retry_max_delay`, {:?}", self.retry_base_delay, self.retry_max_delay);
            return Err(Error::invalid_input("retry_base_delay", reason));
        }
        if self.retry_max_delay > MAX_TIME {
            let reason = format!("{:?}, of at most {MAX_TIME:?}", self.retry_max_delay);
            return Err(Error::invalid_input("retry_max_delay", reason));
        }
        Ok(())
    }

    /// The limit of the pause before retry number `retry`, counted from 0.
    pub(crate) fn delay_limit(&self, retry: u32) -> Duration {
        self.retry_base_delay.saturating_mul(1_u32.checked_shl(retry).unwrap_or(u32::MAX)).min(self.retry_max_delay)
    }
}

/// The longest of any time that can be set: a day.
const MAX_TIME: Duration = Duration::from_secs(24 * 3600);

#[cfg(feature = "local")]
/// What each connection's cache of prepared statements may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedCacheConfig {
    /// Statements kept per connection; beyond it the one unused longest is
    /// dropped. Default: 100.
    pub max_size: usize,
    /// The longest SQL text worth keeping, in bytes: a statement that came of
    /// one large filter hardly comes again. Default: 16 KiB.
    pub max_sql_bytes: usize,
}

#[cfg(feature = "local")]
impl Default for PreparedCacheConfig {
    fn default() -> Self {
        Self { max_size: 100, max_sql_bytes: 16 << 10 }
    }
}

#[cfg(feature = "local")]
/// Far more than there are different statements.
const MAX_STATEMENTS: usize = 10_000;

#[cfg(feature = "local")]
impl PreparedCacheConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        if self.max_size == 0 {
            return Err(Error::invalid_input(
                "max_size",
                "a cache of 0 statements prepares every time; use at least 1",
            ));
        }
        if self.max_size > MAX_STATEMENTS {
            let reason = format!("{} statements a connection, of at most {MAX_STATEMENTS}", self.max_size);
            return Err(Error::invalid_input("max_size", reason));
        }
        Ok(())
    }
}

#[cfg(feature = "local")]
/// When a local write counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Once the operating system has it. After a power failure the last writes
    /// may be gone, the database is whole. SQLite's `NORMAL` in WAL mode.
    #[default]
    Normal,
    /// Once the disk has it. Each write waits for the disk.
    Full,
}

#[cfg(feature = "local")]
impl Synchronous {
    pub(crate) const fn pragma(self) -> &'static str {
        match self {
            Self::Normal => "PRAGMA synchronous = NORMAL",
            Self::Full => "PRAGMA synchronous = FULL",
        }
    }
}

/// What the local transport needs to know.
#[cfg(feature = "local")]
#[derive(Clone, Debug)]
pub(crate) struct LocalConfig {
    pub(crate) readers: usize,
    pub(crate) busy_timeout: Duration,
    pub(crate) synchronous: Synchronous,
    /// How long a write that was begun waits for its next part.
    pub(crate) patience: Duration,
    /// The length of the write-ahead log, in bytes, from which on it is emptied.
    pub(crate) log_limit: u64,
    pub(crate) batch: BatchConfig,
    pub(crate) prepared: PreparedCacheConfig,
}

#[cfg(feature = "local")]
impl LocalConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        self.batch.validate()?;
        self.prepared.validate()?;
        if !(1..=MAX_READERS).contains(&self.readers) {
            let reason = format!("{} of them, where 1 to {MAX_READERS} are possible", self.readers);
            return Err(Error::invalid_input("readers", reason));
        }
        // SQLite counts milliseconds in 31 bits and takes more for none at all.
        if self.busy_timeout > MAX_TIME {
            let reason = format!("{:?}, of at most {MAX_TIME:?}", self.busy_timeout);
            return Err(Error::invalid_input("busy_timeout", reason));
        }
        Ok(())
    }
}

/// Each reader is a thread and a few open files.
#[cfg(feature = "local")]
const MAX_READERS: usize = 256;

/// Bounds of the ledger in which a server's database remembers writes, so that
/// a repeated write takes effect once.
///
/// The ledger takes about 100 bytes for each write. A write prunes a few of the
/// oldest entries by the way. While an entry is there, a repetition of its write
/// does nothing and reports the first outcome, and a write that was settled or
/// fenced off stays impossible. After the entry is gone, a repetition is a new
/// write and is applied again. Of several storages over one database, the one
/// with the smallest bounds decides.
#[cfg(feature = "remote")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerConfig {
    /// The age at which an entry is removed, by the server's clock. At least an hour, and
    /// at least twice the deadline of an operation. Default: 7 days.
    pub max_age: Duration,
    /// The most entries that are kept; the oldest are removed first. At least 10,000; more than all
    /// clients together write within twice the deadline. Default: 1,000,000.
    pub max_rows: u64,
}

#[cfg(feature = "remote")]
impl Default for LedgerConfig {
    fn default() -> Self {
        Self { max_age: Duration::from_secs(7 * 24 * 3600), max_rows: 1_000_000 }
    }
}

#[cfg(feature = "remote")]
impl LedgerConfig {
    fn validate(&self, deadline: Duration) -> Result<()> {
        let least = Duration::from_secs(3600).max(deadline.saturating_mul(2));
        if self.max_age < least {
            let reason =
                format!("{:?}, where at least {least:?} is needed: a late attempt must find its entry", self.max_age);
            return Err(Error::invalid_input("ledger.max_age", reason));
        }
        if self.max_rows < 10_000 {
            let reason = format!("{} entries, where at least 10,000 are needed", self.max_rows);
            return Err(Error::invalid_input("ledger.max_rows", reason));
        }
        Ok(())
    }
}

/// What the remote transport needs to know.
#[cfg(feature = "remote")]
#[derive(Clone, Debug)]
pub(crate) struct RemoteConfig {
    pub(crate) deadline: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) pool_size: usize,
    pub(crate) max_writes: usize,
    pub(crate) max_request: usize,
    pub(crate) max_response: usize,
    pub(crate) ledger: LedgerConfig,
    pub(crate) max_row_size: usize,
    pub(crate) batch: BatchConfig,
}

#[cfg(feature = "remote")]
impl RemoteConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        let refused = |field: &str, reason: String| Err(Error::invalid_input(field, reason));
        for (field, time) in [("deadline", self.deadline), ("attempt_timeout", self.attempt_timeout)] {
            if time.is_zero() || time > MAX_TIME {
                return refused(field, format!("{time:?}; use more than nothing and at most {MAX_TIME:?}"));
            }
        }
        if !(1..=MAX_POOL).contains(&self.pool_size) {
            return refused("pool_size", format!("{} connections, where 1 to {MAX_POOL} are possible", self.pool_size));
        }
        if self.max_writes == 0 {
            let reason = "0; with no request that writes nothing can be stored; use at least 1";
            return refused("max_writes", reason.to_owned());
        }
        if self.max_request < MIN_REQUEST {
            let reason = format!("{} bytes; use at least {MIN_REQUEST}, or statements do not fit", self.max_request);
            return refused("max_request", reason);
        }
        if self.max_response == 0 {
            return refused(
                "max_response",
                "0 bytes; use at least 1: every answer holds at least one record".to_owned(),
            );
        }
        if !(MIN_ROW_SIZE..=MAX_ROW_SIZE).contains(&self.max_row_size) {
            let reason = format!("{} bytes, where {MIN_ROW_SIZE} to {MAX_ROW_SIZE} are possible", self.max_row_size);
            return refused("max_row_size", reason);
        }
        self.ledger.validate(self.deadline)?;
        self.batch.validate()
    }
}

/// Each request on its way is a connection to a server without HTTP/2.
#[cfg(feature = "remote")]
const MAX_POOL: usize = 10_000;

/// The longest statements of fixed text fit several times.
#[cfg(feature = "remote")]
const MIN_REQUEST: usize = 16 << 10;

/// Ids and operands of one statement fit in one value.
#[cfg(feature = "remote")]
const MIN_ROW_SIZE: usize = 2 << 20;

/// SQLite's own limit on a value can be no higher.
#[cfg(feature = "remote")]
const MAX_ROW_SIZE: usize = i32::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let batch = BatchConfig { batch_size: 0, ..BatchConfig::default() };
        assert!(batch.validate().unwrap_err().to_string().contains("batch_size"));
        let batch = BatchConfig { retry_base_delay: Duration::from_secs(6), ..BatchConfig::default() };
        assert!(batch.validate().unwrap_err().to_string().contains("retry_base_delay"));
        #[cfg(feature = "local")]
        {
            let cache = PreparedCacheConfig { max_size: 0, ..PreparedCacheConfig::default() };
            assert!(cache.validate().unwrap_err().to_string().contains("max_size"));
        }
    }

    #[cfg(feature = "remote")]
    #[test]
    fn a_ledger_that_forgets_too_soon_is_refused_by_name() {
        let refused = |ledger: LedgerConfig, hours: u64| {
            let error = ledger.validate(Duration::from_secs(hours * 3600)).unwrap_err();
            error.to_string()
        };
        let aged = |hours: u64| LedgerConfig { max_age: Duration::from_secs(hours * 3600), ..LedgerConfig::default() };
        assert!(refused(aged(0), 0).contains("ledger.max_age"));
        assert!(refused(aged(3), 2).contains("14400s"));
        assert!(aged(4).validate(Duration::from_secs(2 * 3600)).is_ok());
        let few = LedgerConfig { max_rows: 9_999, ..LedgerConfig::default() };
        assert!(refused(few, 1).contains("ledger.max_rows"));
    }

    #[test]
    fn pauses_double_up_to_their_limit_and_never_overflow() {
        let batch = BatchConfig::default();
        let limits: Vec<_> = (0..7).map(|retry| batch.delay_limit(retry).as_millis()).collect();
        assert_eq!(limits, [100, 200, 400, 800, 1600, 3200, 5000]);
        assert_eq!(batch.delay_limit(u32::MAX), batch.retry_max_delay);
    }
}
