//! A report with everything in it that a page must cope with.

use memory_benches::report::Row;
use memory_benches::statistics::Verdict;
use memory_benches::{Ran, Report, SECTIONS, Scope, Settings, Trajectories};

/// Text that would break a page which does not escape it.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\"' onload='x' &amp; <img src=x>]]>-->";
const SYSTEMS: [&str; 10] = [
    "peer",
    "libsql-new-connection",
    "libsql-warm",
    "moka",
    "quick_cache",
    "ours",
    "optimum",
    "a-ninth-system-with-a-very-long-name-that-does-not-fit",
    "tenth",
    "eleventh",
];

/// Rows of all kinds, in sections of which one is in no list.
pub(crate) fn report() -> Report {
    let settings = Settings::new(Scope::Quick, 1, Trajectories::generate(1, 2));
    let mut report = Report::new(&settings, rows());
    report.environment.command = Some(format!("cargo xtask bench --trajectories '{HOSTILE}'"));
    for section in SECTIONS {
        report.sections.push(Ran::new(section, &settings, 12.3, true));
    }
    report
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let operations = [("get", 1.0), ("store_batch/10", 10.0), ("store_batch/1000", 100.0), (HOSTILE, 1000.0)];
    for (operation, time) in operations {
        for (system, factor) in ["ours", "libsql-new-connection", "libsql-warm"].into_iter().zip([1.0, 3.0, 90.0]) {
            rows.push(timed("network", operation, system, factor * time));
        }
        rows.extend(SYSTEMS.map(|system| timed("local", operation, system, 0.123_4)));
    }
    for capacity in ["100", "1000", "10000"] {
        for (system, ratio) in [("ours", 0.62), ("moka", 0.55), ("optimum", 0.71)] {
            let mut row = Row::new("of a trace", format!("zipf/{capacity}"), system);
            row.hit_ratio = Some(ratio);
            rows.push(row);
        }
    }
    let mut failed = Row::new("network", "commit", "peer");
    failed.reason = Some(HOSTILE.to_owned());
    rows.push(failed);
    rows
}

fn timed(section: &str, operation: &str, system: &str, time: f64) -> Row {
    let mut row = Row::new(section, operation, system);
    row.median_ms_per_op = Some(time);
    row.ci95 = Some([0.9 * time, 1.2 * time]);
    row.range = Some([0.5 * time, 4.0 * time]);
    (row.outliers, row.rounds, row.operations_per_round) = (Some(2), Some(31), Some(1));
    row.round_trips_per_op = Some(time.ceil());
    (row.bytes_up_per_op, row.bytes_down_per_op) = (Some(1_234_567.0), Some(1.0));
    row.reason = (system == "libsql-warm").then(|| "one round only, since it takes so long".repeat(4));
    if system == "ours" {
        (row.baseline, row.speedup) = (Some("libsql-new-connection".to_owned()), Some(3.0));
        (row.speedup_ci95, row.verdict) = (Some([2.5, 3.5]), Some(Verdict::Faster));
        (row.cost_vs_raw, row.cost_vs_raw_ci95) = (Some(1.5), Some([1.4, 1.6]));
    }
    row
}
