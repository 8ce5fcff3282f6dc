//! From the command line to what the sections go by.

use anyhow::Result;
use memory_benches::{InputError, Peers, SECTIONS, Scope, Section, ServerAddress, Settings, Trace, Trajectories};

use super::Options;
use crate::{allocated, duration};

/// Episodes where no file gives them, as many as the real file has that the
/// generator was fitted to.
const GENERATED: u64 = 200;

/// Those that were asked for, in the order in which they run.
pub(super) fn sections(only: &[String]) -> Result<Vec<&'static Section>> {
    if let Some(unknown) = only.iter().find(|name| SECTIONS.iter().all(|section| section.name != **name)) {
        let known: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
        return Err(InputError::new(format!("no section `{unknown}`; there are: {}", known.join(", "))).into());
    }
    Ok(SECTIONS.iter().filter(|section| only.is_empty() || only.iter().any(|name| section.name == name)).collect())
}

/// What was asked for, or the default.
pub(super) fn settings(options: &Options) -> Result<Settings> {
    let trajectories = match &options.trajectories {
        Some(path) => Trajectories::read(path, options.strict)?,
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
    settings.peers = options.peers.then(Peers::of_the_workspace).transpose()?;
    settings.network.server = options.url.clone().map(|url| ServerAddress { url, token: token() });
    Ok(settings)
}
