//! Filters: trees of predicates.

use std::cmp::Ordering;
use std::ops::{BitAnd, BitOr, Not};

use serde::Serialize;

use super::{Field, Path};
use crate::error::Result;
use crate::fields::{FieldType, FieldValue, Scalar};
use crate::limits::{MAX_DEPTH, MAX_FILTER_CONTENT, MAX_FILTER_KEY, MAX_FILTER_NODES};
use crate::{Error, Record};

/// A condition on records, built from [`Field`]s and joined by `&`, `|` and `!`.
///
/// A filter has the same meaning on every backend. [`matches`](Filter::matches)
/// is the reference:
///
/// - Logic is two-valued. Every predicate is true or false, and `!` negates it.
///   If the value is missing or has another type, every predicate except
///   `exists` is false, and its negation is true.
/// - Values compare as [`Scalar`] describes.
/// - A filter of more than [`MAX_FILTER_NODES`] predicates and connectives is
///   refused wherever it is used. Dropping a filter that nests tens of
///   thousands of levels deep exhausts the stack, as for any nested value.
/// - A backend that keeps reals as decimal text (SQLite) may read a real one
///   bit beside its value if its magnitude is outside 1e-20 to 1e20. Two
///   neighbours (reals that differ in the last bit) may then compare as equal
///   and, far below 1e-20, in reverse. This concerns predicates, orders and
///   counts, on fields of the record and on metadata. A record always comes
///   back with the exact value.
///
/// ```
/// use memory_core::field::{domain, metadata};
/// use memory_core::{Episode, Filter, TaskContext, TaskType};
///
/// let filter: Filter<Episode> = domain().eq("web") & !metadata("priority").lt(3);
/// let mut episode = Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging);
/// assert!(filter.matches(&episode)); // no priority at all is not less than 3
/// episode.metadata.insert("priority", 2);
/// assert!(!filter.matches(&episode));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(bound = "")]
#[non_exhaustive]
#[must_use = "a filter does nothing until a storage evaluates it"]
pub enum Filter<R> {
    /// True if every part is true; true without parts.
    And(Vec<Filter<R>>),
    /// True if any part is true; false without parts.
    Or(Vec<Filter<R>>),
    /// True if the part is false.
    Not(Box<Filter<R>>),
    /// True if the predicate holds for the value of the field.
    Predicate(Field<R>, Predicate),
}

/// A comparison of one field with operands; the constructors are methods of [`Field`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Predicate {
    /// [`Field::eq`]
    Eq(Scalar<'static>),
    /// [`Field::lt`]
    Lt(Scalar<'static>),
    /// [`Field::le`]
    Le(Scalar<'static>),
    /// [`Field::gt`]
    Gt(Scalar<'static>),
    /// [`Field::ge`]
    Ge(Scalar<'static>),
    /// [`Field::is_in`]
    In(Vec<Scalar<'static>>),
    /// [`Field::exists`]
    Exists,
    /// [`Field::contains`]
    Contains(Scalar<'static>),
}

impl Predicate {
    /// Returns the values that the field is compared with.
    pub fn operands(&self) -> &[Scalar<'static>] {
        match self {
            Self::Eq(value) | Self::Lt(value) | Self::Le(value) | Self::Gt(value) | Self::Ge(value) => {
                std::slice::from_ref(value)
            }
            Self::Contains(value) => std::slice::from_ref(value),
            Self::In(values) => values,
            Self::Exists => &[],
        }
    }

    fn holds(&self, value: &FieldValue<'_>) -> bool {
        let compares = |operand: &Scalar<'_>, wanted: fn(Ordering) -> bool| match value {
            FieldValue::Scalar(scalar) => scalar.compare(operand).is_some_and(wanted),
            _ => false,
        };
        match (self, value) {
            (Self::Exists, value) => *value != FieldValue::Missing,
            (Self::Eq(operand), FieldValue::Scalar(scalar)) => scalar.equals(operand),
            (Self::In(operands), FieldValue::Scalar(scalar)) => operands.iter().any(|operand| scalar.equals(operand)),
            (Self::Contains(operand), FieldValue::List(items)) => items.iter().any(|item| item.equals(operand)),
            (Self::Lt(operand), _) => compares(operand, Ordering::is_lt),
            (Self::Le(operand), _) => compares(operand, Ordering::is_le),
            (Self::Gt(operand), _) => compares(operand, Ordering::is_gt),
            (Self::Ge(operand), _) => compares(operand, Ordering::is_ge),
            _ => false,
        }
    }
}

impl<R: Record> Filter<R> {
    /// Returns the filter that every record matches.
    pub const fn all() -> Self {
        Self::And(Vec::new())
    }

    /// Returns the filter that no record matches.
    pub const fn none() -> Self {
        Self::Or(Vec::new())
    }

    /// Returns true if the record matches the filter. Every backend must agree
    /// with this method.
    pub fn matches(&self, record: &R) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(record)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(record)),
            Self::Not(part) => !part.matches(record),
            Self::Predicate(field, predicate) => predicate.holds(&field.value(record)),
        }
    }

    /// Validates the filter.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for more than [`MAX_FILTER_NODES`] predicates
    /// and connectives, for operands of more than [`MAX_FILTER_CONTENT`] bytes,
    /// for a real that is not finite, for an empty metadata path, and for a
    /// field that this kind of record does not have.
    pub fn validate(&self) -> Result<()> {
        let mut open = vec![self];
        let (mut nodes, mut content) = (0, 0);
        while let Some(filter) = open.pop() {
            nodes += 1;
            if nodes > MAX_FILTER_NODES {
                let reason = format!(
                    "more than {MAX_FILTER_NODES} predicates and connectives; use `is_in` for a list of values"
                );
                return Err(Error::invalid_input("filter", reason));
            }
            match filter {
                Self::And(parts) | Self::Or(parts) => open.extend(parts),
                Self::Not(part) => open.push(part),
                Self::Predicate(field, predicate) => {
                    field.validate()?;
                    for operand in predicate.operands() {
                        content += operand.content();
                        if let Scalar::Real(real) = operand
                            && !real.is_finite()
                        {
                            let reason = format!("{real} is not a finite number");
                            return Err(Error::invalid_input(field.path().to_string(), reason));
                        }
                    }
                }
            }
        }
        if content > MAX_FILTER_CONTENT {
            let reason = format!("{content} bytes of operands; the maximum is {MAX_FILTER_CONTENT}");
            return Err(Error::invalid_input("filter", reason));
        }
        Ok(())
    }
}

impl<R: Record> Field<R> {
    pub(super) fn validate(&self) -> Result<()> {
        match self.path() {
            Path::Own(name) if Self::def(*name).is_none() => {
                Err(Error::invalid_input(name.name(), format!("{} records have no such field", R::KIND)))
            }
            Path::Metadata(keys) if keys.is_empty() => {
                Err(Error::invalid_input("metadata_path", "the path is empty; give at least one key"))
            }
            Path::Metadata(keys) if keys.len() > MAX_DEPTH + 1 => {
                let reason = format!("{} keys; records nest at most {MAX_DEPTH} levels deep", keys.len());
                Err(Error::invalid_input("metadata_path", reason))
            }
            Path::Metadata(keys) if keys.iter().any(|key| key.len() > MAX_FILTER_KEY) => {
                let reason = format!("a key is longer than {MAX_FILTER_KEY} bytes");
                Err(Error::invalid_input("metadata_path", reason))
            }
            Path::Own(_) | Path::Metadata(_) => Ok(()),
        }
    }

    /// Validates a field of an order or a count, which must have a single
    /// value.
    pub(super) fn validate_single(&self) -> Result<()> {
        self.validate()?;
        match self.path() {
            Path::Own(name) if Self::def(*name).is_some_and(|def| def.of == FieldType::TextList) => {
                Err(Error::invalid_input(
                    name.name(),
                    "the field is a list; order and count by a field with a single value",
                ))
            }
            Path::Own(_) | Path::Metadata(_) => Ok(()),
        }
    }
}

impl<R> BitAnd for Filter<R> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            // `all()` is the neutral element of `&`.
            (Self::And(parts), other) | (other, Self::And(parts)) if parts.is_empty() => other,
            (Self::And(mut parts), Self::And(others)) => {
                parts.extend(others);
                Self::And(parts)
            }
            (Self::And(mut parts), other) => {
                parts.push(other);
                Self::And(parts)
            }
            (first, Self::And(mut parts)) => {
                parts.insert(0, first);
                Self::And(parts)
            }
            (first, second) => Self::And(vec![first, second]),
        }
    }
}

impl<R> BitOr for Filter<R> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        match (self, other) {
            // `none()` is the neutral element of `|`.
            (Self::Or(parts), other) | (other, Self::Or(parts)) if parts.is_empty() => other,
            (Self::Or(mut parts), Self::Or(others)) => {
                parts.extend(others);
                Self::Or(parts)
            }
            (Self::Or(mut parts), other) => {
                parts.push(other);
                Self::Or(parts)
            }
            (first, Self::Or(mut parts)) => {
                parts.insert(0, first);
                Self::Or(parts)
            }
            (first, second) => Self::Or(vec![first, second]),
        }
    }
}

impl<R> Not for Filter<R> {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Not(part) => *part,
            part => Self::Not(Box::new(part)),
        }
    }
}
