//! What every operation costs when nothing is cached, and when all of it is.

use std::rc::Rc;

use anyhow::{Result, ensure};
use memory_core::{EpisodeId, Filter, MemoryStorageExt, Store};
use memory_storage_turso::CachedTursoStorage;

use crate::Contender;
use crate::clients::{Ours, Player, Scene, System, ids};

type Storage = Ours<CachedTursoStorage>;

/// How often a cached answer is asked for in a turn.
const REPEATS: u64 = 100;
const BATCH: usize = 100;

/// Reads, each cold and cached, and writes, which are never cached.
pub(super) fn contenders(player: &Rc<Player<Storage>>, scene: &Rc<Scene>) -> Vec<Contender> {
    let mut contenders = Vec::new();
    contenders.extend(read(player, scene, "get", async |storage, scene, call| {
        let wanted = scene.wanted(call, 1);
        ensure!(storage.get(wanted[0].id).await? == wanted[0], "an episode is not what was stored");
        Ok(())
    }));
    contenders.extend(read(player, scene, "get/absent", async |storage, _, call| {
        let nobody = EpisodeId::from(uuid::Uuid::from_u128(call as u128));
        ensure!(storage.storage.get_episode(nobody).await?.is_none(), "an episode that nobody stored");
        Ok(())
    }));
    contenders.extend(read(player, scene, "get_batch/100", async |storage, scene, call| {
        let found = storage.get_batch(&ids(&scene.wanted(call, BATCH))).await?;
        ensure!(found.len() == BATCH, "an episode is missing");
        Ok(())
    }));
    contenders.extend(read(player, scene, "query_metadata", async |storage, scene, call| {
        let sessions = &scene.input.sessions;
        let (session, wanted) = &sessions[call % sessions.len()];
        ensure!(storage.query_metadata(session).await? == *wanted, "another answer");
        Ok(())
    }));
    contenders.extend(read(player, scene, "query_page", async |storage, scene, call| {
        let pages = &scene.input.pages;
        let page = &pages[call % pages.len()];
        ensure!(storage.query_page(page).await? == page.episodes, "another page");
        Ok(())
    }));
    contenders.extend(read(player, scene, "count", async |storage, scene, _| {
        let counts = Store::count(&*storage.storage, &Filter::<memory_core::Episode>::all(), None).await?;
        ensure!(counts.total >= scene.input.population.len() as u64, "episodes are missing");
        Ok(())
    }));
    contenders.extend([
        write(player, scene, "store", 1, async |storage, episodes| storage.store(episodes).await),
        write(player, scene, "store_batch/100", BATCH, async |storage, episodes| storage.store(episodes).await),
        write(player, scene, "commit", 5, async |storage, episodes| storage.commit(episodes, &[]).await),
        delete(player, scene),
    ]);
    contenders
}

/// The read with nothing cached, and again.
fn read(
    player: &Rc<Player<Storage>>,
    scene: &Rc<Scene>,
    name: &str,
    read: impl AsyncFn(&Storage, &Scene, usize) -> Result<()> + Copy + 'static,
) -> [Contender; 2] {
    let cold = {
        let scene = Rc::clone(scene);
        player.contender(async move |player, storage| {
            storage.forget();
            let call = player.call();
            Ok(player.clocked(storage, read(storage, &scene, call)).await?.0)
        })
    };
    let cached = {
        let scene = Rc::clone(scene);
        player.contender_of_many(async move |player, storage, repeats| {
            let call = player.call();
            read(storage, &scene, call).await?;
            player.look();
            let again = async {
                for _ in 0..repeats {
                    read(storage, &scene, call).await?;
                }
                Ok(())
            };
            Ok(player.clocked(storage, again).await?.0)
        })
    };
    [cold.operation(format!("{name}/cold")), cached.operation(format!("{name}/cached")).times(REPEATS)]
}

fn write(
    player: &Rc<Player<Storage>>,
    scene: &Rc<Scene>,
    name: &str,
    records: usize,
    write: impl AsyncFn(&Storage, &[memory_core::Episode]) -> Result<()> + 'static,
) -> Contender {
    let scene = Rc::clone(scene);
    let contender = player.contender(async move |player, storage| {
        let episodes = scene.input.fresh(records);
        let (sample, ()) = player.clocked(storage, write(storage, &episodes)).await?;
        scene.sweep(&episodes, &[]).await?;
        Ok(sample)
    });
    contender.operation(name)
}

fn delete(player: &Rc<Player<Storage>>, scene: &Rc<Scene>) -> Contender {
    let scene = Rc::clone(scene);
    let contender = player.contender(async move |player, storage| {
        let episodes = scene.input.fresh(1);
        scene.sweeper.store_episodes_batch(&episodes).await?;
        let delete = async { Ok(storage.storage.delete_episode(episodes[0].id).await?) };
        let (sample, deleted) = player.clocked(storage, delete).await?;
        ensure!(deleted, "it was there");
        Ok(sample)
    });
    contender.operation("delete")
}
