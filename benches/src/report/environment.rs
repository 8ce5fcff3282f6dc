//! Where and how a run took place.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Peers, Settings};

/// What the figures of a run depend on beside the code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Cores that the process may use.
    pub cores: usize,
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
    /// This machine and this build, and the round-trip time that was simulated.
    pub fn here(settings: &Settings, rtt: Option<Duration>) -> Self {
        let mut versions = BTreeMap::from([("memory".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]);
        for package in ["libsql", "turso_serverless"] {
            versions.extend(locked(package).map(|version| (package.to_owned(), version)));
        }
        versions.extend(settings.peers.iter().flat_map(Peers::versions));
        versions.extend(rustc().map(|version| ("rustc".to_owned(), version)));
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            versions,
            seed: settings.seed,
            rounds: settings.rounds,
            rtt_ms: rtt.map(|rtt| rtt.as_secs_f64() * 1e3),
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
