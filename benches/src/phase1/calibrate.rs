//! The round-trip time at which the baseline costs what it is to cost.

use std::time::Duration;

use anyhow::Result;

use super::reads::{Mix, read};
use crate::clients::{NewConnection, Place, Player, Scene};
use crate::statistics::Estimate;

/// Reads at each of two round-trip times.
const READS: usize = 5;
const TRIALS: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(40)];

/// Finds the lab's round-trip time, in whole milliseconds, at which a read with
/// a connection of its own takes `target`: the median at two round-trip times
/// says how many round trips that is, and what it takes beside.
pub(super) fn calibrate(place: &Place, scene: &Scene, mix: &Mix, target: Duration) -> Result<Duration> {
    if target.is_zero() {
        return Ok(target);
    }
    let player = Player::new(place, async |address| Ok(NewConnection(address)))?;
    let cost = |rtt| -> Result<f64> {
        player.route.set_rtt(rtt);
        let one = || player.turn(&async |player, system, _| read(player, system, scene, mix, 1).await, 1);
        let reads = (0..READS).map(|_| one().map(|sample| sample.elapsed.as_secs_f64()));
        Ok(Estimate::of(reads.collect::<Result<Vec<_>>>()?).median)
    };
    let costs = [cost(TRIALS[0])?, cost(TRIALS[1])?];
    Ok(solve(TRIALS, costs, target))
}

/// Where the line through two costs, in seconds, reaches `target`.
fn solve(rtts: [Duration; 2], costs: [f64; 2], target: Duration) -> Duration {
    let [first, second] = rtts.map(|rtt| rtt.as_secs_f64());
    let round_trips = (costs[1] - costs[0]) / (second - first);
    let rtt = first + (target.as_secs_f64() - costs[0]) / round_trips;
    let rounded = Duration::try_from_secs_f64(rtt + 0.000_5).unwrap_or_default();
    Duration::from_millis(rounded.as_millis().try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_through_two_costs_gives_the_round_trip_time() {
        // 3.4 round trips and 3 ms.
        let cost = |millis: f64| (3.4 * millis + 3.0) / 1e3;
        let found = solve(TRIALS, [cost(10.0), cost(40.0)], Duration::from_millis(134));
        assert_eq!(found, Duration::from_millis(39));
        // A machine that is slower than the target leaves nothing for the network.
        assert_eq!(solve(TRIALS, [0.2, 0.3], Duration::from_millis(134)), Duration::ZERO);
    }
}
