//! The parts of the bench.

use anyhow::Result;

use crate::report::Row;
use crate::{NetworkSettings, Progress, Trajectories, local, network};

/// One part of the bench, which can be run by itself.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Its name on the command line and in the report.
    pub name: &'static str,
    /// What it measures, in one line.
    pub about: &'static str,
    /// Finds out, before anything is measured, whether what the user gave can
    /// be used.
    pub check: fn(&Settings) -> Result<()>,
    /// What it runs on, in one line.
    pub describe: fn(&Settings) -> String,
    /// Measures it.
    pub run: fn(&Settings, &dyn Progress) -> Result<Vec<Row>>,
}

/// Every section, in the order in which they run.
pub const SECTIONS: &[Section] = &[local::SECTION, network::SECTION];

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
    /// What the section `network` goes by beside.
    pub network: NetworkSettings,
}

impl Settings {
    /// What a full run goes by.
    pub const fn full(seed: u64, trajectories: Trajectories) -> Self {
        Self { seed, rounds: 31, population: 10_000, trajectories, network: NetworkSettings::full() }
    }

    /// What a run of well under a minute goes by.
    pub fn quick(seed: u64, trajectories: Trajectories) -> Self {
        Self { seed, rounds: 11, population: 2_000, trajectories, network: NetworkSettings::quick() }
    }
}
