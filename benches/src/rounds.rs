//! Contenders that run in interleaved rounds.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::Progress;

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
    /// Requests that were answered.
    pub round_trips: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Bytes sent.
    pub bytes_up: u64,
    /// Bytes received.
    pub bytes_down: u64,
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
}

impl Contender {
    /// A contender that does the operation so many times and says how long
    /// that took; what it sets up for them is outside its clock.
    pub fn new(system: &'static str, operate: impl FnMut(u64) -> Result<Sample> + 'static) -> Self {
        Self { system, operate: Box::new(operate) }
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
    /// Seconds for one operation, by round.
    pub seconds: Vec<f64>,
    /// What all rounds sent and received together.
    pub traffic: Option<Traffic>,
}

/// Runs workloads one after the other, each in `rounds` rounds after one that
/// does not count; in every round each contender has a turn, in an order drawn
/// by `seed`.
///
/// # Errors
///
/// The first error of a contender, with its name and the operation's.
pub fn run(workloads: &mut [Workload], rounds: usize, seed: u64, progress: &dyn Progress) -> Result<Vec<Measured>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let turns = workloads.iter().map(|workload| workload.contenders.len() as u64).sum::<u64>();
    progress.plan(turns * (rounds as u64 + 1));
    workloads.iter_mut().map(|workload| measure(workload, rounds, &mut random, progress)).collect()
}

fn measure(
    workload: &mut Workload,
    rounds: usize,
    random: &mut fastrand::Rng,
    progress: &dyn Progress,
) -> Result<Measured> {
    let Workload { operation, operations, contenders } = workload;
    let series = contenders.iter().map(|contender| Series {
        system: contender.system,
        seconds: Vec::with_capacity(rounds),
        traffic: None,
    });
    let mut series: Vec<_> = series.collect();
    let mut order: Vec<_> = (0..contenders.len()).collect();
    for round in 0..=rounds {
        random.shuffle(&mut order);
        for &turn in &order {
            let contender = &mut contenders[turn];
            progress.step(&format!("{operation} {}", contender.system));
            let sample = contender.operate(*operations).with_context(|| format!("{operation} {}", contender.system))?;
            if round > 0 {
                series[turn].add(&sample, *operations);
            }
        }
    }
    Ok(Measured { operation: operation.clone(), operations: *operations, series })
}

impl Series {
    fn add(&mut self, sample: &Sample, operations: u64) {
        self.seconds.push(sample.elapsed.as_secs_f64() / operations as f64);
        if let Some(traffic) = &sample.traffic {
            let sum = self.traffic.get_or_insert_default();
            sum.round_trips += traffic.round_trips;
            sum.connections += traffic.connections;
            sum.bytes_up += traffic.bytes_up;
            sum.bytes_down += traffic.bytes_down;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
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
        let mut workloads = [Workload { operation: "op".to_owned(), operations: 4, contenders: contenders.into() }];
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

    #[test]
    fn a_failure_names_the_operation_and_the_contender() {
        let contenders = vec![Contender::new("ours", |_| anyhow::bail!("disk full"))];
        let mut workloads = [Workload { operation: "store".to_owned(), operations: 1, contenders }];
        let error = run(&mut workloads, 6, 0, &()).unwrap_err();
        assert_eq!(format!("{error:#}"), "store ours: disk full");
    }
}
