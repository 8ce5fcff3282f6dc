//! Sample patterns.

use super::{
    Sample, count, full_context, full_metadata, ids, marked, moment, nth, rate, times, varied_context, varied_metadata,
    worded_context, worded_metadata,
};
use memory_core::field::{self, Field};
use memory_core::{
    Effectiveness, Id, Latency, MemoryStorage, Metadata, Pattern, PatternKind, Store, TaskContext, Timestamp,
};

impl Sample for Pattern {
    fn store(storage: &dyn MemoryStorage) -> &dyn Store<Self> {
        storage
    }

    fn sample(n: u64) -> Self {
        let kind = PatternKind::ErrorRecovery { error_type: "403".to_owned(), recovery_steps: Vec::new() };
        let mut pattern = Self::new(TaskContext::new(format!("pattern {n:06}")), kind);
        pattern.id = marked(n);
        pattern.created_at = moment(n);
        pattern.updated_at = moment(n);
        pattern
    }

    fn full() -> Vec<Self> {
        let full = |(n, kind)| {
            let mut pattern = Self::sample(n);
            pattern.context = full_context();
            pattern.success_rate = 0.1;
            pattern.occurrences = 7;
            pattern.effectiveness = Effectiveness {
                times_retrieved: 5,
                times_applied: 4,
                successes: 3,
                failures: 1,
                average_reward_change: -0.3,
                last_used: Some(moment(n + 1)),
            };
            pattern.updated_at = moment(n + 2);
            pattern.kind = kind;
            pattern.metadata = full_metadata();
            pattern
        };
        (0..).zip(kinds("grep")).map(full).collect()
    }

    fn varied(n: usize) -> Self {
        let mut pattern = Self::new(varied_context(n), nth(&kinds("x"), n, 1));
        pattern.id = marked(n as u64);
        pattern.success_rate = rate(n, 1);
        pattern.occurrences = count(n);
        pattern.created_at = times(n);
        pattern.updated_at = times(n + 1);
        pattern.metadata = varied_metadata(n);
        pattern
    }

    fn saying(text: &str) -> Vec<Self> {
        let say = |(n, kind)| {
            let mut pattern = Self::sample(n);
            pattern.context = worded_context(text);
            pattern.kind = kind;
            pattern.metadata = worded_metadata(text);
            pattern
        };
        (0..).zip(kinds(text)).map(say).collect()
    }

    fn reals(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![
            ("success_rate", &mut self.success_rate),
            ("effectiveness.average_reward_change", &mut self.effectiveness.average_reward_change),
        ]
    }

    fn text(&mut self) -> (&mut String, Field<Self>) {
        (&mut self.context.domain, field::domain())
    }

    fn long_text(&mut self) -> &mut String {
        self.kind = PatternKind::ErrorRecovery { error_type: String::new(), recovery_steps: Vec::new() };
        match &mut self.kind {
            PatternKind::ErrorRecovery { error_type, .. } => error_type,
            _ => unreachable!("it was made just now"),
        }
    }

    fn real_field() -> Field<Self> {
        field::success_rate()
    }

    fn time(&mut self) -> &mut Timestamp {
        &mut self.created_at
    }

    fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.metadata
    }

    fn set_id(&mut self, id: Id<Self>) {
        self.id = id;
    }
}

/// Returns one of each pattern kind, with this text in every text field.
fn kinds(text: &str) -> [PatternKind; 4] {
    let one = || text.to_owned();
    let two = || vec![text.to_owned(), "edit".to_owned()];
    [
        PatternKind::ToolSequence { tools: two(), average_latency: Latency::from_micros(1_500) },
        PatternKind::DecisionPoint { condition: one(), action: one(), successes: 3, failures: 1 },
        PatternKind::ErrorRecovery { error_type: one(), recovery_steps: two() },
        PatternKind::ContextPattern { features: two(), recommended_approach: one(), evidence: ids(3) },
    ]
}
