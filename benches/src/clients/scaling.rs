//! Few round trips in place of many.

use super::system::System;
use crate::{Sample, Traffic};

/// How many of `size` records are stored, and how many times more round trips
/// all of them would take: for a system that sends a request for each.
pub(crate) fn scaled<S: System>(size: usize, most: usize) -> Option<(usize, f64)> {
    let beside = S::REQUEST_PER_RECORD?;
    (size > most).then(|| (most, (size + beside) as f64 / (most + beside) as f64))
}

/// So many times the time, round trips and bytes.
pub(crate) fn scale(sample: Sample, factor: f64) -> Sample {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts, and far from any end")]
    let times = |count: u64| (count as f64 * factor).round() as u64;
    let traffic = sample.traffic.map(|traffic| Traffic {
        round_trips: times(traffic.round_trips),
        connections: traffic.connections,
        bytes_up: traffic.bytes_up.map(times),
        bytes_down: traffic.bytes_down.map(times),
    });
    Sample { elapsed: sample.elapsed.mul_f64(factor), traffic }
}
