//! Round trips: records are returned unchanged.

use serde_json::{Value, json};

use crate::check::Outcome;
use crate::hostile::{KEYS, TEXTS, long};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::{Episode, ExecutionStep, Heuristic, Metadata, Pattern};

cases! {
    storage: [
        every_field_of_an_episode_survives,
        every_field_of_a_pattern_survives,
        every_field_of_a_heuristic_survives,
        absent_fields_stay_absent,
        empty_is_not_absent,
        lists_of_ids_keep_order_and_repeats,
        steps_keep_their_order,
        step_parameters_are_any_json,
    ],
    each_kind: [
        hostile_texts_survive_in_every_field,
        long_texts_survive,
        hostile_metadata_keys_survive,
        metadata_values_keep_their_types,
        metadata_keeps_its_nesting,
        records_of_all_sorts_survive_in_one_batch,
    ],
}

async fn every_field_of_an_episode_survives(subject: &Subject) -> Outcome {
    subject.keeps(&Episode::full()).await
}

async fn every_field_of_a_pattern_survives(subject: &Subject) -> Outcome {
    subject.keeps(&Pattern::full()).await
}

async fn every_field_of_a_heuristic_survives(subject: &Subject) -> Outcome {
    subject.keeps(&Heuristic::full()).await
}

async fn absent_fields_stay_absent(subject: &Subject) -> Outcome {
    subject.keeps(&Episode::samples(0..3)).await?;
    subject.keeps(&Pattern::samples(0..3)).await?;
    subject.keeps(&Heuristic::samples(0..3)).await
}

/// `Some("")` differs from `None`, and an outcome with empty texts is an
/// outcome.
async fn empty_is_not_absent(subject: &Subject) -> Outcome {
    subject.keeps(&Episode::saying("")).await?;
    subject.keeps(&Pattern::saying("")).await?;
    subject.keeps(&Heuristic::saying("")).await
}

async fn lists_of_ids_keep_order_and_repeats(subject: &Subject) -> Outcome {
    let mut episode = Episode::sample(0);
    episode.patterns = [5, 1, 5, 3, 1].map(marked).to_vec();
    episode.heuristics = (0..500).rev().map(marked).collect();
    subject.keeps(&[episode]).await?;
    let mut heuristic = Heuristic::sample(0);
    heuristic.evidence.episodes = [uuid::Uuid::max(), uuid::Uuid::nil(), uuid::Uuid::max()].map(Into::into).to_vec();
    subject.keeps(&[heuristic]).await
}

async fn steps_keep_their_order(subject: &Subject) -> Outcome {
    let mut episode = Episode::sample(0);
    episode.steps = [3, 1, 2, 2, 100, 10].map(|number| ExecutionStep::new(number, "tool", "action")).to_vec();
    subject.keeps(&[episode]).await
}

async fn step_parameters_are_any_json(subject: &Subject) -> Outcome {
    let parameters = [
        Value::Null,
        json!(true),
        json!(0),
        json!(1.0),
        json!(-0.5),
        json!(""),
        json!("null"),
        json!([]),
        json!({}),
        json!([[], {}, null]),
        json!({"": {"a.b": [1, 1.0, "1", true]}}),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(f64::MAX),
    ];
    let mut episode = Episode::sample(0);
    episode.steps = (1..)
        .zip(parameters)
        .map(|(number, parameters)| ExecutionStep { parameters, ..ExecutionStep::new(number, "tool", "action") })
        .collect();
    subject.keeps(&[episode]).await
}

async fn hostile_texts_survive_in_every_field<R: Sample>(subject: &Subject) -> Outcome {
    subject
        .each(TEXTS.iter().enumerate(), |subject, (index, text)| async move {
            let mut records = R::saying(text);
            for (rest, record) in (0..).zip(&mut records) {
                record.set_id(marked(10 * index as u64 + rest));
            }
            subject.keeps(&records).await.map_err(|failure| failure.at(format!("{text:?}")))
        })
        .await
}

async fn long_texts_survive<R: Sample>(subject: &Subject) -> Outcome {
    // One record at a time: together, with escapes, they may exceed the size of
    // a request.
    for record in R::saying(&long()) {
        subject.keeps(&[record]).await?;
    }
    Ok(())
}

async fn hostile_metadata_keys_survive<R: Sample>(subject: &Subject) -> Outcome {
    let all = R::tagged(0, (0..).zip(KEYS).map(|(value, key)| (*key, value)).collect::<Metadata>());
    let nested = R::tagged(1, KEYS.iter().map(|key| (*key, json!({ *key: [{ *key: key }] }))).collect::<Metadata>());
    let each = (2..).zip(KEYS).map(|(n, key)| R::tagged(n, [(*key, *key)]));
    subject.keeps(&[all, nested].into_iter().chain(each).collect::<Vec<_>>()).await
}

async fn metadata_values_keep_their_types<R: Sample>(subject: &Subject) -> Outcome {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(1),
        json!(1.0),
        json!("1"),
        json!("true"),
        json!("null"),
        json!(""),
        json!(0),
        json!(-1),
        json!(1e2),
        json!([]),
        json!({}),
        json!([1, "1", 1.0, true, null]),
        json!("2024-05-15T20:00:00Z"),
    ];
    let records: Vec<R> = (0..).zip(values).map(|(n, value)| R::tagged(n, [("k", value)])).collect();
    subject.keeps(&records).await
}

async fn metadata_keeps_its_nesting<R: Sample>(subject: &Subject) -> Outcome {
    let wide: Vec<Value> = (0..500).map(|n| json!({"n": n, "text": n.to_string()})).collect();
    let mut deep = json!({});
    for n in 0..20 {
        deep = json!({ "deeper": [deep, n] });
    }
    subject.keeps(&[R::tagged(0, [("wide", wide)]), R::tagged(1, [("deep", deep)])]).await
}

async fn records_of_all_sorts_survive_in_one_batch<R: Sample>(subject: &Subject) -> Outcome {
    let records = R::population();
    subject.keeps(&records).await?;
    subject.delete(&records.iter().map(R::id).collect::<Vec<_>>()).await?;
    Ok(())
}
