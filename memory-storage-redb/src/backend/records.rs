//! The tables of each kind.

use memory_core::backend::FieldName;
use memory_core::{Episode, Heuristic, Pattern, Record};
use redb::{ReadableTable, TableDefinition};
use uuid::Uuid;

use memory_core::{Error, RecordRef, Result, codec};

/// Records by id, in the envelope of [`codec`].
pub(super) type Records = TableDefinition<'static, &'static [u8; 16], &'static [u8]>;

/// A kind that has tables of its own.
pub(super) trait Stored: Record {
    /// The name of the records' table, and the beginning of its indexes'.
    const NAME: &'static str;

    /// The table of records.
    const RECORDS: Records = TableDefinition::new(Self::NAME);

    /// The fields that have an index, the most selective first.
    const INDEXED: &'static [FieldName];

    /// When the record is from, in microseconds since the epoch.
    fn micros(&self) -> i64;
}

impl Stored for Episode {
    const NAME: &'static str = "episodes";
    const INDEXED: &'static [FieldName] = &[FieldName::Tags, FieldName::Domain, FieldName::TaskType];

    fn micros(&self) -> i64 {
        self.start_time.as_micros()
    }
}

impl Stored for Pattern {
    const NAME: &'static str = "patterns";
    const INDEXED: &'static [FieldName] = &[FieldName::Tags, FieldName::Domain, FieldName::PatternType];

    fn micros(&self) -> i64 {
        self.created_at.as_micros()
    }
}

impl Stored for Heuristic {
    const NAME: &'static str = "heuristics";
    const INDEXED: &'static [FieldName] = &[];

    fn micros(&self) -> i64 {
        self.created_at.as_micros()
    }
}

/// The record in these bytes, which were under this id.
pub(super) fn decode<R: Stored>(id: Uuid, bytes: &[u8]) -> Result<R> {
    let about = |what: &str| format!("{}: {what}", RecordRef { kind: R::KIND, id });
    match codec::decode::<R>(bytes) {
        Ok(record) if record.id().uuid() == id => Ok(record),
        Ok(record) => Err(Error::corrupt(about(&format!("its place holds {}", record.id())))),
        Err(Error::Corrupt { what, .. }) => Err(Error::corrupt(about(&what))),
        Err(Error::Unsupported { reason, .. }) => Err(Error::unsupported(about("decode"), reason)),
        Err(other) => Err(other),
    }
}

/// The record of this id, and the length of its bytes.
pub(super) fn get<R: Stored>(
    table: &impl ReadableTable<&'static [u8; 16], &'static [u8]>,
    id: Uuid,
) -> Result<Option<(R, usize)>> {
    let found = table.get(id.as_bytes()).map_err(|error| super::error::storage("read a record", &error))?;
    let Some(bytes) = found else { return Ok(None) };
    let bytes = bytes.value();
    Ok(Some((decode(id, bytes)?, bytes.len())))
}
