//! Sample episodes.

use serde_json::json;

use super::{
    Sample, full_context, full_metadata, ids, marked, maybe, moment, nth, real, text, times, varied_context,
    varied_metadata, worded_context, worded_metadata,
};
use crate::strategy::pool::TASK_TYPES;
use memory_core::field::{self, Field};
use memory_core::{
    Episode, ExecutionResult, ExecutionStep, Id, Latency, MemoryStorage, Metadata, Reflection, RewardScore, Store,
    TaskContext, TaskOutcome, TaskType, Timestamp,
};

impl Sample for Episode {
    fn store(storage: &dyn MemoryStorage) -> &dyn Store<Self> {
        storage
    }

    fn sample(n: u64) -> Self {
        let mut episode = Self::new(format!("episode {n:06}"), TaskContext::new("web"), TaskType::Debugging);
        episode.id = marked(n);
        episode.start_time = moment(n);
        episode
    }

    fn full() -> Vec<Self> {
        let outcomes = [
            TaskOutcome::Success { verdict: "done".to_owned(), artifacts: list(["a.rs", "b.rs"]) },
            TaskOutcome::PartialSuccess {
                verdict: "half".to_owned(),
                completed: list(["form"]),
                failed: list(["test", "docs"]),
            },
            TaskOutcome::Failure { reason: "no access".to_owned(), error_details: Some("403".to_owned()) },
            TaskOutcome::Failure { reason: "no idea".to_owned(), error_details: None },
            TaskOutcome::Abstained { reason: "too risky".to_owned() },
        ];
        (0..).zip(outcomes).map(|(n, outcome)| full(n, outcome)).collect()
    }

    fn varied(n: usize) -> Self {
        let mut episode = Self::new(text(n, 1), varied_context(n), nth(TASK_TYPES, n, 1));
        episode.id = marked(n as u64);
        episode.start_time = times(n);
        episode.end_time = maybe(n, times(n + 1));
        episode.archived_at = maybe(n + 1, times(n + 2));
        episode.outcome = maybe(n + 2, nth(&outcomes(), n, 1));
        episode.reward = maybe(n, RewardScore { total: real(n, 1), ..RewardScore::default() });
        episode.patterns = ids(n);
        episode.heuristics = ids(n + 1);
        episode.metadata = varied_metadata(n);
        episode
    }

    fn saying(text: &str) -> Vec<Self> {
        let one = || text.to_owned();
        let two = || vec![text.to_owned(), text.to_owned()];
        let step = |result| ExecutionStep {
            parameters: json!({ text: [text] }),
            result,
            metadata: worded_metadata(text),
            ..ExecutionStep::new(1, text, text)
        };
        let outcomes = [
            TaskOutcome::Success { verdict: one(), artifacts: two() },
            TaskOutcome::PartialSuccess { verdict: one(), completed: two(), failed: two() },
            TaskOutcome::Failure { reason: one(), error_details: Some(one()) },
            TaskOutcome::Abstained { reason: one() },
        ];
        let say = |(n, outcome)| {
            let mut episode = Self::sample(n);
            episode.task_description = one();
            episode.context = worded_context(text);
            episode.steps = vec![
                step(Some(ExecutionResult::Success { output: one() })),
                step(Some(ExecutionResult::Error { message: one() })),
            ];
            episode.outcome = Some(outcome);
            episode.reflection =
                Some(Reflection { successes: two(), improvements: two(), insights: two(), generated_at: moment(n) });
            episode.metadata = worded_metadata(text);
            episode
        };
        (0..).zip(outcomes).map(say).collect()
    }

    fn reals(&mut self) -> Vec<(&'static str, &mut f64)> {
        let reward = self.reward.get_or_insert_default();
        vec![
            ("reward.total", &mut reward.total),
            ("reward.base", &mut reward.base),
            ("reward.efficiency", &mut reward.efficiency),
            ("reward.complexity_bonus", &mut reward.complexity_bonus),
            ("reward.quality_multiplier", &mut reward.quality_multiplier),
            ("reward.learning_bonus", &mut reward.learning_bonus),
        ]
    }

    fn text(&mut self) -> (&mut String, Field<Self>) {
        (&mut self.task_description, field::task_description())
    }

    fn long_text(&mut self) -> &mut String {
        &mut self.task_description
    }

    fn real_field() -> Field<Self> {
        field::reward()
    }

    fn time(&mut self) -> &mut Timestamp {
        &mut self.start_time
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn set_id(&mut self, id: Id<Self>) {
        self.id = id;
    }
}

fn full(n: u64, outcome: TaskOutcome) -> Episode {
    let mut episode = Episode::sample(n);
    episode.task_type = TaskType::Refactoring;
    episode.context = full_context();
    episode.end_time = Some(moment(n + 1));
    episode.steps = vec![
        step(1, Some(ExecutionResult::Success { output: "3 matches".to_owned() })),
        step(2, Some(ExecutionResult::Error { message: "not found".to_owned() })),
        step(3, Some(ExecutionResult::Timeout)),
        step(4, None),
    ];
    episode.outcome = Some(outcome);
    episode.reward = Some(RewardScore {
        total: 1.25,
        base: 1.0,
        efficiency: 0.9,
        complexity_bonus: 1.1,
        quality_multiplier: 0.3,
        learning_bonus: 0.1,
    });
    episode.reflection = Some(Reflection {
        successes: list(["quick"]),
        improvements: list(["test first", "ask"]),
        insights: list(["keys matter"]),
        generated_at: moment(n + 2),
    });
    episode.patterns = vec![marked(3), marked(1), marked(3)];
    episode.heuristics = vec![marked(2), marked(9)];
    episode.metadata = full_metadata();
    episode.archived_at = Some(moment(n + 3));
    episode
}

fn step(number: u32, result: Option<ExecutionResult>) -> ExecutionStep {
    ExecutionStep {
        timestamp: moment(number.into()),
        parameters: json!({"query": "login", "limit": 3, "deep": [[1.5, null], {"x": true}]}),
        result,
        latency: Latency::from_micros(1_234_567),
        tokens_used: number.is_multiple_of(2).then_some(321),
        metadata: full_metadata(),
        ..ExecutionStep::new(number, "grep", "search the form")
    }
}

fn outcomes() -> [TaskOutcome; 4] {
    [
        TaskOutcome::Success { verdict: "done".to_owned(), artifacts: Vec::new() },
        TaskOutcome::PartialSuccess { verdict: "half".to_owned(), completed: Vec::new(), failed: Vec::new() },
        TaskOutcome::Failure { reason: "no access".to_owned(), error_details: None },
        TaskOutcome::Abstained { reason: "too risky".to_owned() },
    ]
}

fn list<const N: usize>(items: [&str; N]) -> Vec<String> {
    items.map(str::to_owned).to_vec()
}
