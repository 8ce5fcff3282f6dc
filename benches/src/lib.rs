#![doc = include_str!("../README.md")]
#![expect(clippy::cast_precision_loss, reason = "counts and bytes as reals, far below where an f64 skips integers")]

mod cache;
mod clients;
mod contender;
mod input;
mod libsql_row;
mod local;
mod metrics;
mod network;
mod peers;
mod phase1;
mod population;
mod progress;
pub mod report;
mod rounds;
mod row;
mod scale;
mod section;
pub mod statistics;
mod trajectories;

pub use cache::{CacheSettings, CountAllocated, Trace, cache_workloads};
pub use clients::ServerAddress;
pub use contender::{Contender, Sample, Traffic, timed};
pub use input::InputError;
pub use network::NetworkSettings;
pub use peers::Peers;
pub use phase1::{Phase1Settings, phase1_contenders};
pub use progress::Progress;
pub use report::{Ran, Report, Stopped};
pub use rounds::{Measured, Series, Workload, run};
pub use scale::ScaleSettings;
pub use section::{SECTIONS, Scope, Section, Settings};
pub use trajectories::{Oddities, Shape, Trajectories};

/// The program in the workspace's front page, so that it compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct WorkspaceReadme;
