//! The adaptive cache, from the outside in: [`adaptive`] and [`insert`] are
//! what callers see, [`shards`], [`shard`] and [`table`] hold the entries, [`evict`],
//! [`reap`] and [`policy`] say who goes, [`duel`], [`shadow`] and [`contest`] choose
//! the policy, [`life`] and [`slot`] keep the time.

mod adaptive;
mod bounds;
mod builder;
mod clock;
mod config;
mod contest;
mod discarded;
mod duel;
mod evict;
mod ghosts;
mod insert;
mod kinds;
mod life;
mod policy;
mod reap;
mod shadow;
mod shard;
mod shards;
mod slot;
mod stats;
mod table;

pub use adaptive::AdaptiveCache;
pub use builder::AdaptiveCacheBuilder;
pub use clock::{Clock, CoarseClock, ManualClock, Moment};
pub use config::AdaptiveCacheConfig;
pub use kinds::CacheConfig;
pub use stats::CacheStats;
