//! `cargo xtask tidy`: the house rules that a machine can check.

mod code;
mod diagram;
mod layers;
mod paths;
mod rules;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{plan, workspace};
use code::Code;
use rules::{RULES, machine_paths};

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The line, from 1.
    line: usize,
    /// What to do about it.
    advice: String,
}

impl Finding {
    fn new(line: usize, advice: impl Into<String>) -> Self {
        Self { line, advice: advice.into() }
    }
}

#[derive(Args, Debug, Default)]
pub(crate) struct Options {
    /// Look at this folder instead of the workspace
    folder: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let root = options.folder.clone().unwrap_or_else(workspace::root);
    let (mut files, mut findings) = (0, 0);
    for path in text_files(&root)? {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        let name = path.strip_prefix(&root).unwrap_or(&path);
        files += 1;
        for Finding { line, advice } in check(name, &text, &|file| path.with_file_name(file).exists()) {
            findings += 1;
            println!("{}:{line}: {advice}", name.display());
        }
    }
    for (name, Finding { line, advice }) in layers::check(&root)? {
        findings += 1;
        println!("{}:{line}: {advice}", name.display());
    }
    if findings > 0 {
        bail!("{findings} findings in {files} files");
    }
    println!("tidy: {files} files, nothing to do");
    Ok(())
}

/// Everything wrong with one file, by its path in the workspace, its text and
/// whether a file is beside it.
fn check(name: &Path, text: &str, beside: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = machine_paths(name, text);
    if name.extension() == Some(OsStr::new("rs")) {
        let code = Code::of(text);
        findings.extend(RULES.iter().flat_map(|rule| rule(name, &code)));
    }
    if name.ends_with("Cargo.toml") && text.contains("[package]") && !beside("README.md") {
        findings.push(Finding::new(1, "a crate without README.md: write its front page, a sentence and a program"));
    }
    if name == Path::new(plan::PLAN) {
        findings.extend(plan::fault(text).map(|(line, advice)| Finding::new(line, advice)));
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// The workspace's own text files, in order of path.
fn text_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))? {
            let entry = entry?;
            let name = entry.file_name();
            let kind = entry.file_type()?;
            let generated = name == "target" || name == "proptest-regressions" || name.as_encoded_bytes()[0] == b'.';
            let known = ["rs", "toml", "md", "sh", "yml", "yaml", "json"];
            if kind.is_dir() && !generated {
                folders.push(entry.path());
            } else if kind.is_file()
                && entry.path().extension().is_some_and(|end| known.iter().any(|known| end == *known))
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
