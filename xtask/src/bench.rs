//! `cargo xtask bench`

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, IsTerminal, Write, stderr, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, value_parser};
use indicatif::{ProgressBar, ProgressStyle};
use memory_benches::report::{Row, table};
use memory_benches::statistics::{MAX_ROUNDS, MIN_ROUNDS};
use memory_benches::{
    InputError, Peers, Progress, Report, SECTIONS, Scope, Section, ServerAddress, Settings, Trace, Trajectories,
};

use crate::{allocated, duration};

/// Episodes where no file gives them, as many as the real file has that the
/// generator was fitted to.
const GENERATED: u64 = 200;

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
    /// Run this trace through the caches too: one key a line, or ARC's `.lis`; may be packed by gzip, and given more
    /// than once
    #[arg(long, value_name = "FILE")]
    trace: Vec<PathBuf>,
    /// Write the results as JSON, by the schema in benches/SCHEMA.md
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
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
            writeln!(stdout(), "{:10} {}", section.name, section.about)?;
        }
        return Ok(());
    }
    // Whatever may be wrong with the input is found before anything is measured.
    let sections = sections(&options.only)?;
    let json = options.json.as_deref().map(Output::open).transpose()?;
    let mut settings = settings(options)?;
    settings.peers = options.peers.then(Peers::of_the_workspace).transpose()?;
    for section in &sections {
        (section.check)(&settings)?;
    }
    if cfg!(debug_assertions) {
        eprintln!("warning: not optimised, so that these figures mean nothing; `cargo xtask` is");
    }
    let mut results = Vec::new();
    for section in sections {
        results.extend(measure(section, &settings)?);
    }
    if let Some(json) = json {
        json.write(&Report::new(&settings, results))?;
    }
    Ok(())
}

fn sections(only: &[String]) -> Result<Vec<&'static Section>> {
    if let Some(unknown) = only.iter().find(|name| SECTIONS.iter().all(|section| section.name != **name)) {
        let known: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
        return Err(InputError::new(format!("no section `{unknown}`; there are: {}", known.join(", "))).into());
    }
    Ok(SECTIONS.iter().filter(|section| only.is_empty() || only.iter().any(|name| section.name == name)).collect())
}

fn settings(options: &Options) -> Result<Settings> {
    let trajectories = match &options.trajectories {
        Some(path) => Trajectories::read(path)?,
        None => Trajectories::generate(options.seed, GENERATED),
    };
    let scope = match (options.quick, options.full) {
        (true, _) => Scope::Quick,
        (_, true) => Scope::Full,
        _ => Scope::Default,
    };
    let mut settings = Settings::new(scope, options.seed, trajectories);
    if let Some(rounds) = options.rounds {
        settings.rounds = usize::try_from(rounds)?;
        settings.network.rounds = settings.rounds;
        settings.phase1.rounds = settings.rounds;
        settings.scale.rounds = settings.rounds;
        settings.cache.rounds = settings.rounds;
    }
    if let Some(population) = options.population {
        settings.population = usize::try_from(population)?;
    }
    settings.cache.traces = options.trace.iter().map(|path| Trace::read(path)).collect::<Result<_>>()?;
    settings.cache.count_allocated = Some(allocated::during);
    if let Some(rtt) = &options.rtt {
        settings.network.rtt = duration::parse("--rtt", rtt)?;
    }
    settings.network.tls_rtts = options.tls_rtts;
    let token = || options.token.clone().unwrap_or_default();
    settings.network.server = options.url.clone().map(|url| ServerAddress { url, token: token() });
    Ok(settings)
}

fn measure(section: &Section, settings: &Settings) -> Result<Vec<Row>> {
    let bar = Bar::new(section.name);
    let rows = (section.run)(settings, &bar).with_context(|| format!("section {}", section.name));
    bar.0.finish_and_clear();
    let rows = rows?;
    writeln!(stdout(), "\n{}: {}\n{}\n\n{}", section.name, section.about, (section.describe)(settings), table(&rows))?;
    Ok(rows)
}

/// A progress bar on standard error, shown only on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(section: &'static str) -> Self {
        let bar = if stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {percent:>3} %  {elapsed}  {msg}") {
            bar.set_style(style);
        }
        Self(bar.with_prefix(section))
    }
}

impl Progress for Bar {
    fn plan(&self, steps: u64) {
        self.0.inc_length(steps);
    }

    fn step(&self, what: &str) {
        self.0.set_message(what.to_owned());
        self.0.inc(1);
    }
}

/// A file that is known to be writable, and left as it was until the end.
struct Output<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Output<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| InputError::new(format!("{}: cannot be written: {error}", path.display())))?;
        Ok(Self { path, file })
    }

    fn write(self, report: &Report) -> Result<()> {
        let Self { path, file } = self;
        let write = || -> Result<()> {
            // A pipe or a device has no length to set.
            if file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            let mut writer = BufWriter::new(&file);
            serde_json::to_writer_pretty(&mut writer, report)?;
            writeln!(writer)?;
            Ok(writer.flush()?)
        };
        write().with_context(|| format!("write {}", path.display()))
    }
}
