//! Every order in which three writers and three readers of one key can go
//! through the protocol: the transitions are [`Cell`]'s own, around a database
//! that may take a write late or never.
//!
//! Values are numbered in the order in which they reach the database, so that
//! "older" is "less". Each wrong shortcut is a variant of the walk, and must
//! lead to a stale read somewhere.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::coherence::{Cell, Generation};
use super::shortcut::Shortcut;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Writer {
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
enum Reader {
    /// Yet to begin; after an abandoned flight, again, with the floor it had.
    Idle(Option<u8>),
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

#[derive(Clone, Hash)]
struct State {
    cell: Cell,
    cached: Option<u8>,
    /// The generation of the flight that can be joined.
    flight: Option<Generation>,
    /// The newest value in the database.
    stored: u8,
    /// The newest value that was acknowledged or returned.
    floor: u8,
    writers: [Writer; 3],
    readers: [Reader; 3],
    /// The number of the next doubt.
    doubts: u8,
    /// Doubts below are fenced off by what is stored.
    fenced: u8,
    /// Doubts below are settled by an answer that is on its way.
    settling: Option<u8>,
}

struct Stale;
type Next = Result<State, Stale>;
struct Walk(Shortcut);

impl Walk {
    /// Counts the states, or stops at a stale read.
    fn run(&self) -> Result<usize, Stale> {
        let hasher = RandomState::new();
        let mut seen = HashSet::new();
        let mut open = vec![State {
            cell: Cell::default(),
            cached: None,
            flight: None,
            stored: 0,
            floor: 0,
            writers: [Writer::Idle; 3],
            readers: [Reader::Idle(None); 3],
            doubts: 0,
            fenced: 0,
            settling: None,
        }];
        let mut next = Vec::new();
        while let Some(state) = open.pop() {
            self.steps(&state, &mut next);
            for state in next.drain(..) {
                let mut state = state?;
                // Who is who makes no difference.
                state.writers.sort_unstable();
                state.readers.sort_unstable();
                // Of ten million states, two share 64 bits once in a hundred thousand runs.
                if seen.insert(hasher.hash_one(&state)) {
                    open.push(state);
                }
            }
        }
        Ok(seen.len())
    }

    fn steps(&self, state: &State, next: &mut Vec<Next>) {
        if state.cached.is_some() {
            next.push(Ok(State { cached: None, ..state.clone() }));
        }
        self.settle(state, next);
        for index in 0..3 {
            if index == 0 || state.writers[index] != state.writers[index - 1] {
                self.write(state, index, next);
            }
            if index == 0 || state.readers[index] != state.readers[index - 1] {
                self.read(state, index, next);
            }
        }
    }

    fn settle(&self, state: &State, next: &mut Vec<Next>) {
        let in_doubt = |writer: &Writer| matches!(writer, Writer::Doubt { .. });
        match state.settling {
            None if state.writers.iter().any(in_doubt) => {
                let mut after = state.clone();
                after.fence(state.doubts);
                after.settling = Some(state.doubts);
                next.push(Ok(after));
            }
            None => {}
            Some(number) => {
                let mut after = state.clone();
                self.resolve(&mut after, number);
                after.settling = None;
                next.push(Ok(after));
            }
        }
    }

    fn write(&self, state: &State, index: usize, next: &mut Vec<Next>) {
        let mut to = |change: &dyn Fn(&mut State) -> Result<(), Stale>| {
            let mut after = state.clone();
            next.push(change(&mut after).map(|()| after));
        };
        match state.writers[index] {
            Writer::Idle => to(&|after| {
                let begun = self.begin(after);
                after.writers[index] = Writer::Sent { begun, fences: after.doubts };
                Ok(())
            }),
            Writer::Sent { begun, fences } => {
                to(&|after| {
                    let value = self.store(after, fences);
                    after.writers[index] = Writer::Stored { begun, fences, value };
                    Ok(())
                });
                // It fails, and has changed nothing.
                to(&|after| {
                    after.writers[index] = Writer::Over;
                    self.end(after, begun, None);
                    Ok(())
                });
                to(&|after| {
                    after.doubt(index, begun, fences, true);
                    Ok(())
                });
            }
            Writer::Stored { begun, fences, value } => {
                to(&|after| {
                    after.writers[index] = Writer::Over;
                    self.resolve(after, fences);
                    self.end(after, begun, Some(value));
                    after.floor = after.floor.max(value);
                    Ok(())
                });
                to(&|after| {
                    after.doubt(index, begun, fences, false);
                    Ok(())
                });
            }
            Writer::Doubt { number, begun, fences, late: true } => to(&|after| {
                // A write that was given up must not undo one that came after.
                if number < after.fenced {
                    return Err(Stale);
                }
                self.store(after, fences);
                after.writers[index] = Writer::Doubt { number, begun, fences, late: false };
                Ok(())
            }),
            Writer::Doubt { late: false, .. } | Writer::Over => {}
        }
    }

    fn read(&self, state: &State, index: usize, next: &mut Vec<Next>) {
        let mut to = |change: &dyn Fn(&mut State) -> Result<(), Stale>| {
            let mut after = state.clone();
            next.push(change(&mut after).map(|()| after));
        };
        match state.readers[index] {
            Reader::Idle(floor) => to(&|after| {
                let floor = floor.unwrap_or(after.floor);
                if let Some(value) = after.cached {
                    return after.answer(index, floor, value);
                }
                let pending = after.cell.note().is_none();
                after.readers[index] = match (after.cell.note(), after.flight) {
                    (_, Some(noted)) if pending && self.0 == Shortcut::JoinWhilePending => {
                        Reader::Waits { floor, noted }
                    }
                    (None, _) => Reader::Alone { floor },
                    (Some(noted), Some(flight)) if noted == flight => Reader::Waits { floor, noted },
                    (Some(noted), _) => {
                        after.flight = Some(noted);
                        Reader::Leads { floor, noted, value: None }
                    }
                };
                Ok(())
            }),
            Reader::Alone { floor } => to(&|after| {
                after.readers[index] = Reader::Answered { floor, value: after.stored };
                Ok(())
            }),
            Reader::Answered { floor, value } => to(&|after| after.answer(index, floor, value)),
            Reader::Leads { floor, noted, value } => {
                match value {
                    None => to(&|after| {
                        after.readers[index] = Reader::Leads { floor, noted, value: Some(after.stored) };
                        Ok(())
                    }),
                    Some(value) => to(&|after| {
                        if after.cell.is_still(noted) || self.0 == Shortcut::FillThenInvalidate {
                            after.cached = Some(value);
                        }
                        after.land(noted, |after, waiter, floor| after.answer(waiter, floor, value))?;
                        after.answer(index, floor, value)
                    }),
                }
                // It is cancelled, or panics.
                to(&|after| {
                    after.readers[index] = Reader::Over;
                    after.land(noted, |after, waiter, floor| {
                        after.readers[waiter] = Reader::Idle(Some(floor));
                        Ok(())
                    })
                });
            }
            Reader::Waits { .. } | Reader::Over => {}
        }
    }

    fn begin(&self, state: &mut State) -> Generation {
        match self.0 {
            Shortcut::FillThenInvalidate => Cell::default().begin(),
            Shortcut::BumpAfter => {
                state.cached = None;
                Cell::default().begin()
            }
            Shortcut::BumpWithoutPending => {
                state.cached = None;
                state.cell.invalidate();
                Cell::default().begin()
            }
            _ => {
                state.cached = None;
                state.cell.begin()
            }
        }
    }

    fn end(&self, state: &mut State, begun: Generation, written: Option<u8>) {
        match self.0 {
            Shortcut::FillThenInvalidate => state.cached = None,
            Shortcut::BumpAfter | Shortcut::BumpWithoutPending => state.cell.invalidate(),
            shortcut => {
                let alone = state.cell.end(begun);
                if written.is_some() && (alone || shortcut == Shortcut::WriteThrough) {
                    state.cached = written;
                }
            }
        }
    }

    /// The database takes a write, and with it its fences.
    fn store(&self, state: &mut State, fences: u8) -> u8 {
        state.stored += 1;
        state.fenced = state.fenced.max(fences);
        if self.0 != Shortcut::Unfenced {
            state.fence(fences);
        }
        state.stored
    }

    fn resolve(&self, state: &mut State, below: u8) {
        for index in 0..3 {
            if let Writer::Doubt { number, begun, late, fences } = state.writers[index]
                && number < below
            {
                // What was not fenced off may still come.
                let left = late && self.0 == Shortcut::Unfenced;
                let number = 0;
                state.writers[index] = if left { Writer::Doubt { number, begun, fences, late } } else { Writer::Over };
                self.end(state, begun, None);
            }
        }
    }
}

impl State {
    fn doubt(&mut self, writer: usize, begun: Generation, fences: u8, late: bool) {
        self.writers[writer] = Writer::Doubt { number: self.doubts, begun, fences, late };
        self.doubts += 1;
    }

    fn fence(&mut self, below: u8) {
        for writer in &mut self.writers {
            if let Writer::Doubt { number, late, .. } = writer
                && *number < below
            {
                *late = false;
            }
        }
    }

    /// Takes a flight off, and lets `each` do with those that wait for it.
    fn land(
        &mut self,
        noted: Generation,
        each: impl Fn(&mut Self, usize, u8) -> Result<(), Stale>,
    ) -> Result<(), Stale> {
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

    fn answer(&mut self, reader: usize, floor: u8, value: u8) -> Result<(), Stale> {
        self.readers[reader] = Reader::Over;
        self.floor = self.floor.max(value);
        if value < floor { Err(Stale) } else { Ok(()) }
    }
}

#[test]
fn no_order_of_three_writers_and_three_readers_gives_a_stale_read() {
    let states = Walk(Shortcut::None).run().unwrap_or_else(|Stale| panic!("a stale read"));
    assert!(states > 1_000_000, "{states} states");
}

#[test]
fn each_plausible_shortcut_gives_a_stale_read() {
    for shortcut in [
        Shortcut::FillThenInvalidate,
        Shortcut::WriteThrough,
        Shortcut::BumpAfter,
        Shortcut::BumpWithoutPending,
        Shortcut::JoinWhilePending,
        Shortcut::Unfenced,
    ] {
        assert!(Walk(shortcut).run().is_err(), "{shortcut:?}");
    }
}
