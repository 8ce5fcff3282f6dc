//! Sections `cache` and `cache_ratio`, from settings to rows.
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::fs;

use memory_benches::report::{Row, Unit};
use memory_benches::{CacheSettings, SECTIONS, Scope, Settings, Trace, Trajectories, cache_workloads};

const BOUNDED: [&str; 6] = ["ours", "quick_cache", "moka", "foyer", "mini-moka", "lru"];

/// As small as can be.
fn settings() -> Settings {
    let cache = CacheSettings {
        rounds: 6,
        requests: 50,
        sizes: vec![64],
        written: 64,
        filled: vec![100, 300],
        drawn: 3_000,
        ..CacheSettings::new(Scope::Quick)
    };
    Settings { cache, ..Settings::new(Scope::Quick, 1, Trajectories::generate(1, 1)) }
}

fn run(section: &str, settings: &Settings) -> Vec<Row> {
    let section = SECTIONS.iter().find(|known| known.name == section).unwrap();
    let rows = (section.run)(settings, &()).unwrap();
    assert!(rows.iter().all(|row| row.section == section.name));
    rows
}

fn row<'a>(rows: &'a [Row], operation: &str, system: &str) -> &'a Row {
    rows.iter().find(|row| row.operation == operation && row.system == system).unwrap()
}

#[test]
fn every_case_has_a_least_and_a_median_of_each_system() {
    let rows = run("cache", &settings());
    let hits = ["zipf", "uniform"]
        .iter()
        .flat_map(|distribution| [1, 2].map(|threads| format!("hit/{distribution}/64/{threads}")));
    let writes = ["mix95/zipf/64/1", "mix95/zipf/64/2", "insert/new/64/1", "insert/new/64/2"].map(str::to_owned);
    for operation in hits.chain(writes) {
        let (first, rest) = BOUNDED.split_first().unwrap();
        for system in [first, "ours-uncounted", "moka-expiring"].iter().chain(rest) {
            let row = row(&rows, &operation, system);
            let (median, unit) = row.time().unwrap();
            let least = row.least.unwrap();
            assert!(0.0 < least && least <= median && row.rounds == Some(6), "{row:?}");
            assert_eq!(row.time().unwrap().1, unit);
            assert_eq!(row.speedup.is_some(), *system != "quick_cache", "{row:?}");
        }
        // What has no bound cannot be compared where it would grow.
        let floor = rows.iter().any(|row| row.operation == operation && row.system == "dashmap");
        assert_ne!(floor, operation.starts_with("insert"));
    }
    assert!(rows.iter().all(|row| row.bytes_per_entry.is_none()), "nobody counts memory here");
    assert!(rows.iter().filter_map(Row::time).any(|(_, unit)| unit == Unit::Ns));
}

#[test]
fn memory_is_what_is_counted_for_each_entry_beyond_its_key_and_value() {
    // Says that every cache takes 60 bytes for each entry of the largest.
    fn count(fill: &mut dyn FnMut()) -> usize {
        fill();
        18_000
    }
    let mut settings = settings();
    settings.cache.count_allocated = Some(count);
    let rows = run("cache", &settings);
    for system in ["lru", "quick_cache", "moka-expiring"] {
        let bytes = |operation| row(&rows, operation, system).bytes_per_entry.unwrap();
        let mean = f64::midpoint(bytes("memory/100"), bytes("memory/300"));
        assert!((bytes("memory/mean") - mean).abs() < 0.1, "{system}");
    }
    // An LRU holds exactly as many as it may.
    assert!((row(&rows, "memory/300", "lru").bytes_per_entry.unwrap() - 36.0).abs() < 1e-9);
    assert!((row(&rows, "memory/100", "lru").bytes_per_entry.unwrap() - 156.0).abs() < 1e-9);
}

#[test]
fn workloads_do_as_many_operations_as_asked() {
    for workloads in cache_workloads(&settings().cache, 1) {
        for mut workload in workloads.unwrap() {
            // More than there are different requests.
            assert!(workload.contenders.iter_mut().all(|contender| contender.operate(120).is_ok()));
        }
    }
}

#[test]
fn nothing_hits_more_often_than_the_optimum_and_phases_make_up_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("walk.lis");
    fs::write(&path, "0 40 0 0\n".repeat(20)).unwrap();
    let mut settings = settings();
    settings.cache.traces = vec![Trace::read(&path).unwrap()];
    let rows = run("cache_ratio", &settings);
    let ratio = |operation: &str, system: &str| row(&rows, operation, system).hit_ratio.unwrap();
    let operations: std::collections::BTreeSet<_> = rows.iter().map(|row| row.operation.as_str()).collect();
    for operation in &operations {
        // Phases are parts of what is the optimum of the whole.
        if operation.contains("phase-") {
            continue;
        }
        let capacity: u64 = operation.rsplit('/').next().unwrap().parse().unwrap();
        // quick_cache rounds its shards up.
        for system in BOUNDED.into_iter().filter(|system| *system != "quick_cache") {
            assert!(ratio(operation, system) <= ratio(operation, "optimum"), "{operation} {system}");
            let most_held = row(&rows, operation, system).most_held.unwrap();
            assert!((1..=capacity).contains(&most_held), "{operation} {system} held {most_held}");
        }
    }
    assert!(row(&rows, "zipf-0.8/1000", "moka-unsettled").most_held.unwrap() > 1_000);
    for name in ["zipf-0.8", "zipf-1.1", "scan-over-hot-set", "loop-1100", "shifting", "phases", "agent", "walk"] {
        assert!(operations.iter().any(|operation| operation.starts_with(&format!("{name}/"))), "{name}");
    }
    let mean = (1..=6).map(|phase| ratio(&format!("phases/500/phase-{phase}"), "lru")).sum::<f64>() / 6.0;
    assert!((mean - ratio("phases/500", "lru")).abs() < 1e-3, "{mean}");
    // A loop over 40 blocks, 20 times: recency alone hits nothing, and the best is to keep 20 of them.
    assert!(ratio("walk/20", "lru") < 1e-9 && (ratio("walk/20", "optimum") - 0.475).abs() < 1e-9);
}
