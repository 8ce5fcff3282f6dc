//! Statements that are prepared once and used many times.

mod cache;

pub(crate) use cache::PreparedStatementCache;
