//! `cargo bench -p memory-benches --bench cache`: the workloads of section
//! `cache`, each system by itself, with criterion's statistics. `cargo xtask
//! bench --only cache` measures them in interleaved rounds.

use std::time::Duration;

use anyhow::Result;
use criterion::Criterion;
use memory_benches::{CacheSettings, Scope, cache_workloads};

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    for workloads in cache_workloads(&CacheSettings::new(Scope::Quick), 1) {
        for workload in workloads? {
            let mut group = criterion.benchmark_group(&workload.operation);
            group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
            for mut contender in workload.contenders {
                group.bench_function(contender.system, |bencher| {
                    // No contender of a cache fails; one that did would be seen as infinitely slow.
                    bencher.iter_custom(|operations| {
                        contender.operate(operations).map_or(Duration::MAX, |sample| sample.elapsed)
                    });
                });
            }
            group.finish();
        }
    }
    criterion.final_summary();
    Ok(())
}
