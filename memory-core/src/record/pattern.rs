//! Patterns: what worked, and when.

use serde::{Deserialize, Serialize};

use crate::{EpisodeId, Latency, Metadata, PatternId, TaskContext, Timestamp};

/// Something that was seen to work in more than one episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Pattern {
    /// Its identifier.
    pub id: PatternId,
    /// Where it applies.
    pub context: TaskContext,
    /// How often it led to success, 0 to 1; any other number is refused.
    pub success_rate: f64,
    /// In how many episodes it was seen.
    pub occurrences: u32,
    /// What became of its use.
    pub effectiveness: Effectiveness,
    /// When it was first learned.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What was learned.
    pub kind: PatternKind,
    /// Anything else worth keeping, and filterable by key.
    pub metadata: Metadata,
}

impl Pattern {
    /// A pattern learned now, with a fresh id, not yet seen again or applied.
    pub fn new(context: TaskContext, kind: PatternKind) -> Self {
        Self::with_id(PatternId::new(), Timestamp::now(), context, kind)
    }

    /// A pattern of a given id, learned at a given time.
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

/// What was learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PatternKind {
    /// Tools that work well in this order.
    ToolSequence {
        /// The tools, in order.
        tools: Vec<String>,
        /// How long the whole sequence takes on average.
        average_latency: Latency,
    },
    /// What to do when something is the case.
    DecisionPoint {
        /// What was the case.
        condition: String,
        /// What was done.
        action: String,
        /// How often that went well.
        successes: u32,
        /// How often it did not.
        failures: u32,
    },
    /// How to get out of an error.
    ErrorRecovery {
        /// The error.
        error_type: String,
        /// What to do, in order.
        recovery_steps: Vec<String>,
    },
    /// What to do in a context.
    ContextPattern {
        /// What marks the context.
        features: Vec<String>,
        /// What to do in it.
        recommended_approach: String,
        /// The episodes that show it.
        evidence: Vec<EpisodeId>,
    },
}

impl PatternKind {
    /// The variant's name in snake case, as in JSON and SQL: `tool_sequence`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ToolSequence { .. } => "tool_sequence",
            Self::DecisionPoint { .. } => "decision_point",
            Self::ErrorRecovery { .. } => "error_recovery",
            Self::ContextPattern { .. } => "context_pattern",
        }
    }
}

/// What became of a pattern's use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effectiveness {
    /// How often it was recalled.
    pub times_retrieved: u32,
    /// How often it was then applied.
    pub times_applied: u32,
    /// How often that went well.
    pub successes: u32,
    /// How often it did not.
    pub failures: u32,
    /// By how much the reward changed on average. Finite.
    pub average_reward_change: f64,
    /// When it was last applied.
    pub last_used: Option<Timestamp>,
}
