//! Generated filters and queries.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use super::json::integer;
use super::{key, pool, real, text};
use crate::hostile::KEYS;
use memory_core::backend::{FieldType, Path, Scalar};
use memory_core::field::{metadata, metadata_path};
use memory_core::limits::MAX_LIMIT;
use memory_core::{Direction, Field, Filter, Query, Record};

/// Generates operands of any type.
pub fn scalar() -> impl Strategy<Value = Scalar<'static>> {
    prop_oneof![
        1 => Just(Scalar::Null),
        2 => any::<bool>().prop_map(Scalar::from),
        3 => integer().prop_map(Scalar::from),
        3 => real().prop_map(Scalar::from),
        4 => text().prop_map(Scalar::from),
    ]
}

/// Generates fields: the record's own, metadata keys and paths.
pub fn field<R: Record>() -> impl Strategy<Value = Field<R>> {
    tested().prop_map(|(field, _)| field)
}

/// Generates filters of up to a dozen predicates, some of which match.
pub fn filter<R: Record>() -> impl Strategy<Value = Filter<R>> {
    test().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            4 => vec(inner.clone(), 1..4).prop_map(Filter::And),
            4 => vec(inner.clone(), 1..4).prop_map(Filter::Or),
            1 => Just(Filter::all()),
            1 => Just(Filter::none()),
            4 => inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// Generates queries in any order, with pages of any size.
pub fn query<R: Record>() -> impl Strategy<Value = Query<R>> {
    let limit = prop_oneof![1 => 1..4_usize, 4 => 4..30_usize, 1 => Just(MAX_LIMIT)];
    let direction = select(&[Direction::Ascending, Direction::Descending][..]);
    (filter(), proptest::option::of((ordering(), direction)), limit).prop_map(|(filter, order, limit)| {
        let query = Query::new().filter(filter).limit(limit);
        match order {
            Some((field, direction)) => query.order_by(field, direction),
            None => query,
        }
    })
}

/// Generates fields with a single value.
pub(crate) fn ordering<R: Record>() -> impl Strategy<Value = Field<R>> {
    let single = R::FIELDS.iter().filter(|def| def.of != FieldType::TextList);
    let own: Vec<Field<R>> = single.filter_map(|def| Field::named(def.name.name()).ok()).collect();
    prop_oneof![2 => select(own), 2 => key().prop_map(metadata), 1 => path()]
}

fn path<R: Record>() -> impl Strategy<Value = Field<R>> {
    vec(key(), 1..4).prop_map(metadata_path)
}

/// Generates fields with values that records hold.
fn tested<R: Record>() -> impl Strategy<Value = (Field<R>, Scalar<'static>)> {
    let own = R::FIELDS.iter().filter_map(|def| {
        let operand = prop_oneof![
            6 => select(pool::common_operands(def.name)),
            3 => select(pool::operands(def.name)),
            1 => scalar(),
        ];
        Some((Just(Field::named(def.name.name()).ok()?), operand).boxed())
    });
    prop_oneof![
        5 => Union::new(own),
        2 => (Just(metadata(KEYS[0])), scalar()),
        2 => (key().prop_map(metadata), scalar()),
        1 => (path(), scalar()),
    ]
}

fn test<R: Record>() -> impl Strategy<Value = Filter<R>> {
    (tested(), vec(scalar(), 0..3), 0..16_u8).prop_map(|((field, value), others, test)| {
        let list = match field.path() {
            Path::Own(name) => R::FIELDS.iter().any(|def| def.name == *name && def.of == FieldType::TextList),
            Path::Metadata(_) => false,
        };
        match test {
            // No other predicate can be true for a list of the record's own.
            2..14 if list => field.contains(value),
            0 => field.eq(value),
            1 | 2 => field.ne(value),
            3 | 4 => field.lt(value),
            5 | 6 => field.le(value),
            7 | 8 => field.gt(value),
            9 | 10 => field.ge(value),
            11 | 12 => field.is_in(others.into_iter().chain([value])),
            13 => field.contains(value),
            _ => field.exists(),
        }
    })
}
