//! The ways of evicting, of which the cache chooses.

/// How newcomers are tried and what is kept.
///
/// A newcomer enters a small queue; from its end, what was read there goes on
/// to the main queue, and the rest leaves, remembered for a while as a ghost. A
/// ghost that comes back goes to the main queue at once. The main queue is a
/// clock: what was read since the hand last came by gets another round. All
/// ways share these queues, so that changing from one to another costs nothing
/// but the time in which the entries rearrange.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    /// The small queue's part of the entries.
    pub(crate) small: f64,
    /// The reads in the small queue from which on an entry is promoted.
    pub(crate) promote: u32,
    /// One miss in so many looks at the clock's hand: an entry there that was
    /// not read makes way for the newcomer, one that was is counted down. So a
    /// main queue that nothing asks for any more is replaced, and one in use is
    /// not. 0 for never.
    pub(crate) probe: u32,
    /// Whether a probe forgets all reads of an entry, in place of one. A main
    /// queue that nothing asks for any more then goes in two rounds of the hand
    /// and not in four; how popular an entry was it no longer says.
    pub(crate) forget: bool,
    /// How many entries at the hand a returning ghost may look at, to replace
    /// the first that was not read; 0 if it takes a place without looking.
    pub(crate) ghost_probes: u32,
    /// Whether every newcomer goes straight to the main queue, which makes it
    /// a clock over all entries, close to pure recency.
    pub(crate) straight: bool,
}

/// The ghosts remembered, as a part of the entries.
pub(crate) const GHOSTS: f64 = 0.9;

/// How many ways there are.
pub(crate) const WAYS: usize = 7;

/// The ways, the first of which a cache starts with.
pub(crate) const POLICIES: [Policy; WAYS] = [
    // Scans: what is popular keeps its place, ghosts must find a better one.
    Policy { small: 0.01, promote: 1, probe: 16, forget: false, ghost_probes: 2, straight: false },
    // Loops: nearly nothing moves, so that a part of the loop stays whole.
    Policy { small: 0.01, promote: 2, probe: 32, forget: false, ghost_probes: 1, straight: false },
    // Between popularity and recency, as S3-FIFO is by default.
    Policy { small: 0.05, promote: 1, probe: 0, forget: false, ghost_probes: 0, straight: false },
    // Newcomers that are soon asked for again, if at all.
    Policy { small: 0.25, promote: 2, probe: 0, forget: false, ghost_probes: 0, straight: false },
    // Recency alone.
    Policy { small: 0.0, promote: 1, probe: 0, forget: false, ghost_probes: 0, straight: true },
    // Loops that have only begun: of those up to some five times as long as the
    // cache a part stays whole, and a few capacities after a change it is there.
    Policy { small: 0.01, promote: 2, probe: 4, forget: true, ghost_probes: 1, straight: false },
    // Popularity of which ghosts say more than the clock, as where little fits.
    Policy { small: 0.03, promote: 2, probe: 16, forget: false, ghost_probes: 0, straight: false },
];

impl Policy {
    /// The length from which on the small queue gives way, of so many entries.
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

/// The ghosts for so many entries.
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

/// Random numbers, as good as a coin's (xorshift).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coin(u32);

impl Coin {
    pub(crate) const fn new(seed: u32) -> Self {
        Self(seed | 1)
    }

    /// True once in `of` times, at random; never for 0.
    pub(crate) fn once_in(&mut self, of: u32) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        of > 0 && u64::from(self.0) * u64::from(of) < 1 << 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coin_falls_once_in_as_many_times_as_asked() {
        let mut coin = Coin::new(7);
        for of in [1_u32, 16, 32] {
            let count = (0..64_000).filter(|_| coin.once_in(of)).count();
            assert!(count.abs_diff(64_000 / of as usize) < 400, "{count} of 64,000 at once in {of}");
        }
        assert!(!(0..1_000).any(|_| coin.once_in(0)));
    }
}
