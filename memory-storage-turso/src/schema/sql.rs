//! The schema's SQL.
//!
//! Ids are lowercase hyphenated UUIDs, times microseconds since the epoch,
//! reals the JSON text of the number (so that they come back bit for bit),
//! everything structured JSON. `domain` and `language` repeat what `context`
//! holds, for indexes and for people. `memory_writes` remembers which writes
//! happened, with how many records each deleted, or -1 for one that was made
//! impossible; only remote writes need it.
//!
//! Every statement means the same to each SQLite from 3.38 on, which other tools
//! bring along: before 3.45, for one, `json_valid(NULL)` is false, not NULL.

/// What each version adds to the one before.
pub(crate) const MIGRATIONS: &[&[&str]] = &[VERSION_1];

const VERSION_1: &[&str] = &[
    "CREATE TABLE memory_schema (
        version INTEGER NOT NULL
    ) STRICT",
    "CREATE TABLE memory_writes (
        write_id TEXT NOT NULL PRIMARY KEY,
        written_at INTEGER NOT NULL,
        deleted INTEGER NOT NULL
    ) STRICT",
    "CREATE TABLE episodes (
        episode_id TEXT NOT NULL PRIMARY KEY,
        task_type TEXT NOT NULL,
        task_description TEXT NOT NULL,
        context TEXT NOT NULL CHECK (json_valid(context)),
        start_time INTEGER NOT NULL,
        end_time INTEGER,
        steps TEXT NOT NULL,
        outcome TEXT CHECK (outcome IS NULL OR json_valid(outcome)),
        reward TEXT CHECK (reward IS NULL OR json_valid(reward)),
        reflection TEXT,
        patterns TEXT NOT NULL CHECK (json_valid(patterns)),
        heuristics TEXT NOT NULL CHECK (json_valid(heuristics)),
        metadata TEXT NOT NULL CHECK (json_valid(metadata)),
        domain TEXT NOT NULL,
        language TEXT,
        archived_at INTEGER
    ) STRICT",
    "CREATE INDEX episodes_by_time ON episodes (start_time DESC, episode_id DESC)",
    "CREATE INDEX episodes_by_domain ON episodes (domain, start_time DESC, episode_id DESC)",
    "CREATE TABLE patterns (
        pattern_id TEXT NOT NULL PRIMARY KEY,
        pattern_type TEXT NOT NULL,
        context TEXT NOT NULL CHECK (json_valid(context)),
        success_rate TEXT NOT NULL,
        occurrences INTEGER NOT NULL,
        effectiveness TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        data TEXT NOT NULL,
        metadata TEXT NOT NULL CHECK (json_valid(metadata)),
        domain TEXT NOT NULL,
        language TEXT
    ) STRICT",
    "CREATE INDEX patterns_by_time ON patterns (created_at DESC, pattern_id DESC)",
    "CREATE INDEX patterns_by_domain ON patterns (domain, created_at DESC, pattern_id DESC)",
    "CREATE TABLE heuristics (
        heuristic_id TEXT NOT NULL PRIMARY KEY,
        condition TEXT NOT NULL,
        action TEXT NOT NULL,
        confidence TEXT NOT NULL,
        evidence TEXT NOT NULL CHECK (json_valid(evidence)),
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        metadata TEXT NOT NULL CHECK (json_valid(metadata))
    ) STRICT",
    "CREATE INDEX heuristics_by_time ON heuristics (created_at DESC, heuristic_id DESC)",
];

#[cfg(feature = "local")]
pub(crate) const COUNT_VERSION_TABLE: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'memory_schema'";

#[cfg(feature = "local")]
pub(crate) const COUNT_INDEX: &str = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = ?1";

#[cfg(feature = "local")]
pub(crate) const VERSION_TABLE: &str = "memory_schema";

/// Which of the names that the schema takes are taken.
#[cfg(feature = "local")]
pub(crate) const SELECT_TABLES: &str = "SELECT lower(name) FROM sqlite_schema
    WHERE type IN ('table', 'view')
        AND lower(name) IN ('memory_schema', 'memory_writes', 'episodes', 'patterns', 'heuristics')";

pub(crate) const SELECT_VERSION: &str = "SELECT version FROM memory_schema";

#[cfg(feature = "local")]
pub(crate) const DELETE_VERSION: &str = "DELETE FROM memory_schema";

/// To be followed by the version in parentheses, a number of this code's.
pub(crate) const INSERT_VERSION: &str = "INSERT INTO memory_schema (version) VALUES";

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    /// The functions and operators whose result SQLite 3.38 and the newest
    /// version agree on, for any value that a column can hold there.
    const SAME_EVERYWHERE: &[&str] = &["json_valid"];

    #[test]
    fn the_schema_calls_only_functions_that_every_version_computes_alike() {
        for statement in MIGRATIONS.iter().copied().flatten() {
            for (at, _) in statement.match_indices('(') {
                let before = statement[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
                let name = &statement[before.len()..at];
                assert!(name.is_empty() || SAME_EVERYWHERE.contains(&name), "{name}: {statement}");
            }
            for line in statement.lines().filter(|line| line.contains("json_valid")) {
                assert!(line.contains("NOT NULL CHECK") || line.contains("IS NULL OR json_valid"), "{line}");
            }
        }
    }
}
