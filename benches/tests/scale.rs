//! Section `scale`, from settings to rows.

use memory_benches::{SECTIONS, ScaleSettings, Scope, Settings, Trajectories};

#[test]
fn every_operation_is_done_at_every_size_and_by_many_tasks() {
    let scale = ScaleSettings { populations: vec![200, 400], tasks: vec![1, 64], rounds: 1 };
    let settings = Settings { scale, ..Settings::new(Scope::Quick, 1, Trajectories::generate(1, 1)) };
    let section = SECTIONS.iter().find(|section| section.name == "scale").unwrap();
    let rows = (section.run)(&settings, &()).unwrap();
    let find = |operation: &str| rows.iter().find(|row| row.operation == operation).unwrap();
    for operation in [
        "load",
        "get",
        "get_batch/100",
        "query_metadata/index",
        "query_metadata/no_index",
        "query_domain",
        "query_newest",
        "count",
    ] {
        for size in [200, 400] {
            let row = find(&format!("{operation}/{size}"));
            assert!(row.time().is_some() && row.records == Some(size) && row.tasks.is_none(), "{row:?}");
        }
    }
    for operation in ["get", "store"] {
        for tasks in [1, 64] {
            let row = find(&format!("{operation}/400/tasks/{tasks}"));
            assert!(row.time().is_some() && row.tasks == Some(tasks) && row.records == Some(400), "{row:?}");
        }
    }
    assert_eq!(rows.len(), 2 * 8 + 2 * 2);
}
