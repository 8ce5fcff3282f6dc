//! SQL statements, their values, and the rows that they give: what a storage and
//! its transports say to each other.

mod columns;
mod statement;
mod table;
mod value;

pub(crate) use columns::{Columns, unexpected};
#[cfg(feature = "remote")]
pub(crate) use statement::Done;
pub(crate) use statement::{Statement, Step, id_list};
pub(crate) use table::{TableSql, Texts, Upsert};
pub(crate) use value::Value;
