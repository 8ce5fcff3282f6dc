//! `cargo xtask test`

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{tidy, workspace};

/// What CI runs, by name: the arguments of cargo, and flags for rustdoc.
const STEPS: &[(&str, &[&str], &str)] = &[
    ("format", &["fmt", "--all", "--check"], ""),
    // Outside the workspace, where `--all` does not reach.
    ("format", &["fmt", "--check", "--manifest-path", "benches/peers/rusqlite/Cargo.toml"], ""),
    ("format", &["fmt", "--check", "--manifest-path", "benches/peers/do-memory-storage-turso/Cargo.toml"], ""),
    ("lint", &["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"], ""),
    ("lint", &feature_set(""), ""),
    ("lint", &feature_set("local"), ""),
    ("lint", &feature_set("remote"), ""),
    ("lint", &feature_set("metrics"), ""),
    ("lint", &feature_set("local,metrics"), ""),
    ("lint", &feature_set("remote,metrics"), ""),
    ("docs", &["doc", "--workspace", "--all-features", "--no-deps", "--locked"], "-D warnings"),
    ("tests", &["test", "--workspace", "--all-features", "--locked"], ""),
    // What any crate in a user's tree may switch on for all: numbers of any
    // length, and objects in the order written.
    (
        "tests with other features of serde_json",
        &[
            "test",
            "--workspace",
            "--all-features",
            "--features",
            "serde_json/arbitrary_precision,serde_json/preserve_order",
            "--locked",
            "--test",
            "chat",
            "--test",
            "codec",
            "--test",
            "queries",
            "--test",
            "reference",
            "--test",
            "conformance",
            "--test",
            "remote_conformance",
        ],
        "",
    ),
];

/// The lint of `memory-storage-turso` with these features alone. All of them
/// together are linted with the workspace.
const fn feature_set(features: &'static str) -> [&'static str; 11] {
    [
        "clippy",
        "--package",
        "memory-storage-turso",
        "--lib",
        "--locked",
        "--no-default-features",
        "--features",
        features,
        "--",
        "-D",
        "warnings",
    ]
}

const QUICK_BENCH: (&str, &[&str], &str) =
    ("bench", &["run", "--quiet", "--release", "--locked", "--package", "xtask", "--", "bench", "--quick"], "");

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    for step in STEPS {
        cargo(&root, step)?;
    }
    println!("\n$ cargo xtask tidy");
    tidy::run(&tidy::Options::default()).context("tidy failed")?;
    cargo(&root, &QUICK_BENCH)?;
    println!("\nall checks passed");
    Ok(())
}

fn cargo(root: &Path, (name, arguments, rustdocflags): &(&str, &[&str], &str)) -> Result<()> {
    println!("\n$ cargo {}", arguments.join(" "));
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(*arguments).current_dir(root);
    if !rustdocflags.is_empty() {
        command.env("RUSTDOCFLAGS", rustdocflags);
    }
    let status = command.status().with_context(|| format!("{name}: start cargo"))?;
    if !status.success() {
        bail!("{name} failed: cargo {} ({status})", arguments.join(" "));
    }
    Ok(())
}
