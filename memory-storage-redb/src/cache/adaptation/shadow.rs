//! Shadows: simulated caches that hold keys and no values.

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::cache::entry::{MAX_FREQUENCY, wide};
use crate::cache::eviction::{POLICIES, POLICY_COUNT, Policy, Random, ghosts};

/// The queue of a shadow that holds a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    Small,
    Main,
}

/// The state of a key in one shadow.
#[derive(Clone, Copy, Default)]
struct KeyState {
    /// `None` if the shadow does not hold the key.
    queue: Option<Queue>,
    frequency: u8,
    /// Sequence number of the key's last eviction from the small queue; 0 if there was none
    /// since the key was last inserted.
    evicted: u32,
}

/// A key and its state in all shadows.
struct Key {
    hash: u32,
    states: [KeyState; POLICY_COUNT],
}

/// The queues of one shadow. They hold indexes of keys.
#[derive(Default)]
struct ShadowQueues {
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    /// Sequence number of the last eviction from the small queue. The number after the
    /// highest is 1: a key that was evicted 2^32 evictions ago may count as a ghost, which
    /// promotes one entry wrongly.
    evictions: u32,
}

/// One shadow for each policy, over a common set of keys.
pub(super) struct Shadows {
    /// Capacity of each shadow, in keys.
    capacity: usize,
    keys: Vec<Key>,
    /// Indexes of unused elements of `keys`.
    free: Vec<u32>,
    index: HashTable<u32>,
    queues: [ShadowQueues; POLICY_COUNT],
    random: Random,
    /// Number of keys at which keys that no shadow knows are removed.
    full_at: usize,
}

impl Shadows {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            keys: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            queues: std::array::from_fn(|_| ShadowQueues::default()),
            random: Random::new(0x5EED),
            full_at: 3 * capacity + 64,
        }
    }

    /// Sets the capacity of each shadow.
    pub(super) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity;
    }

    /// Looks a key up in every shadow, inserts it where it is missing, and returns which
    /// shadows held it.
    pub(super) fn access(&mut self, hash: u32) -> [bool; POLICY_COUNT] {
        let id = self.id(hash);
        std::array::from_fn(|shadow| self.access_in(shadow, id))
    }

    /// Returns the index of a key in `keys`, and adds the key if needed.
    fn id(&mut self, hash: u32) -> u32 {
        let Self { index, keys, .. } = self;
        if let Some(id) = index.find(wide(hash), |id| keys[*id as usize].hash == hash) {
            return *id;
        }
        if self.index.len() >= self.full_at {
            self.sweep();
        }
        let Self { index, keys, free, .. } = self;
        let key = Key { hash, states: [KeyState::default(); POLICY_COUNT] };
        let id = if let Some(id) = free.pop() {
            keys[id as usize] = key;
            id
        } else {
            if keys.len() == keys.capacity() {
                // Growth by a quarter: twice the memory is rarely needed.
                keys.reserve_exact(keys.len() / 4 + 64);
            }
            keys.push(key);
            u32::try_from(keys.len() - 1).unwrap_or(u32::MAX)
        };
        index.insert_unique(wide(hash), id, |id| wide(keys[*id as usize].hash));
        id
    }

    /// Removes the keys that no shadow holds or remembers as a ghost.
    fn sweep(&mut self) {
        let Self { index, keys, free, queues, capacity, .. } = self;
        index.retain(|id| {
            let mut states = keys[*id as usize].states.iter().zip(queues.iter());
            let known = states.any(|(state, queues)| state.queue.is_some() || is_ghost(*state, queues, *capacity));
            if !known {
                free.push(*id);
            }
            known
        });
        self.full_at = (self.index.len() * 3 / 2).max(3 * self.capacity + 64);
    }

    fn access_in(&mut self, shadow: usize, id: u32) -> bool {
        let Self { capacity, keys, queues, random, .. } = self;
        let (capacity, queues, policy) = (*capacity, &mut queues[shadow], &POLICIES[shadow]);
        let state = &mut keys[id as usize].states[shadow];
        if state.queue.is_some() {
            state.frequency += u8::from(u32::from(state.frequency) < MAX_FREQUENCY);
            return true;
        }
        let ghost = is_ghost(*state, queues, capacity);
        state.evicted = 0;
        let mut to_main = false;
        if queues.len() >= capacity {
            let probes = match (ghost, policy.ghost_probes) {
                (true, 0) => 0,
                (true, probes) => probes,
                (false, _) => u32::from(random.one_in(policy.probe)),
            };
            to_main = (ghost && policy.ghost_probes == 0)
                || (0..probes).any(|_| queues.advance_hand(shadow, keys, policy.forget))
                || policy.straight;
        } else {
            to_main |= ghost || policy.straight || queues.small.len() >= policy.small_target(queues.len() + 1);
        }
        while queues.len() >= capacity {
            queues.evict(shadow, policy, keys);
        }
        let (queue, ids) = if to_main { (Queue::Main, &mut queues.main) } else { (Queue::Small, &mut queues.small) };
        keys[id as usize].states[shadow] = KeyState { queue: Some(queue), frequency: 0, evicted: 0 };
        ids.push_back(id);
        false
    }
}

/// Returns whether the shadow's ghost list, which is implied by the sequence numbers of
/// evictions, contains a key.
fn is_ghost(state: KeyState, queues: &ShadowQueues, capacity: usize) -> bool {
    // The sequence numbers skip 0 after the highest.
    let since = queues.evictions.wrapping_sub(state.evicted) - u32::from(state.evicted > queues.evictions);
    state.evicted > 0 && since as usize <= ghosts(capacity)
}

impl ShadowQueues {
    fn len(&self) -> usize {
        self.small.len() + self.main.len()
    }

    /// Evicts one key, as [`Evictor::evict`](crate::cache::eviction::Evictor::evict) evicts an
    /// entry.
    fn evict(&mut self, shadow: usize, policy: &Policy, keys: &mut [Key]) {
        loop {
            if self.main.is_empty() || self.small.len() >= policy.small_target(self.len()) {
                let Some(id) = self.small.pop_front() else { return };
                let state = &mut keys[id as usize].states[shadow];
                if u32::from(state.frequency) >= policy.promote {
                    *state = KeyState { queue: Some(Queue::Main), frequency: 0, evicted: 0 };
                    self.main.push_back(id);
                    continue;
                }
                self.evictions = self.evictions.checked_add(1).unwrap_or(1);
                *state = KeyState { queue: None, frequency: 0, evicted: self.evictions };
                return;
            }
            if self.advance_hand(shadow, keys, false) {
                return;
            }
        }
    }

    /// Advances the clock's hand by one key and returns whether that key was evicted.
    fn advance_hand(&mut self, shadow: usize, keys: &mut [Key], forget: bool) -> bool {
        let Some(id) = self.main.pop_front() else { return false };
        let state = &mut keys[id as usize].states[shadow];
        if state.frequency > 0 {
            state.frequency = if forget { 0 } else { state.frequency - 1 };
            self.main.push_back(id);
            return false;
        }
        *state = KeyState::default();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks up 200 new keys, and between them some of the earlier ones. Returns the result
    /// of every lookup.
    fn scan(shadows: &mut Shadows, from: u32) -> Vec<[bool; POLICY_COUNT]> {
        (from..from + 200).flat_map(|key| [key, key.saturating_sub(70)]).map(|key| shadows.access(key)).collect()
    }

    #[test]
    fn evictions_are_counted_beyond_32_bits() {
        let (mut near, mut far) = (Shadows::new(64), Shadows::new(64));
        near.queues.iter_mut().for_each(|queues| queues.evictions = u32::MAX - 50);
        for from in [0, 1_000, 2_000] {
            // The results are those of a shadow whose count is far from the end.
            assert!(scan(&mut near, from) == scan(&mut far, from));
        }
        assert!(near.queues.iter().any(|queues| (1..1_000).contains(&queues.evictions)));
        assert!(near.queues.iter().all(|queues| queues.evictions > 0));
    }
}
