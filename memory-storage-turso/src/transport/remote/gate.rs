//! Turns of requests that write.
//!
//! A server takes few writers at a time, so that a request that writes needs a
//! turn. A write that finds none waits; the write that takes the next turn takes
//! waiting ones with it, into one request. Each write is answered by itself.
//!
//! A free turn belongs to no waiting write. All that wait are woken, and the
//! first one that is polled takes it, so that a write that its caller does not
//! poll holds up no other.
//!
//! The protocol survives the cancellation of any of them. A turn that is dropped
//! is free again. A waiting write that is dropped is not sent. If the write that
//! sends a request is dropped, the others in that request are abandoned: each of
//! them waits for a turn again.

use std::collections::VecDeque;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::{Either, select};
use tokio::sync::{Notify, oneshot};

/// Who waits for a turn, and how many turns are free. `W` is a write, `T` its answer.
#[derive(Debug)]
pub(super) struct Gate<W, T> {
    state: Mutex<State<W, T>>,
    /// Wakes all that wait when a turn becomes free.
    freed: Notify,
}

#[derive(Debug)]
struct State<W, T> {
    free: usize,
    waiting: VecDeque<Waiting<W, T>>,
    /// The number of the next write that waits.
    next: u64,
    /// An upper bound on the waiting writes that were dropped.
    gone: usize,
}

#[derive(Debug)]
struct Waiting<W, T> {
    number: u64,
    /// `None` where only a turn is waited for.
    write: Option<W>,
    answer: oneshot::Sender<T>,
}

/// The end of a write's wait.
#[derive(Debug)]
pub(super) enum News<W, T> {
    /// It is this write's turn to send a request.
    Turn(Turn<W, T>),
    /// Another write sent it along, and this is its answer.
    Answer(T),
    /// Another write sent it along and went away before the answer.
    Abandoned,
}

/// The right to send a request that writes. Dropped, it is free again.
#[derive(Debug)]
pub(super) struct Turn<W, T>(Arc<Gate<W, T>>);

/// A write that is sent along. Dropped without an answer, it is abandoned.
#[derive(Debug)]
pub(super) struct Member<W, T> {
    pub(super) write: W,
    answer: oneshot::Sender<T>,
}

impl<W, T> Member<W, T> {
    /// Answers the write. False where nobody waits for the answer any more.
    pub(super) fn answer(self, answer: T) -> bool {
        self.answer.send(answer).is_ok()
    }
}

impl<W, T> Gate<W, T> {
    pub(super) fn new(turns: usize) -> Arc<Self> {
        let state = State { free: turns, waiting: VecDeque::new(), next: 0, gone: 0 };
        Arc::new(Self { state: Mutex::new(state), freed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State<W, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A turn, if one is free.
    pub(super) fn try_turn(self: &Arc<Self>) -> Option<Turn<W, T>> {
        let mut state = self.state();
        state.free = state.free.checked_sub(1)?;
        Some(Turn(Arc::clone(self)))
    }

    /// Waits for a turn, and with a write also for what another one does with it.
    pub(super) async fn enter(self: &Arc<Self>, write: Option<W>) -> News<W, T> {
        let (answer, receiver) = oneshot::channel();
        let number = {
            let mut state = self.state();
            let number = state.next;
            state.next += 1;
            state.waiting.push_back(Waiting { number, write, answer });
            number
        };
        let mut leaving = Leaving { gate: self, receiver };
        loop {
            // Registered before the look, so that no turn becomes free unnoticed.
            let mut freed = pin!(self.freed.notified());
            freed.as_mut().enable();
            if let Some(turn) = self.turn_of(number) {
                return News::Turn(turn);
            }
            match select(&mut leaving.receiver, freed).await {
                Either::Left((answer, _)) => return answer.map_or(News::Abandoned, News::Answer),
                Either::Right(((), _)) => {}
            }
        }
    }

    /// A free turn for a write that waits and was not sent along.
    fn turn_of(self: &Arc<Self>, number: u64) -> Option<Turn<W, T>> {
        let mut state = self.state();
        let left = state.free.checked_sub(1)?;
        // Numbers grow from front to back.
        let at = state.waiting.binary_search_by_key(&number, |waiting| waiting.number).ok()?;
        state.waiting.remove(at);
        state.free = left;
        Some(Turn(Arc::clone(self)))
    }
}

/// A place among the waiting. Left behind, it is swept away in time, so that what
/// was cancelled takes no memory for long.
struct Leaving<'a, W, T> {
    gate: &'a Gate<W, T>,
    receiver: oneshot::Receiver<T>,
}

impl<W, T> Drop for Leaving<'_, W, T> {
    fn drop(&mut self) {
        self.receiver.close();
        let mut state = self.gate.state();
        state.gone += 1;
        if state.gone * 2 > state.waiting.len() {
            state.gone = 0;
            let all = mem::take(&mut state.waiting).into_iter();
            let (gone, there): (Vec<_>, Vec<_>) = all.partition(|waiting| waiting.answer.is_closed());
            state.waiting = there.into();
            drop(state);
            drop(gone);
        }
    }
}

impl<W, T> Turn<W, T> {
    /// Takes waiting writes along, in their order, as long as `fits` says so.
    ///
    /// `fits` runs while no waiting write can leave: one that leaves later finds
    /// what `fits` did to it.
    pub(super) fn take(&self, mut fits: impl FnMut(&W) -> bool) -> Vec<Member<W, T>> {
        let (mut members, mut left, mut gone) = (Vec::new(), VecDeque::new(), Vec::new());
        let mut state = self.0.state();
        let mut open = true;
        for waiting in mem::take(&mut state.waiting) {
            let Waiting { number, write, answer } = waiting;
            match write {
                _ if answer.is_closed() => gone.push((write, answer)),
                Some(write) if open && fits(&write) => members.push(Member { write, answer }),
                write => {
                    // One that does not fit ends it, so that none is overtaken for ever.
                    open &= write.is_none();
                    left.push_back(Waiting { number, write, answer });
                }
            }
        }
        state.waiting = left;
        state.gone = 0;
        drop(state);
        drop(gone);
        members
    }
}

impl<W, T> Drop for Turn<W, T> {
    fn drop(&mut self) {
        self.0.state().free += 1;
        self.0.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    type TestGate = Arc<Gate<u32, &'static str>>;

    /// A write that waits, polled by hand.
    struct Writer(std::pin::Pin<Box<dyn Future<Output = News<u32, &'static str>>>>);

    impl Writer {
        fn enter(gate: &TestGate, write: Option<u32>) -> Self {
            let gate = Arc::clone(gate);
            let mut writer = Self(Box::pin(async move { gate.enter(write).await }));
            assert!(writer.news().is_none(), "there was a turn");
            writer
        }

        fn news(&mut self) -> Option<News<u32, &'static str>> {
            match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(news) => Some(news),
                Poll::Pending => None,
            }
        }

        fn turn(&mut self) -> Turn<u32, &'static str> {
            match self.news() {
                Some(News::Turn(turn)) => turn,
                other => panic!("no turn: {other:?}"),
            }
        }
    }

    fn writes(members: &[Member<u32, &'static str>]) -> Vec<u32> {
        members.iter().map(|member| member.write).collect()
    }

    #[test]
    fn a_lone_write_waits_for_nothing() {
        let gate: TestGate = Gate::new(2);
        let (first, second) = (gate.try_turn().unwrap(), gate.try_turn().unwrap());
        assert!(gate.try_turn().is_none());
        drop(first);
        assert!(gate.try_turn().is_some());
        drop(second);
        assert_eq!(gate.state().free, 2);
    }

    #[test]
    fn those_that_wait_are_taken_along_in_order_and_answered_one_by_one() {
        let gate: TestGate = Gate::new(1);
        let first = gate.try_turn().unwrap();
        let mut waiting: Vec<_> = (0..5).map(|write| Writer::enter(&gate, Some(write))).collect();
        drop(first);
        let turn = waiting[0].turn();
        let members = turn.take(|write| *write < 4);
        assert_eq!(writes(&members), [1, 2, 3]);
        for (member, answer) in members.into_iter().zip(["one", "two", "three"]) {
            assert!(member.answer(answer));
        }
        drop(turn);
        assert!(matches!(waiting[2].news(), Some(News::Answer("two"))));
        assert!(matches!(waiting[4].news(), Some(News::Turn(_))));
        assert_eq!(gate.state().free, 1);
    }

    #[test]
    fn a_write_that_does_not_fit_is_not_overtaken_and_a_mere_turn_is_not_taken() {
        let gate: TestGate = Gate::new(1);
        let first = gate.try_turn().unwrap();
        let mut waiting: Vec<_> = [Some(1), None, Some(2), Some(9), Some(3)].map(|w| Writer::enter(&gate, w)).into();
        drop(first);
        let turn = waiting[0].turn();
        let members = turn.take(|write| *write < 9);
        assert_eq!(writes(&members), [2]);
        drop(turn);
        drop(waiting[1].turn());
        drop(waiting[3].turn());
        drop(waiting[4].turn());
        assert_eq!(gate.state().free, 1);
    }

    #[test]
    fn a_sender_that_goes_away_abandons_the_others_and_passes_its_turn_on() {
        let gate: TestGate = Gate::new(1);
        let first = gate.try_turn().unwrap();
        let mut waiting: Vec<_> = (0..3).map(|write| Writer::enter(&gate, Some(write))).collect();
        drop(first);
        let turn = waiting[0].turn();
        drop((turn.take(|_| true), turn));
        assert!(matches!(waiting[1].news(), Some(News::Abandoned)));
        assert!(matches!(waiting[2].news(), Some(News::Abandoned)));
        assert!(gate.try_turn().is_some());
    }

    #[test]
    fn a_write_that_is_dropped_while_it_waits_is_never_sent_and_holds_no_turn() {
        let gate: TestGate = Gate::new(1);
        let first = gate.try_turn().unwrap();
        let mut waiting: Vec<_> = (0..6).map(|write| Writer::enter(&gate, Some(write))).collect();
        drop(waiting.remove(0));
        drop(waiting.remove(1));
        drop(first);
        // The second was woken for the turn, and goes without a look at it.
        drop(waiting.remove(0));
        let turn = waiting[0].turn();
        assert_eq!(writes(&turn.take(|_| true)), [4, 5]);
        drop(turn);
        assert_eq!(gate.state().free, 1);
    }

    #[test]
    fn a_write_that_is_not_polled_holds_up_no_other() {
        let gate: TestGate = Gate::new(1);
        let first = gate.try_turn().unwrap();
        let mut waiting: Vec<_> = (0..3).map(|write| Writer::enter(&gate, Some(write))).collect();
        drop(first);
        // Neither the first nor the second is polled; the last one takes both along.
        let turn = waiting[2].turn();
        let members = turn.take(|_| true);
        assert_eq!(writes(&members), [0, 1]);
        for member in members {
            assert!(member.answer("sent along"));
        }
        drop(turn);
        // A newcomer finds the turn free, too.
        drop(gate.try_turn().unwrap());
        assert!(matches!(waiting[0].news(), Some(News::Answer("sent along"))));
        assert!(matches!(waiting[1].news(), Some(News::Answer("sent along"))));
        assert_eq!(gate.state().free, 1);
    }

    #[test]
    fn what_was_cancelled_takes_no_memory() {
        let gate: TestGate = Gate::new(1);
        let _first = gate.try_turn().unwrap();
        let _kept = Writer::enter(&gate, Some(0));
        for write in 0..1_000 {
            drop(Writer::enter(&gate, Some(write)));
        }
        assert!(gate.state().waiting.len() <= 3);
    }
}
