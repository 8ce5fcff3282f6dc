//! What is asked for, in which order.

mod read;
mod synthetic;

use std::collections::HashMap;

pub(super) use synthetic::{Zipf, synthetic};

/// A sequence of requests, and the capacities at which it is worth running.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its name in the report.
    pub name: String,
    /// Numbers from 0 up, each key's by its first appearance.
    pub(super) requests: Vec<u32>,
    pub(super) capacities: Vec<usize>,
    /// Parts of one length, in each of which the workload is another.
    pub(super) phases: usize,
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
        Self { name: name.into(), requests, capacities, phases: 1 }
    }

    fn in_phases(self, phases: usize) -> Self {
        Self { phases, ..self }
    }
}

/// Each number once, in the order of appearance, as small as can be.
fn dense(requests: impl IntoIterator<Item = u64>) -> Vec<u32> {
    let mut numbers = HashMap::new();
    let mut dense = |request| {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(request).or_insert(next)
    };
    requests.into_iter().map(&mut dense).collect()
}
