//! Patterns.

use serde::{Deserialize, Serialize};

use crate::{EpisodeId, Latency, Metadata, PatternId, TaskContext, Timestamp};

/// An approach that worked in several episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pattern {
    /// The identifier.
    pub id: PatternId,
    /// The context in which the pattern applies.
    pub context: TaskContext,
    /// Share of the uses that succeeded, 0 to 1. Other numbers are refused.
    pub success_rate: f64,
    /// Number of episodes that show the pattern.
    pub occurrences: u32,
    /// Results of the pattern's use.
    pub effectiveness: Effectiveness,
    /// Time at which the pattern was learned.
    pub created_at: Timestamp,
    /// Time at which the pattern last changed.
    pub updated_at: Timestamp,
    /// The kind of the pattern.
    pub kind: PatternKind,
    /// Free-form data that filters can refer to.
    pub metadata: Metadata,
}

impl Pattern {
    /// Creates a pattern that is learned now, with a new id and without
    /// occurrences.
    pub fn new(context: TaskContext, kind: PatternKind) -> Self {
        Self::with_id(PatternId::new(), Timestamp::now(), context, kind)
    }

    /// Creates a pattern with the given id and time of learning, and without
    /// occurrences.
    pub fn with_id(id: PatternId, created_at: Timestamp, context: TaskContext, kind: PatternKind) -> Self {
        Self {
            id,
            context,
            success_rate: 0.0,
            occurrences: 0,
            effectiveness: Effectiveness::default(),
            created_at,
            updated_at: created_at,
            kind,
            metadata: Metadata::new(),
        }
    }
}

/// The kind of the pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PatternKind {
    /// A sequence of tools that works well.
    ToolSequence {
        /// The tools, in order.
        tools: Vec<String>,
        /// Average duration of the whole sequence.
        average_latency: Latency,
    },
    /// A decision that depends on a condition.
    DecisionPoint {
        /// The condition.
        condition: String,
        /// The action taken.
        action: String,
        /// Number of successes.
        successes: u32,
        /// Number of failures.
        failures: u32,
    },
    /// Recovery from an error.
    ErrorRecovery {
        /// The type of the error.
        error_type: String,
        /// The steps of the recovery, in order.
        recovery_steps: Vec<String>,
    },
    /// An approach for a context.
    ContextPattern {
        /// The features that identify the context.
        features: Vec<String>,
        /// The recommended approach.
        recommended_approach: String,
        /// The supporting episodes.
        evidence: Vec<EpisodeId>,
    },
}

impl PatternKind {
    /// Returns the variant's name in snake case, as in JSON and SQL:
    /// `tool_sequence`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ToolSequence { .. } => "tool_sequence",
            Self::DecisionPoint { .. } => "decision_point",
            Self::ErrorRecovery { .. } => "error_recovery",
            Self::ContextPattern { .. } => "context_pattern",
        }
    }
}

/// The results of a pattern's use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effectiveness {
    /// Number of times that the pattern was retrieved.
    pub times_retrieved: u32,
    /// Number of times that the pattern was applied after retrieval.
    pub times_applied: u32,
    /// Number of successes.
    pub successes: u32,
    /// Number of failures.
    pub failures: u32,
    /// Average change of the reward. Must be finite.
    pub average_reward_change: f64,
    /// Time of the last application.
    pub last_used: Option<Timestamp>,
}
