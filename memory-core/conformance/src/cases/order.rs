//! Orders of query results.

use serde_json::{Value, json};

use crate::check::{Outcome, equal, refused};
use crate::hostile::TEXTS;
use crate::marked;
use crate::sample::Sample;
use crate::strategy::pool::INTEGERS;
use crate::subject::Subject;
use memory_core::backend::FieldType;
use memory_core::field::{self, metadata, metadata_path};
use memory_core::{Direction, Episode, Field, Heuristic, Order, Query, Record, RecordRef};

use Direction::{Ascending, Descending};

cases! {
    storage: [order_by_a_missing_field_is_last_both_ways, order_by_a_list_is_refused],
    each_kind: [
        order_is_newest_first_unless_told,
        order_of_ties_is_by_id_both_ways,
        order_by_every_own_field_both_ways,
        order_by_metadata_goes_by_type_then_value,
        order_by_metadata_numbers_is_exact,
        order_by_metadata_path_and_hostile_keys,
        order_of_texts_is_bytewise,
        order_and_filter_together,
    ],
}

/// Stores records, queries all of them in this order, and returns their
/// numbers.
async fn ordered<R: Sample>(
    subject: &Subject,
    records: &[R],
    field: Field<R>,
    direction: Direction,
    wanted: &[u64],
) -> Outcome {
    subject.put(records).await?;
    let what = format!("{direction:?} by {}", field.path());
    let found = subject.ids(&Query::new().order_by(field, direction)).await.map_err(|failure| failure.at(&what))?;
    let wanted: Vec<_> = wanted.iter().copied().map(marked).collect();
    equal(what, &found, &wanted)
}

fn reversed(numbers: &[u64]) -> Vec<u64> {
    numbers.iter().rev().copied().collect()
}

async fn order_is_newest_first_unless_told<R: Sample>(subject: &Subject) -> Outcome {
    // The records are stored in no order, and their ids run against their
    // times.
    let micros = [5, -5, 3, 0, 4, 1];
    let records: Vec<R> = (0..).zip(micros).map(|(n, micros)| R::timed(n, micros)).collect();
    subject.put(&records).await?;
    let newest = [0, 4, 2, 5, 3, 1];
    let ids = |numbers: &[u64]| numbers.iter().copied().map(marked).collect::<Vec<_>>();
    equal("by default", &subject.ids(&Query::<R>::new()).await?, &ids(&newest))?;
    equal("newest first", &subject.ids(&Query::<R>::new().newest_first()).await?, &ids(&newest))?;
    equal("oldest first", &subject.ids(&Query::<R>::new().oldest_first()).await?, &ids(&reversed(&newest)))
}

async fn order_of_ties_is_by_id_both_ways<R: Sample>(subject: &Subject) -> Outcome {
    let numbers = [3, 0, 4, 1, 2];
    let records: Vec<R> = numbers.into_iter().map(|n| R::timed(n, 7)).collect();
    ordered(subject, &records, R::time_field(), Ascending, &[0, 1, 2, 3, 4]).await?;
    ordered(subject, &records, R::time_field(), Descending, &[4, 3, 2, 1, 0]).await?;
    // The same holds if no record has a value.
    ordered(subject, &records, metadata("k"), Ascending, &[0, 1, 2, 3, 4]).await?;
    ordered(subject, &records, metadata("k"), Descending, &[4, 3, 2, 1, 0]).await
}

/// Returns the reference order of these records.
fn reference<R: Record>(records: &[R], order: &Order<R>) -> Vec<memory_core::Id<R>> {
    let mut records: Vec<_> = records.iter().collect();
    records.sort_by(|a, b| order.compare(&order.position(a), &order.position(b)));
    records.into_iter().map(R::id).collect()
}

async fn order_by_every_own_field_both_ways<R: Sample>(subject: &Subject) -> Outcome {
    let records = R::population();
    subject.put(&records).await?;
    for def in R::FIELDS.iter().filter(|def| def.of != FieldType::TextList) {
        for direction in [Ascending, Descending] {
            let order = Order { field: Field::named(def.name.name())?, direction };
            let found = subject.ids(&Query::new().order_by(order.field.clone(), direction)).await?;
            equal(format!("{direction:?} by {}", def.name), &found, &reference(&records, &order))?;
        }
    }
    Ok(())
}

fn values<R: Sample>(values: impl IntoIterator<Item = Value>) -> Vec<R> {
    (0..).zip(values).map(|(n, value)| R::tagged(n, [("k", value)])).collect()
}

async fn order_by_metadata_goes_by_type_then_value<R: Sample>(subject: &Subject) -> Outcome {
    let mut records: Vec<R> = values([
        json!("1"),
        json!(true),
        json!(2),
        json!(""),
        json!(false),
        json!(-1.5),
        json!("a"),
        json!(1),
        json!(1.0),
    ]);
    records.push(R::sample(9));
    records.extend((10..).zip([json!(null), json!([0]), json!({})]).map(|(n, value)| R::tagged(n, [("k", value)])));
    // Bools, numbers, texts; records without a single value come last in both
    // directions.
    ordered(subject, &records, metadata("k"), Ascending, &[4, 1, 5, 7, 8, 2, 3, 0, 6, 9, 10, 11, 12]).await?;
    ordered(subject, &records, metadata("k"), Descending, &[6, 0, 3, 2, 8, 7, 5, 1, 4, 12, 11, 10, 9]).await
}

async fn order_by_metadata_numbers_is_exact<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = values(INTEGERS.iter().map(|integer| json!(integer)));
    let mut sorted: Vec<_> = (0..).zip(INTEGERS).collect();
    sorted.sort_by_key(|(_, integer)| **integer);
    let wanted: Vec<_> = sorted.into_iter().map(|(n, _)| n).collect();
    ordered(subject, &records, metadata("k"), Ascending, &wanted).await?;
    ordered(subject, &records, metadata("k"), Descending, &reversed(&wanted)).await?;
    // 2^53 as a real, between neighbouring integers.
    let records: Vec<R> =
        values([json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992.0), json!(9_007_199_254_740_991_i64)]);
    subject.delete(&(0..INTEGERS.len() as u64).map(marked::<R>).collect::<Vec<_>>()).await?;
    ordered(subject, &records, metadata("k"), Ascending, &[2, 1, 0]).await
}

async fn order_by_metadata_path_and_hostile_keys<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..)
        .zip([3, 1, 2])
        .map(|(n, rank)| R::tagged(n, [("a", json!({"b": rank, "\"": {"": -rank}})), ("a.b", json!(-rank))]))
        .collect();
    ordered(subject, &records, metadata_path(["a", "b"]), Ascending, &[1, 2, 0]).await?;
    ordered(subject, &records, metadata_path(["a", "\"", ""]), Ascending, &[0, 2, 1]).await?;
    ordered(subject, &records, metadata("a.b"), Ascending, &[0, 2, 1]).await?;
    // Objects and missing keys are ordered by id alone.
    ordered(subject, &records, metadata("a"), Descending, &[2, 1, 0]).await?;
    ordered(subject, &records, metadata("$.a.b"), Descending, &[2, 1, 0]).await
}

async fn order_of_texts_is_bytewise<R: Sample>(subject: &Subject) -> Outcome {
    let worded: Vec<R> = (0..)
        .zip(TEXTS)
        .map(|(n, text)| {
            let mut record = R::worded(n, text);
            record.metadata_mut().insert("k", *text);
            record
        })
        .collect();
    let mut sorted: Vec<_> = (0..).zip(TEXTS).collect();
    sorted.sort_by_key(|(_, text)| text.as_bytes());
    let wanted: Vec<_> = sorted.into_iter().map(|(n, _)| n).collect();
    for field in [R::text_field(), metadata("k")] {
        ordered(subject, &worded, field.clone(), Ascending, &wanted).await?;
        ordered(subject, &worded, field, Descending, &reversed(&wanted)).await?;
    }
    Ok(())
}

async fn order_and_filter_together<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..10_u64).map(|n| R::tagged(n, [("half", n % 2), ("rank", n * 7 % 10)])).collect();
    subject.put(&records).await?;
    let query = Query::new().filter(metadata("half").eq(1)).order_by(metadata("rank"), Ascending);
    equal("the odd ones by rank", &subject.ids(&query).await?, &[3, 9, 5, 1, 7].map(marked::<R>).to_vec())
}

async fn order_by_a_missing_field_is_last_both_ways(subject: &Subject) -> Outcome {
    let mut episodes = Episode::samples(0..5);
    for (n, language, total) in [(1, "b", 1.0), (3, "", 3.0), (4, "a", 4.0)] {
        episodes[n].context.language = Some(language.to_owned());
        episodes[n].end_time = Some(episodes[n].start_time);
        *episodes[n].reals()[0].1 = total;
    }
    ordered(subject, &episodes, field::language(), Ascending, &[3, 4, 1, 0, 2]).await?;
    ordered(subject, &episodes, field::language(), Descending, &[1, 4, 3, 2, 0]).await?;
    ordered(subject, &episodes, field::end_time(), Ascending, &[1, 3, 4, 0, 2]).await?;
    ordered(subject, &episodes, field::end_time(), Descending, &[4, 3, 1, 2, 0]).await?;
    ordered(subject, &episodes, field::reward(), Ascending, &[1, 3, 4, 0, 2]).await?;
    ordered(subject, &episodes, field::reward(), Descending, &[4, 3, 1, 2, 0]).await
}

async fn order_by_a_list_is_refused(subject: &Subject) -> Outcome {
    const NO_RECORD: Option<RecordRef> = None;
    for list in [field::tags, field::patterns, field::heuristics] {
        let name = list().path().to_string();
        let query = Query::<Episode>::new().order_by(list(), Ascending);
        refused("query", subject.query(&query).await, NO_RECORD, &name)?;
        refused("explain", subject.explain(&query).await, NO_RECORD, &name)?;
    }
    let query = Query::<Heuristic>::new().order_by(field::episodes(), Descending);
    refused("query", subject.query(&query).await, NO_RECORD, "episodes")
}
