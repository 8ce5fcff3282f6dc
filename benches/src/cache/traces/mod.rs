//! What is asked for, in which order.

mod read;
mod synthetic;

pub(super) use read::read;
pub(super) use synthetic::{Zipf, synthetic};

use super::systems::dense;

/// A sequence of requests, and the capacities at which it is worth running.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) name: String,
    /// Numbers from 0 up, each key's by its first appearance.
    pub(super) requests: Vec<u32>,
    pub(super) capacities: Vec<usize>,
}

impl Trace {
    /// A trace at these capacities or, if there are none, at several parts of
    /// its keys.
    fn new(name: impl Into<String>, requests: impl IntoIterator<Item = u64>, capacities: &[usize]) -> Self {
        let requests = dense(requests);
        let keys = requests.iter().max().map_or(0, |last| *last as usize + 1);
        let mut capacities = capacities.to_vec();
        if capacities.is_empty() {
            capacities.extend([32, 10, 4, 2].map(|part| keys / part).into_iter().filter(|capacity| *capacity > 0));
        }
        Self { name: name.into(), requests, capacities }
    }
}
