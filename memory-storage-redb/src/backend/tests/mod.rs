//! Tests that put a disk of their own under the database.

mod damage;
mod disk;
mod failing;
mod reopening;

use std::sync::Arc;

use memory_core::{Episode, EpisodeId, Result, TaskContext, TaskType, Timestamp};
use uuid::Uuid;

use disk::Disk;
pub(super) use disk::Injected;

use super::RedbStorage;
use super::builder::RedbBuilder;
use super::database::Place;

/// Opens the database on a disk.
async fn open(disk: &Arc<Disk>) -> Result<RedbStorage> {
    let disk = Arc::clone(disk);
    let place = Place::backend(move || Injected(Arc::clone(&disk)));
    let builder = RedbStorage::builder().cache_size(1 << 20).index_metadata("session");
    RedbStorage::start(builder.config(place)?).await
}

fn id(number: u32) -> EpisodeId {
    Uuid::from_u128(u128::from(number) + 1).into()
}

/// The episode of a number, with a text of so many bytes.
fn episode(number: u32, bytes: usize) -> Episode {
    let start = Timestamp::from_micros(1_700_000_000_000_000 + i64::from(number % 7)).unwrap();
    let context = TaskContext {
        tags: vec![format!("tag{}", number % 3)],
        ..TaskContext::new(["web", "cli"][number as usize % 2])
    };
    let mut episode = Episode::with_id(id(number), start, "x".repeat(bytes), context, TaskType::Testing);
    episode.metadata.insert("session", format!("s{}", number % 5));
    episode
}

#[test]
fn small_files_are_verified_when_they_are_opened_and_large_ones_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let verifies = |bytes: u64, asked: Option<bool>| {
        let path = folder.path().join(bytes.to_string());
        std::fs::File::create(&path).unwrap().set_len(bytes).unwrap();
        let builder = RedbStorage::builder();
        let builder = asked.into_iter().fold(builder, RedbBuilder::verify_on_open);
        builder.config(Place::File(path)).unwrap().verifies()
    };
    assert!(verifies(64 << 20, None) && !verifies((64 << 20) + 1, None));
    assert!(verifies(1 << 30, Some(true)) && !verifies(1, Some(false)));
}
