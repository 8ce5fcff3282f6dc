//! `cargo xtask bench`, from the command line to its files.
#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

use memory_benches::report::{Row, SCHEMA_VERSION};
use memory_benches::statistics::Verdict;
use memory_benches::{Report, SECTIONS};
use memory_lab::{Lab, LabOptions};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// Its target folder is a new one, so that nobody's report is overwritten.
fn xtask(arguments: &[&str]) -> Output {
    let target = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments).env("CARGO_TARGET_DIR", target.path()).output().unwrap()
}

/// The one line that a refused command prints.
fn refusal(arguments: &[&str]) -> String {
    let output = xtask(arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(output.stdout.is_empty(), "something was measured");
    message
}

fn trajectory() -> Value {
    json!({"task_id": 1, "trial": 0, "reward": 1.0, "info": {}, "traj": [
        {"role": "user", "content": "Help."},
        {"role": "assistant", "content": null, "tool_calls":
            [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"n\": 1}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]})
}

fn write(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn bad_trajectories_are_refused_with_the_file_the_index_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);

    let missing = file("missing.json");
    let message = refusal(&["bench", "--quick", "--trajectories", missing.to_str().unwrap()]);
    assert!(message.starts_with(&format!("error: {}: ", missing.display())), "{message}");

    let path = write(&file("not.json"), "task_id,reward\n1,0\n");
    let message = refusal(&["bench", "--quick", "--trajectories", &path]);
    assert!(message.contains(&path) && message.contains("not JSON"), "{message}");

    let mut broken = trajectory();
    broken["traj"][2]["role"] = Value::Null;
    let entries = json!([trajectory(), trajectory(), trajectory(), broken, trajectory()]);
    let path = write(&file("broken.json"), &entries.to_string());
    let message = refusal(&["bench", "--quick", "--strict", "--trajectories", &path]);
    assert!(message.contains(&format!("{path}: trajectory 3: ")), "{message}");
    assert!(message.contains("messages[2].role"), "{message}");

    let bytes = file("bytes.json");
    fs::write(&bytes, [b'[', 0xff, b']']).unwrap();
    assert!(refusal(&["bench", "--trajectories", bytes.to_str().unwrap()]).contains("UTF-8"));
}

#[test]
fn an_unknown_section_is_refused_with_the_list_of_known_ones() {
    let message = refusal(&["bench", "--quick", "--only", "lokal"]);
    assert!(message.contains("`lokal`"), "{message}");
    for section in SECTIONS {
        assert!(message.contains(section.name), "{message}");
    }
}

#[test]
fn an_unwritable_result_is_refused_before_anything_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = folder.path().join("no such folder").join("results.json");
    for path in [nowhere.as_path(), folder.path()] {
        for option in ["--json", "--html"] {
            let message = refusal(&["bench", "--quick", option, path.to_str().unwrap()]);
            assert!(message.contains(&format!("{}: cannot be written", path.display())), "{message}");
        }
    }
    let plan = folder.path().join("plan.md");
    let message = refusal(&["bench", "--quick", "--only", "local", "--write-plan", plan.to_str().unwrap()]);
    assert!(message.contains(&plan.display().to_string()) && message.contains("`phase1`"), "{message}");
    let one = folder.path().join("one");
    let one = one.to_str().unwrap();
    let message = refusal(&["bench", "--quick", "--json", one, "--html", one]);
    assert!(message.contains(one) && message.contains("two files"), "{message}");
}

#[test]
fn a_network_that_cannot_be_is_refused_before_anything_is_measured() {
    assert!(refusal(&["bench", "--quick", "--rtt", "30"]).contains("--rtt: `30`"));
    assert!(refusal(&["bench", "--quick", "--url", "nonsense"]).contains("--url"));
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(refusal(&["bench", "--quick", "--url", &format!("http://{address}")]).contains("--url"));
}

#[test]
fn a_wrong_token_is_refused_and_a_right_one_is_nowhere_to_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let [json, page] = ["new.json", "new.html"].map(|name| folder.path().join(name));
    let runtime = Runtime::new().unwrap();
    let mut options = LabOptions::default();
    options.token = Some("the-right-token".into());
    let lab = runtime.block_on(Lab::start(options)).unwrap();
    let url = lab.url();
    let bench = ["bench", "--quick", "--only", "network", "--rounds", "6", "--url", &url];
    let files = ["--json", json.to_str().unwrap(), "--html", page.to_str().unwrap()];
    let message = refusal(&[&bench[..], &files, &["--token", "a-wrong-one"]].concat());
    assert!(message.contains("--url") && !message.contains("a-wrong-one"), "{message}");
    assert!(!json.exists() && !page.exists());

    let output = xtask(&[&bench[..], &files, &["--token", "the-right-token"]].concat());
    assert!(output.status.success(), "{output:?}");
    let written = [fs::read(&json).unwrap(), fs::read(&page).unwrap(), output.stdout, output.stderr];
    for text in written.map(|bytes| String::from_utf8(bytes).unwrap()) {
        assert!(!text.contains("the-right-token"), "{text}");
    }
    let report: Report = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert!(report.environment.command.unwrap().ends_with("--token …"));
    runtime.block_on(lab.stop());
}

#[test]
fn bad_traces_are_refused_with_the_file_and_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.txt");
    let message = refusal(&["bench", "--quick", "--trace", missing.to_str().unwrap()]);
    assert!(message.starts_with(&format!("error: {}: ", missing.display())), "{message}");
    let path = write(&folder.path().join("blocks.lis"), "0 4 0 0\n4 four 0 1\n");
    let message = refusal(&["bench", "--quick", "--trace", &path]);
    assert!(message.contains(&format!("{path}: line 2: ")), "{message}");
    let path = write(&folder.path().join("no.gz"), "not packed");
    assert!(refusal(&["bench", "--quick", "--trace", &path]).contains(&path));
}

#[test]
fn results_that_are_there_survive_a_refused_run() {
    let folder = tempfile::tempdir().unwrap();
    let results = write(&folder.path().join("results.json"), "precious");
    let missing = folder.path().join("missing.json");
    refusal(&["bench", "--json", &results, "--trajectories", missing.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(&results).unwrap(), "precious");
    // Nor is anything left that was not there.
    let [json, page] = ["new.json", "new.html"].map(|name| folder.path().join(name));
    let files = ["--json", json.to_str().unwrap(), "--html", page.to_str().unwrap()];
    refusal(&[&["bench", "--trajectories", missing.to_str().unwrap()], &files[..]].concat());
    refusal(&[&["bench", "--url", "nonsense"], &files[..]].concat());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn every_section_is_listed() {
    let output = xtask(&["bench", "--list"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert!(SECTIONS.iter().all(|section| text.contains(section.name) && text.contains(section.about)), "{text}");
}

#[test]
fn the_json_holds_the_same_numbers_as_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let mut episodes = vec![trajectory(); 3];
    // A run that crashed.
    let mut crashed = trajectory();
    crashed["traj"] = json!([]);
    episodes.push(crashed);
    let episodes = Value::from(episodes);
    let input = write(&folder.path().join("trajectories.json"), &episodes.to_string());
    // What was there, and longer, is replaced.
    let results = write(&folder.path().join("results.json"), &"x".repeat(1 << 20));
    let page = folder.path().join("report.html");
    let output = xtask(&[
        "bench",
        "--quick",
        "--only",
        "local",
        "--rounds",
        "6",
        "--population",
        "100",
        "--seed",
        "7",
        "--trajectories",
        &input,
        "--json",
        &results,
        "--html",
        page.to_str().unwrap(),
    ]);
    let (table, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{errors}");
    assert!(!errors.contains('\u{1b}'), "a progress bar where there is no terminal: {errors}");
    assert!(
        errors.contains("[1/1] local: about ") && errors.contains(&format!("report: {}", page.display())),
        "{errors}"
    );
    assert!(
        errors.contains("skipped 1 of 4 trajectories") && errors.contains("trajectory 3: `traj` is empty"),
        "{errors}"
    );
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");

    let report: Report = serde_json::from_str(&fs::read_to_string(&results).unwrap()).unwrap();
    assert_eq!(report.schema_version, SCHEMA_VERSION);
    assert_eq!((report.environment.seed, report.environment.rounds), (7, 6));
    assert_eq!((report.input.shape.episodes, report.input.shape.steps), (3, 3));
    assert_eq!(report.input.source, input);
    assert_eq!((report.complete, &report.stopped, report.sections.len()), (true, &None, 1));
    let ran = &report.sections[0];
    assert_eq!((ran.name.as_str(), ran.complete, ran.seconds > 0.0), ("local", true, true));
    let command = report.environment.command.as_deref().unwrap();
    assert!(command.starts_with("cargo xtask bench --quick --only local --rounds 6 "), "{command}");
    assert!(fs::read_to_string(&page).unwrap().contains("query_metadata/index"));
    for operation in ["store", "store_batch/1000", "delete", "get/cold", "get/warm", "hop", "query_metadata/index"] {
        assert!(report.results.iter().any(|row| row.operation == operation && row.system == "ours"), "{operation}");
    }
    let mut lines = table.lines().skip_while(|line| !line.starts_with('─')).skip(1);
    let mut operation = String::new();
    for row in &report.results {
        let line = lines.next().unwrap();
        if let Some(name) = line.split_whitespace().next().filter(|_| !line.starts_with(' ')) {
            name.clone_into(&mut operation);
        }
        assert_eq!(operation, row.operation, "{line}");
        same_numbers(row, line);
    }
}

/// Every figure of the row stands in its line of the table.
fn same_numbers(row: &Row, line: &str) {
    let cells: Vec<f64> =
        line.split_whitespace().filter_map(|cell| cell.trim_start_matches('x').parse().ok()).collect();
    let times = [row.median_ms_per_op, row.median_us_per_op, row.median_ns_per_op];
    assert_eq!(times.iter().flatten().count(), 1, "{row:?}");
    let ends = row.ci95.unwrap();
    let outliers = row.outliers.unwrap();
    let [least, most] = row.range.unwrap();
    assert!(least <= ends[0] && ends[1] <= most && outliers <= row.rounds.unwrap(), "{row:?}");
    let mut expected: Vec<f64> = times.into_iter().flatten().chain(ends).collect();
    expected.push(outliers.to_string().parse().unwrap());
    let tie = line.contains(" tie");
    assert_eq!(tie, row.verdict == Some(Verdict::Tie), "{line}");
    assert!(!tie || row.speedup_ci95.is_some_and(|[low, high]| low <= 1.0 && 1.0 <= high), "{row:?}");
    expected.extend(row.speedup.filter(|_| !tie));
    expected.extend(row.cost_vs_raw);
    expected.extend(row.cost_vs_raw_without_hop);
    let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&cells), bits(&expected), "{line}\n{row:?}");
}
