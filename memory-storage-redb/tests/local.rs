//! Files on disk, use of indexes, and errors of opening.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use memory_core::backend::Scalar;
use memory_core::field::{domain, metadata, tags, task_type};
use memory_core::{
    Access, Counts, Direction, Episode, Error, Filter, Heuristic, InMemoryStorage, MemoryStorage, Pattern, Query,
    Store, TaskContext, TaskType, Timestamp, transfer,
};
use memory_storage_redb::RedbStorage;

fn episode(session: &str) -> Episode {
    let mut episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
    episode.metadata.insert("session", session);
    episode
}

fn session() -> Query<Episode> {
    Query::new().filter(metadata("session").eq("s77"))
}

async fn access(storage: &RedbStorage, query: &Query<Episode>) -> Access {
    storage.explain(query).await.unwrap().access
}

#[tokio::test]
async fn what_was_acknowledged_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.redb");
    let storage = RedbStorage::builder().index_metadata("session").open(&path).await.unwrap();
    let episode = episode("s77");
    storage.put(std::slice::from_ref(&episode)).await.unwrap();
    storage.close().await.unwrap();
    let storage = RedbStorage::open(&path).await.unwrap();
    assert_eq!(storage.get(&[episode.id]).await.unwrap()[0].as_deref(), Some(&episode));
    // The file knows its indexes.
    assert_eq!(access(&storage, &session()).await, Access::Index("episodes_metadata_session".to_owned()));
    assert_eq!(storage.query(&session()).await.unwrap().records.len(), 1);
    let health = storage.health().await.unwrap();
    assert_eq!((health.backend, health.schema_version), ("redb", Some(1)));
    assert!(storage.check().await.unwrap().is_sound());
}

#[tokio::test]
async fn a_file_that_is_open_is_refused_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.redb");
    let storage = RedbStorage::open(&path).await.unwrap();
    let error = RedbStorage::open(&path).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("memory.redb") && error.to_string().contains("close"), "{error}");
    storage.close().await.unwrap();
    RedbStorage::open(&path).await.unwrap();
}

#[tokio::test]
async fn places_where_no_file_can_be_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing").join("memory.redb");
    let error = RedbStorage::open(&missing).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }) && error.to_string().contains("folder"), "{error}");
    let error = RedbStorage::open(folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains("folder"), "{error}");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no database at all, but a text of some length, which is left as it is").unwrap();
    let error = RedbStorage::open(&text).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains("another file"), "{error}");
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("no database"));
    let error = RedbStorage::builder().index_metadata("a b").memory().await.unwrap_err();
    assert!(matches!(error, Error::InvalidInput { .. }) && error.to_string().contains("index_metadata"), "{error}");
}

#[tokio::test]
async fn a_file_of_an_older_redb_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.redb");
    let table = redb_2::TableDefinition::<&str, u64>::new("numbers");
    let database = redb_2::Database::create(&path).unwrap();
    let txn = database.begin_write().unwrap();
    txn.open_table(table).unwrap().insert("one", 1).unwrap();
    txn.commit().unwrap();
    drop(database);
    let before = std::fs::read(&path).unwrap();
    for verify in [true, false] {
        let error = RedbStorage::builder().verify_on_open(verify).open(&path).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Unsupported { .. }) && text.contains("file format 2"), "{text}");
        assert!(text.contains("redb 2.6 upgrades") && text.contains("old.redb"), "{text}");
    }
    assert!(std::fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn an_index_that_is_made_later_holds_what_was_there_before() {
    let storage = RedbStorage::memory().await.unwrap();
    let episodes: Vec<_> = (0..50).map(|n| episode(if n % 2 == 0 { "s77" } else { "other" })).collect();
    storage.put(&episodes).await.unwrap();
    assert_eq!(access(&storage, &session()).await, Access::Scan);
    let before = storage.query(&session()).await.unwrap();
    // Writes that are made meanwhile are in it as well, however they fall.
    let (made, put) = tokio::join!(storage.ensure_metadata_index("session"), storage.put(&episodes[..1]));
    made.unwrap();
    put.unwrap();
    storage.ensure_metadata_index("session").await.unwrap();
    assert!(matches!(access(&storage, &session()).await, Access::Index(_)));
    assert_eq!(storage.query(&session()).await.unwrap().records, before.records);
    assert_eq!(before.records.len(), 25);
    let report = storage.check().await.unwrap();
    assert!(report.is_sound() && report.records == 50, "{report:?}");
    let error = storage.ensure_metadata_index("a b").await.unwrap_err();
    assert!(error.to_string().contains("index_metadata"), "{error}");
}

#[tokio::test]
async fn equality_and_ranges_on_indexed_fields_use_the_index_and_others_scan() {
    let storage = RedbStorage::builder().index_metadata("session").memory().await.unwrap();
    let index = |name: &str| Access::Index(name.to_owned());
    let all = Query::<Episode>::new;
    for (query, wanted) in [
        (all(), Access::Scan),
        (all().filter(!domain().eq("web")), Access::Scan),
        (all().filter(metadata("other").eq(1)), Access::Scan),
        (all().since(Timestamp::now()), index("episodes_by_time")),
        (all().filter(domain().eq("web")), index("episodes_by_domain")),
        (all().filter(domain().gt("web")), index("episodes_by_domain")),
        (all().filter(task_type().eq(TaskType::Debugging)), index("episodes_by_task_type")),
        (all().filter(tags().contains("x")), index("episodes_by_tags")),
        (session(), index("episodes_metadata_session")),
        (all().filter(metadata("session").ge(3)), index("episodes_metadata_session")),
        (all().filter(metadata("session").exists()), index("episodes_metadata_session")),
        (all().filter(metadata("session").is_in(["a", "b"]) & domain().eq("web")), index("episodes_by_domain")),
        (all().filter(metadata("session").eq(Scalar::Null) & domain().eq("web")), index("episodes_metadata_session")),
        (all().filter(memory_core::field::id().eq(episode("x").id)), index("episodes")),
    ] {
        assert_eq!(access(&storage, &query).await, wanted, "{query:?}");
    }
    let newest = storage.explain(&session()).await.unwrap();
    assert!(newest.detail.contains("stop at the limit"), "{newest}");
    let by_domain = session().order_by(domain(), Direction::Ascending);
    let sorted = storage.explain(&by_domain).await.unwrap();
    assert!(sorted.detail.contains("sort"), "{sorted}");
    let pattern = storage.explain(&Query::<Pattern>::new().filter(domain().eq("web"))).await.unwrap();
    assert_eq!(pattern.access, index("patterns_by_domain"));
    let heuristic = storage.explain(&Query::<Heuristic>::new().filter(metadata("session").eq("x"))).await.unwrap();
    assert_eq!(heuristic.access, index("heuristics_metadata_session"));
}

/// Values that are longer than their keys in an index are told apart all the same.
#[tokio::test]
async fn long_values_of_an_indexed_field_are_told_apart() {
    let storage = RedbStorage::memory().await.unwrap();
    let domain_of = |end: &str| "d".repeat(300) + end;
    let mut episodes = Vec::new();
    for end in ["", "a", "b", "b", "c"] {
        let mut episode = episode("s");
        episode.context.domain = domain_of(end);
        episodes.push(episode);
    }
    storage.put(&episodes).await.unwrap();
    let count = |filter: Filter<Episode>| {
        let storage = &storage;
        async move {
            let counted = storage.count(&filter, None).await.unwrap().total;
            let found = storage.query(&Query::new().filter(filter)).await.unwrap().records.len();
            assert_eq!(usize::try_from(counted).unwrap(), found);
            found
        }
    };
    assert_eq!(count(domain().eq(domain_of("b"))).await, 2);
    assert_eq!(count(domain().lt(domain_of("b"))).await, 2);
    assert_eq!(count(domain().le(domain_of("b"))).await, 4);
    assert_eq!(count(domain().gt(domain_of("b"))).await, 1);
    assert_eq!(count(domain().ge(domain_of("b"))).await, 3);
    let groups = Store::<Episode>::count(&storage, &Filter::all(), Some(domain())).await.unwrap();
    assert_eq!(groups.groups.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 1, 2, 1]);
}

/// Rewriting everything again and again makes the file no larger than twice its
/// one live copy.
#[tokio::test]
async fn deleted_and_rewritten_records_leave_their_space() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("memory.redb");
    let storage = RedbStorage::open(&path).await.unwrap();
    let size = || std::fs::metadata(&path).unwrap().len();
    let mut episodes: Vec<_> = (0..1_000).map(|_| episode("s77")).collect();
    for episode in &mut episodes {
        episode.task_description = "word ".repeat(200);
    }
    storage.put(&episodes).await.unwrap();
    let once = size();
    let ids: Vec<_> = episodes.iter().map(|episode| episode.id).collect();
    for _ in 0..10 {
        assert_eq!(storage.delete(&ids).await.unwrap(), 1_000);
        storage.put(&episodes).await.unwrap();
    }
    assert!(size() <= 2 * once, "{} bytes, where one copy took {once}", size());
    storage.delete(&ids[10..]).await.unwrap();
    assert!(storage.compact().await.unwrap());
    assert!(size() < once / 2, "{} bytes of {once}", size());
    let found = storage.get(&ids).await.unwrap();
    assert_eq!(found.iter().flatten().count(), 10);
    assert_eq!(Store::<Episode>::count(&storage, &Filter::all(), None).await.unwrap(), Counts::total(10));
    assert!(storage.check().await.unwrap().is_sound());
}

/// The storage needs no runtime of its caller's.
#[test]
fn it_works_without_a_runtime() {
    futures_executor(async {
        let storage = RedbStorage::memory().await.unwrap();
        let episodes: Vec<_> = (0..2_000).map(|_| episode("s77")).collect();
        storage.put(&episodes).await.unwrap();
        let found = storage.query(&Query::<Episode>::new().filter(!domain().eq("x")).limit(2_000)).await.unwrap();
        assert_eq!(found.records.len(), 2_000);
        storage.close().await.unwrap();
    });
}

/// Polls a future on this thread, which sleeps meanwhile.
fn futures_executor<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(done) => return done,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[tokio::test]
async fn an_export_is_the_same_after_a_stay_in_redb() {
    let (here, storage) = (InMemoryStorage::new(), RedbStorage::memory().await.unwrap());
    let episodes: Vec<_> = (0..200).map(|n| episode(if n % 2 == 0 { "s77" } else { "other" })).collect();
    here.put(&episodes).await.unwrap();
    here.put(&[Heuristic::new("a form posts twice", "look for a missing key", 0.8)]).await.unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    assert_eq!(transfer::export(&here, &mut first).await.unwrap(), 201);
    transfer::import(&storage, &first[..], 0, |_| ()).await.unwrap();
    transfer::export(&storage, &mut second).await.unwrap();
    assert!(first == second);
    assert!(storage.check().await.unwrap().is_sound());
}
