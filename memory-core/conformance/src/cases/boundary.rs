//! Values at the ends of their ranges.

use uuid::Uuid;

use crate::check::{Outcome, equal};
use crate::marked::MARKER_KEY;
use crate::sample::{Sample, is_rate};
use crate::strategy::pool::{INTEGERS, REALS, TIMES, time};
use crate::subject::Subject;
use memory_core::{
    Episode, ExecutionResult, ExecutionStep, Heuristic, Latency, Metadata, Pattern, PatternKind, Query, Reflection,
    field,
};

cases! {
    storage: [
        the_ends_of_time_survive,
        the_largest_counts_survive,
        the_longest_latency_survives,
        large_collections_survive,
    ],
    each_kind: [
        extreme_reals_survive,
        negative_zero_keeps_its_sign,
        extreme_metadata_numbers_survive,
        nil_and_max_ids_are_ids,
        a_record_of_one_mebibyte_survives,
    ],
}

async fn the_ends_of_time_survive(subject: &Subject) -> Outcome {
    for micros in TIMES {
        let time = time(*micros);
        let mut episode = Episode::sample(0);
        episode.start_time = time;
        episode.end_time = Some(time);
        episode.archived_at = Some(time);
        episode.steps = vec![ExecutionStep { timestamp: time, ..ExecutionStep::new(1, "tool", "action") }];
        episode.reflection = Some(Reflection {
            successes: Vec::new(),
            improvements: Vec::new(),
            insights: Vec::new(),
            generated_at: time,
        });
        subject.keeps(&[episode]).await?;

        let mut pattern = Pattern::sample(0);
        (pattern.created_at, pattern.updated_at) = (time, time);
        pattern.effectiveness.last_used = Some(time);
        subject.keeps(&[pattern]).await?;

        let mut heuristic = Heuristic::sample(0);
        (heuristic.created_at, heuristic.updated_at) = (time, time);
        subject.keeps(&[heuristic]).await?;
    }
    Ok(())
}

async fn the_largest_counts_survive(subject: &Subject) -> Outcome {
    let mut episode = Episode::sample(0);
    let step = ExecutionStep::new(u32::MAX, "tool", "action");
    episode.steps = vec![ExecutionStep { tokens_used: Some(u32::MAX), ..step }];
    subject.keeps(&[episode]).await?;

    let mut pattern = Pattern::sample(0);
    pattern.occurrences = u32::MAX;
    let figures = &mut pattern.effectiveness;
    (figures.times_retrieved, figures.times_applied) = (u32::MAX, u32::MAX);
    (figures.successes, figures.failures) = (u32::MAX, u32::MAX);
    pattern.kind = PatternKind::DecisionPoint {
        condition: String::new(),
        action: String::new(),
        successes: u32::MAX,
        failures: u32::MAX,
    };
    subject.keeps(&[pattern]).await?;

    let mut heuristic = Heuristic::sample(0);
    heuristic.evidence.sample_size = u32::MAX;
    subject.keeps(&[heuristic]).await
}

async fn the_longest_latency_survives(subject: &Subject) -> Outcome {
    for micros in [0, 1, u64::from(u32::MAX) + 1, i64::MAX as u64, u64::MAX] {
        let latency = Latency::from_micros(micros);
        let mut episode = Episode::sample(0);
        episode.steps = vec![ExecutionStep { latency, ..ExecutionStep::new(1, "tool", "action") }];
        subject.keeps(&[episode]).await?;
        let mut pattern = Pattern::sample(0);
        pattern.kind = PatternKind::ToolSequence { tools: Vec::new(), average_latency: latency };
        subject.keeps(&[pattern]).await?;
    }
    Ok(())
}

async fn large_collections_survive(subject: &Subject) -> Outcome {
    let texts: Vec<String> = (0..2_000).map(|n| format!("item {n}")).collect();
    let mut episode = Episode::sample(0);
    episode.context.tags = texts.clone();
    let step = |number| ExecutionStep {
        result: Some(ExecutionResult::Success { output: texts[number as usize].clone() }),
        ..ExecutionStep::new(number, "tool", "action")
    };
    episode.steps = (1..1_000).map(step).collect();
    episode.metadata = texts.iter().map(|text| (text.clone(), text.clone())).collect();
    subject.keeps(&[episode]).await?;

    let mut pattern = Pattern::sample(0);
    pattern.kind = PatternKind::ErrorRecovery { error_type: String::new(), recovery_steps: texts };
    subject.keeps(&[pattern]).await
}

async fn extreme_reals_survive<R: Sample>(subject: &Subject) -> Outcome {
    let subnormal = [5e-324, f64::MIN_POSITIVE / 3.0, -5e-324];
    let one_bit = [0.1, 1.0 / 3.0, 2.0 / 3.0, 0.1 + 0.2, 1.0 + f64::EPSILON, 123_456.789_012_345_67];
    let values = REALS.iter().copied().chain(subnormal).chain(one_bit).filter(|real| *real != 0.0);
    let mut records = Vec::new();
    for (n, value) in (0..).zip(values) {
        let mut record = R::sample(n);
        let fitting = |(field, _): &(&str, &mut f64)| !is_rate(field) || (0.0..=1.0).contains(&value);
        record.reals().into_iter().filter(fitting).for_each(|(_, real)| *real = value);
        record.metadata_mut().insert("real", value);
        records.push(record);
    }
    subject.keeps(&records).await
}

async fn negative_zero_keeps_its_sign<R: Sample>(subject: &Subject) -> Outcome {
    let mut records = R::samples(0..2);
    for (record, zero) in records.iter_mut().zip([0.0, -0.0]) {
        record.reals().into_iter().for_each(|(_, real)| *real = zero);
        record.metadata_mut().insert("zero", zero);
    }
    subject.keeps(&records).await
}

async fn extreme_metadata_numbers_survive<R: Sample>(subject: &Subject) -> Outcome {
    let integers = INTEGERS.iter().map(|integer| (integer.to_string(), *integer)).collect::<Metadata>();
    let reals = REALS.iter().map(|real| (format!("{real:e}"), *real)).collect::<Metadata>();
    subject.keeps(&[R::tagged(0, integers), R::tagged(1, reals)]).await
}

/// The ids cannot carry the suite's marker, so the metadata does.
async fn nil_and_max_ids_are_ids<R: Sample>(subject: &Subject) -> Outcome {
    let mut records = [0, 1].map(|n| R::tagged(n, [(MARKER_KEY, true)]));
    records[0].set_id(Uuid::nil().into());
    records[1].set_id(Uuid::max().into());
    subject.keeps(&records).await?;
    let ids = records.map(|record| record.id());
    equal("all records, newest first", &subject.ids(&Query::<R>::new()).await?, &vec![ids[1], ids[0]])?;
    equal("how many were deleted", &subject.delete(&ids).await?, &2)
}

async fn a_record_of_one_mebibyte_survives<R: Sample>(subject: &Subject) -> Outcome {
    let text = "a mebibyte: ö 👍 \" \\ ".repeat((1 << 20) / 25);
    let half: String = text.chars().take(text.chars().count() / 2).collect();
    let mut large = R::verbose(0, &text);
    large.metadata_mut().insert("half", half.as_str());
    let small = R::sample(1);
    subject.keeps(&[large.clone(), small]).await?;
    equal("what half of the text finds", &subject.matching(&field::metadata("half").eq(half)).await?, &vec![large.id()])
}
