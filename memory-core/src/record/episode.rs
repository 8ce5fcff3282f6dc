//! Episodes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fields::Scalar;
use crate::{EpisodeId, HeuristicId, Latency, Metadata, PatternId, Timestamp};

/// One task that an agent worked on, from its start to its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Episode {
    /// The identifier.
    pub id: EpisodeId,
    /// The type of the task.
    pub task_type: TaskType,
    /// The task's description.
    pub task_description: String,
    /// The context of the task.
    pub context: TaskContext,
    /// Start of the work.
    pub start_time: Timestamp,
    /// End of the work; `None` while it goes on.
    pub end_time: Option<Timestamp>,
    /// The steps, in order.
    pub steps: Vec<ExecutionStep>,
    /// The outcome.
    pub outcome: Option<TaskOutcome>,
    /// The reward.
    pub reward: Option<RewardScore>,
    /// The agent's reflection on the episode.
    pub reflection: Option<Reflection>,
    /// Patterns that were learned from the episode or applied in it.
    pub patterns: Vec<PatternId>,
    /// Heuristics that were learned from the episode or applied in it.
    pub heuristics: Vec<HeuristicId>,
    /// Free-form data that filters can refer to.
    pub metadata: Metadata,
    /// Time at which the episode was archived. This is an ordinary field:
    /// queries return archived episodes unless a filter excludes them.
    pub archived_at: Option<Timestamp>,
}

impl Episode {
    /// Creates an episode that starts now, with a new id and otherwise empty.
    pub fn new(task_description: impl Into<String>, context: TaskContext, task_type: TaskType) -> Self {
        Self::with_id(EpisodeId::new(), Timestamp::now(), task_description, context, task_type)
    }

    /// Creates an episode with the given id and start time, and otherwise
    /// empty.
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

/// The type of an episode's task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskType {
    /// Writing new code.
    CodeGeneration,
    /// Finding and fixing faults.
    Debugging,
    /// Changing the structure of code without changing its behaviour.
    Refactoring,
    /// Writing or running tests.
    Testing,
    /// Understanding code, data or a problem.
    Analysis,
    /// Writing documentation.
    Documentation,
    /// Any other task.
    #[default]
    Other,
}

impl TaskType {
    /// Returns the name in snake case, as in JSON and SQL: `code_generation`.
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

/// The context of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskContext {
    /// The area of work: `web`, `airline`.
    pub domain: String,
    /// The programming language, if there is one.
    pub language: Option<String>,
    /// The framework, if there is one.
    pub framework: Option<String>,
    /// The expected difficulty.
    pub complexity: Complexity,
    /// Labels, in the order in which they were given.
    pub tags: Vec<String>,
}

impl TaskContext {
    /// Creates a context in `domain`, of moderate complexity and otherwise
    /// empty.
    pub fn new(domain: impl Into<String>) -> Self {
        Self { domain: domain.into(), ..Self::default() }
    }
}

/// The expected difficulty of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// A simple task.
    Simple,
    /// A task of the usual difficulty.
    #[default]
    Moderate,
    /// A task with many parts or much uncertainty.
    Complex,
}

impl Complexity {
    /// Returns the name in lowercase, as in JSON and SQL: `moderate`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Moderate => "moderate",
            Self::Complex => "complex",
        }
    }
}

/// One action of the agent, and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionStep {
    /// Number of the step in its episode, from 1.
    pub step_number: u32,
    /// Start of the step.
    pub timestamp: Timestamp,
    /// Name of the tool.
    pub tool: String,
    /// Description of the action.
    pub action: String,
    /// The tool's arguments: JSON whose numbers are each an `i64`, a `u64` or a
    /// finite `f64`. `json!` and [`Value::from`] turn a number that is not
    /// finite into `null`.
    #[serde(with = "crate::json")]
    pub parameters: Value,
    /// The result; `None` while the step runs.
    pub result: Option<ExecutionResult>,
    /// Duration of the step.
    pub latency: Latency,
    /// Number of language model tokens spent on the step, if known.
    pub tokens_used: Option<u32>,
    /// Free-form data.
    pub metadata: Metadata,
}

impl ExecutionStep {
    /// Creates a step that begins now, without parameters and without a result.
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

/// The result of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionResult {
    /// The tool answered.
    Success {
        /// The complete answer.
        output: String,
    },
    /// The tool failed.
    Error {
        /// The tool's message.
        message: String,
    },
    /// The tool did not answer in time.
    Timeout,
}

/// The outcome of an episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskOutcome {
    /// The task was completed.
    Success {
        /// A short summary.
        verdict: String,
        /// The artifacts that were produced.
        artifacts: Vec<String>,
    },
    /// A part of the task was completed.
    PartialSuccess {
        /// A short summary.
        verdict: String,
        /// The completed parts.
        completed: Vec<String>,
        /// The parts that failed.
        failed: Vec<String>,
    },
    /// The task failed.
    Failure {
        /// The reason.
        reason: String,
        /// Details of the error, if there was one.
        error_details: Option<String>,
    },
    /// The agent declined the task.
    Abstained {
        /// The reason.
        reason: String,
    },
}

impl TaskOutcome {
    /// Returns the variant's name in snake case, as in JSON: `partial_success`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Success { .. } => "success",
            Self::PartialSuccess { .. } => "partial_success",
            Self::Failure { .. } => "failure",
            Self::Abstained { .. } => "abstained",
        }
    }
}

/// The reward of an episode, and its components. All figures must be finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RewardScore {
    /// The total, by which episodes are compared.
    pub total: f64,
    /// The value of the outcome alone.
    pub base: f64,
    /// Factor for the time and the steps spent.
    pub efficiency: f64,
    /// Factor for the complexity of the task.
    pub complexity_bonus: f64,
    /// Factor for the quality of the result.
    pub quality_multiplier: f64,
    /// Summand for patterns and heuristics learned.
    pub learning_bonus: f64,
}

/// An agent's reflection on a finished episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reflection {
    /// Successes.
    pub successes: Vec<String>,
    /// Possible improvements.
    pub improvements: Vec<String>,
    /// Insights.
    pub insights: Vec<String>,
    /// Time at which the reflection was written.
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
