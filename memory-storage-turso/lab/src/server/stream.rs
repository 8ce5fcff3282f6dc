//! Streams: what a baton names, and how long it lives.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use uuid::Uuid;

use super::ServerOptions;
use super::baton::Baton;
use super::database::Database;
use super::failure::Failure;
use super::lane::WriteLane;
use crate::clock::Clock;
use crate::lock::lock;

/// How long an expired stream is remembered, so that its owner is told why.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Every stream that has not been closed.
#[derive(Debug)]
pub(super) struct Streams {
    slots: Mutex<Slots>,
    path: PathBuf,
    max_row_size: u32,
    clock: Clock,
    idle_limit: Duration,
    pub(super) lane: WriteLane,
}

#[derive(Debug, Default)]
struct Slots {
    by_name: HashMap<Uuid, Slot>,
    opened: u64,
}

#[derive(Debug)]
enum Slot {
    /// Between two requests.
    Idle { stream: Stream, expires: Duration },
    /// A request has it.
    Busy,
    /// Closed for being idle.
    Expired { forgotten: Duration },
}

/// A connection and the SQL texts stored on it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u64,
    pub(super) sqls: HashMap<i32, String>,
    /// `None` once it was closed.
    database: Option<Arc<Mutex<Database>>>,
    baton: Baton,
}

/// A stream while a request has it. Dropped without [`release`](Lease::release), the stream is gone.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    streams: &'a Streams,
    stream: Option<Stream>,
}

impl Streams {
    pub(super) fn new(options: ServerOptions) -> Self {
        let ServerOptions { database: path, max_row_size, clock, idle_limit, transaction_limit, max_writers, .. } =
            options;
        let lane = WriteLane::new(clock.clone(), transaction_limit, max_writers);
        Self { slots: Mutex::default(), path, max_row_size, clock, idle_limit, lane }
    }

    /// The stream that `baton` names, or a new one. Opens a file, so it blocks.
    pub(super) fn lease(&self, baton: Option<&str>) -> Result<Lease<'_>, Failure> {
        let stream = match baton {
            Some(baton) => self.resume(baton)?,
            None => self.open()?,
        };
        Ok(Lease { streams: self, stream: Some(stream) })
    }

    fn resume(&self, baton: &str) -> Result<Stream, Failure> {
        let invalid = || Failure::protocol("Received an invalid baton");
        let baton = Baton::decode(baton).ok_or_else(invalid)?;
        self.expire();
        let mut slots = lock(&self.slots);
        let slot = slots.by_name.get_mut(&baton.name).ok_or_else(invalid)?;
        match slot {
            Slot::Expired { .. } => return Err(Failure::StreamExpired),
            Slot::Idle { stream, .. } if stream.baton == baton => {}
            Slot::Idle { .. } | Slot::Busy => {
                return Err(Failure::protocol("Received a baton that has already been used"));
            }
        }
        let Slot::Idle { mut stream, .. } = std::mem::replace(slot, Slot::Busy) else {
            return Err(invalid());
        };
        stream.baton.sequence = stream.baton.sequence.wrapping_add(1);
        Ok(stream)
    }

    fn open(&self) -> Result<Stream, Failure> {
        let database = Arc::new(Mutex::new(Database::open(&self.path, self.max_row_size)?));
        let baton = Baton { name: Uuid::new_v4(), sequence: 0 };
        let mut slots = lock(&self.slots);
        slots.opened += 1;
        slots.by_name.insert(baton.name, Slot::Busy);
        Ok(Stream { id: slots.opened, sqls: HashMap::new(), database: Some(database), baton })
    }

    /// Closes every stream that has been idle for too long.
    pub(super) fn expire(&self) {
        let now = self.clock.now();
        let mut due = Vec::new();
        let mut slots = lock(&self.slots);
        slots.by_name.retain(|_, slot| match slot {
            Slot::Idle { expires, .. } if *expires <= now => {
                if let Slot::Idle { stream, .. } =
                    std::mem::replace(slot, Slot::Expired { forgotten: now.saturating_add(REMEMBERED) })
                {
                    due.push(stream);
                }
                true
            }
            Slot::Expired { forgotten } => *forgotten > now,
            _ => true,
        });
        drop(slots);
        for mut stream in due {
            stream.close(&self.lane);
        }
    }

    /// How many streams are open, those in use included.
    pub(super) fn open_count(&self) -> usize {
        lock(&self.slots).by_name.values().filter(|slot| !matches!(slot, Slot::Expired { .. })).count()
    }

    /// Closes every idle stream and turns waiting writers away.
    pub(super) fn shut(&self) {
        self.lane.close();
        let slots = std::mem::take(&mut lock(&self.slots).by_name);
        for slot in slots.into_values() {
            if let Slot::Idle { mut stream, .. } = slot {
                stream.close(&self.lane);
            }
        }
    }
}

impl Stream {
    /// The connection, unless the stream was closed.
    pub(super) fn database(&self) -> Result<&Arc<Mutex<Database>>, Failure> {
        self.database.as_ref().ok_or_else(|| Failure::protocol("Stream for this baton was closed"))
    }

    /// Rolls back what is open and lets the next writer in.
    pub(super) fn close(&mut self, lane: &WriteLane) {
        if let Some(database) = self.database.take() {
            lock(&database).force_rollback();
            lane.leave(self.id);
        }
    }
}

impl Lease<'_> {
    /// The leased stream.
    pub(super) fn stream(&mut self) -> Result<&mut Stream, Failure> {
        self.stream.as_mut().ok_or_else(|| Failure::Internal("the stream was released".to_owned()))
    }

    /// Closes the stream's connection, but goes on to answer for it.
    pub(super) fn close(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.close(&self.streams.lane);
        }
    }

    /// Gives the stream back, and returns the baton for its next request; `None` if it was closed.
    pub(super) fn release(mut self) -> Option<String> {
        let stream = self.stream.take_if(|stream| stream.database.is_some())?;
        let baton = stream.baton;
        let expires = self.streams.clock.now().saturating_add(self.streams.idle_limit);
        lock(&self.streams.slots).by_name.insert(baton.name, Slot::Idle { stream, expires });
        Some(baton.encode())
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(mut stream) = self.stream.take() {
            stream.close(&self.streams.lane);
            lock(&self.streams.slots).by_name.remove(&stream.baton.name);
        }
    }
}
