//! The parts of the bench.

use anyhow::Result;

use crate::report::Row;
use crate::{
    CacheSettings, NetworkSettings, Peers, Phase1Settings, Progress, ScaleSettings, Trajectories, cache, local,
    metrics, network, phase1, scale,
};

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
pub const SECTIONS: &[Section] =
    &[local::SECTION, network::SECTION, cache::COSTS, cache::RATIOS, metrics::SECTION, phase1::SECTION, scale::SECTION];

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All sections in under a minute, to see that they run.
    Quick,
    /// All sections in under ten minutes.
    Default,
    /// As much as there is, however long it takes.
    Full,
}

/// What all sections go by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How much is measured.
    pub scope: Scope,
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
    /// What the section `phase1` goes by beside.
    pub phase1: Phase1Settings,
    /// What the section `scale` goes by beside.
    pub scale: ScaleSettings,
    /// What the sections `cache` and `cache_ratio` go by beside.
    pub cache: CacheSettings,
    /// The peers in processes of their own, where they are to take part.
    pub peers: Option<Peers>,
}

impl Settings {
    /// What a run of this scope goes by.
    pub fn new(scope: Scope, seed: u64, trajectories: Trajectories) -> Self {
        let (rounds, population) = match scope {
            Scope::Quick => (11, 2_000),
            Scope::Default | Scope::Full => (31, 10_000),
        };
        let (network, cache, phase1) =
            (NetworkSettings::new(scope), CacheSettings::new(scope), Phase1Settings::new(scope));
        Self {
            scope,
            seed,
            rounds,
            population,
            trajectories,
            network,
            cache,
            phase1,
            scale: ScaleSettings::new(scope),
            peers: None,
        }
    }
}
