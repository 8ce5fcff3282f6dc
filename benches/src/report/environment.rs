//! Where and how a run took place.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};
use std::process::Command;

use memory_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::machine;
use crate::{Peers, Settings};

/// What the figures of a run depend on beside the code, and what names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// When the run began.
    pub date: Timestamp,
    /// The commit of the working tree, with `-dirty` after it where that held
    /// other changes. Absent outside of git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// How the run was asked for, without secrets. Absent where no command was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Cores that the process may use.
    pub cores: usize,
    /// The machine's memory in bytes, where the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The processor's name, where the system says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Operating system and processor: `linux x86_64`.
    pub platform: String,
    /// `release`, or `debug` where figures mean nothing.
    pub profile: String,
    /// The workspace's own version and those of what it is built with and on.
    pub versions: BTreeMap<String, String>,
    /// What everything random was drawn from.
    pub seed: u64,
    /// Rounds that were measured.
    pub rounds: usize,
    /// The round-trip time that was added to the network, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

impl Environment {
    /// This machine, this build, and now.
    pub fn here(settings: &Settings) -> Self {
        let mut versions = BTreeMap::from([("memory".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        for package in ["libsql", "turso_serverless", "moka", "quick_cache"] {
            versions.extend(locked(package).map(|version| (package.to_owned(), version)));
        }
        versions.extend(settings.peers.iter().flat_map(Peers::versions));
        versions.extend(rustc().map(|version| ("rustc".to_owned(), version)));
        Self {
            date: Timestamp::now(),
            commit: machine::commit(),
            command: None,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: machine::memory(),
            processor: machine::processor(),
            platform: format!("{OS} {ARCH}"),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            versions,
            seed: settings.seed,
            rounds: settings.rounds,
            rtt_ms: None,
        }
    }
}

/// The version of a dependency that this was built with.
fn locked(package: &str) -> Option<String> {
    let lock = include_str!("../../../Cargo.lock");
    let (_, entry) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    entry.split_once('"').map(|(version, _)| version.to_owned())
}

/// The compiler in use, which is the one this was built with when cargo runs it.
fn rustc() -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    version.split_whitespace().nth(1).map(str::to_owned)
}
