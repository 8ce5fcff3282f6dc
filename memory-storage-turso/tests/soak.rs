//! Many writers and every kind of trouble, drawn from a seed.
//!
//! Each writer has a line and a storage of its own, as a process has, and
//! records of its own, whose versions only grow. Whatever happens, what was
//! acknowledged is there until something newer is, and nothing happens twice.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod world;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;
use memory_core::{Episode, Error, MemoryStorage, Result, Store, WriteBatch, WriteId};
use memory_lab::{Close, Fault, Late, Point, Proxy, ProxyOptions, Script};
use memory_storage_turso::TursoStorage;
use tokio::task::JoinSet;
use tokio::time::timeout;
use world::{GUARD, World, episode, hasty, heuristic, opened, seed};

const WRITERS: u64 = 6;
const WRITES: u32 = 40;

struct Writer {
    world: Arc<World>,
    random: Rng,
    proxy: Proxy,
    storage: TursoStorage,
    record: Episode,
    /// A record that all writers change.
    common: memory_core::Heuristic,
    name: u64,
    /// What was acknowledged last, and what may have happened since.
    acknowledged: State,
    possible: Vec<State>,
    in_doubt: Vec<WriteId>,
}

/// A version, or deleted.
type State = Option<u32>;

fn fault(random: &mut Rng) -> Option<Fault> {
    let points = [Point::BeforeHead, Point::InHead, Point::InBody];
    let point = points[random.usize(..3)];
    let close = if random.bool() { Close::Fin } else { Close::Rst };
    let late = if random.bool() { Late::AfterNext } else { Late::OnRelease };
    Some(match random.u8(..14) {
        0 => Fault::refuse(),
        1 => Fault::hang(point).applied(),
        2 => Fault::hang(point).unapplied(),
        3 => Fault::cut(point, close),
        4 => Fault::cut(point, close).unapplied(),
        5 => Fault::answer_lost(),
        6 => Fault::applied_late(late),
        7 => Fault::applied_late(late).hanging(),
        8 => Fault::status(*random.choice(&[401, 429]).unwrap()),
        9 => Fault::status(*random.choice(&[500, 502, 503, 504]).unwrap()).applied(),
        10 => Fault::truncated_json(),
        11 => Fault::trickle(Duration::from_millis(1)),
        _ => return None,
    })
}

impl Writer {
    async fn new(name: u64, world: Arc<World>, common: memory_core::Heuristic, seed: u64) -> Self {
        let proxy = Proxy::start(ProxyOptions::new(world.lab.server().address())).await.unwrap();
        let storage = opened(|| hasty(1), &proxy.url()).await;
        Self {
            random: Rng::with_seed(seed ^ (name << 32)),
            proxy,
            storage,
            record: episode("web", "0"),
            common,
            name,
            acknowledged: None,
            possible: Vec::new(),
            in_doubt: Vec::new(),
            world,
        }
    }

    async fn run(mut self) {
        for version in 1..=WRITES {
            let faults = self.random.usize(..5);
            let script: Script = (0..faults).map(|_| fault(&mut self.random)).collect();
            self.proxy.script(script);
            let (state, write, result) = self.write(version).await;
            self.note(state, write, result);
            if self.random.u8(..4) == 0 {
                self.proxy.release_late().await;
            }
            if self.random.u8(..8) == 0 {
                self.settle().await;
            }
            self.check().await;
        }
        self.proxy.script(Script::new());
        self.proxy.release_late().await;
        self.check().await;
    }

    /// Puts the record or deletes it, in one of the ways there are; dropped on
    /// the way, now and then.
    async fn write(&mut self, version: u32) -> (State, Option<WriteId>, Option<Result<()>>) {
        self.record.metadata.insert("version", version.to_string());
        let patience = if self.random.u8(..6) == 0 { self.random.usize(..8) } else { usize::MAX };
        let (storage, record) = (&self.storage, std::slice::from_ref(&self.record));
        match self.random.u8(..4) {
            0 => (Some(version), None, polled(patience, storage.put(record)).await),
            1 => {
                let deleted = polled(patience, storage.delete(&[self.record.id])).await;
                let wrong = |count: &u64| *count > 1;
                assert!(!deleted.iter().flatten().any(wrong), "{deleted:?}");
                (None, None, deleted.map(|deleted| deleted.map(drop)))
            }
            _ => {
                let mut batch = WriteBatch::new();
                let mut common = self.common.clone();
                common.metadata.insert("version", format!("{}:{version}", self.name));
                batch.put(self.record.clone()).put(common);
                let written = polled(patience, storage.commit(&batch)).await;
                (Some(version), Some(batch.id()), written.map(|written| written.map(drop)))
            }
        }
    }

    fn note(&mut self, state: State, write: Option<WriteId>, result: Option<Result<()>>) {
        match result {
            Some(Ok(())) => {
                self.acknowledged = state;
                self.possible.clear();
                self.in_doubt.clear();
            }
            None | Some(Err(Error::Indeterminate { .. })) => {
                self.possible.push(state);
                self.in_doubt.extend(write);
            }
            // It has certainly not happened.
            Some(Err(Error::Unavailable { .. } | Error::Timeout { .. } | Error::Unauthorized { .. })) => {}
            Some(Err(error)) => panic!("{error:?}"),
        }
    }

    /// Has everything in doubt end, after which nothing changes by itself.
    async fn settle(&mut self) {
        self.proxy.script(Script::new());
        // The puts and deletes in doubt are fenced off by the next write alone.
        if self.in_doubt.len() < self.possible.len()
            || timeout(GUARD, self.storage.settle(&self.in_doubt)).await.unwrap().is_err()
        {
            return;
        }
        let before = self.state().await;
        self.proxy.release_late().await;
        self.proxy.in_flight_fell_to(0).await;
        assert_eq!(self.state().await, before, "it changed after everything was settled");
        self.acknowledged = before;
        self.possible.clear();
        self.in_doubt.clear();
    }

    async fn state(&self) -> State {
        let account = self.world.account(self.record.id.uuid()).await;
        account.last().and_then(|last| last.parse().ok())
    }

    async fn check(&self) {
        let account = self.world.account(self.record.id.uuid()).await;
        let versions: Vec<u32> = account.iter().filter_map(|change| change.parse().ok()).collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "writer {}: twice, or after a newer one: {account:?}", self.name);
        let state = account.last().and_then(|last| last.parse().ok());
        assert!(
            state == self.acknowledged || self.possible.contains(&state),
            "writer {}: {account:?}, where {:?} was acknowledged, and since then {:?} possible",
            self.name,
            self.acknowledged,
            self.possible
        );
    }
}

/// Polls a future so many times at most, and drops it. None of them takes
/// longer than the guard.
async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(timeout(GUARD, future));
    let mut left = times;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer.expect("it ends within the guard"))),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn many_writers_in_trouble_lose_nothing_and_repeat_nothing() {
    let seed = seed();
    fastrand::seed(seed);
    println!("to repeat: MEMORY_TEST_SEED={seed}");
    let world = Arc::new(World::new().await);
    let common = heuristic("0");
    let mut writers = JoinSet::new();
    for name in 0..WRITERS {
        let writer = Writer::new(name, Arc::clone(&world), common.clone(), seed).await;
        writers.spawn(writer.run());
    }
    writers.join_all().await;
    // What a writer did to the record of all happened in its order, and once.
    let account = world.account(common.id.uuid()).await;
    for name in 0..WRITERS {
        let prefix = format!("{name}:");
        let own = account.iter().filter_map(|change| change.strip_prefix(&prefix));
        let own: Vec<u32> = own.map(|version| version.parse().unwrap()).collect();
        assert!(!own.is_empty() && own.is_sorted_by(|a, b| a < b), "{account:?}");
    }
}
