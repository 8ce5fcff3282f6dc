//! The schema: version and counters of a database.

use std::collections::BTreeSet;

use memory_core::backend::IndexedKey;
use memory_core::{Error, Result};
use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError, TableHandle,
    WriteTransaction,
};

use super::error;
use super::index::Indexes;
use super::write;

/// Numbers by name: `version` is the schema's, `commits` how many transactions
/// have written.
const NUMBERS: TableDefinition<'static, &'static str, u64> = TableDefinition::new("memory_schema");

/// The metadata keys that have an index.
const KEYS: TableDefinition<'static, &'static str, ()> = TableDefinition::new("memory_metadata_indexes");

/// The version of the schema that this code reads and writes: the tables, the
/// keys of the indexes, and which indexes there are.
pub(super) const VERSION: u32 = 1;

const OPEN: &str = "open the database";

/// Makes the schema where there is none, and the indexes that are missing.
/// Returns all indexes that there are.
pub(super) fn prepare(database: &Database, wanted: &BTreeSet<IndexedKey>) -> Result<Indexes> {
    let txn = database.begin_read().map_err(|error| error::transaction(OPEN, &error))?;
    let current = version(&txn)?.is_some();
    let found = if current {
        indexes(&txn)?
    } else {
        refuse_others(&txn)?;
        Indexes::default()
    };
    drop(txn);
    let missing: Vec<_> = wanted.iter().filter(|key| !found.contains(key)).cloned().collect();
    if current && missing.is_empty() {
        return Ok(found);
    }
    let txn = begin(database)?;
    let all = missing.iter().cloned().fold(found, |indexes, key| indexes.with(key));
    let new = missing.iter().map(IndexedKey::as_str).collect();
    write::create(&txn, &all, &new)?;
    {
        let mut numbers = txn.open_table(NUMBERS).map_err(|error| error::table(OPEN, &error))?;
        numbers.insert("version", u64::from(VERSION)).map_err(|error| error::storage(OPEN, &error))?;
        let mut keys = txn.open_table(KEYS).map_err(|error| error::table(OPEN, &error))?;
        for key in &new {
            keys.insert(*key, ()).map_err(|error| error::storage(OPEN, &error))?;
        }
    }
    txn.commit().map_err(|error| error::commit(OPEN, &error))?;
    Ok(all)
}

/// All indexes of a database that has a schema; `None` of one without.
pub(super) fn existing(database: &Database) -> Result<Option<Indexes>> {
    let txn = database.begin_read().map_err(|error| error::transaction(OPEN, &error))?;
    version(&txn)?.map(|_| indexes(&txn)).transpose()
}

/// Begins a write transaction, durable when it is committed, after which the
/// file opens without being repaired. Only so is damage to what was committed
/// last told from a commit that did not end.
pub(super) fn begin(database: &Database) -> Result<WriteTransaction> {
    let mut txn = database.begin_write().map_err(|error| error::transaction("write", &error))?;
    txn.set_quick_repair(true);
    Ok(txn)
}

/// The schema's version; `None` in a database without one.
pub(super) fn version(txn: &ReadTransaction) -> Result<Option<u32>> {
    match number(txn, "version")?.map(u32::try_from) {
        None => Ok(None),
        Some(Ok(version)) if version == VERSION => Ok(Some(version)),
        Some(Ok(version)) if version > VERSION => Err(Error::unsupported(
            OPEN,
            format!("its schema is of version {version}, and this library knows {VERSION}: use a newer library"),
        )),
        Some(_) => Err(Error::corrupt("the table memory_schema: its version is none")),
    }
}

/// Commits a transaction that changes nothing, after which the file opens without
/// being repaired. redb's compaction and its check leave it in need of that. The
/// transaction is not counted: the number may yet tell what became of a write.
pub(super) fn commit_nothing(database: &Database) -> Result<()> {
    let txn = begin(database)?;
    {
        // redb writes the page anew, though its content is the same.
        let mut numbers = txn.open_table(NUMBERS).map_err(|error| error::table("write", &error))?;
        numbers.insert("version", u64::from(VERSION)).map_err(|error| error::storage("write", &error))?;
    }
    txn.commit().map_err(|error| error::commit("write", &error))
}

/// Returns the number of transactions that have written.
pub(super) fn commits(txn: &ReadTransaction) -> Result<u64> {
    Ok(number(txn, "commits")?.unwrap_or(0))
}

/// Counts a transaction, and returns its number.
pub(super) fn count_commit(txn: &WriteTransaction) -> Result<u64> {
    let failed = |error| error::storage("write", &error);
    let mut numbers = txn.open_table(NUMBERS).map_err(|error| error::table("write", &error))?;
    let before = numbers.get("commits").map_err(failed)?.map_or(0, |number| number.value());
    numbers.insert("commits", before.wrapping_add(1)).map_err(failed)?;
    Ok(before.wrapping_add(1))
}

fn number(txn: &ReadTransaction, name: &str) -> Result<Option<u64>> {
    match txn.open_table(NUMBERS) {
        Ok(numbers) => {
            let found = numbers.get(name).map_err(|error| error::storage(OPEN, &error))?;
            Ok(found.map(|number| number.value()))
        }
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error::table(OPEN, &error)),
    }
}

fn indexes(txn: &ReadTransaction) -> Result<Indexes> {
    let keys = txn.open_table(KEYS).map_err(|error| error::table(OPEN, &error))?;
    let mut found = Vec::new();
    for item in keys.iter().map_err(|error| error::storage(OPEN, &error))? {
        let (key, ()) = item.map(|(key, unit)| (key, unit.value())).map_err(|error| error::storage(OPEN, &error))?;
        let key = IndexedKey::new(key.value());
        found.push(key.map_err(|_| Error::corrupt("the table memory_metadata_indexes: a key that cannot be indexed"))?);
    }
    Ok(Indexes::new(found))
}

/// Refuses a database that is somebody else's, before anything in it is changed.
fn refuse_others(txn: &ReadTransaction) -> Result<()> {
    let mut tables = txn.list_tables().map_err(|error| error::storage(OPEN, &error))?;
    match tables.next() {
        None => Ok(()),
        Some(table) => Err(Error::unsupported(
            OPEN,
            format!(
                "it has a table `{}` that is not this library's, and no `memory_schema`: use another file",
                table.name()
            ),
        )),
    }
}
