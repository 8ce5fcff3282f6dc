//! Sample heuristics.

use super::{Sample, count, full_metadata, ids, marked, moment, rate, text, times, varied_metadata, worded_metadata};
use memory_core::field::{self, Field};
use memory_core::{Evidence, Heuristic, Id, MemoryStorage, Metadata, Store, Timestamp};

impl Sample for Heuristic {
    fn store(storage: &dyn MemoryStorage) -> &dyn Store<Self> {
        storage
    }

    fn sample(n: u64) -> Self {
        let mut heuristic = Self::new(format!("heuristic {n:06}"), "look for a missing key", 0.5);
        heuristic.id = marked(n);
        heuristic.created_at = moment(n);
        heuristic.updated_at = moment(n);
        heuristic
    }

    fn full() -> Vec<Self> {
        let mut heuristic = Self::sample(0);
        heuristic.confidence = 0.3;
        heuristic.evidence =
            Evidence { episodes: vec![marked(3), marked(1), marked(3)], success_rate: 0.7, sample_size: 12 };
        heuristic.updated_at = moment(2);
        heuristic.metadata = full_metadata();
        vec![heuristic]
    }

    fn varied(n: usize) -> Self {
        let mut heuristic = Self::new(text(n, 1), text(n, 3), rate(n, 1));
        heuristic.id = marked(n as u64);
        heuristic.evidence = Evidence { episodes: ids(n), success_rate: rate(n, 5), sample_size: count(n) };
        heuristic.created_at = times(n);
        heuristic.updated_at = times(n + 1);
        heuristic.metadata = varied_metadata(n);
        heuristic
    }

    fn saying(text: &str) -> Vec<Self> {
        let mut heuristic = Self::worded(0, text);
        text.clone_into(&mut heuristic.action);
        heuristic.metadata = worded_metadata(text);
        vec![heuristic]
    }

    fn reals(&mut self) -> Vec<(&'static str, &mut f64)> {
        vec![("confidence", &mut self.confidence), ("evidence.success_rate", &mut self.evidence.success_rate)]
    }

    fn text(&mut self) -> (&mut String, Field<Self>) {
        (&mut self.condition, field::condition())
    }

    fn long_text(&mut self) -> &mut String {
        &mut self.condition
    }

    fn real_field() -> Field<Self> {
        field::confidence()
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
