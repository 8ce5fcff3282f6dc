use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::config::LocalConfig;
use crate::metrics::PerformanceMetrics;
use crate::sql::{Columns, Statement, Step};
use crate::transport::local::tests::{call, config};
use crate::transport::local::{Connection, Local, Place, Work};

const LIMIT: u64 = 128 << 10;
const WRITES: usize = 300;

async fn open(path: &Path, config: LocalConfig) -> Local {
    let config = LocalConfig { log_limit: LIMIT, ..config };
    Local::open(Place::file(path).unwrap(), config, Arc::default()).await.unwrap()
}

/// Stores some 20 kB, and returns the length of the log once the writer has
/// looked after it.
async fn write(local: &Local, path: &Path, number: usize) -> u64 {
    let metrics = PerformanceMetrics::default();
    let text = format!("{number:010000}");
    let insert =
        Statement::new("INSERT INTO heuristics VALUES (?1, ?1, 'a', '0.5', '{}', 0, 0, '{}')", [text.as_str().into()]);
    local.write(&call(&metrics), Work::Whole(vec![Step::Counted(insert)])).await.unwrap();
    local.writer.run("wait", |_| Ok(())).await.unwrap();
    std::fs::metadata(path.with_extension("db-wal")).unwrap().len()
}

fn sum() -> Statement {
    Statement::new("SELECT count(*) FROM heuristics WHERE octet_length(condition) > 0", [])
}

async fn read(local: &Local) -> i64 {
    let metrics = PerformanceMetrics::default();
    local.read(&call(&metrics), sum(), |row| row.integer(0)).await.unwrap()[0]
}

/// Checks that the log stays short while `tasks` read all the time, each in a
/// transaction that lasts `duration` and a little more.
async fn check_length_while(tasks: usize, duration: Duration, config: LocalConfig) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let (local, over) = (Arc::new(open(&path, config).await), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..tasks)
        .map(|_| {
            let (local, over) = (Arc::clone(&local), Arc::clone(&over));
            tokio::spawn(async move {
                let mut reads = 0;
                while !over.load(Ordering::Relaxed) {
                    let job = move |connection: &mut Connection| {
                        connection.execute("read", "BEGIN", &[])?;
                        let begun = Instant::now();
                        connection.read("read", &sum(), &|row| row.integer(0))?;
                        while begun.elapsed() < duration {
                            connection.read("read", &sum(), &|row| row.integer(0))?;
                        }
                        connection.execute("read", "COMMIT", &[]).map(drop)
                    };
                    local.readers.as_ref().unwrap().run("read", job).await.unwrap();
                    reads += 1;
                }
                reads
            })
        })
        .collect();
    let (mut longest, mut emptied) = (0, 0);
    for number in 0..WRITES {
        let length = write(&local, &path, number).await;
        longest = longest.max(length);
        emptied += usize::from(length == 0);
    }
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        assert!(reader.await.unwrap() > 0);
    }
    assert_eq!(usize::try_from(read(&local).await).unwrap(), WRITES);
    // Some 8 MB were written, 60 times the limit. A few attempts may fail on a
    // busy machine.
    assert!(longest < 16 * LIMIT, "{longest}");
    assert!(emptied > 4, "{emptied}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_short_while_readers_overlap_all_the_time() {
    check_length_while(4, Duration::ZERO, config()).await;
}

/// The reads that wait take 500 ms together, five times the longest patience.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_stays_short_while_reads_queue_up_all_the_time() {
    let config = LocalConfig { busy_timeout: Duration::from_millis(100), ..config() };
    check_length_while(100, Duration::from_millis(10), config).await;
}

#[tokio::test]
async fn a_reader_of_another_process_only_delays_the_emptying() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.db");
    let local = open(&path, config()).await;
    let other = libsql::Builder::new_local(&path).build().await.unwrap().connect().unwrap();
    other.execute("BEGIN", ()).await.unwrap();
    other.query("SELECT * FROM memory_schema", ()).await.unwrap().next().await.unwrap().unwrap();
    let mut length = 0;
    for number in 0..20 {
        length = write(&local, &path, number).await;
    }
    assert!(length > 2 * LIMIT, "{length}: the other's view is in the way");
    other.execute("COMMIT", ()).await.unwrap();
    // At the next step of its growth.
    let lengths = async {
        let mut shortest = u64::MAX;
        for number in 20..40 {
            shortest = shortest.min(write(&local, &path, number).await);
        }
        shortest
    };
    assert_eq!(lengths.await, 0);
    assert_eq!(read(&local).await, 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_take_longer_than_the_patience_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let local = open(&folder.path().join("memory.db"), config()).await;
    let readers = local.readers.as_ref().unwrap();
    let standstill = readers.standstill().unwrap();
    let (go, wait) = channel::<()>();
    let long = readers.submit("read", move |_| {
        wait.recv().unwrap();
        Ok(())
    });
    assert!(standstill.hold(Duration::from_millis(1)).is_none());
    go.send(()).unwrap();
    long.answer().await.unwrap();
    assert_eq!(read(&local).await, 0);
    let held = tokio::task::spawn_blocking(move || standstill.hold(Duration::from_secs(60))).await.unwrap();
    let mut waiting = Box::pin(read(&local));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    drop(held.unwrap());
    assert_eq!(waiting.await, 0);
}

/// No read of those that wait ends before the standstill does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_wait_do_not_delay_the_standstill() {
    const WAITING: usize = 8;
    let folder = tempfile::tempdir().unwrap();
    let local = open(&folder.path().join("memory.db"), config()).await;
    let readers = local.readers.as_ref().unwrap();
    let standstill = readers.standstill().unwrap();
    let submit = || {
        let (started, begun) = tokio::sync::oneshot::channel();
        let (end, ends) = channel::<()>();
        let read = readers.submit("read", move |_| {
            started.send(()).unwrap();
            ends.recv().unwrap();
            Ok(())
        });
        (read, begun, end)
    };
    let mut under_way: Vec<_> = (0..2).map(|_| submit()).collect();
    for (_, begun, _) in &mut under_way {
        begun.await.unwrap();
    }
    let mut waiting: Vec<_> = (0..WAITING).map(|_| submit()).collect();
    let queue = standstill.clone();
    let held = tokio::task::spawn_blocking(move || standstill.hold(Duration::from_secs(60)));
    // Until the standstill is asked for.
    while queue.jobs.len() < WAITING + 2 {
        tokio::task::yield_now().await;
    }
    for (read, _, end) in under_way {
        end.send(()).unwrap();
        read.answer().await.unwrap();
    }
    let held = held.await.unwrap().expect("a standstill before the reads that wait");
    for (_, begun, _) in &mut waiting {
        begun.try_recv().unwrap_err();
    }
    drop(held);
    for (read, _, end) in waiting {
        end.send(()).unwrap();
        read.answer().await.unwrap();
    }
    // The senders are gone, so that the threads end.
    drop(queue);
    local.close().await;
}
