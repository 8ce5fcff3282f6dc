//! Heuristics.

use serde::{Deserialize, Serialize};

use crate::{EpisodeId, HeuristicId, Metadata, Timestamp};

/// A rule that an agent has learned: a condition and an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Heuristic {
    /// The identifier.
    pub id: HeuristicId,
    /// The condition under which the rule applies.
    pub condition: String,
    /// The action to take.
    pub action: String,
    /// Confidence in the rule, 0 to 1. Other numbers are refused.
    pub confidence: f64,
    /// The evidence for the rule.
    pub evidence: Evidence,
    /// Time at which the rule was learned.
    pub created_at: Timestamp,
    /// Time at which the rule last changed.
    pub updated_at: Timestamp,
    /// Free-form data that filters can refer to.
    pub metadata: Metadata,
}

impl Heuristic {
    /// Creates a heuristic that is learned now, with a new id and without
    /// evidence.
    pub fn new(condition: impl Into<String>, action: impl Into<String>, confidence: f64) -> Self {
        Self::with_id(HeuristicId::new(), Timestamp::now(), condition, action, confidence)
    }

    /// Creates a heuristic with the given id and time of learning, and without
    /// evidence.
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

/// The evidence for a heuristic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The supporting episodes.
    pub episodes: Vec<EpisodeId>,
    /// Share of the uses that succeeded, 0 to 1. Other numbers are refused.
    pub success_rate: f64,
    /// Number of uses.
    pub sample_size: u32,
}
