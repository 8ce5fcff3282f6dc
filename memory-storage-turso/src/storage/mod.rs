//! The storage: what the traits ask for, as statements.

mod batch;
mod builder;
mod episodes;
mod heuristics;
mod patterns;
mod query;
mod read;
pub(crate) mod table;
mod turn;
mod turso;

pub use builder::TursoBuilder;
pub use turso::TursoStorage;
