//! Metadata queries across the network: by the index, and by text.

use std::rc::Rc;

use crate::Contender;
use crate::clients::{NewConnection, Player, Scene, System, same};

/// Asks by the metadata key that has an index.
pub(super) fn by_index<S: System>(player: &Rc<Player<S>>, scene: &Rc<Scene>) -> Contender {
    let scene = Rc::clone(scene);
    player.contender(async move |player, system| {
        let sessions = &scene.input.sessions;
        let (session, wanted) = &sessions[player.call() % sessions.len()];
        let (sample, found) = player.clocked(system, system.query_metadata(session)).await?;
        same(wanted, &found).map(|()| sample)
    })
}

/// Asks by `LIKE` on the metadata's text.
pub(super) fn by_text(player: &Rc<Player<NewConnection>>, scene: &Rc<Scene>) -> Contender {
    let scene = Rc::clone(scene);
    let contender = player.contender(async move |player, system| {
        let sessions = &scene.input.sessions;
        let (session, wanted) = &sessions[player.call() % sessions.len()];
        let (sample, found) = player.clocked(system, system.query_like(session)).await?;
        same(wanted, &found).map(|()| sample)
    });
    contender.note("LIKE on the metadata's text")
}
