//! What a run leaves behind.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Error, Result};
use memory_benches::report::html;
use memory_benches::{InputError, Report, Section};

use super::Options;
use super::output::Output;
use crate::{plan, workspace};

/// The files of one run.
#[derive(Debug)]
pub(super) struct Files {
    json: Option<Output>,
    html: Option<Output>,
    /// A plan, and its text.
    plan: Option<(Output, String)>,
}

impl Files {
    /// Finds out whether they can be written.
    pub(super) fn check(options: &Options, sections: &[&Section]) -> Result<Self> {
        let plan = options.write_plan.as_deref().map(|path| check_plan(path, sections)).transpose()?;
        let json = options.json.as_deref().map(Output::check).transpose()?;
        let html = match options.html.as_deref() {
            Some(path) => Some(Output::check(path)?),
            None => unasked(&default_html(options.quick)),
        };
        let plans = plan.as_ref().map(|(output, _)| output);
        let paths: Vec<_> = [json.as_ref(), html.as_ref(), plans].into_iter().flatten().map(Output::path).collect();
        if let Some(twice) = paths.iter().enumerate().find(|(index, path)| paths[..*index].contains(path)) {
            let path = twice.1.display();
            return Err(InputError::new(format!("{path}: given for two files; they would overwrite each other")).into());
        }
        Ok(Self { json, html, plan })
    }

    /// Writes them, and says where a person finds the report.
    pub(super) fn write(self, report: &Report) -> Result<()> {
        let json = self.json.map_or(Ok(()), |json| json.write(&(serde_json::to_string_pretty(report)? + "\n")));
        if let Some(page) = self.html {
            let path = page.path().to_owned();
            page.write(&html(report))?;
            eprintln!("report: {}", path.display());
        }
        match self.plan {
            Some((plan, text)) if report.complete => plan.write(&plan::rewrite(&text, report).map_err(Error::msg)?)?,
            Some((plan, _)) => eprintln!("{}: left as it is, since not everything was measured", plan.path().display()),
            None => {}
        }
        json
    }
}

/// Finds out whether a plan is there and can be rewritten.
fn check_plan(path: &Path, sections: &[&Section]) -> Result<(Output, String), InputError> {
    let refused = |why: &str| InputError::new(format!("--write-plan {}: {why}", path.display()));
    if sections.iter().all(|section| section.name != plan::SECTION) {
        return Err(refused(&format!(
            "it holds the results of section `{}`, which is not among those to measure",
            plan::SECTION
        )));
    }
    // The default is meant from wherever the command is called.
    let path = if path == Path::new(plan::PLAN) { workspace::root().join(path) } else { path.to_owned() };
    let text = fs::read_to_string(&path).map_err(|error| refused(&error.to_string()))?;
    plan::check(&text).map_err(|why| refused(&why))?;
    Ok((Output::check(path)?, text))
}

/// Where the page goes that nobody gave a path for.
fn default_html(quick: bool) -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace::root().join("target"), PathBuf::from);
    target.join("bench").join(if quick { "report-quick.html" } else { "report.html" })
}

/// A file that nobody asked for: where it cannot be written, the run goes on
/// without it.
fn unasked(path: &Path) -> Option<Output> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let output = folder.map_err(|error| format!("{}: cannot be written: {error}", path.display()));
    let output = output.and_then(|()| Output::check(path).map_err(|error| error.to_string()));
    output.inspect_err(|error| eprintln!("warning: no page will be written: {error}")).ok()
}
