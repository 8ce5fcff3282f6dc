//! Single flight: whoever misses a key while it is being loaded waits for that
//! load instead of asking again.
//!
//! One flight carries all keys that one call loads. It is joined only by reads
//! that noted the same generation of the key's stripe: a write since then has
//! detached it. A leader that is dropped, cancelled or panicking, leaves its
//! flight abandoned, and its waiters start over.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memory_core::Result;
use tokio::sync::watch;

use super::coherence::Generation;

/// The loads under way, by key.
///
/// One lock, taken once for all keys of a call, and only by reads that miss.
#[derive(Debug)]
pub(crate) struct Flights<K, T>(Mutex<HashMap<K, Seat<T>>>);

#[derive(Debug)]
struct Seat<T> {
    flight: Arc<Flight<T>>,
    index: usize,
    generation: Generation,
}

#[derive(Debug)]
struct Flight<T>(watch::Sender<State<T>>);

#[derive(Debug)]
enum State<T> {
    Flying,
    Landed(Result<Arc<[T]>>),
    Abandoned,
}

/// What came of asking for some keys.
#[derive(Debug)]
pub(crate) struct Boarded<'a, K: Eq + Hash, T> {
    /// Keys that were cached after all.
    pub(crate) found: Vec<(K, T)>,
    /// Keys that the caller is to load.
    pub(crate) led: Led<'a, K, T>,
    /// Keys that somebody else is loading.
    pub(crate) joined: Vec<(K, Joined<T>)>,
}

/// The duty to load some keys, which ends by [`land`](Self::land) or by being
/// dropped.
#[derive(Debug)]
pub(crate) struct Led<'a, K: Eq + Hash, T> {
    flights: &'a Flights<K, T>,
    flight: Arc<Flight<T>>,
    keys: Vec<K>,
}

/// A place in somebody else's flight.
#[derive(Debug)]
pub(crate) struct Joined<T> {
    flight: Arc<Flight<T>>,
    index: usize,
}

impl<K, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Clone + Eq + Hash, T: Clone> Flights<K, T> {
    /// Joins or starts the flights of keys, each given once. `cached` is asked
    /// for keys that nobody loads: a load that has just landed is in the cache
    /// by then, so that it is not made again.
    pub(crate) fn board(
        &self,
        keys: impl IntoIterator<Item = (K, Generation)>,
        cached: impl Fn(&K) -> Option<T>,
    ) -> Boarded<'_, K, T> {
        let flight = Arc::new(Flight(watch::Sender::new(State::Flying)));
        let led = Led { flights: self, flight: Arc::clone(&flight), keys: Vec::new() };
        let mut boarded = Boarded { found: Vec::new(), led, joined: Vec::new() };
        let mut seats = self.seats();
        for (key, generation) in keys {
            match seats.get(&key) {
                Some(seat) if seat.generation == generation => {
                    boarded.joined.push((key, Joined { flight: Arc::clone(&seat.flight), index: seat.index }));
                }
                _ => {
                    if let Some(value) = cached(&key) {
                        boarded.found.push((key, value));
                        continue;
                    }
                    let seat = Seat { flight: Arc::clone(&flight), index: boarded.led.keys.len(), generation };
                    seats.insert(key.clone(), seat);
                    boarded.led.keys.push(key);
                }
            }
        }
        drop(seats);
        boarded
    }
}

impl<K: Eq + Hash, T> Flights<K, T> {
    fn seats(&self) -> MutexGuard<'_, HashMap<K, Seat<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, T> Led<'_, K, T> {
    /// The keys to load.
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// Hands the values, one for each key and in their order, or the failure
    /// to all that wait. What may be cached is in the cache by now.
    pub(crate) fn land(mut self, outcome: Result<Vec<T>>) {
        self.end(State::Landed(outcome.map(Arc::from)));
    }
}

impl<K: Eq + Hash, T> Led<'_, K, T> {
    fn end(&mut self, state: State<T>) {
        if self.keys.is_empty() {
            return;
        }
        let mut seats = self.flights.seats();
        for key in self.keys.drain(..) {
            // A later flight of the same key has the seat by itself.
            if let Entry::Occupied(seat) = seats.entry(key)
                && Arc::ptr_eq(&seat.get().flight, &self.flight)
            {
                seat.remove();
            }
        }
        drop(seats);
        self.flight.0.send_replace(state);
    }
}

impl<K: Eq + Hash, T> Drop for Led<'_, K, T> {
    fn drop(&mut self) {
        self.end(State::Abandoned);
    }
}

impl<T: Clone> Joined<T> {
    /// Waits for the value; `None` if nobody loads it any more.
    pub(crate) async fn landed(&self) -> Option<Result<T>> {
        let mut states = self.flight.0.subscribe();
        // The sender is in `self`, so the channel cannot close.
        let state = states.wait_for(|state| !matches!(state, State::Flying)).await.ok()?;
        match &*state {
            State::Landed(Ok(values)) => values.get(self.index).cloned().map(Ok),
            State::Landed(Err(error)) => Some(Err(error.clone())),
            State::Flying | State::Abandoned => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use memory_core::Error;

    use super::super::coherence::CoherenceTable;
    use super::*;

    type Loads = Flights<u8, char>;

    fn generations() -> (Generation, Generation) {
        let table = CoherenceTable::new(1);
        let first = table.note(0).unwrap();
        table.invalidate(0, || {});
        (first, table.note(0).unwrap())
    }

    #[tokio::test]
    async fn the_first_leads_and_the_others_get_what_it_loads() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let first = loads.board([(1, now), (2, now)], |_| None);
        assert_eq!(first.led.keys(), [1, 2]);
        let second = loads.board([(2, now), (3, now)], |_| None);
        assert_eq!((second.led.keys(), second.joined.len()), (&[3][..], 1));
        first.led.land(Ok(vec!['a', 'b']));
        assert_eq!(second.joined[0].1.landed().await.unwrap().unwrap(), 'b');
        drop(second);
        assert!(loads.seats().is_empty());
    }

    #[tokio::test]
    async fn a_failure_reaches_all_that_wait_and_is_forgotten() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let first = loads.board([(1, now)], |_| None);
        let others: Vec<_> = (0..3).map(|_| loads.board([(1, now)], |_| None)).collect();
        first.led.land(Err(Error::unavailable("get", "refused")));
        for other in &others {
            assert!(matches!(other.joined[0].1.landed().await, Some(Err(Error::Unavailable { .. }))));
        }
        assert_eq!(loads.board([(1, now)], |_| None).led.keys(), [1]);
    }

    #[tokio::test]
    async fn an_abandoned_flight_is_led_anew() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let first = loads.board([(1, now)], |_| None);
        let second = loads.board([(1, now)], |_| None);
        drop(first);
        assert!(second.joined[0].1.landed().await.is_none());
        assert_eq!(loads.board([(1, now)], |_| None).led.keys(), [1]);
    }

    #[tokio::test]
    async fn a_flight_of_another_generation_is_replaced_and_still_answers_its_own() {
        let (loads, (before, after)) = (Loads::default(), generations());
        let first = loads.board([(1, before)], |_| None);
        let joined = loads.board([(1, before)], |_| None);
        let second = loads.board([(1, after)], |_| None);
        assert_eq!(second.led.keys(), [1]);
        first.led.land(Ok(vec!['a']));
        assert_eq!(joined.joined[0].1.landed().await.unwrap().unwrap(), 'a');
        assert_eq!(loads.board([(1, after)], |_| None).joined.len(), 1);
        second.led.land(Ok(vec!['b']));
        assert!(loads.seats().is_empty());
    }

    #[test]
    fn what_has_just_landed_is_not_loaded_again() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let boarded = loads.board([(1, now), (2, now)], |key| (*key == 1).then_some('a'));
        assert_eq!((boarded.found, boarded.led.keys()), (vec![(1, 'a')], &[2][..]));
    }
}
