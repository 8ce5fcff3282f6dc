//! Filters on fields that some kinds of record have: lists, optional values,
//! counts and variants.

use super::filter_table::{Row, finds};
use crate::check::Outcome;
use crate::marked;
use crate::sample::Sample;
use crate::strategy::pool;
use crate::subject::Subject;
use memory_core::backend::Scalar;
use memory_core::field::{self, Field};
use memory_core::{
    Complexity, Episode, Filter, Heuristic, Pattern, PatternKind, Record, TaskContext, TaskOutcome, TaskType,
};

cases! {
    storage: [
        filter_list_of_tags_by_every_operator,
        filter_list_of_ids_by_every_operator,
        filter_optional_text_by_every_operator,
        filter_optional_time_and_real_by_every_operator,
        filter_counts_by_every_operator,
        filter_variants_by_their_names,
    ],
    each_kind: [],
}

async fn filter_list_of_tags_by_every_operator(subject: &Subject) -> Outcome {
    tags_by_every_operator(subject, |episode: &mut Episode| &mut episode.context).await?;
    tags_by_every_operator(subject, |pattern: &mut Pattern| &mut pattern.context).await
}

async fn tags_by_every_operator<R: Sample + field::Contextual>(
    subject: &Subject,
    context: fn(&mut R) -> &mut TaskContext,
) -> Outcome {
    let lists: [&[&str]; 7] =
        [&[], &["web"], &["a", "web", "web"], &["webb"], &["[\"web\"]", "we", "b"], &["1", "true", "null"], &[""]];
    let mut records = R::samples(0..7);
    for (record, tags) in records.iter_mut().zip(lists) {
        context(record).tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    }
    let tags = field::tags::<R>;
    finds(
        subject,
        &records,
        [
            (tags().contains("web"), vec![1, 2]),
            (tags().contains("we"), vec![4]),
            (tags().contains(""), vec![6]),
            (tags().contains("none"), vec![]),
            // Tags are texts.
            (tags().contains(1), vec![]),
            (tags().contains(true), vec![]),
            (tags().contains(Scalar::Null), vec![]),
            (tags().contains("1"), vec![5]),
            // A list is no single value, and exists even if it is empty.
            (tags().eq("web"), vec![]),
            (tags().eq("[\"web\"]"), vec![]),
            (tags().ge(""), vec![]),
            (tags().is_in(["web", "[]"]), vec![]),
            (tags().exists(), vec![0, 1, 2, 3, 4, 5, 6]),
        ],
    )
    .await
}

async fn filter_list_of_ids_by_every_operator(subject: &Subject) -> Outcome {
    let mut episodes = Episode::samples(0..3);
    episodes[1].patterns = vec![marked(1), marked(2)];
    episodes[2].heuristics = vec![marked(1)];
    finds(
        subject,
        &episodes,
        [
            (field::patterns().contains(marked::<Pattern>(1)), vec![1]),
            (field::patterns().contains(marked::<Pattern>(3)), vec![]),
            (field::heuristics().contains(marked::<Heuristic>(1)), vec![2]),
            (field::patterns().eq(marked::<Pattern>(1)), vec![]),
            (field::patterns().exists(), vec![0, 1, 2]),
            (field::patterns().contains(marked::<Pattern>(1).to_string().to_uppercase()), vec![]),
        ],
    )
    .await?;
    let mut heuristics = Heuristic::samples(0..2);
    heuristics[1].evidence.episodes = vec![marked(7), marked(1)];
    finds(
        subject,
        &heuristics,
        [
            (field::episodes().contains(marked::<Episode>(7)), vec![1]),
            (field::episodes().contains(marked::<Episode>(0)), vec![]),
            (field::episodes().exists(), vec![0, 1]),
        ],
    )
    .await
}

async fn filter_optional_text_by_every_operator(subject: &Subject) -> Outcome {
    let mut episodes = Episode::samples(0..4);
    let mut patterns = Pattern::samples(0..4);
    for (n, language) in [(1, ""), (2, "rust"), (3, "null")] {
        for context in [&mut episodes[n].context, &mut patterns[n].context] {
            context.language = Some(language.to_owned());
            context.framework = Some(language.to_owned());
        }
    }
    finds(subject, &episodes, optional_text(field::language)).await?;
    finds(subject, &episodes, optional_text(field::framework)).await?;
    finds(subject, &patterns, optional_text(field::language)).await?;
    finds(subject, &patterns, optional_text(field::framework)).await
}

/// Returns records of which number 0 lacks the text.
fn optional_text<R: Record>(text: fn() -> Field<R>) -> [Row<R>; 9] {
    [
        (text().exists(), vec![1, 2, 3]),
        (text().eq("rust"), vec![2]),
        (text().ne("rust"), vec![0, 1, 3]),
        (text().eq(""), vec![1]),
        (text().ge(""), vec![1, 2, 3]),
        (text().lt("s"), vec![1, 2, 3]),
        (text().is_in(["rust", ""]), vec![1, 2]),
        // A missing value is not null.
        (text().eq(Scalar::Null), vec![]),
        (text().is_in([Scalar::Null, "null".into()]), vec![3]),
    ]
}

async fn filter_optional_time_and_real_by_every_operator(subject: &Subject) -> Outcome {
    let mut episodes = Episode::samples(0..3);
    for (n, micros) in [(1, 0), (2, 5)] {
        episodes[n].end_time = Some(pool::time(micros));
        episodes[n].archived_at = Some(pool::time(micros));
        let total = if n == 1 { 0.0 } else { 5.0 };
        *episodes[n].reals()[0].1 = total;
    }
    for number in [field::end_time, field::archived_at, field::reward] {
        finds(
            subject,
            &episodes,
            [
                (number().exists(), vec![1, 2]),
                (number().eq(0), vec![1]),
                (number().ne(0), vec![0, 2]),
                (number().lt(5), vec![1]),
                (number().le(5), vec![1, 2]),
                (number().gt(0), vec![2]),
                (number().ge(0), vec![1, 2]),
                (number().is_in([0, 9]), vec![1]),
                (number().eq(Scalar::Null), vec![]),
                (!number().lt(5), vec![0, 2]),
                (number().contains(0), vec![]),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn filter_counts_by_every_operator(subject: &Subject) -> Outcome {
    let counts = [0, 1, 2, u32::MAX];
    let mut patterns = Pattern::samples(0..4);
    let mut heuristics = Heuristic::samples(0..4);
    for (n, count) in counts.into_iter().enumerate() {
        patterns[n].occurrences = count;
        heuristics[n].evidence.sample_size = count;
    }
    finds(subject, &patterns, count_rows(field::occurrences)).await?;
    finds(subject, &heuristics, count_rows(field::sample_size)).await
}

fn count_rows<R: Record>(count: fn() -> Field<R>) -> [Row<R>; 9] {
    [
        (count().eq(1), vec![1]),
        (count().eq(1.0), vec![1]),
        (count().eq(true), vec![]),
        (count().ne(0), vec![1, 2, 3]),
        (count().lt(2), vec![0, 1]),
        (count().ge(1.5), vec![2, 3]),
        (count().eq(u32::MAX), vec![3]),
        (count().eq(-1), vec![]),
        (count().is_in([0, 2]), vec![0, 2]),
    ]
}

async fn filter_variants_by_their_names(subject: &Subject) -> Outcome {
    let mut episodes = Episode::samples(0..4);
    episodes[0].task_type = TaskType::CodeGeneration;
    episodes[1].context.complexity = Complexity::Simple;
    episodes[2].outcome = Some(TaskOutcome::Abstained { reason: "success".to_owned() });
    episodes[3].outcome = Some(TaskOutcome::Success { verdict: "abstained".to_owned(), artifacts: Vec::new() });
    finds(
        subject,
        &episodes,
        [
            (field::task_type().eq(TaskType::CodeGeneration), vec![0]),
            (field::task_type().eq("code_generation"), vec![0]),
            (field::task_type().eq("CodeGeneration"), vec![]),
            (field::task_type().is_in([TaskType::Debugging, TaskType::Other]), vec![1, 2, 3]),
            (field::complexity().eq(Complexity::Simple), vec![1]),
            (field::complexity().lt("simple"), vec![0, 2, 3]),
            (field::outcome().eq("success"), vec![3]),
            (field::outcome().exists(), vec![2, 3]),
            (!field::outcome().eq("success"), vec![0, 1, 2]),
        ],
    )
    .await?;
    let kinds = Pattern::full().into_iter().map(|pattern| pattern.kind);
    let patterns: Vec<_> = (0..).zip(kinds).map(|(n, kind)| of_kind(n, kind)).collect();
    let rows = (0..).zip(&patterns).map(|(n, pattern)| (field::pattern_type().eq(pattern.kind.name()), vec![n]));
    let rows: Vec<(Filter<Pattern>, _)> = rows.collect();
    finds(subject, &patterns, rows).await
}

fn of_kind(n: u64, kind: PatternKind) -> Pattern {
    let mut pattern = Pattern::sample(n);
    pattern.kind = kind;
    pattern
}
