//! Its records, of the same content.

use std::collections::HashMap;

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Utc};
use do_memory_core as theirs;
use memory_core::{Complexity, Episode, ExecutionResult, ExecutionStep, Metadata, RewardScore, TaskOutcome, Timestamp};

/// This episode as it would have been recorded there.
pub(crate) fn of(episode: &Episode) -> Result<theirs::Episode> {
    let context = theirs::TaskContext {
        language: episode.context.language.clone(),
        framework: episode.context.framework.clone(),
        complexity: match episode.context.complexity {
            Complexity::Simple => theirs::ComplexityLevel::Simple,
            Complexity::Moderate => theirs::ComplexityLevel::Moderate,
            Complexity::Complex => theirs::ComplexityLevel::Complex,
        },
        domain: episode.context.domain.clone(),
        tags: episode.context.tags.clone(),
    };
    let task_type = episode.task_type.name().parse().map_err(|error: String| anyhow!(error))?;
    Ok(theirs::Episode {
        episode_id: episode.id.into(),
        start_time: time(episode.start_time)?,
        end_time: episode.end_time.map(time).transpose()?,
        steps: episode.steps.iter().map(step).collect::<Result<_>>()?,
        outcome: episode.outcome.clone().map(|outcome| self::outcome(outcome, episode.steps.len())),
        reward: episode.reward.map(reward),
        reflection: episode.reflection.clone().map(reflection).transpose()?,
        patterns: episode.patterns.iter().map(|id| (*id).into()).collect(),
        heuristics: episode.heuristics.iter().map(|id| (*id).into()).collect(),
        metadata: metadata(&episode.metadata),
        ..theirs::Episode::new(episode.task_description.clone(), context, task_type)
    })
}

fn step(step: &ExecutionStep) -> Result<theirs::ExecutionStep> {
    Ok(theirs::ExecutionStep {
        step_number: usize::try_from(step.step_number)?,
        timestamp: time(step.timestamp)?,
        tool: step.tool.clone(),
        action: step.action.clone(),
        parameters_json: step.parameters.to_string(),
        result: step.result.clone().map(|result| match result {
            ExecutionResult::Success { output } => theirs::ExecutionResult::Success { output },
            ExecutionResult::Error { message } => theirs::ExecutionResult::Error { message },
            ExecutionResult::Timeout => theirs::ExecutionResult::Timeout,
        }),
        latency_ms: step.latency.as_micros() / 1_000,
        tokens_used: step.tokens_used.map(usize::try_from).transpose()?,
        metadata: metadata(&step.metadata),
    })
}

/// Where it asks at which step the agent stopped, that is the last.
fn outcome(outcome: TaskOutcome, steps: usize) -> theirs::TaskOutcome {
    match outcome {
        TaskOutcome::Success { verdict, artifacts } => theirs::TaskOutcome::Success { verdict, artifacts },
        TaskOutcome::PartialSuccess { verdict, completed, failed } => {
            theirs::TaskOutcome::PartialSuccess { verdict, completed, failed }
        }
        TaskOutcome::Failure { reason, error_details } => theirs::TaskOutcome::Failure { reason, error_details },
        TaskOutcome::Abstained { reason } => {
            theirs::TaskOutcome::Abstained { reason, stopped_at_step: steps, infeasibility_signals: Vec::new() }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "it keeps them as `f32`")]
fn reward(reward: RewardScore) -> theirs::RewardScore {
    theirs::RewardScore {
        total: reward.total as f32,
        base: reward.base as f32,
        efficiency: reward.efficiency as f32,
        complexity_bonus: reward.complexity_bonus as f32,
        quality_multiplier: reward.quality_multiplier as f32,
        learning_bonus: reward.learning_bonus as f32,
        abstention_score: 0.0,
        raw_reward: 0.0,
        normalized_reward: 0.0,
        decayed_reward: 0.0,
        effective_reward: 0.0,
    }
}

fn reflection(reflection: memory_core::Reflection) -> Result<theirs::Reflection> {
    Ok(theirs::Reflection {
        successes: reflection.successes,
        improvements: reflection.improvements,
        insights: reflection.insights,
        generated_at: time(reflection.generated_at)?,
    })
}

/// Texts as they are, and anything else as the text of its JSON: it has texts alone.
fn metadata(metadata: &Metadata) -> HashMap<String, String> {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    metadata.iter().map(|(key, value)| (key.to_owned(), text(value))).collect()
}

fn time(time: Timestamp) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp_micros(time.as_micros()).with_context(|| format!("{time} is no time to it"))
}
