//! Section `phase1`, from settings to rows: what is counted, and never how
//! long it took.
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::time::Duration;

use memory_benches::report::Row;
use memory_benches::{Phase1Settings, SECTIONS, Scope, Section, ServerAddress, Settings, Trajectories};
use memory_core::{Episode, Filter, Pattern, Store};
use memory_lab::{Lab, LabOptions};
use memory_storage_turso::TursoStorage;
use tokio::runtime::Runtime;

const TOKEN: &str = "token-of-the-lab";

fn section() -> &'static Section {
    SECTIONS.iter().find(|section| section.name == "phase1").unwrap()
}

/// One round without delays, however slow the machine is.
fn settings(trajectories: Trajectories) -> Settings {
    let phase1 = Phase1Settings {
        baseline: Duration::ZERO,
        rounds: 1,
        budget: Duration::MAX,
        population: 200,
        ..Phase1Settings::new(Scope::Quick)
    };
    Settings { phase1, rounds: 1, ..Settings::new(Scope::Quick, 1, trajectories) }
}

fn row<'a>(rows: &'a [Row], operation: &str, system: &str) -> &'a Row {
    let found = rows.iter().find(|row| row.operation == operation && row.system == system);
    found.unwrap_or_else(|| panic!("no row {operation} {system}"))
}

fn ours<'a>(rows: &'a [Row], operation: &str) -> &'a Row {
    row(rows, operation, "ours")
}

#[test]
fn what_was_promised_of_requests_is_counted() {
    let mut real = Trajectories::generate(1, 20);
    real.source = "trajectories.json".to_owned();
    let rows = (section().run)(&settings(real), &()).unwrap();
    for row in &rows {
        assert!(row.time().is_some() && row.section == "phase1", "{row:?}");
    }

    let baseline = row(&rows, "baseline_no_cache", "libsql-new-connection");
    assert!(baseline.round_trips_per_op >= Some(3.0) && baseline.connections_per_op >= Some(1.0), "{baseline:?}");
    assert!(baseline.reason.as_ref().unwrap().contains("0 ms"), "{baseline:?}");
    assert_eq!(ours(&rows, "uncached_mix").round_trips_per_op, Some(1.0));
    for system in ["libsql-warm", "libsql-cached-statement", "turso_serverless"] {
        assert!(row(&rows, "uncached_mix", system).round_trips_per_op >= Some(1.0));
    }
    let cached = ours(&rows, "optimized_cache_first");
    assert_eq!((cached.hit_ratio, cached.round_trips_saved), (Some(0.85), Some(0.85)));
    assert_eq!((cached.round_trips_per_op, cached.operations_per_round), (Some(0.15), Some(20)));
    assert_eq!(cached.baseline.as_deref(), Some("libsql-new-connection"));
    assert!(cached.cost_vs_uncached.is_some() && cached.promise.is_some(), "{cached:?}");

    for size in [10.0, 50.0, 100.0] {
        for (operation, kind) in [("", ""), ("", "/real"), ("/retrieve", ""), ("/retrieve", "/real")] {
            let operation = format!("batch_operations/{size}{operation}{kind}");
            let ours = ours(&rows, &operation);
            assert_eq!((ours.round_trips_per_op, ours.connections_per_op), (Some(1.0), Some(0.0)), "{ours:?}");
            let saved = 1.0 - 1.0 / (size * baseline.round_trips_per_op.unwrap());
            assert!((ours.round_trips_saved.unwrap() - saved).abs() < 1e-3, "{ours:?}");
            assert!(ours.promise.is_some() && ours.expected_speedup.is_some(), "{ours:?}");
            assert!(row(&rows, &operation, "turso_serverless").round_trips_per_op >= Some(1.0));
            if !operation.contains("retrieve") {
                let one_by_one = row(&rows, &operation, "libsql-new-connection");
                assert!(one_by_one.round_trips_per_op >= Some(2.0 * size), "{one_by_one:?}");
                assert!(ours.speedup_vs_store.is_some(), "{ours:?}");
                let warm = row(&rows, &operation, "libsql-warm");
                assert!(warm.round_trips_per_op >= Some(size + 2.0), "{warm:?}");
            }
        }
    }

    // Recall, get, commit; the work in between is known.
    let session = ours(&rows, "e2e_optimized");
    assert_eq!((session.round_trips_per_op, session.expected_speedup), (Some(3.0), Some(6.25)));
    assert!(row(&rows, "e2e_baseline", "libsql-new-connection").round_trips_per_op >= Some(12.0 * 2.0));
    assert!(row(&rows, "e2e_by_hand", "turso_serverless").round_trips_per_op >= Some(9.0));

    assert_eq!(ours(&rows, "metadata_query_optimized/network").round_trips_per_op, Some(1.0));
    assert!(ours(&rows, "metadata_query_optimized").promise.is_some());
    for operation in ["prepared_statements", "prepared_statements/by_hand"] {
        assert!(rows.iter().any(|row| row.operation == operation && row.promise.is_some()), "{operation}");
    }
    assert_eq!(ours(&rows, "query_after_write").round_trips_per_op, Some(0.0), "the page is kept");
    assert_eq!(row(&rows, "query_after_write", "ours-dropping-all").round_trips_per_op, Some(1.0));
    for (system, most) in [("CachedStorage::get_cached", 40.0), ("CachedStorage::get", 150.0)] {
        let hit = row(&rows, "hit", system);
        assert!(hit.added_ns_per_op.is_some() && hit.promise.is_some(), "{hit:?}");
        assert_eq!(hit.expected_added_ns_per_op, Some(most));
    }
}

#[test]
fn every_operation_is_one_round_trip_cold_and_none_cached() {
    let rows = (section().run)(&settings(Trajectories::generate(1, 3)), &()).unwrap();
    for read in ["get", "get/absent", "get_batch/100", "query_metadata", "query_page", "count"] {
        let (cold, cached) = (ours(&rows, &format!("{read}/cold")), ours(&rows, &format!("{read}/cached")));
        assert_eq!((cold.round_trips_per_op, cached.round_trips_per_op), (Some(1.0), Some(0.0)), "{read}");
        assert_eq!(cached.bytes_up_per_op, Some(0.0), "{read}");
    }
    for write in ["store", "store_batch/100", "commit", "delete"] {
        assert_eq!(ours(&rows, write).round_trips_per_op, Some(1.0), "{write}");
    }
    assert!(rows.iter().all(|row| !row.operation.contains("/real")), "nobody gave a file");
}

#[test]
fn a_real_server_is_left_as_it_was() {
    let runtime = Runtime::new().unwrap();
    let mut options = LabOptions::default();
    options.token = Some(TOKEN.into());
    let lab = runtime.block_on(Lab::start(options)).unwrap();
    let storage = runtime.block_on(TursoStorage::new(lab.url(), TOKEN)).unwrap();
    let mut settings = settings(Trajectories::generate(1, 3));
    settings.network.server = Some(ServerAddress { url: lab.url(), token: TOKEN.to_owned() });
    (section().check)(&settings).unwrap();
    let mine = settings.trajectories.episodes[0].clone();
    runtime.block_on(storage.put(&[mine])).unwrap();

    let rows = (section().run)(&settings, &()).unwrap();
    assert!(rows.iter().all(|row| row.rtt_ms.is_none() && row.time().is_some()), "{rows:#?}");
    assert_eq!(ours(&rows, "optimized_cache_first").round_trips_per_op, Some(0.15));
    assert_eq!(ours(&rows, "e2e_optimized").round_trips_per_op, Some(3.0));
    let left = runtime.block_on(storage.count(&Filter::<Episode>::all(), None)).unwrap();
    assert_eq!(left.total, 1);
    assert_eq!(runtime.block_on(storage.count(&Filter::<Pattern>::all(), None)).unwrap().total, 0);
    runtime.block_on(lab.stop());
}
