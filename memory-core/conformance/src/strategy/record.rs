//! Generated records.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::{Generate, id, json, metadata, pool, rate, real, text, time};
use memory_core::{
    Complexity, Effectiveness, Episode, Evidence, ExecutionResult, ExecutionStep, Heuristic, Id, Latency, Pattern,
    PatternKind, Reflection, RewardScore, TaskContext, TaskOutcome, TaskType,
};

impl Generate for Episode {
    fn any() -> BoxedStrategy<Self> {
        episode().boxed()
    }
}

impl Generate for Pattern {
    fn any() -> BoxedStrategy<Self> {
        pattern().boxed()
    }
}

impl Generate for Heuristic {
    fn any() -> BoxedStrategy<Self> {
        heuristic().boxed()
    }
}

/// Generates episodes in any state: begun, ended in any way, archived.
pub fn episode() -> impl Strategy<Value = Episode> {
    let what = (id(), task_type(), text(), context(), metadata());
    let times = (time(), option::of(time()), option::of(time()));
    let ended = (option::of(outcome()), option::of(reward()), option::of(reflection()));
    let learned = (vec(step(), 0..4), ids(), ids());
    (what, times, ended, learned).prop_map(|(what, times, ended, learned)| {
        let (id, task_type, description, context, metadata) = what;
        let mut episode = Episode::new(description, context, task_type);
        episode.id = id;
        episode.metadata = metadata;
        (episode.start_time, episode.end_time, episode.archived_at) = times;
        (episode.outcome, episode.reward, episode.reflection) = ended;
        (episode.steps, episode.patterns, episode.heuristics) = learned;
        episode
    })
}

/// Generates patterns of any kind.
pub fn pattern() -> impl Strategy<Value = Pattern> {
    let figures = (rate(), count(), effectiveness());
    (id(), context(), pattern_kind(), figures, time(), time(), metadata()).prop_map(
        |(id, context, kind, figures, created_at, updated_at, metadata)| {
            let mut pattern = Pattern::new(context, kind);
            pattern.id = id;
            (pattern.success_rate, pattern.occurrences, pattern.effectiveness) = figures;
            pattern.created_at = created_at;
            pattern.updated_at = updated_at;
            pattern.metadata = metadata;
            pattern
        },
    )
}

/// Generates heuristics.
pub fn heuristic() -> impl Strategy<Value = Heuristic> {
    let evidence = (ids(), rate(), count()).prop_map(|(episodes, success_rate, sample_size)| Evidence {
        episodes,
        success_rate,
        sample_size,
    });
    (id(), text(), text(), rate(), evidence, time(), time(), metadata()).prop_map(
        |(id, condition, action, confidence, evidence, created_at, updated_at, metadata)| {
            let mut heuristic = Heuristic::new(condition, action, confidence);
            heuristic.id = id;
            heuristic.evidence = evidence;
            heuristic.created_at = created_at;
            heuristic.updated_at = updated_at;
            heuristic.metadata = metadata;
            heuristic
        },
    )
}

fn task_type() -> impl Strategy<Value = TaskType> {
    pool::all(pool::TASK_TYPES)
}

fn context() -> impl Strategy<Value = TaskContext> {
    (text(), option::of(text()), option::of(text()), complexity(), texts()).prop_map(
        |(domain, language, framework, complexity, tags)| TaskContext { domain, language, framework, complexity, tags },
    )
}

fn complexity() -> impl Strategy<Value = Complexity> {
    pool::all(pool::COMPLEXITIES)
}

fn step() -> impl Strategy<Value = ExecutionStep> {
    let parameters = prop_oneof![4 => json(), 1 => any::<u64>().prop_map(Value::from)];
    let answer = (option::of(result()), latency(), option::of(count()));
    (count(), time(), text(), text(), parameters, answer, metadata()).prop_map(
        |(step_number, timestamp, tool, action, parameters, answer, metadata)| {
            let (result, latency, tokens_used) = answer;
            ExecutionStep {
                timestamp,
                parameters,
                result,
                latency,
                tokens_used,
                metadata,
                ..ExecutionStep::new(step_number, tool, action)
            }
        },
    )
}

fn result() -> impl Strategy<Value = ExecutionResult> {
    prop_oneof![
        text().prop_map(|output| ExecutionResult::Success { output }),
        text().prop_map(|message| ExecutionResult::Error { message }),
        Just(ExecutionResult::Timeout),
    ]
}

fn outcome() -> impl Strategy<Value = TaskOutcome> {
    prop_oneof![
        (text(), texts()).prop_map(|(verdict, artifacts)| TaskOutcome::Success { verdict, artifacts }),
        (text(), texts(), texts()).prop_map(|(verdict, completed, failed)| TaskOutcome::PartialSuccess {
            verdict,
            completed,
            failed
        }),
        (text(), option::of(text())).prop_map(|(reason, error_details)| TaskOutcome::Failure { reason, error_details }),
        text().prop_map(|reason| TaskOutcome::Abstained { reason }),
    ]
}

fn reward() -> impl Strategy<Value = RewardScore> {
    (real(), real(), real(), real(), real(), real()).prop_map(
        |(total, base, efficiency, complexity_bonus, quality_multiplier, learning_bonus)| RewardScore {
            total,
            base,
            efficiency,
            complexity_bonus,
            quality_multiplier,
            learning_bonus,
        },
    )
}

fn reflection() -> impl Strategy<Value = Reflection> {
    (texts(), texts(), texts(), time()).prop_map(|(successes, improvements, insights, generated_at)| Reflection {
        successes,
        improvements,
        insights,
        generated_at,
    })
}

fn effectiveness() -> impl Strategy<Value = Effectiveness> {
    (count(), count(), count(), count(), real(), option::of(time())).prop_map(
        |(times_retrieved, times_applied, successes, failures, average_reward_change, last_used)| Effectiveness {
            times_retrieved,
            times_applied,
            successes,
            failures,
            average_reward_change,
            last_used,
        },
    )
}

fn pattern_kind() -> impl Strategy<Value = PatternKind> {
    prop_oneof![
        (texts(), latency()).prop_map(|(tools, average_latency)| PatternKind::ToolSequence { tools, average_latency }),
        (text(), text(), count(), count()).prop_map(|(condition, action, successes, failures)| {
            PatternKind::DecisionPoint { condition, action, successes, failures }
        }),
        (text(), texts())
            .prop_map(|(error_type, recovery_steps)| PatternKind::ErrorRecovery { error_type, recovery_steps }),
        (texts(), text(), ids()).prop_map(|(features, recommended_approach, evidence)| {
            PatternKind::ContextPattern { features, recommended_approach, evidence }
        }),
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..4)
}

fn ids<R: 'static>() -> impl Strategy<Value = Vec<Id<R>>> {
    vec(id(), 0..4)
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![4 => pool::all(pool::COUNTS), 1 => any::<u32>()]
}

fn latency() -> impl Strategy<Value = Latency> {
    prop_oneof![4 => count().prop_map(u64::from), 1 => any::<u64>(), 1 => Just(u64::MAX)].prop_map(Latency::from_micros)
}
