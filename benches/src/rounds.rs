//! Contenders that run in interleaved rounds.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::statistics::MIN_ROUNDS;
use crate::{Contender, Progress, Sample, Traffic};

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
    /// One for each contender, in their order.
    pub series: Vec<Series>,
}

impl Measured {
    /// The figures of one system.
    pub fn of(&self, system: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.system == system)
    }

    /// The figures of one system at one operation of several.
    pub fn at(&self, operation: &str, system: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.operation == operation && series.system == system)
    }
}

/// The figures of one contender.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Its name.
    pub system: &'static str,
    /// What it did.
    pub operation: String,
    /// How often it did that in a round.
    pub operations: u64,
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
    let mut series: Vec<_> = workload.contenders.iter().map(|contender| Series::new(contender, workload)).collect();
    let mut left = vec![rounds; series.len()];
    let mut order: Vec<_> = (0..series.len()).collect();
    for round in 0..=rounds {
        random.shuffle(&mut order);
        for &turn in &order {
            if progress.is_cancelled() {
                return Ok(None);
            }
            let Series { system, operation, operations, .. } = &series[turn];
            let (system, operations) = (*system, *operations);
            let name = format!("{operation} {system}");
            progress.step(&name);
            if round > 0 && left[turn] == 0 {
                continue;
            }
            let start = Instant::now();
            let contender = &mut workload.contenders[turn];
            let once = contender.once;
            match contender.operate(operations) {
                Ok(sample) if round > 0 => {
                    left[turn] -= 1;
                    series[turn].add(&sample);
                }
                Ok(sample) => {
                    left[turn] = if once { 0 } else { workload.turns(start.elapsed(), rounds) };
                    if left[turn] == 0 {
                        series[turn].add(&sample);
                        if !once {
                            series[turn].explain("one round only, since it takes so long");
                        }
                    }
                }
                Err(error) if contender.peer => {
                    left[turn] = 0;
                    let failed = &mut series[turn];
                    (failed.seconds, failed.traffic) = (Vec::new(), None);
                    failed.reason = Some(format!("{error:#}"));
                }
                Err(error) => return Err(error.context(name)),
            }
        }
    }
    Ok(Some(Measured { operation: workload.operation.clone(), series }))
}

impl Series {
    fn new(contender: &Contender, workload: &Workload) -> Self {
        Self {
            system: contender.system,
            operation: contender.operation.as_ref().unwrap_or(&workload.operation).clone(),
            operations: contender.operations.unwrap_or(workload.operations),
            reason: contender.note.clone(),
            ..Self::default()
        }
    }

    /// These figures as those of so many times the work, under another name.
    pub fn scaled(&self, operation: &str, times: u64) -> Self {
        let scale = |traffic: Traffic| Traffic {
            round_trips: traffic.round_trips * times,
            connections: traffic.connections.map(|count| count * times),
            bytes_up: traffic.bytes_up.map(|count| count * times),
            bytes_down: traffic.bytes_down.map(|count| count * times),
        };
        Self {
            operation: operation.to_owned(),
            seconds: self.seconds.iter().map(|seconds| seconds * times as f64).collect(),
            traffic: self.traffic.map(scale),
            ..self.clone()
        }
    }

    /// Round trips of one operation, where they were counted.
    pub fn round_trips_per_operation(&self) -> Option<f64> {
        let all = self.operations as f64 * self.seconds.len() as f64;
        self.traffic.filter(|_| all > 0.0).map(|traffic| traffic.round_trips as f64 / all)
    }

    fn explain(&mut self, what: &str) {
        self.reason = Some(self.reason.take().map_or_else(|| what.to_owned(), |reason| format!("{reason}; {what}")));
    }

    fn add(&mut self, sample: &Sample) {
        self.seconds.push(sample.elapsed.as_secs_f64() / self.operations as f64);
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
    fn one_workload_has_contenders_at_several_operations() {
        let second = |operations| Ok(Duration::from_secs(operations).into());
        let twice = |operations| Ok(Duration::from_secs(2 * operations).into());
        let contenders =
            vec![Contender::new("ours", second), Contender::new("ours", twice).operation("store").times(50)];
        let measured = run(&mut [Workload::new("get", 1, contenders)], 6, 0, &()).unwrap().remove(0);
        let (get, store) = (measured.at("get", "ours").unwrap(), measured.at("store", "ours").unwrap());
        assert_eq!((get.operations, &get.seconds), (1, &vec![1.0; 6]));
        assert_eq!((store.operations, &store.seconds), (50, &vec![2.0; 6]));
        assert!(measured.at("store", "theirs").is_none());
        let hundred = store.scaled("store/100", 100);
        assert_eq!((hundred.operation.as_str(), hundred.seconds), ("store/100", vec![200.0; 6]));
    }

    #[test]
    fn who_has_one_turn_has_no_other() {
        let turns = Rc::new(RefCell::new(0));
        let counted = Rc::clone(&turns);
        let contender = Contender::new("ours", move |_| {
            *counted.borrow_mut() += 1;
            Ok(Duration::from_secs(1).into())
        });
        let measured = run(&mut [Workload::new("get", 1, vec![contender.once()])], 6, 0, &()).unwrap().remove(0);
        assert_eq!((turns.take(), &measured.series[0].seconds), (1, &vec![1.0]));
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
