#![doc = include_str!("../README.md")]
#![expect(clippy::cast_precision_loss, reason = "counts and bytes as reals, far below where an f64 skips integers")]

mod cache;
mod input;
mod libsql_row;
mod local;
mod metrics;
mod network;
mod peers;
mod population;
mod progress;
pub mod report;
mod rounds;
mod row;
mod section;
pub mod statistics;
mod trajectories;

pub use cache::{CacheSettings, CountAllocated, Trace, cache_workloads};
pub use input::InputError;
pub use network::{NetworkSettings, ServerAddress};
pub use peers::Peers;
pub use progress::Progress;
pub use report::{Ran, Report, Stopped};
pub use rounds::{Contender, Measured, Sample, Series, Traffic, Workload, run, timed};
pub use section::{SECTIONS, Scope, Section, Settings};
pub use trajectories::{Shape, Trajectories};

/// The program in the workspace's front page, so that it compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct WorkspaceReadme;
