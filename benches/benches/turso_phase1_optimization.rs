//! The operations of section `phase1` of `cargo xtask bench`, one by one, by
//! criterion: the same contenders on the same server, in six groups.
//!
//! ```sh
//! cargo bench --bench turso_phase1_optimization
//! cargo bench --bench turso_phase1_optimization -- optimized_cache_first
//! ```

use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use memory_benches::{Contender, Scope, Settings, Trajectories, phase1_contenders};

const GROUPS: [&str; 6] = [
    "baseline_no_cache",
    "optimized_cache_first",
    "batch_operations",
    "metadata_query_optimized",
    "e2e_baseline",
    "e2e_optimized",
];

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let settings = Settings::new(Scope::Default, 1, Trajectories::generate(1, 1));
    phase1_contenders(&settings, |operation, contender| {
        if let Some(group) = GROUPS.iter().find(|group| operation.split('/').next() == Some(group)) {
            bench(&mut criterion, group, operation, contender);
        }
    })?;
    criterion.final_summary();
    Ok(())
}

fn bench(criterion: &mut Criterion, group: &str, operation: &str, contender: &mut Contender) {
    let name = operation.trim_start_matches(group).trim_start_matches('/');
    let name = if name.is_empty() { contender.system.to_owned() } else { format!("{name}/{}", contender.system) };
    let mut group = criterion.benchmark_group(group);
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|operations| match contender.operate(operations) {
            Ok(sample) => sample.elapsed,
            Err(error) => panic!("{operation} {}: {error:#}", contender.system),
        });
    });
    group.finish();
}
