//! Which way of evicting has hit most often of late.

use super::policy::WAYS;

/// Lookups over which what they say fades to a third, in capacities.
const MEMORY: f64 = 30.0;
/// The most hits by which a way can be behind, in capacities. So however long
/// the present one was the better before a change of the workload, another is
/// ahead of it once it has had as many hits more.
const LEAD: f64 = 0.75;
/// What that is multiplied by at each change of way, until it fades: where one way is ahead for a while and then another, again and again,
/// going to and fro costs more than staying.
const CAUTION: f64 = 4.0;
/// The part of the present way's hits that a better one has to be ahead by.
const AHEAD: f64 = 0.005;
/// How many times the square root of the present way's hits a better one has to
/// be ahead by besides, below which it is chance.
const CHANCE: f64 = 0.5;

/// How often each way would have hit of late.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contest {
    /// Hits of each way, those of long ago counting less.
    scores: [f64; WAYS],
    /// The most hits by which a way can be behind, in capacities.
    lead: f64,
    /// Hits since the scores were last summed up.
    recent: [u32; WAYS],
    lookups: usize,
}

impl Contest {
    /// Takes note of a lookup: which ways have hit.
    pub(crate) fn note(&mut self, hits: [bool; WAYS]) {
        for (recent, hit) in self.recent.iter_mut().zip(hits) {
            *recent += u32::from(hit);
        }
        self.lookups += 1;
    }

    /// Whether there are enough lookups to be summed up.
    pub(crate) const fn is_due(&self, capacity: usize) -> bool {
        self.lookups >= 16 && self.lookups >= capacity / 4
    }

    /// Adds the recent hits to the scores: which way is the best, if any is
    /// better than the present one beyond chance.
    pub(crate) fn sum_up(&mut self, present: usize, capacity: usize) -> usize {
        #[expect(clippy::cast_precision_loss, reason = "a few thousands")]
        let (lookups, capacity) = (self.lookups as f64, capacity as f64);
        let kept = (-lookups / (MEMORY * capacity)).exp();
        for (score, recent) in self.scores.iter_mut().zip(&mut self.recent) {
            *score = *score * kept + f64::from(std::mem::take(recent));
        }
        self.lookups = 0;
        self.lead = (self.lead * kept).max(LEAD);
        let first = self.scores.iter().copied().fold(0.0, f64::max);
        for score in &mut self.scores {
            *score = score.max(first - self.lead * capacity);
        }
        let score = |way: usize| self.scores[way];
        let best = (0..WAYS).fold(present, |best, way| if score(way) > score(best) { way } else { best });
        let needed = score(present) * (1.0 + AHEAD) + CHANCE * score(present).sqrt();
        if score(best) <= needed {
            return present;
        }
        // More than the memory holds would only take longer to fade.
        self.lead = (self.lead * CAUTION).min(MEMORY);
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: usize = 1_000;

    /// Runs so many lookups, of which a way hits three in four and all others
    /// none. The way that is taken at last, and after how many lookups it was.
    fn run(contest: &mut Contest, present: usize, better: usize, lookups: usize) -> (usize, usize) {
        let (mut way, mut changed) = (present, 0);
        for lookup in 0..lookups {
            contest.note(std::array::from_fn(|way| way == better && lookup % 4 > 0));
            if contest.is_due(CAPACITY) {
                let best = contest.sum_up(way, CAPACITY);
                if best != way {
                    (way, changed) = (best, lookup);
                }
            }
        }
        (way, changed)
    }

    #[test]
    fn a_way_that_was_behind_for_long_is_taken_soon_after_a_change() {
        for before in [10, 50, 500] {
            let mut contest = Contest::default();
            assert_eq!(run(&mut contest, 0, 0, before * CAPACITY).0, 0);
            let (way, changed) = run(&mut contest, 0, 3, 5 * CAPACITY);
            assert!(way == 3 && changed < 2 * CAPACITY, "way {way} after {changed} lookups");
        }
    }

    #[test]
    fn a_way_that_is_ahead_now_and_then_but_not_on_the_whole_is_not_followed_for_long() {
        let (mut contest, mut way, mut changes) = (Contest::default(), 0, 0);
        for turn in 0..60 {
            let lookups = if turn % 2 == 0 { 2 * CAPACITY } else { 3 * CAPACITY / 2 };
            let next = run(&mut contest, way, turn % 2, lookups).0;
            changes += usize::from(next != way);
            way = next;
        }
        assert!(way == 0 && changes <= 4, "way {way} after {changes} changes in 60 turns");
    }

    #[test]
    fn what_is_ahead_by_chance_is_not_taken() {
        // Ahead by 3 of 125 hits, and by 13.
        for (every, taken) in [(100, 0), (20, 2)] {
            let mut contest = Contest::default();
            for lookup in 0..CAPACITY / 4 {
                contest.note(std::array::from_fn(|way| lookup % 2 == 0 || way == 2 && lookup % every == 1));
            }
            assert_eq!(contest.sum_up(0, CAPACITY), taken);
        }
    }
}
