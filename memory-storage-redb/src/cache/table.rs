//! Where the entries of a shard lie.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::bounds::Amount;
use super::life::Lifetimes;
use super::slot::{Gone, Rest, Slot};

/// Slots in the buckets of a hash table, and beside each bucket what no hit
/// asks for. An entry stays in its bucket until the table is rebuilt, which is
/// never left to the hash table: it knows nothing of what lies beside.
#[repr(C)]
pub(crate) struct Table<K, V> {
    slots: HashTable<Slot<K, V>>,
    rests: Box<[Rest]>,
    hasher: SeedableRandomState,
}

/// An entry that can be changed, and taken out.
pub(crate) struct Occupied<'a, K, V> {
    entry: OccupiedEntry<'a, Slot<K, V>>,
    rest: &'a mut Rest,
}

/// The 32 bits of a hash that a table goes by. Which shard's it is, the upper
/// bits say.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
pub(crate) const fn short(hash: u64) -> u32 {
    hash as u32
}

/// The hash table's own: it looks at the highest seven bits and at the lowest,
/// and each of ours is in one of these places.
pub(super) const fn wide(short: u32) -> u64 {
    (short as u64).rotate_right(7)
}

impl<K, V> Table<K, V> {
    pub(crate) fn new(hasher: SeedableRandomState) -> Self {
        Self { slots: HashTable::new(), rests: Box::default(), hasher }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn buckets(&self) -> usize {
        self.rests.len()
    }

    /// The slot of a key.
    #[inline]
    pub(crate) fn get<Q>(&self, hash: u32, key: &Q) -> Option<&Slot<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.slots.find(wide(hash), |slot| slot.key.borrow() == key)
    }

    /// The slot of a key, and the rest of its entry.
    pub(crate) fn get_whole<Q>(&self, hash: u32, key: &Q) -> Option<(&Slot<K, V>, Rest)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let bucket = self.slots.find_bucket_index(wide(hash), |slot| slot.key.borrow() == key)?;
        Some((self.slots.get_bucket(bucket)?, self.rests[bucket]))
    }

    /// The entry of a key.
    pub(crate) fn entry<Q>(&mut self, hash: u32, key: &Q) -> Option<Occupied<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let Self { slots, rests, .. } = self;
        find(slots, rests, hash, |slot| slot.key.borrow() == key)
    }

    /// The entry in this bucket.
    pub(crate) fn bucket(&mut self, bucket: usize) -> Option<Occupied<'_, K, V>> {
        let entry = self.slots.get_bucket_entry(bucket).ok()?;
        Some(Occupied { entry, rest: &mut self.rests[bucket] })
    }

    /// Number of entries, and their weight.
    pub(crate) fn amount(&self) -> Amount {
        let rests = self.rests.iter().enumerate().filter(|(bucket, _)| self.slots.get_bucket(*bucket).is_some());
        rests.fold(Amount::default(), |sum, (_, rest)| sum.plus(Amount::of(rest.weight)))
    }

    /// All slots.
    pub(crate) fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot<K, V>> {
        self.slots.iter_mut()
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) -> Self {
        let empty = Self::new(self.hasher.clone());
        std::mem::replace(self, empty)
    }
}

impl<K: Hash, V> Table<K, V> {
    /// The hash that the entry of a key is known by.
    pub(crate) fn hash(&self, key: &K) -> u32 {
        short(self.hasher.hash_one(key))
    }

    /// The same of the entry in this bucket.
    pub(crate) fn hash_in(&self, bucket: usize) -> Option<u32> {
        self.slots.get_bucket(bucket).map(|slot| self.hash(&slot.key))
    }

    /// The entry that a node of a queue stands for, if `is_it` holds for it.
    pub(crate) fn entry_of(&mut self, hash: u32, is_it: impl Fn(&Slot<K, V>) -> bool) -> Option<Occupied<'_, K, V>> {
        let Self { slots, rests, hasher } = self;
        find(slots, rests, hash, |slot| is_it(slot) && short(hasher.hash_one(&slot.key)) == hash)
    }

    /// Adds an entry whose key is not there yet: whether all entries have
    /// changed their buckets for it.
    pub(crate) fn add(&mut self, hash: u32, slot: Slot<K, V>, rest: Rest) -> bool {
        let is_full = self.slots.len() == self.slots.capacity();
        if is_full {
            self.rebuild();
        }
        self.put(hash, slot, rest);
        is_full
    }

    /// Moves all entries to a new table: a larger one only where they fill this
    /// one, or nearly, since it is to last for a while. What had filled it may be
    /// the marks of those that have left, for which a hash table by itself takes
    /// twice the memory.
    fn rebuild(&mut self) {
        let slots = HashTable::with_capacity(self.len() + self.len() / 16 + 1);
        let rests = vec![Rest::default(); slots.num_buckets()].into_boxed_slice();
        let mut former = std::mem::replace(self, Self { slots, rests, hasher: self.hasher.clone() });
        for bucket in 0..former.buckets() {
            if let Some(entry) = former.bucket(bucket) {
                let (slot, rest) = entry.take();
                self.put(self.hash(&slot.key), slot, rest);
            }
        }
    }

    fn put(&mut self, hash: u32, slot: Slot<K, V>, rest: Rest) {
        let hasher = &self.hasher;
        let entry = self.slots.insert_unique(wide(hash), slot, |slot| wide(short(hasher.hash_one(&slot.key))));
        self.rests[entry.bucket_index()] = rest;
    }
}

impl<K, V> Occupied<'_, K, V> {
    pub(crate) fn slot(&self) -> &Slot<K, V> {
        self.entry.get()
    }

    pub(crate) fn slot_mut(&mut self) -> &mut Slot<K, V> {
        self.entry.get_mut()
    }

    /// Whether the entry lives, after any renewal it has earned.
    pub(crate) fn lives(&self, now: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        self.slot().lives(now, self.rest.hard, hash, lifetimes)
    }

    /// Counts the times from a base that is later by `by`.
    pub(crate) fn rebase(&mut self, by: u32) {
        self.slot_mut().rebase(by);
        self.rest.hard = self.rest.hard.saturating_sub(by);
    }

    /// Puts another value in the entry's place: what was there, and its weight.
    pub(crate) fn replace(&mut self, value: V, ends: u32, rest: Rest) -> (V, u64) {
        let former = std::mem::replace(self.rest, rest);
        (self.slot_mut().replace(value, ends), former.weight)
    }

    pub(crate) fn remove(self) -> Gone<K, V> {
        let (slot, rest) = self.take();
        slot.leave(rest.weight)
    }

    fn take(self) -> (Slot<K, V>, Rest) {
        (self.entry.remove().0, *self.rest)
    }
}

fn find<'a, K, V>(
    slots: &'a mut HashTable<Slot<K, V>>,
    rests: &'a mut [Rest],
    hash: u32,
    is_it: impl FnMut(&Slot<K, V>) -> bool,
) -> Option<Occupied<'a, K, V>> {
    let entry = slots.find_entry(wide(hash), is_it).ok()?;
    let rest = &mut rests[entry.bucket_index()];
    Some(Occupied { entry, rest })
}
