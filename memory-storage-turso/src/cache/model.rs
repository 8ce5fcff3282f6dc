//! Every order in which three writers and three readers of one key can go
//! through the protocol: the transitions are [`Cell`]'s own, around a database
//! that may take a write late or never.
//!
//! Values are numbered in the order in which they reach the database, so that
//! "older" is "less". Each wrong shortcut is a variant of the walk, and must
//! lead to a stale read somewhere.
//!
//! A second walk has time: an entry has terms, a read within one earns another, and a
//! lookup takes its time in one step and counts its read in a later one. It has one writer
//! less, since its states are many.

mod state;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use state::{Broken, Entry, Reader, State, Writer};

use super::coherence::{Cell, Generation};
use super::shortcut::Shortcut;

type Next = Result<State, Broken>;

struct Walk {
    shortcut: Shortcut,
    writers: usize,
    /// The last moment; the length of a term is 1.
    end: u8,
}

impl Walk {
    /// Three writers and three readers, in no time.
    fn still(shortcut: Shortcut) -> Self {
        Self { shortcut, writers: 3, end: 0 }
    }

    /// Two writers and three readers, in which an entry's term ends and so does the next.
    fn timed(shortcut: Shortcut) -> Self {
        Self { shortcut, writers: 2, end: 2 }
    }

    /// Counts the states, or stops at a stale read.
    fn run(&self) -> Result<usize, Broken> {
        let hasher = RandomState::new();
        let mut seen = HashSet::new();
        let mut open = vec![State {
            cell: Cell::default(),
            now: 0,
            cached: None,
            flight: None,
            stored: 0,
            floor: 0,
            writers: std::array::from_fn(|writer| if writer < self.writers { Writer::Idle } else { Writer::Over }),
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
        if state.now < self.end {
            next.push(Ok(State { now: state.now + 1, ..state.clone() }));
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
        let mut to = |change: &dyn Fn(&mut State) -> Result<(), Broken>| {
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
                    return Err(Broken::Stale);
                }
                self.store(after, fences);
                after.writers[index] = Writer::Doubt { number, begun, fences, late: false };
                Ok(())
            }),
            Writer::Doubt { late: false, .. } | Writer::Over => {}
        }
    }

    fn read(&self, state: &State, index: usize, next: &mut Vec<Next>) {
        let mut to = |change: &dyn Fn(&mut State) -> Result<(), Broken>| {
            let mut after = state.clone();
            next.push(change(&mut after).map(|()| after));
        };
        match state.readers[index] {
            Reader::Idle(floor) => to(&|after| {
                let (floor, at) = (floor.unwrap_or(after.floor), after.now);
                if self.end == 0 {
                    return self.look(after, index, floor, at);
                }
                after.readers[index] = Reader::Looks { floor, at };
                Ok(())
            }),
            Reader::Looks { floor, at } => to(&|after| self.look(after, index, floor, at)),
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
                        if after.cell.is_still(noted) || self.shortcut == Shortcut::FillThenInvalidate {
                            after.cache(value);
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

    /// Looks at the cache, at a time that was taken before, and where nothing is cached
    /// asks for it or waits.
    fn look(&self, state: &mut State, reader: usize, floor: u8, at: u8) -> Result<(), Broken> {
        if let Some(value) = self.find(state, at)? {
            return state.answer(reader, floor, value);
        }
        let pending = state.cell.note().is_none();
        state.readers[reader] = match (state.cell.note(), state.flight) {
            (_, Some(noted)) if pending && self.shortcut == Shortcut::JoinWhilePending => {
                Reader::Waits { floor, noted }
            }
            (None, _) => Reader::Alone { floor },
            (Some(noted), Some(flight)) if noted == flight => Reader::Waits { floor, noted },
            (Some(noted), _) => {
                state.flight = Some(noted);
                Reader::Leads { floor, noted, value: None }
            }
        };
        Ok(())
    }

    /// The cached value, of which this counts a read. A life that is over ends here.
    fn find(&self, state: &mut State, at: u8) -> Result<Option<u8>, Broken> {
        let Some(entry) = &mut state.cached else { return Ok(None) };
        while entry.ends <= at && entry.read {
            entry.ends += 1;
            entry.read = false;
        }
        if entry.ends <= at {
            entry.found_over = true;
            if self.shortcut != Shortcut::LateRenewal {
                state.cached = None;
            }
            return Ok(None);
        }
        entry.read = true;
        if entry.found_over { Err(Broken::Undead) } else { Ok(Some(entry.value)) }
    }

    /// Removes what is cached, dead or alive.
    fn remove(&self, state: &mut State) {
        let is_dead = |entry: &Entry| entry.ends <= state.now && !entry.read;
        if self.shortcut != Shortcut::SkipDead || !state.cached.as_ref().is_some_and(is_dead) {
            state.cached = None;
        }
    }

    fn begin(&self, state: &mut State) -> Generation {
        match self.shortcut {
            Shortcut::FillThenInvalidate => Cell::default().begin(),
            Shortcut::BumpAfter => {
                self.remove(state);
                Cell::default().begin()
            }
            Shortcut::BumpWithoutPending => {
                self.remove(state);
                state.cell.invalidate();
                Cell::default().begin()
            }
            _ => {
                self.remove(state);
                state.cell.begin()
            }
        }
    }

    fn end(&self, state: &mut State, begun: Generation, written: Option<u8>) {
        match self.shortcut {
            Shortcut::FillThenInvalidate => state.cached = None,
            Shortcut::BumpAfter | Shortcut::BumpWithoutPending => state.cell.invalidate(),
            shortcut => {
                let alone = state.cell.end(begun);
                if let Some(written) = written
                    && (alone || shortcut == Shortcut::WriteThrough)
                {
                    state.cache(written);
                }
            }
        }
    }

    /// The database takes a write, and with it its fences.
    fn store(&self, state: &mut State, fences: u8) -> u8 {
        state.stored += 1;
        state.fenced = state.fenced.max(fences);
        if self.shortcut != Shortcut::Unfenced {
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
                let left = late && self.shortcut == Shortcut::Unfenced;
                let number = 0;
                state.writers[index] = if left { Writer::Doubt { number, begun, fences, late } } else { Writer::Over };
                self.end(state, begun, None);
            }
        }
    }
}

#[test]
fn no_order_of_three_writers_and_three_readers_gives_a_stale_read() {
    let states = Walk::still(Shortcut::None).run().unwrap();
    assert!(states > 1_000_000, "{states} states");
}

#[test]
fn no_order_in_time_gives_a_stale_read_or_a_life_after_its_end() {
    let states = Walk::timed(Shortcut::None).run().unwrap();
    println!("{states} states");
    assert!(states > 100_000, "{states} states");
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
        assert_eq!(Walk::still(shortcut).run(), Err(Broken::Stale), "{shortcut:?}");
    }
    // They make no difference where nothing has a term.
    assert_eq!(Walk::timed(Shortcut::SkipDead).run(), Err(Broken::Stale));
    assert_eq!(Walk::timed(Shortcut::LateRenewal).run(), Err(Broken::Undead));
}
