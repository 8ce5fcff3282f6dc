//! Insertions.

use std::hash::{BuildHasher, Hash};

use super::adaptive::AdaptiveCache;
use super::bounds::Amount;
use super::clock::{Clock, Moment};
use super::entry::{Discarded, short};
use super::shard::{NewEntry, Shard};
use super::shards::ShardLock;
use super::stats::Event;

/// Average number of insertions into a shard after which the capacity is estimated again.
const RESIZED_EVERY: u32 = 256;

impl<K: Eq + Hash, V, C: Clock> AdaptiveCache<K, V, C> {
    /// Inserts a value that was read at the present moment, with the weight that the weigher
    /// returns. Behaves as [`insert_read_at`](Self::insert_read_at) otherwise.
    pub fn insert(&self, key: K, value: V) -> bool {
        self.insert_read_at(key, value, self.clock.now())
    }

    /// Inserts a value that was read at `read_at`, or whose read began then. The age of the
    /// entry counts from that moment. Returns whether the value was inserted.
    ///
    /// - A former value of the key is replaced. The new value has a lifetime of its own; the
    ///   key keeps its read frequency.
    /// - If the value is heavier than `max_weight`, or its first term has already ended, it is
    ///   rejected and counted as such, and the key's former value is removed.
    /// - Other entries are evicted as needed. While no insertion is in progress, no bound is
    ///   exceeded.
    /// - A moment in the future counts as the present.
    pub fn insert_read_at(&self, key: K, value: V, read_at: Moment) -> bool {
        let weight = self.weigher.as_ref().map_or(1, |weigher| weigher(&key, &value));
        self.insert_weighing(key, value, weight, read_at)
    }

    /// Inserts a value with a weight that the caller knows. Behaves as
    /// [`insert_read_at`](Self::insert_read_at) otherwise.
    pub fn insert_weighing(&self, key: K, value: V, weight: u64, read_at: Moment) -> bool {
        let hash = self.hasher.hash_one(&key);
        let now = self.clock.now();
        let read_at = read_at.min(now);
        let term = self.lifetimes.term(0, short(hash));
        let lives = now.as_millis() < read_at.as_millis().saturating_add(u64::from(term));
        if !lives || weight > self.bounds.max_weight {
            self.counters.add(Event::Rejection, 1);
            drop(self.remove(&key));
            return false;
        }
        self.counters.add(Event::Insertion, 1);
        let entered = Amount::of(weight);
        let mut discarded = Discarded::new();
        let mut replaced = None;
        {
            let _inside = self.inside();
            let lock = self.shards.of(hash);
            let mut shard = lock.write();
            shard.rebase(now, &self.lifetimes, &mut discarded);
            match shard.replace(short(hash), &key, NewEntry { value, weight, read_at, term }, &self.lifetimes) {
                Ok((value, weight)) => replaced = Some((key, value, Amount::of(weight))),
                Err(new) => self.add(&mut shard, short(hash), key, new, now, &mut discarded),
            }
            shard.reap(now, &self.lifetimes, &mut discarded);
            let replaced = replaced.as_ref().map_or(Amount::default(), |(_, _, amount)| *amount);
            self.account(lock, &shard, entered, replaced.plus(discarded.total()));
        }
        self.count(&discarded);
        drop((discarded, replaced));
        self.make_room(hash, now);
        true
    }

    /// Adds an entry whose key is not in the shard. If the cache is full and the shard holds
    /// its share, the shard evicts first.
    fn add(
        &self,
        shard: &mut Shard<K, V>,
        hash: u32,
        key: K,
        new: NewEntry<V>,
        now: Moment,
        discarded: &mut Discarded<K, V>,
    ) {
        if shard.one_in(RESIZED_EVERY) {
            self.duel.resize(self.bounds.capacity());
        }
        let policy = self.duel.policy();
        let entered = Amount::of(new.weight);
        let exceeded = |discarded: &Discarded<K, V>| self.bounds.exceeded(entered, discarded.total());
        let full = exceeded(discarded);
        let to_main = shard.admits_to_main(hash, policy, full, now, &self.lifetimes, discarded);
        while exceeded(discarded)
            && self.shards.is_due(shard.len(), self.bounds.entries())
            && shard.evict(policy, None, now, &self.lifetimes, discarded)
        {}
        shard.add(hash, key, new, to_main, &self.lifetimes);
    }

    /// Evicts entries until no bound is exceeded. The entry with this hash is evicted last.
    fn make_room(&self, hash: u64, now: Moment) {
        let own = self.shards.of(hash);
        let nothing = Amount::default();
        while self.bounds.exceeded(nothing, nothing) {
            // If all shards are empty, the excess belongs to insertions that are still in
            // progress and evict by themselves.
            let Some(lock) = self.shards.to_evict_from(self.bounds.entries(), own) else { return };
            let mut discarded = Discarded::new();
            {
                let _inside = self.inside();
                let mut shard = lock.write();
                shard.evict(self.duel.policy(), Some(short(hash)), now, &self.lifetimes, &mut discarded);
                self.account(lock, &shard, nothing, discarded.total());
            }
            self.count(&discarded);
        }
    }

    /// Adds what entered and what left a shard to the totals. The caller holds the lock.
    fn account(&self, lock: &ShardLock<K, V>, shard: &Shard<K, V>, entered: Amount, left: Amount) {
        lock.note_length(shard.len());
        self.bounds.change(entered, left);
    }

    fn count(&self, discarded: &Discarded<K, V>) {
        self.counters.add(Event::Eviction, discarded.evicted);
        self.counters.add(Event::Expiration, discarded.expired);
    }
}
