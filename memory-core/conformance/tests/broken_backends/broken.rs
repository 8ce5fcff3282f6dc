//! The reference backend with one fault.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use memory_core::{
    Counts, Direction, Episode, Error, Field, Filter, Health, Heuristic, Id, InMemoryStorage, MemoryStorage, Page,
    Pattern, Plan, Query, Record, Result, Store, WriteBatch, WriteId, Written,
};

use uuid::Uuid;

use crate::meaning::Meaning;
use crate::record;

/// The fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    DropsAField,
    TurnsIntegersIntoReals,
    FloorsTimesToMilliseconds,
    LosesTheSignOfZero,
    ClampsRates,
    TakesNanAsNull,
    CutsLongDomains,
    MergesOldAndNew,
    LosesTheLastOfABatch,
    KeepsTheFirstOfARepeatedId,
    PutsUntilTheFirstError,
    AnswersInOrderOfId,
    AnswersRepeatedIdsOnce,
    PanicsInGet,
    CountsMissingIdsAsDeleted,
    CommitsKindAfterKind,
    CountsCommittedDeletesAsNone,
    RepeatsPutsAlone,
    AppliesAgain,
    AppliesTwiceAtOnce,
    CountsNothingAgain,
    TakesABatchForAnother,
    FencesWhatHappened,
    AppliesBeforeItChecks,
    FencesBeforeItChecks,
    RefusesAsUnavailable,
    NeverSettles,
    SettlesNothing,
    TakesEffectAfterSettle,
    IgnoresFences,
    AnswersOldestFirst,
    IgnoresTheCursor,
    StopsAfterTheFirstPage,
    PagesByOffset,
    SkipsTiesBetweenPages,
    AcceptsAnyLimit,
    CountsOneTooMany,
    ForgetsTheGroups,
    ExplainsAnything,
    Means(Meaning),
}

#[derive(Debug)]
pub(crate) struct Broken {
    inner: Arc<InMemoryStorage>,
    fault: Fault,
    /// Number of records before each cursor that was returned.
    offsets: Mutex<HashMap<String, usize>>,
    committed: Mutex<HashSet<WriteId>>,
    /// The report on each batch, by the first record that the batch puts.
    known: Mutex<HashMap<Uuid, Written>>,
}

impl Broken {
    pub(crate) fn new(fault: Fault) -> Self {
        Self {
            inner: Arc::default(),
            fault,
            offsets: Mutex::default(),
            committed: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// Returns the record as this backend keeps it.
    fn kept<R: Record>(&self, record: &R) -> R {
        match self.fault {
            Fault::DropsAField => record::without_reflection(record),
            Fault::TurnsIntegersIntoReals => record::with_real_metadata(record),
            Fault::FloorsTimesToMilliseconds => record::with_coarse_times(record),
            Fault::LosesTheSignOfZero => record::without_negative_zero(record),
            Fault::ClampsRates => record::with_clamped_rates(record),
            Fault::TakesNanAsNull => record::with_null_for_nan(record),
            Fault::CutsLongDomains => record::with_short_domain(record),
            _ => record.clone(),
        }
    }

    /// Returns the filter as this backend evaluates it.
    async fn understood<R: Record>(&self, filter: &Filter<R>) -> Result<Filter<R>>
    where
        InMemoryStorage: Store<R>,
    {
        let Fault::Means(meaning) = self.fault else { return Ok(filter.clone()) };
        filter.validate()?;
        let all = self.inner.query(&Query::new().limit(10_000)).await?.records;
        Ok(meaning.of(filter, &all))
    }

    /// Returns a page that continues at a wrong position.
    async fn paged<R: Record>(&self, query: &Query<R>) -> Result<Page<R>>
    where
        InMemoryStorage: Store<R>,
    {
        let from = query.validate()?;
        let all = self.inner.query(&query.clone().after(None).limit(10_000)).await?.records;
        let offset = match (self.fault, &query.after, from) {
            (Fault::PagesByOffset, Some(cursor), _) => {
                lock(&self.offsets).get(&cursor.to_string()).copied().unwrap_or(0)
            }
            (_, _, Some(from)) => all
                .iter()
                .position(|record| {
                    let position = query.order.position(record);
                    position.value != from.value && query.order.compare(&position, &from).is_gt()
                })
                .unwrap_or(all.len()),
            _ => 0,
        };
        let end = all.len().min(offset + query.limit);
        let page = Page::new(query, all[offset.min(end)..end].to_vec(), end < all.len());
        if let Some(next) = &page.next {
            lock(&self.offsets).insert(next.to_string(), end);
        }
        Ok(page)
    }

    /// Returns true if this write is new.
    fn is_first(&self, id: WriteId) -> bool {
        lock(&self.committed).insert(id)
    }

    /// Commits a batch unless another batch had the same first record.
    async fn by_its_first_record(&self, batch: &WriteBatch) -> Result<Written> {
        let episode = batch.changes::<Episode>().iter().next().map(|(id, _)| id.uuid());
        let pattern = batch.changes::<Pattern>().iter().next().map(|(id, _)| id.uuid());
        let Some(key) = episode.or(pattern) else { return self.inner.commit(batch).await };
        if let Some(known) = lock(&self.known).get(&key) {
            return Ok(Written::already(batch.id(), known.deleted));
        }
        let written = self.inner.commit(batch).await?;
        lock(&self.known).insert(key, written);
        Ok(written)
    }
}

#[async_trait]
impl<R: Record> Store<R> for Broken
where
    InMemoryStorage: Store<R>,
{
    async fn put(&self, records: &[R]) -> Result<()> {
        let mut records: Vec<R> = records.iter().map(|record| self.kept(record)).collect();
        match self.fault {
            Fault::LosesTheLastOfABatch if records.len() > 1 => drop(records.pop()),
            Fault::KeepsTheFirstOfARepeatedId => records.reverse(),
            Fault::PutsUntilTheFirstError => {
                for record in &records {
                    self.inner.put(std::slice::from_ref(record)).await?;
                }
            }
            Fault::MergesOldAndNew => {
                for record in &mut records {
                    if let Some(old) = self.inner.get(&[record.id()]).await?.remove(0) {
                        *record = record::merged(&*old, record);
                    }
                }
            }
            _ => {}
        }
        self.inner.put(&records).await
    }

    async fn get(&self, ids: &[Id<R>]) -> Result<Vec<Option<Arc<R>>>> {
        let mut ids = ids.to_vec();
        match self.fault {
            Fault::AnswersInOrderOfId => ids.sort(),
            Fault::AnswersRepeatedIdsOnce => {
                let mut seen = HashSet::new();
                ids.retain(|id| seen.insert(*id));
            }
            Fault::PanicsInGet => panic!("the disk is on fire"),
            _ => {}
        }
        self.inner.get(&ids).await
    }

    async fn delete(&self, ids: &[Id<R>]) -> Result<u64> {
        let deleted = self.inner.delete(ids).await?;
        Ok(if self.fault == Fault::CountsMissingIdsAsDeleted { ids.len() as u64 } else { deleted })
    }

    async fn query(&self, query: &Query<R>) -> Result<Page<R>> {
        let mut query = query.clone();
        query.filter = self.understood(&query.filter).await?;
        match self.fault {
            Fault::AnswersOldestFirst => query.order.direction = Direction::Ascending,
            Fault::IgnoresTheCursor => query.after = None,
            Fault::AcceptsAnyLimit => query.limit = query.limit.clamp(1, 10_000),
            _ => {}
        }
        if matches!(self.fault, Fault::PagesByOffset | Fault::SkipsTiesBetweenPages) {
            return self.paged(&query).await;
        }
        let mut page = self.inner.query(&query).await?;
        if self.fault == Fault::StopsAfterTheFirstPage {
            page.next = None;
        }
        Ok(page)
    }

    async fn count(&self, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts> {
        let mut counts = self.inner.count(&self.understood(filter).await?, by).await?;
        match self.fault {
            Fault::CountsOneTooMany => counts.total += 1,
            Fault::ForgetsTheGroups => counts.groups.clear(),
            _ => {}
        }
        Ok(counts)
    }

    async fn explain(&self, query: &Query<R>) -> Result<Plan> {
        match self.fault {
            Fault::ExplainsAnything => self.inner.explain(&Query::<R>::new()).await,
            _ => self.inner.explain(query).await,
        }
    }
}

#[async_trait]
impl MemoryStorage for Broken {
    async fn commit(&self, batch: &WriteBatch) -> Result<Written> {
        match self.fault {
            Fault::CommitsKindAfterKind => {
                self.inner.commit(&part::<Episode>(batch)).await?;
                self.inner.commit(&part::<Pattern>(batch)).await?;
                self.inner.commit(&part::<Heuristic>(batch)).await
            }
            Fault::CountsCommittedDeletesAsNone => Ok(Written::new(self.inner.commit(batch).await?.id, 0)),
            Fault::RepeatsPutsAlone if !self.is_first(batch.id()) => {
                let mut puts = WriteBatch::new();
                for record in batch.changes::<Heuristic>().puts() {
                    puts.put::<Heuristic>(Arc::clone(record));
                }
                self.inner.commit(&puts).await?;
                Ok(Written::already(batch.id(), batch.changes::<Heuristic>().deletes().count() as u64))
            }
            Fault::AppliesAgain => anew(&self.inner, batch).await,
            Fault::AppliesTwiceAtOnce => {
                if lock(&self.committed).contains(&batch.id()) {
                    return self.inner.commit(batch).await;
                }
                tokio::task::yield_now().await;
                lock(&self.committed).insert(batch.id());
                anew(&self.inner, batch).await
            }
            Fault::CountsNothingAgain => {
                let written = self.inner.commit(batch).await?;
                Ok(if written.already { Written::already(written.id, 0) } else { written })
            }
            Fault::TakesABatchForAnother => self.by_its_first_record(batch).await,
            Fault::FencesWhatHappened => {
                if lock(&self.committed).contains(&batch.id()) {
                    return Err(Error::fenced(batch.id()));
                }
                let written = self.inner.commit(batch).await?;
                lock(&self.committed).extend(batch.fences());
                Ok(written)
            }
            Fault::AppliesBeforeItChecks => {
                anew(&self.inner, batch).await?;
                self.inner.commit(batch).await
            }
            Fault::FencesBeforeItChecks => {
                self.inner.settle(batch.fences()).await?;
                self.inner.commit(batch).await
            }
            Fault::RefusesAsUnavailable => match self.inner.commit(batch).await {
                Err(Error::Fenced { .. }) => Err(Error::unavailable("commit", "the write was fenced off")),
                told => told,
            },
            Fault::IgnoresFences if !batch.fences().is_empty() => self.inner.commit(batch).await,
            // The write continues in a task of its own when the caller is
            // dropped.
            Fault::TakesEffectAfterSettle | Fault::IgnoresFences => {
                let (inner, batch) = (Arc::clone(&self.inner), batch.with_fences([]));
                let write = tokio::spawn(async move {
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                    anew(&inner, &batch).await
                });
                write.await.expect("the write does not panic")
            }
            _ => self.inner.commit(batch).await,
        }
    }

    async fn settle(&self, writes: &[WriteId]) -> Result<()> {
        match self.fault {
            Fault::NeverSettles => std::future::pending().await,
            Fault::SettlesNothing => Ok(()),
            _ => self.inner.settle(writes).await,
        }
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }
}

/// Applies a batch, even if it has been applied before.
async fn anew(inner: &InMemoryStorage, batch: &WriteBatch) -> Result<Written> {
    // A clone is another write.
    Ok(Written::new(batch.id(), inner.commit(&batch.clone()).await?.deleted))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a batch with the changes of one kind.
fn part<R: Record>(batch: &WriteBatch) -> WriteBatch {
    let mut part = WriteBatch::new();
    for record in batch.changes::<R>().puts() {
        part.put::<R>(Arc::clone(record));
    }
    for id in batch.changes::<R>().deletes() {
        part.delete(id);
    }
    part
}
