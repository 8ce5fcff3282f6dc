//! Reading records by id.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use memory_core::{Error, Id, MemoryStorage, Record, Result, Store};
use memory_storage_redb::{AdaptiveCache, Moment};
use tracing::Span;

use super::coherence::Generation;
use super::kind::{KindCache, Tally, Time, Value, count};
use super::shared::Shared;
use super::span;

impl<S: MemoryStorage> Shared<S> {
    pub(super) async fn get_one<R: Record>(self: &Arc<Self>, id: Id<R>) -> Result<Value<R>>
    where
        S: Store<R>,
    {
        let span = span::get(R::KIND, 1);
        if !span.is_disabled() {
            // A hit does not pay for the size of the rest.
            return Box::pin(span::during(&span, self.find_one(&span, id))).await;
        }
        match self.known(id) {
            Some(value) => Ok(value),
            None => self.find_unknown(&span, id).await,
        }
    }

    /// What is cached of one id, with what is measured of a hit.
    #[inline]
    fn known<R: Record>(&self, id: Id<R>) -> Option<Value<R>> {
        let gets = &self.metrics.gets;
        let start = gets.hit.is_due().then(Instant::now);
        let value = self.caches.of::<R>().cached(id)?;
        if let Some(start) = start {
            self.metrics.sampled_hit(gets, start.elapsed());
        }
        Some(value)
    }

    async fn find_one<R: Record>(self: &Arc<Self>, span: &Span, id: Id<R>) -> Result<Value<R>>
    where
        S: Store<R>,
    {
        match self.known(id) {
            Some(value) => {
                span::by_cache(span, true);
                Ok(value)
            }
            None => self.find_unknown(span, id).await,
        }
    }

    async fn find_unknown<R: Record>(self: &Arc<Self>, span: &Span, id: Id<R>) -> Result<Value<R>>
    where
        S: Store<R>,
    {
        Ok(Box::pin(self.find(span, &[id])).await?.pop().flatten())
    }

    pub(super) async fn get<R: Record>(self: &Arc<Self>, ids: &[Id<R>]) -> Result<Vec<Value<R>>>
    where
        S: Store<R>,
    {
        let span = span::get(R::KIND, ids.len());
        span::during(&span, self.find(&span, ids)).await
    }

    async fn find<R: Record>(self: &Arc<Self>, span: &Span, ids: &[Id<R>]) -> Result<Vec<Value<R>>>
    where
        S: Store<R>,
    {
        let kind = self.caches.of::<R>();
        let Some(values) = &kind.values else { return Store::<R>::get(&self.storage, ids).await };
        let gets = &self.metrics.gets;
        let (start, due) = (Instant::now(), gets.hit.is_due());
        loop {
            let mut tally = Tally::default();
            match self.get_quietly(kind, values, ids, &mut tally).await? {
                Got::All(answers) => {
                    kind.counts.answered(&tally);
                    span::by_cache(span, tally.misses == 0);
                    if tally.misses > 0 {
                        gets.miss.record(start.elapsed());
                    } else if due {
                        self.metrics.sampled_hit(gets, start.elapsed());
                    }
                    return Ok(answers);
                }
                Got::Abandoned => kind.counts.take_back(&tally),
                Got::Disturbed => {
                    kind.counts.take_back(&tally);
                    break;
                }
            }
        }
        count(&kind.counts.misses, ids.len());
        span::by_cache(span, false);
        self.settle_soon();
        let found = Store::<R>::get(&self.storage, ids).await?;
        gets.miss.record(start.elapsed());
        Ok(found)
    }

    /// Answers from the cache and loads what is missing, as long as no write
    /// is pending and none begins: so that the answers, of which some were
    /// cached at different times, were all true at one moment.
    async fn get_quietly<R: Record>(
        self: &Arc<Self>,
        kind: &KindCache<R>,
        values: &AdaptiveCache<Id<R>, Value<R>, Time>,
        ids: &[Id<R>],
        tally: &mut Tally,
    ) -> Result<Got<R>>
    where
        S: Store<R>,
    {
        let Some(notes) = kind.keys.note_all(ids.iter().map(|id| kind.stripe(*id))) else {
            return Ok(Got::Disturbed);
        };
        let read_at = values.now();
        let mut answers: Vec<Option<Value<R>>> = ids.iter().map(|id| kind.cached(*id)).collect();
        answers.iter().flatten().for_each(|found| kind.counts.found(tally, found.is_none()));
        let mut seen = HashSet::new();
        let missing = ids.iter().zip(&answers).filter(|(id, answer)| answer.is_none() && seen.insert(**id));
        let missing: Vec<_> = missing.filter_map(|(id, _)| Some((*id, notes.of(kind.stripe(*id))?))).collect();
        if !missing.is_empty() {
            let load = |led| Arc::clone(self).load(led, read_at);
            let boarded = kind.loads.board(missing, |id| kind.cached(*id), load);
            boarded.found.iter().for_each(|(_, found)| kind.counts.found(tally, found.is_none()));
            kind.counts.missed(tally, boarded.led.len(), boarded.joined.len());
            let mut loaded: HashMap<_, _> = boarded.found.into_iter().collect();
            // Its own load comes first, so that it is under way while others are waited for.
            for (id, led) in boarded.led {
                match led.landed_here().await {
                    Some(value) => loaded.insert(id, value?),
                    None => return Ok(Got::Abandoned),
                };
            }
            for (id, joined) in boarded.joined {
                match joined.landed().await {
                    Some(value) => loaded.insert(id, value?),
                    None => return Ok(Got::Abandoned),
                };
            }
            for (id, answer) in ids.iter().zip(&mut answers) {
                if answer.is_none() {
                    *answer = loaded.get(id).cloned();
                }
            }
        }
        if ids.len() > 1 && !kind.keys.are_still(&notes) {
            return Ok(Got::Disturbed);
        }
        Ok(Got::All(answers.into_iter().map(Option::flatten).collect()))
    }

    /// Loads records, and caches those that nothing was written to since their
    /// generations were noted.
    async fn load<R: Record>(self: Arc<Self>, led: Vec<(Id<R>, Generation)>, read_at: Moment) -> Result<Vec<Value<R>>>
    where
        S: Store<R>,
    {
        let ids: Vec<_> = led.iter().map(|(id, _)| *id).collect();
        let found = Store::<R>::get(&self.storage, &ids).await?;
        if found.len() != ids.len() {
            return Err(Error::corrupt(format!("{} answers to a get of {} ids", found.len(), ids.len())));
        }
        let kind = self.caches.of::<R>();
        for ((id, noted), value) in led.into_iter().zip(&found) {
            let put = || {
                if let Some(values) = &kind.values {
                    values.insert_read_at(id, value.clone(), read_at);
                }
            };
            let installed = kind.keys.install(kind.stripe(id), noted, put);
            count(&kind.counts.refused, usize::from(!installed));
        }
        Ok(found)
    }
}

/// What came of an attempt to read.
enum Got<R> {
    All(Vec<Value<R>>),
    /// A load of somebody else's panicked.
    Abandoned,
    /// A write is or was under way.
    Disturbed,
}
