//! Systems on their way to the server, and their turns.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use memory_lab::Counters;
use tokio::runtime::Runtime;

use super::OURS;
use super::address::ServerAddress;
use super::place::{Place, Route};
use super::system::System;
use crate::{Contender, Sample, Traffic};

/// What rests longer may have lost its stream at the server, which drops those
/// that are idle for ten seconds.
const REST: Duration = Duration::from_secs(5);

/// A system on its way to the server.
pub(crate) struct Player<S> {
    /// Or why it could not be made ready.
    system: Result<S, String>,
    pub(crate) route: Route,
    /// What had gone through the route when last it was looked at. A connection
    /// that is dropped sends its farewell later; it counts for the next turn.
    counted: Cell<Option<Counters>>,
    used: RefCell<Option<Instant>>,
    calls: Cell<usize>,
    runtime: Rc<Runtime>,
}

impl<S: System> Player<S> {
    pub(crate) fn new(place: &Place, open: impl AsyncFnOnce(ServerAddress) -> Result<S>) -> Result<Rc<Self>> {
        let route = place.route()?;
        let system = place.runtime.block_on(open(route.address.clone())).map_err(|error| format!("{error:#}"));
        let player = Self {
            counted: Cell::new(route.counters()),
            used: RefCell::default(),
            calls: Cell::default(),
            runtime: Rc::clone(&place.runtime),
            system,
            route,
        };
        Ok(Rc::new(player))
    }

    /// The contender that does this once for each operation, with what belongs
    /// to it in [`clocked`](Self::clocked).
    pub(crate) fn contender(
        self: &Rc<Self>,
        operate: impl AsyncFn(&Self, &S) -> Result<Sample> + 'static,
    ) -> Contender {
        self.contender_of_many(async move |player, system, operations| {
            let mut sum = Sample::default();
            for _ in 0..operations {
                sum += operate(player, system).await?;
            }
            Ok(sum)
        })
    }

    /// The contender whose turns these are: so many operations each.
    pub(crate) fn contender_of_many(
        self: &Rc<Self>,
        turn: impl AsyncFn(&Self, &S, u64) -> Result<Sample> + 'static,
    ) -> Contender {
        let player = Rc::clone(self);
        let contender = Contender::new(S::NAME, move |operations| player.turn(&turn, operations));
        if S::NAME == OURS { contender } else { contender.peer() }
    }

    /// One turn, by itself.
    pub(crate) fn turn(
        &self,
        turn: &impl AsyncFn(&Self, &S, u64) -> Result<Sample>,
        operations: u64,
    ) -> Result<Sample> {
        let system = self.system()?;
        let sample = self.runtime.block_on(async {
            if self.used.borrow().is_none_or(|used| used.elapsed() > REST) {
                system.warm_up().await?;
                self.look();
            }
            turn(self, system, operations).await
        });
        // Whoever failed may have lost what it keeps open.
        self.used.replace(sample.is_ok().then(Instant::now));
        sample
    }

    /// It, or why it could not be made ready.
    pub(crate) fn system(&self) -> Result<&S> {
        self.system.as_ref().map_err(|reason| anyhow!(reason.clone()))
    }

    /// How many calls came before this one.
    pub(crate) fn call(&self) -> usize {
        self.calls.replace(self.calls.get() + 1)
    }

    /// Lets what has gone through the route so far count for nobody.
    pub(crate) fn look(&self) {
        self.counted.set(self.route.counters());
    }

    /// Awaits an operation by the clock, and counts what goes through the route.
    pub(crate) async fn clocked<T>(
        &self,
        system: &S,
        operation: impl Future<Output = Result<T>>,
    ) -> Result<(Sample, T)> {
        let requests = system.requests();
        let start = Instant::now();
        let value = operation.await?;
        let elapsed = system.elapsed().unwrap_or_else(|| start.elapsed());
        let said = || Some(Traffic { round_trips: system.requests()? - requests?, ..Traffic::default() });
        let traffic = self.route.traffic_since(self.counted.get()).or_else(said);
        self.look();
        Ok((Sample { elapsed, traffic }, value))
    }
}
