#![doc = include_str!("../README.md")]

mod config;
mod prepared;
mod schema;
mod storage;
mod transport;

pub use config::{BatchConfig, PreparedCacheConfig, Synchronous};
pub use prepared::PreparedCacheStats;
pub use storage::{TursoBuilder, TursoStorage};
