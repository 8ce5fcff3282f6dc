//! Storing and retrieving many records in one call.

use std::rc::Rc;

use anyhow::Result;

use crate::Contender;
use crate::clients::{NewConnection, Player, Scene, System, ids, in_order, same, scale, scaled};

/// Records of one call.
pub(super) const SIZES: [usize; 3] = [10, 50, 100];

/// The operation that stores so many.
pub(super) fn name(size: usize, scene: &Scene) -> String {
    format!("batch_operations/{size}{}", scene.input.suffix)
}

/// The operation that gets so many.
pub(super) fn retrieve_name(size: usize, scene: &Scene) -> String {
    format!("batch_operations/{size}/retrieve{}", scene.input.suffix)
}

/// Stores them in one call.
pub(super) fn store<S: System>(player: &Rc<Player<S>>, size: usize, scene: &Rc<Scene>) -> Contender {
    let most = scene.max_single_records;
    let operation = name(size, scene);
    let scene = Rc::clone(scene);
    let contender = player.contender(async move |player, system| {
        let (size, factor) = scaled::<S>(size, most).unwrap_or((size, 1.0));
        let episodes = scene.input.fresh(size);
        let (sample, ()) = player.clocked(system, system.store(&episodes)).await?;
        scene.sweep(&episodes, &[]).await?;
        Ok(scale(sample, factor))
    });
    let contender = contender.operation(operation);
    match scaled::<S>(size, most) {
        Some((stored, _)) => contender.note(from(stored)),
        None => contender,
    }
}

/// Stores them one by one, with a connection for each.
pub(super) fn store_one_by_one(player: &Rc<Player<NewConnection>>, size: usize, scene: &Rc<Scene>) -> Contender {
    let stored = size.min(scene.max_single_records);
    let operation = name(size, scene);
    let scene = Rc::clone(scene);
    let contender = player.contender(async move |player, system| {
        let episodes = scene.input.fresh(stored);
        let one_by_one = async {
            for episode in &episodes {
                system.store(std::slice::from_ref(episode)).await?;
            }
            Ok(())
        };
        let (sample, ()) = player.clocked(system, one_by_one).await?;
        scene.sweep(&episodes, &[]).await?;
        Ok(scale(sample, size as f64 / stored as f64))
    });
    contender.operation(operation).note(format!("one by one, a connection for each; {}", from(stored)))
}

/// Gets them in one call.
pub(super) fn retrieve<S: System>(player: &Rc<Player<S>>, size: usize, scene: &Rc<Scene>) -> Contender {
    let operation = retrieve_name(size, scene);
    let scene = Rc::clone(scene);
    let contender = player.contender(async move |player, system| -> Result<_> {
        let wanted = scene.wanted(player.call(), size);
        let (sample, found) = player.clocked(system, system.get_batch(&ids(&wanted))).await?;
        same(&in_order(wanted), &in_order(found)).map(|()| sample)
    });
    contender.operation(operation)
}

fn from(stored: usize) -> String {
    format!("scaled up from {stored} of the records, of which each is a request")
}
