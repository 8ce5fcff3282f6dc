//! Storages whose file is not as it should be: deleted, foreign, read-only or
//! missing.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use fork::{Fork, fork, waitpid};
use memory_core::{
    Episode, EpisodeId, Error, Filter, MemoryStorage, MemoryStorageExt, Query, Result, Store, TaskContext, TaskType,
};
use memory_storage_turso::TursoStorage;

fn episode() -> Episode {
    Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging)
}

/// A closed database of one episode.
async fn stored(path: &Path) -> EpisodeId {
    let storage = TursoStorage::local(path).await.unwrap();
    let episode = episode();
    storage.store_episode(&episode).await.unwrap();
    storage.close().await;
    episode.id
}

#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_is_noticed() {
    for (suffix, how) in [("", "deleted"), ("", "replaced"), ("-wal", "deleted"), ("-shm", "replaced")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("memory.db");
        let storage = TursoStorage::local(&path).await.unwrap();
        storage.store_episode(&episode()).await.unwrap();
        storage.health().await.unwrap();
        let victim = folder.path().join(format!("memory.db{suffix}"));
        let contents = fs::read(&victim).unwrap();
        fs::remove_file(&victim).unwrap();
        if how == "replaced" {
            fs::write(&victim, contents).unwrap();
        }
        let episode = episode();
        for error in [
            storage.health().await.unwrap_err(),
            storage.store_episode(&episode).await.unwrap_err(),
            storage.put(&vec![episode.clone(); 250]).await.unwrap_err(),
            storage.delete_episode(episode.id).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::Unsupported { .. }) && !error.is_transient(), "{error}");
            let text = error.to_string();
            assert!(text.contains(how) && text.contains(victim.to_str().unwrap()), "{text}");
        }
        // What was stored can still be saved.
        assert_eq!(storage.query(&Query::<Episode>::new()).await.unwrap().records.len(), 1);
    }
}

#[tokio::test]
async fn a_file_that_is_moved_behind_a_link_is_still_ours() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.db"), folder.path().join("link.db"));
    let id = stored(&real).await;
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let storage = TursoStorage::local(&link).await.unwrap();
    storage.store_episode(&episode()).await.unwrap();
    storage.health().await.unwrap();
    assert!(storage.get_episode(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_dropped_storage_leaves_one_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("memory.db"), folder.path().join("copy.db"));
    for _ in 0..20 {
        let storage = TursoStorage::local(&path).await.unwrap();
        storage.store_episode(&episode()).await.unwrap();
        drop(storage);
        assert!(!folder.path().join("memory.db-wal").exists());
    }
    fs::copy(&path, &copy).unwrap();
    let storage = TursoStorage::local(&copy).await.unwrap();
    assert_eq!(storage.count(&Filter::<Episode>::all(), None).await.unwrap().total, 20);
}

#[tokio::test]
async fn every_error_of_opening_names_the_path_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("notes.txt"), "These are only notes, and more than a hundred bytes of them.\n".repeat(20)).unwrap();
    fs::create_dir(at("folder.db")).unwrap();
    stored(&at("newer.db")).await;
    let connection = libsql::Builder::new_local(at("newer.db")).build().await.unwrap().connect().unwrap();
    connection.execute("UPDATE memory_schema SET version = 99", ()).await.unwrap();
    let other = libsql::Builder::new_local(at("other.db")).build().await.unwrap().connect().unwrap();
    other.execute("CREATE TABLE episodes (title TEXT)", ()).await.unwrap();
    let locked = libsql::Builder::new_local(at("locked.db")).build().await.unwrap().connect().unwrap();
    locked.execute("BEGIN EXCLUSIVE", ()).await.unwrap();
    for (name, kind, reason, transient) in [
        ("missing/memory.db", "invalid", "No such file or directory", false),
        ("notes.txt/memory.db", "invalid", "Not a directory", false),
        ("folder.db", "invalid", "it is a folder", false),
        ("notes.txt", "corrupt", "not a database", false),
        ("newer.db", "unsupported", "version 99", false),
        ("other.db", "unsupported", "table `episodes`", false),
        ("locked.db", "timeout", "locked", true),
    ] {
        let builder = TursoStorage::builder().busy_timeout(std::time::Duration::from_millis(10));
        let error = builder.local(at(name)).await.unwrap_err();
        let found = match &error {
            Error::InvalidInput { field, .. } if field == "path" => "invalid",
            Error::Corrupt { .. } => "corrupt",
            Error::Unsupported { .. } => "unsupported",
            Error::Timeout { .. } => "timeout",
            _ => "another",
        };
        assert_eq!((found, error.is_transient()), (kind, transient), "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains(at(name).to_str().unwrap()) && text.contains(reason), "{name}: {text}");
    }
}

const TASK: &str = "MEMORY_TEST_TASK";
const FOLDER: &str = "MEMORY_TEST_FOLDER";

/// The other side of the tests of permissions and forks.
#[test]
fn child_process() {
    let (Ok(task), Ok(folder)) = (std::env::var(TASK), std::env::var(FOLDER)) else { return };
    let folder = Path::new(&folder);
    match task.as_str() {
        "permissions" => block_on(permissions(folder)),
        "fork" => forked(folder),
        _ => panic!("{task}"),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Runs a task in a process of its own, which root makes somebody else's: the
/// permissions of files do not bind root.
fn run(task: &str, folder: &Path) {
    let is_root = fs::metadata(folder).map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata)).unwrap() == 0;
    let program = folder.join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new(&program);
    command.args(["--exact", "child_process", "--nocapture"]).env(TASK, task).env(FOLDER, folder).current_dir(folder);
    if is_root && task == "permissions" {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The user `nobody`.
const NOBODY: u32 = 65534;

/// Checks what each folder of [`prepare`] allows.
async fn permissions(folder: &Path) {
    // A file that may not be written, in a folder that may: as its folder.
    for name in ["file", "folder", "both"] {
        let path = folder.join(name).join("memory.db");
        let storage = TursoStorage::builder().index_metadata("session").local(&path).await.unwrap();
        let found = storage.query(&Query::<Episode>::new()).await.unwrap().records;
        assert_eq!(found.len(), 1, "{name}");
        assert!(storage.get_episode(found[0].id).await.unwrap().is_some());
        storage.health().await.unwrap();
        storage.initialize_schema().await.unwrap();
        let error = storage.store_episode(&episode()).await.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains(path.to_str().unwrap()) && text.contains("Permission denied"), "{name}: {text}");
        assert!(matches!(storage.ensure_metadata_index("priority").await, Err(Error::Unsupported { .. })));
        storage.close().await;
    }
    for (name, reason) in [
        ("unfinished/memory.db", "memory.db-wal holds records"),
        ("unreadable/memory.db", "the file cannot be read: Permission denied"),
        ("folder/new.db", "cannot be created in"),
        ("closed/memory.db", "Permission denied"),
    ] {
        let error = TursoStorage::local(folder.join(name)).await.unwrap_err();
        assert!(matches!(&error, Error::InvalidInput { field, .. } if field == "path"), "{name}: {error}");
        let text = error.to_string();
        assert!(text.contains(folder.join(name).to_str().unwrap()) && text.contains(reason), "{name}: {text}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_read_or_says_what_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    set(folder.path(), 0o755);
    for (name, of_folder, of_file) in [
        ("file", 0o777, 0o444),
        ("folder", 0o555, 0o666),
        ("both", 0o555, 0o444),
        ("unfinished", 0o555, 0o444),
        ("unreadable", 0o777, 0o000),
        ("closed", 0o000, 0o666),
    ] {
        let inside = folder.path().join(name);
        let path = inside.join("memory.db");
        fs::create_dir(&inside).unwrap();
        stored(&path).await;
        if name == "unfinished" {
            // The files as another process has them while it is open.
            let storage = TursoStorage::local(&path).await.unwrap();
            storage.store_episode(&episode()).await.unwrap();
            let log = inside.join("memory.db-wal");
            let copy = (fs::read(&path).unwrap(), fs::read(&log).unwrap());
            storage.close().await;
            fs::write(&path, copy.0).unwrap();
            fs::write(&log, copy.1).unwrap();
            set(&log, of_file);
        }
        set(&path, of_file);
        set(&inside, of_folder);
    }
    run("permissions", folder.path());
    // So that the folder can be removed.
    for inside in fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        set(&inside, 0o755);
    }
}

/// Forks, and uses in the child what the parent has opened.
fn forked(folder: &Path) {
    let path = folder.join("memory.db");
    let storage = block_on(TursoStorage::local(&path)).unwrap();
    let episode = episode();
    block_on(storage.store_episode(&episode)).unwrap();
    match fork().unwrap() {
        Fork::Child => {
            let done =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| block_on(in_the_child(storage, folder))));
            std::process::exit(i32::from(!matches!(done, Ok(Ok(())))));
        }
        Fork::Parent(child) => {
            assert_eq!(waitpid(child).unwrap(), 0, "the child's status");
            assert!(block_on(storage.get_episode(episode.id)).unwrap().is_some());
            block_on(storage.store_episode(&self::episode())).unwrap();
        }
    }
}

async fn in_the_child(storage: TursoStorage, folder: &Path) -> Result<()> {
    let refused = |done: Result<()>, what: &str| {
        let error = done.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }) && !error.is_transient(), "{what}: {error}");
        assert!(error.to_string().contains("fork"), "{what}: {error}");
    };
    refused(storage.get_episode(EpisodeId::new()).await.map(drop), "get");
    refused(storage.store_episode(&episode()).await, "put");
    refused(storage.query(&Query::<Episode>::new()).await.map(drop), "query");
    refused(storage.health().await.map(drop), "health");
    refused(storage.settle(&[memory_core::WriteId::new()]).await, "settle");
    drop(storage);
    // SQLite in this process takes the parent's locks for its own.
    refused(TursoStorage::local(folder.join("memory.db")).await.map(drop), "open");
    let own = TursoStorage::local(folder.join("own.db")).await?;
    own.store_episode(&episode()).await?;
    own.close().await;
    Ok(())
}

/// Without a deadline: where it fails, it fails by never ending.
#[tokio::test]
async fn a_fork_is_told_so_and_the_parent_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    run("fork", folder.path());
}
