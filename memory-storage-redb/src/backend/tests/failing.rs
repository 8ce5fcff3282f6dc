//! Disks that are full, fail, or panic.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use memory_core::{Error, MemoryStorage, Store, WriteBatch};

use super::disk::Disk;
use super::{episode, id, open};

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls a future once, which must not be done by then.
async fn begin<T>(mut future: Pending<'_, T>) -> Pending<'_, T> {
    let waits = poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await;
    assert!(waits, "it waits for nothing");
    future
}

#[tokio::test]
async fn on_a_full_disk_writes_fail_what_is_there_is_read_and_writes_go_on_once_there_is_room() {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    storage.put(&[episode(0, 100)]).await.unwrap();
    disk.set_full(true);
    for number in 1..4 {
        let error = storage.put(&[episode(number, 3 << 20)]).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("the disk is full"), "{error}");
        let found = storage.get(&[id(0), id(number)]).await.unwrap();
        assert_eq!(found[0].as_deref(), Some(&episode(0, 100)));
        assert_eq!(found[1], None);
    }
    disk.set_full(false);
    storage.put(&[episode(1, 3 << 20)]).await.unwrap();
    assert_eq!(storage.get(&[id(1)]).await.unwrap()[0].as_deref(), Some(&episode(1, 3 << 20)));
    let report = storage.check().await.unwrap();
    assert!(report.is_sound() && report.records == 2, "{report:?}");
}

#[tokio::test]
async fn on_a_read_only_disk_opening_and_writes_are_refused_and_nothing_is_lost() {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    storage.put(&[episode(0, 100)]).await.unwrap();
    let refused = |error: &Error| {
        let text = error.to_string();
        assert!(matches!(error, Error::Unsupported { .. }) && text.contains("cannot be written"), "{error}");
    };
    disk.set_read_only(true);
    // Whether it was written shows once the database can be opened again.
    let error = storage.put(&[episode(1, 100)]).await.unwrap_err();
    assert!(matches!(error, Error::Indeterminate { .. }) && error.to_string().contains("cannot be written"), "{error}");
    // The database cannot be opened again before changes are taken.
    refused(&storage.get(&[id(0)]).await.unwrap_err());
    disk.set_read_only(false);
    let found = storage.get(&[id(0), id(1)]).await.unwrap();
    assert_eq!((found[0].as_deref(), &found[1]), (Some(&episode(0, 100)), &None));
    storage.put(&[episode(1, 100)]).await.unwrap();
    storage.close().await.unwrap();

    let before = disk.content().clone();
    disk.set_read_only(true);
    refused(&open(&disk).await.unwrap_err());
    assert!(*disk.content() == before);
    disk.set_read_only(false);
    let storage = open(&disk).await.unwrap();
    let report = storage.check().await.unwrap();
    assert!(report.is_sound() && report.records == 2, "{report:?}");
}

/// A write that the disk has no room for fails alone.
#[tokio::test]
async fn a_write_that_does_not_fit_takes_no_other_along() {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    // Room inside the file, for what is small.
    storage.put(&(0..200).map(|number| episode(number, 1_000)).collect::<Vec<_>>()).await.unwrap();
    storage.delete(&(0..200).map(id).collect::<Vec<_>>()).await.unwrap();
    storage.put(&[episode(200, 10)]).await.unwrap();
    let before = disk.syncs();
    disk.hold_syncs(true);
    let (first, large, small) = ([episode(1, 10)], [episode(2, 3 << 20)], [episode(3, 10)]);
    let first = begin(storage.put(&first)).await;
    while disk.syncs() == before {
        tokio::task::yield_now().await;
    }
    let large = begin(storage.put(&large)).await;
    let small = begin(storage.put(&small)).await;
    disk.set_full(true);
    disk.hold_syncs(false);
    first.await.unwrap();
    assert!(matches!(large.await, Err(Error::Unavailable { .. })));
    small.await.unwrap();
    let found = storage.get(&[1, 2, 3].map(id)).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test]
async fn a_commit_that_the_disk_does_not_confirm_is_indeterminate_and_over() {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    storage.put(&[episode(0, 100)]).await.unwrap();
    disk.fail_syncs(true);
    let mut batch = WriteBatch::new();
    batch.put(episode(1, 100)).delete(id(0));
    let error = storage.commit(&batch).await.unwrap_err();
    assert!(matches!(error, Error::Indeterminate { write, .. } if write == batch.id()), "{error}");
    disk.fail_syncs(false);
    storage.settle(&[batch.id()]).await.unwrap();
    // Over it is: committed again, it is known, or refused.
    match storage.commit(&batch).await {
        Ok(written) => assert!(written.already && written.deleted == 1, "{written:?}"),
        Err(error) => assert!(matches!(error, Error::Fenced { .. }), "{error}"),
    }
    let found = storage.get(&[id(0), id(1)]).await.unwrap();
    assert_ne!(found[0].is_some(), found[1].is_some(), "all of it or nothing: {found:?}");
    storage.put(&[episode(2, 100)]).await.unwrap();
    assert!(storage.check().await.unwrap().is_sound());
}

/// Writes that arrive while a transaction waits for the disk become one transaction.
#[tokio::test]
async fn writes_that_wait_share_a_transaction() {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    let before = disk.syncs();
    storage.put(&[episode(0, 100)]).await.unwrap();
    let one = disk.syncs() - before;
    disk.hold_syncs(true);
    let before = disk.syncs();
    let records: Vec<_> = (1..65).map(|number| [episode(number, 100)]).collect();
    let mut writes = vec![begin(storage.put(&records[0])).await];
    while disk.syncs() == before {
        tokio::task::yield_now().await;
    }
    for record in &records[1..] {
        writes.push(begin(storage.put(record)).await);
    }
    disk.hold_syncs(false);
    for write in writes {
        write.await.unwrap();
    }
    // The first of them alone, then all others together.
    assert!(disk.syncs() - before <= 2 * one, "{} syncs, where one write takes {one}", disk.syncs() - before);
    let found = storage.get(&(0..65).map(id).collect::<Vec<_>>()).await.unwrap();
    assert!(found.iter().all(Option::is_some));
}

#[tokio::test]
async fn a_panic_below_is_an_error_and_nothing_more() {
    let disk = Disk::new(Vec::new());
    open(&disk).await.unwrap().close().await.unwrap();
    disk.panic_in_reads(true);
    let error = open(&disk).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { .. }) && error.to_string().contains("panicked"), "{error}");
    disk.panic_in_reads(false);
    let storage = open(&disk).await.unwrap();
    // More than the cache holds, so that the disk is read.
    storage.put(&(0..3_000).map(|number| episode(number, 1_000)).collect::<Vec<_>>()).await.unwrap();
    disk.panic_in_reads(true);
    let ids: Vec<_> = (0..3_000).map(id).collect();
    let error = storage.get(&ids).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { .. }), "{error}");
    disk.panic_in_reads(false);
    storage.put(&[episode(0, 10)]).await.unwrap();
    assert_eq!(storage.get(&[id(0)]).await.unwrap()[0].as_deref(), Some(&episode(0, 10)));
}

/// Fences hold inside a group, too: a write that an earlier one of the queue
/// fences off does not take effect, and a batch that waits twice does once.
#[tokio::test]
async fn fences_and_repeats_in_one_queue_are_decided_in_order() {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    storage.put(&[episode(9, 100)]).await.unwrap();
    let before = disk.syncs();
    disk.hold_syncs(true);
    let blocker = [episode(0, 100)];
    let blocker = begin(storage.put(&blocker)).await;
    while disk.syncs() == before {
        tokio::task::yield_now().await;
    }
    let (mut fenced, mut fencing, mut twice) = (WriteBatch::new(), WriteBatch::new(), WriteBatch::new());
    fenced.put(episode(1, 100));
    fencing.put(episode(2, 100)).fence(fenced.id());
    twice.delete(id(9));
    let waiting = [
        begin(storage.commit(&fencing)).await,
        begin(storage.commit(&fenced)).await,
        begin(storage.commit(&twice)).await,
        begin(storage.commit(&twice)).await,
    ];
    disk.hold_syncs(false);
    blocker.await.unwrap();
    let mut results = Vec::new();
    for write in waiting {
        results.push(write.await);
    }
    assert!(results[0].is_ok());
    assert!(matches!(results[1], Err(Error::Fenced { write, .. }) if write == fenced.id()), "{results:?}");
    let twice: Vec<_> =
        results[2..].iter().map(|result| result.as_ref().map(|w| (w.deleted, w.already)).unwrap()).collect();
    assert_eq!(twice, [(1, false), (1, true)]);
    assert_eq!(storage.get(&[id(1)]).await.unwrap(), [None]);
}
