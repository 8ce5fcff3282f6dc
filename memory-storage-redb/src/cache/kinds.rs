//! Settings of the caches in front of a storage, one for each kind of record.

use std::time::Duration;

use memory_core::{Error, Result};

use super::config::AdaptiveCacheConfig;

/// What is cached of a storage, how much of it, and for how long.
///
/// Each `*_ttl` is a hard cap on the age of what is answered, counted from the
/// moment at which the read began. A life starts with half of it, and is
/// extended by no less than an eighth where it is extended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each kind")]
pub struct CacheConfig {
    /// Whether episodes are cached. Default: true.
    pub enable_episode_cache: bool,
    /// Episodes held at most. Default: 10,000.
    pub max_episodes: usize,
    /// Bytes of episodes held at most. Default: 128 MiB.
    pub max_episode_bytes: u64,
    /// The highest age of an episode. Default: 30 minutes.
    pub episode_ttl: Duration,
    /// Whether patterns are cached. Default: true.
    pub enable_pattern_cache: bool,
    /// Patterns held at most. Default: 10,000.
    pub max_patterns: usize,
    /// Bytes of patterns held at most. Default: 32 MiB.
    pub max_pattern_bytes: u64,
    /// The highest age of a pattern. Default: 1 hour.
    pub pattern_ttl: Duration,
    /// Whether heuristics are cached. Default: true.
    pub enable_heuristic_cache: bool,
    /// Heuristics held at most. Default: 10,000.
    pub max_heuristics: usize,
    /// Bytes of heuristics held at most. Default: 16 MiB.
    pub max_heuristic_bytes: u64,
    /// The highest age of a heuristic. Default: 1 hour.
    pub heuristic_ttl: Duration,
    /// Whether results of queries are cached. Default: true.
    pub enable_query_cache: bool,
    /// Maximum number of results. One half is for episodes, one quarter each for
    /// patterns and heuristics; a kind always has room for one. Default: 1,000.
    pub max_queries: usize,
    /// Maximum bytes of results, divided as `max_queries`. Default: 32 MiB.
    pub max_query_bytes: u64,
    /// The highest age of a result. Default: 5 minutes.
    pub query_ttl: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        const MINUTE: u64 = 60;
        Self {
            enable_episode_cache: true,
            max_episodes: 10_000,
            max_episode_bytes: 128 * MIB,
            episode_ttl: Duration::from_secs(30 * MINUTE),
            enable_pattern_cache: true,
            max_patterns: 10_000,
            max_pattern_bytes: 32 * MIB,
            pattern_ttl: Duration::from_secs(60 * MINUTE),
            enable_heuristic_cache: true,
            max_heuristics: 10_000,
            max_heuristic_bytes: 16 * MIB,
            heuristic_ttl: Duration::from_secs(60 * MINUTE),
            enable_query_cache: true,
            max_queries: 1_000,
            max_query_bytes: 32 * MIB,
            query_ttl: Duration::from_secs(5 * MINUTE),
        }
    }
}

impl CacheConfig {
    /// Refuses what no cache can be. What is switched off is not looked at.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`], which names the first field that is wrong.
    pub fn validate(&self) -> Result<()> {
        self.episodes()?;
        self.patterns()?;
        self.heuristics()?;
        self.queries()?;
        Ok(())
    }

    /// The settings of the cache of episodes, if they are cached.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`], which names the field that is wrong.
    pub fn episodes(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_episode_cache: enabled, max_episodes, max_episode_bytes, episode_ttl, .. } = self;
        let names = ["max_episodes", "max_episode_bytes", "episode_ttl"];
        one(names, *enabled, *max_episodes, *max_episode_bytes, *episode_ttl)
    }

    /// The settings of the cache of patterns, if they are cached.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`], which names the field that is wrong.
    pub fn patterns(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_pattern_cache: enabled, max_patterns, max_pattern_bytes, pattern_ttl, .. } = self;
        let names = ["max_patterns", "max_pattern_bytes", "pattern_ttl"];
        one(names, *enabled, *max_patterns, *max_pattern_bytes, *pattern_ttl)
    }

    /// The settings of the cache of heuristics, if they are cached.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`], which names the field that is wrong.
    pub fn heuristics(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_heuristic_cache: enabled, max_heuristics, max_heuristic_bytes, heuristic_ttl, .. } = self;
        let names = ["max_heuristics", "max_heuristic_bytes", "heuristic_ttl"];
        one(names, *enabled, *max_heuristics, *max_heuristic_bytes, *heuristic_ttl)
    }

    /// The settings of the cache of results, if they are cached.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`], which names the field that is wrong.
    pub fn queries(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_query_cache: enabled, max_queries, max_query_bytes, query_ttl, .. } = self;
        let names = ["max_queries", "max_query_bytes", "query_ttl"];
        one(names, *enabled, *max_queries, *max_query_bytes, *query_ttl)
    }
}

/// One cache's settings, where a refusal names the field as it is called here.
fn one(
    names: [&str; 3],
    enabled: bool,
    max_entries: usize,
    max_weight: u64,
    max_age: Duration,
) -> Result<Option<AdaptiveCacheConfig>> {
    if !enabled {
        return Ok(None);
    }
    let config = AdaptiveCacheConfig { max_entries, max_weight, ..AdaptiveCacheConfig::default() }.max_age(max_age);
    match config.validate() {
        Ok(()) => Ok(Some(config)),
        Err(Error::InvalidInput { field, reason, .. }) => {
            let name = match field.as_str() {
                "max_entries" => names[0],
                "max_weight" => names[1],
                _ => names[2],
            };
            Err(Error::invalid_input(name, reason))
        }
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut CacheConfig);

    #[test]
    fn impossible_values_are_refused_under_the_name_they_have_here() {
        let wrong: [(&str, Change); 8] = [
            ("max_episodes", |c| c.max_episodes = 0),
            ("max_episode_bytes", |c| c.max_episode_bytes = 0),
            ("episode_ttl", |c| c.episode_ttl = Duration::ZERO),
            ("max_patterns", |c| c.max_patterns = 0),
            ("pattern_ttl", |c| c.pattern_ttl = Duration::MAX),
            ("heuristic_ttl", |c| c.heuristic_ttl = Duration::from_nanos(1)),
            ("max_query_bytes", |c| c.max_query_bytes = 0),
            ("query_ttl", |c| c.query_ttl = Duration::ZERO),
        ];
        CacheConfig::default().validate().unwrap();
        for (name, change) in wrong {
            let mut config = CacheConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert!(matches!(&error, Error::InvalidInput { field, .. } if field == name), "{name}: {error}");
        }
    }

    #[test]
    fn what_is_switched_off_is_not_looked_at() {
        let config = CacheConfig { enable_query_cache: false, max_queries: 0, ..CacheConfig::default() };
        config.validate().unwrap();
        assert_eq!(config.queries().unwrap(), None);
    }

    #[test]
    fn a_ttl_is_the_cap_of_which_a_life_begins_with_half() {
        let config = CacheConfig { episode_ttl: Duration::from_secs(80), ..CacheConfig::default() };
        let episodes = config.episodes().unwrap().unwrap();
        let seconds = [episodes.max_age, episodes.max_ttl, episodes.ttl, episodes.min_ttl].map(|d| d.as_secs());
        assert_eq!(seconds, [80, 80, 40, 10]);
    }
}
