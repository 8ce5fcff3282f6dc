//! What lookups and insertions cost.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;

use super::settings::CacheSettings;
use super::systems::{self, Key, OURS, QUICK, System, key};
use super::traces::Zipf;
use crate::report::Row;
use crate::{Contender, Progress, Sample, Settings, Workload, run};

/// How skewed the popularity of entries is.
const SKEW: f64 = 0.99;
const THREADS: [usize; 2] = [1, 2];
/// One in so many operations of the mix is a write.
const WRITES: u64 = 20;

/// How often every entry was read before anything is timed.
const READ_BEFORE: usize = 8;

/// What is asked for, by thread.
type Requests = Arc<[Vec<Key>]>;

#[derive(Clone, Copy)]
enum Kind {
    /// Every lookup hits.
    Hit,
    /// And every twentieth is a write of a key that is there.
    Mix,
    /// Every write is of a new key, to a full cache.
    Insert,
}

#[derive(Clone, Copy)]
struct Case {
    kind: Kind,
    distribution: &'static str,
    entries: usize,
    threads: usize,
}

impl Case {
    fn name(&self) -> String {
        let Self { kind, distribution, entries, threads } = self;
        let kind = match kind {
            Kind::Hit => "hit",
            Kind::Mix => "mix95",
            Kind::Insert => "insert",
        };
        format!("{kind}/{distribution}/{entries}/{threads}")
    }

    /// The keys that each thread asks for.
    fn requests(&self, length: usize, seed: u64) -> Requests {
        let zipf = (self.distribution == "zipf").then(|| Zipf::new(self.entries, SKEW));
        let of_thread = |thread: u64| {
            let mut random = Rng::with_seed(seed ^ (thread + 1));
            let mut number = || match &zipf {
                Some(zipf) => zipf.draw(&mut random),
                None => random.u64(..self.entries as u64),
            };
            (0..length).map(|_| key(number())).collect()
        };
        (0..self.threads as u64).map(of_thread).collect()
    }
}

/// A row for each system and case.
pub(super) fn rows(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for workloads in workloads(&settings.cache, settings.seed) {
        if progress.is_cancelled() {
            break;
        }
        for measured in run(&mut workloads?, settings.cache.rounds, settings.seed, progress)? {
            let mut of_case = Row::of(super::COSTS.name, &measured, QUICK);
            of_case.iter_mut().zip(&measured.series).for_each(|(row, series)| row.set_least(series));
            rows.extend(of_case);
        }
    }
    Ok(rows)
}

/// What section `cache` times. Those whose systems are the same come together,
/// one such group after the other: all at once would not fit in memory.
///
/// # Errors
///
/// Those of the systems, when they are made.
pub fn workloads(settings: &CacheSettings, seed: u64) -> impl Iterator<Item = Result<Vec<Workload>>> {
    let of = |kind, distribution, entries| THREADS.map(|threads| Case { kind, distribution, entries, threads });
    let hits = |entries| [of(Kind::Hit, "zipf", entries), of(Kind::Hit, "uniform", entries)].concat();
    let mut groups: Vec<_> = settings.sizes.iter().map(|entries| hits(*entries)).collect();
    groups.push(of(Kind::Mix, "zipf", settings.written).into());
    groups.push(of(Kind::Insert, "new", settings.written).into());
    let requests = settings.requests;
    groups.into_iter().map(move |cases| {
        let systems = systems(&cases[0], seed)?;
        Ok(cases.into_iter().map(|case| workload(&systems, case, requests, seed)).collect())
    })
}

/// A system that holds its entries, and makes contenders for cases.
struct Filled {
    contender: Box<dyn Fn(Case, Requests) -> Contender>,
}

/// Those that are timed at such a case.
fn systems(case: &Case, seed: u64) -> Result<Vec<Filled>> {
    // Room for a quarter more, so that where every lookup is to hit, it does in
    // every cache, however unevenly that fills.
    let room = match case.kind {
        Kind::Hit | Kind::Mix => case.entries + case.entries / 4,
        Kind::Insert => case.entries,
    };
    // A popular entry is as likely to be the first in memory as any other.
    let mut order: Vec<u64> = (0..case.entries as u64).collect();
    Rng::with_seed(seed).shuffle(&mut order);
    let mut systems = vec![
        filled(OURS, systems::ours(room)?, &order),
        filled("ours-uncounted", systems::uncounted(room)?, &order),
        filled(QUICK, systems::quick(room), &order),
        filled(systems::MOKA, systems::moka(room), &order),
        filled("moka-expiring", systems::moka_expiring(room), &order),
        filled("foyer", systems::foyer(room), &order),
        filled("mini-moka", systems::mini_moka(room), &order),
        filled("lru", systems::lru(room), &order),
    ];
    if !matches!(case.kind, Kind::Insert) {
        // It would grow without end.
        systems.push(filled("dashmap", systems::Floor::default(), &order));
    }
    Ok(systems)
}

fn filled<S: System>(name: &'static str, system: S, order: &[u64]) -> Filled {
    for number in order {
        system.insert(key(*number), *number);
    }
    // A cache counts the first reads of an entry, and then no more: here it has
    // been in use for a while.
    for _ in 0..READ_BEFORE {
        for number in order {
            black_box(system.get(&key(*number)));
        }
    }
    let (system, turns) = (Arc::new(system), Rc::new(Cell::new(0)));
    let contender = move |case, requests: Requests| {
        let (system, turns) = (Arc::clone(&system), Rc::clone(&turns));
        Contender::new(name, move |operations| {
            turns.set(turns.get() + 1);
            Ok(Sample::from(turn(&*system, &requests, operations, case, turns.get())))
        })
    };
    Filled { contender: Box::new(contender) }
}

fn workload(systems: &[Filled], case: Case, length: usize, seed: u64) -> Workload {
    let requests = case.requests(2 * length, seed);
    let contenders = systems.iter().map(|system| (system.contender)(case, Arc::clone(&requests))).collect();
    Workload::new(case.name(), length as u64, contenders)
}

/// How long the slowest of the threads took for so many operations, from the
/// moment at which all of them began. Before that they do as many others of the
/// same kind: the turns of other systems have thrown out of the processor's
/// caches what an agent that goes on with its work finds there. Lookups wait for
/// nobody, and their time is that on a core, which says the same on a busy
/// machine as on a quiet one. Those who write may wait for each other, and that
/// counts.
fn turn<S: System>(system: &S, requests: &[Vec<Key>], operations: u64, case: Case, turn: u64) -> Duration {
    let barrier = Barrier::new(requests.len());
    let operate = |thread: usize, timed: bool| {
        // Requests are twice as many as operations.
        let (first, second) = requests[thread].split_at(requests[thread].len() / 2);
        let wanted = || if timed { second } else { first }.iter().cycle().zip(0..operations);
        match case.kind {
            Kind::Hit => {
                for (key, _) in wanted() {
                    black_box(system.get(black_box(key)));
                }
            }
            Kind::Mix => {
                for (key, number) in wanted() {
                    if number % WRITES == 0 {
                        system.insert(*key, number);
                    } else {
                        black_box(system.get(black_box(key)));
                    }
                }
            }
            Kind::Insert => {
                let skipped = if timed { operations } else { 0 };
                let first = ((turn * requests.len() as u64 + thread as u64 + 1) << 32) + skipped;
                for number in first..first + operations {
                    system.insert(key(number), number);
                }
            }
        }
    };
    let work = |thread: usize| {
        operate(thread, false);
        barrier.wait();
        let (start, on_core) = (Instant::now(), time_on_core());
        operate(thread, true);
        match case.kind {
            Kind::Hit => time_on_core().saturating_sub(on_core),
            Kind::Mix | Kind::Insert => start.elapsed(),
        }
    };
    if requests.len() == 1 {
        return work(0);
    }
    std::thread::scope(|scope| {
        let spawn = |thread| {
            scope.spawn({
                let work = &work;
                move || work(thread)
            })
        };
        let threads: Vec<_> = (0..requests.len()).map(spawn).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).max().unwrap_or_default()
    })
}

/// How long this thread has been on a core.
fn time_on_core() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
