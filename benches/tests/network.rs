//! Section `network`, from settings to rows.
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::time::Duration;

use memory_benches::report::Row;
use memory_benches::{
    InputError, NetworkSettings, Report, SECTIONS, Scope, Section, ServerAddress, Settings, Trajectories,
};
use memory_core::{Episode, Filter, Pattern, Store};
use memory_lab::{Lab, LabOptions};
use memory_storage_turso::TursoStorage;
use tokio::runtime::Runtime;

const OPERATIONS: [&str; 11] = [
    "get",
    "get_batch/100",
    "get_concurrent/8",
    "query_metadata",
    "query_page",
    "store",
    "store_batch/10",
    "store_batch/50",
    "store_batch/100",
    "store_batch/1000",
    "commit",
];
const SYSTEMS: [&str; 5] =
    ["ours", "libsql-new-connection", "libsql-warm", "libsql-cached-statement", "turso_serverless"];
const TOKEN: &str = "token-of-the-lab";

fn section() -> &'static Section {
    SECTIONS.iter().find(|section| section.name == "network").unwrap()
}

/// One round without delays, however slow the machine is.
fn settings(trajectories: Trajectories) -> Settings {
    let quick = NetworkSettings::new(Scope::Quick);
    let network =
        NetworkSettings { rtt: Duration::ZERO, rounds: 1, budget: Duration::MAX, max_single_records: 3, ..quick };
    Settings { network, ..Settings::new(Scope::Quick, 1, trajectories) }
}

fn lab(runtime: &Runtime) -> Lab {
    let mut options = LabOptions::default();
    options.token = Some(TOKEN.into());
    runtime.block_on(Lab::start(options)).unwrap()
}

fn with_server(url: impl Into<String>, token: &str) -> Settings {
    let mut settings = settings(Trajectories::generate(1, 3));
    settings.network.server = Some(ServerAddress { url: url.into(), token: token.to_owned() });
    settings
}

fn row<'a>(rows: &'a [Row], operation: &str, system: &str) -> &'a Row {
    rows.iter().find(|row| row.operation == operation && row.system == system).unwrap()
}

#[test]
fn every_system_does_everything_and_ours_in_one_round_trip() {
    let mut real = Trajectories::generate(1, 20);
    real.source = "trajectories.json".to_owned();
    let settings = settings(real);
    let rows = (section().run)(&settings, &()).unwrap();
    assert_eq!(rows.len(), 2 * OPERATIONS.len() * SYSTEMS.len());
    for operation in OPERATIONS {
        for operation in [operation.to_owned(), format!("{operation}/real")] {
            let [ours, new, warm, cached, serverless] = SYSTEMS.map(|system| row(&rows, &operation, system));
            for row in [ours, new, warm, cached, serverless] {
                assert!(row.time().is_some() && row.bytes_up_per_op > Some(0.0), "{row:?}");
                assert!(row.bytes_down_per_op > Some(0.0), "{row:?}");
            }
            let calls = if operation.starts_with("get_concurrent") { 8.0 } else { 1.0 };
            assert_eq!((ours.round_trips_per_op, ours.reason.as_deref()), (Some(calls), None), "{operation}");
            assert!(new.round_trips_per_op >= Some(2.0 * calls), "{new:?}");
            assert!(new.connections_per_op >= Some(calls), "{new:?}");
            assert!(warm.round_trips_per_op >= Some(calls) && cached.round_trips_per_op >= Some(calls));
            assert_eq!(serverless.round_trips_per_op, Some(calls), "{operation}");
            assert_eq!((new.speedup, ours.baseline.as_deref()), (None, Some(new.system.as_str())));
            assert!(ours.speedup.is_some() && ours.ci95.is_none() && ours.rounds == Some(1), "{ours:?}");
        }
    }
    // Eight at once open as many connections; everything else finds one.
    for row in rows.iter().filter(|row| row.system == "ours" && !row.operation.starts_with("get_concurrent")) {
        assert_eq!(row.connections_per_op, Some(0.0), "{row:?}");
    }
    let batch = row(&rows, "store_batch/100", "libsql-warm");
    assert_eq!(batch.round_trips_per_op, Some(102.0), "{batch:?}");
    assert!(batch.reason.as_deref().unwrap().contains("scaled up from 3 records"), "{batch:?}");
    assert_eq!(row(&rows, "commit", "libsql-warm").round_trips_per_op, Some(12.0));
    assert_eq!(Report::new(&settings, rows).environment.rtt_ms, Some(0.0));
}

#[test]
fn a_real_server_is_left_as_it_was() {
    let runtime = Runtime::new().unwrap();
    let lab = lab(&runtime);
    let storage = runtime.block_on(TursoStorage::new(lab.url(), TOKEN)).unwrap();
    let settings = with_server(lab.url(), TOKEN);
    (section().check)(&settings).unwrap();
    let mine = settings.trajectories.episodes[0].clone();
    runtime.block_on(storage.put(&[mine])).unwrap();

    let rows = (section().run)(&settings, &()).unwrap();
    assert_eq!(rows.len(), OPERATIONS.len() * SYSTEMS.len());
    for row in &rows {
        assert!(row.time().is_some() && row.bytes_up_per_op.is_none() && row.rtt_multiple.is_none(), "{row:?}");
        assert_eq!(row.round_trips_per_op.is_some(), row.system == "ours", "{row:?}");
    }
    assert_eq!(row(&rows, "store_batch/1000", "ours").round_trips_per_op, Some(1.0));
    assert_eq!(Report::new(&settings, rows).environment.rtt_ms, None);
    let left = runtime.block_on(storage.count(&Filter::<Episode>::all(), None)).unwrap();
    assert_eq!(left.total, 1);
    assert_eq!(runtime.block_on(storage.count(&Filter::<Pattern>::all(), None)).unwrap().total, 0);
    runtime.block_on(lab.stop());
}

#[test]
fn a_server_that_cannot_be_used_is_refused_before_anything_is_measured() {
    let runtime = Runtime::new().unwrap();
    let lab = lab(&runtime);
    let url = lab.url();
    let refused = |url: &str, token: &str| {
        let error = (section().check)(&with_server(url, token)).unwrap_err();
        assert!(error.is::<InputError>(), "{error:?}");
        let message = error.to_string();
        assert!(message.contains("--url") && !message.contains('\n') && !message.contains("s3cret"), "{message}");
        message
    };
    assert!(refused(&url, "s3cret").contains("refused") || refused(&url, "s3cret").contains("401"));
    assert!(refused("nonsense", "").contains("not a URL"));
    assert!(refused("ftp://127.0.0.1", "").contains("scheme"));
    assert!(refused("http://192.0.2.1", "s3cret").contains("unencrypted"));
    runtime.block_on(lab.stop());
    refused(&url, "");
}
