//! The queues of one shard.

use std::collections::VecDeque;
use std::hash::Hash;

use super::ghosts::GhostList;
use super::policy;
use super::random::Random;
use crate::cache::entry::{EntryTable, Occupied};

/// Number of dangling nodes, in addition to an eighth of the entries, above which the
/// queues are compacted.
const DANGLING: usize = 32;

/// The small queue, the main queue and the ghost list.
///
/// A node of a queue is the 32-bit hash of its entry. A node dangles if its entry was
/// removed or has moved to the other queue; dangling nodes are skipped. Invariant: every
/// entry has at least one node in its own queue.
pub(crate) struct Queues {
    pub(super) small: VecDeque<u32>,
    pub(super) main: VecDeque<u32>,
    pub(super) ghosts: GhostList,
    pub(crate) random: Random,
    dangling: usize,
}

impl Queues {
    /// Creates empty queues.
    pub(crate) fn new(seed: u32) -> Self {
        Self {
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: GhostList::default(),
            random: Random::new(seed),
            dangling: 0,
        }
    }

    /// Removes all nodes and ghosts, and frees their memory.
    pub(crate) fn clear(&mut self) {
        (self.small, self.main) = (VecDeque::new(), VecDeque::new());
        self.ghosts = GhostList::default();
        self.dangling = 0;
    }

    /// Appends the node of a new entry.
    pub(crate) fn push(&mut self, hash: u32, in_main: bool) {
        if in_main {
            self.main.push_back(hash);
        } else {
            self.small.push_back(hash);
        }
    }

    /// Records that an entry was removed and its node was not.
    pub(crate) fn left_dangling<K: Eq + Hash, V>(&mut self, table: &mut EntryTable<K, V>) {
        self.dangling += 1;
        if self.dangling > DANGLING + table.len() / 8 {
            self.compact(table);
        }
    }

    /// Records that a dangling node was removed.
    pub(super) fn skipped(&mut self) {
        self.dangling = self.dangling.saturating_sub(1);
    }

    /// Inserts the hash of an evicted entry, of a shard of `entries`, into the ghost list.
    pub(super) fn insert_ghost(&mut self, hash: u32, entries: usize) {
        let wanted = policy::ghosts(entries);
        // A list of another size starts empty. Sizes change while a shard fills, and rarely
        // afterwards.
        if self.ghosts.capacity() * 2 < wanted || self.ghosts.capacity() > wanted * 4 {
            self.ghosts = GhostList::new(wanted);
        }
        self.ghosts.insert(hash);
    }

    /// Removes all nodes except the latest node of each entry.
    pub(crate) fn compact<K: Eq + Hash, V>(&mut self, table: &mut EntryTable<K, V>) {
        let Self { small, main, .. } = self;
        table.slots_mut().for_each(|slot| slot.mark(false));
        for (queue, in_main) in [(small, false), (main, true)] {
            let nodes = queue.iter().rev().copied().filter(|hash| {
                let entry = table.entry_of(*hash, |slot| !slot.is_marked() && slot.in_main() == in_main);
                entry.map(|mut entry| entry.slot_mut().mark(true)).is_some()
            });
            let mut nodes: Vec<_> = nodes.collect();
            nodes.reverse();
            *queue = nodes.into();
        }
        self.dangling = 0;
    }
}

/// Returns the entry of a node, or `None` if the node dangles.
pub(super) fn entry_of_node<K: Hash, V>(
    table: &mut EntryTable<K, V>,
    hash: u32,
    in_main: bool,
) -> Option<Occupied<'_, K, V>> {
    table.entry_of(hash, |slot| slot.in_main() == in_main)
}
