//! Connectives of filters, and their number.

use super::filter_table::{Row, answers, finds};
use crate::check::{Outcome, refused};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::backend::Scalar;
use memory_core::field::{metadata, metadata_path};
use memory_core::limits::{MAX_FILTER_CONTENT, MAX_FILTER_NODES};
use memory_core::{Filter, Query, Record};

cases! {
    storage: [],
    each_kind: [
        filter_of_nothing_finds_all_or_none,
        filter_and_or_not_are_two_valued,
        filter_not_is_the_complement,
        filter_of_the_most_tests_is_answered,
        filter_of_the_deepest_nesting_is_answered,
        filter_in_takes_thousands_of_values,
        filter_too_large_is_refused,
        filter_by_no_number_is_refused,
    ],
}

async fn filter_of_nothing_finds_all_or_none<R: Sample>(subject: &Subject) -> Outcome {
    finds(
        subject,
        &R::samples(0..3),
        [
            (Filter::<R>::all(), vec![0, 1, 2]),
            (Filter::none(), vec![]),
            (Filter::And(vec![Filter::all(), Filter::all()]), vec![0, 1, 2]),
            (Filter::Or(vec![Filter::none(), Filter::all()]), vec![0, 1, 2]),
            (Filter::And(vec![Filter::none(), Filter::all()]), vec![]),
            (Filter::Or(vec![Filter::none()]), vec![]),
        ],
    )
    .await
}

/// Returns the records 0 to 7, which hold each combination of three keys, by
/// the bits of their numbers.
fn combinations<R: Sample>() -> Vec<R> {
    let keys = |n: u64| ["a", "b", "c"].into_iter().enumerate().filter(move |(bit, _)| n >> bit & 1 == 1);
    (0..8).map(|n| R::tagged(n, keys(n).map(|(_, key)| (key, 1)).collect::<memory_core::Metadata>())).collect()
}

fn is<R: Record>(key: &str) -> Filter<R> {
    metadata(key).eq(1)
}

async fn filter_and_or_not_are_two_valued<R: Sample>(subject: &Subject) -> Outcome {
    finds(
        subject,
        &combinations::<R>(),
        [
            (is("a") & is("b"), vec![3, 7]),
            (is("a") | is("b"), vec![1, 2, 3, 5, 6, 7]),
            (!is("a"), vec![0, 2, 4, 6]),
            (is("a") & !is("b"), vec![1, 5]),
            (is("a") & is("b") & is("c"), vec![7]),
            ((is("a") | is("b")) & is("c"), vec![5, 6, 7]),
            (is("a") | (is("b") & is("c")), vec![1, 3, 5, 6, 7]),
            (!(is("a") & is("b")), vec![0, 1, 2, 4, 5, 6]),
            (!(is("a") | is("b")), vec![0, 4]),
            (!(is("a") & !(is("b") | !is("c"))), vec![0, 1, 2, 3, 4, 6, 7]),
            // No comparison is true for a missing key, so its negation is.
            (!metadata("a").lt(1) & !metadata("a").ge(1), vec![0, 2, 4, 6]),
            (metadata("a").lt(2) | metadata("a").ge(2), vec![1, 3, 5, 7]),
        ],
    )
    .await
}

async fn filter_not_is_the_complement<R: Sample>(subject: &Subject) -> Outcome {
    let not = |filter| Filter::Not(Box::new(filter));
    let tests = [
        is::<R>("a"),
        metadata("a").eq(Scalar::Null),
        metadata("a").ne(2),
        metadata("a").lt("x"),
        metadata("a").is_in([1, 2]),
        metadata("a").contains(1),
        metadata("a").exists(),
        R::text_field().eq("x"),
        Filter::all(),
        Filter::none(),
    ];
    let records = combinations::<R>();
    let rows: Vec<Row<R>> = tests
        .into_iter()
        .flat_map(|test| {
            let (yes, no): (Vec<_>, _) = (0..).zip(&records).partition(|(_, record)| test.matches(record));
            let [yes, no] = [yes, no].map(|part: Vec<(u64, &R)>| part.iter().map(|(n, _)| *n).collect::<Vec<_>>());
            [(not(test.clone()), no.clone()), (not(not(test.clone())), yes), (not(not(not(test))), no)]
        })
        .collect();
    finds(subject, &records, rows).await
}

async fn filter_of_the_most_tests_is_answered<R: Sample>(subject: &Subject) -> Outcome {
    let records = combinations::<R>();
    subject.put(&records).await?;
    let others = |n: usize| metadata::<R>(format!("k{n}")).eq("no");
    let tests = (2..MAX_FILTER_NODES).map(others);
    let any = Filter::Or(tests.clone().chain([is("a")]).collect());
    answers(subject, &any, &[1, 3, 5, 7].map(marked)).await?;
    let all = Filter::And((2..MAX_FILTER_NODES / 2).map(|n| !others(n)).chain([is("a")]).collect());
    answers(subject, &all, &[1, 3, 5, 7].map(marked)).await
}

async fn filter_of_the_deepest_nesting_is_answered<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&combinations::<R>()).await?;
    // The filter is as deep as the number of nodes allows, and every level
    // matters.
    let mut nots = is::<R>("a");
    for _ in 1..MAX_FILTER_NODES {
        nots = Filter::Not(Box::new(nots));
    }
    answers(subject, &nots, &[0, 2, 4, 6].map(marked)).await?;
    let mut alternating = is::<R>("a");
    for level in 0..(MAX_FILTER_NODES - 1) / 3 {
        alternating = if level % 2 == 0 {
            Filter::And(vec![alternating, !is("b")])
        } else {
            Filter::Or(vec![alternating, Filter::And(vec![is("c")])])
        };
    }
    let wanted: Vec<_> = combinations().iter().filter(|record| alternating.matches(record)).map(R::id).collect();
    answers(subject, &alternating, &wanted).await
}

async fn filter_in_takes_thousands_of_values<R: Sample>(subject: &Subject) -> Outcome {
    let records = [R::tagged(0, [("k", 39_999)]), R::tagged(1, [("k", "t4999")]), R::tagged(2, [("k", -1)])];
    let values: Vec<Scalar> = (0..40_000).map(Scalar::from).chain((0..5_000).map(|n| format!("t{n}").into())).collect();
    finds(subject, &records, [(metadata("k").is_in(values), vec![0, 1])]).await
}

async fn filter_too_large_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    let many = Filter::Or((0..MAX_FILTER_NODES).map(|_| is::<R>("a")).collect());
    is_refused(subject, many, "filter").await?;
    let text = "x".repeat(MAX_FILTER_CONTENT / 2 + 1);
    is_refused(subject, R::text_field().is_in([text.clone(), text]), "filter").await
}

async fn filter_by_no_number_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let name = R::real_field().path().to_string();
        is_refused(subject, R::real_field().lt(value), &name).await?;
        is_refused(subject, !(is("a") & R::real_field().is_in([0.0, value])), &name).await?;
        is_refused(subject, metadata::<R>("k").contains(value), "metadata[\"k\"]").await?;
    }
    is_refused(subject, metadata_path::<R, _>([""; 0]).exists(), "metadata_path").await
}

/// Passes the filter to every method that takes one.
async fn is_refused<R: Sample>(subject: &Subject, filter: Filter<R>, field: &str) -> Outcome {
    refused("count", subject.count(&filter, None).await, None, field)?;
    refused("count by id", subject.count(&filter, Some(memory_core::field::id())).await, None, field)?;
    let query = Query::new().filter(filter);
    refused("query", subject.query(&query).await, None, field)?;
    refused("explain", subject.explain(&query).await, None, field)
}
