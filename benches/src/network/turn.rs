//! Turns of the contenders.

use std::rc::Rc;

use anyhow::Result;

use super::operation::{COMMITTED, CONCURRENT, Operation};
use crate::clients::{Player, Scene, System, ids, in_order, patterns, same, scale, scaled};
use crate::{Contender, Sample};

/// The contender that does `operation` once in each turn.
pub(super) fn contender<S: System>(player: &Rc<Player<S>>, operation: Operation, scene: &Rc<Scene>) -> Contender {
    let mut notes = Vec::new();
    if let (Operation::GetConcurrent, Some(note)) = (operation, S::CONCURRENCY) {
        notes.push(note.to_owned());
    }
    if let Operation::Store(size) = operation
        && let Some((stored, _)) = scaled::<S>(size, scene.max_single_records)
    {
        notes.push(format!("scaled up from {stored} records, of which each is a request"));
    }
    let scene = Rc::clone(scene);
    let contender = player.contender(async move |player, system| operate(player, system, operation, &scene).await);
    if notes.is_empty() { contender } else { contender.note(notes.join("; ")) }
}

async fn operate<S: System>(player: &Player<S>, system: &S, operation: Operation, scene: &Scene) -> Result<Sample> {
    let call = player.call();
    let input = &scene.input;
    match operation {
        Operation::Get => {
            let wanted = scene.wanted(call, 1);
            let (sample, found) = player.clocked(system, system.get(wanted[0].id)).await?;
            same(&wanted, &[found]).map(|()| sample)
        }
        Operation::GetBatch(size) => {
            let wanted = scene.wanted(call, size);
            let (sample, found) = player.clocked(system, system.get_batch(&ids(&wanted))).await?;
            same(&in_order(wanted), &in_order(found)).map(|()| sample)
        }
        Operation::GetConcurrent => {
            let wanted = scene.wanted(call, CONCURRENT);
            let (sample, found) = player.clocked(system, system.get_concurrent(&ids(&wanted))).await?;
            same(&in_order(wanted), &in_order(found)).map(|()| sample)
        }
        Operation::QueryMetadata => {
            let (session, wanted) = &input.sessions[call % input.sessions.len()];
            let (sample, found) = player.clocked(system, system.query_metadata(session)).await?;
            same(wanted, &found).map(|()| sample)
        }
        Operation::QueryPage => {
            let page = &input.pages[call % input.pages.len()];
            let (sample, found) = player.clocked(system, system.query_page(page)).await?;
            same(&page.episodes, &found).map(|()| sample)
        }
        Operation::Store(size) => {
            let (size, factor) = scaled::<S>(size, scene.max_single_records).unwrap_or((size, 1.0));
            let episodes = input.fresh(size);
            let (sample, ()) = player.clocked(system, system.store(&episodes)).await?;
            system.sweep(scene, &episodes, &[]).await?;
            Ok(scale(sample, factor))
        }
        Operation::Commit => {
            let episodes = input.fresh(COMMITTED);
            let patterns = patterns(&episodes);
            let (sample, ()) = player.clocked(system, system.commit(&episodes, &patterns)).await?;
            system.sweep(scene, &episodes, &patterns).await?;
            Ok(sample)
        }
    }
}
