//! The creation of the schema, on a database of its own for every cell.

use std::time::Duration;

use memory_core::MemoryStorage;
use memory_lab::{Lab, LabOptions, Script};
use tokio::time::{Instant, timeout};

use crate::table::{Once, Row, Trouble};
use crate::world::{ATTEMPT, GUARD, hasty, kind, number, opened};

/// What a schema has of tables.
const TABLES: i64 = 5;

pub(crate) async fn creation(row: Row, _: u64) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let often: &[bool] = if row.once == Once::Skipped { &[false] } else { &[true, false] };
    for once in often {
        let mut last = Ok(());
        for scale in [1, 2, 4, 8, 16] {
            let (result, elapsed) = create(&row, *once, scale).await;
            last = result;
            // A machine that stood still for a moment explains it, too.
            if last.is_ok() || elapsed < ATTEMPT * scale {
                break;
            }
        }
        if let Err(how) = last {
            let often = if *once { "once" } else { "every time" };
            wrong.push(format!("{} | {} | creation | {often}: {how}", row.point, row.name));
        }
    }
    (often.len(), wrong)
}

async fn create(row: &Row, once: bool, scale: u32) -> (Result<(), String>, Duration) {
    let lab = Lab::start(LabOptions::default()).await.unwrap();
    let database = libsql::Builder::new_local(lab.database()).build().await.unwrap().connect().unwrap();
    let storage = opened(|| hasty(scale), &lab.url()).await;
    lab.script(row.script(once));
    if matches!(row.trouble, Trouble::Down) {
        lab.proxy().go_down().await;
    }
    let start = Instant::now();
    let result = timeout(GUARD, storage.initialize_schema()).await;
    let elapsed = start.elapsed();
    if matches!(row.trouble, Trouble::Down) {
        lab.proxy().come_up().await.unwrap();
    }
    lab.script(Script::new());
    lab.in_flight_fell_to(0).await;
    let count = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables = number(&database, count).await;

    let works = row.read.is_empty() || (once && row.once == Once::Works);
    let outcome = match result {
        Err(_) => Err(format!("no end within {GUARD:?}")),
        Ok(Ok(())) if works && tables == TABLES => Ok(()),
        Ok(Err(error)) if !works && row.read.contains(&kind(&error)) && [0, TABLES].contains(&tables) => Ok(()),
        Ok(other) => Err(format!("{other:?}, with {tables} tables, where {:?} was expected", row.read)),
    };
    if outcome.is_err() {
        return (outcome, elapsed);
    }
    // Whatever has become of it, the next one works, and one that is late does no harm.
    let next = storage.initialize_schema().await;
    lab.release_late().await;
    let version = storage.health().await.map(|health| health.schema_version);
    let tables = number(&database, count).await;
    let outcome = match (next, version) {
        (Ok(()), Ok(Some(1))) if tables == TABLES => Ok(()),
        other => Err(format!("then {other:?}, with {tables} tables")),
    };
    (outcome, start.elapsed())
}
