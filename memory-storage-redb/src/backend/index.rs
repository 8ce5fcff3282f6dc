//! The indexes of each kind, and a record's entries in them.

use std::collections::BTreeSet;

use memory_core::backend::{FieldName, FieldValue, IndexedKey, Path};
use redb::TableDefinition;

use super::keys;
use super::records::Stored;

/// An index's entries: keys as [`keys`] makes them, and nothing else.
pub(super) type Entries<'a> = TableDefinition<'a, &'static [u8], ()>;

/// One index of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index<'a> {
    /// All records, by time.
    Time,
    /// A field of the record's own.
    Own(FieldName),
    /// A declared metadata key.
    Metadata(&'a IndexedKey),
}

impl Index<'_> {
    /// The name of its table.
    pub(super) fn name<R: Stored>(&self) -> String {
        let name = R::NAME;
        match self {
            Self::Time => format!("{name}_by_time"),
            Self::Own(field) => format!("{name}_by_{field}"),
            Self::Metadata(key) => format!("{name}_metadata_{}", key.as_str()),
        }
    }

    /// The bytes of the values that a record has here, without repeats.
    fn values<R: Stored>(&self, record: &R) -> Vec<Vec<u8>> {
        let value = match self {
            Self::Time => return vec![Vec::new()],
            Self::Own(field) => record.field(*field),
            Self::Metadata(key) => {
                return match record.metadata().get(key.as_str()).map(FieldValue::from) {
                    None | Some(FieldValue::Missing) => Vec::new(),
                    Some(FieldValue::Scalar(scalar)) => vec![keys::value(&scalar)],
                    Some(FieldValue::List(_) | FieldValue::Object) => vec![keys::other()],
                };
            }
        };
        match value {
            FieldValue::Missing | FieldValue::Object => Vec::new(),
            FieldValue::Scalar(scalar) => vec![keys::value(&scalar)],
            FieldValue::List(items) => items.iter().map(keys::value).collect::<BTreeSet<_>>().into_iter().collect(),
        }
    }
}

/// The metadata keys that have an index, the same for all kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes {
    keys: BTreeSet<IndexedKey>,
}

impl Indexes {
    pub(super) fn new(keys: impl IntoIterator<Item = IndexedKey>) -> Self {
        Self { keys: keys.into_iter().collect() }
    }

    pub(super) fn with(&self, key: IndexedKey) -> Self {
        let mut keys = self.keys.clone();
        keys.insert(key);
        Self { keys }
    }

    pub(super) fn contains(&self, key: &IndexedKey) -> bool {
        self.keys.contains(key)
    }

    /// All indexes of a kind, in a fixed order.
    pub(super) fn of<R: Stored>(&self) -> impl Iterator<Item = Index<'_>> {
        let own = R::INDEXED.iter().map(|field| Index::Own(*field));
        std::iter::once(Index::Time).chain(own).chain(self.keys.iter().map(Index::Metadata))
    }

    /// The index on a field, where there is one, and its place among
    /// [`Self::of`].
    pub(super) fn on<R: Stored>(&self, path: &Path) -> Option<(usize, Index<'_>)> {
        self.of::<R>().enumerate().find(|(_, index)| match (index, path) {
            (Index::Own(field), Path::Own(name)) => field == name,
            (Index::Metadata(key), Path::Metadata(path)) => matches!(&path[..], [only] if *only == key.as_str()),
            _ => false,
        })
    }

    /// A record's entries: the place of the index among [`Self::of`], and the
    /// key. In order, without repeats.
    pub(super) fn entries<R: Stored>(&self, record: &R) -> Vec<(usize, Vec<u8>)> {
        let stamp = (record.micros(), record.id().uuid());
        let mut entries = Vec::with_capacity(1 + R::INDEXED.len() + self.keys.len());
        for (place, index) in self.of::<R>().enumerate() {
            for mut key in index.values(record) {
                keys::push_stamp(&mut key, stamp);
                entries.push((place, key));
            }
        }
        entries
    }
}
