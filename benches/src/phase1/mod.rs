//! Section `phase1`: what a first phase of optimisation promised, by the names
//! that it gave its operations.
//!
//! All of it was promised over a baseline of 134 ms for each operation, which
//! opens a connection of its own. The lab's round-trip time is found by that:
//! it is the one, in whole milliseconds, at which a read in this way takes
//! 134 ms ([`calibrate`]). On a real server it is what it is.
//!
//! - `baseline_no_cache`: a read with a new connection ([`reads`]);
//! - `uncached_mix`: the same reads by clients that keep their connection;
//! - `optimized_cache_first`: the same through our cache. The reads are those
//!   of sessions, each of which begins with nothing cached: 15 in 100 name an
//!   episode for the first time, and so 85 are hits;
//! - `batch_operations/10` to `/100`, and the same `/retrieve`: storing and
//!   getting so many in one call, over the baseline once for each
//!   ([`batches`]), without a cache. With a file of trajectories all of them
//!   are there again with `/real` after their names, on its episodes;
//! - `e2e_baseline`, `e2e_optimized`, `e2e_by_hand`: a session of an agent that
//!   recalls, works, stores and learns ([`session`]);
//! - `metadata_query_optimized`: by an index and by `LIKE`, in a local file;
//!   `/network` is the same question to the server ([`metadata`]);
//! - `prepared_statements`: gets of small episodes from a local file, 64 under way at
//!   a time, with the statement prepared once, over preparing it each time
//!   ([`prepared`]);
//! - `query_after_write`: what keeping a cached page saves, over dropping all
//!   pages at every write ([`narrowing`]);
//! - `hit`: what a hit costs beyond the cache itself ([`hits`]);
//! - everything else: each operation through the cache, `/cold` and `/cached`
//!   ([`round_trips`]).
//!
//! The systems are those of the section `network`; ours has its cache in
//! `optimized_cache_first`, `e2e_optimized`, `query_after_write`, and the cold
//! and cached operations, and nowhere else. [`expected`] holds what was
//! promised, and how it is decided whether that is kept.

mod batches;
mod calibrate;
mod expected;
mod hits;
mod metadata;
mod narrowing;
mod prepared;
mod reads;
mod round_trips;
mod rows;
mod session;
mod settings;

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use memory_core::{Episode, EpisodeId, MemoryStorageExt, Store};

use self::calibrate::calibrate;
use self::reads::{Hits, Mix};
pub use self::settings::Phase1Settings;
use crate::clients::{Cached, Input, NewConnection, Ours, Place, Player, Scene, Serverless, Warm};
use crate::population::population;
use crate::report::Row;
use crate::{Contender, Progress, Section, Settings, Workload, local, network, run};

/// The section.
pub(crate) const SECTION: Section = Section {
    name: "phase1",
    about: "what was promised of caching, batches, prepared statements and indexes",
    check: network::check,
    describe,
    run: section,
};

/// Bytes of a generated episode as JSON.
const EPISODE_BYTES: usize = 1_000;

const BASELINE_NO_CACHE: &str = "baseline_no_cache";
const UNCACHED_MIX: &str = "uncached_mix";
const OPTIMIZED_CACHE_FIRST: &str = "optimized_cache_first";
const METADATA: &str = "metadata_query_optimized";
const METADATA_NETWORK: &str = "metadata_query_optimized/network";
const E2E_BASELINE: &str = "e2e_baseline";
const E2E_OPTIMIZED: &str = "e2e_optimized";
const E2E_BY_HAND: &str = "e2e_by_hand";
const QUERY_AFTER_WRITE: &str = "query_after_write";

fn describe(settings: &Settings) -> String {
    let phase1 = &settings.phase1;
    let server = match &settings.network.server {
        Some(server) => server.url.clone(),
        None => format!("the round-trip time at which a read with its own connection takes {:?}", phase1.baseline),
    };
    let real = if settings.trajectories.is_generated() {
        String::new()
    } else {
        format!(", and real ones ({})", settings.trajectories.source)
    };
    let (population, rounds) = (phase1.population, phase1.rounds);
    format!(
        "{server}; episodes of 1 kB{real}; {population} small ones to query; at most {rounds} rounds, seed {}",
        settings.seed
    )
}

fn section(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    progress.plan(2);
    progress.step("phase1: load episodes and find the round-trip time");
    let mut stage = Stage::open(settings)?;
    let rows = stage.load(settings).and_then(|()| stage.measure(settings, progress));
    // Also after an error, which is the one to report.
    let left = if settings.network.server.is_some() { stage.leave() } else { Ok(()) };
    let mut rows = rows.and_then(|rows| left.map(|()| rows))?;
    drop(stage);
    if progress.is_cancelled() {
        return Ok(rows);
    }
    progress.step("phase1: load episodes into files");
    let files = tempfile::tempdir().context("make a folder for the databases")?;
    let mut on_this_machine = on_this_machine(files.path(), settings)?;
    let measured = run(&mut on_this_machine, settings.rounds, settings.seed, progress)?;
    if let [metadata, prepared, hit] = measured.as_slice() {
        rows.extend(rows::local(metadata, prepared, hit));
    }
    Ok(rows)
}

/// Gives `visit` every contender of this section but those that do every
/// operation cold and cached, one after the other, each with its operation's
/// name: for who measures them in another way.
///
/// # Errors
///
/// Where the lab cannot be started, or the server that `settings` name cannot
/// be used.
pub fn phase1_contenders(settings: &Settings, mut visit: impl FnMut(&str, &mut Contender)) -> Result<()> {
    let mut stage = Stage::open(settings)?;
    let visited = stage.load(settings).and_then(|()| {
        let files = tempfile::tempdir().context("make a folder for the databases")?;
        let (network, _) = stage.network(settings)?;
        for mut workload in on_this_machine(files.path(), settings)?.into_iter().chain([network]) {
            for contender in &mut workload.contenders {
                let operation = contender.operation.as_ref().unwrap_or(&workload.operation).clone();
                visit(&operation, contender);
            }
        }
        Ok(())
    });
    let left = if settings.network.server.is_some() { stage.leave() } else { Ok(()) };
    visited.and(left)
}

/// What needs no network.
fn on_this_machine(files: &Path, settings: &Settings) -> Result<[Workload; 3]> {
    Ok([
        local::by_index(&files.join("metadata.db"), METADATA, settings, settings.phase1.population)?,
        prepared::workload(&files.join("prepared.db"), settings.seed)?,
        hits::workload(settings.seed)?,
    ])
}

/// The server, what was stored there, and who is measured on it.
struct Stage {
    place: Place,
    scenes: Vec<Rc<Scene>>,
    /// Small episodes that queries have to search.
    searched: Vec<Episode>,
    mix: Rc<Mix>,
    /// The lab's round-trip time, once it is known.
    rtt: Option<Duration>,
}

impl Stage {
    fn open(settings: &Settings) -> Result<Self> {
        let network = &settings.network;
        let place = Place::open(network.server.clone(), Duration::ZERO, network.tls_rtts)?;
        let sweeper = Scene::sweeper(&place)?;
        let mut inputs = vec![Input::generated(settings.seed, EPISODE_BYTES)?];
        if !settings.trajectories.is_generated() {
            inputs.push(Input::real(&settings.trajectories.episodes)?);
        }
        let scene = |input| {
            let (runtime, sweeper) = (Rc::clone(&place.runtime), Rc::clone(&sweeper));
            Rc::new(Scene { runtime, sweeper, input, max_single_records: settings.phase1.max_single_records })
        };
        let scenes = inputs.into_iter().map(scene).collect();
        let mut searched = population(settings.seed, settings.phase1.population)?;
        // Somebody may have loaded the same ones.
        for episode in &mut searched {
            episode.id = EpisodeId::new();
        }
        let mix = Rc::new(Mix::new(settings.phase1.reads, settings.seed)?);
        Ok(Self { place, scenes, searched, mix, rtt: None })
    }

    /// Stores what is there to be read and searched, and finds the lab's
    /// round-trip time.
    fn load(&mut self, settings: &Settings) -> Result<()> {
        self.scenes.iter().try_for_each(|scene| scene.load())?;
        for episodes in self.searched.chunks(1_000) {
            let stored = self.scenes[0].sweeper.store_episodes_batch(episodes);
            self.place.runtime.block_on(stored).context("load episodes")?;
        }
        if settings.network.server.is_none() {
            let rtt = calibrate(&self.place, &self.scenes[0], &self.mix, settings.phase1.baseline)?;
            self.place.set_rtt(rtt);
            self.rtt = Some(rtt);
        }
        Ok(())
    }

    fn measure(&self, settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
        let (workload, hits) = self.network(settings)?;
        let rounds = settings.phase1.rounds;
        // None where the run is cancelled: what was measured before remains.
        let measure = |workload| Ok::<_, anyhow::Error>(run(&mut [workload], rounds, settings.seed, progress)?.pop());
        let mut rows = Vec::new();
        if let Some(measured) = measure(workload)? {
            rows.extend(rows::network(&measured, &self.scenes, &hits, self.rtt));
        }
        if !progress.is_cancelled()
            && let Some(measured) = measure(self.round_trips(settings)?)?
        {
            rows.extend(rows::round_trips(&measured, self.rtt));
        }
        Ok(rows)
    }

    /// Everything that is compared across the network, in the same rounds.
    fn network(&self, settings: &Settings) -> Result<(Workload, Hits)> {
        let (place, scenes, mix) = (&self.place, &self.scenes, &self.mix);
        let scene = &scenes[0];
        let ours = Player::new(place, async |address| Ours::open(&address).await)?;
        let ours_cached = Player::new(place, async |address| Ours::cached(&address).await)?;
        let new_connection = Player::new(place, async |address| Ok(NewConnection(address)))?;
        let warm = Player::new(place, async |address| Warm::open(&address).await)?;
        let cached = Player::new(place, async |address| Cached::open(&address).await)?;
        let serverless = Player::new(place, async |address| Serverless::open(&address).await)?;

        let (cache_first, hits) = reads::cached(&ours_cached, scene, mix);
        let mut contenders = vec![
            reads::uncached(&ours, scene, mix).operation(UNCACHED_MIX),
            reads::uncached(&warm, scene, mix).operation(UNCACHED_MIX),
            reads::uncached(&cached, scene, mix).operation(UNCACHED_MIX),
            reads::uncached(&serverless, scene, mix).operation(UNCACHED_MIX),
        ];
        let reads = settings.phase1.uncached_reads;
        contenders = contenders.into_iter().map(|contender| contender.times(reads)).collect();
        contenders.push(cache_first.operation(OPTIMIZED_CACHE_FIRST).times(settings.phase1.reads));
        for scene in scenes {
            for size in batches::SIZES {
                contenders.extend([
                    batches::store(&ours, size, scene),
                    batches::store_one_by_one(&new_connection, size, scene),
                    batches::store(&warm, size, scene),
                    batches::store(&serverless, size, scene),
                    batches::retrieve(&ours, size, scene),
                    batches::retrieve(&warm, size, scene),
                    batches::retrieve(&serverless, size, scene),
                ]);
            }
        }
        contenders.extend([
            metadata::by_index(&ours, scene).operation(METADATA_NETWORK),
            metadata::by_text(&new_connection, scene).operation(METADATA_NETWORK),
            metadata::by_index(&warm, scene).operation(METADATA_NETWORK),
            metadata::by_index(&serverless, scene).operation(METADATA_NETWORK),
            session::baseline(&new_connection, scene).operation(E2E_BASELINE),
            session::optimized(&warm, scene).operation(E2E_BY_HAND),
            session::optimized(&serverless, scene).operation(E2E_BY_HAND),
            session::optimized(&ours_cached, scene).operation(E2E_OPTIMIZED),
        ]);
        if settings.phase1.others_once {
            contenders = contenders.into_iter().map(Contender::once_if_peer).collect();
        }
        // What everything else is compared with has all rounds.
        contenders.push(reads::uncached(&new_connection, scene, mix).operation(BASELINE_NO_CACHE).times(reads));
        let workload = Workload { budget: Some(settings.phase1.budget), ..Workload::new(SECTION.name, 1, contenders) };
        Ok((workload, hits))
    }

    /// Every operation with nothing cached, and with everything.
    fn round_trips(&self, settings: &Settings) -> Result<Workload> {
        let player = Player::new(&self.place, async |address| Ours::cached(&address).await)?;
        let scene = &self.scenes[0];
        let mut contenders = vec![
            narrowing::keeping(&player, scene).operation(QUERY_AFTER_WRITE),
            narrowing::dropping(&player, scene).operation(QUERY_AFTER_WRITE),
        ];
        contenders.extend(round_trips::contenders(&player, scene));
        if settings.phase1.others_once {
            contenders = contenders.into_iter().map(Contender::once).collect();
        }
        Ok(Workload::new(SECTION.name, 1, contenders))
    }

    /// Leaves the server as it was.
    fn leave(&self) -> Result<()> {
        self.scenes.iter().try_for_each(|scene| scene.unload())?;
        let ids: Vec<_> = self.searched.iter().map(|episode| episode.id).collect();
        for ids in ids.chunks(1_000) {
            let deleted = Store::<Episode>::delete(&*self.scenes[0].sweeper, ids);
            self.place.runtime.block_on(deleted).context("delete what was loaded")?;
        }
        Ok(())
    }
}
