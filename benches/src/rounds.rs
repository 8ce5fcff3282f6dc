//! Contenders that run in interleaved rounds.

use std::fmt;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::Progress;
use crate::statistics::MIN_ROUNDS;

/// What one contender did in one round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// How long the operations took, without what was set up for them.
    pub elapsed: Duration,
    /// What they sent and received, where that was counted.
    pub traffic: Option<Traffic>,
}

impl From<Duration> for Sample {
    fn from(elapsed: Duration) -> Self {
        Self { elapsed, traffic: None }
    }
}

/// What operations sent and received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How often something was sent and its answer awaited: requests, and what
    /// it took to open connections.
    pub round_trips: u64,
    /// Connections that were opened, where that was seen.
    pub connections: Option<u64>,
    /// Bytes sent, the same.
    pub bytes_up: Option<u64>,
    /// Bytes received, the same.
    pub bytes_down: Option<u64>,
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            *sum = more.map(|more| sum.unwrap_or(0) + more).or(*sum);
        };
        self.round_trips += other.round_trips;
        add(&mut self.connections, other.connections);
        add(&mut self.bytes_up, other.bytes_up);
        add(&mut self.bytes_down, other.bytes_down);
    }
}

/// Does an operation so many times under the clock, by its number, after a
/// tenth as many outside it: another contender had the caches before, and
/// threads may have gone to sleep. The numbers of the first continue those of
/// the latter, so that no operation is done twice.
///
/// # Errors
///
/// The first error of `operate`, which ends the turn.
pub async fn timed(operations: u64, mut operate: impl AsyncFnMut(u64) -> Result<()>) -> Result<Sample> {
    let before = unclocked(operations);
    for number in 0..before {
        operate(number).await?;
    }
    let start = Instant::now();
    for number in before..before + operations {
        operate(number).await?;
    }
    Ok(start.elapsed().into())
}

/// How many operations [`timed`] does outside the clock.
pub(crate) const fn unclocked(operations: u64) -> u64 {
    operations.div_ceil(10)
}

type Operate = Box<dyn FnMut(u64) -> Result<Sample>>;

/// One way to do an operation.
pub struct Contender {
    /// Its name in the report.
    pub system: &'static str,
    operate: Operate,
    peer: bool,
    note: Option<String>,
}

impl Contender {
    /// A contender that does the operation so many times and says how long
    /// that took; what it sets up for them is outside its clock.
    pub fn new(system: &'static str, operate: impl FnMut(u64) -> Result<Sample> + 'static) -> Self {
        Self { system, operate: Box::new(operate), peer: false, note: None }
    }

    /// Somebody else's: its first error is a finding, after which it rests, and
    /// does not end the run.
    pub fn peer(mut self) -> Self {
        self.peer = true;
        self
    }

    /// What to know about its figures.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Does the operation so many times.
    ///
    /// # Errors
    ///
    /// The contender's own, of which the first ends the run.
    pub fn operate(&mut self, operations: u64) -> Result<Sample> {
        (self.operate)(operations)
    }
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contender").field("system", &self.system).finish_non_exhaustive()
    }
}

/// An operation and the contenders that do it.
#[derive(Debug)]
pub struct Workload {
    /// Its name in the report.
    pub operation: String,
    /// How often each contender does it in a round.
    pub operations: u64,
    /// Who does it.
    pub contenders: Vec<Contender>,
    /// How long a contender's turns may take together, as its first tells.
    /// Where fewer fit than an interval needs, that one is all there is.
    pub budget: Option<Duration>,
}

impl Workload {
    /// A workload in which everybody has a turn in every round.
    pub fn new(operation: impl Into<String>, operations: u64, contenders: Vec<Contender>) -> Self {
        Self { operation: operation.into(), operations, contenders, budget: None }
    }

    /// How many more turns a contender has that took so long for its first, at
    /// most `rounds`.
    fn turns(&self, first: Duration, rounds: usize) -> usize {
        let fit = |budget: Duration| budget.div_duration_f64(first.max(Duration::from_nanos(1))) - 1.0;
        match self.budget.map(fit) {
            Some(fit) if fit < MIN_ROUNDS as f64 => 0,
            Some(fit) if fit < rounds as f64 => (MIN_ROUNDS..rounds).rfind(|turns| *turns as f64 <= fit).unwrap_or(0),
            _ => rounds,
        }
    }
}

/// The figures of a workload.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The workload's name.
    pub operation: String,
    /// How often each contender did it in a round.
    pub operations: u64,
    /// One for each contender, in their order.
    pub series: Vec<Series>,
}

impl Measured {
    /// The figures of one system.
    pub fn of(&self, system: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.system == system)
    }
}

/// The figures of one contender.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name.
    pub system: &'static str,
    /// Seconds for one operation, by round. None, where it failed.
    pub seconds: Vec<f64>,
    /// What all rounds sent and received together.
    pub traffic: Option<Traffic>,
    /// Why there are no figures, or what to know about them.
    pub reason: Option<String>,
}

/// Runs workloads one after the other, each in `rounds` rounds after one that
/// does not count; in every round each contender has a turn, in an order drawn
/// by `seed`. Where the run is cancelled, the workload at hand is given up, and
/// the figures of those before it are all there are.
///
/// # Errors
///
/// The first error of a contender that is no [peer](Contender::peer), with its
/// name and the operation's.
pub fn run(workloads: &mut [Workload], rounds: usize, seed: u64, progress: &dyn Progress) -> Result<Vec<Measured>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let turns = workloads.iter().map(|workload| workload.contenders.len() as u64).sum::<u64>();
    progress.plan(turns * (rounds as u64 + 1));
    let measured = workloads.iter_mut().map(|workload| measure(workload, rounds, &mut random, progress));
    measured.map(Result::transpose).map_while(|measured| measured).collect()
}

/// The figures of a workload; none, where the run is cancelled before its end.
fn measure(
    workload: &mut Workload,
    rounds: usize,
    random: &mut fastrand::Rng,
    progress: &dyn Progress,
) -> Result<Option<Measured>> {
    let (operation, operations) = (workload.operation.clone(), workload.operations);
    let mut series: Vec<_> = workload.contenders.iter().map(Series::new).collect();
    let mut left = vec![rounds; series.len()];
    let mut order: Vec<_> = (0..series.len()).collect();
    for round in 0..=rounds {
        random.shuffle(&mut order);
        for &turn in &order {
            if progress.is_cancelled() {
                return Ok(None);
            }
            progress.step(&format!("{operation} {}", series[turn].system));
            if round > 0 && left[turn] == 0 {
                continue;
            }
            let start = Instant::now();
            let contender = &mut workload.contenders[turn];
            match contender.operate(operations) {
                Ok(sample) if round > 0 => {
                    left[turn] -= 1;
                    series[turn].add(&sample, operations);
                }
                Ok(sample) => {
                    left[turn] = workload.turns(start.elapsed(), rounds);
                    if left[turn] == 0 {
                        series[turn].add(&sample, operations);
                        series[turn].explain("one round only, since it takes so long");
                    }
                }
                Err(error) if contender.peer => {
                    left[turn] = 0;
                    series[turn] = Series { reason: Some(format!("{error:#}")), ..Series::new(contender) };
                }
                Err(error) => return Err(error.context(format!("{operation} {}", contender.system))),
            }
        }
    }
    Ok(Some(Measured { operation, operations, series }))
}

impl Series {
    fn new(contender: &Contender) -> Self {
        Self { system: contender.system, seconds: Vec::new(), traffic: None, reason: contender.note.clone() }
    }

    fn explain(&mut self, what: &str) {
        self.reason = Some(self.reason.take().map_or_else(|| what.to_owned(), |reason| format!("{reason}; {what}")));
    }

    fn add(&mut self, sample: &Sample, operations: u64) {
        self.seconds.push(sample.elapsed.as_secs_f64() / operations as f64);
        if let Some(traffic) = sample.traffic {
            *self.traffic.get_or_insert_default() += traffic;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use super::*;

    fn log_of(seed: u64, rounds: usize) -> (Vec<&'static str>, Vec<Measured>) {
        let log = Rc::new(RefCell::new(Vec::new()));
        let contenders = ["a", "b", "c"].map(|system| {
            let log = Rc::clone(&log);
            Contender::new(system, move |operations| {
                log.borrow_mut().push(system);
                let traffic = Some(Traffic { round_trips: operations, ..Traffic::default() });
                Ok(Sample { elapsed: Duration::from_secs(operations), traffic })
            })
        });
        let mut workloads = [Workload::new("op", 4, contenders.into())];
        let measured = run(&mut workloads, rounds, seed, &()).unwrap();
        (log.take(), measured)
    }

    #[test]
    fn every_round_is_one_turn_each_in_an_order_that_changes() {
        let (log, measured) = log_of(1, 20);
        let rounds: Vec<_> = log.chunks(3).collect();
        assert_eq!(rounds.len(), 21);
        for round in &rounds {
            let mut round = round.to_vec();
            round.sort_unstable();
            assert_eq!(round, ["a", "b", "c"]);
        }
        assert!(rounds.windows(2).any(|pair| pair[0] != pair[1]));
        assert_eq!(log, log_of(1, 20).0);
        assert_ne!(log, log_of(2, 20).0);
        assert_eq!(measured[0].of("b").unwrap().seconds, vec![1.0; 20]);
        assert_eq!(measured[0].of("b").unwrap().traffic.unwrap().round_trips, 80);
    }

    /// Cancels the run after so many steps.
    struct Until(Cell<u64>);

    impl Progress for Until {
        fn plan(&self, _steps: u64) {}

        fn step(&self, _what: &str) {
            self.0.set(self.0.get() - 1);
        }

        fn is_cancelled(&self) -> bool {
            self.0.get() == 0
        }
    }

    #[test]
    fn a_cancelled_run_has_the_workloads_that_were_done() {
        let workload = |name| {
            let contender = |system| Contender::new(system, |_| Ok(Duration::from_secs(1).into()));
            Workload::new(name, 1, vec![contender("a"), contender("b")])
        };
        let done_after = |steps| {
            let mut workloads = ["one", "two", "three"].map(workload);
            let measured = run(&mut workloads, 6, 0, &Until(Cell::new(steps))).unwrap();
            let rounds = measured.iter().flat_map(|measured| &measured.series).map(|series| series.seconds.len());
            assert!(rounds.into_iter().all(|rounds| rounds == 6));
            measured.into_iter().map(|measured| measured.operation).collect::<Vec<_>>()
        };
        assert_eq!(done_after(0), [""; 0]);
        assert_eq!(done_after(14), ["one"]);
        assert_eq!(done_after(27), ["one"]);
        assert_eq!(done_after(42), ["one", "two", "three"]);
    }

    #[test]
    fn a_failure_names_the_operation_and_the_contender() {
        let contenders = vec![Contender::new("ours", |_| anyhow::bail!("disk full"))];
        let mut workloads = [Workload::new("store", 1, contenders)];
        let error = run(&mut workloads, 6, 0, &()).unwrap_err();
        assert_eq!(format!("{error:#}"), "store ours: disk full");
    }

    #[test]
    fn a_peer_that_fails_gives_a_reason_and_the_others_go_on() {
        let contenders = vec![
            Contender::new("ours", |_| Ok(Duration::from_secs(1).into())),
            Contender::new("theirs", |_| anyhow::bail!("stream expired")).peer().note("with care"),
        ];
        let measured = run(&mut [Workload::new("store", 1, contenders)], 6, 0, &()).unwrap();
        assert_eq!(measured[0].of("ours").unwrap().seconds.len(), 6);
        let theirs = measured[0].of("theirs").unwrap();
        assert_eq!((theirs.seconds.len(), theirs.reason.as_deref()), (0, Some("stream expired")));
    }

    #[test]
    fn whoever_is_slow_has_fewer_turns_but_enough_for_an_interval_or_one() {
        let workload = Workload { budget: Some(Duration::from_secs(10)), ..Workload::new("store", 1, Vec::new()) };
        let turns = [0.0, 0.1, 1.0, 1.4, 1.5, 20.0].map(|first| workload.turns(Duration::from_secs_f64(first), 31));
        assert_eq!(turns, [31, 31, 9, 6, 0, 0]);
        assert_eq!(Workload::new("store", 1, Vec::new()).turns(Duration::from_secs(99), 31), 31);
        // One that is over before it began has its first turn counted.
        let contenders = vec![Contender::new("theirs", |_| Ok(Duration::from_secs(3).into())).note("a note")];
        let mut workloads = [Workload { budget: Some(Duration::ZERO), ..Workload::new("store", 1, contenders) }];
        let series = run(&mut workloads, 6, 0, &()).unwrap().remove(0).series.remove(0);
        assert_eq!((series.seconds, series.reason.unwrap().starts_with("a note; one round")), (vec![3.0], true));
    }
}
