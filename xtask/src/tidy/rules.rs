//! The rules. Each takes a file and says where it is broken, and what to do.

use std::path::Path;

use super::Finding;
use super::code::Code;

type Rule = fn(&Path, &Code<'_>) -> Vec<Finding>;

/// The rules for Rust source.
pub(super) const RULES: &[Rule] = &[length, skipped_tests, unfinished, sleeping_tests, unexplained_allow, built_sql];

const MAX_LINES: usize = 400;
/// Files in which SQL may hold what is no constant: the name of a checked key, and numbers of pragmas.
const BUILDS_SQL: [&str; 2] =
    ["memory-storage-turso/src/schema/index.rs", "memory-storage-turso/src/transport/local/pragma.rs"];
/// How folders of a particular machine begin.
const MACHINE_PATHS: [&str; 6] = ["/work/", "/tmp/", "/root/", "/home/", "/Users/", "../shared"];
const SQL: [&str; 11] =
    ["SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "PRAGMA", "WITH", "REPLACE", "EXPLAIN"];

fn length(_: &Path, code: &Code<'_>) -> Vec<Finding> {
    let lines = code.text.lines().count();
    let advice = || format!("{lines} lines: find the two ideas in it and give each a file of at most {MAX_LINES}");
    if lines > MAX_LINES { vec![Finding::new(MAX_LINES + 1, advice())] } else { Vec::new() }
}

fn skipped_tests(_: &Path, code: &Code<'_>) -> Vec<Finding> {
    each(code, "#[ignore", "a test that does not run: make it run, or delete it")
}

fn unfinished(_: &Path, code: &Code<'_>) -> Vec<Finding> {
    let words = ["todo!(", "unimplemented!(", "dbg!("];
    words.iter().flat_map(|word| each(code, word, &format!("`{word}…)` is left over: finish it"))).collect()
}

fn sleeping_tests(name: &Path, code: &Code<'_>) -> Vec<Finding> {
    let advice = "a test that sleeps: wait for what is to happen, or inject the time";
    let sleeps = ["thread::sleep(", "time::sleep("].iter().flat_map(|word| code.find(word).map(move |at| (*word, at)));
    let sleeps = sleeps.filter(|(word, at)| *word == "thread::sleep(" || !is_paused(&code.code[..*at]));
    let sleeps = sleeps.map(|(_, at)| Finding::new(code.line(at), advice));
    sleeps.filter(|finding| finding.line >= tests_from(name, code)).collect()
}

/// Whether the last test that begins in this code has tokio's time stand still,
/// in which a sleep takes none.
fn is_paused(before: &str) -> bool {
    let attribute = before.rfind("#[tokio::test").map(|at| &before[at..]);
    attribute.and_then(|attribute| attribute.split(']').next()).is_some_and(|text| text.contains("start_paused = true"))
}

/// The line from which on a file is tests.
fn tests_from(name: &Path, code: &Code<'_>) -> usize {
    if name.components().any(|part| part.as_os_str() == "tests") || name.ends_with("tests.rs") {
        return 1;
    }
    code.find("#[cfg(test)]\nmod ").next().map_or(usize::MAX, |offset| code.line(offset))
}

fn unexplained_allow(_: &Path, code: &Code<'_>) -> Vec<Finding> {
    let allows = ["#[allow(", "#![allow("].iter().flat_map(|word| code.find(word));
    let unexplained = allows.filter(|offset| {
        let attribute = &code.code[*offset..];
        !attribute[..attribute.find(")]").unwrap_or(attribute.len())].contains("reason")
    });
    let advice = "an allowed lint without a reason: fix it, or `#[expect(…, reason = \"…\")]` it";
    unexplained.map(|offset| Finding::new(code.line(offset), advice)).collect()
}

fn built_sql(name: &Path, code: &Code<'_>) -> Vec<Finding> {
    if BUILDS_SQL.iter().any(|file| name == Path::new(file)) {
        return Vec::new();
    }
    let built = code.find("format!(").filter(|offset| {
        let argument = code.text[offset + "format!(".len()..].trim_start();
        let Some(literal) = argument.trim_start_matches(['r', '#']).strip_prefix('"') else { return false };
        let literal = literal.trim_start_matches(|c: char| c.is_whitespace() || c == '\\');
        SQL.iter().any(|word| literal.strip_prefix(word).is_some_and(|rest| rest.starts_with(char::is_whitespace)))
    });
    let advice = "SQL put together at run time: make it a constant and bind the values";
    let built = built.map(|offset| Finding::new(code.line(offset), advice));
    built.filter(|finding| finding.line < tests_from(name, code)).collect()
}

/// Paths that only one machine has, in any text file.
pub(super) fn machine_paths(name: &Path, text: &str) -> Vec<Finding> {
    // This file names them.
    if name == Path::new("xtask/src/tidy/rules.rs") {
        return Vec::new();
    }
    let starts_a_path = |line: &str, offset: usize| {
        !line[..offset].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '}' | '>'))
    };
    let names = |line: &str| {
        let mut found = MACHINE_PATHS.iter().flat_map(|path| line.match_indices(path));
        found.any(|(offset, path)| path.starts_with('.') || starts_a_path(line, offset))
    };
    let advice = "a path of one machine: take it as an argument, or use a temporary folder";
    let lines = text.lines().zip(1..).filter(|(line, _)| names(line));
    lines.map(|(_, number)| Finding::new(number, advice)).collect()
}

fn each(code: &Code<'_>, word: &str, advice: &str) -> Vec<Finding> {
    code.find(word).map(|offset| Finding::new(code.line(offset), advice)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn lines(name: &str, text: &str) -> Vec<usize> {
        check(Path::new(name), text, &|_| false).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn each_rule_names_the_line() {
        let long = "// x\n".repeat(401);
        for (name, text, found) in [
            ("a/src/x.rs", long.as_str(), 401),
            ("a/src/x.rs", "\n#[ignore]\nfn f() {}", 2),
            ("a/src/x.rs", "#[ignore = \"slow\"]\nfn f() {}", 1),
            ("a/src/x.rs", "fn f() {\n    todo!()\n}", 2),
            ("a/src/x.rs", "fn f() {\n    dbg!(1);\n}", 2),
            ("a/tests/x.rs", "fn f() {\n    std::thread::sleep(d);\n}", 2),
            ("a/src/x.rs", "#[cfg(test)]\nmod tests {\n    tokio::time::sleep(d).await;\n}", 3),
            ("a/tests/x.rs", "#[tokio::test(start_paused = true)]\nfn f() {\n    std::thread::sleep(d);\n}", 3),
            (
                "a/tests/x.rs",
                "#[tokio::test(start_paused = true)]\n#[tokio::test]\nfn f() {\n    time::sleep(d);\n}",
                4,
            ),
            ("a/src/x.rs", "#[allow(dead_code)]\nfn f() {}", 1),
            ("a/src/x.rs", "#![allow(\n    dead_code,\n)]\n", 1),
            ("a/src/x.rs", "let s =\n    format!(\"SELECT {x} FROM t\");", 2),
            ("a/src/x.rs", "let s = format!(\n    r#\"\n  DELETE FROM {t}\"#);", 1),
            ("a/src/x.rs", "let p = \"/work/data\";", 1),
            ("README.md", "See\n`../shared/data`.", 2),
            ("a/Cargo.toml", "[package]\nname = \"a\"", 1),
            ("plans/PHASE1_OPTIMIZATION_COMPLETE.md", "# Plan without results\n", 1),
        ] {
            assert_eq!(lines(name, text), [found], "{text}");
        }
    }

    #[test]
    fn what_is_fine_is_not_named() {
        let long = "// x\n".repeat(400);
        for (name, text) in [
            ("a/src/x.rs", long.as_str()),
            ("a/src/x.rs", "// todo!() and #[ignore]\nlet s = \"dbg!(x) #[allow(x)]\";"),
            ("a/src/x.rs", "fn wait() {\n    thread::sleep(d);\n}\n#[cfg(test)]\nmod tests {}"),
            ("a/tests/x.rs", "#[tokio::test(start_paused = true)]\nfn f() {\n    tokio::time::sleep(d).await;\n}"),
            ("a/src/x.rs", "#[expect(dead_code, reason = \"why\")]\n#[allow(unused, reason = \"why\")]\nfn f() {}"),
            ("a/src/x.rs", "let s = format!(\"SELECTED {x}\"); let t = format!(\"{x} SELECT \");"),
            ("a/src/x.rs", "#[cfg(test)]\nmod tests {\n    f(&format!(\"SELECT {n}\"));\n}"),
            (BUILDS_SQL[0], "format!(\"CREATE INDEX {i}\")"),
            ("a/src/x.rs", "use framework::work; let u = \"https://example.org/home/x\";"),
            ("Cargo.toml", "[workspace]"),
        ] {
            assert_eq!(lines(name, text), [0; 0], "{text}");
        }
        assert!(check(Path::new("a/Cargo.toml"), "[package]", &|file| file == "README.md").is_empty());
    }
}
