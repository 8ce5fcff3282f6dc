//! rusqlite by hand, in a process of its own.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::slice;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use memory_bench_peer::Calls;
use memory_core::Episode;

use crate::peers::Client;
use crate::rounds::unclocked;
use crate::{Contender, Peers, Settings};

/// Its name among the peers, and in the report.
const NAME: &str = "rusqlite";

/// A process with a database open, where peers are to take part.
#[derive(Clone)]
pub(super) struct Rusqlite {
    client: Rc<RefCell<Client>>,
    /// What was wrong before anything was measured.
    fault: Rc<RefCell<Option<String>>>,
}

/// Builds it, if it is to take part.
pub(super) fn check(settings: &Settings) -> Result<()> {
    settings.peers.as_ref().map_or(Ok(()), |peers| peers.build(NAME).map(drop))
}

impl Rusqlite {
    pub(super) fn open(peers: &Peers, path: &Path) -> Result<Self> {
        let client = peers.client(NAME, path.display().to_string(), "")?;
        Ok(Self { client: Rc::new(RefCell::new(client)), fault: Rc::default() })
    }

    /// Gives it what there is to store, and sees that it stores that.
    pub(super) fn keep(&self, episodes: &[Episode]) {
        let store = || -> Result<()> {
            let mut client = self.client.borrow_mut();
            client.keep(episodes.to_vec())?;
            client.run(Calls::Store(vec![0..1, 1..11]), 0).map(drop)
        };
        self.note(store());
        for episode in episodes.iter().take(11) {
            self.expect(Calls::Get(vec![episode.id]), slice::from_ref(episode));
        }
    }

    /// Sees that it finds these, whole and in this order.
    pub(super) fn expect(&self, calls: Calls, expected: &[Episode]) {
        if self.fault.borrow().is_some() {
            return;
        }
        let found = self.client.borrow_mut().run(calls, 0).and_then(|ran| {
            let found = ran.found.into_iter().map(|found| found.episode);
            ensure!(found.eq(expected.iter().cloned().map(Some)), "it finds something else than was stored");
            Ok(())
        });
        self.note(found);
    }

    /// Remembers the first fault, which is then the reason in its rows.
    fn note(&self, done: Result<()>) {
        if let Err(error) = done {
            self.fault.borrow_mut().get_or_insert(format!("{error:#}"));
        }
    }

    /// A contender that does the calls that `calls` makes: so many.
    pub(super) fn contender(&self, calls: impl Fn(u64) -> Calls + 'static) -> Contender {
        self.contender_after(|| Ok(()), calls)
    }

    /// The same with something to set up before each turn.
    pub(super) fn contender_after(
        &self,
        before: impl Fn() -> Result<()> + 'static,
        calls: impl Fn(u64) -> Calls + 'static,
    ) -> Contender {
        let Self { client, fault } = self.clone();
        let turn = move |operations| {
            if let Some(fault) = &*fault.borrow() {
                return Err(anyhow!(fault.clone()));
            }
            before()?;
            let unclocked = unclocked(operations);
            let ran = client.borrow_mut().run(calls(unclocked + operations), usize::try_from(unclocked)?)?;
            Ok(Duration::from_nanos(ran.nanoseconds).into())
        };
        Contender::new(NAME, turn).peer()
    }
}
