//! What is asked and answered.

use std::ops::Range;
use std::time::Duration;

use memory_core::{Episode, EpisodeId};
use serde::{Deserialize, Serialize};

/// What the bench asks for: a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Open this database, in place of the one before, and create what is
    /// missing in it.
    Open {
        /// A path, or a URL.
        database: String,
        /// The bearer token for a URL; an empty one is none.
        token: String,
    },
    /// Keep these episodes, in place of those before, for calls to store.
    Keep {
        /// In the order in which calls count them.
        episodes: Vec<Episode>,
    },
    /// Do these calls, one after the other.
    Run {
        /// How many of the first are outside the clock.
        unclocked: usize,
        /// All of them.
        calls: Calls,
    },
}

/// Calls of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calls {
    /// Get the episode of an id.
    Get(Vec<EpisodeId>),
    /// Get the episodes of many ids, in any order.
    GetBatch(Vec<Vec<EpisodeId>>),
    /// Get the episode of an id through a cache.
    GetCached(Vec<EpisodeId>),
    /// Store these of the episodes that are kept, all or none.
    Store(Vec<Range<usize>>),
    /// Delete the episode of an id.
    Delete(Vec<EpisodeId>),
    /// The 50 newest episodes of a domain.
    QueryDomain(Vec<String>),
    /// The 50 newest with this text under the metadata key `conversation`, for
    /// which there is no index.
    QueryConversation(Vec<String>),
    /// The 50 newest with this text under the metadata key `session`.
    QuerySession(Vec<String>),
}

/// What a peer answers: a line of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It is open, or keeps them.
    Done,
    /// It ran.
    Ran(Ran),
    /// It could not, and nothing else changed.
    Failed {
        /// Why, in its own words.
        reason: String,
    },
}

/// What came of calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// How long the calls by the clock took together.
    pub nanoseconds: u64,
    /// What the last of them found, in its order.
    pub found: Vec<Found>,
}

impl Ran {
    /// Calls that took so long together, the last of which found this.
    pub fn new(elapsed: Duration, found: Vec<Found>) -> Self {
        Self { nanoseconds: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), found }
    }
}

/// An episode that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its identifier.
    pub id: EpisodeId,
    /// All of it, where the peer's records are the workspace's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<Episode>,
}

impl From<Episode> for Found {
    fn from(episode: Episode) -> Self {
        Self { id: episode.id, episode: Some(episode) }
    }
}

impl From<EpisodeId> for Found {
    fn from(id: EpisodeId) -> Self {
        Self { id, episode: None }
    }
}
