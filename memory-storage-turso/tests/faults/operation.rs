//! The operations, and what each does when it works.

use memory_core::field::domain;
use memory_core::{
    Episode, EpisodeId, MemoryStorage, Pattern, PatternId, Query, Record, Result, Store, WriteBatch, WriteId,
};
use memory_storage_turso::{TursoBuilder, TursoStorage};
use uuid::Uuid;

use crate::world::{episode, heuristic, pattern};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    PutOne,
    PutMany,
    Delete,
    Commit,
    GetOne,
    GetMany,
    Query,
    Count,
    CountBy,
    Explain,
    Settle,
    Health,
    EnsureIndex,
    InitializeSchema,
    Connect,
    Open,
}

impl Operation {
    pub(crate) const ALL: [Self; 16] = [
        Self::PutOne,
        Self::PutMany,
        Self::Delete,
        Self::Commit,
        Self::GetOne,
        Self::GetMany,
        Self::Query,
        Self::Count,
        Self::CountBy,
        Self::Explain,
        Self::Settle,
        Self::Health,
        Self::EnsureIndex,
        Self::InitializeSchema,
        Self::Connect,
        Self::Open,
    ];

    /// Whether it is one of the few that show what befalls all of them.
    pub(crate) fn stands_for_all(self) -> bool {
        matches!(self, Self::PutOne | Self::Commit | Self::GetMany | Self::Open)
    }

    /// Whether its outcome can be in doubt. What creates or fences something
    /// is done over without a difference.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::PutOne | Self::PutMany | Self::Delete | Self::Commit)
    }
}

/// One call of an operation, and the records it is about.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    domain: String,
    /// Five that are there, of version 1.
    existing: Vec<Episode>,
    /// So many that several statements store them.
    many: Vec<Pattern>,
    batch: WriteBatch,
    /// What it does to which record.
    pub(crate) effects: Vec<(Uuid, &'static str)>,
}

/// How the storage is opened.
pub(crate) struct Opening {
    pub(crate) builder: TursoBuilder,
    pub(crate) url: String,
}

impl Call {
    /// Stores, around the proxy, what the call needs.
    pub(crate) async fn prepare(operation: Operation, direct: &TursoStorage) -> Self {
        let domain = Uuid::new_v4().to_string();
        let existing: Vec<_> = (0..5).map(|_| episode(&domain, "1")).collect();
        direct.put(&existing).await.unwrap();
        let many: Vec<_> = (0..120).map(|_| pattern(&domain, "2")).collect();
        let mut batch = WriteBatch::new();
        let (new, newer) = (pattern(&domain, "2"), heuristic("2"));
        let ids: Vec<_> = existing.iter().map(|episode| episode.id.uuid()).collect();
        let effects = match operation {
            Operation::PutOne => vec![(ids[0], "2")],
            Operation::PutMany => many.iter().map(|pattern| (pattern.id.uuid(), "2")).collect(),
            Operation::Delete => ids[..3].iter().map(|id| (*id, "deleted")).collect(),
            Operation::Commit => {
                vec![
                    (ids[0], "2"),
                    (new.id.uuid(), "2"),
                    (newer.id.uuid(), "2"),
                    (ids[1], "deleted"),
                    (ids[2], "deleted"),
                ]
            }
            _ => Vec::new(),
        };
        batch.put(version(&existing[0], "2")).put(new).put(newer);
        batch.delete(existing[1].id).delete(existing[2].id).delete(PatternId::new());
        Self { operation, domain, existing, many, batch, effects }
    }

    /// Makes the call. `Err` within is an answer that is wrong.
    pub(crate) async fn run(&self, storage: &TursoStorage, opening: Opening) -> Result<Result<(), String>> {
        let ids: Vec<_> = self.existing.iter().map(Record::id).collect();
        let filter = || domain::<Episode>().eq(self.domain.clone());
        let query = Query::<Episode>::new().filter(filter());
        let right = match self.operation {
            Operation::PutOne => {
                storage.put(&[version(&self.existing[0], "2")]).await?;
                true
            }
            Operation::PutMany => {
                storage.put(&self.many).await?;
                true
            }
            Operation::Delete => {
                let missing = EpisodeId::new();
                storage.delete(&[ids[0], ids[1], missing, ids[2]]).await? == 3
            }
            Operation::Commit => storage.commit(&self.batch).await?.deleted == 2,
            Operation::GetOne => storage.get(&ids[..1]).await?[0].as_deref() == Some(&self.existing[0]),
            Operation::GetMany => {
                let found = storage.get(&ids).await?;
                found.iter().zip(&self.existing).all(|(found, stored)| found.as_deref() == Some(stored))
            }
            Operation::Query => storage.query(&query).await?.records.len() == 5,
            Operation::Count => storage.count(&filter(), None).await?.total == 5,
            Operation::CountBy => storage.count(&filter(), Some(domain::<Episode>())).await?.total == 5,
            Operation::Explain => !storage.explain(&query).await?.detail.is_empty(),
            Operation::Settle => {
                storage.settle(&[WriteId::new()]).await?;
                true
            }
            Operation::Health => storage.health().await?.schema_version == Some(1),
            Operation::EnsureIndex => {
                storage.ensure_metadata_index("session").await?;
                true
            }
            Operation::InitializeSchema => {
                storage.initialize_schema().await?;
                true
            }
            Operation::Connect => {
                storage.connect().await?;
                true
            }
            Operation::Open => {
                opening.builder.remote(opening.url, "").await?;
                true
            }
        };
        Ok(if right { Ok(()) } else { Err(format!("the answer to {:?} is wrong", self.operation)) })
    }

    /// Stores version 9 of the first record that the call changes, and says which.
    pub(crate) async fn overwrite(&self, storage: &TursoStorage) -> Result<Uuid> {
        if self.operation == Operation::PutMany {
            let mut newer = self.many[0].clone();
            newer.metadata.insert("version", "9");
            storage.put(std::slice::from_ref(&newer)).await?;
            return Ok(newer.id.uuid());
        }
        let newer = version(&self.existing[0], "9");
        storage.put(std::slice::from_ref(&newer)).await?;
        Ok(newer.id.uuid())
    }

    /// Reads a record that no call changes.
    pub(crate) async fn read_another(&self, storage: &TursoStorage) -> Result<bool> {
        let stored = &self.existing[4];
        Ok(storage.get(&[stored.id]).await?[0].as_deref() == Some(stored))
    }
}

fn version(episode: &Episode, version: &str) -> Episode {
    let mut newer = episode.clone();
    newer.metadata.insert("version", version);
    newer
}
