//! The cache of one kind: its records, its results, and the coherence state of both.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memory_core::backend::{Changes, PerKind};
use memory_core::{Id, Record, Result};
use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig, Clock, Moment};

use super::answer::Answer;
use super::coherence::{CoherenceTable, Generation, Stripe};
use super::flight::Flights;
use super::query_key::QueryKey;
use super::results::ResultCache;
use super::stats::KindCacheStats;
use crate::metrics::ReadTotals;

/// Where the caches' time comes from.
pub(crate) type Time = Arc<dyn Clock>;

/// What is known of an id: its record, or that there is none.
pub(crate) type Value<R> = Option<Arc<R>>;

/// More stripes disturb fewer unrelated keys; these take 6 KiB a kind.
const STRIPES: Stripe = 256;

/// The cache of one kind.
pub(super) struct KindCache<R: Record> {
    /// `None` where the kind is not cached.
    pub(super) values: Option<AdaptiveCache<Id<R>, Value<R>, Time>>,
    pub(super) keys: CoherenceTable,
    pub(super) loads: Flights<Id<R>, Value<R>>,
    /// `None` if results are not cached.
    pub(super) results: Option<ResultCache<R>>,
    /// The one stripe of all results.
    pub(super) table: CoherenceTable,
    pub(super) searches: Flights<QueryKey, Arc<Answer<R>>>,
    pub(super) counts: Counts,
}

/// What the cache itself does not count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) misses: AtomicU64,
    pub(super) coalesced: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) negative_hits: AtomicU64,
    /// Hits that were looked up once more, since the call had to begin anew.
    again: AtomicU64,
    /// Hits of calls that took more than one lookup.
    longer: AtomicU64,
    /// Of these calls, those that the cache alone answered.
    longer_alone: AtomicU64,
}

/// What one attempt of a call counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    hits: usize,
    negative_hits: usize,
    pub(super) misses: usize,
    coalesced: usize,
}

impl Counts {
    /// Adds a hit of a call, which the cache itself has counted.
    pub(super) fn found(&self, tally: &mut Tally, absent: bool) {
        tally.hits += 1;
        tally.negative_hits += usize::from(absent);
        count(&self.longer, 1);
    }

    /// Adds what a call has not found, and in part waits for.
    pub(super) fn missed(&self, tally: &mut Tally, led: usize, joined: usize) {
        tally.misses += led + joined;
        tally.coalesced += joined;
        count(&self.misses, led + joined);
        count(&self.coalesced, joined);
    }

    /// A call was answered.
    pub(super) fn answered(&self, tally: &Tally) {
        count(&self.longer_alone, usize::from(tally.misses == 0));
    }

    /// Takes back what an attempt counted, after which the call begins anew.
    pub(super) fn take_back(&self, tally: &Tally) {
        let take = |counter: &AtomicU64, less: usize| counter.fetch_sub(less as u64, Ordering::Relaxed);
        count(&self.again, tally.hits);
        take(&self.longer, tally.hits);
        take(&self.negative_hits, tally.negative_hits);
        take(&self.misses, tally.misses);
        take(&self.coalesced, tally.coalesced);
    }
}

pub(super) fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::Relaxed);
}

/// A change, by the stripe of its key.
type Keyed<'a, R> = (Stripe, Id<R>, Option<&'a Arc<R>>);

/// The stripes of one kind in which a write has begun.
#[derive(Debug, Default)]
pub(super) struct Begun {
    stripes: Vec<(Stripe, Generation)>,
    table: Option<Generation>,
    at: Moment,
}

/// The family whose members are all this type.
impl PerKind for Begun {
    type Of<R: Record> = Self;
}

impl<R: Record> KindCache<R> {
    /// Creates the cache of this kind: `values` bounds its records, `results` the
    /// results of all kinds.
    pub(super) fn new(
        values: Option<AdaptiveCacheConfig>,
        results: Option<&AdaptiveCacheConfig>,
        time: &Time,
    ) -> Result<Self> {
        let build = |config| AdaptiveCache::builder(config).weigher(weight).clock(Arc::clone(time)).build();
        Ok(Self {
            values: values.map(build).transpose()?,
            keys: CoherenceTable::new(STRIPES),
            loads: Flights::default(),
            results: results.map(|all| ResultCache::new(all, time)).transpose()?,
            table: CoherenceTable::new(1),
            searches: Flights::default(),
            counts: Counts::default(),
        })
    }

    /// What is cached of an id.
    pub(super) fn cached(&self, id: Id<R>) -> Option<Value<R>> {
        let found = self.values.as_ref()?.get(&id)?;
        if found.is_none() {
            count(&self.counts.negative_hits, 1);
        }
        Some(found)
    }

    pub(super) fn stripe(&self, id: Id<R>) -> Stripe {
        self.keys.stripe(id.uuid())
    }

    /// A write of these changes begins: nothing that it may change is cached
    /// from here on until it is over.
    pub(super) fn begin(&self, changes: &Changes<R>) -> Begun {
        if changes.is_empty() {
            return Begun::default();
        }
        let at = self.values.as_ref().map_or_else(Moment::default, AdaptiveCache::now);
        let mut stripes = Vec::new();
        for keys in self.by_stripe(changes).chunk_by(|(a, ..), (b, ..)| a == b) {
            let stripe = keys[0].0;
            let remove = || keys.iter().for_each(|(_, id, _)| self.remove(*id));
            stripes.push((stripe, self.keys.begin(stripe, remove)));
        }
        let table = self.table.begin(0, || {
            if let Some(results) = &self.results {
                results.forget(changes);
            }
        });
        Begun { stripes, table: Some(table), at }
    }

    /// A write ends. What it wrote is cached if it is given, and if no other
    /// write overlapped.
    pub(super) fn end(&self, begun: &Begun, written: Option<&Changes<R>>) {
        let values = self.values.as_ref().zip(written).map(|(values, written)| (values, self.by_stripe(written)));
        let mut written = values.iter().flat_map(|(_, keys)| keys.chunk_by(|(a, ..), (b, ..)| a == b));
        for (stripe, generation) in &begun.stripes {
            let keys = written.next().unwrap_or_default();
            self.keys.end(*stripe, *generation, || {
                let Some((values, _)) = &values else { return };
                for (_, id, record) in keys {
                    values.insert_read_at(*id, record.cloned(), begun.at);
                }
            });
        }
        if let Some(generation) = begun.table {
            self.table.end(0, generation, || {});
        }
    }

    /// Drops what is cached of one record, and all results of this kind.
    pub(super) fn invalidate(&self, id: Id<R>) {
        self.keys.invalidate(self.stripe(id), || self.remove(id));
        self.table.invalidate(0, || self.clear_results());
    }

    /// Drops all cached records and results of this kind.
    pub(super) fn invalidate_all(&self) {
        self.keys.invalidate_all();
        if let Some(values) = &self.values {
            values.clear();
        }
        self.table.invalidate(0, || self.clear_results());
    }

    fn clear_results(&self) {
        if let Some(results) = &self.results {
            results.clear();
        }
    }

    fn remove(&self, id: Id<R>) {
        if let Some(values) = &self.values {
            drop(values.remove(&id));
        }
    }

    /// The changes in order of their stripes.
    fn by_stripe<'a>(&self, changes: &'a Changes<R>) -> Vec<Keyed<'a, R>> {
        let mut keys: Vec<_> = changes.iter().map(|(id, record)| (self.stripe(id), id, record)).collect();
        keys.sort_unstable_by_key(|(stripe, ..)| *stripe);
        keys
    }

    /// What is part of a storage's metrics.
    pub(super) fn totals(&self) -> ReadTotals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // Read before the hits that they are a part of.
        let (alone, longer) = (read(&self.counts.longer_alone), read(&self.counts.longer));
        let stats = self.stats();
        ReadTotals {
            hits: stats.hits,
            negative_hits: stats.negative_hits,
            misses: stats.misses,
            coalesced: stats.coalesced,
            avoided: stats.hits.saturating_sub(longer) + alone,
        }
    }

    pub(super) fn stats(&self) -> KindCacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let again = read(&self.counts.again);
        let cache = self.values.as_ref().map(AdaptiveCache::stats).unwrap_or_default();
        KindCacheStats {
            hits: cache.hits.saturating_sub(again),
            misses: read(&self.counts.misses),
            coalesced: read(&self.counts.coalesced),
            refused: read(&self.counts.refused),
            negative_hits: read(&self.counts.negative_hits),
            evictions: cache.evictions,
            expirations: cache.expirations,
            entries: cache.entries,
            bytes: cache.weight,
        }
    }
}

/// The bytes that an entry takes: its own, and those of the record.
#[expect(clippy::ref_option, reason = "what a weigher is given")]
fn weight<R: Record>(_: &Id<R>, value: &Value<R>) -> u64 {
    let record = value.as_ref().map_or(0, |record| size_of::<R>() + record.content_size());
    (size_of::<(Id<R>, Value<R>)>() + record) as u64
}

impl<R: Record> fmt::Debug for KindCache<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KindCache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
