//! A lab whose database keeps an account of every change to a record.

#![allow(dead_code, unreachable_pub, reason = "every test program compiles this file, and none uses all of it")]

use std::collections::HashMap;
use std::time::Duration;

use memory_core::{Episode, Error, Heuristic, Pattern, PatternKind, TaskContext, TaskType};
use memory_lab::{Lab, LabOptions};
use memory_storage_turso::{BatchConfig, TursoBuilder, TursoStorage};
use uuid::Uuid;

/// No call takes longer, whatever befalls it.
pub const GUARD: Duration = Duration::from_secs(10);

pub struct World {
    pub lab: Lab,
    /// Around the proxy.
    pub direct: TursoStorage,
    database: libsql::Connection,
}

impl World {
    pub async fn new() -> Self {
        Self::with(LabOptions::default()).await
    }

    /// A lab with the schema, and triggers that note each change.
    pub async fn with(options: LabOptions) -> Self {
        let lab = Lab::start(options).await.unwrap();
        let direct = TursoStorage::new(lab.server().url(), "").await.unwrap();
        direct.initialize_schema().await.unwrap();
        let database = libsql::Builder::new_local(lab.database()).build().await.unwrap().connect().unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        database.execute_batch("CREATE TABLE account (id TEXT NOT NULL, change TEXT NOT NULL)").await.unwrap();
        for (table, id) in [("episodes", "episode_id"), ("patterns", "pattern_id"), ("heuristics", "heuristic_id")] {
            for (event, row, change) in [
                ("INSERT", "new", "new.metadata ->> 'version'"),
                ("UPDATE", "new", "new.metadata ->> 'version'"),
                ("DELETE", "old", "'deleted'"),
            ] {
                let sql = format!(
                    "CREATE TRIGGER {table}_{event} AFTER {event} ON {table} BEGIN
                        INSERT INTO account (id, change) VALUES ({row}.{id}, {change});
                    END"
                );
                database.execute_batch(&sql).await.unwrap();
            }
        }
        Self { lab, direct, database }
    }

    /// What happened to each of these records, in order: the versions stored,
    /// and `deleted`.
    pub async fn accounts(&self, ids: &[Uuid]) -> HashMap<Uuid, Vec<String>> {
        let sql = "SELECT id, change FROM account WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY rowid";
        let list = serde_json::Value::from(ids.iter().map(ToString::to_string).collect::<Vec<_>>()).to_string();
        let mut rows = self.database.query(sql, [list]).await.unwrap();
        let mut accounts: HashMap<_, Vec<_>> = ids.iter().map(|id| (*id, Vec::new())).collect();
        while let Some(row) = rows.next().await.unwrap() {
            let id = row.get::<String>(0).unwrap().parse().unwrap();
            accounts.entry(id).or_default().push(row.get(1).unwrap());
        }
        accounts
    }

    /// What happened to this record.
    pub async fn account(&self, id: Uuid) -> Vec<String> {
        self.accounts(&[id]).await.remove(&id).unwrap_or_default()
    }

    /// The only value of a statement's only row.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.database, sql).await
    }

    pub async fn execute(&self, sql: &str) {
        self.database.execute_batch(sql).await.unwrap();
    }
}

/// The only value of a statement's only row.
pub async fn number(database: &libsql::Connection, sql: &str) -> i64 {
    database.query(sql, ()).await.unwrap().next().await.unwrap().unwrap().get(0).unwrap()
}

/// A storage that tries again at once, and gives up when it would by default.
pub fn brisk() -> TursoBuilder {
    let batch = BatchConfig {
        batch_size: 50,
        max_retries: 3,
        retry_base_delay: Duration::from_millis(2),
        retry_max_delay: Duration::from_millis(8),
    };
    TursoStorage::builder().batch(batch)
}

/// The same for a server that does not answer: it gives up early, all times
/// `scale` times as long. A slow machine can be later than that, so that it is
/// [`opened`] and not asked for much.
pub fn hasty(scale: u32) -> TursoBuilder {
    brisk().deadline(DEADLINE * scale).attempt_timeout(ATTEMPT * scale)
}

/// Opened, for which a slow machine may need several times.
pub async fn opened(builder: impl Fn() -> TursoBuilder, url: &str) -> TursoStorage {
    let mut why = None;
    for _ in 0..100 {
        match builder().remote(url, "").await {
            Ok(storage) => return storage,
            Err(error) => why = Some(error),
        }
    }
    panic!("{url}: {why:?}");
}

pub const DEADLINE: Duration = Duration::from_millis(300);
pub const ATTEMPT: Duration = Duration::from_millis(80);

pub fn episode(domain: &str, version: &str) -> Episode {
    let mut episode = Episode::new("Fix the login form", TaskContext::new(domain), TaskType::Debugging);
    episode.metadata.insert("version", version);
    episode
}

pub fn pattern(domain: &str, version: &str) -> Pattern {
    let kind = PatternKind::ErrorRecovery { error_type: "timeout".to_owned(), recovery_steps: vec!["wait".to_owned()] };
    let mut pattern = Pattern::new(TaskContext::new(domain), kind);
    pattern.metadata.insert("version", version);
    pattern
}

pub fn heuristic(version: &str) -> Heuristic {
    let mut heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
    heuristic.metadata.insert("version", version);
    heuristic
}

/// What a test expects of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Backend,
    Corrupt,
    Fenced,
    Indeterminate,
    InvalidInput,
    Misconfigured,
    Timeout,
    Unauthorized,
    Unavailable,
    Unsupported,
}

pub fn kind(error: &Error) -> Kind {
    match error {
        Error::Backend { .. } => Kind::Backend,
        Error::Corrupt { .. } => Kind::Corrupt,
        Error::Fenced { .. } => Kind::Fenced,
        Error::Indeterminate { .. } => Kind::Indeterminate,
        Error::InvalidInput { .. } => Kind::InvalidInput,
        Error::Misconfigured { .. } => Kind::Misconfigured,
        Error::Timeout { .. } => Kind::Timeout,
        Error::Unauthorized { .. } => Kind::Unauthorized,
        Error::Unavailable { .. } => Kind::Unavailable,
        Error::Unsupported { .. } => Kind::Unsupported,
        other => panic!("an error of a new kind: {other:?}"),
    }
}

/// The seed of what is left to chance: `MEMORY_TEST_SEED`, or always the same.
pub fn seed() -> u64 {
    std::env::var("MEMORY_TEST_SEED").map_or(0x5eed, |seed| seed.parse().expect("MEMORY_TEST_SEED is a number"))
}
