//! A connection's prepared statements.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libsql::{Connection, Error, Rows, Statement};
use lru::LruCache;
use pollster::block_on;

use crate::config::PreparedCacheConfig;
use crate::metrics::PerformanceMetrics;
use crate::sql::Value;
#[cfg(test)]
use crate::transport::local::tests::database_call;

/// The statements of one connection that are not in use, the one used last
/// first.
///
/// A statement is checked out exclusively and comes back when its guard is
/// dropped. libsql's own statements run with the values of their *last* use if
/// they are not reset, and keep old values where too few are given; the guard
/// resets before each use, refuses a wrong number of values, and resets again
/// before the statement rests, so that none is left half read, which would
/// keep its snapshot of the database open.
pub(crate) struct PreparedStatementCache {
    idle: LruCache<Box<str>, Statement>,
    max_sql_bytes: usize,
    metrics: Arc<PerformanceMetrics>,
}

impl PreparedStatementCache {
    pub(crate) fn new(config: &PreparedCacheConfig, metrics: Arc<PerformanceMetrics>) -> Self {
        let max_size = NonZeroUsize::new(config.max_size).unwrap_or(NonZeroUsize::MIN);
        Self { idle: LruCache::new(max_size), max_sql_bytes: config.max_sql_bytes, metrics }
    }

    /// Takes the statement for `sql`, preparing it on `connection` if it is
    /// not there. One cache serves one connection.
    pub(crate) fn checkout(&mut self, connection: &Connection, sql: &str) -> Result<Checkout<'_>, Error> {
        #[cfg(test)]
        database_call();
        let stats = &self.metrics.prepared;
        let mut preparation = None;
        let (sql, statement) = if let Some(found) = self.idle.pop_entry(sql) {
            stats.hit();
            found
        } else {
            stats.miss();
            let start = Instant::now();
            let statement = block_on(connection.prepare(sql))?;
            let took = start.elapsed();
            stats.prepared(took);
            preparation = Some(took);
            (sql.into(), statement)
        };
        Ok(Checkout { cache: self, checked_out: Some((sql, statement)), preparation, reading: None })
    }

    /// Drops the statement for `sql`, if it is there.
    pub(crate) fn forget(&mut self, sql: &str) {
        self.idle.pop(sql);
    }

    fn put_back(&mut self, sql: Box<str>, statement: Statement) {
        statement.reset();
        if sql.len() <= self.max_sql_bytes && self.idle.push(sql, statement).is_some() {
            self.metrics.prepared.evicted();
        }
    }
}

/// A statement in use.
pub(crate) struct Checkout<'a> {
    cache: &'a mut PreparedStatementCache,
    /// `None` only while it is dropped.
    checked_out: Option<(Box<str>, Statement)>,
    /// What preparing it took, until it has run.
    preparation: Option<Duration>,
    /// When the rows were asked for that are read now.
    reading: Option<Instant>,
}

impl Checkout<'_> {
    /// Runs the statement and returns its rows, which must not outlive this
    /// guard: the caller reads them before it lets go.
    pub(crate) fn query(&mut self, args: Vec<Value>) -> Result<Rows, Error> {
        let start = (!args.is_empty()).then(Instant::now);
        let rows = block_on(self.ready(&args)?.query(params(args)))?;
        self.reading = start;
        Ok(rows)
    }

    /// Runs a statement without rows and returns how many it changed.
    pub(crate) fn execute(&mut self, args: Vec<Value>) -> Result<u64, Error> {
        let start = (!args.is_empty()).then(Instant::now);
        let changed = block_on(self.ready(&args)?.execute(params(args)))?;
        if let Some(start) = start {
            self.executed(start.elapsed());
        }
        Ok(changed as u64)
    }

    fn executed(&mut self, took: Duration) {
        let preparation = self.preparation.take();
        self.cache.metrics.prepared.executed(preparation.is_none(), took + preparation.unwrap_or_default());
    }

    fn ready(&self, args: &[Value]) -> Result<&Statement, Error> {
        let Some((_, statement)) = &self.checked_out else {
            return Err(Error::Misuse("the statement was put back".to_owned()));
        };
        let wanted = statement.parameter_count();
        if wanted != args.len() {
            return Err(Error::Misuse(format!("{} values for a statement of {wanted} parameters", args.len())));
        }
        #[cfg(test)]
        database_call();
        statement.reset();
        Ok(statement)
    }
}

impl Drop for Checkout<'_> {
    fn drop(&mut self) {
        if let Some(start) = self.reading.take() {
            self.executed(start.elapsed());
        }
        if let Some((sql, statement)) = self.checked_out.take() {
            self.cache.put_back(sql, statement);
        }
    }
}

fn params(args: Vec<Value>) -> Vec<libsql::Value> {
    let param = |value| match value {
        Value::Null => libsql::Value::Null,
        Value::Integer(integer) => libsql::Value::Integer(integer),
        Value::Text(text) | Value::Json(text) => libsql::Value::Text(text),
    };
    args.into_iter().map(param).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use libsql::{Authorization, Builder};

    use super::*;

    /// A connection, and how many statements SQLite compiled on it: the
    /// authorizer is called only while one is.
    fn counted() -> (Connection, Arc<AtomicU64>) {
        let connection = block_on(Builder::new_local(":memory:").build()).unwrap().connect().unwrap();
        let compiled = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&compiled);
        connection
            .authorizer(Some(Arc::new(move |context| {
                // Once for each statement of these tests.
                if matches!(context.action, libsql::AuthAction::Select) {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                Authorization::Allow
            })))
            .unwrap();
        (connection, compiled)
    }

    fn cache(max_size: usize) -> PreparedStatementCache {
        let config = PreparedCacheConfig { max_size, max_sql_bytes: 40 };
        PreparedStatementCache::new(&config, Arc::default())
    }

    fn first(checkout: &mut Checkout<'_>, args: &[Value]) -> i64 {
        let mut rows = checkout.query(args.to_vec()).unwrap();
        block_on(rows.next()).unwrap().unwrap().get(0).unwrap()
    }

    #[test]
    fn a_thousand_uses_compile_one_statement() {
        let (connection, compiled) = counted();
        let mut cache = cache(10);
        for use_number in 0..1000 {
            let mut statement = cache.checkout(&connection, "SELECT ?1 + 1").unwrap();
            assert_eq!(first(&mut statement, &[use_number.into()]), use_number + 1);
        }
        assert_eq!(compiled.load(Ordering::Relaxed), 1);
        let stats = cache.metrics.prepared.snapshot();
        assert_eq!((stats.hits, stats.misses, stats.prepared, stats.evictions), (999, 1, 1, 0));
        assert!(stats.avg_preparation_time_us > 0.0);
    }

    #[test]
    fn without_the_cache_each_use_compiles() {
        let (connection, compiled) = counted();
        for _ in 0..10 {
            cache(1).checkout(&connection, "SELECT 1").unwrap();
        }
        assert_eq!(compiled.load(Ordering::Relaxed), 10);
    }

    #[test]
    fn one_checkout_runs_many_times_with_its_newest_values() {
        let (connection, _) = counted();
        let mut cache = cache(10);
        let mut statement = cache.checkout(&connection, "SELECT ?1 * 2").unwrap();
        assert_eq!([1, 2, 3].map(|n| first(&mut statement, &[n.into()])), [2, 4, 6]);
    }

    #[test]
    fn a_wrong_number_of_values_is_refused_and_old_ones_are_never_used() {
        let (connection, _) = counted();
        let mut cache = cache(10);
        let sql = "SELECT ?1 + ?2";
        first(&mut cache.checkout(&connection, sql).unwrap(), &[1.into(), 2.into()]);
        for args in [&[][..], &[5.into()], &[1.into(), 2.into(), 3.into()]] {
            let error = cache.checkout(&connection, sql).unwrap().query(args.to_vec()).map(drop).unwrap_err();
            assert!(error.to_string().contains("2 parameters"), "{error}");
        }
    }

    #[test]
    fn the_statement_unused_longest_makes_room() {
        let (connection, compiled) = counted();
        let mut cache = cache(2);
        for sql in ["SELECT 1", "SELECT 2", "SELECT 1", "SELECT 3", "SELECT 1"] {
            cache.checkout(&connection, sql).unwrap();
        }
        assert_eq!(compiled.load(Ordering::Relaxed), 3);
        assert_eq!(cache.metrics.prepared.snapshot().evictions, 1);
        cache.checkout(&connection, "SELECT 2").unwrap();
        assert_eq!(compiled.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_text_over_the_limit_is_not_kept() {
        let (connection, _) = counted();
        let mut cache = cache(10);
        let long = format!("SELECT 1 -- {}", "x".repeat(40));
        cache.checkout(&connection, &long).unwrap();
        assert_eq!(cache.idle.len(), 0);
        assert_eq!(cache.metrics.prepared.snapshot().evictions, 0);
    }

    #[test]
    fn a_statement_that_does_not_compile_is_an_error_and_not_kept() {
        let (connection, _) = counted();
        let mut cache = cache(10);
        assert!(cache.checkout(&connection, "SELEC 1").is_err());
        let stats = cache.metrics.prepared.snapshot();
        assert_eq!((stats.misses, stats.prepared, cache.idle.len()), (1, 0, 0));
    }

    #[test]
    fn a_half_read_statement_leaves_no_read_transaction_behind() {
        let (connection, _) = counted();
        let mut cache = cache(10);
        block_on(connection.execute_batch("CREATE TABLE t (n); INSERT INTO t VALUES (1), (2), (3)")).unwrap();
        first(&mut cache.checkout(&connection, "SELECT n FROM t").unwrap(), &[]);
        // SQLite refuses to drop a table that a statement is still reading.
        block_on(connection.execute("DROP TABLE t", ())).unwrap();
    }
}
