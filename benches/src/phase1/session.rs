//! A session of an agent, from its first question to what it has learnt.

use std::rc::Rc;

use anyhow::{Result, ensure};
use memory_core::{Episode, EpisodeId, Pattern};

use crate::Contender;
use crate::clients::{NewConnection, Player, Scene, System, patterns};

/// Of the recalled episodes, how many the agent goes by.
const GUIDES: usize = 3;
/// Steps of its work, before each of which it looks at all of them again.
const STEPS: usize = 2;

/// A session as one would write it with care:
///
/// 1. *recall*: query the earlier episodes of the same subject, by metadata,
///    and get the three that fit best, in one call;
/// 2. *work*: two steps, before each of which it gets these three again, one
///    by one, as agents do that keep their memory in the storage;
/// 3. *store and learn*: store the episode, and the pattern that it taught,
///    in one call, all or nothing.
///
/// Nine calls. Whoever has no cache sends a request, or more, for each.
async fn with_care<S: System>(system: &S, subject: &str, episode: &Episode, pattern: &Pattern) -> Result<()> {
    let guides = guides(&system.query_metadata(subject).await?)?;
    ensure!(system.get_batch(&guides).await?.len() == GUIDES, "an episode is missing");
    for _ in 0..STEPS {
        for id in &guides {
            system.get(*id).await?;
        }
    }
    system.commit(std::slice::from_ref(episode), std::slice::from_ref(pattern)).await
}

/// The same with a connection for each operation, and one record in each: the
/// query searches the metadata's text, the three are got one by one, and the
/// episode and the pattern are stored by themselves.
async fn one_by_one(system: &NewConnection, subject: &str, episode: &Episode, pattern: &Pattern) -> Result<()> {
    let guides = guides(&system.query_like(subject).await?)?;
    for _ in 0..=STEPS {
        for id in &guides {
            system.get(*id).await?;
        }
    }
    system.store(std::slice::from_ref(episode)).await?;
    system.commit(&[], std::slice::from_ref(pattern)).await
}

fn guides(recalled: &[std::sync::Arc<Episode>]) -> Result<Vec<EpisodeId>> {
    ensure!(recalled.len() >= GUIDES, "only {} episodes of the subject", recalled.len());
    Ok(recalled.iter().take(GUIDES).map(|episode| episode.id).collect())
}

/// Sessions with care. Nothing is cached when one begins.
pub(super) fn optimized<S: System>(player: &Rc<Player<S>>, scene: &Rc<Scene>) -> Contender {
    contender(player, scene, async |system: &S, subject, episode, pattern| {
        with_care(system, subject, episode, pattern).await
    })
}

/// Sessions one by one.
pub(super) fn baseline(player: &Rc<Player<NewConnection>>, scene: &Rc<Scene>) -> Contender {
    contender(player, scene, async |system: &NewConnection, subject, episode, pattern| {
        one_by_one(system, subject, episode, pattern).await
    })
}

fn contender<S: System>(
    player: &Rc<Player<S>>,
    scene: &Rc<Scene>,
    session: impl AsyncFn(&S, &str, &Episode, &Pattern) -> Result<()> + 'static,
) -> Contender {
    let scene = Rc::clone(scene);
    player.contender(async move |player, system| {
        let sessions = &scene.input.sessions;
        let (subject, _) = &sessions[player.call() % sessions.len()];
        let mut episodes = scene.input.fresh(1);
        for episode in &mut episodes {
            episode.metadata.insert("session", subject.as_str());
        }
        let patterns = patterns(&episodes);
        system.forget();
        let (sample, ()) = player.clocked(system, session(system, subject, &episodes[0], &patterns[0])).await?;
        scene.sweep(&episodes, &patterns).await?;
        Ok(sample)
    })
}
