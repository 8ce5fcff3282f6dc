//! Section `network`: a server across a network.
//!
//! These systems do each operation on one server, on the schema that ours
//! creates, with episodes of 2 kB and, where a file gives them, real ones:
//!
//! - `ours`: one [`TursoStorage`](memory_storage_turso::TursoStorage), with its
//!   default settings but for the size of requests;
//! - `libsql-new-connection`: libsql's remote client, with a new database and
//!   connection for each operation. The baseline;
//! - `libsql-warm`: the same, with one connection that is kept;
//! - `libsql-cached-statement`: the same, with statements prepared once;
//! - `turso_serverless`: that crate, with one connection that is kept;
//! - `do-memory-storage-turso`, where peers take part: the published crate by its
//!   public API, in a process of its own, with tables of its own on a server of
//!   its own, behind as long a way. It takes its time itself. What it finds is
//!   compared by its ids alone: its records are not ours.
//!
//! The peers do what somebody would who knows them: one statement by itself
//! needs no transaction; many records are executed one by one in a transaction
//! by libsql, whose batches take no parameters, and are one transactional batch
//! for `turso_serverless`; many ids are one JSON parameter. All of them write
//! upserts, and turn records into rows and rows into records inside the clock.
//!
//! The server is the lab's. Each system reaches it through a proxy of its own,
//! which adds the round-trip time and counts, so that what is counted is that
//! system's. What was found is compared with what was stored, and what was
//! stored is deleted again, outside the clock and around the proxies. A real
//! server may hold other records, which are left alone; nothing is counted
//! there but our own requests.

mod cached;
mod operation;
mod published;
mod settings;
mod turn;

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};

use self::operation::{OPERATIONS, Operation};
use self::published::Published;
pub use self::settings::NetworkSettings;
use self::turn::contender;
use crate::clients::{BASELINE, Cached, Input, NewConnection, Ours, Place, Player, Scene, Serverless, Warm, builder};
use crate::report::Row;
use crate::{Contender, InputError, Progress, Section, Settings, Workload, run};

/// The section.
pub(crate) const SECTION: Section = Section {
    name: "network",
    about: "a server across a network: store, get, query and commit, against other clients",
    check,
    describe,
    run: section,
};

/// Bytes of a generated episode as JSON.
const EPISODE_BYTES: usize = 2_000;

/// Whether the server that was given can be used.
pub(crate) fn check(settings: &Settings) -> Result<()> {
    published::check(settings)?;
    let Some(server) = &settings.network.server else { return Ok(()) };
    let place = open(&settings.network)?;
    let ready = async {
        let builder = builder().deadline(Duration::from_secs(10));
        builder.remote(&server.url, &server.token).await?.initialize_schema().await
    };
    place.runtime.block_on(ready).map_err(|error| {
        let error: Vec<_> = error.to_string().split_whitespace().map(str::to_owned).collect();
        InputError::new(format!("the server at --url cannot be used: {}", error.join(" "))).into()
    })
}

fn describe(settings: &Settings) -> String {
    let network = &settings.network;
    let server = match &network.server {
        Some(server) => server.url.clone(),
        None => format!("a round-trip time of {:?}, {} more to connect", network.rtt, 1 + network.tls_rtts),
    };
    let episodes = if settings.trajectories.is_generated() {
        "episodes of 2 kB".to_owned()
    } else {
        format!("episodes of 2 kB, and real ones ({})", settings.trajectories.source)
    };
    format!("{server}; {episodes}; at most {} rounds, seed {}", network.rounds, settings.seed)
}

fn open(settings: &NetworkSettings) -> Result<Place> {
    Place::open(settings.server.clone(), settings.rtt, settings.tls_rtts)
}

fn section(settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    progress.plan(2);
    progress.step("network: start");
    let place = open(&settings.network)?;
    let sweeper = Scene::sweeper(&place)?;
    let mut inputs = vec![Input::generated(settings.seed, EPISODE_BYTES)?];
    if !settings.trajectories.is_generated() {
        inputs.push(Input::real(&settings.trajectories.episodes)?);
    }
    let scene = |input| {
        let (runtime, sweeper) = (Rc::clone(&place.runtime), Rc::clone(&sweeper));
        Rc::new(Scene { runtime, sweeper, input, max_single_records: settings.network.max_single_records })
    };
    let scenes: Vec<_> = inputs.into_iter().map(scene).collect();
    progress.step("network: load episodes");
    let rows = scenes.iter().try_for_each(|scene| scene.load());
    let rows = rows.and_then(|()| measure(&place, &scenes, settings, progress));
    if settings.network.server.is_some() {
        // Also after an error, which is the one to report.
        let unloaded = scenes.iter().try_for_each(|scene| scene.unload());
        return rows.and_then(|rows| unloaded.map(|()| rows));
    }
    rows
}

fn measure(place: &Place, scenes: &[Rc<Scene>], settings: &Settings, progress: &dyn Progress) -> Result<Vec<Row>> {
    let ours = Player::new(place, async |address| Ours::open(&address).await)?;
    let new_connection = Player::new(place, async |address| Ok(NewConnection(address)))?;
    let warm = Player::new(place, async |address| Warm::open(&address).await)?;
    let cached = Player::new(place, async |address| Cached::open(&address).await)?;
    let serverless = Player::new(place, async |address| Serverless::open(&address).await)?;
    let own_place = match (&settings.peers, &settings.network.server) {
        (Some(_), None) => Some(open(&settings.network)?),
        _ => None,
    };
    let published = settings.peers.as_ref().map(|peers| match &own_place {
        Some(place) => {
            Player::new(place, async |address| Published::open(peers, place.address().clone(), &address, scenes))
        }
        None => {
            Player::new(place, async |_| bail!("its tables have the names of ours: it is measured in the lab alone"))
        }
    });
    let published = published.transpose()?;
    let workload = |operation: Operation, scene: &Rc<Scene>| {
        let mut contenders = vec![
            contender(&ours, operation, scene),
            contender(&new_connection, operation, scene),
            contender(&warm, operation, scene),
            contender(&cached, operation, scene),
            contender(&serverless, operation, scene),
        ];
        if let Some(published) = published.as_ref().filter(|_| published::does(operation)) {
            contenders.push(contender(published, operation, scene));
        }
        if settings.network.others_once {
            contenders = contenders.into_iter().map(Contender::once_if_peer).collect();
        }
        let name = operation.name() + scene.input.suffix;
        Workload { budget: Some(settings.network.budget), ..Workload::new(name, 1, contenders) }
    };
    let mut workloads: Vec<_> =
        OPERATIONS.iter().flat_map(|operation| scenes.iter().map(|scene| workload(*operation, scene))).collect();
    if let Some(published) = &published {
        for scene in scenes {
            workloads.push(cached::workload(place, published, scene)?);
        }
    }
    let measured = run(&mut workloads, settings.network.rounds, settings.seed, progress)?;
    let mut rows: Vec<_> = measured.iter().flat_map(|measured| Row::of(SECTION.name, measured, BASELINE)).collect();
    if settings.network.server.is_none() && !settings.network.rtt.is_zero() {
        // What costs no round trip is no multiple of one.
        for row in rows.iter_mut().filter(|row| row.round_trips_per_op != Some(0.0)) {
            row.set_rtt_multiple(settings.network.rtt);
        }
    }
    Ok(rows)
}
