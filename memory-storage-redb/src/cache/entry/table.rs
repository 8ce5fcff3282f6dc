//! Storage of a shard's entries.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::SeedableRandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::OccupiedEntry;

use super::hash::{short, wide};
use super::life::Lifetimes;
use super::slot::{ColdFields, Removed, Slot};
use crate::cache::bounds::Amount;

/// A hash table of slots, with the cold fields of each entry in a second array.
///
/// Invariant: the cold fields of the entry in bucket `i` are `cold[i]`. An entry stays in its
/// bucket until [`rebuild`](Self::rebuild) moves all entries. The hash table itself must never
/// grow or rehash, since it does not know the second array.
#[repr(C)]
pub(crate) struct EntryTable<K, V> {
    slots: HashTable<Slot<K, V>>,
    cold: Box<[ColdFields]>,
    hasher: SeedableRandomState,
}

/// An entry with exclusive access, which can be changed and removed.
pub(crate) struct Occupied<'a, K, V> {
    entry: OccupiedEntry<'a, Slot<K, V>>,
    cold: &'a mut ColdFields,
}

impl<K, V> EntryTable<K, V> {
    pub(crate) fn new(hasher: SeedableRandomState) -> Self {
        Self { slots: HashTable::new(), cold: Box::default(), hasher }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn buckets(&self) -> usize {
        self.cold.len()
    }

    /// Returns the slot of a key.
    #[inline]
    pub(crate) fn get<Q>(&self, hash: u32, key: &Q) -> Option<&Slot<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.slots.find(wide(hash), |slot| slot.key.borrow() == key)
    }

    /// Returns the slot of a key and the entry's cold fields.
    pub(crate) fn get_with_cold<Q>(&self, hash: u32, key: &Q) -> Option<(&Slot<K, V>, ColdFields)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let bucket = self.slots.find_bucket_index(wide(hash), |slot| slot.key.borrow() == key)?;
        Some((self.slots.get_bucket(bucket)?, self.cold[bucket]))
    }

    /// Returns the entry of a key.
    pub(crate) fn entry<Q>(&mut self, hash: u32, key: &Q) -> Option<Occupied<'_, K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let Self { slots, cold, .. } = self;
        find(slots, cold, hash, |slot| slot.key.borrow() == key)
    }

    /// Returns the entry in a bucket.
    pub(crate) fn bucket(&mut self, bucket: usize) -> Option<Occupied<'_, K, V>> {
        let entry = self.slots.get_bucket_entry(bucket).ok()?;
        Some(Occupied { entry, cold: &mut self.cold[bucket] })
    }

    /// Returns the number of entries and their weight.
    pub(crate) fn amount(&self) -> Amount {
        let cold = self.cold.iter().enumerate().filter(|(bucket, _)| self.slots.get_bucket(*bucket).is_some());
        cold.fold(Amount::default(), |sum, (_, cold)| sum.plus(Amount::of(cold.weight)))
    }

    /// Returns all slots.
    pub(crate) fn slots_mut(&mut self) -> impl Iterator<Item = &mut Slot<K, V>> {
        self.slots.iter_mut()
    }

    /// Removes all entries and returns them.
    pub(crate) fn clear(&mut self) -> Self {
        let empty = Self::new(self.hasher.clone());
        std::mem::replace(self, empty)
    }
}

impl<K: Hash, V> EntryTable<K, V> {
    /// Returns the short hash of a key.
    pub(crate) fn hash(&self, key: &K) -> u32 {
        short(self.hasher.hash_one(key))
    }

    /// Returns the short hash of the entry in a bucket.
    pub(crate) fn hash_in(&self, bucket: usize) -> Option<u32> {
        self.slots.get_bucket(bucket).map(|slot| self.hash(&slot.key))
    }

    /// Returns an entry with this hash for which `matches` holds.
    pub(crate) fn entry_of(&mut self, hash: u32, matches: impl Fn(&Slot<K, V>) -> bool) -> Option<Occupied<'_, K, V>> {
        let Self { slots, cold, hasher } = self;
        find(slots, cold, hash, |slot| matches(slot) && short(hasher.hash_one(&slot.key)) == hash)
    }

    /// Adds an entry whose key is not in the table. Returns whether the table was rebuilt, so that
    /// entries changed their buckets.
    pub(crate) fn add(&mut self, hash: u32, slot: Slot<K, V>, cold: ColdFields) -> bool {
        let is_full = self.slots.len() == self.slots.capacity();
        if is_full {
            self.rebuild();
        }
        self.put(hash, slot, cold);
        is_full
    }

    /// Moves all entries to a new table.
    ///
    /// The new table has room for a sixteenth more entries, so it is larger only if the entries
    /// nearly fill the former one. Otherwise the former table was full of tombstones, for which
    /// `hashbrown` itself would double the memory.
    fn rebuild(&mut self) {
        let slots = HashTable::with_capacity(self.len() + self.len() / 16 + 1);
        let cold = vec![ColdFields::default(); slots.num_buckets()].into_boxed_slice();
        let mut former = std::mem::replace(self, Self { slots, cold, hasher: self.hasher.clone() });
        for bucket in 0..former.buckets() {
            if let Some(entry) = former.bucket(bucket) {
                let (slot, cold) = entry.take();
                self.put(self.hash(&slot.key), slot, cold);
            }
        }
    }

    fn put(&mut self, hash: u32, slot: Slot<K, V>, cold: ColdFields) {
        let hasher = &self.hasher;
        let entry = self.slots.insert_unique(wide(hash), slot, |slot| wide(short(hasher.hash_one(&slot.key))));
        self.cold[entry.bucket_index()] = cold;
    }
}

impl<K, V> Occupied<'_, K, V> {
    pub(crate) fn slot(&self) -> &Slot<K, V> {
        self.entry.get()
    }

    pub(crate) fn slot_mut(&mut self) -> &mut Slot<K, V> {
        self.entry.get_mut()
    }

    /// Returns whether the entry lives at `now`, and renews its term as [`Slot::lives`] does.
    pub(crate) fn lives(&self, now: u32, hash: u32, lifetimes: &Lifetimes) -> bool {
        self.slot().lives(now, self.cold.hard, hash, lifetimes)
    }

    /// Moves the origin of times `by` milliseconds later.
    pub(crate) fn rebase(&mut self, by: u32) {
        self.slot_mut().rebase(by);
        self.cold.hard = self.cold.hard.saturating_sub(by);
    }

    /// Replaces the value and returns the former value and weight.
    pub(crate) fn replace(&mut self, value: V, ends: u32, cold: ColdFields) -> (V, u64) {
        let former = std::mem::replace(self.cold, cold);
        (self.slot_mut().replace(value, ends), former.weight)
    }

    pub(crate) fn remove(self) -> Removed<K, V> {
        let (slot, cold) = self.take();
        slot.leave(cold.weight)
    }

    fn take(self) -> (Slot<K, V>, ColdFields) {
        (self.entry.remove().0, *self.cold)
    }
}

fn find<'a, K, V>(
    slots: &'a mut HashTable<Slot<K, V>>,
    cold: &'a mut [ColdFields],
    hash: u32,
    matches: impl FnMut(&Slot<K, V>) -> bool,
) -> Option<Occupied<'a, K, V>> {
    let entry = slots.find_entry(wide(hash), matches).ok()?;
    let cold = &mut cold[entry.bucket_index()];
    Some(Occupied { entry, cold })
}
