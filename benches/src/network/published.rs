//! The published crate `do-memory-storage-turso`, in a process of its own.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use memory_bench_peer::Calls;
use memory_core::{Episode, EpisodeId, Pattern};

use super::input::PageOf;
use super::libsql_remote::connect;
use super::operation::Operation;
use super::settings::ServerAddress;
use super::system::{Episodes, System};
use super::turn::Scene;
use crate::peers::Client;
use crate::{Peers, Settings};

/// Its name among the peers, and in the report.
const NAME: &str = "do-memory-storage-turso";
/// Episodes of one call while they are loaded.
const LOADED: usize = 100;

const DELETE: &str = "DELETE FROM episodes WHERE episode_id IN (SELECT value FROM json_each(?1))";
const DELETE_REVISIONS: &str = "DELETE FROM episode_revisions WHERE episode_id IN (SELECT value FROM json_each(?1))";

/// It through its public API, with tables of its own on a server of its own.
///
/// Its records are not ours: what it finds is known by its ids.
pub(super) struct Published {
    client: RefCell<Client>,
    /// Its server, around any proxy.
    server: ServerAddress,
    stored: HashMap<EpisodeId, Arc<Episode>>,
    elapsed: Cell<Option<Duration>>,
}

/// Builds it, if it is to take part.
pub(super) fn check(settings: &Settings) -> Result<()> {
    settings.peers.as_ref().map_or(Ok(()), |peers| peers.build(NAME).map(drop))
}

/// Whether it is asked to do this.
pub(super) fn does(operation: Operation) -> bool {
    match operation {
        Operation::Get | Operation::GetBatch(_) | Operation::QueryMetadata => true,
        // A request for each: a thousand records take more than a minute.
        Operation::Store(size) => size <= 100,
        Operation::Commit | Operation::QueryPage | Operation::GetConcurrent => false,
    }
}

impl Published {
    /// Loads what is to be read around the proxy of `address`, and opens it
    /// through that.
    pub(super) fn open(
        peers: &Peers,
        server: ServerAddress,
        address: &ServerAddress,
        scenes: &[Rc<Scene>],
    ) -> Result<Self> {
        let mut loader = peers.client(NAME, server.url.as_str(), &server.token)?;
        let mut stored = HashMap::new();
        for population in scenes.iter().map(|scene| &scene.input.population) {
            loader.keep(population.iter().map(|episode| (**episode).clone()).collect())?;
            let slices = (0..population.len()).step_by(LOADED);
            let slices = slices.map(|from| from..population.len().min(from + LOADED)).collect();
            loader.run(Calls::Store(slices), 0).context("load episodes")?;
            stored.extend(population.iter().map(|episode| (episode.id, Arc::clone(episode))));
        }
        let client = RefCell::new(peers.client(NAME, address.url.as_str(), &address.token)?);
        Ok(Self { client, server, stored, elapsed: Cell::default() })
    }

    /// Has it do calls, and finds out which episodes the last of them found.
    pub(super) fn run(&self, calls: Calls, unclocked: usize) -> Result<Episodes> {
        let ran = self.client.borrow_mut().run(calls, unclocked)?;
        self.elapsed.set(Some(Duration::from_nanos(ran.nanoseconds)));
        let stored = |id| self.stored.get(id).cloned().context("it finds an episode that nobody stored");
        ran.found.iter().map(|found| stored(&found.id)).collect()
    }
}

impl System for Published {
    const NAME: &'static str = NAME;

    async fn warm_up(&self) -> Result<()> {
        self.client.borrow_mut().ready()
    }

    async fn get(&self, id: EpisodeId) -> Result<Arc<Episode>> {
        self.run(Calls::Get(vec![id]), 0)?.pop().context("an episode is missing")
    }

    async fn get_batch(&self, ids: &[EpisodeId]) -> Result<Episodes> {
        self.run(Calls::GetBatch(vec![ids.to_vec()]), 0)
    }

    async fn get_concurrent(&self, _ids: &[EpisodeId]) -> Result<Episodes> {
        bail!("not asked of it")
    }

    async fn store(&self, episodes: &[Episode]) -> Result<()> {
        self.client.borrow_mut().keep(episodes.to_vec())?;
        let all = 0..episodes.len();
        self.run(Calls::Store(vec![all]), 0).map(drop)
    }

    async fn commit(&self, _episodes: &[Episode], _patterns: &[Pattern]) -> Result<()> {
        bail!("not asked of it")
    }

    async fn query_metadata(&self, session: &str) -> Result<Episodes> {
        self.run(Calls::QuerySession(vec![session.to_owned()]), 0)
    }

    async fn query_page(&self, _page: &PageOf) -> Result<Episodes> {
        bail!("not asked of it")
    }

    fn elapsed(&self) -> Option<Duration> {
        self.elapsed.get()
    }

    async fn sweep(&self, _scene: &Scene, episodes: &[Episode], _patterns: &[Pattern]) -> Result<()> {
        let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
        let ids = serde_json::to_string(&ids)?;
        let connection = connect(&self.server).await?;
        let deleted = connection.execute(DELETE, [ids.as_str()]).await.context("delete what was stored")?;
        connection.execute(DELETE_REVISIONS, [ids]).await.context("delete what was stored")?;
        ensure!(deleted == episodes.len() as u64, "only {deleted} records were stored");
        Ok(())
    }
}
