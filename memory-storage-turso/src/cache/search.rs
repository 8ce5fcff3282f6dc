//! Queries and counts. Results are cached whole.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use memory_core::backend::validate_count;
use memory_core::{Counts, Field, Filter, MemoryStorage, Page, Query, Record, Result, Store};
use memory_storage_redb::Moment;
use tracing::Span;

use super::answer::Answer;
use super::coherence::Generation;
use super::query_key::QueryKey;
use super::results::ResultCache;
use super::shared::Shared;
use super::span;

impl<S: MemoryStorage> Shared<S> {
    pub(super) async fn query<R: Record>(self: &Arc<Self>, query: &Query<R>) -> Result<Page<R>>
    where
        S: Store<R>,
    {
        let Some(results) = &self.caches.of::<R>().results else { return self.storage.query(query).await };
        // A key stands only for what can be asked.
        query.validate()?;
        let span = span::query(R::KIND, query.limit);
        let load = |shared: Arc<Self>| {
            let query = query.clone();
            async move {
                let page = shared.storage.query(&query).await?;
                Ok(Arc::new(Answer::Page(Some(query.filter), page)))
            }
        };
        let key = || QueryKey::of_query(query);
        match &*span::during(&span, self.timed(&span, results, key, load)).await? {
            Answer::Page(_, page) => Ok(page.clone()),
            Answer::Counts(_) => self.storage.query(query).await,
        }
    }

    pub(super) async fn count<R: Record>(self: &Arc<Self>, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts>
    where
        S: Store<R>,
    {
        let Some(results) = &self.caches.of::<R>().results else { return self.storage.count(filter, by).await };
        validate_count(filter, by.as_ref())?;
        let span = span::count(R::KIND);
        let load = |shared: Arc<Self>| {
            let (filter, by) = (filter.clone(), by.clone());
            async move { Ok(Arc::new(Answer::Counts(shared.storage.count(&filter, by).await?))) }
        };
        let key = || QueryKey::of_count(filter, by.as_ref());
        match &*span::during(&span, self.timed(&span, results, key, load)).await? {
            Answer::Counts(counts) => Ok(counts.clone()),
            Answer::Page(..) => self.storage.count(filter, by).await,
        }
    }

    /// Returns the [answer](Self::answer), and records how long it took.
    async fn timed<R: Record, F>(
        self: &Arc<Self>,
        span: &Span,
        results: &ResultCache<R>,
        key: impl FnOnce() -> QueryKey,
        load: impl Fn(Arc<Self>) -> F + Send + Sync,
    ) -> Result<Arc<Answer<R>>>
    where
        F: Future<Output = Result<Arc<Answer<R>>>> + Send + 'static,
    {
        let recorder = &self.metrics.queries;
        let (start, due) = (Instant::now(), recorder.hit.is_due());
        let (by_cache, answer) = self.answer(results, key(), load).await?;
        span::by_cache(span, by_cache);
        if !by_cache {
            recorder.miss.record(start.elapsed());
        } else if due {
            self.metrics.sampled_hit(recorder, start.elapsed());
        }
        Ok(answer)
    }

    /// Returns the cached result, or the result of `load`, and whether it was
    /// cached. The loaded result is cached unless a write of the kind began or ended
    /// meanwhile. While a write of the kind is pending, each caller loads for itself.
    async fn answer<R: Record, F>(
        self: &Arc<Self>,
        results: &ResultCache<R>,
        key: QueryKey,
        load: impl Fn(Arc<Self>) -> F + Send + Sync,
    ) -> Result<(bool, Arc<Answer<R>>)>
    where
        F: Future<Output = Result<Arc<Answer<R>>>> + Send + 'static,
    {
        if let Some(answer) = results.get(&key) {
            return Ok((true, answer));
        }
        let kind = self.caches.of::<R>();
        loop {
            let Some(noted) = kind.table.note(0) else {
                results.missed(false);
                self.settle_soon();
                return Ok((false, load(Arc::clone(self)).await?));
            };
            let read_at = results.now();
            let load = |led| Arc::clone(self).search(led, load(Arc::clone(self)), read_at);
            let mut boarded = kind.searches.board([(key.clone(), noted)], |key| results.get(key), load);
            if let Some((_, answer)) = boarded.found.pop() {
                return Ok((true, answer));
            }
            let joins = !boarded.joined.is_empty();
            results.missed(joins);
            let landed = match (boarded.led.pop(), boarded.joined.pop()) {
                (Some((_, led)), _) => led.landed_here().await,
                (None, Some((_, joined))) => joined.landed().await,
                (None, None) => None,
            };
            if let Some(answer) = landed {
                return Ok((false, answer?));
            }
            results.take_back(joins);
        }
    }

    /// Waits for the result of one query, and caches it unless a write of the kind
    /// began or ended since the generation was noted.
    async fn search<R: Record>(
        self: Arc<Self>,
        led: Vec<(QueryKey, Generation)>,
        load: impl Future<Output = Result<Arc<Answer<R>>>>,
        read_at: Moment,
    ) -> Result<Vec<Arc<Answer<R>>>> {
        let answer = load.await?;
        let kind = self.caches.of::<R>();
        for (key, noted) in led {
            let Some(results) = &kind.results else { break };
            if !kind.table.install(0, noted, || results.insert(key, Arc::clone(&answer), read_at)) {
                results.refused();
            }
        }
        Ok(vec![answer])
    }
}
