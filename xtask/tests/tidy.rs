//! `cargo xtask tidy`, as a command.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests call for no part of them")]

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

/// A small workspace with a map: `top` may import from `base`.
fn workspace_with_layers() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "plans/ARCHITECTURE.md",
        "```mermaid\n%% crates of the workspace\ngraph TD\n  a --> b\n```\n\
         ```mermaid\n%% modules of a/src\ngraph TD\n  top --> base\n```\n",
    );
    for name in ["a", "b"] {
        write(&format!("{name}/README.md"), "A crate.\n");
        write(&format!("{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\n\n[dependencies]\n"));
    }
    write("a/src/lib.rs", "mod base;\nmod top;\npub use top::Top;\n");
    write("a/src/base.rs", "pub struct Base;\n");
    write("a/src/top/mod.rs", "mod inner;\npub struct Top(crate::base::Base);\n");
    write("a/src/top/inner.rs", "use super::super::base::Base;\n");
    folder
}

fn tidy(folder: &tempfile::TempDir) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("tidy").arg(folder.path()).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn an_import_against_the_layers_fails() {
    let folder = workspace_with_layers();
    let (success, found) = tidy(&folder);
    assert!(success, "{found}");

    for upward in ["use crate::top;\n", "//! Base.\nuse super::top::inner;\n", "fn f(_: crate::Top) {}\n"] {
        fs::write(folder.path().join("a/src/base.rs"), upward).unwrap();
        let (success, found) = tidy(&folder);
        assert!(!success && found.contains("`base` must not import from `top`"), "{upward}: {found}");
    }
    // Tests may import what they test, in a file of their own, too.
    fs::write(folder.path().join("a/src/base.rs"), "#[cfg(test)]\nmod tests;\n").unwrap();
    fs::create_dir(folder.path().join("a/src/base")).unwrap();
    fs::write(folder.path().join("a/src/base/tests.rs"), "use crate::top;\n").unwrap();
    assert!(tidy(&folder).0);
    fs::write(folder.path().join("a/src/base.rs"), "#[cfg(test)]\nmod tests {\n    use crate::top;\n}\n").unwrap();
    assert!(tidy(&folder).0);
}

#[test]
fn what_the_map_does_not_show_fails() {
    let folder = workspace_with_layers();
    fs::write(folder.path().join("a/src/new.rs"), "pub struct New;\n").unwrap();
    let (success, found) = tidy(&folder);
    assert!(!success && found.contains("a/src/new.rs:1: the module `new`"), "{found}");
    fs::remove_file(folder.path().join("a/src/new.rs")).unwrap();

    let manifest = folder.path().join("b/Cargo.toml");
    fs::write(&manifest, "[package]\nname = \"b\"\n\n[dependencies]\na.workspace = true\n").unwrap();
    let (success, found) = tidy(&folder);
    assert!(!success && found.contains("b/Cargo.toml:5: `b` must not depend on `a`"), "{found}");
    fs::write(&manifest, "[package]\nname = \"b\"\n\n[dev-dependencies]\na.workspace = true\n").unwrap();
    assert!(tidy(&folder).0);

    fs::write(
        folder.path().join("plans/ARCHITECTURE.md"),
        "```mermaid\n%% modules of a/src\ngraph TD\n  top --> base\n  base --> top\n```\n",
    )
    .unwrap();
    let (success, found) = tidy(&folder);
    assert!(!success && found.contains("cycle"), "{found}");
}
