//! `cargo xtask soak`

use std::io::{IsTerminal, stderr};

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};
use memory_benches::InputError;
use memory_conformance::history::history;
use memory_storage_turso::{CacheConfig, CachedStorage};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Random histories over the cached storage, each of whose answers is checked
    #[arg(long)]
    coherence: bool,
    /// How many histories
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    histories: u64,
    /// The seed of the first; the next ones count on from it
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.coherence {
        return Err(InputError::new("soak: nothing was chosen to run; give `--coherence`").into());
    }
    let config = CacheConfig::default();
    let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let progress = ProgressBar::with_draw_target(Some(options.histories), target);
    let (mut reads, mut acknowledged, mut failed) = (0, 0, 0);
    for seed in (options.seed..).take(usize::try_from(options.histories)?) {
        let cached = |backend| CachedStorage::new(backend, &config).expect("the default configuration is valid");
        let summary = history(seed, cached).context("a stale answer; `--histories 1` with its seed shows it again")?;
        reads += summary.reads;
        acknowledged += summary.acknowledged;
        failed += summary.failed;
        progress.inc(1);
    }
    progress.finish_and_clear();
    println!(
        "coherence: {} histories from seed {}, {reads} answers, {acknowledged} writes acknowledged, {failed} \
         operations failed or given up: no stale answer",
        options.histories, options.seed
    );
    Ok(())
}
