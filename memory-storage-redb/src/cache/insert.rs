//! Putting a value in.

use std::hash::{BuildHasher, Hash};

use super::adaptive::AdaptiveCache;
use super::bounds::Amount;
use super::clock::{Clock, Moment};
use super::discarded::Discarded;
use super::shard::{Arrival, Shard};
use super::shards::Place;
use super::stats::Count;
use super::table::short;

/// Insertions into a shard after which the capacity is looked at anew.
const RESIZED_EVERY: u32 = 256;

impl<K: Eq + Hash, V, C: Clock> AdaptiveCache<K, V, C> {
    /// Puts a value in that is read now, with the weigher's weight. See
    /// [`insert_read_at`](Self::insert_read_at).
    pub fn insert(&self, key: K, value: V) -> bool {
        self.insert_read_at(key, value, self.clock.now())
    }

    /// Puts a value in, from the moment at which it was read, or the read of
    /// it began: its age counts from there.
    ///
    /// - A value that the key had before is replaced; the new one has a life
    ///   of its own, and the key's popularity stays.
    /// - False if the value was rejected and counted as such: heavier than
    ///   `max_weight`, or read so long ago that its first term is over. What
    ///   the key had before is removed then too.
    /// - Others make room as needed. When no insertion is in progress no bound
    ///   is exceeded.
    /// - A moment in the future counts as the present.
    pub fn insert_read_at(&self, key: K, value: V, read_at: Moment) -> bool {
        let weight = self.weigher.as_ref().map_or(1, |weigher| weigher(&key, &value));
        self.insert_weighing(key, value, weight, read_at)
    }

    /// As [`insert_read_at`](Self::insert_read_at), with a weight that is
    /// already known.
    pub fn insert_weighing(&self, key: K, value: V, weight: u64, read_at: Moment) -> bool {
        let hash = self.hasher.hash_one(&key);
        let now = self.clock.now();
        let read_at = read_at.min(now);
        let term = self.lifetimes.term(0, short(hash));
        let lives = now.as_millis() < read_at.as_millis().saturating_add(u64::from(term));
        if !lives || weight > self.bounds.max_weight {
            self.counters.add(Count::Rejected, 1);
            drop(self.remove(&key));
            return false;
        }
        self.counters.add(Count::Insertions, 1);
        let entered = Amount::of(weight);
        let mut discarded = Discarded::new();
        let mut replaced = None;
        {
            let _inside = self.inside();
            let place = self.shards.of(hash);
            let mut shard = place.write();
            shard.keep_time(now, &self.lifetimes, &mut discarded);
            match shard.replace(short(hash), &key, Arrival { value, weight, read_at, term }, &self.lifetimes) {
                Ok((value, weight)) => replaced = Some((key, value, Amount::of(weight))),
                Err(arrival) => self.place(&mut shard, short(hash), key, arrival, now, &mut discarded),
            }
            shard.reap(now, &self.lifetimes, &mut discarded);
            let replaced = replaced.as_ref().map_or(Amount::default(), |(_, _, amount)| *amount);
            self.settle(place, &shard, entered, replaced.plus(discarded.total()));
        }
        self.count(&discarded);
        drop((discarded, replaced));
        self.make_room(hash, now);
        true
    }

    /// Adds an entry that is not there yet to its shard, which makes room for
    /// it if it is due.
    fn place(
        &self,
        shard: &mut Shard<K, V>,
        hash: u32,
        key: K,
        arrival: Arrival<V>,
        now: Moment,
        discarded: &mut Discarded<K, V>,
    ) {
        if shard.coin.once_in(RESIZED_EVERY) {
            self.duel.resize(self.bounds.capacity());
        }
        let policy = self.duel.policy();
        let entered = Amount::of(arrival.weight);
        let exceeded = |discarded: &Discarded<K, V>| self.bounds.exceeded(entered, discarded.total());
        let full = exceeded(discarded);
        let to_main = shard.admits_to_main(hash, policy, full, now, &self.lifetimes, discarded);
        while exceeded(discarded)
            && self.shards.is_due(shard.len(), self.bounds.entries())
            && shard.evict(policy, None, now, &self.lifetimes, discarded)
        {}
        shard.add(hash, key, arrival, to_main, &self.lifetimes);
    }

    /// Lets shards that hold their part make room for the entry of this hash, as
    /// long as there is too little.
    fn make_room(&self, hash: u64, now: Moment) {
        let own = self.shards.of(hash);
        let nothing = Amount::default();
        while self.bounds.exceeded(nothing, nothing) {
            // What is not in a shard is on its way, and makes room itself.
            let Some(place) = self.shards.long(self.bounds.entries(), own) else { return };
            let mut discarded = Discarded::new();
            {
                let _inside = self.inside();
                let mut shard = place.write();
                shard.evict(self.duel.policy(), Some(short(hash)), now, &self.lifetimes, &mut discarded);
                self.settle(place, &shard, nothing, discarded.total());
            }
            self.count(&discarded);
        }
    }

    /// Puts what came into a shard and what has left it on the books, while it
    /// is still locked.
    fn settle(&self, place: &Place<K, V>, shard: &Shard<K, V>, entered: Amount, left: Amount) {
        place.note_length(shard.len());
        self.bounds.change(entered, left);
    }

    fn count(&self, discarded: &Discarded<K, V>) {
        self.counters.add(Count::Evictions, discarded.evicted);
        self.counters.add(Count::Expirations, discarded.expired);
    }
}
