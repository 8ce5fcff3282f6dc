//! The most hits that any cache can have.

use std::collections::BTreeSet;

/// The hits of a cache that knows the future (Bélády 1966): it makes room by
/// what will be asked for last. `requests` are dense numbers.
pub(super) fn hits(requests: &[u32], capacity: usize) -> u64 {
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
    let mut hits = 0;
    for (request, again) in requests.iter().zip(again) {
        let place = &mut next[*request as usize];
        if let Some(expected) = place.take() {
            hits += 1;
            held.remove(&(expected, *request));
        }
        *place = Some(again);
        held.insert((again, *request));
        // It may be the newcomer itself.
        if held.len() > capacity
            && let Some((_, last)) = held.pop_last()
        {
            next[last as usize] = None;
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_keeps_as_much_of_itself_as_fits() {
        let requests: Vec<u32> = (0..30).map(|number| number % 3).collect();
        assert_eq!(hits(&requests, 3), 27);
        // Of two places one always holds what comes next but one.
        assert_eq!(hits(&requests, 2), 14);
        assert_eq!(hits(&requests, 1), 9);
        assert_eq!(hits(&[], 1), 0);
    }

    #[test]
    fn nothing_hits_more_than_it_is_repeated() {
        assert_eq!(hits(&[0, 1, 2, 0, 1, 2, 3], 9), 3);
        assert_eq!(hits(&[0, 0, 0], 1), 2);
    }
}
