//! The driver against a peer that does what its database is called.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use memory_bench_peer::Calls;
use memory_core::{Episode, EpisodeId, TaskContext, TaskType};
use tempfile::TempDir;

use super::Peers;
use super::package::NAMES;
use crate::report::{Row, Unit};
use crate::{InputError, SECTIONS, Scope, Settings, Trajectories};

/// Answers, or does what the last word of the request to open says.
const FAKE: &str = r#"
use std::io::{stdin, stdout, Write};

fn main() {
    let mut wanted = String::new();
    for request in stdin().lines().map(Result::unwrap) {
        if request.starts_with("{\"open\"") {
            wanted = request;
        } else if request.starts_with("{\"run\"") {
            let wants = |word| wanted.contains(word);
            if wants("dies") {
                eprintln!("out of luck\n\n  for today");
                std::process::exit(7);
            } else if wants("half") {
                print!("{{\"ran\":");
                std::process::exit(0);
            } else if wants("hangs") {
                std::thread::park();
            } else if wants("babbles") {
                println!("hello\tworld");
            } else if wants("fails") {
                println!("{{\"failed\":{{\"reason\":\"cannot commit -\\nno transaction is active\"}}}}");
            } else {
                println!("{{\"ran\":{{\"nanoseconds\":1500,\"found\":[]}}}}");
            }
            stdout().flush().unwrap();
            continue;
        }
        println!("\"done\"");
    }
}
"#;

/// Peers of these names in a folder of their own, all of this program.
fn fakes(names: &[&str], program: &str, deadline: Duration) -> (TempDir, Peers) {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let package = folder.path().join(name);
        fs::create_dir_all(package.join("src")).unwrap();
        let manifest = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n[workspace]\n");
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        let lock = format!("version = 4\n[[package]]\nname = \"{name}\"\nversion = \"0.0.0\"\n");
        fs::write(package.join("Cargo.lock"), lock).unwrap();
        fs::write(package.join("src/main.rs"), program).unwrap();
    }
    let peers = Peers::new(folder.path(), folder.path().join("target"), deadline);
    (folder, peers)
}

/// What the section says of a system, one round or few, on little.
fn rows(section: &str, system: &str, peers: Peers) -> Vec<Row> {
    let mut settings = Settings::new(Scope::Quick, 1, Trajectories::generate(1, 3));
    (settings.rounds, settings.population, settings.peers) = (1, 100, Some(peers));
    (settings.network.rounds, settings.network.rtt) = (1, Duration::ZERO);
    settings.network.max_single_records = 3;
    let section = SECTIONS.iter().find(|known| known.name == section).unwrap();
    (section.check)(&settings).unwrap();
    let mut rows = (section.run)(&settings, &()).unwrap();
    rows.retain(|row| row.system == system);
    rows
}

fn operations(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.operation.as_str()).collect()
}

#[test]
fn a_peer_that_finds_something_else_has_no_figures() {
    let (_folder, peers) = fakes(&["rusqlite"], FAKE, PATIENT);
    let rows = rows("local", "rusqlite", peers);
    let batches = ["store", "store_batch/10", "store_batch/50", "store_batch/100", "store_batch/1000", "delete"];
    let reads = ["get/warm", "get_batch/3", "query_domain", "query_metadata/no_index", "query_metadata/index"];
    assert_eq!(operations(&rows), [&batches[..], &reads].concat());
    for row in &rows {
        assert_eq!(row.reason.as_deref(), Some("it finds something else than was stored"), "{row:?}");
        assert_eq!(row.time(), None, "{row:?}");
    }
}

#[test]
fn a_peer_has_its_rows_among_the_others_and_its_own_time() {
    let (_folder, peers) = fakes(&["do-memory-storage-turso"], FAKE, PATIENT);
    let rows = rows("network", "do-memory-storage-turso", peers);
    let stores = ["store", "store_batch/10", "store_batch/50", "store_batch/100"];
    let operations_of_it = [&["get", "get_batch/100", "query_metadata"], &stores[..], &["get_cached"]].concat();
    assert_eq!(operations(&rows), operations_of_it);
    for row in &rows {
        let expected = match row.operation.as_str() {
            "get" => "an episode is missing",
            "get_batch/100" | "query_metadata" => "0 episodes that are not those that were stored",
            "get_cached" => continue,
            // It says it stored them, but made no table.
            _ => "delete what was stored: ",
        };
        let reason = row.reason.as_deref().unwrap_or_default();
        assert!(reason.starts_with(expected) && row.time().is_none(), "{row:?}");
    }
    // It says that a thousand calls took it 1,500 ns.
    let cached = rows.last().unwrap();
    assert_eq!((cached.time(), cached.round_trips_per_op), (Some((1.5, Unit::Ns)), Some(0.0)), "{cached:?}");
}

const PATIENT: Duration = Duration::from_secs(60);

#[test]
fn a_peer_that_does_it_wrong_says_so_and_is_started_again() {
    let (_folder, peers) = fakes(&["fake"], FAKE, PATIENT);
    let get = || Calls::Get(vec![EpisodeId::new()]);
    for (database, reason) in [
        ("dies", "it ended (exit status: 7): out of luck for today"),
        ("half", "it ended (exit status: 0)"),
        ("babbles", "it answered with what is no reply: hello world"),
        ("fails", "cannot commit - no transaction is active"),
    ] {
        let mut client = peers.client("fake", database, "").unwrap();
        client.keep(vec![Episode::new("Fix it", TaskContext::new("web"), TaskType::Debugging)]).unwrap();
        for _ in 0..2 {
            assert_eq!(client.run(get(), 0).unwrap_err().to_string(), reason);
        }
    }
    let mut client = peers.client("fake", "sound", "").unwrap();
    assert_eq!(client.run(get(), 0).unwrap().nanoseconds, 1_500);
}

#[test]
fn nobody_waits_for_a_peer_that_hangs() {
    let (_folder, peers) = fakes(&["fake"], FAKE, Duration::from_millis(200));
    let mut client = peers.client("fake", "hangs", "").unwrap();
    // More than a pipe holds, so that it hangs while it is written to.
    let ids = vec![EpisodeId::new(); 10_000];
    for _ in 0..2 {
        let error = client.run(Calls::Get(ids.clone()), 0).unwrap_err();
        assert_eq!(error.to_string(), "no answer within 200ms");
    }
}

#[test]
fn a_peer_is_built_once_and_one_that_cannot_be_is_refused_by_name() {
    let (folder, peers) = fakes(&["sound"], FAKE, PATIENT);
    let program = peers.build("sound").unwrap();
    assert!(program.starts_with(folder.path().join("target")) && program.is_file(), "{}", program.display());
    fs::remove_dir_all(folder.path().join("sound")).unwrap();
    assert_eq!(peers.clone().build("sound").unwrap(), program);

    let (_folder, peers) = fakes(&["broken"], "fn main() { 1 }", PATIENT);
    for name in ["broken", "missing"] {
        let error = peers.client(name, "sound", "").unwrap_err();
        let message = error.to_string();
        assert!(error.is::<InputError>() && message.lines().count() == 1, "{message}");
        assert!(message.contains(&format!("`{name}`")) && message.contains("cargo"), "{message}");
    }
}

#[test]
fn the_locks_of_the_workspaces_own_peers_fit_the_workspace() {
    let peers = Peers::of_the_workspace().unwrap();
    assert_eq!(peers.target.file_name().map(Path::new), Some(Path::new("peers")));
    let workspace = peers.packages.parent().and_then(Path::parent).unwrap();
    assert_eq!(peers.versions().map(|(name, _)| name).collect::<Vec<_>>(), NAMES);
    for name in NAMES {
        let lock = fs::read_to_string(peers.packages.join(name).join("Cargo.lock")).unwrap();
        for (package, folder) in [("memory-core", "memory-core"), ("memory-bench-peer", "benches/peer")] {
            let manifest = fs::read_to_string(workspace.join(folder).join("Cargo.toml")).unwrap();
            let advice = format!("cargo update --workspace --manifest-path benches/peers/{name}/Cargo.toml");
            let header = format!("name = \"{package}\"\nversion = \"{}\"\n", env!("CARGO_PKG_VERSION"));
            let (_, locked) = lock.split_once(&header).unwrap_or_else(|| panic!("no {header}: {advice}"));
            assert_eq!(locked_dependencies(locked), required_dependencies(&manifest), "{package} in {name}: {advice}");
        }
    }
}

/// The names in the list that follows in a lock file.
fn locked_dependencies(locked: &str) -> BTreeSet<&str> {
    let list = locked.lines().skip_while(|line| *line != "dependencies = [").skip(1).take_while(|line| *line != "]");
    list.filter_map(|line| line.trim_matches([' ', '"', ',']).split(' ').next()).collect()
}

/// The names of what a manifest cannot do without.
fn required_dependencies(manifest: &str) -> BTreeSet<&str> {
    let list =
        manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1).take_while(|line| !line.is_empty());
    let required = list.filter(|line| !line.starts_with('#') && !line.contains("optional = true"));
    required.filter_map(|line| line.split(['.', ' ', '=']).next()).collect()
}
