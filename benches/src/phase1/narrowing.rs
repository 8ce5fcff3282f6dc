//! What it saves to keep a page that a write cannot touch.

use std::rc::Rc;

use memory_core::{Episode, MemoryStorageExt};
use memory_storage_turso::CachedTursoStorage;

use crate::Contender;
use crate::clients::{Ours, Player, Scene, System, same};

/// Whoever drops every result of a kind at each write of it.
pub(super) const DROPPING: &str = "ours-dropping-all";

/// Asks again, after a write of another session's episode, which leaves what
/// is cached of this one as it is.
pub(super) fn keeping(player: &Rc<Player<Ours<CachedTursoStorage>>>, scene: &Rc<Scene>) -> Contender {
    contender(player, scene, false)
}

/// The same, where the write drops all results.
pub(super) fn dropping(player: &Rc<Player<Ours<CachedTursoStorage>>>, scene: &Rc<Scene>) -> Contender {
    let mut contender = contender(player, scene, true);
    contender.system = DROPPING;
    contender
}

fn contender(player: &Rc<Player<Ours<CachedTursoStorage>>>, scene: &Rc<Scene>, drop_all: bool) -> Contender {
    let scene = Rc::clone(scene);
    player.contender(async move |player, system| {
        let sessions = &scene.input.sessions;
        let (session, wanted) = &sessions[player.call() % sessions.len()];
        system.query_metadata(session).await?;
        let written = scene.input.fresh(1);
        system.storage.store_episode(&written[0]).await?;
        if drop_all {
            system.storage.invalidate::<Episode>(written[0].id);
        }
        player.look();
        let (sample, found) = player.clocked(system, system.query_metadata(session)).await?;
        scene.sweep(&written, &[]).await?;
        same(wanted, &found).map(|()| sample)
    })
}
