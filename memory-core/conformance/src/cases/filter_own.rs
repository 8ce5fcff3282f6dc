//! Filters on fields that every kind of record has.

use super::filter_table::{Row, finds};
use crate::check::Outcome;
use crate::hostile::TEXTS;
use crate::marked;
use crate::sample::{Sample, moment};
use crate::strategy::pool;
use crate::subject::Subject;
use memory_core::backend::Scalar;
use memory_core::{Query, field};

cases! {
    storage: [],
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
            // The field is not a list.
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
            // Integers and reals compare with each other.
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
    let reals = [-0.0, 1e-7, 0.3, 0.1 + 0.2, 0.5, 1.0 - f64::EPSILON / 2.0, 1.0];
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
            (real().is_in([0.3, 1e-7, 7.0]), vec![1, 2]),
            (real().exists(), vec![0, 1, 2, 3, 4, 5, 6]),
            (real().contains(0.3), vec![]),
            // Numbers compare exactly, as integers or as reals.
            (real().eq(0), vec![0]),
            (real().eq(0.0), vec![0]),
            (real().eq(1), vec![6]),
            (real().lt(1), vec![0, 1, 2, 3, 4, 5]),
            (real().gt(-1.5), vec![0, 1, 2, 3, 4, 5, 6]),
            (real().lt(i64::MAX), vec![0, 1, 2, 3, 4, 5, 6]),
            (real().ge(f64::MAX), vec![]),
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
            // An id compares as lowercase text.
            (field::id().eq(uppercase), vec![]),
            (field::id().eq(""), vec![]),
        ],
    )
    .await
}

async fn filter_own_field_equals_no_other_type<R: Sample>(subject: &Subject) -> Outcome {
    let mut records: Vec<R> =
        (0..).zip(["0", "1", "true", "null", "1.0"]).map(|(n, text)| R::worded(n, text)).collect();
    for (record, real) in records.iter_mut().zip([0.0, 1.0, 0.1, 0.2, 0.3]) {
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
