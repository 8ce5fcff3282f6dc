//! The round-trip time at which the baseline costs what it is to cost.

use std::time::Duration;

use anyhow::Result;

use super::reads::{Mix, read};
use crate::clients::{NewConnection, Place, Player, Scene};

/// Reads at each round-trip time that is tried.
const READS: usize = 5;
/// How often what was found is tried and corrected.
const STEPS: usize = 2;

/// Finds the lab's round-trip time, in whole milliseconds, at which a read with
/// a connection of its own takes `target`.
///
/// The least of a few reads counts, since that is what other work on the
/// machine disturbs least: two runs are to find the same.
pub(super) fn calibrate(place: &Place, scene: &Scene, mix: &Mix, target: Duration) -> Result<Duration> {
    if target.is_zero() {
        return Ok(target);
    }
    let player = Player::new(place, async |address| Ok(NewConnection(address)))?;
    // A connection, what the statement is, and its rows.
    let mut rtt = target / 3;
    for _ in 0..STEPS {
        player.route.set_rtt(rtt);
        let one = || player.turn(&async |player, system, _| read(player, system, scene, mix, 1).await, 1);
        let reads: Vec<_> = (0..READS).map(|_| Ok(one()?.elapsed)).collect::<Result<_>>()?;
        rtt = corrected(rtt, reads.into_iter().min().unwrap_or(target), target);
    }
    Ok(whole_millis(rtt))
}

/// The next to try, where `cost` was to be `target`: nearly all of a cost is a
/// multiple of the round-trip time.
fn corrected(rtt: Duration, cost: Duration, target: Duration) -> Duration {
    rtt.mul_f64(target.as_secs_f64() / cost.as_secs_f64().max(1e-6))
}

fn whole_millis(time: Duration) -> Duration {
    let millis = (time + Duration::from_micros(500)).as_millis();
    Duration::from_millis(millis.try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_corrections_find_the_round_trip_time() {
        let target = Duration::from_millis(134);
        // Three round trips and 8 ms, and other costs.
        for (round_trips, rest, found) in [(3.0, 8.0, 42), (3.0, 0.0, 45), (3.4, 3.0, 39), (5.0, 9.0, 25)] {
            let cost = |rtt: Duration| rtt.mul_f64(round_trips) + Duration::from_secs_f64(rest / 1e3);
            let rtt = (0..STEPS).fold(target / 3, |rtt, _| corrected(rtt, cost(rtt), target));
            assert_eq!(whole_millis(rtt), Duration::from_millis(found));
        }
    }

    #[test]
    fn times_are_rounded_to_whole_milliseconds() {
        let rounded = [39_499, 39_500, 40_000, 1_000_700].map(|micros| whole_millis(Duration::from_micros(micros)));
        assert_eq!(rounded, [39, 40, 40, 1_001].map(Duration::from_millis));
    }
}
