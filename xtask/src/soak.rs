//! `cargo xtask soak`

mod kill;

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget};
use memory_benches::InputError;
use memory_conformance::history::{Time, Unruly, history};
use memory_storage_turso::{CacheConfig, CachedStorage, Clock, Moment};

#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Random histories over the cached storage, each of whose answers is checked; in every second one, cached entries expire
    #[arg(long)]
    coherence: bool,
    /// How many histories
    #[arg(long, value_name = "N", default_value_t = 10_000, requires = "coherence")]
    histories: u64,
    /// Kill a process that writes to a file of this backend at random moments, and look what is there
    #[arg(long, value_name = "BACKEND", conflicts_with = "coherence")]
    kill: Option<kill::Backend>,
    /// The number of kills
    #[arg(long, value_name = "N", default_value_t = 1_000, requires = "kill")]
    cycles: u64,
    /// The seed of the first history, from which the next ones count on, or of the moments of kills
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Be the process that writes to this file until it is killed
    #[arg(long, value_name = "FILE", requires = "kill", hide = true)]
    writer: Option<std::path::PathBuf>,
    /// The number of its first write
    #[arg(long, value_name = "N", requires = "writer", default_value_t = 0, hide = true)]
    first: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    match (options.kill, &options.writer) {
        (Some(backend), Some(path)) => kill::write(backend, path, options.first),
        (Some(backend), None) => kill::run(backend, options.cycles, options.seed),
        (None, _) if options.coherence => coherence(options),
        (None, _) => Err(InputError::new("soak: nothing was chosen to run; give `--coherence` or `--kill`").into()),
    }
}

fn coherence(options: &Options) -> Result<()> {
    let progress = progress_bar(options.histories);
    let (mut reads, mut acknowledged, mut failed, mut timed) = (0, 0, 0, 0);
    for seed in (options.seed..).take(usize::try_from(options.histories)?) {
        let ttl = time_to_live(seed);
        let summary = history(seed, |backend| cached(backend, ttl))
            .context("a stale answer; `--histories 1` with its seed repeats it, if entries expire after a few runs")?;
        reads += summary.reads;
        acknowledged += summary.acknowledged;
        failed += summary.failed;
        timed += u64::from(ttl.is_some());
        progress.inc(1);
    }
    progress.finish_and_clear();
    println!(
        "coherence: {} histories from seed {}, {timed} of them with entries that expire, {reads} answers, \
         {acknowledged} writes acknowledged, {failed} operations failed or given up: no stale answer",
        options.histories, options.seed
    );
    Ok(())
}

fn progress_bar(steps: u64) -> ProgressBar {
    let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    ProgressBar::with_draw_target(Some(steps), target)
}

/// The time to live in the history of a seed: of four in a row, one expires most
/// entries, one expires some, and two expire none. A history takes a few seconds.
const fn time_to_live(seed: u64) -> Option<Duration> {
    match seed % 4 {
        1 => Some(Duration::from_millis(600)),
        3 => Some(Duration::from_secs(2)),
        _ => None,
    }
}

fn cached(backend: Unruly, ttl: Option<Duration>) -> CachedStorage<Unruly> {
    let config = CacheConfig::default();
    let cached = match ttl {
        None => CachedStorage::new(backend, &config),
        Some(ttl) => {
            let config = CacheConfig { episode_ttl: ttl, query_ttl: ttl, ..config };
            let clock = HistoryClock(backend.time());
            CachedStorage::with_clock(backend, &config, clock)
        }
    };
    cached.expect("the configuration is valid")
}

/// The time of a history, in which lookups are held up.
struct HistoryClock(Time);

impl Clock for HistoryClock {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.now())
    }

    fn latest(&self) -> Moment {
        Moment::from_millis(self.0.look())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With a clock a history writes less, so that its entries live to their end.
    #[test]
    fn every_second_history_has_entries_that_expire() {
        assert_eq!((0..1_000).filter(|seed| time_to_live(*seed).is_some()).count(), 500);
        let acknowledged = |ttl| -> u64 {
            let run = |seed| history(seed, |backend| cached(backend, ttl)).expect("no stale answer");
            (0..20).map(|seed| run(seed).acknowledged).sum()
        };
        let (still, timed) = (acknowledged(None), acknowledged(time_to_live(1)));
        assert!(0 < timed && timed < still, "{timed} of {still}");
    }
}
