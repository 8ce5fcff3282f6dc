//! Taking out entries whose lives are over, though nobody asks for them.

use std::hash::Hash;

use super::clock::Moment;
use super::discarded::Discarded;
use super::life::Lifetimes;
use super::shard::Shard;

/// Buckets looked at by each insertion: a whole shard, while as many entries
/// come in as about half of those it holds.
const REAPED: usize = 4;

/// Where a shard's search for ended lives stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reaper {
    /// The bucket at which it goes on.
    bucket: usize,
    /// Before this no term ends, as far as the last whole round tells: until
    /// then there is nothing to look for. Terms are renewed, which only moves
    /// their ends away.
    earliest: u32,
    /// The same of the buckets seen in this round, and what came in meanwhile.
    seen: u32,
}

impl Default for Reaper {
    fn default() -> Self {
        Self { bucket: 0, earliest: 0, seen: u32::MAX }
    }
}

impl Reaper {
    /// A term will end at `ends`.
    pub(super) fn expect(&mut self, ends: u32) {
        self.earliest = self.earliest.min(ends);
        self.seen = self.seen.min(ends);
    }

    /// All entries have changed their buckets: of a round under way nobody knows
    /// which it has seen.
    pub(super) fn moved(&mut self) {
        if self.bucket > 0 {
            self.seen = 0;
        }
    }
}

impl<K: Eq + Hash, V> Shard<K, V> {
    /// Takes out some of the entries whose lives are over: a few buckets at a
    /// time, all in turn.
    pub(crate) fn reap(&mut self, now: Moment, lifetimes: &Lifetimes, discarded: &mut Discarded<K, V>) {
        let time = self.time(now);
        if time < self.reaper.earliest {
            return;
        }
        for _ in 0..REAPED {
            let Reaper { bucket, seen, .. } = self.reaper;
            if bucket >= self.table.buckets() {
                self.reaper = Reaper { earliest: seen, ..Reaper::default() };
                return;
            }
            self.reaper.bucket += 1;
            let Some(hash) = self.table.hash_in(bucket) else { continue };
            let Some(entry) = self.table.bucket(bucket) else { continue };
            if entry.lives(time, hash, lifetimes) {
                self.reaper.seen = seen.min(entry.slot().ends());
            } else {
                discarded.expire(entry.remove());
                self.left_dangling();
            }
        }
    }
}
