//! Inputs at the limits and beyond.

use serde_json::{Value, json};

use crate::check::{Outcome, equal, holds, refused};
use crate::marked;
use crate::sample::{Sample, is_rate};
use crate::subject::Subject;
use memory_core::backend::Scalar;
use memory_core::field::metadata;
use memory_core::limits::{MAX_DEPTH, MAX_KEY_TEXT, MAX_METADATA_KEY, MAX_PER_CALL, MAX_RECORD};
use memory_core::{Episode, ExecutionStep, Filter, Id, Pattern, Query, RecordRef, TaskContext, WriteBatch};

cases! {
    storage: [
        limits_key_text_of_one_kibibyte_is_stored,
        limits_longer_key_text_is_refused,
        limits_of_a_step_are_those_of_metadata,
        limits_count_all_changes_of_a_batch,
    ],
    each_kind: [
        limits_record_of_four_mebibytes_is_stored,
        limits_larger_record_is_refused,
        limits_metadata_key_of_one_kibibyte_is_stored,
        limits_longer_metadata_key_is_refused,
        limits_depth_of_sixty_four_is_stored,
        limits_deeper_metadata_is_refused,
        limits_no_real_may_be_infinite_or_nan,
        limits_no_rate_is_outside_zero_to_one,
        limits_no_metadata_number_may_be_infinite_or_nan,
        limits_no_metadata_integer_beyond_i64,
        limits_no_key_that_serde_json_reserves,
        limits_of_numbers_read_from_a_text,
        limits_no_more_ids_than_ten_thousand,
        limits_no_more_records_than_ten_thousand,
    ],
}

/// Checks that the record is refused by every method that could store it, and
/// that the valid records around it are not stored either.
async fn is_refused<R: Sample>(subject: &Subject, bad: R, field: &str) -> Outcome {
    let about = Some(RecordRef::from(bad.id()));
    let good = R::samples([1_000, 1_001]);
    let batch = [good[0].clone(), bad, good[1].clone()];
    refused("put", subject.put(&batch).await, about, field)?;
    let ids = batch.each_ref().map(R::id);
    subject.lacks(ids).await?;
    let mut commit = WriteBatch::new();
    for record in batch {
        commit.put(record);
    }
    refused("commit", subject.commit(&commit).await, about, field)?;
    subject.lacks(ids).await?;
    equal("all records", &subject.ids(&Query::<R>::new()).await?, &Vec::new())
}

/// Returns the longest text that the record number 0 may hold.
fn longest_text<R: Sample>() -> String {
    let fits = |length| R::verbose(0, &"x".repeat(length)).validate().is_ok();
    let (mut fitting, mut refused) = (0, MAX_RECORD + 1);
    while refused - fitting > 1 {
        let middle = fitting.midpoint(refused);
        *(if fits(middle) { &mut fitting } else { &mut refused }) = middle;
    }
    "x".repeat(fitting)
}

async fn limits_record_of_four_mebibytes_is_stored<R: Sample>(subject: &Subject) -> Outcome {
    let text = longest_text::<R>();
    holds(text.len() > MAX_RECORD - 1_000, || format!("no more than {} bytes of text fit", text.len()))?;
    subject.keeps(&[R::verbose(0, &text)]).await
}

async fn limits_larger_record_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    let text = longest_text::<R>() + "x";
    is_refused(subject, R::verbose(0, &text), "record").await
}

async fn limits_metadata_key_of_one_kibibyte_is_stored<R: Sample>(subject: &Subject) -> Outcome {
    let keys = ["k".repeat(MAX_METADATA_KEY), "ö".repeat(MAX_METADATA_KEY / 2)];
    for (n, key) in (0..).zip(keys) {
        subject.keeps(&[R::tagged(n, [(key.clone(), n)])]).await?;
        equal("what the key finds", &subject.matching::<R>(&metadata(key).exists()).await?, &vec![marked(n)])?;
    }
    Ok(())
}

async fn limits_longer_metadata_key_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    is_refused(subject, R::tagged(0, [("k".repeat(MAX_METADATA_KEY + 1), 1)]), "metadata").await?;
    is_refused(subject, R::tagged(0, [("ö".repeat(MAX_METADATA_KEY / 2) + "k", 1)]), "metadata").await
}

/// Sets each key text of a context to this text, with the field name that a
/// refusal gives.
fn keyed_contexts(text: &str) -> [(&'static str, TaskContext); 4] {
    let context = || TaskContext::new("web");
    [
        ("context.domain", TaskContext::new(text)),
        ("context.language", TaskContext { language: Some(text.to_owned()), ..context() }),
        ("context.framework", TaskContext { framework: Some(text.to_owned()), ..context() }),
        ("context.tags[1]", TaskContext { tags: vec![String::new(), text.to_owned()], ..context() }),
    ]
}

fn of_context(context: &TaskContext) -> (Episode, Pattern) {
    let (mut episode, mut pattern) = (Episode::sample(0), Pattern::sample(0));
    episode.context = context.clone();
    pattern.context = context.clone();
    (episode, pattern)
}

async fn limits_key_text_of_one_kibibyte_is_stored(subject: &Subject) -> Outcome {
    for text in ["k".repeat(MAX_KEY_TEXT), "ö".repeat(MAX_KEY_TEXT / 2), "\u{1}".repeat(MAX_KEY_TEXT)] {
        for (_, context) in keyed_contexts(&text) {
            let (episode, pattern) = of_context(&context);
            subject.keeps(&[episode]).await?;
            subject.keeps(&[pattern]).await?;
        }
        let (episode, _) = of_context(&TaskContext::new(text.clone()));
        subject.keeps(&[episode]).await?;
        let found = subject.matching::<Episode>(&memory_core::field::domain().eq(text)).await?;
        equal("what the domain finds", &found, &vec![marked(0)])?;
    }
    Ok(())
}

async fn limits_longer_key_text_is_refused(subject: &Subject) -> Outcome {
    for text in ["k".repeat(MAX_KEY_TEXT + 1), "ö".repeat(MAX_KEY_TEXT / 2) + "k"] {
        for (field, context) in keyed_contexts(&text) {
            let (episode, pattern) = of_context(&context);
            is_refused(subject, episode, field).await?;
            is_refused(subject, pattern, field).await?;
        }
    }
    Ok(())
}

/// Returns a scalar inside this number of lists, or of objects.
fn nested(depth: usize) -> [Value; 2] {
    [(0..depth).fold(json!(1), |inner, _| json!([inner])), (0..depth).fold(json!(1), |inner, _| json!({ "k": inner }))]
}

async fn limits_depth_of_sixty_four_is_stored<R: Sample>(subject: &Subject) -> Outcome {
    for value in nested(MAX_DEPTH) {
        subject.keeps(&[R::tagged(0, [("k", value)])]).await?;
    }
    Ok(())
}

async fn limits_deeper_metadata_is_refused<R: Sample>(subject: &Subject) -> Outcome {
    for value in nested(MAX_DEPTH + 1) {
        is_refused(subject, R::tagged(0, [("k", value)]), "metadata").await?;
    }
    Ok(())
}

async fn limits_no_real_may_be_infinite_or_nan<R: Sample>(subject: &Subject) -> Outcome {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for index in 0..R::sample(0).reals().len() {
            let mut record = R::sample(0);
            let field = {
                let (field, real) = record.reals().swap_remove(index);
                *real = value;
                field
            };
            is_refused(subject, record, field).await.map_err(|failure| failure.at(format!("{value} in {field}")))?;
        }
    }
    Ok(())
}

async fn limits_no_rate_is_outside_zero_to_one<R: Sample>(subject: &Subject) -> Outcome {
    for value in [-f64::MIN_POSITIVE, 1.0 + f64::EPSILON, -1.0, 100.0, f64::MAX] {
        for index in 0..R::sample(0).reals().len() {
            let mut record = R::sample(0);
            let field = {
                let (field, real) = record.reals().swap_remove(index);
                *real = value;
                field
            };
            if is_rate(field) {
                is_refused(subject, record, field)
                    .await
                    .map_err(|failure| failure.at(format!("{value} in {field}")))?;
            }
        }
    }
    Ok(())
}

async fn limits_no_metadata_number_may_be_infinite_or_nan<R: Sample>(subject: &Subject) -> Outcome {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        is_refused(subject, R::tagged(0, [("score", value)]), "metadata").await?;
        is_refused(subject, R::tagged(0, [("score", vec![0.5, value])]), "metadata").await?;
        let mut mended = R::tagged(0, [("score", value)]);
        mended.metadata_mut().insert("score", 0.5);
        subject.keeps(&[mended]).await?;
        subject.delete::<R>(&[marked(0)]).await?;
    }
    Ok(())
}

async fn limits_no_metadata_integer_beyond_i64<R: Sample>(subject: &Subject) -> Outcome {
    for beyond in [1 << 63, u64::MAX] {
        is_refused(subject, R::tagged(0, [("k", beyond)]), "metadata").await?;
        is_refused(subject, R::tagged(0, [("k", json!([{ "k": [beyond] }]))]), "metadata").await?;
    }
    Ok(())
}

/// With `serde_json/arbitrary_precision`, an object with such a key reads as a
/// number, or cannot be read at all.
async fn limits_no_key_that_serde_json_reserves<R: Sample>(subject: &Subject) -> Outcome {
    for key in ["$serde_json::private::Number", "$serde_json::private::RawValue"] {
        is_refused(subject, R::tagged(0, [(key, "1")]), "metadata").await?;
        let object = Value::Object([(key.to_owned(), json!("x"))].into_iter().collect());
        is_refused(subject, R::tagged(0, [("k", json!([object]))]), "metadata").await?;
    }
    Ok(())
}

/// The features of `serde_json`, which any crate of the tree may enable, decide
/// how it reads a number. A record with such a number is refused, or it is
/// stored and remains readable.
async fn limits_of_numbers_read_from_a_text<R: Sample>(subject: &Subject) -> Outcome {
    let numbers = [
        "9223372036854775808",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
        "1e400",
        "-1e400",
        "1e-400",
        "0.1000000000000000055511151231257827021181583404541015625",
        "1E2",
        "1.50",
        "-0",
        "-0.0",
    ];
    for number in numbers {
        // Without the feature, some of these texts are not numbers.
        let Ok(value) = serde_json::from_str::<Value>(number) else { continue };
        let record = R::tagged(0, [("k", value.clone())]);
        let outcome = match record.validate() {
            Err(_) => is_refused(subject, record, "metadata").await,
            Ok(()) => keeps_and_counts(subject, record, &value).await,
        };
        outcome.map_err(|failure| failure.at(number))?;
    }
    Ok(())
}

async fn keeps_and_counts<R: Sample>(subject: &Subject, record: R, value: &Value) -> Outcome {
    subject.keeps(&[record]).await?;
    let field = metadata::<R>("k");
    let operand = match (value.as_i64(), value.as_f64()) {
        (Some(integer), _) => Scalar::from(integer),
        (None, real) => Scalar::from(real.unwrap_or_default()),
    };
    equal("what the value finds", &subject.matching(&field.clone().eq(operand)).await?, &vec![marked(0)])?;
    let counts = subject.count(&Filter::all(), Some(field)).await?;
    equal("how many groups", &counts.groups.len(), &1)?;
    subject.delete::<R>(&[marked(0)]).await?;
    Ok(())
}

async fn limits_no_more_ids_than_ten_thousand<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([0])).await?;
    let ids: Vec<Id<R>> = (0..=MAX_PER_CALL as u64).map(marked).collect();
    refused("get", subject.get(&ids).await.map(|answers| answers.len()), None, "ids")?;
    refused("delete", subject.delete(&ids).await, None, "ids")?;
    subject.holds(&R::samples([0])).await
}

async fn limits_no_more_records_than_ten_thousand<R: Sample>(subject: &Subject) -> Outcome {
    let records = R::samples(0..=MAX_PER_CALL as u64);
    refused("put", subject.put(&records).await, None, "records")?;
    equal("all records", &subject.ids(&Query::<R>::new()).await?, &Vec::new())
}

async fn limits_of_a_step_are_those_of_metadata(subject: &Subject) -> Outcome {
    let with = |parameters, metadata| {
        let mut episode = Episode::sample(0);
        let step = ExecutionStep::new(2, "tool", "action");
        episode.steps = vec![ExecutionStep::new(1, "tool", "action"), ExecutionStep { parameters, metadata, ..step }];
        episode
    };
    for (value, deeper) in nested(MAX_DEPTH).into_iter().zip(nested(MAX_DEPTH + 1)) {
        subject.keeps(&[with(value.clone(), [("k", value)].into())]).await?;
        subject.delete::<Episode>(&[marked(0)]).await?;
        is_refused(subject, with(deeper.clone(), [("k", 1)].into()), "steps[1].parameters").await?;
        is_refused(subject, with(json!(1), [("k", deeper)].into()), "steps[1].metadata").await?;
    }
    let long = "k".repeat(MAX_METADATA_KEY + 1);
    is_refused(subject, with(json!(1), [(long, 1)].into()), "steps[1].metadata").await?;
    is_refused(subject, with(json!(1), [("k", u64::MAX)].into()), "steps[1].metadata").await?;
    is_refused(subject, with(json!(1), [("k", f64::NAN)].into()), "steps[1].metadata").await?;
    let reserved = Value::Object([("$serde_json::private::Number".to_owned(), json!("x"))].into_iter().collect());
    is_refused(subject, with(reserved, [("k", 1)].into()), "steps[1].parameters").await
}

async fn limits_count_all_changes_of_a_batch(subject: &Subject) -> Outcome {
    let mut batch = WriteBatch::new();
    batch.put(Episode::sample(0));
    for rest in 0..MAX_PER_CALL as u64 {
        batch.delete(marked::<Pattern>(rest));
    }
    refused("commit", subject.commit(&batch).await, None, "changes")?;
    subject.lacks([marked::<Episode>(0)]).await
}
