//! Settings of one cache.

use std::time::Duration;

use memory_core::{Error, Result};

/// The longest life: deadlines are 32 bits of milliseconds, and half of that
/// is left for the time since they were counted from.
const LONGEST: Duration = Duration::from_secs(24 * 24 * 60 * 60);
/// Reads are counted in six bits.
const MOST_READS: u32 = 63;

/// How much an [`AdaptiveCache`](crate::AdaptiveCache) holds, and for how long.
///
/// The formula that the lifetimes and thresholds enter is in the crate's front
/// page, as is what each setting costs.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveCacheConfig {
    /// Entries held at most. Default: 10,000.
    pub max_entries: usize,
    /// Weight held at most: the sum over the entries of what the weigher says,
    /// in bytes if it says bytes. A bound above 2^56 (64 PiB) counts as 2^56.
    /// Default: 64 MiB.
    pub max_weight: u64,
    /// The first term of a life. Default: 150 s.
    pub ttl: Duration,
    /// The shortest term. Default: 37.5 s.
    pub min_ttl: Duration,
    /// The longest term. Default: 300 s.
    pub max_ttl: Duration,
    /// The hard cap on an age, counted from when the value was read from where
    /// it comes from; no access extends it. At most 24 days. Default: 300 s.
    pub max_age: Duration,
    /// Reads within a term from which on the next is twice as long, 1 to 63.
    /// Default: 4.
    pub hot_threshold: u32,
    /// Reads within a term up to which the next is half as long; below
    /// `hot_threshold`. Default: 1.
    pub cold_threshold: u32,
    /// The part of a term's reads that counts in the next, from 0 to below 1.
    /// Default: 0.5.
    pub decay: f64,
    /// How far a term may be from its length, as a part of it, 0 to 0.5: by
    /// the key's hash, so that entries stored together do not all end
    /// together. Default: 0.1.
    pub jitter: f64,
    /// Whether the cache changes its eviction by what it sees. Default: true.
    pub adapt: bool,
    /// Whether hits, misses and the like are counted. Default: true.
    pub statistics: bool,
}

impl Default for AdaptiveCacheConfig {
    fn default() -> Self {
        Self {
            max_entries: 10_000,
            max_weight: 64 << 20,
            hot_threshold: 4,
            cold_threshold: 1,
            decay: 0.5,
            jitter: 0.1,
            adapt: true,
            statistics: true,
            ..Self::lifetimes(Duration::from_secs(300))
        }
    }
}

impl AdaptiveCacheConfig {
    /// The defaults, with at most so many entries.
    pub fn with_max_entries(max_entries: usize) -> Self {
        Self { max_entries, ..Self::default() }
    }

    /// These settings with every lifetime in its usual proportion to the hard
    /// cap: the first term a half of it, the shortest an eighth, the longest
    /// the whole.
    pub fn max_age(self, max_age: Duration) -> Self {
        let Self { ttl, min_ttl, max_ttl, max_age, .. } = Self::lifetimes(max_age);
        Self { ttl, min_ttl, max_ttl, max_age, ..self }
    }

    fn lifetimes(max_age: Duration) -> Self {
        // A term is at least a millisecond, however small the cap.
        let part = |divisor| (max_age / divisor).max(Duration::from_millis(1)).min(max_age);
        Self {
            max_entries: 0,
            max_weight: 0,
            ttl: part(2),
            min_ttl: part(8),
            max_ttl: max_age,
            max_age,
            hot_threshold: 0,
            cold_threshold: 0,
            decay: 0.0,
            jitter: 0.0,
            adapt: false,
            statistics: false,
        }
    }

    /// Refuses what no cache can be.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`], which names the first field that is wrong.
    pub fn validate(&self) -> Result<()> {
        let refuse = |field: &str, reason: String| Err(Error::invalid_input(field, reason));
        if self.max_entries == 0 {
            return refuse("max_entries", "a cache of 0 entries holds nothing; use at least 1".to_owned());
        }
        if self.max_weight == 0 {
            return refuse("max_weight", "a cache of weight 0 holds nothing; use at least 1".to_owned());
        }
        let lives =
            [("min_ttl", self.min_ttl), ("ttl", self.ttl), ("max_ttl", self.max_ttl), ("max_age", self.max_age)];
        for (field, life) in lives {
            if life < Duration::from_millis(1) {
                return refuse(field, format!("{life:?} is below a millisecond, the least a life is counted in"));
            }
            if life > LONGEST {
                return refuse(field, format!("{life:?} is over {LONGEST:?}, the longest life"));
            }
        }
        for pair in lives.windows(2) {
            let [(field, life), (above, limit)] = [pair[0], pair[1]];
            if life > limit {
                return refuse(field, format!("{life:?} is over `{above}`, {limit:?}"));
            }
        }
        if !(1..=MOST_READS).contains(&self.hot_threshold) {
            return refuse("hot_threshold", format!("{} is not from 1 to {MOST_READS}", self.hot_threshold));
        }
        if self.cold_threshold >= self.hot_threshold {
            let reason = format!("{} is not below `hot_threshold`, {}", self.cold_threshold, self.hot_threshold);
            return refuse("cold_threshold", reason);
        }
        // Written so that NaN is refused too.
        if !(0.0..1.0).contains(&self.decay) {
            return refuse("decay", format!("{} is not from 0 to below 1", self.decay));
        }
        if !(0.0..=0.5).contains(&self.jitter) {
            return refuse("jitter", format!("{} is not from 0 to 0.5", self.jitter));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut AdaptiveCacheConfig);

    #[test]
    fn impossible_values_are_refused_by_name() {
        let wrong: [(&str, Change); 13] = [
            ("max_entries", |c| c.max_entries = 0),
            ("max_weight", |c| c.max_weight = 0),
            ("min_ttl", |c| c.min_ttl = Duration::ZERO),
            ("min_ttl", |c| c.min_ttl = c.ttl * 2),
            ("ttl", |c| c.ttl = c.max_ttl * 2),
            ("max_ttl", |c| c.max_ttl = c.max_age * 2),
            ("max_age", |c| c.max_age = Duration::MAX),
            ("hot_threshold", |c| c.hot_threshold = 0),
            ("hot_threshold", |c| c.hot_threshold = 64),
            ("cold_threshold", |c| c.cold_threshold = c.hot_threshold),
            ("decay", |c| c.decay = f64::NAN),
            ("decay", |c| c.decay = 1.0),
            ("jitter", |c| c.jitter = f64::INFINITY),
        ];
        for (name, change) in wrong {
            let mut config = AdaptiveCacheConfig::default();
            config.validate().unwrap();
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert!(matches!(&error, Error::InvalidInput { field, .. } if field == name), "{name}: {error}");
        }
    }

    #[test]
    fn the_usual_proportions_are_valid_for_any_cap() {
        for millis in [1, 2, 7, 1_000, 24 * 24 * 3_600_000] {
            let cap = Duration::from_millis(millis);
            let config = AdaptiveCacheConfig::default().max_age(cap);
            config.validate().unwrap();
            assert_eq!((config.max_age, config.max_ttl, config.max_entries), (cap, cap, 10_000));
        }
        let config = AdaptiveCacheConfig::default().max_age(Duration::from_secs(80));
        assert_eq!((config.ttl, config.min_ttl), (Duration::from_secs(40), Duration::from_secs(10)));
    }
}
