//! Eviction policies.

/// The parameters of eviction.
///
/// A new entry is inserted into the small queue. When it reaches the end of that queue, it
/// moves to the main queue if it was read, and is evicted otherwise; the ghost list then
/// remembers its hash. If a key in the ghost list is inserted again, its entry is inserted
/// into the main queue. The main queue is a clock: an entry that was read since the hand
/// last passed it stays for another round.
///
/// All policies use the same queues, so a change of policy moves no entries at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// Fraction of the entries that the small queue holds.
    pub(crate) small: f64,
    /// Number of reads in the small queue from which an entry is promoted.
    pub(crate) promote: u32,
    /// Average number of misses for each probe of the clock's hand; 0 for no probes. If the
    /// probed entry was not read, it is evicted and the new entry takes its place in the
    /// main queue. Otherwise its frequency is decremented. A main queue that is no longer
    /// read is therefore replaced, and one that is read is not.
    pub(crate) probe: u32,
    /// Makes a probe reset an entry's frequency to 0 instead of decrementing it. A main queue that
    /// is no longer read is then replaced in two rounds of the hand instead of four, but the
    /// frequencies no longer tell which entry is the most popular.
    pub(crate) forget: bool,
    /// Number of entries at the hand that are probed for a key in the ghost list. The first
    /// entry that was not read is evicted. If 0, the new entry is inserted into the main
    /// queue without a probe.
    pub(crate) ghost_probes: u32,
    /// Inserts every new entry into the main queue. Eviction is then a clock over all entries, close
    /// to least recently used.
    pub(crate) straight: bool,
}

/// Length of the ghost list, as a fraction of the entries.
const GHOSTS: f64 = 0.9;

/// Number of policies.
pub(crate) const POLICY_COUNT: usize = 7;

/// The policies. A cache starts with the first one.
pub(crate) const POLICIES: [Policy; POLICY_COUNT] = [
    // Scans: popular entries stay, and a ghost must replace an unread entry.
    Policy { small: 0.01, promote: 1, probe: 16, forget: false, ghost_probes: 2, straight: false },
    // Loops larger than the cache: few entries move, so a part of the loop stays cached.
    Policy { small: 0.01, promote: 2, probe: 32, forget: false, ghost_probes: 1, straight: false },
    // Between frequency and recency: close to the default parameters of S3-FIFO.
    Policy { small: 0.05, promote: 1, probe: 0, forget: false, ghost_probes: 0, straight: false },
    // New entries that are read again soon or never.
    Policy { small: 0.25, promote: 2, probe: 0, forget: false, ghost_probes: 0, straight: false },
    // Recency alone.
    Policy { small: 0.0, promote: 1, probe: 0, forget: false, ghost_probes: 0, straight: true },
    // Loops that have just begun: a part of a loop of up to about five capacities is cached
    // a few capacities of lookups after the workload changes.
    Policy { small: 0.01, promote: 2, probe: 4, forget: true, ghost_probes: 1, straight: false },
    // Frequency in small caches, where the ghost list predicts reads better than the clock.
    Policy { small: 0.03, promote: 2, probe: 16, forget: false, ghost_probes: 0, straight: false },
];

impl Policy {
    /// Returns the length of the small queue, in a shard of `entries`, from which its entries
    /// are evicted before those of the main queue.
    pub(crate) fn small_target(&self, entries: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a part of a count, for which an f64 is exact enough"
        )]
        let target = (self.small * entries as f64) as usize;
        target.max(1)
    }
}

/// Returns the length of the ghost list for a shard of `entries`.
pub(crate) fn ghosts(entries: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of a count, for which an f64 is exact enough"
    )]
    let ghosts = (GHOSTS * entries as f64) as usize;
    ghosts
}
