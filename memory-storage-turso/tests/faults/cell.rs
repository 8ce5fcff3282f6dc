//! One operation that meets one fault, and what must be true afterwards.

use memory_core::Error;
use memory_lab::Script;
use memory_storage_turso::TursoStorage;
use tokio::time::{Instant, timeout};

use crate::operation::{Call, Opening, Operation};
use crate::table::{Effect, Once, Row, Trouble};
use crate::world::{ATTEMPT, GUARD, Kind, World, hasty, kind};

/// What is wrong with a cell.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// A promise is broken.
    Broken(String),
    /// A machine that stood still for a moment, so that an attempt ran out of
    /// time which should not have, explains it too.
    Perhaps(String),
}

pub(crate) struct Cell<'a> {
    pub(crate) world: &'a World,
    pub(crate) row: &'a Row,
    pub(crate) operation: Operation,
    /// Whether the fault comes once, or every time.
    pub(crate) once: bool,
}

/// Each try has twice the time of the one before.
const SCALES: [u32; 5] = [1, 2, 4, 8, 16];

impl Cell<'_> {
    pub(crate) async fn run(&self) -> Result<(), String> {
        let mut perhaps = String::new();
        for scale in SCALES {
            match self.run_at(scale).await {
                Ok(()) => return Ok(()),
                Err(Wrong::Broken(how)) => return Err(how),
                Err(Wrong::Perhaps(how)) => perhaps = how,
            }
        }
        Err(perhaps)
    }

    async fn run_at(&self, scale: u32) -> Result<(), Wrong> {
        let (lab, operation) = (&self.world.lab, self.operation);
        let call = Call::prepare(operation, &self.world.direct).await;
        let opening = || Opening { builder: hasty(scale), url: lab.url() };
        lab.script(Script::new());
        let storage = hasty(scale).remote(lab.url(), "").await.map_err(|error| perhaps("opening", &error))?;

        lab.script(self.row.script(self.once));
        if matches!(self.row.trouble, Trouble::Down) {
            lab.proxy().go_down().await;
        }
        let before = lab.counters();
        let start = Instant::now();
        let result = timeout(GUARD, call.run(&storage, opening())).await;
        let slow = start.elapsed() >= ATTEMPT * scale;
        if matches!(self.row.trouble, Trouble::Down) {
            lab.proxy().come_up().await.map_err(|error| Wrong::Perhaps(error.to_string()))?;
        }
        lab.script(Script::new());
        lab.in_flight_fell_to(0).await;
        let requests = (lab.counters() - before).requests;

        let result = result.map_err(|_| Wrong::Broken(format!("no end within {GUARD:?}")))?;
        let result = match result {
            Ok(right) => right.map(Ok).map_err(Wrong::Broken)?,
            Err(error) => Err(error),
        };
        let soft = |how: String| if slow { Wrong::Perhaps(how) } else { Wrong::Broken(how) };
        self.check_kind(result.as_ref().err(), requests).map_err(soft)?;
        self.check_effect(&call, result.as_ref().err(), soft).await?;
        self.check_next(&call, &storage, result.is_ok()).await
    }

    /// The right error kind, after the right number of requests.
    fn check_kind(&self, error: Option<&Error>, requests: u64) -> Result<(), String> {
        let Self { row, operation, .. } = self;
        let always = if operation.writes() { row.write } else { row.read };
        let works = always.is_empty() || (self.once && row.once == Once::Works);
        match error {
            None if works => {}
            None => return Err(format!("it works, where {always:?} was expected")),
            Some(error) if works => return Err(format!("it fails: {error:?}")),
            Some(error) if always.contains(&kind(error)) => {}
            Some(error) => return Err(format!("{always:?} was expected, and it is {error:?}")),
        }
        let tried_again = !always.is_empty() && row.once == Once::Works;
        let hangs = always.contains(&Kind::Timeout) || row.name.contains("hang") || row.name.contains("second");
        let expected = match (tried_again, self.once) {
            // A connection that is reset at once has no request, and a retry
            // that hangs takes the time of the next.
            _ if row.point == "connect" || hangs || row.name == "giant" => return Ok(()),
            (false, _) => 1,
            (true, true) => 2,
            (true, false) => 4,
        };
        if requests == expected { Ok(()) } else { Err(format!("{requests} requests instead of {expected}")) }
    }

    /// What was acknowledged is there, what failed for certain is not, and
    /// nothing is there in part or twice.
    async fn check_effect(
        &self,
        call: &Call,
        error: Option<&Error>,
        soft: impl Fn(String) -> Wrong,
    ) -> Result<(), Wrong> {
        let ids: Vec<_> = call.effects.iter().map(|(id, _)| *id).collect();
        let accounts = self.world.accounts(&ids).await;
        let (mut done, mut twice) = (0, false);
        for (id, change) in &call.effects {
            let times = accounts[id].iter().filter(|found| found == change).count();
            done += times.min(1);
            twice |= times > 1;
        }
        let whole = done == ids.len();
        let told = error.map_or_else(|| "it worked".to_owned(), ToString::to_string);
        if twice {
            return Err(Wrong::Broken(format!("it was applied twice: {told}")));
        }
        if done > 0 && !whole {
            return Err(Wrong::Broken(format!("{done} of {} changes were made: {told}", ids.len())));
        }
        match error {
            None if !whole => Err(Wrong::Broken("it was acknowledged and is not there".to_owned())),
            Some(error) if !error.outcome_unknown() && done > 0 => {
                Err(Wrong::Broken(format!("it is there, and failed for certain: {told}")))
            }
            Some(_) if done > 0 && self.row.effect == Effect::Nothing => {
                Err(soft(format!("it is there, though the server was not asked: {told}")))
            }
            Some(_) if !whole && self.row.effect == Effect::Everything => {
                Err(soft(format!("it is not there, though the server has done it: {told}")))
            }
            _ => Ok(()),
        }
    }

    /// The next calls work, one request each, and nothing from before changes
    /// anything after them.
    async fn check_next(&self, call: &Call, storage: &TursoStorage, worked: bool) -> Result<(), Wrong> {
        let lab = &self.world.lab;
        let before = lab.counters();
        let another = call.read_another(storage).await.map_err(|error| perhaps("the next read", &error))?;
        if !another {
            return Err(Wrong::Broken("the next read is wrong".to_owned()));
        }
        let newer = call.overwrite(storage).await.map_err(|error| perhaps("the next write", &error))?;
        let spent = lab.counters() - before;
        if spent.requests != 2 || spent.connections > 1 {
            return Err(Wrong::Perhaps(format!("the next two calls took {spent:?}")));
        }
        lab.release_late().await;
        let account = self.world.account(newer).await;
        if account.last().is_none_or(|last| last != "9") {
            return Err(Wrong::Broken(format!("a newer write was undone: {account:?}, worked: {worked}")));
        }
        let first = call.effects.first();
        if first.is_some_and(|(_, change)| account.iter().filter(|found| found == change).count() > 1) {
            return Err(Wrong::Broken(format!("it was applied twice in the end: {account:?}")));
        }
        Ok(())
    }
}

fn perhaps(what: &str, error: &Error) -> Wrong {
    Wrong::Perhaps(format!("{what} fails: {error:?}"))
}
