//! What the sections go by.

use super::traces::Trace;
use crate::Scope;

/// Runs what it is given, and says by how many bytes more are allocated after
/// it than before.
pub type CountAllocated = fn(&mut dyn FnMut()) -> usize;

/// What the sections `cache` and `cache_ratio` go by.
#[derive(Clone, Debug)]
pub struct CacheSettings {
    /// Traces to run through the caches, besides those that are drawn.
    pub traces: Vec<Trace>,
    /// How memory is counted; without, it is not measured.
    pub count_allocated: Option<CountAllocated>,
    /// How many rounds are measured.
    pub rounds: usize,
    /// How often each thread does the operation in a round.
    pub requests: usize,
    /// Entries of the caches whose lookups are timed.
    pub sizes: Vec<usize>,
    /// Entries of the caches whose writes are timed.
    pub written: usize,
    /// Entries of the caches whose memory is measured.
    pub filled: Vec<usize>,
    /// Requests of each trace that is drawn.
    pub drawn: usize,
}

impl CacheSettings {
    /// What a run of this scope goes by.
    pub fn new(scope: Scope) -> Self {
        let settings = Self {
            traces: Vec::new(),
            count_allocated: None,
            rounds: 15,
            requests: 100_000,
            sizes: vec![1_000, 50_000, 1_000_000],
            written: 50_000,
            // On both sides of where tables of a power of two double.
            filled: vec![150_000, 200_000, 250_000],
            drawn: 400_000,
        };
        match scope {
            Scope::Quick => Self {
                rounds: 6,
                requests: 20_000,
                sizes: vec![1_000, 50_000],
                filled: settings.filled.iter().map(|entries| entries / 8).collect(),
                drawn: 60_000,
                ..settings
            },
            Scope::Default => settings,
            Scope::Full => Self {
                rounds: 31,
                requests: 400_000,
                sizes: vec![1_000, 10_000, 50_000, 100_000, 1_000_000],
                drawn: 2_000_000,
                ..settings
            },
        }
    }
}
