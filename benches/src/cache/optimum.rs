//! The most hits that any cache can have.

use std::collections::BTreeSet;

/// Whether each request is a hit in a cache that knows the future (Bélády
/// 1966): it makes room by what will be asked for last. `requests` are dense
/// numbers.
pub(super) fn hits(requests: &[u32], capacity: usize) -> Vec<bool> {
    const NEVER: usize = usize::MAX;
    let keys = requests.iter().max().map_or(0, |last| *last as usize + 1);
    // When each request's key is asked for again.
    let mut again = vec![NEVER; requests.len()];
    let mut seen = vec![NEVER; keys];
    for (now, request) in requests.iter().enumerate().rev() {
        again[now] = std::mem::replace(&mut seen[*request as usize], now);
    }
    let mut held = BTreeSet::new();
    let mut next: Vec<Option<usize>> = vec![None; keys];
    let serve = |(request, again): (&u32, usize)| {
        let expected = next[*request as usize].replace(again);
        if let Some(expected) = expected {
            held.remove(&(expected, *request));
        }
        held.insert((again, *request));
        // It may be the newcomer itself.
        if held.len() > capacity
            && let Some((_, last)) = held.pop_last()
        {
            next[last as usize] = None;
        }
        expected.is_some()
    };
    requests.iter().zip(again).map(serve).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn count(requests: &[u32], capacity: usize) -> usize {
        hits(requests, capacity).iter().filter(|hit| **hit).count()
    }

    /// The most hits over all choices of what to hold after each request.
    fn brute_force(requests: &[u32], capacity: usize) -> usize {
        let mut best = BTreeMap::from([(BTreeSet::new(), 0)]);
        for request in requests {
            let mut after: BTreeMap<BTreeSet<u32>, usize> = BTreeMap::new();
            for (held, hits) in best {
                let hits = hits + usize::from(held.contains(request));
                let with: BTreeSet<u32> = held.iter().copied().chain([*request]).collect();
                let choices = if with.len() <= capacity {
                    vec![with]
                } else {
                    let without = |gone: &u32| with.iter().copied().filter(|key| key != gone).collect();
                    with.iter().map(without).collect()
                };
                for choice in choices {
                    let known = after.entry(choice).or_default();
                    *known = hits.max(*known);
                }
            }
            best = after;
        }
        best.into_values().max().unwrap_or_default()
    }

    #[test]
    fn no_choice_of_what_to_hold_hits_more_often() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..300 {
            let requests: Vec<u32> = (0..random.usize(0..24)).map(|_| random.u32(0..7)).collect();
            for capacity in 1..5 {
                assert_eq!(count(&requests, capacity), brute_force(&requests, capacity), "{requests:?} in {capacity}");
            }
        }
    }

    #[test]
    fn a_loop_keeps_as_much_of_itself_as_fits() {
        let requests: Vec<u32> = (0..30).map(|number| number % 3).collect();
        assert_eq!(count(&requests, 3), 27);
        assert_eq!(count(&requests, 2), 18);
        assert_eq!(count(&requests, 1), 9);
        assert_eq!(count(&[], 1), 0);
    }
}
