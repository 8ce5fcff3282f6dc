//! What the section goes by.

use std::time::Duration;

use crate::{Scope, ServerAddress};

/// What the section `network` goes by.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// The server to measure instead of the lab.
    pub server: Option<ServerAddress>,
    /// The lab's round-trip time.
    pub rtt: Duration,
    /// Round trips that a new connection to the lab costs beyond its own one.
    pub tls_rtts: u32,
    /// How many rounds are measured.
    pub rounds: usize,
    /// How long the turns of one contender at one operation may take together:
    /// [`Workload::budget`](crate::Workload::budget).
    pub budget: Duration,
    /// Whether other systems have one turn only.
    pub others_once: bool,
    /// How many records a contender stores that sends a request for each; for
    /// more its figures are scaled up.
    pub max_single_records: usize,
}

impl NetworkSettings {
    /// What a run of this scope goes by.
    pub fn new(scope: Scope) -> Self {
        let settings = Self {
            server: None,
            rtt: Duration::from_millis(30),
            tls_rtts: 0,
            rounds: 21,
            budget: Duration::from_secs(10),
            others_once: false,
            max_single_records: 100,
        };
        match scope {
            Scope::Quick => {
                Self { rounds: 6, budget: Duration::from_secs(1), others_once: true, max_single_records: 5, ..settings }
            }
            Scope::Default => settings,
            Scope::Full => Self { rounds: 31, budget: Duration::from_secs(60), ..settings },
        }
    }
}
