//! Distribution of generated input.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests call for no part of them")]

use memory_conformance::{is_marked, strategy};
use memory_core::{Episode, Heuristic, Id, Pattern, Query};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use strategy::Generate;

fn drawn<T: std::fmt::Debug>(count: usize, strategy: impl Strategy<Value = T>) -> Vec<T> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Filters that match all records or none reveal little.
fn filters_divide<R: Generate>() {
    let populations = drawn(10, strategy::records::<R>(24..25));
    let filters = drawn(600, strategy::filter::<R>());
    let dividing = filters.iter().enumerate().filter(|(index, filter)| {
        let records = &populations[index % populations.len()];
        let matching = records.iter().filter(|record| filter.matches(record)).count();
        (1..records.len()).contains(&matching)
    });
    let dividing = dividing.count();
    assert!(dividing > 150, "{dividing} of {} filters on {} match some and not all", filters.len(), R::KIND);
}

#[test]
fn a_good_share_of_the_filters_match_some_records_and_not_others() {
    filters_divide::<Episode>();
    filters_divide::<Pattern>();
    filters_divide::<Heuristic>();
}

fn is_acceptable<R: Generate>() {
    for records in drawn(100, strategy::records::<R>(0..20)) {
        let mut ids: Vec<Id<R>> = records.iter().map(R::id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), records.len(), "an id is given twice");
        for record in &records {
            record.validate().unwrap();
            assert!(is_marked(record), "{}", record.id());
        }
    }
    for record in drawn(300, R::any()) {
        assert!(is_marked(&record), "{}", record.id());
    }
    for query in drawn(300, strategy::query::<R>()) {
        let query: Query<R> = query;
        query.validate().unwrap();
    }
}

#[test]
fn generated_records_and_queries_are_valid_and_marked() {
    is_acceptable::<Episode>();
    is_acceptable::<Pattern>();
    is_acceptable::<Heuristic>();
}
