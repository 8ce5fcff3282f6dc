//! Looking for damage.

use std::collections::BTreeSet;

use memory_core::{Episode, Heuristic, Pattern, RecordRef, Result};
use redb::{ReadTransaction, ReadableDatabase, ReadableTable};
use uuid::Uuid;

use super::database::Shared;
use super::error::{self, guarded};
use super::index::{Entries, Index, Indexes};
use super::keys;
use super::records::{self, Stored};
use super::schema;

const OPERATION: &str = "check the database";

/// The most damage that is listed.
const MAX_LISTED: usize = 1_000;

/// The result of a check of the whole database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The number of readable records of all kinds.
    pub records: u64,
    /// The number of correct entries of all indexes.
    pub entries: u64,
    /// The damage that was found, at most a thousand items.
    pub damage: Vec<Damage>,
}

/// One thing that is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// The record, where it is one.
    pub record: Option<RecordRef>,
    /// A description of the damage.
    pub what: String,
}

impl CheckReport {
    /// Returns whether nothing is damaged.
    pub const fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }

    fn add(&mut self, record: Option<RecordRef>, what: impl Into<String>) {
        if self.damage.len() < MAX_LISTED {
            self.damage.push(Damage { record, what: what.into() });
        }
    }
}

/// Verifies every page, then every record against the indexes, then every entry
/// of the indexes against the records.
pub(super) fn check(shared: &Shared) -> CheckReport {
    let mut report = CheckReport::default();
    let pages = shared
        .alone(OPERATION, |database| database.check_integrity().map_err(|error| error::database(OPERATION, &error)));
    // A full disk is no damage. A damaged file is not written to.
    if pages.is_ok() && shared.write(OPERATION, schema::commit_nothing).is_err() {
        drop(shared.reopen());
    }
    match pages {
        Ok(true) => {}
        Ok(false) => report.add(None, "pages: what was in use did not add up, which is repaired"),
        Err(error) => {
            report.add(None, format!("pages: {error}"));
            drop(shared.reopen());
        }
    }
    let indexes = shared.indexes();
    let read = shared.write(OPERATION, |database| {
        let txn = database.begin_read().map_err(|error| error::transaction(OPERATION, &error))?;
        check_kind::<Episode>(&txn, &indexes, &mut report);
        check_kind::<Pattern>(&txn, &indexes, &mut report);
        check_kind::<Heuristic>(&txn, &indexes, &mut report);
        Ok(())
    });
    if let Err(error) = read {
        report.add(None, error.to_string());
    }
    report
}

fn check_kind<R: Stored>(txn: &ReadTransaction, indexes: &Indexes, report: &mut CheckReport) {
    let mut damaged = BTreeSet::new();
    let records = guarded(OPERATION, || check_records::<R>(txn, indexes, &mut damaged, report));
    let expected = records.unwrap_or_else(|error| {
        report.add(None, format!("{}: {error}", R::NAME));
        Vec::new()
    });
    for (place, index) in indexes.of::<R>().enumerate() {
        let expected = expected.get(place).copied();
        let checked =
            guarded(OPERATION, || check_entries::<R>(txn, indexes, (place, index), &damaged, expected, report));
        if let Err(error) = checked {
            report.add(None, format!("{}: {error}", index.name::<R>()));
        }
    }
}

/// Reads every record, and returns how many entries each index must have.
fn check_records<R: Stored>(
    txn: &ReadTransaction,
    indexes: &Indexes,
    damaged: &mut BTreeSet<Uuid>,
    report: &mut CheckReport,
) -> Result<Vec<u64>> {
    let failed = |error| error::storage(OPERATION, &error);
    let table = super::find::table::<R>(txn)?;
    let mut expected: Vec<_> = indexes.of::<R>().map(|_| 0).collect();
    for item in table.iter().map_err(failed)? {
        let (id, bytes) = item.map_err(failed)?;
        let id = Uuid::from_bytes(*id.value());
        match records::decode::<R>(id, bytes.value()) {
            Ok(record) => {
                report.records += 1;
                for (place, _) in indexes.entries(&record) {
                    expected[place] += 1;
                }
            }
            Err(error) => {
                damaged.insert(id);
                report.add(Some(RecordRef { kind: R::KIND, id }), error.to_string());
            }
        }
    }
    Ok(expected)
}

/// Compares every entry of an index with its record: with as many entries as
/// expected, all of them right, none is missing.
fn check_entries<R: Stored>(
    txn: &ReadTransaction,
    indexes: &Indexes,
    (place, index): (usize, Index<'_>),
    damaged: &BTreeSet<Uuid>,
    expected: Option<u64>,
    report: &mut CheckReport,
) -> Result<()> {
    let failed = |error| error::storage(OPERATION, &error);
    let name = index.name::<R>();
    let records = super::find::table::<R>(txn)?;
    let table = txn.open_table(Entries::new(&name)).map_err(|error| error::table(OPERATION, &error))?;
    let mut right = 0;
    for item in table.iter().map_err(failed)? {
        let (key, _) = item.map_err(failed)?;
        let Some((_, (_, id))) = keys::split(key.value()) else {
            report.add(None, format!("{name}: bytes that are no key"));
            continue;
        };
        if damaged.contains(&id) {
            continue;
        }
        let record = records::get::<R>(&records, id)?;
        let entry = (place, key.value().to_vec());
        if record.is_some_and(|(record, _)| indexes.entries(&record).binary_search(&entry).is_ok()) {
            right += 1;
        } else {
            report.add(Some(RecordRef { kind: R::KIND, id }), format!("{name}: an entry that is not of this record"));
        }
    }
    report.entries += right;
    if let Some(expected) = expected
        && expected != right
    {
        report.add(None, format!("{name}: {right} of the {expected} entries are there"));
    }
    Ok(())
}
