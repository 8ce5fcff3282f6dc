//! Memory that a hostile answer takes. A process of its own, since the test looks
//! at the most that the process ever took.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

#[path = "world/answers.rs"]
mod answers;

use answers::{Answers, answer};
use memory_storage_turso::{BatchConfig, TursoStorage};

/// The most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

const BYTES: usize = 40 << 20;

/// Lists of short items that are large in memory: results, errors, columns,
/// rows, values, and a field that nobody asked for. Each is 40 MiB long, which
/// took up to 1.2 GB.
#[tokio::test]
async fn an_answer_takes_a_few_times_its_bytes_whatever_is_in_it() {
    let once = BatchConfig { max_retries: 0, ..BatchConfig::default() };
    let step = |rows: &str| (format!(r#"{{"cols":[],"rows":[{rows}"#), "]}".to_owned());
    let value = |value: &str| step(&format!(r#"[{{"type":"null","value":[{value}"#));
    let cases = [
        ((String::new(), String::new()), "null,"),
        ((r#"{"cols":["#.to_owned(), r#"],"rows":[]}"#.to_owned()), "{},"),
        (step(""), "[],"),
        (step(""), r#"[{"type":"null"}],"#),
        (step("["), r#"{"type":"null"},"#),
        (value(""), "0,"),
    ];
    for ((before, after), item) in cases {
        let items = item.repeat(BYTES / item.len());
        let items = items.trim_end_matches(',');
        let mut body =
            format!(r#"{{"results":[{{"type":"ok","response":{{"type":"batch","result":{{"step_results":[{before}"#);
        body.push_str(items);
        body.push_str(&after);
        body.push_str(r#"],"step_errors":[null]}}}]}"#);
        let server = Answers::with(answer("200 OK", &[("content-type", "application/json")], body.as_bytes())).await;
        drop(body);
        let before = peak();
        // What is skipped is no error.
        drop(TursoStorage::builder().batch(once.clone()).remote(&server.url, "").await);
        let taken = peak() - before;
        assert!(taken < 5 * BYTES, "{item} {taken} bytes");
    }
}
