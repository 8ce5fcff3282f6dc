//! The parts of the bench.

use std::path::PathBuf;

use anyhow::Result;

use crate::report::Row;
use crate::{Progress, Trajectories, cache, local};

/// One part of the bench, which can be run by itself.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its name on the command line and in the report.
    pub name: &'static str,
    /// What it measures, in one line.
    pub about: &'static str,
    /// Measures it.
    pub run: fn(&Settings, &dyn Progress) -> Result<Vec<Row>>,
}

/// Every section, in the order in which they run.
pub const SECTIONS: &[Section] = &[local::SECTION, cache::COSTS, cache::RATIOS];

/// What all sections go by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What everything random is drawn from.
    pub seed: u64,
    /// How many rounds are measured.
    pub rounds: usize,
    /// How many small episodes queries have to search.
    pub population: usize,
    /// The episodes that are stored and read.
    pub trajectories: Trajectories,
    /// Traces of requests to run through caches, besides those that are drawn.
    pub traces: Vec<PathBuf>,
    /// Says how many bytes are allocated now, where that is counted.
    pub allocated: Option<fn() -> usize>,
}

impl Settings {
    /// What a full run goes by.
    pub const fn full(seed: u64, trajectories: Trajectories) -> Self {
        Self { seed, rounds: 31, population: 10_000, trajectories, traces: Vec::new(), allocated: None }
    }

    /// What a run of well under a minute goes by.
    pub const fn quick(seed: u64, trajectories: Trajectories) -> Self {
        Self { seed, rounds: 11, population: 2_000, trajectories, traces: Vec::new(), allocated: None }
    }

    /// Whether the run is to be a short one.
    pub(crate) const fn is_quick(&self) -> bool {
        self.population < 10_000
    }
}
