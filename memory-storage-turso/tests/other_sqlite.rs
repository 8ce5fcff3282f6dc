//! A local database in the hands of other versions of SQLite: Debian's command
//! line, and the one that Python brings along. They check it, copy it, restore
//! it, and write into it.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use memory_core::field::metadata;
use memory_core::{
    Access, Episode, ExecutionStep, Heuristic, Id, MemoryStorage, Pattern, PatternKind, Query, Record, Reflection,
    RewardScore, Store, TaskContext, TaskOutcome, TaskType, Timestamp, WriteBatch,
};
use memory_storage_turso::TursoStorage;

/// Reals whose JSON text versions of SQLite parse differently, and ordinary ones.
const REALS: [f64; 8] = [0.1, -2.5, 1e-30, 5.434_722_104_253_712e-79, 1.797e300, 7.1e-310, 123_456_789.123, 1e22];

struct Everything {
    episodes: Vec<Episode>,
    patterns: Vec<Pattern>,
    heuristics: Vec<Heuristic>,
}

/// Every kind of record, finished and not. Without a NUL in plain text, where
/// SQLite's own `.dump` would end it.
fn everything() -> Everything {
    let mut finished = Episode::new("Fix the 'login' form\n\u{1f600}", TaskContext::new("web"), TaskType::Debugging);
    finished.steps.push(ExecutionStep::new(1, "editor", "open"));
    finished.outcome = Some(TaskOutcome::Success { verdict: "one key too few".to_owned(), artifacts: vec![] });
    finished.reward = Some(RewardScore { total: 5.434_722_104_253_712e-79, ..RewardScore::default() });
    finished.reflection = Some(Reflection {
        successes: vec!["read the log".to_owned()],
        improvements: Vec::new(),
        insights: vec!["a\0b".to_owned()],
        generated_at: Timestamp::now(),
    });
    finished.end_time = Some(Timestamp::now());
    finished.metadata.insert("session", "s77");
    let mut episodes = vec![finished, Episode::new("Just begun", TaskContext::new("api"), TaskType::Testing)];
    for real in REALS {
        let mut episode = Episode::new("Scored", TaskContext::new("web"), TaskType::Other);
        episode.metadata.insert("score", real);
        episode.metadata.insert("session", "a\0b");
        episodes.push(episode);
    }
    let kinds = [
        PatternKind::ErrorRecovery { error_type: "timeout".to_owned(), recovery_steps: vec!["wait".to_owned()] },
        PatternKind::ToolSequence { tools: vec!["grep".to_owned()], average_latency: memory_core::Latency::default() },
    ];
    Everything {
        episodes,
        patterns: kinds.map(|kind| Pattern::new(TaskContext::new("web"), kind)).to_vec(),
        heuristics: vec![Heuristic::new("a form posts twice", "look for a missing key", 0.1 + 0.2)],
    }
}

async fn open(path: &Path) -> TursoStorage {
    TursoStorage::builder().index_metadata("session").index_metadata("score").local(path).await.unwrap()
}

/// A closed database with everything in it.
async fn stored(folder: &Path) -> (PathBuf, Everything) {
    let (path, everything) = (folder.join("memory.db"), everything());
    let storage = open(&path).await;
    let mut batch = WriteBatch::new();
    for record in &everything.episodes {
        batch.put(record.clone());
    }
    for record in &everything.patterns {
        batch.put(record.clone());
    }
    for record in &everything.heuristics {
        batch.put(record.clone());
    }
    storage.commit(&batch).await.unwrap();
    storage.close().await;
    (path, everything)
}

/// Fails unless the database holds everything, undamaged, and uses its indexes.
async fn assert_holds(path: &Path, everything: &Everything) {
    let storage = open(path).await;
    holds(&storage, &everything.episodes).await;
    holds(&storage, &everything.patterns).await;
    holds(&storage, &everything.heuristics).await;
    for real in REALS {
        let query = Query::<Episode>::new().filter(metadata("score").eq(real));
        assert_eq!(storage.query(&query).await.unwrap().records.len(), 1, "{real}");
        assert!(matches!(storage.explain(&query).await.unwrap().access, Access::Index(_)));
    }
    storage.close().await;
    let connection = libsql::Builder::new_local(path).build().await.unwrap().connect().unwrap();
    let mut rows = connection.query("PRAGMA integrity_check", ()).await.unwrap();
    assert_eq!(rows.next().await.unwrap().unwrap().get::<String>(0).unwrap(), "ok");
}

async fn holds<R: Record + PartialEq>(storage: &impl Store<R>, records: &[R]) {
    let ids: Vec<Id<R>> = records.iter().map(Record::id).collect();
    let found = storage.get(&ids).await.unwrap();
    assert!(records.iter().zip(&found).all(|(record, found)| found.as_deref() == Some(record)));
}

/// Runs a program and returns what it prints; `None` where there is none, or
/// its SQLite is older than this library promises to get on with.
fn run(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let command = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = command else {
        missing(program, "is not there");
        return None;
    };
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(OLD) {
        missing(program, "has a SQLite before 3.38, or none");
        return None;
    }
    assert!(output.status.success() && errors.is_empty(), "{program}: {}: {errors}", output.status);
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The exit code of the script where its SQLite is too old.
const OLD: i32 = 38;

/// Says so past the capture of the test harness: the texts of the schema are
/// still checked by the unit tests of `schema`.
fn missing(program: &str, how: &str) {
    drop(writeln!(std::io::stderr(), "{program} {how}: what it would do to a database is not tested here"));
}

fn shell(path: &Path, commands: &str) -> Option<String> {
    run("sqlite3", &["-batch", "-bail", path.to_str().unwrap()], commands)
}

#[tokio::test]
async fn the_command_line_checks_dumps_restores_and_copies_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let (path, everything) = stored(folder.path()).await;
    let Some(checked) = shell(&path, "PRAGMA integrity_check; PRAGMA quick_check;") else { return };
    assert_eq!(checked, "ok\nok\n");
    let dump = shell(&path, ".dump\n").unwrap();
    let (restored, backup) = (folder.path().join("restored.db"), folder.path().join("backup.db"));
    shell(&restored, &dump).unwrap();
    shell(&path, &format!(".backup {}\n", backup.display())).unwrap();
    let vacuumed = folder.path().join("vacuumed.db");
    shell(&path, &format!("VACUUM INTO '{}';", vacuumed.display())).unwrap();
    for copy in [&path, &restored, &backup, &vacuumed] {
        assert_eq!(shell(copy, "PRAGMA integrity_check;").unwrap(), "ok\n");
        assert_holds(copy, &everything).await;
    }
}

const PYTHON: &str = r#"
import sys
try:
    import sqlite3
except ImportError:
    sys.exit(38)
if sqlite3.sqlite_version_info < (3, 38):
    sys.exit(38)
path, restored, backup = sys.argv[1:]
database = sqlite3.connect(path)

def check(one):
    answer = one.execute("PRAGMA integrity_check").fetchall()
    assert answer == [("ok",)], answer

check(database)
with sqlite3.connect(restored) as copy:
    copy.executescript("\n".join(database.iterdump()))
    check(copy)
with sqlite3.connect(backup) as copy:
    database.backup(copy)
    check(copy)
# Other rows of the same tables, with the values that versions read differently.
with database:
    columns = [row[1] for row in database.execute("PRAGMA table_info(episodes)") if row[1] not in ("episode_id", "metadata")]
    texts = [str(mantissa) + "e" + str(exponent) for mantissa in (1.7976931348623157, -4.9406564584124654, 5.434722104253712)
             for exponent in range(-300, 300, 7)]
    texts += [r'"a\u0000b"', r'"\u0000"', r'"a\\u0000b"', "-9223372036854775808", "0.5", "-0.0", "null", "true", "[1]"]
    for number, text in enumerate(texts):
        for key in ("score", "session", r"score\u0000x", r"session\u0000"):
            database.execute(
                "INSERT INTO episodes (episode_id, metadata, {0}) SELECT ?, ?, {0} FROM episodes LIMIT 1".format(", ".join(columns)),
                ("%08x-0000-4000-8000-%012x" % (number, len(key)), '{"%s":%s}' % (key, text)))
check(database)
database.execute("DELETE FROM episodes WHERE rowid % 3 = 0 AND episode_id LIKE '%-0000-4000-8000-%'")
database.commit()
print(database.execute("SELECT count(*) FROM episodes").fetchone()[0])
"#;

#[tokio::test]
async fn python_checks_dumps_restores_copies_and_writes_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let (path, everything) = stored(folder.path()).await;
    let (restored, backup) = (folder.path().join("restored.db"), folder.path().join("backup.db"));
    let arguments = [Path::new("-c"), Path::new(PYTHON), &path, &restored, &backup].map(|one| one.to_str().unwrap());
    let Some(printed) = run("python3", &arguments, "") else { return };
    assert!(printed.trim().parse::<usize>().unwrap() > 500, "{printed}");
    for copy in [&path, &restored, &backup] {
        assert_holds(copy, &everything).await;
    }
}
