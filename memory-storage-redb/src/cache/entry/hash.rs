//! The parts of a key's hash.

/// Returns the 32 bits of a hash that identify an entry within its shard. The upper bits
/// select the shard.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
pub(crate) const fn short(hash: u64) -> u32 {
    hash as u32
}

/// Spreads a short hash over the 64 bits that `hashbrown` expects. `hashbrown` uses the
/// highest seven bits and the lowest bits, so the rotation moves seven bits to the top.
pub(crate) const fn wide(short: u32) -> u64 {
    (short as u64).rotate_right(7)
}
