//! Opening again after a failure of the disk, and repairs.

use std::cell::Cell;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use memory_core::{Error, Store};
use redb::Builder;

use super::disk::{Disk, Injected};
use super::{RedbStorage, episode, id, open};

fn assert_replaced(error: &Error) {
    let text = error.to_string();
    assert!(matches!(error, Error::Unavailable { .. }) && text.contains("deleted or replaced"), "{error}");
}

/// A file that was deleted, renamed or replaced is not made anew, and no other
/// one is used in its place.
#[tokio::test]
async fn a_file_that_is_gone_or_another_one_is_not_opened_after_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (path, aside) = (folder.path().join("memory.redb"), folder.path().join("aside.redb"));
    let storage = RedbStorage::open(&path).await.unwrap();
    storage.put(&[episode(0, 100)]).await.unwrap();

    fs::rename(&path, &aside).unwrap();
    assert_replaced(&storage.shared.reopen().unwrap_err());
    assert_replaced(&storage.get(&[id(0)]).await.unwrap_err());
    assert_replaced(&storage.put(&[episode(1, 100)]).await.unwrap_err());
    assert!(!path.exists(), "a new file was made");

    // Another database of this library's, sound, but not the one that was open.
    #[cfg(unix)]
    {
        RedbStorage::open(&path).await.unwrap().close().await.unwrap();
        let before = fs::read(&path).unwrap();
        assert_replaced(&storage.get(&[id(0)]).await.unwrap_err());
        assert_replaced(&storage.put(&[episode(1, 100)]).await.unwrap_err());
        assert!(fs::read(&path).unwrap() == before, "the other file was changed");
        fs::remove_file(&path).unwrap();
    }

    fs::rename(&aside, &path).unwrap();
    let found = storage.get(&[id(0), id(1)]).await.unwrap();
    assert_eq!((found[0].as_deref(), &found[1]), (Some(&episode(0, 100)), &None));
    storage.put(&[episode(1, 100)]).await.unwrap();
    storage.shared.reopen().unwrap();
    assert!(storage.get(&[id(1)]).await.unwrap()[0].is_some());

    fs::remove_file(&path).unwrap();
    assert_replaced(&storage.shared.reopen().unwrap_err());
    assert_replaced(&storage.get(&[id(0)]).await.unwrap_err());
    assert!(!path.exists(), "a new file was made");
}

/// A storage of the caller's own that has lost its content is not taken for an
/// empty database.
#[tokio::test]
async fn a_disk_that_is_empty_after_a_failure_is_refused() {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    storage.put(&[episode(0, 100)]).await.unwrap();
    disk.set_read_only(true);
    storage.put(&[episode(1, 100)]).await.unwrap_err();
    disk.content().clear();
    disk.set_read_only(false);
    assert_replaced(&storage.get(&[id(0)]).await.unwrap_err());
    assert_replaced(&storage.put(&[episode(1, 100)]).await.unwrap_err());
}

/// The path as seen from the working directory.
fn relative(path: &Path) -> PathBuf {
    let up = std::env::current_dir().unwrap().components().filter(|part| matches!(part, Component::Normal(_))).count();
    let down = path.components().filter(|part| matches!(part, Component::Normal(_)));
    std::iter::repeat_n(Component::ParentDir, up).chain(down).collect()
}

#[cfg(unix)]
#[tokio::test]
async fn a_relative_path_is_resolved_when_the_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = relative(&folder.path().join("memory.redb"));
    assert!(path.is_relative());
    let storage = RedbStorage::open(&path).await.unwrap();
    assert!(folder.path().join("memory.redb").exists());
    let absolute = std::env::current_dir().unwrap().join(&path);
    assert!(format!("{storage:?}").contains(absolute.to_str().unwrap()), "{storage:?}");
    let error = RedbStorage::open("").await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }) && error.to_string().contains("path"), "{error}");
}

/// Returns whether a process killed now would leave a file in need of a repair.
fn needs_repair(disk: &Disk) -> bool {
    let copy = Disk::new(disk.content().clone());
    let repaired = Rc::new(Cell::new(false));
    let called = Rc::clone(&repaired);
    let mut builder = Builder::new();
    builder.set_repair_callback(move |_| called.set(true));
    builder.create_with_backend(Injected(copy)).unwrap();
    repaired.get()
}

/// Fills a disk and deletes most of it, so that compacting has work to do.
async fn sparse() -> (Arc<Disk>, RedbStorage) {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    storage.put(&(0..400).map(|number| episode(number, 1_000)).collect::<Vec<_>>()).await.unwrap();
    storage.delete(&(0..390).map(id).collect::<Vec<_>>()).await.unwrap();
    (disk, storage)
}

#[tokio::test]
async fn a_compacted_file_needs_no_repair() {
    let (disk, storage) = sparse().await;
    assert!(!needs_repair(&disk));
    let before = disk.content().len();
    assert!(storage.compact().await.unwrap());
    assert!(disk.content().len() < before);
    assert!(!needs_repair(&disk));
    assert_eq!(storage.get(&[id(399)]).await.unwrap()[0].as_deref(), Some(&episode(399, 1_000)));
    // As little as there is left to do, and as often as it is asked for.
    storage.compact().await.unwrap();
    let least = disk.content().len();
    storage.compact().await.unwrap();
    assert!(disk.content().len() <= least && !needs_repair(&disk));
}

#[tokio::test]
async fn a_file_that_was_checked_or_opened_again_needs_no_repair() {
    let (disk, storage) = sparse().await;
    assert!(storage.check().await.unwrap().is_sound());
    assert!(!needs_repair(&disk));
    storage.shared.reopen().unwrap();
    assert!(!needs_repair(&disk));
    // Not so where the disk has no room, which is no damage.
    disk.set_full(true);
    assert!(storage.check().await.unwrap().is_sound());
    disk.set_full(false);
    storage.put(&[episode(1, 10)]).await.unwrap();
    assert!(storage.check().await.unwrap().is_sound());
    assert!(!needs_repair(&disk));
}

/// Whichever sync of a compaction fails.
#[tokio::test]
async fn a_file_needs_no_repair_after_a_compaction_that_failed() {
    let (disk, storage) = sparse().await;
    let before = disk.syncs();
    storage.compact().await.unwrap();
    let syncs = disk.syncs() - before;
    assert!(syncs > 2);
    for failing in 0..syncs {
        let (disk, storage) = sparse().await;
        disk.fail_one_sync_after(failing);
        storage.compact().await.unwrap_err();
        assert!(!needs_repair(&disk), "after sync {failing} of {syncs} failed");
        let found = storage.get(&[id(0), id(399)]).await.unwrap();
        assert_eq!((&found[0], found[1].as_deref()), (&None, Some(&episode(399, 1_000))));
        storage.put(&[episode(1, 10)]).await.unwrap();
        assert!(storage.check().await.unwrap().is_sound());
    }
}
