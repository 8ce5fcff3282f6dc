//! Pragmas whose value is a number of the configuration, since SQLite binds no
//! parameters there.

/// Returns the pragma that limits the size of a log that begins anew, in bytes.
pub(super) fn journal_size_limit(bytes: u64) -> String {
    format!("PRAGMA journal_size_limit = {bytes}")
}
