//! Queries and counts, whose results are cached whole.

use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

use memory_core::backend::validate_count;
use memory_core::{Counts, Field, Filter, MemoryStorage, Page, Query, Result, Store};
use memory_storage_redb::Moment;
use tracing::Span;

use super::answer::Answer;
use super::coherence::Generation;
use super::kind::{Cached, count};
use super::query_cache::{QueryCache, counts, page_answer};
use super::query_key::QueryKey;
use super::shared::Shared;
use super::span;

impl<S: MemoryStorage> Shared<S> {
    pub(super) async fn query<R: Cached>(self: &Arc<Self>, query: &Query<R>) -> Result<Page<R>>
    where
        S: Store<R>,
    {
        let Some(queries) = &self.caches.queries else { return self.storage.query(query).await };
        // A key stands only for what can be asked.
        query.validate()?;
        let span = span::query(R::KIND, query.limit);
        let load = |shared: Arc<Self>| {
            let query = query.clone();
            async move { Ok(page_answer(&query.filter, &shared.storage.query(&query).await?)) }
        };
        let key = || QueryKey::of_query(query);
        let answer = span::during(&span, self.timed::<R, _>(&span, queries, key, load)).await?;
        match R::found(&answer) {
            Some(found) => Ok(found.page.clone()),
            None => self.storage.query(query).await,
        }
    }

    pub(super) async fn count<R: Cached>(self: &Arc<Self>, filter: &Filter<R>, by: Option<Field<R>>) -> Result<Counts>
    where
        S: Store<R>,
    {
        let Some(queries) = &self.caches.queries else { return self.storage.count(filter, by).await };
        validate_count(filter, by.as_ref())?;
        let span = span::count(R::KIND);
        let load = |shared: Arc<Self>| {
            let (filter, by) = (filter.clone(), by.clone());
            async move { Ok(Arc::new(Answer::Counts(R::KIND, shared.storage.count(&filter, by).await?))) }
        };
        let key = || QueryKey::of_count(filter, by.as_ref());
        let answer = span::during(&span, self.timed::<R, _>(&span, queries, key, load)).await?;
        match counts(&answer) {
            Some(counts) => Ok(counts),
            None => self.storage.count(filter, by).await,
        }
    }

    /// The [answer](Self::answer), and how long it took.
    async fn timed<R: Cached, F>(
        self: &Arc<Self>,
        span: &Span,
        queries: &QueryCache,
        key: impl FnOnce() -> QueryKey,
        load: impl Fn(Arc<Self>) -> F + Send + Sync,
    ) -> Result<Arc<Answer>>
    where
        F: Future<Output = Result<Arc<Answer>>> + Send + 'static,
    {
        let recorder = &self.metrics.queries;
        let (start, due) = (Instant::now(), recorder.hit.is_due());
        let (by_cache, answer) = self.answer::<R, _>(queries, key(), load).await?;
        span::by_cache(span, by_cache);
        if !by_cache {
            recorder.miss.record(start.elapsed());
        } else if due {
            self.metrics.sampled_hit(recorder, start.elapsed());
        }
        Ok(answer)
    }

    /// The cached answer, or the one that `load` gives, which is cached unless
    /// the table was written to meanwhile; and whether it was cached. While a
    /// write of the table is pending, everybody asks for himself.
    async fn answer<R: Cached, F>(
        self: &Arc<Self>,
        queries: &QueryCache,
        key: QueryKey,
        load: impl Fn(Arc<Self>) -> F + Send + Sync,
    ) -> Result<(bool, Arc<Answer>)>
    where
        F: Future<Output = Result<Arc<Answer>>> + Send + 'static,
    {
        if let Some(answer) = queries.get(&key) {
            return Ok((true, answer));
        }
        let kind = R::cache(&self.caches.kinds);
        loop {
            let Some(noted) = kind.table.note(0) else {
                queries.missed(false);
                self.settle_soon();
                return Ok((false, load(Arc::clone(self)).await?));
            };
            let read_at = queries.now();
            let load = |led| Arc::clone(self).search::<R>(led, load(Arc::clone(self)), read_at);
            let mut boarded = kind.searches.board([(key.clone(), noted)], |key| queries.get(key), load);
            if let Some((_, answer)) = boarded.found.pop() {
                return Ok((true, answer));
            }
            let joins = !boarded.joined.is_empty();
            queries.missed(joins);
            let landed = match (boarded.led.pop(), boarded.joined.pop()) {
                (Some((_, led)), _) => led.landed_here().await,
                (None, Some((_, joined))) => joined.landed().await,
                (None, None) => None,
            };
            if let Some(answer) = landed {
                return Ok((false, answer?));
            }
            queries.take_back(joins);
        }
    }

    /// Waits for the answer to one query, and caches it unless something was
    /// written to its table since the generation was noted.
    async fn search<R: Cached>(
        self: Arc<Self>,
        led: Vec<(QueryKey, Generation)>,
        load: impl Future<Output = Result<Arc<Answer>>>,
        read_at: Moment,
    ) -> Result<Vec<Arc<Answer>>> {
        let answer = load.await?;
        for (key, noted) in led {
            let Some(queries) = &self.caches.queries else { break };
            let put = || queries.insert(key, Arc::clone(&answer), read_at);
            let installed = R::cache(&self.caches.kinds).table.install(0, noted, put);
            count(&queries.refused, usize::from(!installed));
        }
        Ok(vec![answer])
    }
}
