//! What the section goes by.

use std::time::Duration;

use crate::Scope;

/// What the section `phase1` goes by, beside the server and what a connection
/// costs, which are those of the section `network`.
#[derive(Clone, Debug)]
pub struct Phase1Settings {
    /// What an operation with a connection of its own is to cost: the lab's
    /// round-trip time is found by it. Nothing adds no delay.
    pub baseline: Duration,
    /// How many rounds are measured.
    pub rounds: usize,
    /// How long the turns of one contender at one operation may take together:
    /// [`Workload::budget`](crate::Workload::budget).
    pub budget: Duration,
    /// Whether other systems have one turn only, and ours where counts are all
    /// that matters.
    pub others_once: bool,
    /// Reads of one mix, of which 85 % are hits: a multiple of 20.
    pub reads: u64,
    /// Of these, how many are read in a turn where each costs a request.
    pub uncached_reads: u64,
    /// How many records are stored where each costs a request; for more the
    /// figures are scaled up. At least 2, since one alone needs no transaction.
    pub max_single_records: usize,
    /// Small episodes that metadata queries have to search.
    pub population: usize,
}

impl Phase1Settings {
    /// What a run of this scope goes by.
    pub fn new(scope: Scope) -> Self {
        let settings = Self {
            baseline: Duration::from_millis(134),
            rounds: 11,
            budget: Duration::from_secs(12),
            others_once: false,
            reads: 100,
            uncached_reads: 3,
            max_single_records: 5,
            population: 10_000,
        };
        match scope {
            Scope::Quick => Self {
                // Too few for an interval.
                rounds: 3,
                others_once: true,
                reads: 20,
                uncached_reads: 1,
                max_single_records: 2,
                ..settings
            },
            Scope::Default => settings,
            Scope::Full => Self { rounds: 31, budget: Duration::from_secs(120), ..settings },
        }
    }
}
