//! Reads of one mix: by somebody who connects for each, without a cache, and
//! cache first.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use anyhow::{Result, ensure};
use fastrand::Rng;
use memory_storage_turso::CachedTursoStorage;

use crate::clients::{Ours, Player, Scene, System};
use crate::{Contender, Sample};

/// Reads of 20 that name an episode for the first time: the others are hits.
const FIRST_OF_20: usize = 3;

/// The reads of a session, one after the other: `reads` of which 15 % name an
/// episode that was not read before, however often each is read by Zipf's law.
pub(super) struct Mix {
    /// Which of the session's episodes.
    order: Vec<usize>,
    /// How many of them there are.
    distinct: usize,
}

impl Mix {
    pub(super) fn new(reads: u64, seed: u64) -> Result<Self> {
        let reads = usize::try_from(reads)?;
        ensure!(reads >= 20 && reads.is_multiple_of(20), "a mix of {reads} reads, which is no multiple of 20");
        let distinct = reads / 20 * FIRST_OF_20;
        let counts = zipf(reads, distinct);
        let mut order: Vec<_> =
            counts.iter().enumerate().flat_map(|(rank, count)| std::iter::repeat_n(rank, *count)).collect();
        Rng::with_seed(seed).shuffle(&mut order);
        Ok(Self { order, distinct })
    }

    /// Which of `population` episodes the `number`-th read names. Each session
    /// has others than the one before.
    fn place(&self, number: usize, population: usize) -> usize {
        let (session, read) = (number / self.order.len(), number % self.order.len());
        (session * self.distinct + self.order[read]) % population
    }

    /// The reads `numbers`, cut where a session ends.
    fn sessions(&self, numbers: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let length = self.order.len();
        let mut start = numbers.start;
        std::iter::from_fn(move || {
            let range = start..numbers.end.min((start / length + 1) * length);
            start = range.end;
            (!range.is_empty()).then_some(range)
        })
    }
}

/// So many reads of so many episodes as Zipf's law with exponent 1 has them,
/// each at least one: by the largest remainders.
fn zipf(reads: usize, distinct: usize) -> Vec<usize> {
    let weights: Vec<_> = (1..=distinct).map(|rank| 1.0 / rank as f64).collect();
    let all: f64 = weights.iter().sum();
    let share = |weight: &f64| (reads - distinct) as f64 * weight / all;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "far from any end")]
    let mut counts: Vec<_> = weights.iter().map(|weight| 1 + share(weight) as usize).collect();
    let mut ranks: Vec<_> = (0..distinct).collect();
    ranks.sort_by(|a, b| share(&weights[*b]).fract().total_cmp(&share(&weights[*a]).fract()));
    let missing = reads - counts.iter().sum::<usize>();
    ranks.iter().take(missing).for_each(|rank| counts[*rank] += 1);
    counts
}

/// The next reads of the mix, in one turn.
pub(super) async fn read<S: System>(
    player: &Player<S>,
    system: &S,
    scene: &Scene,
    mix: &Mix,
    reads: u64,
) -> Result<Sample> {
    let wanted: Vec<_> = (0..reads).map(|_| wanted(scene, mix, player.call())).collect();
    let all = async {
        for episode in wanted {
            ensure!(system.get(episode.id).await? == *episode, "an episode is not what was stored");
        }
        Ok(())
    };
    Ok(player.clocked(system, all).await?.0)
}

fn wanted<'a>(scene: &'a Scene, mix: &Mix, number: usize) -> &'a std::sync::Arc<memory_core::Episode> {
    let population = &scene.input.population;
    &population[mix.place(number, population.len())]
}

/// Somebody who keeps nothing of what was read.
pub(super) fn uncached<S: System>(player: &Rc<Player<S>>, scene: &Rc<Scene>, mix: &Rc<Mix>) -> Contender {
    let (scene, mix) = (Rc::clone(scene), Rc::clone(mix));
    player.contender_of_many(async move |player, system, reads| read(player, system, &scene, &mix, reads).await)
}

/// Hits and lookups of the cache.
pub(super) type Hits = Rc<Cell<(u64, u64)>>;

/// Ours with its cache, which knows nothing when a session begins.
pub(super) fn cached(
    player: &Rc<Player<Ours<CachedTursoStorage>>>,
    scene: &Rc<Scene>,
    mix: &Rc<Mix>,
) -> (Contender, Hits) {
    let (scene, mix) = (Rc::clone(scene), Rc::clone(mix));
    let hits = Hits::default();
    let (counted, read_before) = (Rc::clone(&hits), Cell::new(0));
    let contender = player.contender_of_many(async move |player, system, reads| {
        let first = read_before.get();
        let after = first + usize::try_from(reads)?;
        read_before.set(after);
        let mut sum = Sample::default();
        for session in mix.sessions(first..after) {
            if session.start.is_multiple_of(mix.order.len()) {
                system.forget();
            }
            let before = system.storage.stats().episodes;
            let all = async {
                for number in session {
                    let wanted = wanted(&scene, &mix, number);
                    ensure!(system.get(wanted.id).await? == *wanted, "an episode is not what was stored");
                }
                Ok(())
            };
            sum += player.clocked(system, all).await?.0;
            let stats = system.storage.stats().episodes;
            let (hits, lookups) = counted.get();
            let (hit, missed) = (stats.hits - before.hits, stats.misses - before.misses);
            counted.set((hits + hit, lookups + hit + missed));
        }
        Ok(sum)
    });
    (contender, hits)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_mix_has_85_hits_in_100_and_follows_zipf() {
        assert_eq!(zipf(100, 15), [27, 14, 9, 7, 6, 5, 5, 4, 4, 4, 3, 3, 3, 3, 3]);
        for reads in [20, 40, 100, 1_000] {
            let mix = Mix::new(reads, 7).unwrap();
            assert_eq!(mix.order.len() as u64, reads);
            for session in 0..3 {
                let numbers = session * mix.order.len()..(session + 1) * mix.order.len();
                let named: HashSet<_> = numbers.map(|number| mix.place(number, 500)).collect();
                assert_eq!(named.len() as u64, reads * 15 / 100);
            }
        }
        assert!(Mix::new(30, 7).is_err());
    }

    #[test]
    fn another_session_reads_other_episodes() {
        let mix = Mix::new(20, 7).unwrap();
        let named = |session: usize| (20 * session..20 * session + 20).map(|number| mix.place(number, 500)).max();
        assert_eq!((named(0), named(1), named(2)), (Some(2), Some(5), Some(8)));
        assert_eq!(mix.sessions(15..45).collect::<Vec<_>>(), [15..20, 20..40, 40..45]);
    }
}
