//! Calls that are dropped before they end.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use memory_core::field::domain;
use memory_core::{Episode, Filter, MemoryStorage, Query, Store, WriteBatch, WriteId};
use memory_lab::{Fault, Late, Point, Script};
use memory_storage_turso::TursoStorage;
use tokio::time::timeout;
use uuid::Uuid;
use world::{GUARD, World, episode, heuristic, pattern};

/// Polls a future so many times at most, and drops it.
async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A batch of three kinds, with a record to overwrite and one to delete, and
/// what it does.
async fn batch(world: &World) -> (WriteBatch, Vec<(Uuid, &'static str)>) {
    let (overwritten, deleted) = (episode("web", "1"), episode("web", "1"));
    world.direct.put(&[overwritten.clone(), deleted.clone()]).await.unwrap();
    let (pattern, heuristic) = (pattern("web", "2"), heuristic("2"));
    let changes = vec![
        (overwritten.id.uuid(), "2"),
        (deleted.id.uuid(), "deleted"),
        (pattern.id.uuid(), "2"),
        (heuristic.id.uuid(), "2"),
    ];
    let mut batch = WriteBatch::new();
    let mut newer = overwritten;
    newer.metadata.insert("version", "2");
    batch.put(newer).put(pattern).put(heuristic).delete(deleted.id);
    (batch, changes)
}

/// Whether all of the changes were made, which must not be a part of them, nor
/// any twice.
async fn is_done(world: &World, changes: &[(Uuid, &str)]) -> bool {
    let ids: Vec<_> = changes.iter().map(|(id, _)| *id).collect();
    let accounts = world.accounts(&ids).await;
    let times = |(id, change): &(Uuid, &str)| accounts[id].iter().filter(|found| found == change).count();
    let done: usize = changes.iter().map(times).sum();
    assert!(done == 0 || done == changes.len(), "in part, or twice: {accounts:?}");
    assert!(changes.iter().map(times).all(|times| times <= 1), "twice: {accounts:?}");
    done > 0
}

async fn open(world: &World) -> TursoStorage {
    TursoStorage::new(world.lab.url(), "").await.unwrap()
}

/// The next call works, whatever was dropped before it, and takes one request.
async fn works(world: &World, storage: &TursoStorage) {
    let before = storage.network_stats().requests;
    let next = episode("next", "1");
    let calls = async {
        storage.put(std::slice::from_ref(&next)).await.unwrap();
        assert_eq!(storage.get(&[next.id]).await.unwrap()[0].as_deref(), Some(&next));
    };
    timeout(GUARD, calls).await.unwrap();
    assert_eq!(storage.network_stats().requests - before, 2);
    assert_eq!(world.account(next.id.uuid()).await, ["1"]);
}

#[tokio::test]
async fn a_commit_can_be_dropped_at_any_await() {
    let world = World::new().await;
    let storage = open(&world).await;
    for times in 0.. {
        let (batch, changes) = batch(&world).await;
        let written = polled(times, storage.commit(&batch)).await;
        works(&world, &storage).await;
        timeout(GUARD, storage.settle(&[batch.id()])).await.unwrap().unwrap();
        let done = is_done(&world, &changes).await;
        world.lab.in_flight_fell_to(0).await;
        assert_eq!(is_done(&world, &changes).await, done, "it changed after it was settled ({times} polls)");
        if let Some(written) = written {
            assert_eq!(written.unwrap().deleted, 1);
            assert!(done && times > 1);
            return;
        }
    }
}

#[tokio::test]
async fn puts_and_deletes_can_be_dropped_at_any_await() {
    let world = World::new().await;
    let storage = open(&world).await;
    let (mut put, mut deleted) = (false, false);
    for times in 0.. {
        let many: Vec<_> = (0..150).map(|_| pattern("web", "1")).collect();
        let ids: Vec<_> = many.iter().map(|pattern| pattern.id).collect();
        let change = |change| ids.iter().map(|id| (id.uuid(), change)).collect::<Vec<_>>();
        if let Some(answer) = polled(times, storage.put(&many)).await {
            answer.unwrap();
            put = true;
        }
        works(&world, &storage).await;
        // The write above has fenced it off, so that it is over.
        let stored = is_done(&world, &change("1")).await;
        assert!(stored || !put);
        if let Some(answer) = polled(times, storage.delete(&ids)).await {
            assert_eq!(answer.unwrap(), if stored { 150 } else { 0 });
            deleted = true;
        }
        works(&world, &storage).await;
        assert!(is_done(&world, &change("deleted")).await || !stored || !deleted);
        world.lab.in_flight_fell_to(0).await;
        assert_eq!(is_done(&world, &change("1")).await, stored);
        if put && deleted {
            return;
        }
    }
}

#[tokio::test]
async fn everything_else_can_be_dropped_at_any_await() {
    let world = World::new().await;
    let storage = open(&world).await;
    let stored: Vec<_> = (0..20).map(|_| episode("web", "1")).collect();
    world.direct.put(&stored).await.unwrap();
    let ids: Vec<_> = stored.iter().map(|episode| episode.id).collect();
    let query = Query::<Episode>::new().filter(domain().eq("web"));
    let mut ended = 0;
    for times in 0.. {
        let (storage, ids, query) = (&storage, &ids[..], &query);
        let calls: Vec<std::pin::Pin<Box<dyn Future<Output = bool> + '_>>> = vec![
            Box::pin(async { storage.get(ids).await.unwrap().iter().all(Option::is_some) }),
            Box::pin(async { storage.query(query).await.unwrap().records.len() == 20 }),
            Box::pin(async { storage.count(&Filter::<Episode>::all(), None).await.unwrap().total >= 20 }),
            Box::pin(async { !storage.explain(query).await.unwrap().detail.is_empty() }),
            Box::pin(async { storage.settle(&[WriteId::new()]).await.is_ok() }),
            Box::pin(async { storage.health().await.unwrap().schema_version == Some(1) }),
            Box::pin(async { storage.initialize_schema().await.is_ok() }),
            Box::pin(async { storage.ensure_metadata_index("session").await.is_ok() }),
            Box::pin(async { storage.connect().await.is_ok() }),
            Box::pin(async { TursoStorage::new(world.lab.url(), "").await.is_ok() }),
        ];
        let all = calls.len();
        ended = 0;
        for call in calls {
            match polled(times, call).await {
                Some(right) => {
                    assert!(right);
                    ended += 1;
                }
                None => works(&world, storage).await,
            }
        }
        if ended == all {
            break;
        }
    }
    assert!(ended > 0);
}

#[tokio::test]
async fn a_commit_that_is_dropped_on_its_way_is_over_once_settled() {
    let world = World::new().await;
    let storage = open(&world).await;
    for _ in 0..20 {
        let (batch, changes) = batch(&world).await;
        let held = world.lab.hold();
        tokio::select! {
            biased;
            _ = storage.commit(&batch) => panic!("it is held back"),
            () = world.lab.in_flight_reached(1) => {}
        }
        // From here it races with what settles it.
        drop(held);
        timeout(GUARD, storage.settle(&[batch.id()])).await.unwrap().unwrap();
        let done = is_done(&world, &changes).await;
        world.lab.in_flight_fell_to(0).await;
        assert_eq!(is_done(&world, &changes).await, done);
        works(&world, &storage).await;
    }
}

#[tokio::test]
async fn a_dropped_write_that_arrives_late_changes_nothing_that_came_after() {
    let world = World::new().await;
    let storage = open(&world).await;
    let late = Fault::applied_late(Late::OnRelease).hanging();
    for settled in [true, false] {
        let (batch, changes) = batch(&world).await;
        world.lab.script(late.clone());
        drop_when_late(&world, storage.commit(&batch)).await;
        let newer = if settled {
            storage.settle(&[batch.id()]).await.unwrap();
            None
        } else {
            // The next write of this storage fences it off as well.
            let mut newer = WriteBatch::new();
            newer.put(heuristic("9")).put(episode("web", "9"));
            storage.commit(&newer).await.unwrap();
            Some(newer)
        };
        let answers = world.lab.release_late().await;
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200]);
        assert!(!is_done(&world, &changes).await, "newer: {newer:?}");
        works(&world, &storage).await;
    }
}

/// Polls a call until the proxy has put its request aside, and drops it.
async fn drop_when_late<T>(world: &World, call: impl Future<Output = T>) {
    let mut call = pin!(call);
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        if world.lab.proxy().late_requests() > 0 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[tokio::test]
async fn a_call_that_waits_for_its_turn_can_be_dropped() {
    let world = World::new().await;
    let storage = TursoStorage::builder().pool_size(1).remote(world.lab.url(), "").await.unwrap();
    let held = world.lab.hold();
    let (first, second) = (episode("web", "1"), episode("web", "1"));
    let (first, second) = (std::slice::from_ref(&first), std::slice::from_ref(&second));
    tokio::select! {
        biased;
        _ = storage.put(first) => panic!("it is held back"),
        _ = storage.put(second) => panic!("it waits for the first one's turn to end"),
        () = world.lab.in_flight_reached(1) => {}
    }
    drop(held);
    world.lab.in_flight_fell_to(0).await;
    works(&world, &storage).await;
    assert_eq!(world.account(second[0].id.uuid()).await, [] as [&str; 0], "it never left");
}

#[tokio::test]
async fn a_call_can_be_dropped_while_it_waits_to_try_again() {
    let world = World::new().await;
    let storage = open(&world).await;
    for fault in [Fault::status(503).retry_after(20).applied(), Fault::status(429).retry_after(20)] {
        let (batch, changes) = batch(&world).await;
        world.lab.script(fault);
        let before = world.lab.counters().requests;
        tokio::select! {
            biased;
            _ = storage.commit(&batch) => panic!("the server asked for twenty seconds"),
            () = answered(&world, before + 1) => {}
        }
        world.lab.script(Script::new());
        storage.settle(&[batch.id()]).await.unwrap();
        is_done(&world, &changes).await;
        works(&world, &storage).await;
    }
}

/// Waits until so many requests were answered.
async fn answered(world: &World, requests: u64) {
    while world.lab.counters().requests < requests {
        tokio::task::yield_now().await;
    }
    world.lab.in_flight_fell_to(0).await;
}

#[tokio::test]
async fn what_hangs_can_be_dropped() {
    let world = World::new().await;
    let storage = open(&world).await;
    for point in [Point::BeforeHead, Point::InHead, Point::InBody] {
        for fault in [Fault::hang(point).applied(), Fault::hang(point).unapplied()] {
            let applied = fault == Fault::hang(point).applied();
            let (batch, changes) = batch(&world).await;
            world.lab.script(fault);
            tokio::select! {
                biased;
                _ = storage.commit(&batch) => panic!("it hangs"),
                () = done_or_in_flight(&world, &changes, applied) => {}
            }
            works(&world, &storage).await;
            assert_eq!(is_done(&world, &changes).await, applied);
        }
    }
}

/// Waits until the server has done it, or the proxy has it.
async fn done_or_in_flight(world: &World, changes: &[(Uuid, &str)], done: bool) {
    world.lab.in_flight_reached(1).await;
    while done && !is_done(world, changes).await {
        tokio::task::yield_now().await;
    }
}
