//! Writes that wait are combined, and each is answered by itself.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use std::future::{Future as _, poll_fn};
use std::slice::from_ref;
use std::sync::Arc;
use std::task::Poll;

use memory_core::{Episode, EpisodeId, Error, MemoryStorage, Result, Store, WriteBatch};
use memory_lab::{Fault, Held, LabOptions, Point, Script};
use memory_storage_turso::{BatchConfig, TursoBuilder, TursoStorage};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use world::{GUARD, World, episode};

/// Calls on one storage, on one thread, where a call that was spawned waits in
/// its place once this thread has yielded.
struct Writers {
    world: World,
    storage: Arc<TursoStorage>,
}

impl Writers {
    async fn new(builder: TursoBuilder) -> Self {
        let world = World::new().await;
        let storage = Arc::new(builder.remote(world.lab.url(), "").await.unwrap());
        Self { world, storage }
    }

    fn put(&self, stored: &Episode) -> JoinHandle<Result<()>> {
        let (storage, stored) = (Arc::clone(&self.storage), stored.clone());
        tokio::spawn(async move { storage.put(&[stored]).await })
    }

    fn delete(&self, id: EpisodeId) -> JoinHandle<Result<u64>> {
        let storage = Arc::clone(&self.storage);
        tokio::spawn(async move { storage.delete(&[id]).await })
    }

    /// A put that is on its way until what is returned with it is dropped.
    async fn first(&self) -> (JoinHandle<Result<()>>, Held) {
        let held = self.world.lab.hold();
        let first = self.put(&episode("web", "1"));
        self.world.lab.in_flight_reached(1).await;
        (first, held)
    }

    fn requests(&self) -> u64 {
        self.world.lab.counters().requests
    }
}

async fn all_wait() {
    for _ in 0..20 {
        yield_now().await;
    }
}

async fn ended<T>(call: JoinHandle<Result<T>>) -> Result<T> {
    timeout(GUARD, call).await.unwrap().unwrap()
}

fn single() -> TursoBuilder {
    TursoStorage::builder().batch(BatchConfig { max_retries: 0, ..BatchConfig::default() })
}

#[tokio::test]
async fn writes_that_wait_are_one_request_and_each_is_answered_by_itself() {
    let writers = Writers::new(single()).await;
    let stored: Vec<_> = (0..4).map(|_| episode("web", "1")).collect();
    writers.storage.put(&stored).await.unwrap();
    let before = writers.requests();
    let (first, held) = writers.first().await;
    let new: Vec<_> = (0..20).map(|_| episode("web", "1")).collect();
    let puts: Vec<_> = new.iter().map(|new| writers.put(new)).collect();
    let unwanted = [stored[0].id, stored[1].id, EpisodeId::new(), stored[0].id];
    let deletes: Vec<_> = unwanted.map(|id| writers.delete(id)).into();
    let mut batch = WriteBatch::new();
    batch.delete(stored[2].id).delete(stored[3].id).put(episode("web", "1"));
    let storage = Arc::clone(&writers.storage);
    let commit = tokio::spawn(async move { storage.commit(&batch).await });
    all_wait().await;
    drop(held);
    ended(first).await.unwrap();
    for put in puts {
        ended(put).await.unwrap();
    }
    let mut counts = Vec::new();
    for delete in deletes {
        counts.push(ended(delete).await.unwrap());
    }
    assert_eq!(counts, [1, 1, 0, 0]);
    assert_eq!(ended(commit).await.unwrap().deleted, 2);
    assert_eq!(writers.requests() - before, 2);
    // A request that writes share is one.
    let figures = writers.storage.metrics().snapshot();
    assert_eq!((figures.remote.requests, figures.remote.round_trips), (writers.requests(), writers.requests()));
    assert_eq!((figures.operations["put"].succeeded, figures.operations["delete"].succeeded), (1 + 1 + 20, 4));
    for new in new {
        assert_eq!(writers.world.account(new.id.uuid()).await, ["1"]);
    }
    // Each has an entry of its own.
    assert_eq!(writers.world.number("SELECT count(*) FROM memory_writes").await, 1 + 1 + 20 + 4 + 1);
}

#[tokio::test]
async fn a_write_that_fails_takes_no_other_with_it() {
    let writers = Writers::new(single()).await;
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON episodes WHEN new.metadata ->> 'version' = 'bad'
        BEGIN SELECT RAISE(ABORT, 'not this one'); END;";
    writers.world.execute(refuse).await;
    let (first, held) = writers.first().await;
    let all: Vec<_> = (0..40).map(|n| episode("web", if n % 13 == 5 { "bad" } else { "1" })).collect();
    let puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
    all_wait().await;
    let before = writers.requests();
    drop(held);
    ended(first).await.unwrap();
    for (number, put) in puts.into_iter().enumerate() {
        match ended(put).await {
            Ok(()) => assert_ne!(number % 13, 5),
            Err(error) => assert!(number % 13 == 5 && matches!(error, Error::Backend { .. }), "{number}: {error:?}"),
        }
    }
    for (number, stored) in all.iter().enumerate() {
        let times = usize::from(number % 13 != 5);
        assert_eq!(writers.world.account(stored.id.uuid()).await.len(), times, "{number}");
    }
    let spent = writers.requests() - before;
    assert!((4..=30).contains(&spent), "{spent} requests for three that fail");
}

/// As in the body of a loop over a stream of puts, which polls none of them meanwhile.
#[tokio::test]
async fn a_write_that_its_caller_does_not_poll_holds_up_no_other() {
    let writers = Writers::new(single()).await;
    let (first, held) = writers.first().await;
    let stored = [episode("web", "1"), episode("web", "1")];
    let mut puts = stored.each_ref().map(|stored| Box::pin(writers.storage.put(from_ref(stored))));
    for put in &mut puts {
        assert!(poll_fn(|context| Poll::Ready(put.as_mut().poll(context).is_pending())).await);
    }
    drop(held);
    ended(first).await.unwrap();
    timeout(GUARD, writers.storage.put(&[episode("web", "1")])).await.unwrap().unwrap();
    for put in puts {
        timeout(GUARD, put).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn commits_of_one_batch_or_of_a_fence_and_its_write_share_no_request() {
    let writers = Writers::new(single()).await;
    let (first, held) = writers.first().await;
    let commit = |batch: &Arc<WriteBatch>| {
        let (storage, batch) = (Arc::clone(&writers.storage), Arc::clone(batch));
        tokio::spawn(async move { storage.commit(&batch).await })
    };
    let [mut batch, mut fenced, mut fencing] = [WriteBatch::new(), WriteBatch::new(), WriteBatch::new()];
    batch.put(episode("web", "1"));
    fenced.put(episode("web", "1"));
    fencing.put(episode("web", "1")).fence(fenced.id());
    let [batch, fenced, fencing] = [batch, fenced, fencing].map(Arc::new);
    let commits = [commit(&batch), commit(&batch), commit(&fencing), commit(&fenced)];
    all_wait().await;
    drop(held);
    ended(first).await.unwrap();
    let [once, again, fencing, fenced] = commits;
    let already = [ended(once).await.unwrap().already, ended(again).await.unwrap().already];
    assert!(already == [true, false] || already == [false, true], "{already:?}");
    assert!(!ended(fencing).await.unwrap().already);
    assert!(matches!(ended(fenced).await, Err(Error::Fenced { .. })));
}

#[tokio::test]
async fn a_request_that_is_refused_for_one_write_is_sent_without_it() {
    let writers = Writers::new(single()).await;
    writers.world.lab.script(Script::new().pass().then(Fault::status(413)));
    let (first, held) = writers.first().await;
    let all: Vec<_> = (0..8).map(|_| episode("web", "1")).collect();
    let puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
    all_wait().await;
    drop(held);
    ended(first).await.unwrap();
    for (put, stored) in puts.into_iter().zip(&all) {
        ended(put).await.unwrap();
        assert_eq!(writers.world.account(stored.id.uuid()).await.len(), 1);
    }
}

#[tokio::test]
async fn if_the_sender_is_dropped_the_others_are_sent_all_the_same() {
    for applied in [true, false] {
        let writers = Writers::new(single()).await;
        let (first, held) = writers.first().await;
        let all: Vec<_> = (0..10).map(|_| episode("web", "1")).collect();
        let mut puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
        all_wait().await;
        let hang = Fault::hang(Point::BeforeHead);
        let hang = if applied { hang.applied() } else { hang.unapplied() };
        // The first has not met the script yet.
        writers.world.lab.script(Script::new().pass().then(hang));
        drop(held);
        ended(first).await.unwrap();
        // The first of those that waited sends them all.
        let last = all[9].id.uuid();
        while writers.world.lab.proxy().steps_left() > 0 || (applied && writers.world.account(last).await.is_empty()) {
            yield_now().await;
        }
        let sender = puts.remove(0);
        sender.abort();
        assert!(sender.await.unwrap_err().is_cancelled());
        for put in puts {
            ended(put).await.unwrap();
        }
        for stored in &all[1..] {
            assert_eq!(writers.world.account(stored.id.uuid()).await, ["1"]);
        }
        // The one that was dropped may have happened, and cannot any more.
        writers.storage.put(&[episode("web", "1")]).await.unwrap();
        let sender = writers.world.account(all[0].id.uuid()).await;
        assert_eq!(sender.len(), usize::from(applied));
        let fenced = writers.world.number("SELECT count(*) FROM memory_writes WHERE deleted = -1").await;
        assert_eq!(fenced, i64::from(!applied));
    }
}

#[tokio::test]
async fn a_write_that_is_dropped_on_its_way_is_in_doubt_and_no_other() {
    let writers = Writers::new(single()).await;
    let (first, held) = writers.first().await;
    let all: Vec<_> = (0..5).map(|_| episode("web", "1")).collect();
    let mut puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
    all_wait().await;
    writers.world.lab.script(Script::new().pass().then(Fault::answer_lost()));
    drop(held);
    ended(first).await.unwrap();
    while writers.world.account(all[4].id.uuid()).await.is_empty() {
        puts[2].abort();
        yield_now().await;
    }
    drop(puts.remove(2));
    for put in puts {
        let error = ended(put).await.unwrap_err();
        assert!(error.outcome_unknown(), "{error:?}");
    }
    writers.storage.put(&[episode("web", "1")]).await.unwrap();
    for stored in &all {
        assert!(writers.world.account(stored.id.uuid()).await.len() <= 1);
    }
}

#[tokio::test]
async fn writes_that_are_cancelled_while_they_wait_are_never_sent_nor_remembered() {
    let writers = Writers::new(single()).await;
    let (first, held) = writers.first().await;
    let all: Vec<_> = (0..2_000).map(|_| episode("web", "1")).collect();
    let puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
    all_wait().await;
    for put in puts {
        put.abort();
        assert!(put.await.unwrap_err().is_cancelled());
    }
    drop(held);
    ended(first).await.unwrap();
    let before = writers.requests();
    writers.storage.put(&[episode("web", "1")]).await.unwrap();
    assert_eq!(writers.requests() - before, 1);
    assert_eq!(writers.world.number("SELECT count(*) FROM memory_writes").await, 2);
    assert_eq!(writers.world.number("SELECT count(*) FROM episodes").await, 2);
}

#[tokio::test]
async fn requests_of_many_writes_stay_within_the_limit() {
    let limit = 32 << 10;
    let writers = Writers::new(single().max_request(limit)).await;
    let (first, held) = writers.first().await;
    let all: Vec<_> = (0..40)
        .map(|_| {
            let mut large = episode("web", "1");
            large.task_description = "x".repeat(4_000);
            large
        })
        .collect();
    let puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
    all_wait().await;
    let before = writers.requests();
    writers.world.lab.script(Script::new().when(move |seen| seen.body.len() > limit, Fault::status(413)));
    drop(held);
    ended(first).await.unwrap();
    for put in puts {
        ended(put).await.unwrap();
    }
    let spent = writers.requests() - before;
    assert!((5..=14).contains(&spent), "{spent} requests of at most 8 of 40 writes");
}

#[tokio::test]
async fn all_writes_of_a_lost_answer_are_repeated_by_one_request() {
    let batch = BatchConfig { retry_base_delay: std::time::Duration::ZERO, ..BatchConfig::default() };
    let writers = Writers::new(TursoStorage::builder().batch(batch)).await;
    let (first, held) = writers.first().await;
    let all: Vec<_> = (0..30).map(|_| episode("web", "1")).collect();
    let puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
    all_wait().await;
    let before = writers.storage.network_stats().requests;
    writers.world.lab.script(Script::new().pass().then(Fault::answer_lost()));
    drop(held);
    ended(first).await.unwrap();
    // More than the budget of retries would pay for one by one.
    for put in puts {
        ended(put).await.unwrap();
    }
    for stored in &all {
        assert_eq!(writers.world.account(stored.id.uuid()).await, ["1"]);
    }
    let stats = writers.storage.network_stats();
    let spent = stats.requests - before;
    assert!((3..=8).contains(&spent), "{spent}");
    assert_eq!(stats.retries, spent - 2);
}

/// A storage for many writers at once, over a server that is stuck for good
/// beyond four.
async fn fragile(builder: TursoBuilder) -> Writers {
    let mut options = LabOptions::default();
    options.max_writers = Some(4);
    let world = World::with(options).await;
    let storage = Arc::new(builder.remote(world.lab.url(), "").await.unwrap());
    Writers { world, storage }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_without_number_do_not_bring_a_server_to_its_end() {
    let writers = fragile(TursoStorage::builder()).await;
    // Those that come wait for this one.
    writers.world.execute("BEGIN IMMEDIATE").await;
    let all: Vec<_> = (0..64).map(|_| episode("web", "1")).collect();
    let puts: Vec<_> = all.iter().map(|stored| writers.put(stored)).collect();
    writers.world.lab.in_flight_reached(1).await;
    writers.world.execute("ROLLBACK").await;
    for put in puts {
        ended(put).await.unwrap();
    }
    assert!(!writers.world.lab.server().is_stuck());
    assert_eq!(writers.world.lab.counters().max_in_flight, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn such_a_server_is_at_its_end_where_more_may_write() {
    let writers = fragile(TursoStorage::builder().pool_size(64).max_writes(64)).await;
    writers.world.execute("BEGIN IMMEDIATE").await;
    let puts: Vec<_> = (0..64).map(|_| writers.put(&episode("web", "1"))).collect();
    let stuck = async {
        while !writers.world.lab.server().is_stuck() {
            yield_now().await;
        }
    };
    timeout(GUARD, stuck).await.unwrap();
    puts.iter().for_each(JoinHandle::abort);
    writers.world.execute("ROLLBACK").await;
    // Reads go on.
    assert_eq!(writers.storage.get(&[EpisodeId::new()]).await.unwrap(), [None]);
}
