//! The score of each policy.

use crate::cache::eviction::POLICY_COUNT;

/// Number of lookups, in capacities, after which a score has decayed to 1/e.
const MEMORY: f64 = 30.0;
/// Maximum distance of a policy to the best policy, in capacities of hits. However long the
/// best policy was ahead before the workload changed, another policy overtakes it after this
/// many additional hits.
const LEAD: f64 = 0.75;
/// Factor by which each change of policy raises that maximum, until it decays. If policies
/// alternate in being ahead, changing back and forth costs more than staying.
const CAUTION: f64 = 4.0;
/// Fraction of the selected policy's hits by which a better policy has to be ahead.
const AHEAD: f64 = 0.005;
/// Multiple of the square root of the selected policy's hits by which a better policy has to
/// be ahead in addition. Smaller differences are noise.
const CHANCE: f64 = 0.5;

/// Hits of each policy, weighted by their age.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Contest {
    /// Hits of each policy, decayed.
    scores: [f64; POLICY_COUNT],
    /// Current maximum distance to the best policy, in capacities of hits.
    lead: f64,
    /// Hits since the scores were last updated.
    recent: [u32; POLICY_COUNT],
    /// Lookups since the scores were last updated.
    lookups: usize,
}

impl Contest {
    /// Records which policies hit in a lookup.
    pub(crate) fn note(&mut self, hits: [bool; POLICY_COUNT]) {
        for (recent, hit) in self.recent.iter_mut().zip(hits) {
            *recent += u32::from(hit);
        }
        self.lookups += 1;
    }

    /// Returns whether enough lookups were recorded to update the scores.
    pub(crate) const fn is_due(&self, capacity: usize) -> bool {
        self.lookups >= 16 && self.lookups >= capacity / 4
    }

    /// Updates the scores and returns the index of the best policy, or `selected` if no other
    /// policy is significantly better.
    pub(crate) fn select(&mut self, selected: usize, capacity: usize) -> usize {
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
        let score = |policy: usize| self.scores[policy];
        let best =
            (0..POLICY_COUNT).fold(selected, |best, policy| if score(policy) > score(best) { policy } else { best });
        let needed = score(selected) * (1.0 + AHEAD) + CHANCE * score(selected).sqrt();
        if score(best) <= needed {
            return selected;
        }
        // A larger value than the memory would only take longer to decay.
        self.lead = (self.lead * CAUTION).min(MEMORY);
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: usize = 1_000;

    /// Runs `lookups` of which the policy `better` hits three in four and the others none.
    /// Returns the policy selected last, and the lookup at which it was selected.
    fn run(contest: &mut Contest, selected: usize, better: usize, lookups: usize) -> (usize, usize) {
        let (mut policy, mut changed) = (selected, 0);
        for lookup in 0..lookups {
            contest.note(std::array::from_fn(|policy| policy == better && lookup % 4 > 0));
            if contest.is_due(CAPACITY) {
                let best = contest.select(policy, CAPACITY);
                if best != policy {
                    (policy, changed) = (best, lookup);
                }
            }
        }
        (policy, changed)
    }

    #[test]
    fn a_policy_that_was_behind_for_long_is_selected_soon_after_a_change() {
        for before in [10, 50, 500] {
            let mut contest = Contest::default();
            assert_eq!(run(&mut contest, 0, 0, before * CAPACITY).0, 0);
            let (policy, changed) = run(&mut contest, 0, 3, 5 * CAPACITY);
            assert!(policy == 3 && changed < 2 * CAPACITY, "policy {policy} after {changed} lookups");
        }
    }

    #[test]
    fn a_policy_that_is_ahead_at_times_but_not_on_the_whole_is_not_selected_for_long() {
        let (mut contest, mut policy, mut changes) = (Contest::default(), 0, 0);
        for turn in 0..60 {
            let lookups = if turn % 2 == 0 { 2 * CAPACITY } else { 3 * CAPACITY / 2 };
            let next = run(&mut contest, policy, turn % 2, lookups).0;
            changes += usize::from(next != policy);
            policy = next;
        }
        assert!(policy == 0 && changes <= 4, "policy {policy} after {changes} changes in 60 turns");
    }

    #[test]
    fn a_policy_that_is_ahead_by_chance_is_not_selected() {
        // Ahead by 3 of 125 hits, and by 13.
        for (every, selected) in [(100, 0), (20, 2)] {
            let mut contest = Contest::default();
            for lookup in 0..CAPACITY / 4 {
                contest.note(std::array::from_fn(|policy| lookup % 2 == 0 || policy == 2 && lookup % every == 1));
            }
            assert_eq!(contest.select(0, CAPACITY), selected);
        }
    }
}
