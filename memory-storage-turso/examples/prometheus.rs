//! Serves the figures of a storage to Prometheus:
//!
//! ```text
//! cargo run -p memory-storage-turso --no-default-features --features local,metrics --example prometheus
//! curl http://127.0.0.1:9184/metrics
//! ```

use std::time::Duration;

use memory_core::{Episode, MemoryStorageExt, TaskContext, TaskType};
use memory_storage_turso::{CacheConfig, TursoStorage};
use metrics_exporter_prometheus::PrometheusBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Before a storage is opened: it registers its figures then.
    PrometheusBuilder::new().with_http_listener(([127, 0, 0, 1], 9184)).install()?;

    let storage = TursoStorage::memory().await?.with_cache(CacheConfig::default())?;
    println!("http://127.0.0.1:9184/metrics");
    loop {
        let episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
        storage.store_episode(&episode).await?;
        for _ in 0..100 {
            storage.get_episode(episode.id).await?;
        }
        storage.query_episodes_by_domain("web").await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
