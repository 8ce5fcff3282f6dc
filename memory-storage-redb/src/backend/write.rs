//! Changes inside a write transaction.

use std::borrow::Cow;
use std::collections::BTreeSet;

use memory_core::{Episode, Heuristic, Pattern, Result};
use redb::{ReadableTable, Table, WriteTransaction};
use uuid::Uuid;

use super::encode::{Change, Changed, Changes};
use super::error;
use super::index::{Entries, Index, Indexes};
use super::keys;
use super::records::{self, Stored};

const OPERATION: &str = "write";

/// Applies several writes, one after another, and says of each how many of the
/// records to delete were there.
pub(super) fn apply(txn: &WriteTransaction, indexes: &Indexes, writes: &[&Changes]) -> Result<Vec<u64>> {
    let mut deleted = vec![0; writes.len()];
    apply_kind::<Episode>(txn, indexes, writes, &mut deleted)?;
    apply_kind::<Pattern>(txn, indexes, writes, &mut deleted)?;
    apply_kind::<Heuristic>(txn, indexes, writes, &mut deleted)?;
    Ok(deleted)
}

fn apply_kind<R: Changed>(
    txn: &WriteTransaction,
    indexes: &Indexes,
    writes: &[&Changes],
    deleted: &mut [u64],
) -> Result<()> {
    if writes.iter().all(|changes| R::of(changes).is_empty()) {
        return Ok(());
    }
    let mut tables = Tables::open::<R>(txn, indexes)?;
    for (changes, deleted) in writes.iter().zip(deleted) {
        // An index that was made after the write was encoded has entries, too.
        let current = *changes.indexes == *indexes;
        *deleted += tables.apply::<R>(indexes, R::of(changes), current)?;
    }
    Ok(())
}

type KeyTable<'t> = Table<'t, &'static [u8], ()>;

/// The tables of a kind in a write transaction.
pub(super) struct Tables<'t> {
    records: Table<'t, &'static [u8; 16], &'static [u8]>,
    indexes: Vec<KeyTable<'t>>,
}

/// A change to an index: a key, and whether the key is to exist.
type Step<'a> = (Cow<'a, [u8]>, bool);

impl<'t> Tables<'t> {
    /// Opens the tables, and creates those that are missing.
    pub(super) fn open<R: Stored>(txn: &'t WriteTransaction, indexes: &Indexes) -> Result<Self> {
        let records = txn.open_table(R::RECORDS).map_err(|error| error::table(OPERATION, &error))?;
        let open = |index: Index<'_>| {
            let name = index.name::<R>();
            txn.open_table(Entries::new(&name)).map_err(|error| error::table(OPERATION, &error))
        };
        Ok(Self { records, indexes: indexes.of::<R>().map(open).collect::<Result<_>>()? })
    }

    fn apply<R: Stored>(&mut self, indexes: &Indexes, changes: &[Change], current: bool) -> Result<u64> {
        let mut deleted = 0;
        let mut steps: Vec<Vec<Step<'_>>> = self.indexes.iter().map(|_| Vec::new()).collect();
        for Change { id, put } in changes {
            let entries = match put {
                None => Cow::Owned(Vec::new()),
                Some(put) if current => Cow::Borrowed(&put.entries),
                Some(put) => Cow::Owned(indexes.entries(&records::decode::<R>(*id, &put.bytes)?)),
            };
            let before = self.replace::<R>(indexes, *id, put.as_ref().map(|put| &put.bytes[..]))?;
            deleted += u64::from(put.is_none() && !matches!(before, Before::Nothing));
            let old = match before {
                Before::Nothing => Vec::new(),
                Before::Entries(old) => old,
                Before::Damaged => {
                    self.forget(*id)?;
                    Vec::new()
                }
            };
            for (place, key) in &old {
                if entries.binary_search_by(|(at, new)| (at, new).cmp(&(place, key))).is_err() {
                    steps[*place].push((Cow::Owned(key.clone()), false));
                }
            }
            let is_new = |entry: &(usize, Vec<u8>)| old.binary_search(entry).is_err();
            match entries {
                Cow::Borrowed(entries) => {
                    for entry in entries.iter().filter(|entry| is_new(entry)) {
                        steps[entry.0].push((Cow::Borrowed(&entry.1), true));
                    }
                }
                Cow::Owned(entries) => {
                    for entry in entries.into_iter().filter(is_new) {
                        steps[entry.0].push((Cow::Owned(entry.1), true));
                    }
                }
            }
        }
        // A key ends with its record's id, and no id is changed twice: the order
        // of the steps is free, and that of the keys touches each page once.
        for (table, mut steps) in self.indexes.iter_mut().zip(steps) {
            steps.sort_unstable();
            for (key, there) in steps {
                let done = if there { table.insert(&*key, ()).map(drop) } else { table.remove(&*key).map(drop) };
                done.map_err(|error| error::storage(OPERATION, &error))?;
            }
        }
        Ok(deleted)
    }

    /// Puts a record's bytes in place of what is there, or removes that.
    fn replace<R: Stored>(&mut self, indexes: &Indexes, id: Uuid, bytes: Option<&[u8]>) -> Result<Before> {
        let key = id.as_bytes();
        let before = match bytes {
            Some(bytes) => self.records.insert(key, bytes),
            None => self.records.remove(key),
        };
        let before = before.map_err(|error| error::storage(OPERATION, &error))?;
        Ok(match before.map(|old| records::decode::<R>(id, old.value())) {
            None => Before::Nothing,
            Some(Ok(record)) => Before::Entries(indexes.entries(&record)),
            Some(Err(_)) => Before::Damaged,
        })
    }

    /// Removes the entries of a record that cannot be read, and so does not say
    /// where they are.
    fn forget(&mut self, id: Uuid) -> Result<()> {
        let failed = |error| error::storage(OPERATION, &error);
        for table in &mut self.indexes {
            let mut keys = Vec::new();
            for item in table.iter().map_err(failed)? {
                let (key, _) = item.map_err(failed)?;
                if keys::split(key.value()).is_some_and(|(_, stamp)| stamp.1 == id) {
                    keys.push(key.value().to_vec());
                }
            }
            for key in keys {
                table.remove(&key[..]).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// Makes the entries of all records in one index, at its place among
    /// [`Indexes::of`].
    pub(super) fn fill<R: Stored>(&mut self, indexes: &Indexes, place: usize) -> Result<()> {
        let failed = |error| error::storage("create an index", &error);
        for item in self.records.iter().map_err(failed)? {
            let (id, bytes) = item.map_err(failed)?;
            let record = records::decode::<R>(Uuid::from_bytes(*id.value()), bytes.value())?;
            for (at, key) in indexes.entries(&record) {
                if at == place {
                    self.indexes[place].insert(&key[..], ()).map_err(failed)?;
                }
            }
        }
        Ok(())
    }
}

/// The former content of a record's place.
enum Before {
    Nothing,
    Entries(Vec<(usize, Vec<u8>)>),
    Damaged,
}

/// Creates the tables of all kinds, and fills the indexes on these metadata keys.
pub(super) fn create(txn: &WriteTransaction, indexes: &Indexes, new: &BTreeSet<&str>) -> Result<()> {
    create_kind::<Episode>(txn, indexes, new)?;
    create_kind::<Pattern>(txn, indexes, new)?;
    create_kind::<Heuristic>(txn, indexes, new)
}

fn create_kind<R: Stored>(txn: &WriteTransaction, indexes: &Indexes, new: &BTreeSet<&str>) -> Result<()> {
    let mut tables = Tables::open::<R>(txn, indexes)?;
    for (place, index) in indexes.of::<R>().enumerate() {
        if let Index::Metadata(key) = index
            && new.contains(key.as_str())
        {
            tables.fill::<R>(indexes, place)?;
        }
    }
    Ok(())
}
