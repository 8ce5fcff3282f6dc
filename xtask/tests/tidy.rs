//! `cargo xtask tidy` on this workspace.

use std::process::Command;

#[test]
fn the_house_rules_are_kept() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
