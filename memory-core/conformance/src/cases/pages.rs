//! Pages.

use serde_json::json;

use crate::check::{Outcome, equal, holds, refused};
use crate::hostile::TEXTS;
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::backend::FieldType;
use memory_core::field::{self, metadata};
use memory_core::limits::{DEFAULT_LIMIT, MAX_LIMIT};
use memory_core::{Cursor, Direction, Field, Id, Query};

cases! {
    storage: [],
    each_kind: [
        pages_of_any_size_give_every_record_once,
        pages_by_every_field_both_ways,
        pages_go_through_ties,
        pages_go_from_values_to_missing_ones,
        pages_go_through_hostile_texts,
        page_holds_no_more_than_the_limit,
        page_at_the_end_has_no_cursor,
        page_of_nothing_is_empty,
        cursor_serves_another_limit,
        cursor_survives_being_printed,
        cursor_of_another_filter_is_refused,
        cursor_of_another_order_is_refused,
        cursor_of_another_kind_is_refused,
        limit_of_none_or_too_many_is_refused,
    ],
}

const DIRECTIONS: [Direction; 2] = [Direction::Ascending, Direction::Descending];

fn numbered<R>(numbers: impl IntoIterator<Item = u64>) -> Vec<Id<R>> {
    numbers.into_iter().map(marked).collect()
}

async fn pages_of_any_size_give_every_record_once<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..23)).await?;
    for limit in [1, 2, 7, 22, 23, 24, MAX_LIMIT] {
        let query = Query::<R>::new().limit(limit);
        let what = format!("pages of {limit}");
        equal(&what, &subject.ids(&query).await?, &numbered((0..23).rev()))?;
        equal(&what, &subject.ids(&query.oldest_first()).await?, &numbered(0..23))?;
    }
    Ok(())
}

/// Checks that pages of 1, 2 and 7 records give the same results as one large
/// page.
async fn walks_alike<R: Sample>(subject: &Subject, field: Field<R>) -> Outcome {
    for direction in DIRECTIONS {
        let query = Query::<R>::new().order_by(field.clone(), direction);
        let whole = subject.ids(&query.clone().limit(MAX_LIMIT)).await?;
        for limit in [1, 2, 7] {
            let what = format!("pages of {limit}, {direction:?} by {}", field.path());
            let walked = subject.ids(&query.clone().limit(limit)).await.map_err(|failure| failure.at(&what))?;
            equal(what, &walked, &whole)?;
        }
    }
    Ok(())
}

async fn pages_by_every_field_both_ways<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::population()).await?;
    let own = R::FIELDS.iter().filter(|def| def.of != FieldType::TextList).map(|def| Field::named(def.name.name()));
    let fields = own.chain([Ok(metadata("k")), Ok(metadata("a.b")), Ok(metadata("none"))]);
    let fields = fields.collect::<memory_core::Result<Vec<Field<R>>>>()?;
    subject.each(fields, |subject, field| async move { walks_alike(&subject, field).await }).await
}

async fn pages_go_through_ties<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..20).map(|n| R::timed(n, (n / 8).try_into().unwrap_or_default())).collect();
    subject.put(&records).await?;
    for limit in [1, 3, 8] {
        let query = Query::<R>::new().limit(limit);
        equal("newest first", &subject.ids(&query).await?, &numbered((0..20).rev()))?;
        equal("oldest first", &subject.ids(&query.oldest_first()).await?, &numbered(0..20))?;
    }
    Ok(())
}

async fn pages_go_from_values_to_missing_ones<R: Sample>(subject: &Subject) -> Outcome {
    let mut records = R::samples(0..12);
    for (record, value) in records[4..8].iter_mut().zip([json!(true), json!(1), json!(1.5), json!("x")]) {
        record.metadata_mut().insert("k", value);
    }
    records[11].metadata_mut().insert("k", json!(null));
    subject.put(&records).await?;
    let missing = [0, 1, 2, 3, 8, 9, 10, 11];
    for limit in [1, 2, 5] {
        let query = |direction| Query::<R>::new().limit(limit).order_by(metadata("k"), direction);
        let ascending = numbered([4, 5, 6, 7].into_iter().chain(missing));
        equal("ascending", &subject.ids(&query(Direction::Ascending)).await?, &ascending)?;
        let descending = numbered([7, 6, 5, 4].into_iter().chain(missing.into_iter().rev()));
        equal("descending", &subject.ids(&query(Direction::Descending)).await?, &descending)?;
    }
    Ok(())
}

async fn pages_go_through_hostile_texts<R: Sample>(subject: &Subject) -> Outcome {
    let worded = (0..).zip(TEXTS).map(|(n, text)| {
        let mut record = R::worded(n, text);
        record.metadata_mut().insert("k", *text);
        record
    });
    subject.put(&worded.collect::<Vec<_>>()).await?;
    let fields = [R::text_field(), metadata("k")];
    subject.each(fields, |subject, field| async move { walks_alike(&subject, field).await }).await
}

async fn page_holds_no_more_than_the_limit<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..DEFAULT_LIMIT as u64 + 50)).await?;
    let unless_told = subject.query(&Query::<R>::new()).await?;
    let len = unless_told.records.len();
    holds(len <= DEFAULT_LIMIT, || format!("{len} records on a page, unless told"))?;
    holds(unless_told.next.is_some(), || "no cursor, with 50 records to come".to_owned())?;
    let page = subject.query(&Query::<R>::new().limit(3)).await?;
    holds((1..=3).contains(&page.records.len()), || format!("{} records on a page of 3", page.records.len()))
}

async fn page_at_the_end_has_no_cursor<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..4)).await?;
    for limit in [4, 5, 2] {
        let mut query = Query::<R>::new().limit(limit);
        let mut left = 4;
        while left > 0 {
            let page = subject.query(&query).await?;
            holds(!page.records.is_empty(), || format!("an empty page of {limit} with {left} records to come"))?;
            left -= page.records.len().min(left);
            equal(format!("more to come on a page of {limit}"), &page.next.is_some(), &(left > 0))?;
            query = query.after(page.next);
        }
    }
    Ok(())
}

async fn page_of_nothing_is_empty<R: Sample>(subject: &Subject) -> Outcome {
    for filter in [memory_core::Filter::all(), R::text_field().eq("none")] {
        let page = subject.query(&Query::<R>::new().filter(filter)).await?;
        holds(page.records.is_empty() && page.next.is_none(), || format!("{page:?} of an empty store"))?;
    }
    Ok(())
}

/// Returns the first page of a query over 10 records, and its cursor.
async fn first_page<R: Sample>(subject: &Subject, query: &Query<R>) -> memory_core::Result<(usize, Option<Cursor>)> {
    subject.put(&R::samples(0..10)).await?;
    let page = subject.query(query).await?;
    Ok((page.records.len(), page.next))
}

async fn cursor_serves_another_limit<R: Sample>(subject: &Subject) -> Outcome {
    let query = Query::<R>::new().oldest_first();
    let (given, next) = first_page(subject, &query.clone().limit(3)).await?;
    let wanted = numbered(given as u64..10);
    for limit in [1, 4, MAX_LIMIT] {
        let rest = subject.ids(&query.clone().limit(limit).after(next.clone())).await?;
        equal(format!("the rest in pages of {limit}"), &rest, &wanted)?;
    }
    Ok(())
}

async fn cursor_survives_being_printed<R: Sample>(subject: &Subject) -> Outcome {
    let query = Query::<R>::new().oldest_first().limit(3);
    let (given, next) = first_page(subject, &query).await?;
    let printed = next.map(|cursor| cursor.to_string()).unwrap_or_default();
    let rest = subject.ids(&query.after(printed.parse::<Cursor>()?)).await?;
    equal("the rest", &rest, &numbered(given as u64..10))
}

async fn cursor_is_refused<R: Sample>(subject: &Subject, query: &Query<R>) -> Outcome {
    refused("query", subject.query(query).await, None, "cursor")?;
    refused("explain", subject.explain(query).await, None, "cursor")
}

async fn cursor_of_another_filter_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    let (_, next) = first_page(subject, &Query::<R>::new().filter(field::id().exists()).limit(3)).await?;
    cursor_is_refused(subject, &Query::<R>::new().after(next.clone())).await?;
    cursor_is_refused(subject, &Query::<R>::new().filter(!field::id().exists()).after(next)).await
}

async fn cursor_of_another_order_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    let (_, next) = first_page(subject, &Query::<R>::new().limit(3)).await?;
    cursor_is_refused(subject, &Query::<R>::new().oldest_first().after(next.clone())).await?;
    let by_id = Query::<R>::new().order_by(field::id(), Direction::Descending);
    cursor_is_refused(subject, &by_id.after(next)).await
}

async fn cursor_of_another_kind_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    let by_id = |direction| Query::<R>::new().order_by(field::id(), direction).limit(3);
    let (_, next) = first_page(subject, &by_id(Direction::Ascending)).await?;
    match R::KIND {
        memory_core::Kind::Episode => {
            let query = Query::<memory_core::Pattern>::new().order_by(field::id(), Direction::Ascending);
            cursor_is_refused(subject, &query.after(next)).await
        }
        memory_core::Kind::Pattern | memory_core::Kind::Heuristic => {
            let query = Query::<memory_core::Episode>::new().order_by(field::id(), Direction::Ascending);
            cursor_is_refused(subject, &query.after(next)).await
        }
    }
}

async fn limit_of_none_or_too_many_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..3)).await?;
    for limit in [0, MAX_LIMIT + 1, usize::MAX] {
        let query = Query::<R>::new().limit(limit);
        refused(format!("query of {limit}"), subject.query(&query).await, None, "limit")?;
        refused(format!("explain of {limit}"), subject.explain(&query).await, None, "limit")?;
    }
    equal("how many a page of the most holds", &subject.ids(&Query::<R>::new().limit(MAX_LIMIT)).await?.len(), &3)
}
