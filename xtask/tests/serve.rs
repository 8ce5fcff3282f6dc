//! `cargo xtask serve`, as people and programs use it.
#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Stdio};

use memory_core::{Episode, MemoryStorageExt, TaskContext, TaskType};
use memory_storage_turso::TursoStorage;

fn serve(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("serve").args(arguments);
    command
}

/// A running lab, killed with the test.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = serve(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut url = String::new();
        output.read_line(&mut url).unwrap();
        Self { child, output, url: url.trim_end().to_owned() }
    }

    /// Interrupts it as Ctrl-C does, and returns its exit code and what it said at last.
    #[cfg(unix)]
    fn interrupt(mut self) -> (Option<i32>, String) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
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

/// The one line that a refused command prints.
fn refusal(arguments: &[&str]) -> String {
    let output = serve(arguments).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert_eq!((message.lines().count(), output.stdout.len()), (1, 0), "{message}");
    message
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_until_it_is_interrupted_and_keeps_what_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let path = path.to_str().unwrap();
    let arguments = ["--rtt", "1ms", "--tls-rtts", "1", "--bandwidth", "100000000", "--token", "s3cret", "--db", path];
    let lab = Running::start(&arguments);
    assert!(TursoStorage::new(&lab.url, "another").await.is_err());
    let storage = TursoStorage::new(&lab.url, "s3cret").await.unwrap();
    storage.initialize_schema().await.unwrap();
    let episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
    storage.store_episode(&episode).await.unwrap();
    let (code, rest) = lab.interrupt();
    assert_eq!(code, Some(0), "{rest}");
    assert!(rest.contains(path) && rest.contains("2 connections, 4 requests"), "{rest}");
    assert!(!rest.contains("s3cret"), "{rest}");

    let lab = Running::start(&["--db", path]);
    let storage = TursoStorage::new(&lab.url, "").await.unwrap();
    assert_eq!(storage.get_episode(episode.id).await.unwrap().as_deref(), Some(&episode));
    assert_eq!(lab.interrupt().0, Some(0));
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert!(refusal(&["--port", &port]).contains(&format!("--port {port}")));
    let nowhere = folder.path().join("no such folder").join("memory.db");
    assert!(refusal(&["--db", nowhere.to_str().unwrap()]).contains(nowhere.to_str().unwrap()));
    assert!(refusal(&["--db", folder.path().to_str().unwrap()]).contains("--db"));
    assert!(refusal(&["--rtt", "soon"]).contains("--rtt: `soon`"));
}
