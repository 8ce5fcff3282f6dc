//! Packages of peers, and their programs.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use memory_bench_peer::Request;
use serde_json::Value;

use super::Client;
use crate::InputError;

/// The peers there are: the name of a package is that of the crate in it.
pub(super) const NAMES: [&str; 2] = ["rusqlite", "do-memory-storage-turso"];
/// How long a peer may take for one request: the longest takes some seconds.
const DEADLINE: Duration = Duration::from_secs(120);

/// Where the packages of peers are. Each is built when it is needed first.
#[derive(Clone, Debug)]
pub struct Peers {
    pub(super) packages: PathBuf,
    pub(super) target: PathBuf,
    deadline: Duration,
    programs: Arc<Mutex<BTreeMap<String, PathBuf>>>,
}

impl Peers {
    /// The packages in the folder `packages`, to be built in the folder
    /// `target`. Their programs may take `deadline` for each request.
    pub fn new(packages: impl Into<PathBuf>, target: impl Into<PathBuf>, deadline: Duration) -> Self {
        Self { packages: packages.into(), target: target.into(), deadline, programs: Arc::default() }
    }

    /// This workspace's own, to be built inside its target directory.
    ///
    /// # Errors
    ///
    /// [`InputError`], where cargo does not say where that is.
    pub fn of_the_workspace() -> Result<Self> {
        let benches = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut metadata = cargo();
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(benches);
        let metadata: Value =
            serde_json::from_slice(&output(&mut metadata)?).context("read what cargo metadata says")?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        Ok(Self::new(benches.join("peers"), Path::new(target).join("peers"), DEADLINE))
    }

    /// The peers' names and the versions that their locks hold.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (String, String)> {
        NAMES.into_iter().filter_map(|name| {
            let lock = fs::read_to_string(self.packages.join(name).join("Cargo.lock")).ok()?;
            let (_, entry) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
            entry.split_once('"').map(|(version, _)| (name.to_owned(), version.to_owned()))
        })
    }

    /// Builds the program of a peer, unless that was done before.
    ///
    /// # Errors
    ///
    /// [`InputError`], where it cannot be built.
    pub(crate) fn build(&self, name: &str) -> Result<PathBuf> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(name) {
            return Ok(program.clone());
        }
        let package = self.packages.join(name);
        let mut build = cargo();
        build.args([
            "build",
            "--release",
            "--locked",
            "--message-format",
            "json-render-diagnostics",
            "--manifest-path",
        ]);
        build.arg(package.join("Cargo.toml")).arg("--target-dir").arg(&self.target);
        let messages = output(&mut build)
            .map_err(|error| InputError::new(format!("--peers: the peer `{name}` cannot be built: {error}")))?;
        let program = program(&messages)
            .ok_or_else(|| InputError::new(format!("--peers: {} has no program", package.display())))?;
        programs.insert(name.to_owned(), program.clone());
        Ok(program)
    }

    /// A client of a peer's program, which is built if need be, and started with
    /// the first call.
    ///
    /// # Errors
    ///
    /// [`InputError`], where it cannot be built.
    pub(crate) fn client(&self, name: &str, database: impl Into<String>, token: &str) -> Result<Client> {
        let open = Request::Open { database: database.into(), token: token.to_owned() };
        Ok(Client::new(self.build(name)?, open, self.deadline))
    }
}

/// The cargo that runs this, where one does.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What a command that is to succeed prints; what it complains about is seen at
/// once.
fn output(command: &mut Command) -> Result<Vec<u8>, InputError> {
    let shown = format!(
        "{} {}",
        command.get_program().display(),
        command.get_args().map(|word| word.display().to_string()).collect::<Vec<_>>().join(" ")
    );
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| InputError::new(format!("`{shown}` cannot be started: {error}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(InputError::new(format!("`{shown}` failed ({})", output.status)))
    }
}

/// The executable that cargo says it made.
fn program(messages: &[u8]) -> Option<PathBuf> {
    let messages = messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back()
}
