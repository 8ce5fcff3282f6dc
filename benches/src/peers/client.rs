//! A peer as the sections see it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use memory_bench_peer::{Calls, Ran, Reply, Request};
use memory_core::Episode;

use super::process::{Process, one_line};

/// A peer's program, which is started when it is needed, and again after it
/// died or had to be stopped.
#[derive(Debug)]
pub(crate) struct Client {
    program: PathBuf,
    deadline: Duration,
    open: Request,
    /// What it was last given to keep.
    kept: Option<Request>,
    process: Option<Process>,
}

impl Client {
    /// A client of this program, which begins with opening a database.
    pub(super) const fn new(program: PathBuf, open: Request, deadline: Duration) -> Self {
        Self { program, deadline, open, kept: None, process: None }
    }

    /// Sees that the program runs and has its database open.
    ///
    /// # Errors
    ///
    /// Where it does not, in its own words if it has any.
    pub(crate) fn ready(&mut self) -> Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let mut process = Process::start(&self.program, self.deadline)?;
        for request in [Some(&self.open), self.kept.as_ref()].into_iter().flatten() {
            done(process.ask(request)?)?;
        }
        self.process = Some(process);
        Ok(())
    }

    /// Gives it these episodes for calls to store.
    ///
    /// # Errors
    ///
    /// As [`ready`](Self::ready).
    pub(crate) fn keep(&mut self, episodes: Vec<Episode>) -> Result<()> {
        self.kept = None;
        self.ready()?;
        let request = Request::Keep { episodes };
        self.ask(&request).and_then(done)?;
        self.kept = Some(request);
        Ok(())
    }

    /// Has it do these calls, so many of them outside the clock.
    ///
    /// # Errors
    ///
    /// As [`ready`](Self::ready).
    pub(crate) fn run(&mut self, calls: Calls, unclocked: usize) -> Result<Ran> {
        self.ready()?;
        match self.ask(&Request::Run { unclocked, calls })? {
            Reply::Ran(ran) => Ok(ran),
            other => done(other).and_then(|()| bail!("it answered calls with nothing that came of them")),
        }
    }

    /// Asks the running program, which is stopped where it does not answer
    /// properly.
    fn ask(&mut self, request: &Request) -> Result<Reply> {
        let process = self.process.as_mut().ok_or_else(|| anyhow!("it does not run"))?;
        let reply = process.ask(request);
        if reply.is_err() {
            self.process = None;
        }
        reply
    }
}

fn done(reply: Reply) -> Result<()> {
    match reply {
        Reply::Done => Ok(()),
        Reply::Failed { reason } => Err(anyhow!(one_line(&reason))),
        Reply::Ran(_) => bail!("it answered something else than was asked"),
    }
}
