//! The states of the model.

use super::super::coherence::{Cell, Generation};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Writer {
    Idle,
    /// Sent. Its acknowledgement ends all doubts numbered below `fences`.
    Sent {
        begun: Generation,
        fences: u8,
    },
    /// The database has it as this value.
    Stored {
        begun: Generation,
        fences: u8,
        value: u8,
    },
    /// Nobody waits for it any more. While `late` it may still be stored.
    Doubt {
        number: u8,
        begun: Generation,
        fences: u8,
        late: bool,
    },
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Reader {
    /// Yet to begin; after an abandoned flight, again, with the floor it had.
    Idle(Option<u8>),
    /// Has taken its time, and not yet looked at the cache.
    Looks {
        floor: u8,
        at: u8,
    },
    /// Asks for itself, as a write is pending.
    Alone {
        floor: u8,
    },
    Answered {
        floor: u8,
        value: u8,
    },
    Leads {
        floor: u8,
        noted: Generation,
        value: Option<u8>,
    },
    Waits {
        floor: u8,
        noted: Generation,
    },
    Over,
}

/// A cached entry.
#[derive(Clone, Copy, Hash)]
pub(super) struct Entry {
    pub(super) value: u8,
    /// When its present term ends; the next one would be as long as the first.
    pub(super) ends: u8,
    /// True if a lookup has read it in this term.
    pub(super) read: bool,
    /// True once a lookup has found its life to be over.
    pub(super) found_over: bool,
}

#[derive(Clone, Hash)]
pub(super) struct State {
    pub(super) cell: Cell,
    pub(super) now: u8,
    pub(super) cached: Option<Entry>,
    /// The generation of the flight that can be joined.
    pub(super) flight: Option<Generation>,
    /// The newest value in the database.
    pub(super) stored: u8,
    /// The newest value that was acknowledged or returned.
    pub(super) floor: u8,
    pub(super) writers: [Writer; 3],
    pub(super) readers: [Reader; 3],
    /// The number of the next doubt.
    pub(super) doubts: u8,
    /// Doubts below are fenced off by what is stored.
    pub(super) fenced: u8,
    /// Doubts below are settled by an answer that is on its way.
    pub(super) settling: Option<u8>,
}

/// A violation of the promise.
#[derive(Debug, PartialEq)]
pub(super) enum Broken {
    Stale,
    /// An answer from an entry whose life a lookup before had found to be over.
    Undead,
}

impl State {
    pub(super) fn cache(&mut self, value: u8) {
        self.cached = Some(Entry { value, ends: self.now + 1, read: false, found_over: false });
    }

    pub(super) fn doubt(&mut self, writer: usize, begun: Generation, fences: u8, late: bool) {
        self.writers[writer] = Writer::Doubt { number: self.doubts, begun, fences, late };
        self.doubts += 1;
    }

    pub(super) fn fence(&mut self, below: u8) {
        for writer in &mut self.writers {
            if let Writer::Doubt { number, late, .. } = writer
                && *number < below
            {
                *late = false;
            }
        }
    }

    /// Takes a flight off, and lets `each` do with those that wait for it.
    pub(super) fn land(
        &mut self,
        noted: Generation,
        each: impl Fn(&mut Self, usize, u8) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        if self.flight == Some(noted) {
            self.flight = None;
        }
        for waiter in 0..3 {
            if let Reader::Waits { floor, noted: waits } = self.readers[waiter]
                && waits == noted
            {
                each(self, waiter, floor)?;
            }
        }
        Ok(())
    }

    pub(super) fn answer(&mut self, reader: usize, floor: u8, value: u8) -> Result<(), Broken> {
        self.readers[reader] = Reader::Over;
        self.floor = self.floor.max(value);
        if value < floor { Err(Broken::Stale) } else { Ok(()) }
    }
}
