//! The layer rule: dependencies follow the diagrams of `plans/ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Finding;
use super::diagram::{Diagram, Subject};
use super::paths::{Mention, Reexports, test_modules};

/// The file with the diagrams.
pub(super) const MAP: &str = "plans/ARCHITECTURE.md";

/// Checks a workspace against its diagrams, and returns the findings by file.
pub(super) fn check(root: &Path) -> Result<Vec<(PathBuf, Finding)>> {
    let map = root.join(MAP);
    if !map.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&map).with_context(|| format!("read {}", map.display()))?;
    let mut findings = Vec::new();
    for diagram in Diagram::all(&text) {
        if let Some(node) = diagram.cycle() {
            let advice = format!("the layer diagram has a cycle through `{node}`: layers depend one way");
            findings.push((PathBuf::from(MAP), Finding::new(diagram.line, advice)));
        }
        match &diagram.subject {
            Subject::Crates => crates(root, &diagram, &mut findings)?,
            Subject::Modules(folder) => modules(root, folder, &diagram, &mut findings)?,
        }
    }
    Ok(findings)
}

/// Checks the dependencies between the packages of the workspace.
fn crates(root: &Path, diagram: &Diagram, findings: &mut Vec<(PathBuf, Finding)>) -> Result<()> {
    let mut manifests = BTreeMap::new();
    for path in super::text_files(root)?.into_iter().filter(|path| path.ends_with("Cargo.toml")) {
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        if let Some(name) = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')) {
            manifests.insert(name.to_owned(), (path, text));
        }
    }
    for (name, (path, text)) in &manifests {
        // Packages outside the workspace depend on nothing of it but the words they speak.
        if text.contains("\n[workspace]") {
            continue;
        }
        let relative = path.strip_prefix(root).unwrap_or(path);
        if !diagram.shows(name) {
            let advice = format!("the package `{name}` is not in the crate diagram of {MAP}: draw it");
            findings.push((relative.to_owned(), Finding::new(1, advice)));
            continue;
        }
        for (line, dependency) in dependencies(text).filter(|(_, dependency)| manifests.contains_key(*dependency)) {
            if !diagram.leads(name, dependency) {
                let advice = format!("`{name}` must not depend on `{dependency}`: no arrow of {MAP} leads there");
                findings.push((relative.to_owned(), Finding::new(line, advice)));
            }
        }
    }
    Ok(())
}

/// The lines and names of a manifest's dependencies, without those of tests.
fn dependencies(manifest: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    manifest.lines().zip(1..).filter_map(move |(line, number)| {
        if line.starts_with('[') {
            inside = line == "[dependencies]" || line.ends_with(".dependencies]");
            return None;
        }
        let name = line.split(['=', '.', ' ']).next().filter(|name| inside && !name.is_empty())?;
        Some((number, name))
    })
}

/// Checks the imports between the modules of a folder.
fn modules(root: &Path, folder: &str, diagram: &Diagram, findings: &mut Vec<(PathBuf, Finding)>) -> Result<()> {
    let sources: Vec<_> = super::text_files(root)?
        .into_iter()
        .filter_map(|path| path.strip_prefix(root).ok().map(Path::to_owned))
        .filter(|path| path.starts_with(folder) && path.extension().is_some_and(|end| end == "rs"))
        .collect();
    let prefix = module_path(Path::new(folder));
    let read = |path: &Path| fs::read_to_string(root.join(path)).with_context(|| format!("read {}", path.display()));
    let is_root = |path: &Path| module_path(path) == prefix;

    let mut reexports = Reexports::default();
    for path in sources.iter().filter(|path| is_root(path)) {
        reexports = Reexports::of(&read(path)?, path)?;
    }
    let mut tests = Vec::new();
    for path in &sources {
        tests.extend(test_modules(&read(path)?, &module_path(path), path)?);
    }
    let mut shown = BTreeSet::new();
    for path in sources.iter().filter(|path| !is_root(path)) {
        let module = module_path(path);
        if tests.iter().any(|test| module.starts_with(test)) {
            continue;
        }
        let from = &module[prefix.len()];
        if !diagram.shows(from) && shown.insert(from.clone()) {
            let advice = format!("the module `{from}` of {folder} is not in its diagram of {MAP}: draw it");
            findings.push((path.clone(), Finding::new(1, advice)));
        }
        for Mention { line, path: mentioned } in Mention::all(&read(path)?, &module, path)? {
            let Some(inside) = mentioned.strip_prefix(prefix.as_slice()) else { continue };
            let Some(to) = inside.first().and_then(|name| reexports.module(name)) else { continue };
            if to != from && !diagram.leads(from, to) {
                let advice = format!("`{from}` must not import from `{to}`: no arrow of {MAP} leads there");
                findings.push((path.clone(), Finding::new(line, advice)));
            }
        }
    }
    Ok(())
}

/// The path of the module that a source file or a folder of them holds, from its crate's root.
fn module_path(path: &Path) -> Vec<String> {
    let names = path.with_extension("");
    let names = names.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.skip_while(|name| name != "src").skip(1).collect();
    names.pop_if(|last| last == "mod" || last == "lib" || last == "main");
    names
}
