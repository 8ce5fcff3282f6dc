//! Removal of expired entries that no lookup finds.

use std::hash::Hash;

use super::evict::Evictor;

/// Number of buckets that an insertion examines. A whole shard is examined while the
/// number of insertions equals about half of its entries.
const REAPED: usize = 4;

/// The position of a shard's search for expired entries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reaper {
    /// The next bucket.
    bucket: usize,
    /// A lower bound on the end of every term, from the last complete round. Until then no
    /// bucket is examined. A renewal only moves the end of a term later.
    earliest: u32,
    /// The lower bound for the buckets examined in this round and for entries inserted since
    /// it began.
    seen: u32,
}

impl Default for Reaper {
    fn default() -> Self {
        Self { bucket: 0, earliest: 0, seen: u32::MAX }
    }
}

impl Reaper {
    /// Records that a term ends at `ends`.
    pub(crate) fn expect(&mut self, ends: u32) {
        self.earliest = self.earliest.min(ends);
        self.seen = self.seen.min(ends);
    }

    /// Records that the table was rebuilt. The current round no longer knows which entries it
    /// has examined, so another round follows it.
    pub(crate) fn rebuilt(&mut self) {
        if self.bucket > 0 {
            self.seen = 0;
        }
    }

    /// Examines the next few buckets and removes the expired entries in them.
    pub(crate) fn reap<K: Eq + Hash, V>(&mut self, evictor: Evictor<'_, K, V>) {
        let Evictor { table, queues, time, lifetimes, discarded } = evictor;
        if time < self.earliest {
            return;
        }
        for _ in 0..REAPED {
            let Self { bucket, seen, .. } = *self;
            if bucket >= table.buckets() {
                *self = Self { earliest: seen, ..Self::default() };
                return;
            }
            self.bucket += 1;
            let Some(hash) = table.hash_in(bucket) else { continue };
            let Some(entry) = table.bucket(bucket) else { continue };
            if entry.lives(time, hash, lifetimes) {
                self.seen = seen.min(entry.slot().ends());
            } else {
                discarded.expire(entry.remove());
                queues.left_dangling(table);
            }
        }
    }
}
