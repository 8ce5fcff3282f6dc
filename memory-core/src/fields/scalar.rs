//! Scalar values: the operands of filters.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Id, Timestamp};

/// A single value: an operand of a predicate, or the value of a record's field.
///
/// Values compare only with values of their own type: texts by bytes, numbers
/// exactly (an integer beyond 2^53 differs from the nearest real), `false`
/// before `true`. Null equals null, and is neither less nor greater than any
/// value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Scalar<'a> {
    /// JSON's `null`.
    Null,
    /// A boolean. `true` differs from 1.
    Bool(bool),
    /// An integer. A [`Timestamp`] is one: microseconds since the epoch.
    Integer(i64),
    /// A finite real.
    Real(f64),
    /// A text.
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// Compares two values of one type. Returns `None` for values of different
    /// types and for null.
    pub fn compare(&self, other: &Scalar<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Scalar::Bool(b)) => Some(a.cmp(b)),
            (Self::Integer(a), Scalar::Integer(b)) => Some(a.cmp(b)),
            (Self::Real(a), Scalar::Real(b)) => a.partial_cmp(b),
            (Self::Integer(a), Scalar::Real(b)) => integer_with_real(*a, *b),
            (Self::Real(a), Scalar::Integer(b)) => integer_with_real(*b, *a).map(Ordering::reverse),
            (Self::Text(a), Scalar::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            _ => None,
        }
    }

    /// Returns true if both values have the same type and are equal.
    pub fn equals(&self, other: &Scalar<'_>) -> bool {
        matches!((self, other), (Self::Null, Scalar::Null)) || self.compare(other) == Some(Ordering::Equal)
    }

    /// Converts the value into one that owns its text.
    pub fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Null => Scalar::Null,
            Self::Bool(value) => Scalar::Bool(value),
            Self::Integer(value) => Scalar::Integer(value),
            Self::Real(value) => Scalar::Real(value),
            Self::Text(text) => Scalar::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// Returns the rank of the type in an order: bool, number, text. `None` for
    /// null, which sorts last, with lists, objects and missing values.
    pub(crate) const fn rank(&self) -> Option<u8> {
        match self {
            Self::Null => None,
            Self::Bool(_) => Some(0),
            Self::Integer(_) | Self::Real(_) => Some(1),
            Self::Text(_) => Some(2),
        }
    }

    /// Returns the canonical form: a real that is integral and within `i64`
    /// becomes the integer.
    pub(crate) fn canonical(self) -> Self {
        match self {
            Self::Real(real) => exact_integer(real).map_or(self, Self::Integer),
            other => other,
        }
    }

    pub(crate) fn content(&self) -> usize {
        match self {
            Self::Text(text) => text.len().max(8),
            _ => 8,
        }
    }
}

/// 2^63, the first real beyond `i64`.
const I64_END: f64 = 9_223_372_036_854_775_808.0;

/// Compares exactly, where a conversion of either side would round.
fn integer_with_real(integer: i64, real: f64) -> Option<Ordering> {
    if real.is_nan() {
        return None;
    }
    if real >= I64_END {
        return Some(Ordering::Less);
    }
    if real < -I64_END {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range was just checked, and truncation is meant")]
    let whole = real.trunc() as i64;
    Some(integer.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&(real.fract() + 0.0))))
}

fn exact_integer(real: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked, and a fraction excluded")]
    (real.fract() == 0.0 && (-I64_END..I64_END).contains(&real)).then_some(real as i64)
}

impl From<bool> for Scalar<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i32> for Scalar<'_> {
    fn from(value: i32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<u32> for Scalar<'_> {
    fn from(value: u32) -> Self {
        Self::Integer(value.into())
    }
}

impl From<i64> for Scalar<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Scalar<'_> {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl<'a> From<&'a str> for Scalar<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Scalar<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Timestamp> for Scalar<'_> {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_micros())
    }
}

impl<R> From<Id<R>> for Scalar<'_> {
    fn from(id: Id<R>) -> Self {
        id.to_string().into()
    }
}

/// The value of a record's field.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// No value: an optional field that is `None`, or a metadata key that the
    /// record lacks.
    Missing,
    /// A single value.
    Scalar(Scalar<'a>),
    /// The scalar items of a list. Other items are left out.
    List(Vec<Scalar<'a>>),
    /// A JSON object.
    Object,
}

impl<'a> FieldValue<'a> {
    /// Returns the value if it is a scalar.
    pub fn scalar(self) -> Option<Scalar<'a>> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            Self::Missing | Self::List(_) | Self::Object => None,
        }
    }
}

impl<'a, T: Into<Scalar<'a>>> From<T> for FieldValue<'a> {
    fn from(value: T) -> Self {
        Self::Scalar(value.into())
    }
}

impl<'a, T: Into<Scalar<'a>>> From<Option<T>> for FieldValue<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Missing, |value| Self::Scalar(value.into()))
    }
}

impl<'a> From<&'a Value> for FieldValue<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.iter().filter_map(|item| Self::from(item).scalar()).collect()),
            Value::Object(_) => Self::Object,
            Value::Null => Self::Scalar(Scalar::Null),
            Value::Bool(value) => Self::Scalar(Scalar::Bool(*value)),
            Value::String(text) => Self::Scalar(text.as_str().into()),
            Value::Number(number) => Self::Scalar(match (number.as_i64(), number.as_f64()) {
                (Some(integer), _) => Scalar::Integer(integer),
                (None, Some(real)) => Scalar::Real(real),
                (None, None) => Scalar::Null,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_reals_compare_exactly() {
        let beyond = Scalar::Integer(9_007_199_254_740_993);
        let rounded = Scalar::Real(9_007_199_254_740_992.0);
        assert_eq!(beyond.compare(&rounded), Some(Ordering::Greater));
        assert_eq!(rounded.compare(&beyond), Some(Ordering::Less));
        assert_eq!(Scalar::Integer(i64::MAX).compare(&Scalar::Real(I64_END)), Some(Ordering::Less));
        assert_eq!(Scalar::Integer(i64::MIN).compare(&Scalar::Real(-I64_END)), Some(Ordering::Equal));
        assert_eq!(Scalar::Integer(-1).compare(&Scalar::Real(-1.5)), Some(Ordering::Greater));
        assert_eq!(Scalar::Integer(1).compare(&Scalar::Real(1.5)), Some(Ordering::Less));
        assert_eq!(Scalar::Integer(0).compare(&Scalar::Real(-0.0)), Some(Ordering::Equal));
        assert_eq!(Scalar::Real(f64::MAX).compare(&Scalar::Integer(i64::MAX)), Some(Ordering::Greater));
    }

    #[test]
    fn types_do_not_mix() {
        let values = [Scalar::Null, true.into(), 1.into(), "1".into()];
        for (i, a) in values.iter().enumerate() {
            for (j, b) in values.iter().enumerate() {
                assert_eq!(a.equals(b), i == j, "{a:?} {b:?}");
            }
        }
        assert_eq!(Scalar::Null.compare(&Scalar::Null), None);
    }

    #[test]
    fn equal_numbers_have_one_canonical_form() {
        assert_eq!(Scalar::Real(1.0).canonical(), Scalar::Integer(1));
        assert_eq!(Scalar::Real(-0.0).canonical(), Scalar::Integer(0));
        assert_eq!(Scalar::Real(0.5).canonical(), Scalar::Real(0.5));
        assert_eq!(Scalar::Real(I64_END).canonical(), Scalar::Real(I64_END));
    }
}
