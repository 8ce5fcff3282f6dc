//! Ctrl-C while the bench runs, once and twice.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use memory_benches::{Report, Stopped};

/// Few and small, since a debug build is slow.
const TRAJECTORIES: &str = r#"[{"task_id": 1, "trial": 0, "reward": 1.0, "info": {}, "traj": [
    {"role": "user", "content": "Help."}, {"role": "assistant", "content": "Gladly."}]}]"#;

/// A running bench, killed with the test.
struct Running {
    child: Child,
    errors: BufReader<ChildStderr>,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["bench", "--quick", "--population", "100", "--rounds", "6"]).args(arguments);
        let trajectories = folder.join("trajectories.json");
        fs::write(&trajectories, TRAJECTORIES).unwrap();
        command.arg("--trajectories").arg(trajectories);
        command.arg("--json").arg(folder.join("results.json")).arg("--html").arg(folder.join("report.html"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self { child, errors }
    }

    /// Waits until it says this.
    fn wait_for(&mut self, words: &str) {
        let mut said = String::new();
        while !said.contains(words) {
            said.clear();
            assert!(self.errors.read_line(&mut said).unwrap() > 0, "it never said `{words}`");
        }
    }

    fn interrupt(&self) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Its exit code, and what it said at last.
    fn end(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.errors.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_interrupted_run_leaves_what_it_measured_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), &["--only", "local", "--only", "network", "--rtt", "20ms"]);
    running.wait_for("[2/2] network");
    running.interrupt();
    let (code, said) = running.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("Ctrl-C again") && said.contains("interrupted: "), "{said}");

    let json = fs::read_to_string(folder.path().join("results.json")).unwrap();
    let report: Report = serde_json::from_str(&json).unwrap();
    assert_eq!((report.complete, report.stopped), (false, Some(Stopped::Interrupt)));
    let sections: Vec<_> = report.sections.iter().map(|ran| (ran.name.as_str(), ran.complete)).collect();
    assert_eq!(sections, [("local", true), ("network", false)]);
    assert!(report.results.iter().any(|row| row.operation == "query_metadata/index" && row.time().is_some()));
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("The run was interrupted") && page.contains("query_metadata/index"));
}

#[test]
fn section_phase1_too_can_be_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let mut running = Running::start(folder.path(), &["--only", "local", "--only", "phase1"]);
    running.wait_for("[2/2] phase1");
    running.interrupt();
    let (code, said) = running.end();
    assert_eq!(code, Some(130), "{said}");
    let json = fs::read_to_string(folder.path().join("results.json")).unwrap();
    let report: Report = serde_json::from_str(&json).unwrap();
    let sections: Vec<_> = report.sections.iter().map(|ran| (ran.name.as_str(), ran.complete)).collect();
    assert_eq!(sections, [("local", true), ("phase1", false)]);
    assert!(report.results.iter().all(|row| row.section != "phase1"));
}

#[test]
fn a_second_interrupt_ends_it_at_once_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // Its first turn takes many seconds.
    let mut running = Running::start(folder.path(), &["--only", "network", "--rtt", "5s"]);
    running.wait_for("[1/1] network");
    running.interrupt();
    running.wait_for("Ctrl-C again");
    running.interrupt();
    let (code, said) = running.end();
    assert_eq!((code, said.as_str()), (Some(130), ""));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the trajectories");
}
