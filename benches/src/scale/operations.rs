//! What is done on a database of many episodes.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use memory_core::field::{domain, metadata};
use memory_core::{Episode, EpisodeId, Filter, MemoryStorageExt, Query, Store};
use memory_storage_turso::TursoStorage;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::name;
use crate::local::OURS;
use crate::population::{self, DOMAINS};
use crate::{Contender, Workload, timed};

/// Records of one page, and ids of one batch.
const PAGE: usize = 50;
const BATCH: usize = 100;
/// Operations of all tasks together in a round.
const GETS: u64 = 1_280;
const STORES: u64 = 128;

/// A loaded database.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) runtime: Rc<Runtime>,
    pub(super) storage: Arc<TursoStorage>,
    /// Every id, in an order without order.
    pub(super) ids: Arc<[EpisodeId]>,
}

impl Loaded {
    /// Every operation that may cost more where there is more.
    pub(super) fn workloads(&self) -> Vec<Workload> {
        let sessions = population::sessions(self.ids.len());
        let session = move |number: u64| population::session(place(number, sessions));
        vec![
            self.workload("get", 500, async |loaded, number| {
                ensure!(loaded.storage.get_episode(loaded.id(number)).await?.is_some(), "an episode is missing");
                Ok(())
            }),
            self.workload("get_batch/100", 20, async |loaded, number| {
                let ids: Vec<_> = (37 * number..).take(BATCH).map(|number| loaded.id(number)).collect();
                let found = loaded.storage.get_episodes_batch(&ids).await?;
                ensure!(found.iter().flatten().count() == BATCH, "an episode is missing");
                Ok(())
            }),
            self.workload("query_metadata/index", 50, async move |loaded, number| {
                loaded.query(Query::new().filter(metadata("session").eq(session(number)))).await
            }),
            self.workload("query_metadata/no_index", 2, async move |loaded, number| {
                loaded.query(Query::new().filter(metadata("conversation").eq(session(number)))).await
            }),
            self.workload("query_domain", 20, async |loaded, number| {
                loaded.query(Query::new().filter(domain().eq(population::domain(place(number, DOMAINS))))).await
            }),
            self.workload("query_newest", 50, async |loaded, _| loaded.query(Query::new()).await),
            self.workload("count", 2, async |loaded, _| {
                let counts = loaded.storage.count(&Filter::<Episode>::all(), None).await?;
                ensure!(counts.total >= loaded.ids.len() as u64, "episodes are missing");
                Ok(())
            }),
        ]
    }

    fn workload(
        &self,
        operation: &str,
        operations: u64,
        operate: impl AsyncFn(&Self, u64) -> Result<()> + 'static,
    ) -> Workload {
        let loaded = self.clone();
        let contender = Contender::new(OURS, move |operations| {
            loaded.runtime.block_on(timed(operations, async |number| operate(&loaded, number).await))
        });
        Workload::new(format!("{operation}/{}", name(self.ids.len())), operations, vec![contender])
    }

    async fn query(&self, query: Query<Episode>) -> Result<()> {
        let page = self.storage.query(&query.limit(PAGE)).await?;
        ensure!(!page.records.is_empty(), "nothing was found");
        Ok(())
    }

    /// Gets by so many tasks at the same time, and stores of new episodes.
    pub(super) fn concurrent(&self, tasks: usize, seed: u64) -> Result<Vec<Workload>> {
        let gets = {
            let loaded = self.clone();
            Contender::new(OURS, move |gets| {
                let (storage, ids) = (Arc::clone(&loaded.storage), Arc::clone(&loaded.ids));
                loaded.runtime.block_on(shared(tasks, gets, move |number| {
                    let (storage, id) = (Arc::clone(&storage), ids[place(number, ids.len())]);
                    async move {
                        ensure!(storage.get_episode(id).await?.is_some(), "an episode is missing");
                        Ok(())
                    }
                }))
            })
        };
        let episodes: Arc<[Episode]> = population::population(seed, usize::try_from(STORES)?)?.into();
        let stores = {
            let loaded = self.clone();
            Contender::new(OURS, move |stores| {
                let (storage, episodes) = (Arc::clone(&loaded.storage), Arc::clone(&episodes));
                let sample = loaded.runtime.block_on(shared(tasks, stores, move |number| {
                    let storage = Arc::clone(&storage);
                    // Under an id that lasts from round to round: the table does not grow.
                    let mut episode = episodes[place(number, episodes.len())].clone();
                    episode.id = EpisodeId::from(uuid::Uuid::from_u128(u128::from(number)));
                    async move { Ok(storage.store_episode(&episode).await?) }
                }))?;
                Ok(sample)
            })
        };
        let named = |operation| format!("{operation}/{}/tasks/{tasks}", name(self.ids.len()));
        Ok(vec![Workload::new(named("get"), GETS, vec![gets]), Workload::new(named("store"), STORES, vec![stores])])
    }

    fn id(&self, number: u64) -> EpisodeId {
        self.ids[place(number, self.ids.len())]
    }
}

/// So many operations, by so many tasks at the same time, one after the other
/// in each: how long until all are done.
async fn shared<F>(
    tasks: usize,
    operations: u64,
    operate: impl Fn(u64) -> F + Clone + Send + 'static,
) -> Result<crate::Sample>
where
    F: Future<Output = Result<()>> + Send,
{
    let mut all = JoinSet::new();
    let start = Instant::now();
    for task in 0..tasks as u64 {
        let operate = operate.clone();
        all.spawn(async move {
            for number in (task..operations).step_by(tasks) {
                operate(number).await?;
            }
            Ok(())
        });
    }
    while let Some(done) = all.join_next().await {
        let done: Result<()> = done?;
        done?;
    }
    Ok(start.elapsed().into())
}

fn place(number: u64, count: usize) -> usize {
    usize::try_from(number).unwrap_or_default() % count
}
