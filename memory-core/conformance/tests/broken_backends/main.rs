//! Backends with one fault each, which must fail the cases on that fault, by
//! name. The same backend without the fault passes them.

mod broken;
mod meaning;
mod record;

use std::time::Duration;

use broken::{Broken, Fault};
use meaning::Meaning;
use memory_conformance::{Report, Suite, names};
use memory_core::{Error, InMemoryStorage};

async fn run(fault: Fault, case: &str) -> Report {
    Suite::new(|| async { Ok(Broken::new(fault)) }).only(case).guard(Duration::from_secs(5)).run().await
}

async fn fails(fault: Fault, cases: &[&str]) {
    for case in cases {
        assert!(names().contains(case), "there is no case {case}");
        run(Fault::Nothing, case).await.assert_passed();
        let report = run(fault, case).await;
        assert!(report.failed().iter().any(|failed| failed.name == *case), "{fault:?} passed {case}");
    }
}

macro_rules! faults {
    ($($test:ident: $fault:expr => [$($case:literal),+ $(,)?];)+) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            fails($fault, &[$($case),+]).await;
        }
    )+};
}

faults! {
    dropping_a_field: Fault::DropsAField => [
        "every_field_of_an_episode_survives",
        "generated_records_survive_unchanged",
    ];
    turning_integers_into_reals: Fault::TurnsIntegersIntoReals => [
        "metadata_values_keep_their_types",
        "extreme_metadata_numbers_survive",
    ];
    flooring_times_to_milliseconds: Fault::FloorsTimesToMilliseconds => ["the_ends_of_time_survive"];
    losing_the_sign_of_zero: Fault::LosesTheSignOfZero => ["negative_zero_keeps_its_sign"];
    clamping_rates: Fault::ClampsRates => ["limits_no_rate_is_outside_zero_to_one"];
    taking_nan_as_null: Fault::TakesNanAsNull => ["limits_no_metadata_number_may_be_infinite_or_nan"];
    cutting_long_domains: Fault::CutsLongDomains => ["limits_key_text_of_one_kibibyte_is_stored"];
    merging_old_and_new: Fault::MergesOldAndNew => ["put_replaces_the_whole_record"];
    losing_the_last_of_a_batch: Fault::LosesTheLastOfABatch => [
        "put_stores_every_record_of_a_batch",
        "put_keeps_the_last_of_a_repeated_id",
    ];
    keeping_the_first_of_a_repeated_id: Fault::KeepsTheFirstOfARepeatedId => ["put_keeps_the_last_of_a_repeated_id"];
    putting_until_the_first_error: Fault::PutsUntilTheFirstError => [
        "put_with_one_bad_record_stores_nothing",
        "put_with_one_bad_record_replaces_nothing",
        "limits_no_real_may_be_infinite_or_nan",
    ];
    answering_in_order_of_id: Fault::AnswersInOrderOfId => ["get_answers_in_the_order_asked"];
    answering_repeated_ids_once: Fault::AnswersRepeatedIdsOnce => ["get_answers_each_repeated_id"];
    counting_missing_ids_as_deleted: Fault::CountsMissingIdsAsDeleted => [
        "delete_counts_what_was_there",
        "delete_counts_a_repeated_id_once",
        "delete_of_a_missing_id_counts_nothing",
    ];
    committing_kind_after_kind: Fault::CommitsKindAfterKind => [
        "commit_with_a_bad_record_of_any_kind_does_nothing",
        "commit_reports_its_own_id",
    ];
    counting_committed_deletes_as_none: Fault::CountsCommittedDeletesAsNone => ["commit_counts_deletes_of_every_kind"];
    repeating_puts_alone: Fault::RepeatsPutsAlone => ["commit_again_after_newer_writes_changes_nothing"];
    applying_again: Fault::AppliesAgain => [
        "commit_again_does_nothing_and_reports_the_first_count",
        "commit_again_after_newer_writes_changes_nothing",
        "commit_twice_at_once_takes_effect_once",
        "commit_again_of_a_dropped_one_takes_effect_once",
        "settle_before_the_first_commit_refuses_it",
        "fence_before_the_first_commit_refuses_it",
        "fences_of_two_commits_against_each_other_leave_one",
        "fence_against_itself_is_none",
    ];
    applying_twice_at_once: Fault::AppliesTwiceAtOnce => ["commit_twice_at_once_takes_effect_once"];
    counting_nothing_again: Fault::CountsNothingAgain => ["commit_again_does_nothing_and_reports_the_first_count"];
    taking_a_batch_for_another: Fault::TakesABatchForAnother => [
        "commit_of_a_changed_batch_is_a_new_write",
        "commit_of_a_cloned_batch_is_a_new_write",
    ];
    fencing_what_happened: Fault::FencesWhatHappened => [
        "commit_again_does_not_fence_again",
        "fence_against_itself_is_none",
    ];
    applying_before_it_checks: Fault::AppliesBeforeItChecks => [
        "fence_before_the_first_commit_refuses_it",
        "fence_and_commit_at_once_are_one_after_the_other",
    ];
    fencing_before_it_checks: Fault::FencesBeforeItChecks => ["commit_after_a_refusal_is_a_first_one"];
    refusing_as_unavailable: Fault::RefusesAsUnavailable => [
        "settle_before_the_first_commit_refuses_it",
        "fence_before_the_first_commit_refuses_it",
    ];
    never_settling: Fault::NeverSettles => ["settle_of_nothing_returns", "settle_of_unknown_writes_returns"];
    settling_nothing: Fault::SettlesNothing => ["settle_before_the_first_commit_refuses_it"];
    taking_effect_after_settle: Fault::TakesEffectAfterSettle => [
        "settle_before_the_first_commit_refuses_it",
        "settle_ends_a_commit_under_way",
        "settle_ends_commits_at_once",
        "settle_ends_a_commit_that_was_dropped",
        "settle_ends_a_commit_whose_task_was_aborted",
    ];
    ignoring_fences: Fault::IgnoresFences => [
        "a_fence_ends_a_commit_that_was_dropped",
        "fence_before_the_first_commit_refuses_it",
        "fence_of_a_commit_under_way_ends_it",
    ];
    answering_oldest_first: Fault::AnswersOldestFirst => [
        "order_is_newest_first_unless_told",
        "order_by_every_own_field_both_ways",
        "generated_queries_page_as_the_reference_does",
    ];
    ignoring_the_cursor: Fault::IgnoresTheCursor => [
        "pages_of_any_size_give_every_record_once",
        "cursor_of_another_filter_is_refused",
        "pages_omit_what_is_added_before_the_cursor",
    ];
    stopping_after_the_first_page: Fault::StopsAfterTheFirstPage => [
        "pages_of_any_size_give_every_record_once",
        "page_at_the_end_has_no_cursor",
    ];
    paging_by_offset: Fault::PagesByOffset => [
        "pages_omit_what_is_added_before_the_cursor",
        "pages_go_on_when_the_cursors_record_is_deleted",
    ];
    skipping_ties_between_pages: Fault::SkipsTiesBetweenPages => [
        "pages_go_through_ties",
        "pages_by_every_field_both_ways",
        "pages_go_from_values_to_missing_ones",
    ];
    accepting_any_limit: Fault::AcceptsAnyLimit => ["limit_of_none_or_too_many_is_refused"];
    counting_one_too_many: Fault::CountsOneTooMany => ["count_of_all_and_of_some", "count_of_an_empty_store_is_nothing"];
    forgetting_the_groups: Fault::ForgetsTheGroups => ["count_by_a_text", "count_by_with_a_filter"];
    explaining_anything: Fault::ExplainsAnything => ["explain_refuses_what_query_refuses"];

    taking_true_as_one: Fault::Means(Meaning::TrueIsOne) => [
        "filter_true_is_not_one",
        "filter_contains_is_membership_by_type",
        "generated_filters_find_what_the_reference_finds",
    ];
    taking_a_text_as_its_number: Fault::Means(Meaning::TextIsNumber) => [
        "filter_true_is_not_one",
        "filter_own_field_equals_no_other_type",
    ];
    taking_null_as_missing: Fault::Means(Meaning::NullIsMissing) => ["filter_null_equals_only_an_explicit_null"];
    negating_only_what_is_there: Fault::Means(Meaning::NegationNeedsAValue) => [
        "filter_missing_key_meets_only_negations",
        "filter_optional_text_by_every_operator",
        "filter_not_is_the_complement",
    ];
    containing_a_substring: Fault::Means(Meaning::ContainsASubstring) => ["filter_contains_is_never_a_substring"];
    containing_in_objects: Fault::Means(Meaning::ContainsInObjects) => ["filter_contains_is_never_a_substring"];
    taking_a_key_as_a_path: Fault::Means(Meaning::KeyIsAPath) => [
        "filter_key_is_never_a_path",
        "filter_hostile_key_is_a_literal_key",
    ];
    finding_a_key_anywhere: Fault::Means(Meaning::KeyIsFoundAnywhere) => ["filter_path_reaches_inside"];
    comparing_integers_as_reals: Fault::Means(Meaning::IntegersAreReals) => ["filter_integers_beyond_2_53_are_exact"];
    ignoring_case: Fault::Means(Meaning::TextsIgnoreCase) => ["filter_text_by_every_operator"];
    ending_texts_at_nul: Fault::Means(Meaning::TextsEndAtNul) => [
        "filter_hostile_text_equals_only_itself",
        "filter_hostile_value_equals_only_itself",
    ];
    taking_texts_as_like_patterns: Fault::Means(Meaning::TextsAreLikePatterns) => [
        "filter_hostile_text_equals_only_itself",
        "filter_hostile_value_equals_only_itself",
    ];
    excluding_the_start: Fault::Means(Meaning::TimesExcludeTheStart) => ["filter_since_includes_and_until_excludes"];
    comparing_in_by_one_type: Fault::Means(Meaning::InIsOneTypeOnly) => ["filter_mixed_operands_of_in"];
    joining_or_as_and: Fault::Means(Meaning::OrIsAnd) => ["filter_and_or_not_are_two_valued"];
}

#[tokio::test]
async fn a_panic_is_the_failure_of_its_case_and_of_no_other() {
    let report = Suite::new(|| async { Ok(Broken::new(Fault::PanicsInGet)) }).only("get_").run().await;
    assert!(report.failed().len() >= 5 && report.passed().is_empty(), "{report}");
    let failed = &report.failed()[0];
    assert!(failed.reason.contains("panicked") && failed.reason.contains("the disk is on fire"), "{report}");
    run(Fault::PanicsInGet, "order_is_newest_first_unless_told").await.assert_passed();
}

#[tokio::test(start_paused = true)]
async fn a_hang_is_reported_once_the_guards_time_is_over() {
    let guard = Duration::from_secs(3_600);
    let before = tokio::time::Instant::now();
    let suite = Suite::new(|| async { Ok(Broken::new(Fault::NeverSettles)) }).only("settle_of").guard(guard);
    let report = suite.run().await;
    assert_eq!(report.failed().len(), 2, "{report}");
    assert!(report.failed().iter().all(|failed| failed.reason.contains("did not end within 3600s")), "{report}");
    assert!(before.elapsed() >= 2 * guard);
}

#[tokio::test]
async fn a_factory_that_fails_is_the_reason_of_every_case() {
    let report = Suite::new(|| async { Err::<InMemoryStorage, _>(Error::unavailable("open", "no such host")) })
        .only("get_")
        .run()
        .await;
    assert!(report.passed().is_empty());
    assert!(report.failed().iter().all(|failed| failed.reason.contains("no such host")), "{report}");
}

#[tokio::test]
async fn a_report_names_every_failed_case_and_its_reason() {
    let report = Suite::new(|| async { Ok(Broken::new(Fault::ForgetsTheGroups)) }).only("count_").run().await;
    let text = report.to_string();
    assert!(report.failed().len() > 3 && !report.passed().is_empty());
    for failed in report.failed() {
        assert!(text.contains(&format!("\n{}: {}", failed.name, failed.reason)), "{text}");
    }
    let panic = std::panic::catch_unwind(|| report.assert_passed()).unwrap_err();
    assert_eq!(*panic.downcast::<String>().unwrap(), text);
}

#[tokio::test]
#[should_panic(expected = "0 cases passed, 0 failed")]
async fn a_run_of_no_case_proves_nothing() {
    Suite::new(|| async { Ok(InMemoryStorage::new()) }).only("no such case").run().await.assert_passed();
}

#[tokio::test]
async fn a_generated_failure_is_small_and_shows_the_seed_that_repeats_it() {
    let fault = Fault::Means(Meaning::TrueIsOne);
    let run = async || {
        let suite = Suite::new(|| async { Ok(Broken::new(fault)) });
        let report = suite.only("generated_filters").seed(77).generated(200).run().await;
        report.failed().first().map(|failed| failed.reason.clone()).unwrap_or_default()
    };
    let reason = run().await;
    assert!(reason.contains("MEMORY_TEST_SEED=77"), "{reason}");
    // One record and one predicate suffice.
    assert_eq!(reason.matches("Episode {").count(), 1, "{reason}");
    assert_eq!(run().await, reason);
}
