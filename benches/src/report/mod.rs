#![doc = include_str!("../../SCHEMA.md")]

mod environment;
mod row;
mod table;

use serde::{Deserialize, Serialize};

use crate::{Settings, Shape};

pub use environment::Environment;
pub use row::{Promise, Row, Unit};
pub use table::table;

/// The version of the JSON's schema; raised when a field changes its meaning
/// or goes, not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything a run found out, as it stands in the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`]
    pub schema_version: u32,
    /// Where and how it ran.
    pub environment: Environment,
    /// What it ran on.
    pub input: Input,
    /// What it found.
    pub results: Vec<Row>,
}

/// What a run worked on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Where the episodes come from: a path, or `generated`.
    pub source: String,
    /// How many small generated episodes queries had to search.
    pub population: usize,
    /// The sizes of the episodes.
    #[serde(flatten)]
    pub shape: Shape,
}

impl Report {
    /// The report of a run by these settings.
    pub fn new(settings: &Settings, results: Vec<Row>) -> Self {
        let input = Input {
            source: settings.trajectories.source.clone(),
            population: settings.population,
            shape: settings.trajectories.shape.clone(),
        };
        // Only where a network was simulated.
        let through_the_lab = results.iter().any(|row| row.section == "network") && settings.network.server.is_none();
        let rtt = through_the_lab.then_some(settings.network.rtt);
        Self { schema_version: SCHEMA_VERSION, environment: Environment::here(settings, rtt), input, results }
    }
}
