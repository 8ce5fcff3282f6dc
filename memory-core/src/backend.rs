//! Types and functions for authors of backends and wrappers.
//!
//! A backend checks its input ([`check_records`], [`check_ids`],
//! [`WriteBatch::validate`](crate::WriteBatch::validate)) and takes the start
//! of a page from [`Query::validate`](crate::Query::validate) as a
//! [`Position`]. It then either translates the filter into its own language, or
//! evaluates it over records in memory ([`select`], [`count`]). If a
//! translation meets a variant of [`Filter`](crate::Filter) or [`Predicate`]
//! that it does not know, it must fail with
//! [`Error::Unsupported`](crate::Error::Unsupported). A storage in this process
//! keeps a [`WriteLedger`]. [`ByKind`] holds one value for each kind of record.
//! The crate `memory-conformance` tests backends.

use crate::error::Result;
use crate::limits::check_len;
use crate::{Id, Record};

pub use crate::fields::{FieldDef, FieldName, FieldType, FieldValue, Scalar};
pub use crate::ledger::{PendingWrite, WriteLedger};
pub use crate::query::{IndexedKey, Path, Position, Predicate, count, select, validate_count};
pub use crate::record::{ByKind, PerKind};
pub use crate::write::Changes;

/// Checks the number of records to store
/// ([`MAX_PER_CALL`](crate::limits::MAX_PER_CALL)) and validates each record.
///
/// # Errors
///
/// [`Error::InvalidInput`](crate::Error::InvalidInput), naming the record and
/// the field.
pub fn check_records<R: Record>(records: &[R]) -> Result<()> {
    check_len("records", records.len())?;
    records.iter().try_for_each(Record::validate)
}

/// Checks the number of ids in a call.
///
/// # Errors
///
/// [`Error::InvalidInput`](crate::Error::InvalidInput) for more than
/// [`MAX_PER_CALL`](crate::limits::MAX_PER_CALL) ids.
pub fn check_ids<R: Record>(ids: &[Id<R>]) -> Result<()> {
    check_len("ids", ids.len())
}
