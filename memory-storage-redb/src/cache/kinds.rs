//! Configuration of the caches in front of a storage.

use std::time::Duration;

use memory_core::{Error, Result};

use super::config::AdaptiveCacheConfig;

/// Configuration of the caches in front of a storage, one for each kind of record and one for
/// results of queries.
///
/// Each `*_ttl` is the maximum age of an answer, counted from the moment at which the read
/// began. An entry's first term is half as long; a renewed term has at least an eighth of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one switch for each kind")]
pub struct CacheConfig {
    /// Enables the cache of episodes. Default: true.
    pub enable_episode_cache: bool,
    /// Maximum number of episodes. Default: 10,000.
    pub max_episodes: usize,
    /// Maximum size of the cached episodes, in bytes. Default: 128 MiB.
    pub max_episode_bytes: u64,
    /// Maximum age of an episode. Default: 30 minutes.
    pub episode_ttl: Duration,
    /// Enables the cache of patterns. Default: true.
    pub enable_pattern_cache: bool,
    /// Maximum number of patterns. Default: 10,000.
    pub max_patterns: usize,
    /// Maximum size of the cached patterns, in bytes. Default: 32 MiB.
    pub max_pattern_bytes: u64,
    /// Maximum age of a pattern. Default: 1 hour.
    pub pattern_ttl: Duration,
    /// Enables the cache of heuristics. Default: true.
    pub enable_heuristic_cache: bool,
    /// Maximum number of heuristics. Default: 10,000.
    pub max_heuristics: usize,
    /// Maximum size of the cached heuristics, in bytes. Default: 16 MiB.
    pub max_heuristic_bytes: u64,
    /// Maximum age of a heuristic. Default: 1 hour.
    pub heuristic_ttl: Duration,
    /// Enables the cache of query results. Default: true.
    pub enable_query_cache: bool,
    /// Maximum number of results. One half is for episodes, one quarter each for
    /// patterns and heuristics; a kind always has room for one. Default: 1,000.
    pub max_queries: usize,
    /// Maximum size of the cached results, in bytes, divided as `max_queries`. Default: 32 MiB.
    pub max_query_bytes: u64,
    /// Maximum age of a result. Default: 5 minutes.
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
    /// Checks that every setting is in its range. The settings of a disabled cache are not
    /// checked.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] with the name of the first invalid field.
    pub fn validate(&self) -> Result<()> {
        self.episodes()?;
        self.patterns()?;
        self.heuristics()?;
        self.queries()?;
        Ok(())
    }

    /// Returns the configuration of the cache of episodes, or `None` if it is disabled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] with the name of the invalid field.
    pub fn episodes(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_episode_cache: enabled, max_episodes, max_episode_bytes, episode_ttl, .. } = self;
        let names = ["max_episodes", "max_episode_bytes", "episode_ttl"];
        one(names, *enabled, *max_episodes, *max_episode_bytes, *episode_ttl)
    }

    /// Returns the configuration of the cache of patterns, or `None` if it is disabled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] with the name of the invalid field.
    pub fn patterns(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_pattern_cache: enabled, max_patterns, max_pattern_bytes, pattern_ttl, .. } = self;
        let names = ["max_patterns", "max_pattern_bytes", "pattern_ttl"];
        one(names, *enabled, *max_patterns, *max_pattern_bytes, *pattern_ttl)
    }

    /// Returns the configuration of the cache of heuristics, or `None` if it is disabled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] with the name of the invalid field.
    pub fn heuristics(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_heuristic_cache: enabled, max_heuristics, max_heuristic_bytes, heuristic_ttl, .. } = self;
        let names = ["max_heuristics", "max_heuristic_bytes", "heuristic_ttl"];
        one(names, *enabled, *max_heuristics, *max_heuristic_bytes, *heuristic_ttl)
    }

    /// Returns the configuration of the cache of results, or `None` if it is disabled.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] with the name of the invalid field.
    pub fn queries(&self) -> Result<Option<AdaptiveCacheConfig>> {
        let Self { enable_query_cache: enabled, max_queries, max_query_bytes, query_ttl, .. } = self;
        let names = ["max_queries", "max_query_bytes", "query_ttl"];
        one(names, *enabled, *max_queries, *max_query_bytes, *query_ttl)
    }
}

/// Returns the configuration of one cache, or an error that names the field as `names` does.
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
    let config =
        AdaptiveCacheConfig { max_entries, max_weight, ..AdaptiveCacheConfig::default() }.with_lifetimes(max_age);
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
    fn invalid_values_are_refused_under_the_names_of_this_struct() {
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
    fn the_settings_of_a_disabled_cache_are_not_checked() {
        let config = CacheConfig { enable_query_cache: false, max_queries: 0, ..CacheConfig::default() };
        config.validate().unwrap();
        assert_eq!(config.queries().unwrap(), None);
    }

    #[test]
    fn a_ttl_is_the_maximum_age_and_the_first_term_is_half_of_it() {
        let config = CacheConfig { episode_ttl: Duration::from_secs(80), ..CacheConfig::default() };
        let episodes = config.episodes().unwrap().unwrap();
        let seconds = [episodes.max_age, episodes.max_ttl, episodes.ttl, episodes.min_ttl].map(|d| d.as_secs());
        assert_eq!(seconds, [80, 80, 40, 10]);
    }
}
