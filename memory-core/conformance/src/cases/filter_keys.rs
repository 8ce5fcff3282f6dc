//! Filters on metadata keys and paths with special characters.

use serde_json::json;

use super::filter_table::{Row, finds};
use crate::check::Outcome;
use crate::hostile::{KEYS, TEXTS};
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::Metadata;
use memory_core::backend::Scalar;
use memory_core::field::{metadata, metadata_path};

cases! {
    storage: [],
    each_kind: [
        filter_hostile_key_is_a_literal_key,
        filter_hostile_keys_side_by_side,
        filter_key_is_never_a_path,
        filter_hostile_value_equals_only_itself,
        filter_hostile_value_in_a_list,
        filter_path_reaches_inside,
        filter_path_through_hostile_keys,
        filter_path_ends_at_what_is_no_object,
    ],
}

async fn filter_hostile_key_is_a_literal_key<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..).zip(KEYS).map(|(n, key)| R::tagged(n, [(*key, "here")])).collect();
    let mut rows: Vec<Row<R>> = Vec::new();
    for (n, key) in (0..).zip(KEYS) {
        rows.push((metadata(*key).exists(), vec![n]));
        rows.push((metadata(*key).eq("here"), vec![n]));
        rows.push((metadata(*key).ge("here"), vec![n]));
        rows.push((metadata(*key).lt("here"), vec![]));
        rows.push((metadata_path([*key]).eq("here"), vec![n]));
    }
    finds(subject, &records, rows).await
}

async fn filter_hostile_keys_side_by_side<R: Sample>(subject: &Subject) -> Outcome {
    let all = |offset: usize| KEYS.iter().enumerate().map(|(n, key)| (*key, n + offset)).collect::<Metadata>();
    let mut rows: Vec<Row<R>> = Vec::new();
    for (n, key) in (0_i64..).zip(KEYS) {
        rows.push((metadata(*key).eq(n), vec![0]));
        rows.push((metadata(*key).eq(n + 1), vec![1]));
        rows.push((metadata(*key).le(n), vec![0]));
    }
    finds(subject, &[R::tagged(0, all(0)), R::tagged(1, all(1))], rows).await
}

async fn filter_key_is_never_a_path<R: Sample>(subject: &Subject) -> Outcome {
    let nested = Metadata::from_iter([("a", json!({"b": 1, "": 1, "b.c": 1})), ("x", json!(1)), ("l", json!([1, 2]))]);
    let literal = ["a.b", "$.x", "x.", "l[0]", "$", "$.a.b", "a.", "l.0", "\"x\"", "l[#-1]", "$.l", "a.\"b\"", "*"];
    let flat = Metadata::from_iter(literal.map(|key| (key, 1)));
    let rows = literal.into_iter().flat_map(|key| [(metadata(key).exists(), vec![1]), (metadata(key).eq(1), vec![1])]);
    finds::<R>(subject, &[R::tagged(0, nested), R::tagged(1, flat), R::sample(2)], rows).await
}

async fn filter_hostile_value_equals_only_itself<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..).zip(TEXTS).map(|(n, text)| R::tagged(n, [("k", *text)])).collect();
    let mut rows: Vec<Row<R>> = Vec::new();
    for (n, text) in (0..).zip(TEXTS) {
        rows.push((metadata("k").eq(*text), vec![n]));
        rows.push((metadata("k").is_in([Scalar::Null, (*text).into()]), vec![n]));
        rows.push((metadata("k").ge(*text) & metadata("k").le(*text), vec![n]));
    }
    finds(subject, &records, rows).await
}

async fn filter_hostile_value_in_a_list<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> = (0..).zip(TEXTS).map(|(n, text)| R::tagged(n, [("k", json!([0, text]))])).collect();
    let rows = (0..).zip(TEXTS).map(|(n, text)| (metadata("k").contains(*text), vec![n]));
    finds(subject, &records, rows).await
}

async fn filter_path_reaches_inside<R: Sample>(subject: &Subject) -> Outcome {
    let records = [
        R::tagged(0, [("a", json!({"b": {"c": 1}}))]),
        R::tagged(1, [("a", json!({"b": {"c": "1", "d": null}}))]),
        R::tagged(2, [("a", json!({"b": true}))]),
        R::tagged(3, [("a.b", json!({"c": 1}))]),
        R::tagged(4, [("a", json!({"b.c": 1}))]),
        R::tagged(5, [("a", json!({"b": {"c": [1, "x"]}}))]),
        R::sample(6),
    ];
    let abc = || metadata_path::<R, _>(["a", "b", "c"]);
    finds(
        subject,
        &records,
        [
            (abc().exists(), vec![0, 1, 5]),
            (abc().eq(1), vec![0]),
            (abc().eq("1"), vec![1]),
            (abc().ge(0), vec![0]),
            (abc().is_in([Scalar::from(1), "1".into()]), vec![0, 1]),
            (abc().contains("x"), vec![5]),
            (metadata_path(["a", "b"]).eq(true), vec![2]),
            (metadata_path(["a", "b"]).exists(), vec![0, 1, 2, 5]),
            (metadata_path(["a", "b.c"]).eq(1), vec![4]),
            (metadata_path(["a.b", "c"]).eq(1), vec![3]),
            (metadata_path(["a", "b", "d"]).eq(Scalar::Null), vec![1]),
            (metadata_path(["a", "b", "d"]).exists(), vec![1]),
            (metadata_path(["a", "none"]).exists(), vec![]),
            (metadata_path(["a"]).exists(), vec![0, 1, 2, 4, 5]),
            // A single key refers to the outermost object.
            (metadata("b").exists(), vec![]),
            (metadata("c").eq(1), vec![]),
        ],
    )
    .await
}

async fn filter_path_through_hostile_keys<R: Sample>(subject: &Subject) -> Outcome {
    let records: Vec<R> =
        (0..).zip(KEYS).map(|(n, key)| R::tagged(n, [(*key, json!({ *key: { *key: "deep" } }))])).collect();
    let mut rows: Vec<Row<R>> = Vec::new();
    for (n, key) in (0..).zip(KEYS) {
        rows.push((metadata_path([*key, *key, *key]).eq("deep"), vec![n]));
        rows.push((metadata_path([*key, *key]).exists(), vec![n]));
        rows.push((metadata_path([*key, *key]).eq("deep"), vec![]));
        rows.push((metadata_path([*key; 4]).exists(), vec![]));
    }
    finds(subject, &records, rows).await
}

/// A path goes through objects only: not into lists, and not into texts that
/// hold JSON.
async fn filter_path_ends_at_what_is_no_object<R: Sample>(subject: &Subject) -> Outcome {
    let values = [json!([{"b": 1}, 1]), json!("{\"b\": 1}"), json!(1), json!(null), json!({"0": 1})];
    let records: Vec<R> = (0..).zip(values).map(|(n, value)| R::tagged(n, [("a", value)])).collect();
    finds(
        subject,
        &records,
        [
            (metadata_path(["a", "b"]).exists(), vec![]),
            (metadata_path(["a", "0"]).exists(), vec![4]),
            (metadata_path(["a", "1"]).eq(1), vec![]),
            (metadata_path(["a", "0", "b"]).exists(), vec![]),
            (metadata_path(["a", "[0]"]).exists(), vec![]),
            (metadata_path(["a", ""]).exists(), vec![]),
        ],
    )
    .await
}
