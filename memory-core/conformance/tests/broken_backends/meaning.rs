//! Wrong evaluation of filters.

use std::sync::Arc;

use memory_core::backend::{FieldValue, Path, Predicate, Scalar};
use memory_core::field::{id, metadata_path};
use memory_core::{Field, Filter, Record};

/// An error in the evaluation of a filter.
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
    /// Returns a filter that matches the records of `records` that the wrong
    /// evaluation of `filter` finds: each predicate is replaced by the ids that
    /// it wrongly matches.
    pub(crate) fn of<R: Record>(self, filter: &Filter<R>, records: &[Arc<R>]) -> Filter<R> {
        let each = |parts: &[Filter<R>]| parts.iter().map(|part| self.of(part, records)).collect();
        match filter {
            Filter::Or(parts) if self == Self::OrIsAnd => Filter::And(each(parts)),
            Filter::And(parts) => Filter::And(each(parts)),
            Filter::Or(parts) => Filter::Or(each(parts)),
            Filter::Not(part) => match &**part {
                Filter::Predicate(field, predicate)
                    if self == Self::NegationNeedsAValue && *predicate != Predicate::Exists =>
                {
                    !Filter::Predicate(field.clone(), predicate.clone()) & field.clone().exists()
                }
                part => Filter::Not(Box::new(self.of(part, records))),
            },
            Filter::Predicate(field, predicate) => id()
                .is_in(records.iter().filter(|record| self.holds(field, predicate, record)).map(|record| record.id())),
            unknown => panic!("no misunderstanding is known of {unknown:?}"),
        }
    }

    fn holds<R: Record>(self, field: &Field<R>, predicate: &Predicate, record: &R) -> bool {
        let as_it_is = Filter::Predicate(field.clone(), predicate.clone()).matches(record);
        let value = field.value(record);
        match (self, predicate, &value) {
            (Self::TrueIsOne, _, _) => {
                as_it_is || Filter::Predicate(field.clone(), replaced(predicate, one_for_true)).matches(record)
            }
            (Self::TextIsNumber, Predicate::Eq(Scalar::Text(written)), FieldValue::Scalar(number)) => {
                as_it_is || written.parse::<f64>().is_ok_and(|parsed| number.equals(&Scalar::Real(parsed)))
            }
            (Self::NullIsMissing, Predicate::Exists, FieldValue::Scalar(Scalar::Null)) => false,
            (Self::NullIsMissing, Predicate::Eq(Scalar::Null), FieldValue::Missing) => true,
            (
                Self::ContainsASubstring,
                Predicate::Contains(Scalar::Text(part)),
                FieldValue::Scalar(Scalar::Text(whole)),
            ) => whole.contains(&**part),
            (Self::ContainsInObjects, Predicate::Contains(Scalar::Text(item)), FieldValue::Object) => {
                let Path::Metadata(keys) = field.path() else { return false };
                let object =
                    keys.first().and_then(|key| record.metadata().get(key)).and_then(|value| value.as_object());
                object.is_some_and(|object| object.values().any(|value| value.as_str() == Some(item)))
            }
            (Self::KeyIsAPath, _, _) => match field.path() {
                Path::Metadata(keys) if keys.len() == 1 => {
                    Filter::Predicate(metadata_path(keys[0].split('.')), predicate.clone()).matches(record)
                }
                _ => as_it_is,
            },
            (Self::KeyIsFoundAnywhere, Predicate::Exists, FieldValue::Missing) => match field.path() {
                Path::Metadata(keys) => {
                    keys.iter().all(|key| record.metadata().to_string().contains(&format!("\"{key}\":")))
                }
                Path::Own(_) => false,
            },
            (
                Self::IntegersAreReals,
                Predicate::Eq(Scalar::Integer(wanted)),
                FieldValue::Scalar(Scalar::Integer(found)),
            ) => rounded(*wanted) == rounded(*found),
            (Self::TextsIgnoreCase, Predicate::Eq(Scalar::Text(wanted)), FieldValue::Scalar(Scalar::Text(found))) => {
                wanted.eq_ignore_ascii_case(found)
            }
            (Self::TextsEndAtNul, Predicate::Eq(Scalar::Text(wanted)), FieldValue::Scalar(Scalar::Text(found))) => {
                wanted.split('\0').next() == found.split('\0').next()
            }
            (
                Self::TextsAreLikePatterns,
                Predicate::Eq(Scalar::Text(wanted)),
                FieldValue::Scalar(Scalar::Text(found)),
            ) => wanted == found || wanted == "%" || (wanted == "_" && found.chars().count() == 1),
            (Self::TimesExcludeTheStart, Predicate::Ge(_), _) => {
                as_it_is && !Filter::Predicate(field.clone(), equal(predicate)).matches(record)
            }
            (Self::InIsOneTypeOnly, Predicate::In(values), _) => {
                let first = values.first().map(std::mem::discriminant);
                let same = values.iter().filter(|value| Some(std::mem::discriminant(*value)) == first);
                Filter::Predicate(field.clone(), Predicate::In(same.cloned().collect())).matches(record)
            }
            _ => as_it_is,
        }
    }
}

/// Returns the bits of the nearest real.
#[expect(clippy::cast_precision_loss, reason = "losing it is the fault")]
fn rounded(integer: i64) -> u64 {
    (integer as f64).to_bits()
}

/// Converts as `json_extract` does: `true` and 1, `false` and 0 are the same.
fn one_for_true(value: &Scalar<'static>) -> Scalar<'static> {
    match value {
        Scalar::Bool(value) => i32::from(*value).into(),
        Scalar::Integer(value @ (0 | 1)) => (*value == 1).into(),
        other => other.clone(),
    }
}

fn replaced(predicate: &Predicate, replace: fn(&Scalar<'static>) -> Scalar<'static>) -> Predicate {
    match predicate {
        Predicate::Eq(value) => Predicate::Eq(replace(value)),
        Predicate::Lt(value) => Predicate::Lt(replace(value)),
        Predicate::Le(value) => Predicate::Le(replace(value)),
        Predicate::Gt(value) => Predicate::Gt(replace(value)),
        Predicate::Ge(value) => Predicate::Ge(replace(value)),
        Predicate::In(values) => Predicate::In(values.iter().map(replace).collect()),
        Predicate::Exists => Predicate::Exists,
        Predicate::Contains(value) => Predicate::Contains(replace(value)),
        unknown => panic!("no operands are known of {unknown:?}"),
    }
}

fn equal(predicate: &Predicate) -> Predicate {
    predicate.operands().first().map_or(Predicate::Exists, |operand| Predicate::Eq(operand.clone()))
}
