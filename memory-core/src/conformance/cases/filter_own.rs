//! Filters on the records' own fields.

use super::filter_table::{Row, finds};
use crate::conformance::check::Outcome;
use crate::conformance::hostile::TEXTS;
use crate::conformance::marked;
use crate::conformance::sample::{Sample, moment};
use crate::conformance::strategy::pool;
use crate::conformance::subject::Subject;
use crate::field::{self, Field};
use crate::{
    Complexity, Episode, Filter, Heuristic, Pattern, PatternKind, Query, Record, Scalar, TaskContext, TaskOutcome,
    TaskType,
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
    each_kind: [
        filter_text_by_every_operator,
        filter_time_by_every_operator,
        filter_real_by_every_operator,
        filter_id_by_every_operator,
        filter_own_field_equals_no_other_type,
        filter_hostile_text_equals_only_itself,
        filter_texts_compare_bytewise,
        filter_since_includes_and_until_excludes,
    ],
}

async fn filter_text_by_every_operator<R: Sample>(subject: &Subject) -> Outcome {
    let texts = ["", "Web", "web", "web ", "webb", "é"];
    let records: Vec<R> = (0..).zip(texts).map(|(n, text)| R::worded(n, text)).collect();
    let text = R::text_field;
    finds(
        subject,
        &records,
        [
            (text().eq("web"), vec![2]),
            (text().ne("web"), vec![0, 1, 3, 4, 5]),
            (text().lt("web"), vec![0, 1]),
            (text().le("web"), vec![0, 1, 2]),
            (text().gt("web"), vec![3, 4, 5]),
            (text().ge("web"), vec![2, 3, 4, 5]),
            (text().ge(""), vec![0, 1, 2, 3, 4, 5]),
            (text().lt(""), vec![]),
            (text().is_in(["web", "", "none"]), vec![0, 2]),
            (text().is_in(["web", "web"]), vec![2]),
            (text().is_in([""; 0]), vec![]),
            (text().exists(), vec![0, 1, 2, 3, 4, 5]),
            // It is no list.
            (text().contains("web"), vec![]),
            (text().contains("w"), vec![]),
        ],
    )
    .await
}

async fn filter_time_by_every_operator<R: Sample>(subject: &Subject) -> Outcome {
    let micros = [pool::TIMES[0], -1, 0, 1, pool::TIMES[1]];
    let records: Vec<R> = (0..).zip(micros).map(|(n, micros)| R::timed(n, micros)).collect();
    let time = R::time_field;
    finds(
        subject,
        &records,
        [
            (time().eq(pool::time(0)), vec![2]),
            (time().ne(0), vec![0, 1, 3, 4]),
            (time().lt(0), vec![0, 1]),
            (time().le(0), vec![0, 1, 2]),
            (time().gt(0), vec![3, 4]),
            (time().ge(pool::time(0)), vec![2, 3, 4]),
            (time().is_in([1, micros[0], 5]), vec![0, 3]),
            (time().exists(), vec![0, 1, 2, 3, 4]),
            (time().contains(0), vec![]),
            // Any number is a number.
            (time().eq(-0.0), vec![2]),
            (time().eq(0.5), vec![]),
            (time().lt(0.5), vec![0, 1, 2]),
            (time().gt(-0.5), vec![2, 3, 4]),
            (time().lt(i64::MAX), vec![0, 1, 2, 3, 4]),
            (time().gt(1e300), vec![]),
            (time().eq("1970-01-01T00:00:00.000000Z"), vec![]),
        ],
    )
    .await
}

async fn filter_real_by_every_operator<R: Sample>(subject: &Subject) -> Outcome {
    let reals = [-1.5, -0.0, 0.3, 0.1 + 0.2, 1.0, 9_007_199_254_740_992.0, f64::MAX];
    let records: Vec<R> = (0..).zip(reals).map(|(n, real)| R::measured(n, real)).collect();
    let real = R::real_field;
    finds(
        subject,
        &records,
        [
            (real().eq(0.3), vec![2]),
            (real().eq(0.1 + 0.2), vec![3]),
            (real().ne(0.3), vec![0, 1, 3, 4, 5, 6]),
            (real().lt(0.3), vec![0, 1]),
            (real().le(0.3), vec![0, 1, 2]),
            (real().gt(0.3), vec![3, 4, 5, 6]),
            (real().ge(0.3), vec![2, 3, 4, 5, 6]),
            (real().is_in([0.3, -1.5, 7.0]), vec![0, 2]),
            (real().exists(), vec![0, 1, 2, 3, 4, 5, 6]),
            (real().contains(0.3), vec![]),
            // Numbers compare exactly, whichever way they are written.
            (real().eq(0), vec![1]),
            (real().eq(0.0), vec![1]),
            (real().eq(1), vec![4]),
            (real().eq(9_007_199_254_740_992_i64), vec![5]),
            (real().eq(9_007_199_254_740_993_i64), vec![]),
            (real().lt(9_007_199_254_740_993_i64), vec![0, 1, 2, 3, 4, 5]),
            (real().gt(i64::MAX), vec![6]),
        ],
    )
    .await
}

async fn filter_id_by_every_operator<R: Sample>(subject: &Subject) -> Outcome {
    let uppercase = marked::<R>(2).to_string().to_uppercase();
    finds(
        subject,
        &R::samples(0..5),
        [
            (field::id().eq(marked::<R>(2)), vec![2]),
            (field::id().eq(marked::<R>(2).to_string()), vec![2]),
            (field::id().ne(marked::<R>(2)), vec![0, 1, 3, 4]),
            (field::id().lt(marked::<R>(2)), vec![0, 1]),
            (field::id().le(marked::<R>(2)), vec![0, 1, 2]),
            (field::id().gt(marked::<R>(2)), vec![3, 4]),
            (field::id().ge(marked::<R>(2)), vec![2, 3, 4]),
            (field::id().is_in([4, 9, 0].map(marked::<R>)), vec![0, 4]),
            (field::id().exists(), vec![0, 1, 2, 3, 4]),
            (field::id().contains(marked::<R>(2)), vec![]),
            // An id is lowercase text, and compared as that.
            (field::id().eq(uppercase), vec![]),
            (field::id().eq(""), vec![]),
        ],
    )
    .await
}

async fn filter_own_field_equals_no_other_type<R: Sample>(subject: &Subject) -> Outcome {
    let mut records: Vec<R> =
        (0..).zip(["0", "1", "true", "null", "1.0"]).map(|(n, text)| R::worded(n, text)).collect();
    for (record, real) in records.iter_mut().zip([0.0, 1.0, 2.0, 3.0, 4.0]) {
        *record.reals()[0].1 = real;
    }
    let mut rows: Vec<Row<R>> = Vec::new();
    for other in [Scalar::Null, true.into(), false.into(), 1.into(), 1.0.into(), 0.into()] {
        rows.push((R::text_field().eq(other.clone()), vec![]));
        rows.push((R::text_field().lt(other.clone()), vec![]));
        rows.push((R::text_field().ge(other.clone()), vec![]));
        rows.push((R::text_field().is_in([other]), vec![]));
    }
    for other in [Scalar::Null, true.into(), false.into(), "1".into(), "1.0".into(), "".into()] {
        for field in [R::real_field(), R::time_field()] {
            rows.push((field.clone().eq(other.clone()), vec![]));
            rows.push((field.clone().le(other.clone()), vec![]));
            rows.push((field.clone().gt(other.clone()), vec![]));
            rows.push((field.is_in([other.clone()]), vec![]));
        }
    }
    rows.push((R::text_field().is_in([Scalar::Null, 1.into(), "1".into(), true.into()]), vec![1]));
    rows.push((R::real_field().is_in([Scalar::Null, 1.into(), "0".into(), true.into()]), vec![1]));
    finds(subject, &records, rows).await
}

async fn filter_hostile_text_equals_only_itself<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..).zip(TEXTS).map(|(n, text)| R::worded(n, text)).collect();
    let rows = (0..).zip(TEXTS).map(|(n, text)| (R::text_field().eq(*text), vec![n]));
    let rows = rows.chain((0..).zip(TEXTS).map(|(n, text)| (R::text_field().is_in([*text, *text]), vec![n])));
    finds(subject, &records, rows).await
}

async fn filter_texts_compare_bytewise<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..).zip(TEXTS).map(|(n, text)| R::worded(n, text)).collect();
    let numbers = |wanted: &dyn Fn(&str) -> bool| -> Vec<u64> {
        (0..).zip(TEXTS).filter(|(_, text)| wanted(text)).map(|(n, _)| n).collect()
    };
    let rows = TEXTS.iter().flat_map(|text| {
        let below = numbers(&|other| other.as_bytes() < text.as_bytes());
        let up_to = numbers(&|other| other.as_bytes() <= text.as_bytes());
        [(R::text_field().lt(*text), below), (R::text_field().le(*text), up_to)]
    });
    finds(subject, &records, rows.collect::<Vec<_>>()).await
}

async fn filter_since_includes_and_until_excludes<R: Sample>(subject: &Subject) -> Outcome {
    let query = |from, to| Query::<R>::new().since(moment(from)).until(moment(to)).filter;
    finds(
        subject,
        &R::samples(0..6),
        [
            (query(2, 4), vec![2, 3]),
            (query(0, 6), vec![0, 1, 2, 3, 4, 5]),
            (query(3, 3), vec![]),
            (query(4, 2), vec![]),
        ],
    )
    .await
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
            // A list is no single value, and is there even when it is empty.
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

/// Record 0 lacks the text.
fn optional_text<R: Record>(text: fn() -> Field<R>) -> [Row<R>; 9] {
    [
        (text().exists(), vec![1, 2, 3]),
        (text().eq("rust"), vec![2]),
        (text().ne("rust"), vec![0, 1, 3]),
        (text().eq(""), vec![1]),
        (text().ge(""), vec![1, 2, 3]),
        (text().lt("s"), vec![1, 2, 3]),
        (text().is_in(["rust", ""]), vec![1, 2]),
        // What is missing is not null.
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
    Pattern { kind, ..Pattern::sample(n) }
}
