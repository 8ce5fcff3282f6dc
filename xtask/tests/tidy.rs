//! `cargo xtask tidy`, as a command.

use std::fs;
use std::process::Command;

#[test]
fn findings_are_named_by_file_and_line_and_fail() {
    let folder = tempfile::tempdir().unwrap();
    let tidy = || Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").arg(folder.path()).output().unwrap();
    fs::create_dir_all(folder.path().join("a/src")).unwrap();
    fs::write(folder.path().join("a/src/lib.rs"), "//! Fine.\n").unwrap();
    assert!(tidy().status.success());

    fs::write(folder.path().join("a/src/lib.rs"), "//! Not yet.\nfn f() {\n    todo!()\n}\n").unwrap();
    fs::create_dir_all(folder.path().join("target")).unwrap();
    fs::write(folder.path().join("target/made.rs"), "fn f() {\n    todo!()\n}\n").unwrap();
    let output = tidy();
    assert_eq!(output.status.code(), Some(1));
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(found.starts_with("a/src/lib.rs:3: ") && found.lines().count() == 1, "{found}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("1 findings in 1 files"));
}
