//! Single flight: whoever misses a key while it is being loaded shares that
//! load instead of asking again.
//!
//! One flight carries all keys that one call loads. It is joined only by reads
//! that noted the same generation of the key's stripe: a write since then has
//! detached it. A load belongs to all that wait for it, and each of them drives
//! it: if the one that began it is dropped, or merely not polled any more, the
//! others go on with it. Once nobody waits it is dropped. If it panics, so does
//! the one that began it, and the others start over.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use memory_core::Result;

use super::coherence::Generation;

/// The loads under way, by key.
///
/// One lock, taken once for all keys of a call, and only by reads that miss.
#[derive(Debug)]
pub(crate) struct Flights<K: Eq + Hash, T>(Arc<Mutex<Seats<K, T>>>);

#[derive(Debug)]
struct Seats<K, T> {
    seats: HashMap<K, Seat<T>>,
    /// The number of the next flight.
    next: u64,
}

#[derive(Debug)]
struct Seat<T> {
    flight: WeakShared<BoxFuture<'static, Landed<T>>>,
    number: u64,
    index: usize,
    generation: Generation,
}

/// How a flight ended.
#[derive(Clone)]
enum Landed<T> {
    With(Result<Arc<[T]>>),
    /// It panicked with this, which is for the one that began it.
    Panicked(Arc<Mutex<Option<Box<dyn Any + Send>>>>),
}

/// What came of asking for some keys.
#[derive(Debug)]
pub(crate) struct Boarded<K, T> {
    /// Keys that were cached after all.
    pub(crate) found: Vec<(K, T)>,
    /// Keys whose load the caller has begun.
    pub(crate) led: Vec<(K, Ticket<T>)>,
    /// Keys whose load somebody else has begun.
    pub(crate) joined: Vec<(K, Ticket<T>)>,
}

/// A place in a flight.
pub(crate) struct Ticket<T> {
    flight: Shared<BoxFuture<'static, Landed<T>>>,
    index: usize,
}

impl<K: Eq + Hash, T> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Seats { seats: HashMap::new(), next: 0 })))
    }
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    /// Joins or starts the flights of keys, each given once. `cached` is asked
    /// for keys that nobody loads: a load that has just landed is in the cache
    /// by then, so that it is not made again. `load` loads the rest, and returns
    /// a value for each and in their order, once what may be cached is cached.
    pub(crate) fn board<F>(
        &self,
        keys: impl IntoIterator<Item = (K, Generation)>,
        cached: impl Fn(&K) -> Option<T>,
        load: impl FnOnce(Vec<(K, Generation)>) -> F,
    ) -> Boarded<K, T>
    where
        F: Future<Output = Result<Vec<T>>> + Send + 'static,
    {
        let mut boarded = Boarded { found: Vec::new(), led: Vec::new(), joined: Vec::new() };
        let mut led = Vec::new();
        let mut all = lock(&self.0);
        for (key, generation) in keys {
            let joined = all.seats.get(&key).filter(|seat| seat.generation == generation);
            if let Some((flight, index)) = joined.and_then(|seat| Some((seat.flight.upgrade()?, seat.index))) {
                boarded.joined.push((key, Ticket { flight, index }));
            } else if let Some(value) = cached(&key) {
                boarded.found.push((key, value));
            } else {
                led.push((key, generation));
            }
        }
        if led.is_empty() {
            return boarded;
        }
        let number = all.next;
        all.next += 1;
        let seated =
            Seated { flights: Arc::clone(&self.0), number, keys: led.iter().map(|(key, _)| key.clone()).collect() };
        let flight = fly(load(led.clone()), seated).boxed().shared();
        for (index, (key, generation)) in led.into_iter().enumerate() {
            if let Some(weak) = flight.downgrade() {
                all.seats.insert(key.clone(), Seat { flight: weak, number, index, generation });
            }
            boarded.led.push((key, Ticket { flight: flight.clone(), index }));
        }
        boarded
    }
}

async fn fly<K: Eq + Hash, T>(load: impl Future<Output = Result<Vec<T>>>, seated: Seated<K, T>) -> Landed<T> {
    // After a panic the load is dropped and nothing else sees its state.
    let landed = match AssertUnwindSafe(load).catch_unwind().await {
        Ok(loaded) => Landed::With(loaded.map(Arc::from)),
        Err(panic) => Landed::Panicked(Arc::new(Mutex::new(Some(panic)))),
    };
    // Who comes now finds it in the cache, or loads anew.
    drop(seated);
    landed
}

/// The seats of one flight, given up when it has landed or was dropped.
struct Seated<K: Eq + Hash, T> {
    flights: Arc<Mutex<Seats<K, T>>>,
    number: u64,
    keys: Vec<K>,
}

impl<K: Eq + Hash, T> Drop for Seated<K, T> {
    fn drop(&mut self) {
        let mut all = lock(&self.flights);
        for key in &self.keys {
            // A later flight of the same key has the seat by itself.
            if all.seats.get(key).is_some_and(|seat| seat.number == self.number) {
                all.seats.remove(key);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Clone + Send + Sync + 'static> Ticket<T> {
    /// Waits for the value; `None` if its load panicked, and is to be made anew.
    pub(crate) async fn landed(self) -> Option<Result<T>> {
        match self.flight.await {
            Landed::With(values) => values.map(|values| values.get(self.index).cloned()).transpose(),
            Landed::Panicked(_) => None,
        }
    }

    /// As [`landed`](Self::landed), for the one that began the flight and
    /// panics with it.
    pub(crate) async fn landed_here(self) -> Option<Result<T>> {
        if let Landed::Panicked(panic) = self.flight.clone().await
            && let Some(panic) = lock(&panic).take()
        {
            resume_unwind(panic);
        }
        self.landed().await
    }
}

impl<T> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("index", &self.index).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use memory_core::Error;
    use tokio::sync::oneshot;

    use super::super::coherence::CoherenceTable;
    use super::*;

    type Loads = Flights<u8, char>;
    type Answer = oneshot::Sender<Result<Vec<char>>>;

    fn generations() -> (Generation, Generation) {
        let table = CoherenceTable::new(1);
        let first = table.note(0).unwrap();
        table.invalidate(0, || {});
        (first, table.note(0).unwrap())
    }

    /// Boards with a load that is answered by hand.
    fn board(loads: &Loads, keys: &[u8], generation: Generation) -> (Boarded<u8, char>, Answer) {
        let (answer, answered) = oneshot::channel();
        let load = |_| async { answered.await.expect("an answer") };
        (loads.board(keys.iter().map(|key| (*key, generation)), |_| None, load), answer)
    }

    fn keys(seats: &[(u8, Ticket<char>)]) -> Vec<u8> {
        seats.iter().map(|(key, _)| *key).collect()
    }

    fn nobody_flies(loads: &Loads) -> bool {
        lock(&loads.0).seats.is_empty()
    }

    #[tokio::test]
    async fn the_first_leads_and_the_others_get_what_it_loads() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let (mut first, answer) = board(&loads, &[1, 2], now);
        let (mut second, _unasked) = board(&loads, &[2, 3], now);
        assert_eq!((keys(&first.led), keys(&second.led), keys(&second.joined)), (vec![1, 2], vec![3], vec![2]));
        answer.send(Ok(vec!['a', 'b'])).unwrap();
        assert_eq!(first.led.remove(0).1.landed_here().await.unwrap().unwrap(), 'a');
        assert_eq!(second.joined.remove(0).1.landed().await.unwrap().unwrap(), 'b');
        drop(second);
        assert!(nobody_flies(&loads));
    }

    #[tokio::test]
    async fn a_failure_reaches_all_that_wait_and_is_forgotten() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let (_first, answer) = board(&loads, &[1], now);
        let others: Vec<_> = (0..3).map(|_| board(&loads, &[1], now).0).collect();
        answer.send(Err(Error::unavailable("get", "refused"))).unwrap();
        for mut other in others {
            let landed = other.joined.remove(0).1.landed().await;
            assert!(matches!(landed, Some(Err(Error::Unavailable { .. }))));
        }
        assert_eq!(keys(&board(&loads, &[1], now).0.led), [1]);
    }

    #[tokio::test]
    async fn a_flight_goes_on_without_the_one_that_began_it() {
        for dropped in [true, false] {
            let (loads, (now, _)) = (Loads::default(), generations());
            let (first, answer) = board(&loads, &[1], now);
            let (mut second, _unasked) = board(&loads, &[1], now);
            // It asks once, and then never again.
            let mut led = first.led.into_iter().map(|(_, ticket)| Box::pin(ticket.landed_here())).next();
            assert!(led.as_mut().unwrap().as_mut().now_or_never().is_none());
            if dropped {
                led.take();
            }
            answer.send(Ok(vec!['a'])).unwrap();
            assert_eq!(second.joined.remove(0).1.landed().await.unwrap().unwrap(), 'a');
            assert!(nobody_flies(&loads));
        }
    }

    #[tokio::test]
    async fn a_flight_that_nobody_waits_for_is_given_up() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let (first, answer) = board(&loads, &[1], now);
        let second = board(&loads, &[1], now);
        drop((first, second));
        assert!(answer.is_closed() && nobody_flies(&loads));
        assert_eq!(keys(&board(&loads, &[1], now).0.led), [1]);
    }

    #[tokio::test]
    async fn a_panic_is_the_first_ones_and_the_others_start_over() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let (mut first, answer) = board(&loads, &[1], now);
        let (mut second, _unasked) = board(&loads, &[1], now);
        // The load expects an answer.
        drop(answer);
        assert!(second.joined.remove(0).1.landed().await.is_none());
        assert_eq!(keys(&board(&loads, &[1], now).0.led), [1]);
        let panicked = AssertUnwindSafe(first.led.remove(0).1.landed_here()).catch_unwind().await;
        assert!(panicked.is_err());
    }

    #[tokio::test]
    async fn a_flight_of_another_generation_is_replaced_and_still_answers_its_own() {
        let (loads, (before, after)) = (Loads::default(), generations());
        let (_first, answer) = board(&loads, &[1], before);
        let (mut joined, _unasked) = board(&loads, &[1], before);
        let (mut second, second_answer) = board(&loads, &[1], after);
        assert_eq!(keys(&second.led), [1]);
        answer.send(Ok(vec!['a'])).unwrap();
        assert_eq!(joined.joined.remove(0).1.landed().await.unwrap().unwrap(), 'a');
        assert_eq!(keys(&board(&loads, &[1], after).0.joined), [1]);
        second_answer.send(Ok(vec!['b'])).unwrap();
        assert_eq!(second.led.remove(0).1.landed_here().await.unwrap().unwrap(), 'b');
        assert!(nobody_flies(&loads));
    }

    #[test]
    fn what_has_just_landed_is_not_loaded_again() {
        let (loads, (now, _)) = (Loads::default(), generations());
        let load = |led: Vec<(u8, Generation)>| async move { Ok(vec!['b'; led.len()]) };
        let boarded = loads.board([(1, now), (2, now)], |key| (*key == 1).then_some('a'), load);
        assert_eq!((&boarded.found[..], keys(&boarded.led)), (&[(1, 'a')][..], vec![2]));
    }
}
