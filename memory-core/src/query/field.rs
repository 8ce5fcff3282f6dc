//! Fields that filters, orders and counts refer to.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::{Filter, Predicate};
use crate::error::Result;
use crate::fields::{FieldDef, FieldName, FieldValue, Scalar};
use crate::{Episode, Error, Heuristic, Pattern, Record};

/// A field of a record or a path into its metadata, to filter, order or count
/// by.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(bound = "")]
#[must_use = "a field does nothing until a filter, an order or a count names it"]
pub struct Field<R> {
    path: Path,
    #[serde(skip)]
    record: PhantomData<fn() -> R>,
}

/// The location of a field's value in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Path {
    /// A field of the record itself.
    Own(FieldName),
    /// The value under these literal keys, each within the object at the key
    /// before it.
    Metadata(Vec<String>),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(name) => name.fmt(f),
            Self::Metadata(keys) => {
                f.write_str("metadata")?;
                keys.iter().try_for_each(|key| write!(f, "[{key:?}]"))
            }
        }
    }
}

impl<R: Record> Field<R> {
    const fn at(path: Path) -> Self {
        Self { path, record: PhantomData }
    }

    /// Returns the field of the given name, for names that come from outside
    /// the program.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if this kind of record has no field of that
    /// name.
    pub fn named(name: &str) -> Result<Self> {
        let unknown = || Error::invalid_input(name, format!("{} records have no such field", R::KIND));
        let name: FieldName = name.parse().map_err(|_| unknown())?;
        Self::def(name).map(|_| Self::at(Path::Own(name))).ok_or_else(unknown)
    }

    /// Returns the location of the field's value.
    pub const fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the field's value in `record`.
    pub fn value<'a>(&self, record: &'a R) -> FieldValue<'a> {
        match &self.path {
            Path::Own(name) => record.field(*name),
            Path::Metadata(keys) => record.metadata().get_path(keys).map_or(FieldValue::Missing, FieldValue::from),
        }
    }

    /// Returns the definition of a field of the record itself.
    pub(crate) fn def(name: FieldName) -> Option<&'static FieldDef> {
        R::FIELDS.iter().find(|def| def.name == name)
    }

    /// Returns a filter for records whose value equals `value`.
    pub fn eq(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Eq(value.into()))
    }

    /// Returns a filter for records whose value differs from `value` or is
    /// missing.
    pub fn ne(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        !self.eq(value)
    }

    /// Returns a filter for records whose value has the type of `value` and is
    /// less.
    pub fn lt(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Lt(value.into()))
    }

    /// Returns a filter for records whose value has the type of `value` and is
    /// less or equal.
    pub fn le(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Le(value.into()))
    }

    /// Returns a filter for records whose value has the type of `value` and is
    /// greater.
    pub fn gt(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Gt(value.into()))
    }

    /// Returns a filter for records whose value has the type of `value` and is
    /// greater or equal.
    pub fn ge(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Ge(value.into()))
    }

    /// Returns a filter for records whose value equals any of `values`.
    pub fn is_in<T: Into<Scalar<'static>>>(self, values: impl IntoIterator<Item = T>) -> Filter<R> {
        self.predicate(Predicate::In(values.into_iter().map(Into::into).collect()))
    }

    /// Returns a filter for records that have a value. A metadata key that
    /// holds null has one.
    pub fn exists(self) -> Filter<R> {
        self.predicate(Predicate::Exists)
    }

    /// Returns a filter for records whose value is a list with `value` as an
    /// item. It never searches for a substring.
    pub fn contains(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Contains(value.into()))
    }

    const fn predicate(self, predicate: Predicate) -> Filter<R> {
        Filter::Predicate(self, predicate)
    }
}

/// Returns the field of the record's identifier.
pub fn id<R: Record>() -> Field<R> {
    Field::at(Path::Own(FieldName::Id))
}

/// Returns the field of a metadata key. The key is literal: no character in it
/// has a meaning.
pub fn metadata<R: Record>(key: impl Into<String>) -> Field<R> {
    Field::at(Path::Metadata(vec![key.into()]))
}

/// Returns the field of a value in nested metadata objects, given one literal
/// key for each level.
pub fn metadata_path<R: Record, K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Field<R> {
    Field::at(Path::Metadata(keys.into_iter().map(Into::into).collect()))
}

/// Records with a [`TaskContext`](crate::TaskContext).
pub trait Contextual: Record {}
impl Contextual for Episode {}
impl Contextual for Pattern {}

/// Records that an agent learns from episodes.
pub trait Learned: Record {}
impl Learned for Pattern {}
impl Learned for Heuristic {}

macro_rules! fields {
    ($($(#[$doc:meta])* fn $function:ident $(<$generic:ident: $bound:ident>)? -> $record:ty = $variant:ident;)*) => {
        $($(#[$doc])* pub fn $function $(<$generic: $bound>)? () -> Field<$record> {
            Field::at(Path::Own(FieldName::$variant))
        })*
    };
}

fields! {
    /// Returns the field of the context's domain.
    fn domain<R: Contextual> -> R = Domain;
    /// Returns the field of the context's language.
    fn language<R: Contextual> -> R = Language;
    /// Returns the field of the context's framework.
    fn framework<R: Contextual> -> R = Framework;
    /// Returns the field of the context's complexity.
    fn complexity<R: Contextual> -> R = Complexity;
    /// Returns the field of the context's tags, a list.
    fn tags<R: Contextual> -> R = Tags;
    /// Returns the field of the share of uses that succeeded, 0 to 1.
    fn success_rate<R: Learned> -> R = SuccessRate;
    /// Returns the field of the time at which the record was learned.
    fn created_at<R: Learned> -> R = CreatedAt;
    /// Returns the field of the time at which the record last changed.
    fn updated_at<R: Learned> -> R = UpdatedAt;
    /// Returns the field of the task type.
    fn task_type -> Episode = TaskType;
    /// Returns the field of the task's description.
    fn task_description -> Episode = TaskDescription;
    /// Returns the field of the time at which the episode began.
    fn start_time -> Episode = StartTime;
    /// Returns the field of the time at which the episode ended.
    fn end_time -> Episode = EndTime;
    /// Returns the field of the outcome, a
    /// [`TaskOutcome::name`](crate::TaskOutcome::name).
    fn outcome -> Episode = Outcome;
    /// Returns the field of the total reward.
    fn reward -> Episode = Reward;
    /// Returns the field of the ids of the episode's patterns, a list.
    fn patterns -> Episode = Patterns;
    /// Returns the field of the ids of the episode's heuristics, a list.
    fn heuristics -> Episode = Heuristics;
    /// Returns the field of the time at which the episode was archived.
    fn archived_at -> Episode = ArchivedAt;
    /// Returns the field of the pattern's kind, a
    /// [`PatternKind::name`](crate::PatternKind::name).
    fn pattern_type -> Pattern = PatternType;
    /// Returns the field of the number of episodes that show the pattern.
    fn occurrences -> Pattern = Occurrences;
    /// Returns the field of the heuristic's condition.
    fn condition -> Heuristic = Condition;
    /// Returns the field of the heuristic's action.
    fn action -> Heuristic = Action;
    /// Returns the field of the heuristic's confidence, 0 to 1.
    fn confidence -> Heuristic = Confidence;
    /// Returns the field of the number of uses behind the heuristic's evidence.
    fn sample_size -> Heuristic = SampleSize;
    /// Returns the field of the ids of the episodes that support the heuristic,
    /// a list.
    fn episodes -> Heuristic = Episodes;
}

/// Returns a field that `R` is known to have.
pub(super) const fn own<R: Record>(name: FieldName) -> Field<R> {
    Field::at(Path::Own(name))
}
