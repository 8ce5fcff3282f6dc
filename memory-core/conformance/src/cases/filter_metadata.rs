//! Filters on metadata values.

use serde_json::{Value, json};

use super::filter_table::{Row, finds};
use crate::check::Outcome;
use crate::sample::Sample;
use crate::strategy::pool::INTEGERS;
use crate::subject::Subject;
use memory_core::Record;
use memory_core::backend::Scalar;
use memory_core::field::{self, Field};

cases! {
    storage: [],
    each_kind: [
        filter_true_is_not_one,
        filter_null_equals_only_an_explicit_null,
        filter_missing_key_meets_only_negations,
        filter_numbers_by_every_operator,
        filter_integers_beyond_2_53_are_exact,
        filter_metadata_texts_by_every_operator,
        filter_bools_by_every_operator,
        filter_mixed_operands_of_in,
        filter_contains_is_membership_by_type,
        filter_contains_is_never_a_substring,
        filter_lists_and_objects_are_no_single_values,
    ],
}

/// Returns records of which number `n` holds the value number `n` at key `k`;
/// number 0 lacks the key.
fn records<R: Sample>(values: impl IntoIterator<Item = Value>) -> Vec<R> {
    let mut records = vec![R::sample(0)];
    records.extend((1..).zip(values).map(|(n, value)| R::tagged(n, [("k", value)])));
    records
}

fn k<R: Record>() -> Field<R> {
    field::metadata("k")
}

async fn filter_true_is_not_one<R: Sample>(subject: &Subject) -> Outcome {
    let records = records([
        json!(true),
        json!(1),
        json!(1.0),
        json!("true"),
        json!("1"),
        json!(false),
        json!(0),
        json!([true]),
        json!([1]),
    ]);
    finds::<R>(
        subject,
        &records,
        [
            (k().eq(true), vec![1]),
            (k().eq(1), vec![2, 3]),
            (k().eq(1.0), vec![2, 3]),
            (k().eq("true"), vec![4]),
            (k().eq("1"), vec![5]),
            (k().eq(false), vec![6]),
            (k().eq(0), vec![7]),
            (k().is_in([true]), vec![1]),
            (k().is_in([1]), vec![2, 3]),
            (k().ge(0), vec![2, 3, 7]),
            (k().ge(false), vec![1, 6]),
            (k().contains(true), vec![8]),
            (k().contains(1), vec![9]),
        ],
    )
    .await
}

async fn filter_null_equals_only_an_explicit_null<R: Sample>(subject: &Subject) -> Outcome {
    let records = records([json!(null), json!("null"), json!(0), json!(false), json!(""), json!([null]), json!({})]);
    finds::<R>(
        subject,
        &records,
        [
            (k().eq(Scalar::Null), vec![1]),
            (k().ne(Scalar::Null), vec![0, 2, 3, 4, 5, 6, 7]),
            (k().is_in([Scalar::Null]), vec![1]),
            (k().is_in([Scalar::Null, "null".into()]), vec![1, 2]),
            // Null exists, and is neither less nor greater than any value.
            (k().exists(), vec![1, 2, 3, 4, 5, 6, 7]),
            (k().lt(Scalar::Null), vec![]),
            (k().le(Scalar::Null), vec![]),
            (k().gt(Scalar::Null), vec![]),
            (k().ge(Scalar::Null), vec![]),
            (k().le(0), vec![3]),
            (k().contains(Scalar::Null), vec![6]),
        ],
    )
    .await
}

async fn filter_missing_key_meets_only_negations<R: Sample>(subject: &Subject) -> Outcome {
    let records = records([json!(1), json!(null), json!([1])]);
    let missing = || field::metadata::<R>("other");
    let all = vec![0, 1, 2, 3];
    finds::<R>(
        subject,
        &records,
        [
            (missing().eq(1), vec![]),
            (missing().eq(Scalar::Null), vec![]),
            (missing().lt(1), vec![]),
            (missing().ge(1), vec![]),
            (missing().is_in([Scalar::Null, 1.into()]), vec![]),
            (missing().contains(1), vec![]),
            (missing().exists(), vec![]),
            (missing().ne(1), all.clone()),
            (missing().ne(Scalar::Null), all.clone()),
            (!missing().lt(1), all.clone()),
            (!missing().contains(1), all.clone()),
            (!missing().exists(), all),
            // A value of another type counts as missing, except for `exists`.
            (k().ne("1"), vec![0, 1, 2, 3]),
            (!k().lt("1"), vec![0, 1, 2, 3]),
            (k().exists() & !k().le(1), vec![2, 3]),
        ],
    )
    .await
}

async fn filter_numbers_by_every_operator<R: Sample>(subject: &Subject) -> Outcome {
    let values = [json!(-1.5), json!(0), json!(-0.0), json!(0.3), json!(0.1 + 0.2), json!(1), json!(1.0), json!(2e10)];
    finds::<R>(
        subject,
        &records(values),
        [
            (k().eq(0), vec![2, 3]),
            (k().eq(-0.0), vec![2, 3]),
            (k().eq(0.3), vec![4]),
            (k().eq(1), vec![6, 7]),
            (k().eq(20_000_000_000_i64), vec![8]),
            (k().ne(1), vec![0, 1, 2, 3, 4, 5, 8]),
            (k().lt(0.3), vec![1, 2, 3]),
            (k().le(0.3), vec![1, 2, 3, 4]),
            (k().gt(0.3), vec![5, 6, 7, 8]),
            (k().ge(1), vec![6, 7, 8]),
            (k().gt(-1.5), vec![2, 3, 4, 5, 6, 7, 8]),
            (k().is_in([0.3, 1.0]), vec![4, 6, 7]),
            (k().lt(1e300), vec![1, 2, 3, 4, 5, 6, 7, 8]),
            (k().gt(i64::MIN), vec![1, 2, 3, 4, 5, 6, 7, 8]),
            (k().contains(1), vec![]),
        ],
    )
    .await
}

async fn filter_integers_beyond_2_53_are_exact<R: Sample>(subject: &Subject) -> Outcome {
    let mut rows: Vec<Row<R>> = Vec::new();
    let numbers = |wanted: &dyn Fn(i64) -> bool| -> Vec<u64> {
        (1..).zip(INTEGERS).filter(|(_, integer)| wanted(**integer)).map(|(n, _)| n).collect()
    };
    for integer in INTEGERS {
        rows.push((k().eq(*integer), numbers(&|other| other == *integer)));
        rows.push((k().is_in([*integer]), numbers(&|other| other == *integer)));
        rows.push((k().lt(*integer), numbers(&|other| other < *integer)));
        rows.push((k().ge(*integer), numbers(&|other| other >= *integer)));
    }
    // 2^53 and 2^63: the reals to which 2^53 + 1 and the end of `i64` round.
    rows.push((k().eq(9_007_199_254_740_992.0), numbers(&|other| other == 9_007_199_254_740_992)));
    rows.push((k().gt(9_007_199_254_740_992.0), numbers(&|other| other > 9_007_199_254_740_992)));
    rows.push((k().ge(9_223_372_036_854_775_808.0), vec![]));
    rows.push((k().eq(-9_223_372_036_854_775_808.0), numbers(&|other| other == i64::MIN)));
    finds(subject, &records(INTEGERS.iter().map(|integer| json!(integer))), rows).await
}

async fn filter_metadata_texts_by_every_operator<R: Sample>(subject: &Subject) -> Outcome {
    let values = [json!(""), json!("Web"), json!("web"), json!("webb"), json!("é"), json!(["web"]), json!(5)];
    finds::<R>(
        subject,
        &records(values),
        [
            (k().eq("web"), vec![3]),
            (k().ne("web"), vec![0, 1, 2, 4, 5, 6, 7]),
            (k().lt("web"), vec![1, 2]),
            (k().le("web"), vec![1, 2, 3]),
            (k().gt("web"), vec![4, 5]),
            (k().ge("web"), vec![3, 4, 5]),
            (k().is_in(["", "é", "none"]), vec![1, 5]),
            (k().contains("web"), vec![6]),
            (k().eq("5"), vec![]),
            (k().eq("[\"web\"]"), vec![]),
        ],
    )
    .await
}

async fn filter_bools_by_every_operator<R: Sample>(subject: &Subject) -> Outcome {
    finds::<R>(
        subject,
        &records([json!(false), json!(true), json!(0), json!("false")]),
        [
            (k().eq(false), vec![1]),
            (k().ne(false), vec![0, 2, 3, 4]),
            (k().lt(true), vec![1]),
            (k().le(true), vec![1, 2]),
            (k().gt(false), vec![2]),
            (k().ge(false), vec![1, 2]),
            (k().lt(false), vec![]),
            (k().is_in([true, false]), vec![1, 2]),
            (k().contains(true), vec![]),
        ],
    )
    .await
}

async fn filter_mixed_operands_of_in<R: Sample>(subject: &Subject) -> Outcome {
    let values = [json!(null), json!(true), json!(1), json!(0.5), json!("1"), json!("0.5"), json!("x"), json!([1])];
    finds::<R>(
        subject,
        &records(values),
        [
            (k().is_in([Scalar::Null, true.into(), 1.into(), 0.5.into(), "1".into()]), vec![1, 2, 3, 4, 5]),
            (k().is_in([Scalar::from(1), "x".into()]), vec![3, 7]),
            (k().is_in([Scalar::from(false), "0.5".into()]), vec![6]),
            (k().is_in(Vec::<Scalar>::new()), vec![]),
        ],
    )
    .await
}

async fn filter_contains_is_membership_by_type<R: Sample>(subject: &Subject) -> Outcome {
    let values = [
        json!([]),
        json!([1, 2]),
        json!([1.0]),
        json!([true]),
        json!(["1", "a"]),
        json!([null]),
        json!([[1, "a"], {"a": "a"}]),
        json!([9_007_199_254_740_993_i64]),
        json!(1),
        json!({"a": 1, "1": "a"}),
    ];
    finds::<R>(
        subject,
        &records(values),
        [
            (k().contains(1), vec![2, 3]),
            (k().contains(1.0), vec![2, 3]),
            (k().contains(2), vec![2]),
            (k().contains(true), vec![4]),
            (k().contains("1"), vec![5]),
            (k().contains("a"), vec![5]),
            (k().contains(Scalar::Null), vec![6]),
            (k().contains(9_007_199_254_740_993_i64), vec![8]),
            (k().contains(9_007_199_254_740_992_i64), vec![]),
            (k().contains(0), vec![]),
        ],
    )
    .await
}

async fn filter_contains_is_never_a_substring<R: Sample>(subject: &Subject) -> Outcome {
    let values = [json!("web"), json!(["web"]), json!({"web": 1, "k": "web"}), json!(["a web b", ["web"]])];
    finds::<R>(
        subject,
        &records(values),
        [
            (k().contains("web"), vec![2]),
            (k().contains("we"), vec![]),
            (k().contains(""), vec![]),
            (k().contains("%"), vec![]),
            (k().contains("\"web\""), vec![]),
        ],
    )
    .await
}

async fn filter_lists_and_objects_are_no_single_values<R: Sample>(subject: &Subject) -> Outcome {
    let values = [json!([]), json!(["a"]), json!([1]), json!({}), json!({"a": 1})];
    finds::<R>(
        subject,
        &records(values),
        [
            (k().exists(), vec![1, 2, 3, 4, 5]),
            (k().eq("[]"), vec![]),
            (k().eq("{}"), vec![]),
            (k().eq("a"), vec![]),
            (k().eq(1), vec![]),
            (k().eq(Scalar::Null), vec![]),
            (k().ge(""), vec![]),
            (k().ge(0), vec![]),
            (k().is_in(["[]", "{}", "a"]), vec![]),
            (k().ne(1), vec![0, 1, 2, 3, 4, 5]),
            (!k().ge(""), vec![0, 1, 2, 3, 4, 5]),
        ],
    )
    .await
}
