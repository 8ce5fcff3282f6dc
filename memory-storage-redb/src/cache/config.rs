//! Configuration of an adaptive cache.

use std::time::Duration;

use memory_core::{Error, Result};

/// Maximum lifetime. Deadlines are 32 bits of milliseconds since a shard's base, of which
/// half is reserved for the age of the base.
const LONGEST: Duration = Duration::from_secs(24 * 24 * 60 * 60);
/// Maximum of the thresholds: reads are counted in six bits.
const MOST_READS: u32 = 63;

/// Configuration of an [`AdaptiveCache`](crate::AdaptiveCache).
///
/// The crate's front page documents how lifetimes and thresholds are used, and what each
/// setting costs.
#[derive(Clone, Debug, PartialEq)]
pub struct AdaptiveCacheConfig {
    /// Maximum number of entries. Default: 10,000.
    pub max_entries: usize,
    /// Maximum total weight, in the weigher's unit (usually bytes). A value above 2^56 (64 PiB)
    /// counts as 2^56. Default: 64 MiB.
    pub max_weight: u64,
    /// Length of an entry's first term. Default: 150 s.
    pub ttl: Duration,
    /// Minimum length of a term. Default: 37.5 s.
    pub min_ttl: Duration,
    /// Maximum length of a term. Default: 300 s.
    pub max_ttl: Duration,
    /// Maximum age of an entry, counted from the moment at which the value was read from its
    /// source. Reads do not extend it. At most 24 days. Default: 300 s.
    pub max_age: Duration,
    /// Number of reads in a term from which the next term is twice as long, 1 to 63. Default: 4.
    pub hot_threshold: u32,
    /// Number of reads in a term up to which the next term is half as long; below
    /// `hot_threshold`. Default: 1.
    pub cold_threshold: u32,
    /// Fraction of a term's reads that is carried over into the next term, at least 0 and below 1.
    /// Default: 0.5.
    pub decay: f64,
    /// Maximum deviation of a term from its length, as a fraction of it, 0 to 0.5. The deviation
    /// depends on the key's hash, so that entries inserted together do not expire together.
    /// Default: 0.1.
    pub jitter: f64,
    /// Enables the selection of the eviction policy by the workload. Default: true.
    pub adapt: bool,
    /// Enables counts of hits, misses and other events. Default: true.
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
    /// Returns the default configuration with this maximum number of entries.
    pub fn with_max_entries(max_entries: usize) -> Self {
        Self { max_entries, ..Self::default() }
    }

    /// Sets all lifetimes in proportion to a maximum age: `max_age` and `max_ttl` to the whole,
    /// `ttl` to a half, and `min_ttl` to an eighth of it.
    pub fn with_lifetimes(self, max_age: Duration) -> Self {
        let Self { ttl, min_ttl, max_ttl, max_age, .. } = Self::lifetimes(max_age);
        Self { ttl, min_ttl, max_ttl, max_age, ..self }
    }

    fn lifetimes(max_age: Duration) -> Self {
        // A term has at least 1 ms, however small the maximum age is.
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

    /// Checks that every setting is in its range.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] with the name of the first invalid field.
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
        // The comparison also refuses NaN.
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
    fn invalid_values_are_refused_by_name() {
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
    fn lifetimes_in_proportion_are_valid_for_any_maximum_age() {
        for millis in [1, 2, 7, 1_000, 24 * 24 * 3_600_000] {
            let cap = Duration::from_millis(millis);
            let config = AdaptiveCacheConfig::default().with_lifetimes(cap);
            config.validate().unwrap();
            assert_eq!((config.max_age, config.max_ttl, config.max_entries), (cap, cap, 10_000));
        }
        let config = AdaptiveCacheConfig::default().with_lifetimes(Duration::from_secs(80));
        assert_eq!((config.ttl, config.min_ttl), (Duration::from_secs(40), Duration::from_secs(10)));
    }
}
