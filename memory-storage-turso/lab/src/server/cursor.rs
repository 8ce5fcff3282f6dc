//! The cursor: a batch whose results are sent while it runs, a line of JSON each.

use std::sync::{Arc, Mutex};

use hyper::body::Bytes;
use libsql_hrana::proto::{self, CursorEntry};
use serde_json::to_vec;
use tokio::sync::mpsc;

use super::database::Database;
use super::failure::{Failure, Rejection, response_too_large};
use super::program::{self, Step, Version};
use super::run::{self, Interruption, Sink, Summary};
use super::stream::Streams;

/// A batch that is ready to run, and whose stream has been given back already.
#[derive(Debug)]
pub(super) struct Cursor {
    head: proto::CursorRespBody,
    steps: Vec<Step>,
    stream: u64,
    database: Arc<Mutex<Database>>,
}

/// Checks the batch. What is wrong with it becomes an HTTP error, since no line has been sent yet.
pub(super) fn open(streams: &Streams, body: proto::CursorReqBody) -> Result<Cursor, Failure> {
    let mut lease = streams.lease(body.baton.as_deref())?;
    let stream = lease.stream()?;
    let steps = program::batch(body.batch, &stream.sqls, Version::Three).map_err(|rejection| match rejection {
        Rejection::Request(failure) => failure,
        Rejection::Part(error) => Failure::Internal(error.message),
    })?;
    let (id, database) = (stream.id, Arc::clone(stream.database()?));
    let head = proto::CursorRespBody { baton: lease.release(), base_url: None };
    Ok(Cursor { head, steps, stream: id, database })
}

impl Cursor {
    /// Runs the batch and sends its lines. Blocks where the reader is slow.
    pub(super) fn run(self, streams: &Streams, lines: mpsc::Sender<Result<Bytes, Failure>>) {
        let mut sink = Lines { lines, step: 0 };
        let outcome = sink.send(&self.head).and_then(|()| {
            run::run(&self.steps, self.stream, &self.database, &streams.lane, &mut sink)?;
            sink.send(&CursorEntry::ReplicationIndex { replication_index: None })
        });
        // Where nobody is listening any more there is nobody to tell.
        let _ = match outcome {
            Ok(()) | Err(Interruption::Gone) => Ok(()),
            Err(Interruption::TooLarge) => sink.send(&CursorEntry::Error { error: response_too_large() }),
            Err(Interruption::Failed(failure)) => sink.push(Err(failure)),
        };
    }
}

struct Lines {
    lines: mpsc::Sender<Result<Bytes, Failure>>,
    step: u32,
}

impl Lines {
    fn send(&self, line: &impl serde::Serialize) -> Result<(), Interruption> {
        let line = to_vec(line).map_err(|cause| Interruption::Failed(Failure::Internal(cause.to_string())));
        let mut line = line?;
        line.push(b'\n');
        self.push(Ok(line.into()))
    }

    fn push(&self, line: Result<Bytes, Failure>) -> Result<(), Interruption> {
        self.lines.blocking_send(line).map_err(|_| Interruption::Gone)
    }
}

impl Sink for Lines {
    fn begin(&mut self, cols: Vec<proto::Col>) -> Result<(), Interruption> {
        self.send(&CursorEntry::StepBegin(proto::StepBeginEntry { step: self.step, cols }))
    }

    fn row(&mut self, values: Vec<proto::Value>) -> Result<(), Interruption> {
        self.send(&CursorEntry::Row { row: proto::Row { values } })
    }

    fn finish(&mut self, summary: &Summary) -> Result<(), Interruption> {
        let end = proto::StepEndEntry {
            affected_row_count: summary.affected_rows,
            last_insert_rowid: summary.last_insert_rowid,
        };
        self.send(&CursorEntry::StepEnd(end))?;
        self.step += 1;
        Ok(())
    }

    fn fail(&mut self, error: proto::Error) -> Result<(), Interruption> {
        self.send(&CursorEntry::StepError(proto::StepErrorEntry { step: self.step, error }))?;
        self.step += 1;
        Ok(())
    }

    fn skip(&mut self) -> Result<(), Interruption> {
        self.step += 1;
        Ok(())
    }
}
