//! What the section goes by.

use crate::Scope;

/// What the section `scale` goes by.
#[derive(Clone, Debug)]
pub struct ScaleSettings {
    /// How many episodes of 1 kB there are, one database after the other.
    pub populations: Vec<usize>,
    /// How many tasks work at the same time, on the last of them.
    pub tasks: Vec<usize>,
    /// How many rounds are measured.
    pub rounds: usize,
}

impl ScaleSettings {
    /// What a run of this scope goes by.
    pub fn new(scope: Scope) -> Self {
        let settings = Self { populations: vec![10_000, 100_000], tasks: vec![1, 2, 4, 8, 16, 32, 64], rounds: 11 };
        match scope {
            Scope::Quick => Self { populations: vec![1_000, 10_000], tasks: vec![1, 8, 64], rounds: 6 },
            Scope::Default => settings,
            Scope::Full => Self { populations: vec![10_000, 100_000, 1_000_000], rounds: 31, ..settings },
        }
    }
}
