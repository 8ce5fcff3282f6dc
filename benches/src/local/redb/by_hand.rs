//! redb by hand, with the records' encoding and the index tables of `RedbStorage`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use memory_core::{Episode, EpisodeId, codec};
use redb::{
    Builder, Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};

type Records = TableDefinition<'static, &'static [u8; 16], &'static [u8]>;
type Index = TableDefinition<'static, &'static [u8], ()>;

const EPISODES: Records = TableDefinition::new("episodes");
const BY_TIME: Index = TableDefinition::new("episodes_by_time");
const BY_TAG: Index = TableDefinition::new("episodes_by_tags");
const BY_DOMAIN: Index = TableDefinition::new("episodes_by_domain");
const BY_TASK_TYPE: Index = TableDefinition::new("episodes_by_task_type");
const BY_SESSION: Index = TableDefinition::new("episodes_metadata_session");

/// The values that an episode has in an index.
type Values = fn(&Episode) -> Vec<&str>;

/// Each index with its values.
const INDEXES: [(Index, Values); 5] = [
    (BY_TIME, |_| vec![""]),
    (BY_TAG, |episode| episode.context.tags.iter().map(String::as_str).collect()),
    (BY_DOMAIN, |episode| vec![&episode.context.domain]),
    (BY_TASK_TYPE, |episode| vec![episode.task_type.name()]),
    (BY_SESSION, |episode| metadata(episode, "session").into_iter().collect()),
];

/// `RedbStorage`'s default for its cache.
const CACHE: usize = 128 << 20;
/// The length of time and id, which end each key.
const STAMP: usize = 8 + 16;

pub(super) fn metadata<'a>(episode: &'a Episode, key: &str) -> Option<&'a str> {
    episode.metadata.get(key).and_then(|value| value.as_str())
}

/// A database, and how it is written to.
pub(super) struct RawRedb {
    database: Database,
    quick_repair: bool,
}

/// The records whose keys begin with the bytes of a value: the value and a NUL,
/// then time and id.
pub(super) struct Walk(Index, Vec<u8>);

impl Walk {
    pub(super) const fn newest() -> Self {
        Self(BY_TIME, Vec::new())
    }

    pub(super) fn domain(domain: &str) -> Self {
        Self(BY_DOMAIN, prefix(domain))
    }

    pub(super) fn session(session: &str) -> Self {
        Self(BY_SESSION, prefix(session))
    }
}

fn prefix(value: &str) -> Vec<u8> {
    [value.as_bytes(), &[0]].concat()
}

/// The value's bytes and a NUL, unless it is empty, then time and id.
fn key(value: &str, episode: &Episode) -> Vec<u8> {
    let mut key = if value.is_empty() { Vec::new() } else { prefix(value) };
    key.extend((episode.start_time.as_micros().cast_unsigned() ^ (1 << 63)).to_be_bytes());
    key.extend(episode.id.uuid().as_bytes());
    key
}

impl RawRedb {
    pub(super) fn open(path: &Path, quick_repair: bool) -> Result<Self> {
        let database = Builder::new().set_cache_size(CACHE).create(path)?;
        let raw = Self { database, quick_repair };
        let txn = raw.begin()?;
        txn.open_table(EPISODES)?;
        for (index, _) in INDEXES {
            txn.open_table(index)?;
        }
        txn.commit()?;
        Ok(raw)
    }

    fn begin(&self) -> Result<WriteTransaction> {
        let mut txn = self.database.begin_write()?;
        txn.set_quick_repair(self.quick_repair);
        Ok(txn)
    }

    /// Inserts episodes that are not there yet, in one transaction.
    pub(super) fn store(&self, episodes: &[Episode]) -> Result<()> {
        let txn = self.begin()?;
        {
            let mut table = txn.open_table(EPISODES)?;
            for episode in episodes {
                table.insert(episode.id.uuid().as_bytes(), &codec::encode(episode)?[..])?;
            }
            for (index, values) in INDEXES {
                let mut table = txn.open_table(index)?;
                let keys = |episode| values(episode).into_iter().map(move |value| key(value, episode));
                let mut keys: Vec<_> = episodes.iter().flat_map(keys).collect();
                keys.sort_unstable();
                for key in keys {
                    table.insert(&key[..], ())?;
                }
            }
        }
        Ok(txn.commit()?)
    }

    /// Deletes episodes in one transaction, and returns how many were there.
    pub(super) fn delete(&self, ids: &[EpisodeId]) -> Result<usize> {
        let txn = self.begin()?;
        let mut deleted = Vec::new();
        {
            let mut table = txn.open_table(EPISODES)?;
            for id in ids {
                if let Some(bytes) = table.remove(id.uuid().as_bytes())? {
                    deleted.push(codec::decode::<Episode>(bytes.value())?);
                }
            }
            for (index, values) in INDEXES {
                let mut table = txn.open_table(index)?;
                for episode in &deleted {
                    for value in values(episode) {
                        table.remove(&key(value, episode)[..])?;
                    }
                }
            }
        }
        txn.commit()?;
        Ok(deleted.len())
    }

    pub(super) fn get(&self, ids: &[EpisodeId]) -> Result<Vec<Option<Episode>>> {
        let table = self.database.begin_read()?.open_table(EPISODES)?;
        ids.iter().map(|id| read(&table, id.uuid().as_bytes())).collect()
    }

    /// The newest episodes of a walk.
    pub(super) fn page(&self, walk: &Walk, limit: usize) -> Result<Vec<Episode>> {
        self.walk(walk, limit, |_| true)
    }

    /// The newest episodes of all whose metadata say so, by a walk over all.
    pub(super) fn scan(&self, key: &str, value: &str, limit: usize) -> Result<Vec<Episode>> {
        self.walk(&Walk::newest(), limit, |episode| metadata(episode, key) == Some(value))
    }

    fn walk(
        &self,
        Walk(index, prefix): &Walk,
        limit: usize,
        is_wanted: impl Fn(&Episode) -> bool,
    ) -> Result<Vec<Episode>> {
        let txn = self.database.begin_read()?;
        let (table, index) = (txn.open_table(EPISODES)?, txn.open_table(*index)?);
        let end = [&prefix[..], &[0xff; STAMP + 1]].concat();
        let mut found = Vec::new();
        for item in index.range(&prefix[..]..&end[..])?.rev() {
            let (key, _) = item?;
            let id = key.value().last_chunk().context("an entry without an id")?;
            found.extend(read(&table, id)?.filter(&is_wanted));
            if found.len() == limit {
                break;
            }
        }
        Ok(found)
    }

    /// Counts the episodes of each domain, from the index alone.
    pub(super) fn domains(&self) -> Result<BTreeMap<String, u64>> {
        let txn: ReadTransaction = self.database.begin_read()?;
        let mut counts = BTreeMap::new();
        for item in txn.open_table(BY_DOMAIN)?.iter()? {
            let (key, _) = item?;
            let key = key.value();
            let domain = std::str::from_utf8(&key[..key.len() - STAMP - 1])?;
            match counts.get_mut(domain) {
                Some(count) => *count += 1,
                None => drop(counts.insert(domain.to_owned(), 1)),
            }
        }
        Ok(counts)
    }
}

fn read(table: &ReadOnlyTable<&'static [u8; 16], &'static [u8]>, id: &[u8; 16]) -> Result<Option<Episode>> {
    Ok(table.get(id)?.map(|bytes| codec::decode(bytes.value())).transpose()?)
}
