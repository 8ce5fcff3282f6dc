//! A program at the other end of a pipe.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use memory_bench_peer::{Reply, Request};

/// The longest reply, in bytes: a hundred large episodes are a hundredth of it.
const MAX_REPLY: u64 = 256 << 20;
/// How much of what a program complains about is remembered, in bytes.
const MAX_COMPLAINT: usize = 4 << 10;
/// The longest reason, in characters.
const MAX_REASON: usize = 300;

/// A program that is asked and answers, line by line. It ends with this.
///
/// Threads of their own write, read and listen to complaints, so that whatever
/// the program does, nobody waits for it beyond the deadline.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    requests: Sender<Vec<u8>>,
    replies: Receiver<Vec<u8>>,
    complaint: Receiver<String>,
    deadline: Duration,
}

impl Process {
    /// Starts the program, which may take so long for each answer.
    ///
    /// # Errors
    ///
    /// Where it cannot be started.
    pub(super) fn start(program: &Path, deadline: Duration) -> Result<Self> {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let (requests, to_write) = channel();
        let (read, replies) = channel();
        let (complain, complaint) = channel();
        if let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        {
            thread::spawn(move || write(stdin, &to_write));
            thread::spawn(move || self::read(stdout, &read));
            // Nobody asks for complaints any more where the receiver is gone.
            thread::spawn(move || complain.send(listen(stderr)));
        }
        Ok(Self { child, requests, replies, complaint, deadline })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    ///
    /// Where there is none, or none that can be understood. The program is then
    /// of no more use.
    pub(super) fn ask(&mut self, request: &Request) -> Result<Reply> {
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        // Where nobody writes any more, nobody answers either, and why is found out below.
        let _ = self.requests.send(line);
        match self.replies.recv_timeout(self.deadline) {
            Ok(line) => serde_json::from_slice(&line).map_err(|_| {
                anyhow!("it answered with what is no reply: {}", one_line(&String::from_utf8_lossy(&line)))
            }),
            Err(RecvTimeoutError::Timeout) => bail!("no answer within {:?}", self.deadline),
            Err(RecvTimeoutError::Disconnected) => Err(self.obituary()),
        }
    }

    /// How it ended, and its last words.
    fn obituary(&mut self) -> anyhow::Error {
        // These end with the program, so that it has a status of its own by then.
        let words = self.complaint.recv_timeout(self.deadline).unwrap_or_default();
        let _ = self.child.kill();
        let status = self.child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
        let words = one_line(&words);
        if words.is_empty() { anyhow!("it ended ({status})") } else { anyhow!("it ended ({status}): {words}") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write(mut stdin: ChildStdin, requests: &Receiver<Vec<u8>>) {
    for request in requests {
        if stdin.write_all(&request).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

fn read(stdout: ChildStdout, replies: &Sender<Vec<u8>>) {
    let mut stdout = BufReader::new(stdout);
    loop {
        let mut line = Vec::new();
        let read = stdout.by_ref().take(MAX_REPLY).read_until(b'\n', &mut line);
        // An end in the middle of a line is no answer; a line without an end is a wrong one.
        let whole = line.ends_with(b"\n") || line.len() as u64 == MAX_REPLY;
        if read.is_err() || !whole || replies.send(line).is_err() {
            return;
        }
    }
}

/// The end of what is complained about, when that is all.
fn listen(mut stderr: ChildStderr) -> String {
    let (mut words, mut chunk) = (Vec::new(), [0; 1024]);
    while let Ok(length @ 1..) = stderr.read(&mut chunk) {
        words.extend_from_slice(&chunk[..length]);
        words.drain(..words.len().saturating_sub(MAX_COMPLAINT));
    }
    String::from_utf8_lossy(&words).into_owned()
}

/// A text without line ends, and its end alone if it is long.
pub(super) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let skipped = line.chars().count().saturating_sub(MAX_REASON);
    if skipped == 0 { line } else { "…".chars().chain(line.chars().skip(skipped)).collect() }
}
