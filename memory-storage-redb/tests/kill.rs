//! A process that writes is killed at random moments: nothing that it was told
//! is stored is lost, and nothing is stored by halves.
//!
//! The test starts itself as that process. `MEMORY_TEST_KILLS` says how often,
//! `MEMORY_TEST_SEED` from which seed.

use std::env;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};

use fastrand::Rng;
use memory_core::{
    Episode, Heuristic, Id, Latency, MemoryStorage, Pattern, PatternKind, Record, Result, Store, TaskContext, TaskType,
    Timestamp, WriteBatch,
};
use memory_storage_redb::RedbStorage;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// What the first argument is, and then the file and the first number to write.
const CHILD: &str = "write-until-killed";

/// How many writes are under way at once.
const WRITERS: u64 = 4;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [child, path, first] if child == CHILD => {
            runtime().block_on(write(path.as_ref(), first.parse().expect("a number"))).expect("the storage works");
        }
        // As libtest does, for tools that ask.
        arguments if arguments.iter().any(|argument| argument == "--list") => {}
        _ => kill(number("MEMORY_TEST_KILLS", 200), number("MEMORY_TEST_SEED", 0)),
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn id<R>(number: u64) -> Id<R> {
    Uuid::from_u128(u128::from(number) + 1).into()
}

/// Write number `number`: a record of each kind, and one less of those before.
fn batch(number: u64) -> WriteBatch {
    let context = TaskContext { tags: vec![format!("tag{}", number % 3)], ..TaskContext::new("web") };
    let time = Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(number).expect("small")).expect("in range");
    let text = "x".repeat(usize::try_from(number * 37 % 3_000).expect("small"));
    let tools = PatternKind::ToolSequence { tools: vec![text.clone()], average_latency: Latency::default() };
    let pattern = Pattern::with_id(id(number), time, context.clone(), tools);
    let mut heuristic = Heuristic::new(text.clone(), "act", 0.5);
    heuristic.id = id(number);
    let mut batch = WriteBatch::new();
    batch.put(Episode::with_id(id(number), time, text, context, TaskType::Testing)).put(pattern).put(heuristic);
    if is_deleted_later(number.wrapping_sub(8)) {
        batch.delete::<Episode>(id(number - 8));
    }
    batch
}

fn is_deleted_later(number: u64) -> bool {
    number % 5 == 2 && number < u64::MAX / 2
}

/// Writes until it is killed, and prints what was acknowledged.
async fn write(path: &Path, first: u64) -> Result<()> {
    let storage = RedbStorage::open(path).await?;
    let lane = |lane: u64| {
        let storage = &storage;
        async move {
            for number in (first + lane..).step_by(usize::try_from(WRITERS).expect("few")) {
                storage.commit(&batch(number)).await?;
                let mut out = stdout().lock();
                writeln!(out, "{number}").and_then(|()| out.flush()).expect("the parent reads until it kills");
            }
            Ok::<_, memory_core::Error>(())
        }
    };
    tokio::try_join!(lane(0), lane(1), lane(2), lane(3)).map(drop)
}

/// Kills a writer again and again, and looks at what is there.
fn kill(cycles: u64, seed: u64) {
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("memory.redb");
    let mut acknowledged = Vec::new();
    for cycle in 0..cycles {
        let first = (cycle + 1) * 10_000;
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args([CHILD, path.to_str().expect("a plain path"), &first.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        // Now and then before the file is open, or while it is being made.
        let enough = if random.u8(..8) == 0 { 0 } else { random.usize(1..24) };
        let mut told: Vec<u64> = Vec::new();
        for line in lines.by_ref().take(enough) {
            told.push(line.expect("text").parse().expect("a number"));
        }
        for _ in 0..random.u32(..2_000) {
            std::hint::spin_loop();
        }
        child.kill().expect("it runs");
        child.wait().expect("it was killed");
        // What it printed before it died.
        told.extend(lines.map_while(|line| line.ok()?.parse::<u64>().ok()));
        assert!(told.len() >= enough, "cycle {cycle} of seed {seed}: the writer ended by itself");
        acknowledged.extend(told.iter().copied());
        runtime()
            .block_on(look(&path, &told, first))
            .unwrap_or_else(|what| panic!("cycle {cycle} of seed {seed}: {what}"));
    }
    runtime().block_on(async {
        let storage = RedbStorage::open(&path).await.expect("a sound file");
        for part in acknowledged.chunks(1_000) {
            present(&storage, part).await.unwrap_or_else(|what| panic!("at the end of seed {seed}: {what}"));
        }
        let report = storage.check().await.expect("it can be checked");
        assert!(report.is_sound(), "at the end of seed {seed}: {report:?}");
    });
    println!(
        "{cycles} times killed from seed {seed}: {} writes acknowledged, none lost, none torn",
        acknowledged.len()
    );
}

/// Opens the file after a kill: everything that was acknowledged is there, and
/// of everything else the whole or nothing.
async fn look(path: &Path, told: &[u64], first: u64) -> Result<(), String> {
    let storage = RedbStorage::open(path).await.map_err(|error| error.to_string())?;
    present(&storage, told).await?;
    let written: Vec<_> = (first..first + 200).collect();
    let patterns = there::<Pattern>(&storage, &written).await;
    let heuristics = there::<Heuristic>(&storage, &written).await;
    if patterns != heuristics {
        return Err("a write has one of its records, and not the other".to_owned());
    }
    let episodes = there::<Episode>(&storage, &written).await;
    for (place, number) in written.iter().enumerate() {
        let deleted = is_deleted_later(*number) && patterns.get(place + 8) == Some(&true);
        if episodes[place] != (patterns[place] && !deleted) {
            return Err(format!("write {number} is there by halves"));
        }
    }
    storage.close().await.map_err(|error| error.to_string())
}

async fn there<R: Record>(storage: &RedbStorage, numbers: &[u64]) -> Vec<bool>
where
    RedbStorage: Store<R>,
{
    let ids: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
    let found: Vec<Option<std::sync::Arc<R>>> = storage.get(&ids).await.expect("sound records");
    found.iter().map(Option::is_some).collect()
}

/// Each of these writes is there as it was made.
async fn present(storage: &RedbStorage, numbers: &[u64]) -> Result<(), String> {
    let ids: Vec<_> = numbers.iter().map(|number| id::<Heuristic>(*number)).collect();
    let found = storage.get(&ids).await.map_err(|error| error.to_string())?;
    for (found, number) in found.iter().zip(numbers) {
        let wanted = batch(*number);
        let text = wanted.changes::<Heuristic>().puts().next().map(|heuristic| heuristic.condition.clone());
        if found.as_ref().map(|heuristic| heuristic.condition.clone()) != text {
            return Err(format!("write {number} was acknowledged, and is lost"));
        }
    }
    Ok(())
}
