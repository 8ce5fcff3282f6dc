//! Turns of the contenders.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use memory_core::{Episode, EpisodeId, Pattern, Store};
use memory_storage_turso::TursoStorage;
use memory_storage_turso::lab::Counters;
use tokio::runtime::Runtime;

use super::OURS;
use super::input::{Input, patterns};
use super::operation::{COMMITTED, CONCURRENT, Operation};
use super::place::{Place, Route};
use super::settings::ServerAddress;
use super::system::{Episodes, System};
use crate::{Contender, Sample, Traffic};

/// What rests longer may have lost its stream at the server, which drops those
/// that are idle for ten seconds.
const REST: Duration = Duration::from_secs(5);

/// What all turns on one kind of input have in common.
pub(super) struct Scene {
    pub(super) runtime: Rc<Runtime>,
    /// Takes away, outside the clock and around the proxies, what was stored.
    pub(super) sweeper: Rc<TursoStorage>,
    pub(super) input: Input,
    pub(super) max_single_records: usize,
}

/// A system on its way to the server.
pub(super) struct Player<S> {
    /// Or why it could not be made ready.
    system: Result<S, String>,
    route: Route,
    /// What had gone through the route when last it was looked at. A connection
    /// that is dropped sends its farewell later; it counts for the next turn.
    counted: Cell<Option<Counters>>,
    used: RefCell<Option<Instant>>,
    calls: Cell<usize>,
}

impl<S: System> Player<S> {
    pub(super) fn new(place: &Place, open: impl AsyncFnOnce(ServerAddress) -> Result<S>) -> Result<Rc<Self>> {
        let route = place.route()?;
        let system = place.runtime.block_on(open(route.address.clone())).map_err(|error| format!("{error:#}"));
        let player = Self {
            counted: Cell::new(route.counters()),
            used: RefCell::default(),
            calls: Cell::default(),
            system,
            route,
        };
        Ok(Rc::new(player))
    }

    /// The contender that does `operation` once in each turn.
    pub(super) fn contender(self: &Rc<Self>, operation: Operation, scene: &Rc<Scene>) -> Contender {
        let mut notes = Vec::new();
        if let (Operation::GetConcurrent, Some(note)) = (operation, S::CONCURRENCY) {
            notes.push(note.to_owned());
        }
        if let Some((stored, _)) = scaled::<S>(operation, scene) {
            notes.push(format!("scaled up from {stored} records, of which each is a request"));
        }
        let (player, scene) = (Rc::clone(self), Rc::clone(scene));
        let mut contender = Contender::new(S::NAME, move |_| {
            let scene = &*scene;
            scene.runtime.block_on(player.turn(operation, scene))
        });
        if !notes.is_empty() {
            contender = contender.note(notes.join("; "));
        }
        if S::NAME == OURS { contender } else { contender.peer() }
    }

    /// It, or why it could not be made ready.
    pub(super) fn system(&self) -> Result<&S> {
        self.system.as_ref().map_err(|reason| anyhow!(reason.clone()))
    }

    pub(super) const fn route(&self) -> &Route {
        &self.route
    }

    async fn turn(&self, operation: Operation, scene: &Scene) -> Result<Sample> {
        let system = self.system()?;
        if self.used.borrow().is_none_or(|used| used.elapsed() > REST) {
            system.warm_up().await?;
            self.counted.set(self.route.counters());
        }
        let sample = self.operate(system, operation, scene).await;
        // Whoever failed may have lost what it keeps open.
        self.used.replace(sample.is_ok().then(Instant::now));
        sample
    }

    async fn operate(&self, system: &S, operation: Operation, scene: &Scene) -> Result<Sample> {
        let call = self.calls.replace(self.calls.get() + 1);
        let input = &scene.input;
        let wanted = |count| -> Episodes {
            let all = &input.population;
            (0..count).map(|number| Arc::clone(&all[(37 * call + number) % all.len()])).collect()
        };
        let ids = |episodes: &Episodes| -> Vec<EpisodeId> { episodes.iter().map(|episode| episode.id).collect() };
        match operation {
            Operation::Get => {
                let wanted = wanted(1);
                let (sample, found) = self.clocked(system, system.get(wanted[0].id)).await?;
                same(&wanted, &[found]).map(|()| sample)
            }
            Operation::GetBatch(size) => {
                let wanted = wanted(size);
                let (sample, found) = self.clocked(system, system.get_batch(&ids(&wanted))).await?;
                same(&in_order(wanted), &in_order(found)).map(|()| sample)
            }
            Operation::GetConcurrent => {
                let wanted = wanted(CONCURRENT);
                let (sample, found) = self.clocked(system, system.get_concurrent(&ids(&wanted))).await?;
                same(&in_order(wanted), &in_order(found)).map(|()| sample)
            }
            Operation::QueryMetadata => {
                let (session, wanted) = &input.sessions[call % input.sessions.len()];
                let (sample, found) = self.clocked(system, system.query_metadata(session)).await?;
                same(wanted, &found).map(|()| sample)
            }
            Operation::QueryPage => {
                let page = &input.pages[call % input.pages.len()];
                let (sample, found) = self.clocked(system, system.query_page(page)).await?;
                same(&page.episodes, &found).map(|()| sample)
            }
            Operation::Store(size) => {
                let (size, factor) = scaled::<S>(operation, scene).unwrap_or((size, 1.0));
                let episodes = input.fresh(size);
                let (sample, ()) = self.clocked(system, system.store(&episodes)).await?;
                system.sweep(scene, &episodes, &[]).await?;
                Ok(scale(sample, factor))
            }
            Operation::Commit => {
                let episodes = input.fresh(COMMITTED);
                let patterns = patterns(&episodes);
                let (sample, ()) = self.clocked(system, system.commit(&episodes, &patterns)).await?;
                system.sweep(scene, &episodes, &patterns).await?;
                Ok(sample)
            }
        }
    }

    /// Awaits an operation by the clock, and counts what goes through the route.
    async fn clocked<T>(&self, system: &S, operation: impl Future<Output = Result<T>>) -> Result<(Sample, T)> {
        let requests = system.requests();
        let start = Instant::now();
        let value = operation.await?;
        let elapsed = system.elapsed().unwrap_or_else(|| start.elapsed());
        let said = || Some(Traffic { round_trips: system.requests()? - requests?, ..Traffic::default() });
        let traffic = self.route.traffic_since(self.counted.get()).or_else(said);
        self.counted.set(self.route.counters());
        Ok((Sample { elapsed, traffic }, value))
    }
}

impl Scene {
    /// Deletes what was stored, all of which must be there.
    pub(super) async fn sweep(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
        let mut deleted = self.sweeper.delete(&ids).await.context("delete what was stored")?;
        let ids: Vec<_> = patterns.iter().map(|pattern| pattern.id).collect();
        deleted += Store::<Pattern>::delete(&*self.sweeper, &ids).await.context("delete what was stored")?;
        ensure!(deleted == (episodes.len() + patterns.len()) as u64, "only {deleted} records were stored");
        Ok(())
    }
}

/// How many records are stored in place of so many more, and how many times
/// more round trips those would take.
fn scaled<S: System>(operation: Operation, scene: &Scene) -> Option<(usize, f64)> {
    let (Operation::Store(size), Some(beside)) = (operation, S::REQUEST_PER_RECORD) else { return None };
    let stored = scene.max_single_records;
    (size > stored).then(|| (stored, (size + beside) as f64 / (stored + beside) as f64))
}

fn scale(sample: Sample, factor: f64) -> Sample {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, and far from any end")]
    let times = |count: u64| (count as f64 * factor).round() as u64;
    let traffic = sample.traffic.map(|traffic| Traffic {
        round_trips: times(traffic.round_trips),
        connections: traffic.connections,
        bytes_up: traffic.bytes_up.map(times),
        bytes_down: traffic.bytes_down.map(times),
    });
    Sample { elapsed: sample.elapsed.mul_f64(factor), traffic }
}

fn in_order(mut episodes: Episodes) -> Episodes {
    episodes.sort_by_key(|episode| episode.id);
    episodes
}

fn same(wanted: &[Arc<Episode>], found: &[Arc<Episode>]) -> Result<()> {
    ensure!(wanted == found, "{} episodes that are not those that were stored", found.len());
    Ok(())
}
