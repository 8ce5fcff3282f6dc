//! `cargo xtask soak`, from the outside.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::process::{Command, Output};

fn soak(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).arg("soak").args(arguments).output().unwrap()
}

#[test]
fn a_soak_of_nothing_is_refused() {
    let output = soak(&[]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{message}");
    assert!(message.contains("--coherence") && message.contains("--kill") && message.lines().count() == 1, "{message}");
}

#[test]
fn a_soak_says_what_it_has_checked() {
    let output = soak(&["--coherence", "--histories", "4"]);
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = "4 histories from seed 1, 2 of them with entries that expire";
    assert!(output.status.success() && said.contains(expected), "{said}");
}

#[test]
fn a_writer_that_is_killed_loses_and_tears_nothing() {
    for backend in ["redb", "local"] {
        let output = soak(&["--kill", backend, "--cycles", "3", "--seed", "5"]);
        let said = String::from_utf8(output.stdout).unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{message}");
        assert!(said.starts_with(&format!("kill {backend}: 3 times killed from seed 5, ")), "{said}");
    }
}
