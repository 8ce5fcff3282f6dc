//! Who does operations, and what a turn of it comes to.

use std::fmt;
use std::ops::AddAssign;
use std::time::{Duration, Instant};

use anyhow::Result;

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

impl AddAssign for Sample {
    fn add_assign(&mut self, other: Self) {
        self.elapsed += other.elapsed;
        if let Some(traffic) = other.traffic {
            *self.traffic.get_or_insert_default() += traffic;
        }
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
    pub(crate) operation: Option<String>,
    pub(crate) operations: Option<u64>,
    pub(crate) once: bool,
    pub(crate) peer: bool,
    pub(crate) note: Option<String>,
}

impl Contender {
    /// A contender that does the operation so many times and says how long
    /// that took; what it sets up for them is outside its clock.
    pub fn new(system: &'static str, operate: impl FnMut(u64) -> Result<Sample> + 'static) -> Self {
        Self {
            system,
            operate: Box::new(operate),
            operation: None,
            operations: None,
            once: false,
            peer: false,
            note: None,
        }
    }

    /// Does an operation of this name, where a workload has several.
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Does its operation so many times in a round, and not as often as the
    /// workload says.
    pub fn times(mut self, operations: u64) -> Self {
        self.operations = Some(operations);
        self
    }

    /// Somebody else's: its first error is a finding, after which it rests, and
    /// does not end the run.
    pub fn peer(mut self) -> Self {
        self.peer = true;
        self
    }

    /// Has one turn, whatever the number of rounds: enough to see that it runs,
    /// and for what it counts.
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }

    /// The same for another system than ours.
    pub(crate) fn once_if_peer(self) -> Self {
        if self.peer { self.once() } else { self }
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
