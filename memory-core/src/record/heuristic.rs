//! Heuristics: rules drawn from experience.

use serde::{Deserialize, Serialize};

use crate::{EpisodeId, HeuristicId, Metadata, Timestamp};

/// A rule: when this is the case, do that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Heuristic {
    /// Its identifier.
    pub id: HeuristicId,
    /// When it applies.
    pub condition: String,
    /// What to do then.
    pub action: String,
    /// How sure it is, 0 to 1; any other number is refused.
    pub confidence: f64,
    /// What it rests on.
    pub evidence: Evidence,
    /// When it was first learned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Anything else worth keeping, and filterable by key.
    pub metadata: Metadata,
}

impl Heuristic {
    /// A heuristic learned now, with a fresh id and no evidence yet.
    pub fn new(condition: impl Into<String>, action: impl Into<String>, confidence: f64) -> Self {
        Self::with_id(HeuristicId::new(), Timestamp::now(), condition, action, confidence)
    }

    /// A heuristic of a given id, learned at a given time, with no evidence yet.
    pub fn with_id(
        id: HeuristicId,
        created_at: Timestamp,
        condition: impl Into<String>,
        action: impl Into<String>,
        confidence: f64,
    ) -> Self {
        Self {
            id,
            condition: condition.into(),
            action: action.into(),
            confidence,
            evidence: Evidence::default(),
            created_at,
            updated_at: created_at,
            metadata: Metadata::new(),
        }
    }
}

/// What a heuristic rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The episodes that support it.
    pub episodes: Vec<EpisodeId>,
    /// How often it led to success, 0 to 1; any other number is refused.
    pub success_rate: f64,
    /// Out of how many uses.
    pub sample_size: u32,
}
