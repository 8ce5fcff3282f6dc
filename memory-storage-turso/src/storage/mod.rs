//! The storage: what the traits ask for, as statements.

mod batch;
mod builder;
mod cached;
mod episodes;
mod heuristics;
mod patterns;
mod query;
mod read;
mod table;
mod turn;
mod turso;

pub use builder::TursoBuilder;
pub use cached::CachedTursoStorage;
pub use turso::TursoStorage;
