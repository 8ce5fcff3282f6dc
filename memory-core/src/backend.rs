//! The parts of this crate that only authors of backends and wrappers need.
//!
//! A backend checks its input ([`check_records`], [`check_ids`],
//! [`WriteBatch::validate`](crate::WriteBatch::validate)), asks a query for its
//! position and order ([`Query::validate`](crate::Query::validate),
//! [`Position`]), and either translates the filter tree into its own language or
//! evaluates it over records in memory ([`select`], [`count`]). A storage in this
//! process keeps a [`WriteLedger`]. [`ByKind`] holds one value for each kind of
//! record. The crate `memory-conformance` tests the result.

use crate::error::Result;
use crate::limits::check_len;
use crate::{Id, Record};

pub use crate::fields::{FieldDef, FieldName, FieldType, FieldValue, Scalar};
pub use crate::ledger::{PendingWrite, WriteLedger};
pub use crate::query::{Path, Position, Predicate, count, select, validate_count};
pub use crate::record::{ByKind, PerKind};
pub use crate::write::Changes;

/// Checks records to store: their number
/// ([`MAX_PER_CALL`](crate::limits::MAX_PER_CALL)), and each record by itself.
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
/// [`Error::InvalidInput`](crate::Error::InvalidInput) with more than
/// [`MAX_PER_CALL`](crate::limits::MAX_PER_CALL).
pub fn check_ids<R: Record>(ids: &[Id<R>]) -> Result<()> {
    check_len("ids", ids.len())
}
