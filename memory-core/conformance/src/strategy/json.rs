//! Generated JSON.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::{key, pool, real, text};
use crate::hostile::KEYS;
use memory_core::Metadata;

/// Generates JSON values that a storage accepts in metadata, nested a few
/// levels.
pub fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        2 => any::<bool>().prop_map(Value::from),
        3 => integer().prop_map(Value::from),
        3 => real().prop_map(Value::from),
        4 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(key(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Generates metadata, often with the first of
/// [`hostile::KEYS`](super::super::hostile::KEYS).
pub fn metadata() -> impl Strategy<Value = Metadata> {
    (option::of(json()), btree_map(key(), json(), 0..5)).prop_map(|(first, mut others)| {
        others.extend(first.map(|value| (KEYS[0].to_owned(), value)));
        others.into_iter().collect()
    })
}

pub(super) fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![6 => pool::common(pool::INTEGERS), 3 => pool::all(pool::INTEGERS), 1 => any::<i64>()]
}
