//! `cargo xtask bench`

mod command_line;
mod files;
mod interrupt;
mod output;
mod progress;
mod settings;
mod time_left;

use std::env;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, value_parser};
use memory_benches::report::table;
use memory_benches::statistics::{MAX_ROUNDS, MIN_ROUNDS};
use memory_benches::{Progress, Ran, Report, SECTIONS, Section, Settings, Stopped};

use self::command_line::command_line;
use self::files::Files;
use self::interrupt::Interrupt;
pub(crate) use self::interrupt::{EXIT_CODE as INTERRUPTED, Interrupted, interrupts};
use self::progress::Shown;
use crate::plan;

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a flag is a bool")]
pub(crate) struct Options {
    /// Measure with fewer rounds and smaller populations
    #[arg(long)]
    quick: bool,
    /// Measure everything there is, however long it takes
    #[arg(long, conflicts_with = "quick")]
    full: bool,
    /// Measure this section alone; may be given more than once
    #[arg(long, value_name = "SECTION")]
    only: Vec<String>,
    /// Store the episodes of this file, in the format of τ-bench, instead of generated ones
    #[arg(long, value_name = "FILE")]
    trajectories: Option<PathBuf>,
    /// Refuse a file of trajectories with one that cannot be read, instead of skipping it
    #[arg(long, requires = "trajectories")]
    strict: bool,
    /// Run this trace through the caches too: one key a line, or ARC's `.lis`; may be packed by gzip, and given more
    /// than once
    #[arg(long, value_name = "FILE")]
    trace: Vec<PathBuf>,
    /// Write the results as JSON, by the schema in benches/SCHEMA.md
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Write the report as a page for a browser. Default: bench/report.html in the target folder, report-quick.html
    /// with --quick
    #[arg(long, value_name = "PATH")]
    html: Option<PathBuf>,
    /// Rewrite the results in this plan from section `phase1`. Default: the one in `plans`
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = plan::PLAN)]
    write_plan: Option<PathBuf>,
    /// Draw everything random from this
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Measure so many rounds
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(MIN_ROUNDS as u64..=MAX_ROUNDS as u64))]
    rounds: Option<u64>,
    /// Let queries search so many small episodes
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(100..=1_000_000))]
    population: Option<u64>,
    /// Add this round-trip time to the network, such as `30ms` or `1.5s`. Default: 30ms
    #[arg(long, value_name = "TIME", conflicts_with = "url")]
    rtt: Option<String>,
    /// Let a new connection cost so many round trips beyond its own one, as TLS would
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "url")]
    tls_rtts: u32,
    /// Measure this server across a network, instead of the lab; it gets our schema, an index on the
    /// metadata key `session`, and records that are deleted at the end
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The bearer token for that server
    #[arg(long, value_name = "TOKEN", requires = "url")]
    token: Option<String>,
    /// Measure rusqlite and the crate do-memory-storage-turso too, which are built for it, in minutes
    #[arg(long)]
    peers: bool,
    /// List the sections, and measure nothing
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.list {
        for section in SECTIONS {
            writeln!(stdout(), "{:12} {}", section.name, section.about)?;
        }
        return Ok(());
    }
    // Whatever may be wrong with the input is found before anything is measured.
    let sections = settings::sections(&options.only)?;
    let files = Files::check(options, &sections)?;
    let settings = settings::settings(options)?;
    for section in &sections {
        (section.check)(&settings)?;
    }
    if cfg!(debug_assertions) {
        eprintln!("warning: not optimised, so that these figures mean nothing; `cargo xtask` is");
    }
    let interrupt = Interrupt::listen()?;
    let progress = Shown::new(&sections, settings.scope, interrupt.clone());
    let mut report = Report::new(&settings, Vec::new());
    report.environment.command = Some(command_line(env::args().skip(1)));
    let mut measured = Ok(());
    for section in sections {
        measured = measure(section, &settings, &progress, &mut report);
        if measured.is_err() || interrupt.happened() {
            break;
        }
    }
    progress.finish();
    // One that failed because it was told to stop did not fail.
    if interrupt.happened() {
        report.stop(Stopped::Interrupt);
        measured = Err(Interrupted.into());
    } else if let Err(error) = &measured {
        report.stop(Stopped::Failure(format!("{error:#}")));
    }
    files.write(&report)?;
    eprint!("{}", settings.trajectories.oddities);
    measured
}

/// Measures one section, prints its table, and adds it to the report.
fn measure(section: &Section, settings: &Settings, progress: &Shown, report: &mut Report) -> Result<()> {
    progress.begin(section);
    let rows = (section.run)(settings, progress).with_context(|| format!("section {}", section.name));
    let took = progress.end();
    let complete = rows.is_ok() && !progress.is_cancelled();
    report.sections.push(Ran::new(section, settings, took.as_secs_f64(), complete));
    let rows = rows?;
    let Section { name, about, describe, .. } = section;
    let table = table(&rows);
    progress.print(|| writeln!(stdout(), "\n{name}: {about}\n{}\n\n{table}", describe(settings)))?;
    report.add(settings, rows);
    Ok(())
}
