//! `RedbStorage`: a `MemoryStorage` in one file.
//!
//! A write is encoded by its caller ([`encode`]), waits in the queue of the
//! writer's thread ([`writer`]) and becomes part of one durable transaction
//! ([`group`], [`write`]). A read plans which index to walk ([`plan`]), walks it
//! ([`scan`]) and decodes what it finds ([`find`], [`count`]), on the caller's
//! thread as long as that is short ([`budget`]).

mod budget;
mod builder;
mod check;
mod count;
mod database;
mod encode;
mod error;
mod find;
mod group;
mod identity;
mod index;
mod keys;
mod plan;
mod records;
mod scan;
mod schema;
mod storage;
#[cfg(test)]
mod tests;
mod write;
mod writer;

pub use builder::RedbBuilder;
pub use check::{CheckReport, Damage};
pub use storage::RedbStorage;
