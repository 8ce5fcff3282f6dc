//! Files with flipped bits and cut ends.

use std::sync::Arc;

use fastrand::Rng;
use memory_core::field::{domain, metadata, tags};
use memory_core::{Episode, Error, Page, Query, Result, Store};

use super::disk::Disk;
use super::{episode, id, open};

const RECORDS: u32 = 60;

/// A file with records of all kinds of access, closed.
async fn written() -> Vec<u8> {
    let disk = Disk::new(Vec::new());
    let storage = open(&disk).await.unwrap();
    for number in 0..RECORDS {
        storage.put(&[episode(number, 300)]).await.unwrap();
    }
    storage.delete(&[id(RECORDS)]).await.unwrap();
    storage.close().await.unwrap();
    disk.content().clone()
}

/// Runs the same reads on each file.
async fn answers(storage: &super::RedbStorage) -> Vec<Result<Vec<Episode>>> {
    let plain =
        |page: Result<Page<Episode>>| page.map(|page| page.records.iter().map(|record| (**record).clone()).collect());
    let mut answers = Vec::new();
    for number in 0..RECORDS {
        let found = storage.get(&[id(number)]).await;
        answers.push(found.map(|found| found.into_iter().flatten().map(|record| (*record).clone()).collect()));
    }
    for query in [
        Query::<Episode>::new(),
        Query::new().filter(domain().eq("web")).oldest_first(),
        Query::new().filter(tags().contains("tag1")),
        Query::new().filter(metadata("session").ge("s3")),
    ] {
        answers.push(plain(storage.query(&query).await));
    }
    answers
}

#[derive(Debug, Default)]
struct Tally {
    refused: u32,
    reported: u32,
    harmless: u32,
}

impl Tally {
    /// Opens a damaged file: it is refused, or every answer is right or an
    /// error that a check reports, too.
    async fn look_at(&mut self, content: Vec<u8>, right: &[Result<Vec<Episode>>], what: &str) {
        let disk = Disk::new(content);
        let storage = match open(&disk).await {
            Ok(storage) => storage,
            Err(error) => {
                assert!(matches!(error, Error::Corrupt { .. } | Error::Unsupported { .. }), "{what}: {error}");
                self.refused += 1;
                return;
            }
        };
        let mut failed = false;
        for (answer, right) in answers(&storage).await.iter().zip(right) {
            match (answer, right) {
                (Ok(answer), Ok(right)) => assert!(answer == right, "{what}: wrong data"),
                (Err(error), _) => {
                    assert!(matches!(error, Error::Corrupt { .. }), "{what}: {error}");
                    failed = true;
                }
                (Ok(_), Err(error)) => panic!("{what}: {error}"),
            }
        }
        let report = storage.check().await.unwrap();
        assert!(!failed || !report.is_sound(), "{what}: not reported");
        if report.is_sound() {
            self.harmless += 1;
        } else {
            self.reported += 1;
        }
    }
}

fn number_from_env(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// `MEMORY_TEST_FLIPS` says how many files.
#[tokio::test]
async fn a_damaged_file_gives_no_wrong_data_and_crashes_nothing() {
    let whole = written().await;
    let right = answers(&open(&Disk::new(whole.clone())).await.unwrap()).await;
    assert!(right.iter().all(|answer| answer.as_ref().is_ok_and(|records| !records.is_empty())));
    let seed = number_from_env("MEMORY_TEST_SEED", 0);
    let files = number_from_env("MEMORY_TEST_FLIPS", 1_000);
    let mut random = Rng::with_seed(seed);
    let mut tally = Tally::default();
    for number in 0..files {
        let mut content = whole.clone();
        let what = if number % 10 == 9 {
            let len = random.usize(..content.len());
            content.truncate(len);
            format!("seed {seed}, cut to {len} bytes")
        } else {
            // The header is small and every bit of it counts.
            let end = if number % 10 == 8 { 512 } else { content.len() };
            let (byte, bit) = (random.usize(..end), random.u8(..8));
            content[byte] ^= 1 << bit;
            format!("seed {seed}, bit {bit} of byte {byte} of {}", content.len())
        };
        tally.look_at(content, &right, &what).await;
    }
    println!("{tally:?} of {files}");
    assert!(tally.refused > 0);
}

/// A record that is damaged where redb does not look is named, and the others
/// are read.
#[tokio::test]
async fn a_damaged_record_is_named_and_the_others_are_read() {
    let disk = Disk::new(written().await);
    let storage = open(&disk).await.unwrap();
    storage
        .shared
        .write("damage a record", |database| {
            let txn = super::super::schema::begin(database)?;
            {
                let mut table = txn.open_table(<Episode as super::super::records::Stored>::RECORDS).unwrap();
                table.insert(id(3).uuid().as_bytes(), &b"no record at all"[..]).unwrap();
            }
            txn.commit().unwrap();
            Ok(())
        })
        .unwrap();
    let error = storage.get(&[id(3)]).await.unwrap_err();
    assert!(matches!(&error, Error::Corrupt { .. }) && error.to_string().contains(&id(3).to_string()), "{error}");
    assert_eq!(storage.get(&[id(4)]).await.unwrap()[0].as_deref(), Some(&episode(4, 300)));
    let report = storage.check().await.unwrap();
    let named: Vec<_> = report.damage.iter().filter_map(|damage| damage.record).collect();
    assert_eq!(named, [id(3).into()]);
    // Written anew, it is sound again, indexes included.
    storage.put(&[episode(3 + RECORDS, 5), with_id(episode(8, 300), 3)]).await.unwrap();
    let report = storage.check().await.unwrap();
    assert!(report.is_sound(), "{report:?}");
}

fn with_id(mut episode: Episode, number: u32) -> Episode {
    episode.id = id(number);
    episode
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    for content in [&b"SQLite format 3\0 and more of it"[..], b"x", &[0; 5000]] {
        let disk = Disk::new(content.to_vec());
        let error = open(&disk).await.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. } | Error::Corrupt { .. }), "{error}");
        assert_eq!(*disk.content(), content);
    }
}

/// A database of another program's is not written to.
#[tokio::test]
async fn the_tables_of_others_are_refused_by_name() {
    let disk = Disk::new(Vec::new());
    let database = redb::Builder::new().create_with_backend(super::Injected(Arc::clone(&disk))).unwrap();
    let txn = database.begin_write().unwrap();
    drop(txn.open_table(redb::TableDefinition::<u64, u64>::new("theirs")).unwrap());
    txn.commit().unwrap();
    database.close().unwrap();
    let error = open(&disk).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains("`theirs`"), "{error}");
}
