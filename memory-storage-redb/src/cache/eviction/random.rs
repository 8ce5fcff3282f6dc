//! Random numbers for probes.

/// A xorshift generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u32);

impl Random {
    pub(crate) const fn new(seed: u32) -> Self {
        Self(seed | 1)
    }

    /// Returns true with probability `1 / of`. For 0 it always returns false.
    pub(crate) fn one_in(&mut self, of: u32) -> bool {
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
    fn one_call_in_the_given_number_is_true() {
        let mut random = Random::new(7);
        for of in [1_u32, 16, 32] {
            let count = (0..64_000).filter(|_| random.one_in(of)).count();
            assert!(count.abs_diff(64_000 / of as usize) < 400, "{count} of 64,000 at one in {of}");
        }
        assert!(!(0..1_000).any(|_| random.one_in(0)));
    }
}
