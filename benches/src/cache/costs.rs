//! What lookups and insertions cost.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use anyhow::Result;
use fastrand::Rng;

use super::systems::{self, Key, OURS, QUICK, System, key};
use super::traces::Zipf;
use crate::report::Row;
use crate::{Contender, Progress, Sample, Settings, Workload, run};

/// How skewed the popularity of entries is.
const SKEW: f64 = 0.99;
const SIZES: [usize; 3] = [1_000, 50_000, 1_000_000];
const THREADS: [usize; 2] = [1, 2];
/// One in so many operations of the mix is a write.
const WRITES: usize = 20;

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
    for case in cases() {
        let length = if settings.is_quick() { 100_000 } else { 400_000 };
        // Set up one at a time: together they would not fit in memory.
        let mut workload = workload(case, length, settings.seed)?;
        let measured = run(std::slice::from_mut(&mut workload), settings.rounds, settings.seed, progress)?;
        for one in &measured {
            let least: Vec<_> = one.series.iter().map(|series| least(&series.seconds)).collect();
            let quick = one.series.iter().position(|series| series.system == QUICK);
            let mut new = Row::of(super::COSTS.name, one, QUICK);
            for (row, ns) in new.iter_mut().zip(&least) {
                let of_quick = quick.map_or(f64::NAN, |quick| ns / least[quick]);
                row.reason = Some(format!("least {ns:.1} ns, {of_quick:.2} of {QUICK}'s least"));
            }
            rows.extend(new);
        }
    }
    Ok(rows)
}

/// The least of the rounds, in nanoseconds: what it takes while nothing else
/// uses the machine.
fn least(seconds: &[f64]) -> f64 {
    seconds.iter().copied().fold(f64::INFINITY, f64::min) * 1e9
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for entries in SIZES {
        for distribution in ["zipf", "uniform"] {
            cases.extend(THREADS.map(|threads| Case { kind: Kind::Hit, distribution, entries, threads }));
        }
    }
    for kind in [Kind::Mix, Kind::Insert] {
        let distribution = if matches!(kind, Kind::Mix) { "zipf" } else { "new" };
        cases.extend(THREADS.map(|threads| Case { kind, distribution, entries: 50_000, threads }));
    }
    cases
}

fn workload(case: Case, length: usize, seed: u64) -> Result<Workload> {
    // Room for a quarter more, so that where every lookup is to hit, it does in
    // every cache, however unevenly that fills.
    let room = match case.kind {
        Kind::Hit | Kind::Mix => case.entries + case.entries / 4,
        Kind::Insert => case.entries,
    };
    let requests = case.requests(length, seed);
    // A popular entry is as likely to be the first in memory as any other.
    let mut order: Vec<u64> = (0..case.entries as u64).collect();
    Rng::with_seed(seed).shuffle(&mut order);
    let setup = Setup { case, requests, order };
    let mut contenders = vec![
        setup.contender(OURS, systems::ours(room)?),
        setup.contender("ours-uncounted", systems::uncounted(room)?),
        setup.contender(QUICK, systems::quick(room)),
        setup.contender(systems::MOKA, systems::moka(room)),
        setup.contender("moka-expiring", systems::moka_expiring(room)),
        setup.contender("foyer", systems::foyer(room)),
        setup.contender("mini-moka", systems::mini_moka(room)),
        setup.contender("lru", systems::lru(room)),
    ];
    if !matches!(case.kind, Kind::Insert) {
        // It would grow without end.
        contenders.push(setup.contender("dashmap", systems::Floor::default()));
    }
    Ok(Workload { operation: case.name(), operations: length as u64, contenders })
}

struct Setup {
    case: Case,
    requests: Requests,
    order: Vec<u64>,
}

impl Setup {
    fn contender<S: System>(&self, name: &'static str, system: S) -> Contender {
        for number in &self.order {
            system.insert(key(*number), *number);
        }
        let (system, requests, case) = (Arc::new(system), Arc::clone(&self.requests), self.case);
        let mut turns = 0;
        Contender::new(name, move |_| {
            turns += 1;
            Ok(Sample::from(turn(&*system, &requests, case, turns)))
        })
    }
}

/// How long the threads took, from the moment at which all of them began.
fn turn<S: System>(system: &S, requests: &[Vec<Key>], case: Case, turn: u64) -> Duration {
    let barrier = Barrier::new(requests.len());
    let work = |thread: usize| {
        barrier.wait();
        let start = Instant::now();
        match case.kind {
            Kind::Hit => {
                for key in &requests[thread] {
                    black_box(system.get(black_box(key)));
                }
            }
            Kind::Mix => {
                for (number, key) in requests[thread].iter().enumerate() {
                    if number % WRITES == 0 {
                        system.insert(*key, number as u64);
                    } else {
                        black_box(system.get(black_box(key)));
                    }
                }
            }
            Kind::Insert => {
                let first = (turn * requests.len() as u64 + thread as u64 + 1) << 32;
                (0..requests[thread].len() as u64).for_each(|number| system.insert(key(first + number), number));
            }
        }
        start.elapsed()
    };
    if requests.len() == 1 {
        return work(0);
    }
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..requests.len())
            .map(|thread| {
                scope.spawn({
                    let work = &work;
                    move || work(thread)
                })
            })
            .collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).max().unwrap_or_default()
    })
}
