//! Filters, misunderstood.

use std::sync::Arc;

use memory_core::backend::{FieldValue, Path, Scalar, Test};
use memory_core::field::{id, metadata_path};
use memory_core::{Field, Filter, Record};

/// How a filter is misunderstood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    TrueIsOne,
    TextIsNumber,
    NullIsMissing,
    NegationNeedsAValue,
    ContainsASubstring,
    ContainsInObjects,
    KeyIsAPath,
    KeyIsFoundAnywhere,
    IntegersAreReals,
    TextsIgnoreCase,
    TextsEndAtNul,
    TextsAreLikePatterns,
    TimesExcludeTheStart,
    InIsOneTypeOnly,
    OrIsAnd,
}

impl Meaning {
    /// The filter that finds among `records` what this reading of `filter` does:
    /// each test is replaced by the ids it is thought to match.
    pub(crate) fn of<R: Record>(self, filter: &Filter<R>, records: &[Arc<R>]) -> Filter<R> {
        let each = |parts: &[Filter<R>]| parts.iter().map(|part| self.of(part, records)).collect();
        match filter {
            Filter::Or(parts) if self == Self::OrIsAnd => Filter::And(each(parts)),
            Filter::And(parts) => Filter::And(each(parts)),
            Filter::Or(parts) => Filter::Or(each(parts)),
            Filter::Not(part) => match &**part {
                Filter::Test(field, test) if self == Self::NegationNeedsAValue && *test != Test::Exists => {
                    !Filter::Test(field.clone(), test.clone()) & field.clone().exists()
                }
                part => Filter::Not(Box::new(self.of(part, records))),
            },
            Filter::Test(field, test) => {
                id().is_in(records.iter().filter(|record| self.holds(field, test, record)).map(|record| record.id()))
            }
        }
    }

    fn holds<R: Record>(self, field: &Field<R>, test: &Test, record: &R) -> bool {
        let as_it_is = Filter::Test(field.clone(), test.clone()).matches(record);
        let value = field.value(record);
        match (self, test, &value) {
            (Self::TrueIsOne, _, _) => {
                as_it_is || Filter::Test(field.clone(), replaced(test, one_for_true)).matches(record)
            }
            (Self::TextIsNumber, Test::Eq(Scalar::Text(written)), FieldValue::Scalar(number)) => {
                as_it_is || written.parse::<f64>().is_ok_and(|parsed| number.equals(&Scalar::Real(parsed)))
            }
            (Self::NullIsMissing, Test::Exists, FieldValue::Scalar(Scalar::Null)) => false,
            (Self::NullIsMissing, Test::Eq(Scalar::Null), FieldValue::Missing) => true,
            (Self::ContainsASubstring, Test::Contains(Scalar::Text(part)), FieldValue::Scalar(Scalar::Text(whole))) => {
                whole.contains(&**part)
            }
            (Self::ContainsInObjects, Test::Contains(Scalar::Text(item)), FieldValue::Object) => {
                let Path::Metadata(keys) = field.path() else { return false };
                let object =
                    keys.first().and_then(|key| record.metadata().get(key)).and_then(|value| value.as_object());
                object.is_some_and(|object| object.values().any(|value| value.as_str() == Some(item)))
            }
            (Self::KeyIsAPath, _, _) => match field.path() {
                Path::Metadata(keys) if keys.len() == 1 => {
                    Filter::Test(metadata_path(keys[0].split('.')), test.clone()).matches(record)
                }
                _ => as_it_is,
            },
            (Self::KeyIsFoundAnywhere, Test::Exists, FieldValue::Missing) => match field.path() {
                Path::Metadata(keys) => {
                    keys.iter().all(|key| record.metadata().to_string().contains(&format!("\"{key}\":")))
                }
                Path::Own(_) => false,
            },
            (Self::IntegersAreReals, Test::Eq(Scalar::Integer(wanted)), FieldValue::Scalar(Scalar::Integer(found))) => {
                rounded(*wanted) == rounded(*found)
            }
            (Self::TextsIgnoreCase, Test::Eq(Scalar::Text(wanted)), FieldValue::Scalar(Scalar::Text(found))) => {
                wanted.eq_ignore_ascii_case(found)
            }
            (Self::TextsEndAtNul, Test::Eq(Scalar::Text(wanted)), FieldValue::Scalar(Scalar::Text(found))) => {
                wanted.split('\0').next() == found.split('\0').next()
            }
            (Self::TextsAreLikePatterns, Test::Eq(Scalar::Text(wanted)), FieldValue::Scalar(Scalar::Text(found))) => {
                wanted == found || wanted == "%" || (wanted == "_" && found.chars().count() == 1)
            }
            (Self::TimesExcludeTheStart, Test::Ge(_), _) => {
                as_it_is && !Filter::Test(field.clone(), equal(test)).matches(record)
            }
            (Self::InIsOneTypeOnly, Test::In(values), _) => {
                let first = values.first().map(std::mem::discriminant);
                let same = values.iter().filter(|value| Some(std::mem::discriminant(*value)) == first);
                Filter::Test(field.clone(), Test::In(same.cloned().collect())).matches(record)
            }
            _ => as_it_is,
        }
    }
}

/// The bits of the nearest real.
#[expect(clippy::cast_precision_loss, reason = "losing it is the fault")]
fn rounded(integer: i64) -> u64 {
    (integer as f64).to_bits()
}

/// As `json_extract` sees it: `true` is 1, also the other way round.
fn one_for_true(value: &Scalar<'static>) -> Scalar<'static> {
    match value {
        Scalar::Bool(value) => i32::from(*value).into(),
        Scalar::Integer(value @ (0 | 1)) => (*value == 1).into(),
        other => other.clone(),
    }
}

fn replaced(test: &Test, replace: fn(&Scalar<'static>) -> Scalar<'static>) -> Test {
    match test {
        Test::Eq(value) => Test::Eq(replace(value)),
        Test::Lt(value) => Test::Lt(replace(value)),
        Test::Le(value) => Test::Le(replace(value)),
        Test::Gt(value) => Test::Gt(replace(value)),
        Test::Ge(value) => Test::Ge(replace(value)),
        Test::In(values) => Test::In(values.iter().map(replace).collect()),
        Test::Exists => Test::Exists,
        Test::Contains(value) => Test::Contains(replace(value)),
    }
}

fn equal(test: &Test) -> Test {
    test.operands().first().map_or(Test::Exists, |operand| Test::Eq(operand.clone()))
}
