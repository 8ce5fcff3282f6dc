//! Shows the spans of one read and of one batch:
//!
//! ```text
//! cargo run -p memory-storage-turso --no-default-features --features local --example spans
//! ```
//!
//! For OpenTelemetry, put its layer in place of the one that prints, with the
//! crates `opentelemetry_sdk` and `tracing-opentelemetry`:
//!
//! ```text
//! let tracer = provider.tracer("memory");
//! tracing_subscriber::registry()
//!     .with(tracing_opentelemetry::layer().with_tracer(tracer))
//!     .with(tracing_subscriber::filter::LevelFilter::DEBUG)
//!     .init();
//! ```
//!
//! The spans are of level `DEBUG` and of the target `memory_storage_turso`.

use memory_core::{Episode, MemoryStorageExt, TaskContext, TaskType};
use memory_storage_turso::{CacheConfig, TursoStorage};
use tracing::Level;
use tracing_subscriber::fmt::format::FmtSpan;

#[tokio::main]
async fn main() -> memory_core::Result<()> {
    // One line as each span closes, with its fields and how long it took.
    tracing_subscriber::fmt().with_max_level(Level::DEBUG).with_span_events(FmtSpan::CLOSE).init();

    let storage = TursoStorage::memory().await?.with_cache(CacheConfig::default())?;
    let episodes: Vec<_> = (0..100)
        .map(|number| Episode::new(format!("Task {number}"), TaskContext::new("web"), TaskType::Debugging))
        .collect();
    storage.store_episodes_batch(&episodes).await?;
    storage.invalidate_all();
    storage.get_episode(episodes[0].id).await?;
    storage.get_episode(episodes[0].id).await?;
    Ok(())
}
