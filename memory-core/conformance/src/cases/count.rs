//! Counts.

use serde_json::json;

use super::filter_table::shown;
use crate::check::{Outcome, equal, refused};
use crate::hostile::TEXTS;
use crate::sample::Sample;
use crate::strategy::pool::INTEGERS;
use crate::subject::Subject;
use memory_core::backend::{FieldType, Scalar};
use memory_core::field::{self, metadata, metadata_path};
use memory_core::limits::{MAX_GROUPS, MAX_PER_CALL};
use memory_core::{Counts, Episode, Field, Filter, Heuristic, Pattern, TaskType};

cases! {
    storage: [count_by_an_optional_field_has_a_group_of_none, count_by_a_list_is_refused],
    each_kind: [
        count_of_an_empty_store_is_nothing,
        count_of_all_and_of_some,
        count_by_a_text,
        count_by_every_own_field,
        count_by_metadata_groups_by_type_and_value,
        count_by_metadata_numbers_is_exact,
        count_by_hostile_texts_keeps_them_apart,
        count_by_with_a_filter,
        count_by_more_than_ten_thousand_values_is_refused,
    ],
}

type Groups = Vec<(Option<Scalar<'static>>, u64)>;

async fn counts<R: Sample>(subject: &Subject, filter: &Filter<R>, by: Field<R>, groups: Groups) -> Outcome {
    let what = format!("the count of {} by {}", shown(filter), by.path());
    let counts = subject.count(filter, Some(by)).await?;
    equal(format!("{what}, all together"), &counts.total, &groups.iter().map(|(_, count)| count).sum())?;
    equal(what, &counts.groups, &groups)
}

async fn count_of_an_empty_store_is_nothing<R: Sample>(subject: &Subject) -> Outcome {
    for by in [None, Some(R::text_field()), Some(metadata("k"))] {
        equal("the count", &subject.count(&Filter::<R>::all(), by).await?, &Counts::total(0))?;
    }
    Ok(())
}

async fn count_of_all_and_of_some<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..250)).await?;
    equal("of all", &subject.count(&Filter::<R>::all(), None).await?, &Counts::total(250))?;
    equal("of none", &subject.count(&Filter::<R>::none(), None).await?, &Counts::total(0))?;
    let some = R::time_field().lt(crate::sample::moment(101));
    equal("of 101", &subject.count(&some, None).await?, &Counts::total(101))?;
    equal("of the others", &subject.count(&!some, None).await?, &Counts::total(149))
}

async fn count_by_a_text<R: Sample>(subject: &Subject) -> Outcome {
    let texts = ["web", "", "web", "Web", "web", ""];
    let records: Vec<R> = (0..).zip(texts).map(|(n, text)| R::worded(n, text)).collect();
    subject.put(&records).await?;
    let groups = vec![(Some("".into()), 2), (Some("Web".into()), 1), (Some("web".into()), 3)];
    counts(subject, &Filter::<R>::all(), R::text_field(), groups).await
}

async fn count_by_every_own_field<R: Sample>(subject: &Subject) -> Outcome {
    let records = R::population();
    subject.put(&records).await?;
    for def in R::FIELDS.iter().filter(|def| def.of != FieldType::TextList) {
        let by = Field::<R>::named(def.name.name())?;
        for filter in [Filter::all(), metadata("k").exists()] {
            let wanted = memory_core::backend::count(&filter, Some(&by), &records)?;
            counts(subject, &filter, by.clone(), wanted.groups).await?;
        }
    }
    Ok(())
}

async fn count_by_metadata_groups_by_type_and_value<R: Sample>(subject: &Subject) -> Outcome {
    let values = [
        json!("1"),
        json!(1),
        json!(true),
        json!(1.0),
        json!(null),
        json!([1]),
        json!({}),
        json!(0.5),
        json!("1"),
        json!(false),
        json!(-0.0),
        json!(0),
        json!(""),
    ];
    let mut records: Vec<R> = (0..).zip(values).map(|(n, value)| R::tagged(n, [("k", value)])).collect();
    records.push(R::sample(13));
    subject.put(&records).await?;
    let groups: Groups = vec![
        (Some(false.into()), 1),
        (Some(true.into()), 1),
        // Equal numbers form one group, whose value is an integer if it is
        // integral.
        (Some(0.into()), 2),
        (Some(0.5.into()), 1),
        (Some(1.into()), 2),
        (Some("".into()), 1),
        (Some("1".into()), 2),
        // Missing values, null, lists and objects are no single values.
        (None, 4),
    ];
    counts(subject, &Filter::<R>::all(), metadata("k"), groups.clone()).await?;
    counts(subject, &Filter::<R>::all(), metadata_path(["k"]), groups).await?;
    counts(subject, &Filter::<R>::all(), metadata("none"), vec![(None, 14)]).await
}

async fn count_by_metadata_numbers_is_exact<R: Sample>(subject: &Subject) -> Outcome {
    let mut values: Vec<_> = INTEGERS.iter().map(|integer| json!(integer)).collect();
    values.extend([json!(9_007_199_254_740_992.0), json!(0.1 + 0.2), json!(0.3)]);
    let records: Vec<R> = (0..).zip(values).map(|(n, value)| R::tagged(n, [("k", value)])).collect();
    subject.put(&records).await?;
    let wanted = memory_core::backend::count(&Filter::<R>::all(), Some(&metadata("k")), &records)?;
    counts(subject, &Filter::<R>::all(), metadata("k"), wanted.groups).await
}

async fn count_by_hostile_texts_keeps_them_apart<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..)
        .zip(TEXTS)
        .map(|(n, text)| {
            let mut record = R::worded(n, text);
            record.metadata_mut().insert("k", *text);
            record
        })
        .collect();
    subject.put(&records).await?;
    let mut texts = TEXTS.to_vec();
    texts.sort_unstable();
    let groups: Groups = texts.into_iter().map(|text| (Some(text.into()), 1)).collect();
    counts(subject, &Filter::<R>::all(), R::text_field(), groups.clone()).await?;
    counts(subject, &Filter::<R>::all(), metadata("k"), groups).await
}

async fn count_by_with_a_filter<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..30).map(|n| R::tagged(n, [("third", n % 3), ("half", n % 2)])).collect();
    subject.put(&records).await?;
    let odd = metadata::<R>("half").eq(1);
    counts(subject, &odd, metadata("third"), vec![(Some(0.into()), 5), (Some(1.into()), 5), (Some(2.into()), 5)])
        .await?;
    counts(subject, &Filter::<R>::none(), metadata("third"), vec![]).await
}

async fn count_by_more_than_ten_thousand_values_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    let many = MAX_GROUPS as u64;
    subject.put(&R::samples(0..MAX_PER_CALL as u64 / 2)).await?;
    subject.put(&R::samples(MAX_PER_CALL as u64 / 2..many)).await?;
    equal("the groups", &subject.count(&Filter::<R>::all(), Some(field::id())).await?.groups.len(), &MAX_GROUPS)?;
    subject.put(&R::samples([many])).await?;
    refused("a count", subject.count(&Filter::<R>::all(), Some(field::id())).await, None, "id")?;
    equal("without groups", &subject.count(&Filter::<R>::all(), None).await?, &Counts::total(many + 1))
}

async fn count_by_an_optional_field_has_a_group_of_none(subject: &Subject) -> Outcome {
    let mut episodes = Episode::samples(0..5);
    for (n, total) in [(1, 0.5), (2, 2.0), (4, 0.5)] {
        *episodes[n].reals()[0].1 = total;
        episodes[n].context.language = Some("rust".to_owned());
        episodes[n].task_type = TaskType::Analysis;
    }
    subject.put(&episodes).await?;
    let all = Filter::all();
    let reward = vec![(Some(0.5.into()), 2), (Some(2.into()), 1), (None, 2)];
    counts(subject, &all, field::reward(), reward).await?;
    counts(subject, &all, field::language(), vec![(Some("rust".into()), 3), (None, 2)]).await?;
    let task_types = vec![(Some(TaskType::Analysis.into()), 3), (Some(TaskType::Debugging.into()), 2)];
    counts(subject, &all, field::task_type(), task_types).await
}

async fn count_by_a_list_is_refused(subject: &Subject) -> Outcome {
    for list in [field::tags, field::patterns, field::heuristics] {
        let name = list().path().to_string();
        refused("count", subject.count(&Filter::<Episode>::all(), Some(list())).await, None, &name)?;
    }
    refused("count", subject.count(&Filter::<Pattern>::all(), Some(field::tags())).await, None, "tags")?;
    refused("count", subject.count(&Filter::<Heuristic>::all(), Some(field::episodes())).await, None, "episodes")?;
    let nowhere = metadata_path::<Episode, String>([]);
    refused("count", subject.count(&Filter::all(), Some(nowhere)).await, None, "metadata_path")
}
