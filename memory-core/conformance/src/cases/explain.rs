//! Query plans.

use crate::check::{Outcome, holds, refused};
use crate::hostile::KEYS;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::backend::{FieldType, Scalar};
use memory_core::field::{self, metadata, metadata_path};
use memory_core::limits::MAX_LIMIT;
use memory_core::{Access, Direction, Field, Query};

cases! {
    storage: [],
    each_kind: [
        explain_says_how_for_every_query,
        explain_answers_with_a_cursor,
        explain_refuses_what_query_refuses,
        explain_leaves_the_records_alone,
    ],
}

async fn explain_says_how_for_every_query<R: Sample>(subject: &Subject) -> Outcome {
    let all = Query::<R>::new;
    let mut queries = vec![
        all(),
        all().oldest_first().limit(1),
        all().filter(memory_core::Filter::none()),
        all().filter(!metadata("k").eq(Scalar::Null) | metadata_path(["a", "b"]).contains("x")),
        all().since(memory_core::Timestamp::MIN).until(memory_core::Timestamp::MAX).limit(MAX_LIMIT),
        all().order_by(metadata("k"), Direction::Ascending),
    ];
    queries.extend(KEYS.iter().map(|key| all().filter(metadata(*key).eq("x") & metadata(*key).lt(1))));
    for def in R::FIELDS {
        let field = Field::<R>::named(def.name.name())?;
        let query = all().filter(field.clone().exists() & field.clone().eq("x") & !field.clone().contains(1));
        queries.push(query.clone());
        if def.of != FieldType::TextList {
            queries.push(query.order_by(field, Direction::Ascending));
        }
    }
    subject.each(queries, |subject, query| async move { is_explained(&subject, &query).await }).await
}

async fn is_explained<R: Sample>(subject: &Subject, query: &Query<R>) -> Outcome {
    let plan = subject.explain(query).await?;
    holds(!plan.detail.trim().is_empty(), || format!("no detail of {query:?}"))?;
    match plan.access {
        Access::Index(name) => holds(!name.is_empty(), || format!("an index without a name for {query:?}")),
        _ => Ok(()),
    }
}

async fn explain_answers_with_a_cursor<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..5)).await?;
    let query = Query::<R>::new().limit(2);
    let page = subject.query(&query).await?;
    holds(page.next.is_some(), || "no cursor where more follows".to_owned())?;
    is_explained(subject, &query.after(page.next)).await
}

async fn explain_refuses_what_query_refuses<R: Sample>(subject: &Subject) -> Outcome {
    let all = Query::<R>::new;
    refused("a limit of 0", subject.explain(&all().limit(0)).await, None, "limit")?;
    refused("too large a limit", subject.explain(&all().limit(MAX_LIMIT + 1)).await, None, "limit")?;
    let nowhere = metadata_path::<R, String>([]);
    refused(
        "an order by nothing",
        subject.explain(&all().order_by(nowhere, Direction::Ascending)).await,
        None,
        "metadata_path",
    )?;
    let name = R::real_field().path().to_string();
    refused("a NaN", subject.explain(&all().filter(R::real_field().eq(f64::NAN))).await, None, &name)?;
    subject.put(&R::samples(0..5)).await?;
    let next = subject.query(&all().limit(2)).await?.next;
    refused("a foreign cursor", subject.explain(&all().oldest_first().after(next)).await, None, "cursor")
}

async fn explain_leaves_the_records_alone<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..3)).await?;
    subject.explain(&Query::<R>::new().filter(field::id().exists())).await?;
    subject.holds(&R::samples(0..3)).await
}
