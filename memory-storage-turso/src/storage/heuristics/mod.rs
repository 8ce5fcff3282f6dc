//! Heuristics as a table.

mod query;
mod row;
mod sql;
