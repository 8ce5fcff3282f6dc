//! Every fault, at every point, in every operation.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod cell;
mod operation;
mod schema;
mod table;
#[path = "../world/mod.rs"]
mod world;

use std::sync::Arc;

use cell::Cell;
use memory_core::{Error, Store};
use operation::Operation;
use table::{Once, Row, rows};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use world::{World, brisk, episode, seed};

/// Rows that are worked on at a time: many of them wait for a fault to pass.
const AT_ONCE: usize = 12;

/// Does `work` on each row, and fails with what it returns for any.
///
/// Everything runs on this one thread, whose generator gives the pauses
/// between attempts.
async fn on_each_row<F>(work: impl Fn(Row, u64) -> F)
where
    F: Future<Output = (usize, Vec<String>)> + Send + 'static,
{
    let seed = seed();
    fastrand::seed(seed);
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for row in rows() {
        let (permits, work) = (Arc::clone(&permits), work(row, seed));
        running.spawn(async move {
            let _permit = permits.acquire_owned().await.unwrap();
            work.await
        });
    }
    let done = running.join_all().await;
    let cells: usize = done.iter().map(|(cells, _)| cells).sum();
    let mut wrong: Vec<_> = done.into_iter().flat_map(|(_, wrong)| wrong).collect();
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} of {cells} cells (point | fault | operation | how often):\n{}\n\nto repeat: MEMORY_TEST_SEED={seed}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// The cells of a row, one after the other, in an order that the seed says.
async fn matrix(row: Row, seed: u64) -> (usize, Vec<String>) {
    let world = World::new().await;
    let mut cells: Vec<_> = Operation::ALL
        .into_iter()
        .filter(|operation| !row.is_costly() || operation.stands_for_all())
        .flat_map(|operation| [(operation, true), (operation, false)])
        .filter(|(_, once)| !once || row.once != Once::Skipped)
        .collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut cells);
    let mut wrong = Vec::new();
    for (operation, once) in &cells {
        let cell = Cell { world: &world, row: &row, operation: *operation, once: *once };
        if let Err(how) = cell.run().await {
            let often = if *once { "once" } else { "every time" };
            wrong.push(format!("{} | {} | {operation:?} | {often}: {how}", row.point, row.name));
        }
    }
    (cells.len(), wrong)
}

#[tokio::test]
async fn no_fault_breaks_a_promise() {
    on_each_row(matrix).await;
}

#[tokio::test]
async fn no_fault_leaves_half_a_schema() {
    on_each_row(schema::creation).await;
}

#[tokio::test]
async fn a_write_that_finds_nobody_is_certain_of_it() {
    let world = World::new().await;
    let storage = brisk().remote(world.lab.url(), "").await.unwrap();
    world.lab.proxy().go_down().await;
    // The first may go out on a connection that is gone already.
    let (first, second) = (episode("down", "1"), episode("down", "1"));
    assert!(storage.put(&[first]).await.is_err());
    let error = storage.put(std::slice::from_ref(&second)).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    world.lab.proxy().come_up().await.unwrap();
    assert_eq!(storage.get(&[second.id]).await.unwrap(), [None]);
}
