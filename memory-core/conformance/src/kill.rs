//! A process that writes is killed at random moments: nothing that it was told
//! is stored is lost, and nothing is stored by halves.
//!
//! The caller provides the process: it opens the storage, calls [`write()`], and is
//! started by the [`Command`] that [`Kills::child`] returns.

use std::env;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use fastrand::Rng;
use memory_core::{
    Episode, Heuristic, Id, Latency, MemoryStorage, Pattern, PatternKind, Query, Record, Result, Store, TaskContext,
    TaskType, Timestamp, WriteBatch,
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// Writes that are under way at once.
const WRITERS: u64 = 4;
/// From one cycle's first write to the next one's: more than a cycle writes.
const CYCLE: u64 = 10_000;

/// A storage in a file, opened again after each kill.
pub trait Reopened {
    /// The storage.
    type Storage: MemoryStorage;

    /// Opens the file at `path`, which a killed process may have left.
    fn open(&self, path: &Path) -> impl Future<Output = Result<Self::Storage>>;

    /// Closes the storage, so that the file can be opened by another process.
    /// At the end of a run, `last` is set, and the whole file is checked first.
    ///
    /// # Errors
    ///
    /// A description of what is wrong with the file.
    fn close(&self, path: &Path, storage: Self::Storage, last: bool) -> impl Future<Output = Result<(), String>>;
}

/// The number of kills, and the process to kill.
pub struct Kills<C, P> {
    /// Number of kills.
    pub cycles: u64,
    /// Seed of the moments.
    pub seed: u64,
    /// The process that opens the file at a path and calls [`write()`] with the number.
    pub child: C,
    /// Called after each kill.
    pub progress: P,
}

impl<C, P> std::fmt::Debug for Kills<C, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kills").field("cycles", &self.cycles).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// Writes from number `first` on until the process is killed, and prints the number
/// of each write once it is acknowledged.
///
/// # Errors
///
/// The first error of the storage.
///
/// # Panics
///
/// If standard output is closed.
pub async fn write<S: MemoryStorage>(storage: &S, first: u64) -> Result<()> {
    let writer = async |writer: u64| {
        for number in (first + writer..).step_by(usize::try_from(WRITERS).expect("few")) {
            storage.commit(&batch(number)).await?;
            let mut out = stdout().lock();
            writeln!(out, "{number}").and_then(|()| out.flush()).expect("the parent reads until it kills");
        }
        Ok::<_, memory_core::Error>(())
    };
    tokio::try_join!(writer(0), writer(1), writer(2), writer(3)).map(drop)
}

/// First argument of a writer that [`main`] starts, before the file and the number.
const WRITER: &str = "write-until-killed";

/// Is the `main` of a test program without a harness, which starts itself as the
/// writer and kills it: `MEMORY_TEST_KILLS` times, or `cycles` if that is not set,
/// from the seed `MEMORY_TEST_SEED`, or 0.
///
/// # Panics
///
/// If a write is lost or torn, or a variable is not a number.
pub fn main<S: Reopened>(storage: &S, cycles: u64) {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [writer, path, first] if writer == WRITER => {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            let first = first.parse().expect("a number");
            let written = runtime.block_on(async { write(&storage.open(path.as_ref()).await?, first).await });
            written.expect("the storage works");
        }
        // As libtest does, for tools that ask.
        arguments if arguments.iter().any(|argument| argument == "--list") => {}
        _ => {
            let (cycles, seed) = (number("MEMORY_TEST_KILLS", cycles), number("MEMORY_TEST_SEED", 0));
            let folder = tempfile::tempdir().expect("a folder");
            let child = |path: &Path, first: u64| {
                let mut child = Command::new(env::current_exe().expect("this program"));
                child.arg(WRITER).arg(path).arg(first.to_string());
                child
            };
            let kills = Kills { cycles, seed, child, progress: || () };
            let killed = kill(storage, &folder.path().join("memory"), &kills);
            let acknowledged = killed.unwrap_or_else(|what| panic!("{what}"));
            println!("{cycles} kills from seed {seed}: {acknowledged} writes acknowledged, none lost, none torn");
        }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Kills a writer of the file at `path` again and again, looks each time at what
/// is there, and returns how many writes were acknowledged.
///
/// # Errors
///
/// A description of the write that is lost or torn, with the cycle and the seed.
///
/// # Panics
///
/// If the process cannot be started, or `path` is not UTF-8.
pub fn kill<S: Reopened, C: Fn(&Path, u64) -> Command, P: Fn()>(
    storage: &S,
    path: &Path,
    kills: &Kills<C, P>,
) -> Result<u64, String> {
    let Kills { cycles, seed, child, progress } = kills;
    let mut random = Rng::with_seed(*seed);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut acknowledged = Vec::new();
    for cycle in 0..*cycles {
        let first = (cycle + 1) * CYCLE;
        let at = |what| format!("cycle {cycle} of seed {seed}: {what}");
        let told = kill_once(child(path, first), &mut random).map_err(at)?;
        look(&runtime, storage, path, &told, first).map_err(at)?;
        acknowledged.extend(told);
        progress();
    }
    let at = |what| format!("at the end of seed {seed}: {what}");
    runtime.block_on(last(storage, path, &acknowledged)).map_err(at)?;
    Ok(acknowledged.len() as u64)
}

/// Starts a writer, kills it, and returns what it printed.
fn kill_once(mut child: Command, random: &mut Rng) -> Result<Vec<u64>, String> {
    let mut child = child.stdout(Stdio::piped()).spawn().expect("the process starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    // Now and then before the file is open, or while it is being made.
    let enough = if random.u8(..8) == 0 { 0 } else { random.usize(1..24) };
    let mut told = Vec::new();
    for line in lines.by_ref().take(enough) {
        told.push(line.expect("text").parse().expect("a number"));
    }
    for _ in 0..random.u32(..2_000) {
        std::hint::spin_loop();
    }
    child.kill().expect("it was started");
    child.wait().expect("it was killed");
    // What it printed before it died.
    told.extend(lines.map_while(|line| line.ok()?.parse::<u64>().ok()));
    if told.len() < enough { Err("the writer ended by itself".to_owned()) } else { Ok(told) }
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

/// Opens the file after a kill: everything that was acknowledged is there, and
/// of everything else the whole or nothing.
fn look<S: Reopened>(runtime: &Runtime, reopened: &S, path: &Path, told: &[u64], first: u64) -> Result<(), String> {
    runtime.block_on(async {
        let storage = reopened.open(path).await.map_err(|error| error.to_string())?;
        present(&storage, told).await?;
        let written: Vec<_> = (first..first + 200).collect();
        let patterns = there::<Pattern, _>(&storage, &written).await?;
        let heuristics = there::<Heuristic, _>(&storage, &written).await?;
        if patterns != heuristics {
            return Err("a write has one of its records, and not the other".to_owned());
        }
        let episodes = there::<Episode, _>(&storage, &written).await?;
        for (place, number) in written.iter().enumerate() {
            let deleted = is_deleted_later(*number) && patterns.get(place + 8) == Some(&true);
            if episodes[place] != (patterns[place] && !deleted) {
                return Err(format!("write {number} is there by halves"));
            }
        }
        reopened.close(path, storage, false).await
    })
}

/// At the end, everything that was ever acknowledged is there, and every record
/// can be read.
async fn last<S: Reopened>(reopened: &S, path: &Path, acknowledged: &[u64]) -> Result<(), String> {
    let storage = reopened.open(path).await.map_err(|error| error.to_string())?;
    for part in acknowledged.chunks(500) {
        present(&storage, part).await?;
    }
    all::<Episode, _>(&storage).await?;
    all::<Pattern, _>(&storage).await?;
    all::<Heuristic, _>(&storage).await?;
    reopened.close(path, storage, true).await
}

async fn there<R: Record, S: Store<R>>(storage: &S, numbers: &[u64]) -> Result<Vec<bool>, String> {
    let ids: Vec<_> = numbers.iter().map(|number| id(*number)).collect();
    let found: Vec<Option<Arc<R>>> = storage.get(&ids).await.map_err(|error| error.to_string())?;
    Ok(found.iter().map(Option::is_some).collect())
}

/// Each of these writes is there as it was made.
async fn present<S: Store<Heuristic>>(storage: &S, numbers: &[u64]) -> Result<(), String> {
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

/// As many records of a kind can be read by pages as are counted.
async fn all<R: Record, S: Store<R>>(storage: &S) -> Result<(), String> {
    let text = |error: memory_core::Error| error.to_string();
    let mut query = Query::<R>::new().oldest_first().limit(200);
    let mut records = 0;
    loop {
        let page = storage.query(&query).await.map_err(text)?;
        records += page.records.len() as u64;
        if page.next.is_none() {
            break;
        }
        query = query.after(page.next);
    }
    let counted = storage.count(&memory_core::Filter::all(), None).await.map_err(text)?.total;
    if counted == records { Ok(()) } else { Err(format!("{records} records of a kind are found, {counted} counted")) }
}
