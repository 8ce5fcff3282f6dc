//! Episodes: what an agent did.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fields::Scalar;
use crate::{EpisodeId, HeuristicId, Latency, Metadata, PatternId, Timestamp};

/// One task that an agent worked on, from its start to its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Episode {
    /// Its identifier.
    pub id: EpisodeId,
    /// What sort of task it was.
    pub task_type: TaskType,
    /// The task in words.
    pub task_description: String,
    /// Where the task took place.
    pub context: TaskContext,
    /// When work began.
    pub start_time: Timestamp,
    /// When work ended; `None` while it goes on.
    pub end_time: Option<Timestamp>,
    /// What was done, in order.
    pub steps: Vec<ExecutionStep>,
    /// How it ended.
    pub outcome: Option<TaskOutcome>,
    /// How well it went.
    pub reward: Option<RewardScore>,
    /// What the agent thought of it afterwards.
    pub reflection: Option<Reflection>,
    /// Patterns learned from or applied in it.
    pub patterns: Vec<PatternId>,
    /// Heuristics learned from or applied in it.
    pub heuristics: Vec<HeuristicId>,
    /// Anything else worth keeping, and filterable by key.
    pub metadata: Metadata,
    /// When it was archived. An ordinary field: archived episodes are returned
    /// unless a filter leaves them out.
    pub archived_at: Option<Timestamp>,
}

impl Episode {
    /// An episode that starts now, with a fresh id and nothing else in it.
    pub fn new(task_description: impl Into<String>, context: TaskContext, task_type: TaskType) -> Self {
        Self::with_id(EpisodeId::new(), Timestamp::now(), task_description, context, task_type)
    }

    /// An episode of a given id that began at a given time, with nothing else
    /// in it.
    pub fn with_id(
        id: EpisodeId,
        start_time: Timestamp,
        task_description: impl Into<String>,
        context: TaskContext,
        task_type: TaskType,
    ) -> Self {
        Self {
            id,
            task_type,
            task_description: task_description.into(),
            context,
            start_time,
            end_time: None,
            steps: Vec::new(),
            outcome: None,
            reward: None,
            reflection: None,
            patterns: Vec::new(),
            heuristics: Vec::new(),
            metadata: Metadata::new(),
            archived_at: None,
        }
    }
}

/// What sort of task an episode is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskType {
    /// Writing new code.
    CodeGeneration,
    /// Finding and fixing faults.
    Debugging,
    /// Changing the shape of code, not what it does.
    Refactoring,
    /// Writing or running tests.
    Testing,
    /// Understanding something.
    Analysis,
    /// Writing for people.
    Documentation,
    /// Anything else.
    #[default]
    Other,
}

impl TaskType {
    /// The name in snake case, as in JSON and SQL: `code_generation`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodeGeneration => "code_generation",
            Self::Debugging => "debugging",
            Self::Refactoring => "refactoring",
            Self::Testing => "testing",
            Self::Analysis => "analysis",
            Self::Documentation => "documentation",
            Self::Other => "other",
        }
    }
}

/// Where a task took place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskContext {
    /// The area of work: `web`, `airline`.
    pub domain: String,
    /// The programming language, where there is one.
    pub language: Option<String>,
    /// The framework, where there is one.
    pub framework: Option<String>,
    /// How hard the task looked.
    pub complexity: Complexity,
    /// Labels, in the order given.
    pub tags: Vec<String>,
}

impl TaskContext {
    /// A context in `domain`, of moderate complexity and with nothing else in it.
    pub fn new(domain: impl Into<String>) -> Self {
        Self { domain: domain.into(), ..Self::default() }
    }
}

/// How hard a task looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// Little to think about.
    Simple,
    /// The usual.
    #[default]
    Moderate,
    /// Many parts, or few certainties.
    Complex,
}

impl Complexity {
    /// The name in lowercase, as in JSON and SQL: `moderate`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Moderate => "moderate",
            Self::Complex => "complex",
        }
    }
}

/// One action of the agent and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionStep {
    /// The place in the episode, from 1.
    pub step_number: u32,
    /// When it began.
    pub timestamp: Timestamp,
    /// The tool that was used.
    pub tool: String,
    /// What it was used for.
    pub action: String,
    /// The tool's arguments: any JSON whose numbers are an `i64`, a `u64` or a
    /// finite `f64`. `json!` and [`Value::from`] make `null` of a number that is
    /// not finite.
    #[serde(with = "crate::json")]
    pub parameters: Value,
    /// What came back; `None` while it runs.
    pub result: Option<ExecutionResult>,
    /// How long it took.
    pub latency: Latency,
    /// Language model tokens spent on it, where known.
    pub tokens_used: Option<u32>,
    /// Anything else worth keeping.
    pub metadata: Metadata,
}

impl ExecutionStep {
    /// A step that begins now, without parameters or a result.
    pub fn new(step_number: u32, tool: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            step_number,
            timestamp: Timestamp::now(),
            tool: tool.into(),
            action: action.into(),
            parameters: Value::Null,
            result: None,
            latency: Latency::default(),
            tokens_used: None,
            metadata: Metadata::new(),
        }
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionResult {
    /// The tool answered.
    Success {
        /// Its answer, whole.
        output: String,
    },
    /// The tool failed.
    Error {
        /// What it said.
        message: String,
    },
    /// The tool did not answer in time.
    Timeout,
}

/// How an episode ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskOutcome {
    /// All of it was done.
    Success {
        /// In a few words.
        verdict: String,
        /// What was made.
        artifacts: Vec<String>,
    },
    /// Some of it was done.
    PartialSuccess {
        /// In a few words.
        verdict: String,
        /// What was done.
        completed: Vec<String>,
        /// What was not.
        failed: Vec<String>,
    },
    /// None of it was done.
    Failure {
        /// Why.
        reason: String,
        /// The error behind it, where there was one.
        error_details: Option<String>,
    },
    /// The agent declined.
    Abstained {
        /// Why.
        reason: String,
    },
}

impl TaskOutcome {
    /// The variant's name in snake case, as in JSON: `partial_success`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Success { .. } => "success",
            Self::PartialSuccess { .. } => "partial_success",
            Self::Failure { .. } => "failure",
            Self::Abstained { .. } => "abstained",
        }
    }
}

/// How well an episode went, and how that figure came about. All finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RewardScore {
    /// The figure to compare episodes by.
    pub total: f64,
    /// What the outcome alone is worth.
    pub base: f64,
    /// Factor for time and steps spent.
    pub efficiency: f64,
    /// Factor for hard tasks.
    pub complexity_bonus: f64,
    /// Factor for the quality of what was made.
    pub quality_multiplier: f64,
    /// Added for what was learned.
    pub learning_bonus: f64,
}

/// What the agent thought of an episode afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reflection {
    /// What went well.
    pub successes: Vec<String>,
    /// What to do better.
    pub improvements: Vec<String>,
    /// What was understood.
    pub insights: Vec<String>,
    /// When this was written.
    pub generated_at: Timestamp,
}

impl From<TaskType> for Scalar<'_> {
    fn from(task_type: TaskType) -> Self {
        task_type.name().into()
    }
}

impl From<Complexity> for Scalar<'_> {
    fn from(complexity: Complexity) -> Self {
        complexity.name().into()
    }
}
