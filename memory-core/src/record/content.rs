//! Content of each kind of record, for size and limit validation.

use super::check::Check;
use crate::{Episode, ExecutionResult, Heuristic, Pattern, PatternKind, TaskContext, TaskOutcome};

/// Visits everything that a record holds. The trait also seals
/// [`Record`](super::Record).
pub trait Content {
    fn visit(&self, check: &mut Check);

    fn check(&self) -> Check {
        let mut check = Check::new();
        self.visit(&mut check);
        check
    }
}

impl Content for Episode {
    fn visit(&self, check: &mut Check) {
        check.text(&self.task_description);
        context(check, &self.context);
        // Id, times, task type and the lists' ids.
        check.scalars(5 + 2 * (self.patterns.len() + self.heuristics.len()));
        for (index, step) in self.steps.iter().enumerate() {
            check.text(&step.tool);
            check.text(&step.action);
            check.scalars(4);
            check.json(|| format!("steps[{index}].parameters"), &step.parameters);
            check.metadata(|| format!("steps[{index}].metadata"), &step.metadata);
            match &step.result {
                Some(ExecutionResult::Success { output: text } | ExecutionResult::Error { message: text }) => {
                    check.text(text);
                }
                Some(ExecutionResult::Timeout) | None => {}
            }
        }
        match &self.outcome {
            Some(TaskOutcome::Success { verdict, artifacts }) => {
                check.text(verdict);
                check.texts(artifacts);
            }
            Some(TaskOutcome::PartialSuccess { verdict, completed, failed }) => {
                check.text(verdict);
                check.texts(completed);
                check.texts(failed);
            }
            Some(TaskOutcome::Failure { reason, error_details }) => {
                check.text(reason);
                check.texts(error_details.as_slice());
            }
            Some(TaskOutcome::Abstained { reason }) => check.text(reason),
            None => {}
        }
        if let Some(reward) = &self.reward {
            check.real("reward.total", reward.total);
            check.real("reward.base", reward.base);
            check.real("reward.efficiency", reward.efficiency);
            check.real("reward.complexity_bonus", reward.complexity_bonus);
            check.real("reward.quality_multiplier", reward.quality_multiplier);
            check.real("reward.learning_bonus", reward.learning_bonus);
        }
        if let Some(reflection) = &self.reflection {
            check.texts(&reflection.successes);
            check.texts(&reflection.improvements);
            check.texts(&reflection.insights);
        }
        check.metadata(|| "metadata".to_owned(), &self.metadata);
    }
}

impl Content for Pattern {
    fn visit(&self, check: &mut Check) {
        context(check, &self.context);
        // Id, times, counts and the figures of `effectiveness`.
        check.scalars(9);
        check.rate("success_rate", self.success_rate);
        check.real("effectiveness.average_reward_change", self.effectiveness.average_reward_change);
        match &self.kind {
            PatternKind::ToolSequence { tools, .. } => check.texts(tools),
            PatternKind::DecisionPoint { condition, action, .. } => {
                check.text(condition);
                check.text(action);
            }
            PatternKind::ErrorRecovery { error_type, recovery_steps } => {
                check.text(error_type);
                check.texts(recovery_steps);
            }
            PatternKind::ContextPattern { features, recommended_approach, evidence } => {
                check.texts(features);
                check.text(recommended_approach);
                check.scalars(2 * evidence.len());
            }
        }
        check.metadata(|| "metadata".to_owned(), &self.metadata);
    }
}

impl Content for Heuristic {
    fn visit(&self, check: &mut Check) {
        check.text(&self.condition);
        check.text(&self.action);
        // Id, times, sample size and the ids of the evidence.
        check.scalars(5 + 2 * self.evidence.episodes.len());
        check.rate("confidence", self.confidence);
        check.rate("evidence.success_rate", self.evidence.success_rate);
        check.metadata(|| "metadata".to_owned(), &self.metadata);
    }
}

fn context(check: &mut Check, context: &TaskContext) {
    check.key_text(|| "context.domain".to_owned(), &context.domain);
    check.scalars(1 + context.tags.len());
    for (name, text) in [("language", &context.language), ("framework", &context.framework)] {
        if let Some(text) = text {
            check.scalars(1);
            check.key_text(|| format!("context.{name}"), text);
        }
    }
    for (index, tag) in context.tags.iter().enumerate() {
        check.key_text(|| format!("context.tags[{index}]"), tag);
    }
}
