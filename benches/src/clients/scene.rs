//! What the contenders work on together.

use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use memory_core::{Episode, EpisodeId, MemoryStorageExt, Pattern, Store};
use memory_storage_turso::TursoStorage;
use tokio::runtime::Runtime;

use super::input::Input;
use super::ours::builder;
use super::place::Place;
use super::system::Episodes;

/// What all turns on one kind of input have in common.
pub(crate) struct Scene {
    pub(crate) runtime: Rc<Runtime>,
    /// Stores what is there from the start, and takes away what was stored:
    /// outside the clock, and around the proxies.
    pub(crate) sweeper: Rc<TursoStorage>,
    pub(crate) input: Input,
    /// The most records that are stored where each costs a request.
    pub(crate) max_single_records: usize,
}

impl Scene {
    /// A storage around the proxies, which has made sure of our schema.
    pub(crate) fn sweeper(place: &Place) -> Result<Rc<TursoStorage>> {
        let address = place.address();
        place.runtime.block_on(async {
            let sweeper = builder().remote(&address.url, &address.token).await?;
            sweeper.initialize_schema().await?;
            Ok(Rc::new(sweeper))
        })
    }

    /// Stores what is there to be read.
    pub(crate) fn load(&self) -> Result<()> {
        for episodes in self.input.population.chunks(100) {
            let episodes: Vec<Episode> = episodes.iter().map(|episode| (**episode).clone()).collect();
            self.runtime.block_on(self.sweeper.store_episodes_batch(&episodes)).context("load episodes")?;
        }
        Ok(())
    }

    /// Deletes it again.
    pub(crate) fn unload(&self) -> Result<()> {
        let ids: Vec<_> = self.input.population.iter().map(|episode| episode.id).collect();
        let deleted = Store::<Episode>::delete(&*self.sweeper, &ids);
        self.runtime.block_on(deleted).context("delete what was loaded")?;
        Ok(())
    }

    /// So many of the episodes that are there, others for each call.
    pub(crate) fn wanted(&self, call: usize, count: usize) -> Episodes {
        let all = &self.input.population;
        (0..count).map(|number| Arc::clone(&all[(37 * call + number) % all.len()])).collect()
    }

    /// Deletes what was stored, all of which must be there.
    pub(crate) async fn sweep(&self, episodes: &[Episode], patterns: &[Pattern]) -> Result<()> {
        let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
        let mut deleted = self.sweeper.delete(&ids).await.context("delete what was stored")?;
        let ids: Vec<_> = patterns.iter().map(|pattern| pattern.id).collect();
        deleted += Store::<Pattern>::delete(&*self.sweeper, &ids).await.context("delete what was stored")?;
        ensure!(deleted == (episodes.len() + patterns.len()) as u64, "only {deleted} records were stored");
        Ok(())
    }
}

pub(crate) fn ids(episodes: &[Arc<Episode>]) -> Vec<EpisodeId> {
    episodes.iter().map(|episode| episode.id).collect()
}

pub(crate) fn in_order(mut episodes: Episodes) -> Episodes {
    episodes.sort_by_key(|episode| episode.id);
    episodes
}

/// Refuses answers that are not what was stored.
pub(crate) fn same(wanted: &[Arc<Episode>], found: &[Arc<Episode>]) -> Result<()> {
    ensure!(wanted == found, "{} episodes that are not those that were stored", found.len());
    Ok(())
}
