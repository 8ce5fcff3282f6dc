//! What each way of evicting would have made of the same lookups.

use std::collections::VecDeque;

use hashbrown::HashTable;

use super::policy::{Coin, POLICIES, Policy, WAYS, ghosts};
use super::slot::MAX_FREQUENCY;
use super::table::wide;

/// Where a key is, for one way.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Out,
    Small,
    Main,
}

/// What one way knows of a key.
#[derive(Clone, Copy, Default)]
struct Seen {
    place: Place,
    frequency: u8,
    /// Number of its last eviction from the small queue; 0 for none since it
    /// last came in.
    buried: u32,
}

struct Key {
    hash: u32,
    seen: [Seen; WAYS],
}

/// The queues of one way. They hold the numbers of keys.
#[derive(Default)]
struct Queues {
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    /// Number of the last eviction from the small queue. After the highest comes 1
    /// again: a key that was evicted as many evictions ago may count as a ghost, which
    /// costs one wrong promotion.
    buried: u32,
}

/// Small caches without values, one for each way, over the same keys.
pub(crate) struct Shadows {
    /// What each may hold.
    capacity: usize,
    keys: Vec<Key>,
    free: Vec<u32>,
    index: HashTable<u32>,
    ways: [Queues; WAYS],
    coin: Coin,
    /// The number of keys at which those that no way knows any more are dropped.
    full_at: usize,
}

impl Shadows {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            keys: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            ways: std::array::from_fn(|_| Queues::default()),
            coin: Coin::new(0x5EED),
            full_at: 3 * capacity + 64,
        }
    }

    /// Lets each hold more or less.
    pub(crate) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// A lookup: whether each way would have had the key. It has, from then on.
    pub(crate) fn access(&mut self, hash: u32) -> [bool; WAYS] {
        let id = self.id(hash);
        std::array::from_fn(|way| self.access_by(way, id))
    }

    fn id(&mut self, hash: u32) -> u32 {
        let Self { index, keys, .. } = self;
        if let Some(id) = index.find(wide(hash), |id| keys[*id as usize].hash == hash) {
            return *id;
        }
        if self.index.len() >= self.full_at {
            self.sweep();
        }
        let Self { index, keys, free, .. } = self;
        let key = Key { hash, seen: [Seen::default(); WAYS] };
        let id = if let Some(id) = free.pop() {
            keys[id as usize] = key;
            id
        } else {
            if keys.len() == keys.capacity() {
                // By a quarter, since twice as many are seldom needed.
                keys.reserve_exact(keys.len() / 4 + 64);
            }
            keys.push(key);
            u32::try_from(keys.len() - 1).unwrap_or(u32::MAX)
        };
        index.insert_unique(wide(hash), id, |id| wide(keys[*id as usize].hash));
        id
    }

    /// Drops the keys that no way holds or remembers.
    fn sweep(&mut self) {
        let Self { index, keys, free, ways, capacity, .. } = self;
        index.retain(|id| {
            let seen = keys[*id as usize].seen.iter().zip(ways.iter());
            let known = seen.clone().any(|(seen, way)| seen.place != Place::Out || is_ghost(*seen, way, *capacity));
            if !known {
                free.push(*id);
            }
            known
        });
        self.full_at = (self.index.len() * 3 / 2).max(3 * self.capacity + 64);
    }

    fn access_by(&mut self, way: usize, id: u32) -> bool {
        let Self { capacity, keys, ways, coin, .. } = self;
        let (capacity, queues, policy) = (*capacity, &mut ways[way], &POLICIES[way]);
        let seen = &mut keys[id as usize].seen[way];
        if seen.place != Place::Out {
            seen.frequency += u8::from(u32::from(seen.frequency) < MAX_FREQUENCY);
            return true;
        }
        let ghost = is_ghost(*seen, queues, capacity);
        seen.buried = 0;
        let mut to_main = false;
        if queues.len() >= capacity {
            let probes = match (ghost, policy.ghost_probes) {
                (true, 0) => 0,
                (true, probes) => probes,
                (false, _) => u32::from(coin.once_in(policy.probe)),
            };
            to_main = (ghost && policy.ghost_probes == 0)
                || (0..probes).any(|_| queues.turn(way, keys, policy.forget))
                || policy.straight;
        } else {
            to_main |= ghost || policy.straight || queues.small.len() >= policy.small_target(queues.len() + 1);
        }
        while queues.len() >= capacity {
            queues.evict(way, policy, keys);
        }
        let place = if to_main { Place::Main } else { Place::Small };
        keys[id as usize].seen[way] = Seen { place, frequency: 0, buried: 0 };
        let queue = if to_main { &mut queues.main } else { &mut queues.small };
        queue.push_back(id);
        false
    }
}

fn is_ghost(seen: Seen, way: &Queues, capacity: usize) -> bool {
    // Numbers are from 1 on, also after the highest.
    let since = way.buried.wrapping_sub(seen.buried) - u32::from(seen.buried > way.buried);
    seen.buried > 0 && since as usize <= ghosts(capacity)
}

impl Queues {
    fn len(&self) -> usize {
        self.small.len() + self.main.len()
    }

    /// Takes one key out, as [`Shard::evict`](super::shard::Shard::evict) does.
    fn evict(&mut self, way: usize, policy: &Policy, keys: &mut [Key]) {
        loop {
            if self.main.is_empty() || self.small.len() >= policy.small_target(self.len()) {
                let Some(id) = self.small.pop_front() else { return };
                let seen = &mut keys[id as usize].seen[way];
                if u32::from(seen.frequency) >= policy.promote {
                    *seen = Seen { place: Place::Main, frequency: 0, buried: 0 };
                    self.main.push_back(id);
                    continue;
                }
                self.buried = self.buried.checked_add(1).unwrap_or(1);
                *seen = Seen { place: Place::Out, frequency: 0, buried: self.buried };
                return;
            }
            if self.turn(way, keys, false) {
                return;
            }
        }
    }

    fn turn(&mut self, way: usize, keys: &mut [Key], forget: bool) -> bool {
        let Some(id) = self.main.pop_front() else { return false };
        let seen = &mut keys[id as usize].seen[way];
        if seen.frequency > 0 {
            seen.frequency = if forget { 0 } else { seen.frequency - 1 };
            self.main.push_back(id);
            return false;
        }
        *seen = Seen::default();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans keys, each of which evicts another once the queues are full, and comes back to
    /// some of them: what each way says at every lookup.
    fn scan(shadows: &mut Shadows, from: u32) -> Vec<[bool; WAYS]> {
        (from..from + 200).flat_map(|key| [key, key.saturating_sub(70)]).map(|key| shadows.access(key)).collect()
    }

    #[test]
    fn evictions_are_counted_beyond_32_bits() {
        let (mut near, mut far) = (Shadows::new(64), Shadows::new(64));
        near.ways.iter_mut().for_each(|way| way.buried = u32::MAX - 50);
        for from in [0, 1_000, 2_000] {
            // The same as far from the end.
            assert!(scan(&mut near, from) == scan(&mut far, from));
        }
        assert!(near.ways.iter().any(|way| (1..1_000).contains(&way.buried)));
        assert!(near.ways.iter().all(|way| way.buried > 0));
    }
}
