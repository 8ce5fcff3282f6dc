#![doc = include_str!("../README.md")]

mod config;
#[cfg(feature = "lab")]
pub mod lab;
mod prepared;
mod schema;
mod storage;
mod transport;

pub use config::{BatchConfig, PreparedCacheConfig, Synchronous};
pub use prepared::PreparedCacheStats;
pub use storage::{TursoBuilder, TursoStorage};
#[cfg(feature = "remote")]
pub use transport::remote::NetworkStats;
