#![doc = include_str!("../../SCHEMA.md")]

mod environment;
mod html;
mod machine;
mod row;
#[cfg(test)]
mod schema_tests;
mod table;

use serde::{Deserialize, Serialize};

use crate::{Section, Settings, Shape};

pub use environment::Environment;
pub use html::html;
pub use row::{Row, Unit};
pub use table::table;

/// The version of the JSON's schema; raised when a field changes its meaning
/// or goes, not when one is added.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything a run found out, as it stands in the JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`]
    pub schema_version: u32,
    /// Whether everything was measured that was asked for.
    pub complete: bool,
    /// What ended the run before it was complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<Stopped>,
    /// Where and how it ran.
    pub environment: Environment,
    /// What it ran on.
    pub input: Input,
    /// The sections that were measured, or begun.
    pub sections: Vec<Ran>,
    /// What it found.
    pub results: Vec<Row>,
}

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "message", rename_all = "lowercase")]
pub enum Stopped {
    /// Somebody pressed Ctrl-C.
    Interrupt,
    /// A measurement failed, and how.
    Failure(String),
}

/// A section that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// Its name.
    pub name: String,
    /// What it measures, in one line.
    pub about: String,
    /// What it ran on, in one line.
    pub on: String,
    /// How long that took, in seconds.
    pub seconds: f64,
    /// Whether it ran to its end.
    pub complete: bool,
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
    /// The report of a run by these settings that found this much so far.
    pub fn new(settings: &Settings, results: Vec<Row>) -> Self {
        let input = Input {
            source: settings.trajectories.source.clone(),
            population: settings.population,
            shape: settings.trajectories.shape.clone(),
        };
        let mut report = Self {
            schema_version: SCHEMA_VERSION,
            complete: true,
            stopped: None,
            environment: Environment::here(settings),
            input,
            sections: Vec::new(),
            results: Vec::new(),
        };
        report.add(settings, results);
        report
    }

    /// Adds what was found since.
    pub fn add(&mut self, settings: &Settings, rows: Vec<Row>) {
        self.results.extend(rows);
        // Only where a network was simulated.
        let through_the_lab =
            self.results.iter().any(|row| row.section == "network") && settings.network.server.is_none();
        self.environment.rtt_ms = through_the_lab.then_some(settings.network.rtt.as_secs_f64() * 1e3);
    }

    /// Says that the run ended early, and why.
    pub fn stop(&mut self, by: Stopped) {
        self.complete = false;
        self.stopped = Some(by);
    }
}

impl Ran {
    /// This section, measured by these settings.
    pub fn new(section: &Section, settings: &Settings, seconds: f64, complete: bool) -> Self {
        Self {
            name: section.name.to_owned(),
            about: section.about.to_owned(),
            on: (section.describe)(settings),
            seconds: crate::statistics::significant(seconds, 3),
            complete,
        }
    }
}
