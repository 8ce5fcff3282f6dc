//! What a filter, an order or a count can name.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;

use super::{Filter, Predicate};
use crate::error::Result;
use crate::fields::{FieldDef, FieldName, FieldValue, Scalar};
use crate::{Episode, Error, Heuristic, Pattern, Record};

/// A field of a record, or a place in its metadata, to filter, order or count by.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(bound = "")]
#[must_use = "a field does nothing until a filter, an order or a count names it"]
pub struct Field<R> {
    path: Path,
    #[serde(skip)]
    record: PhantomData<fn() -> R>,
}

/// Where a field's value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Path {
    /// A field of the record itself.
    Own(FieldName),
    /// The value under these literal keys, each inside the one before.
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

    /// The field of that name, for names that come from outside the program.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`] if this kind of record has no such field.
    pub fn named(name: &str) -> Result<Self> {
        let unknown = || Error::invalid_input(name, format!("no {} has such a field", R::KIND));
        let name: FieldName = name.parse().map_err(|_| unknown())?;
        Self::def(name).map(|_| Self::at(Path::Own(name))).ok_or_else(unknown)
    }

    /// Where its value is.
    pub const fn path(&self) -> &Path {
        &self.path
    }

    /// Its value in a record.
    pub fn value<'a>(&self, record: &'a R) -> FieldValue<'a> {
        match &self.path {
            Path::Own(name) => record.field(*name),
            Path::Metadata(keys) => record.metadata().get_path(keys).map_or(FieldValue::Missing, FieldValue::from),
        }
    }

    /// The row of the field table, for a field of the record itself.
    pub(crate) fn def(name: FieldName) -> Option<&'static FieldDef> {
        R::FIELDS.iter().find(|def| def.name == name)
    }

    /// Is it this value?
    pub fn eq(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Eq(value.into()))
    }

    /// Is it anything but this value, or missing?
    pub fn ne(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        !self.eq(value)
    }

    /// Is it of the same type and less?
    pub fn lt(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Lt(value.into()))
    }

    /// Is it of the same type and not greater?
    pub fn le(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Le(value.into()))
    }

    /// Is it of the same type and greater?
    pub fn gt(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Gt(value.into()))
    }

    /// Is it of the same type and not less?
    pub fn ge(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Ge(value.into()))
    }

    /// Is it one of these values?
    pub fn is_in<T: Into<Scalar<'static>>>(self, values: impl IntoIterator<Item = T>) -> Filter<R> {
        self.predicate(Predicate::In(values.into_iter().map(Into::into).collect()))
    }

    /// Is it there? A metadata key that holds null is.
    pub fn exists(self) -> Filter<R> {
        self.predicate(Predicate::Exists)
    }

    /// Is it a list with this value in it? Never a substring.
    pub fn contains(self, value: impl Into<Scalar<'static>>) -> Filter<R> {
        self.predicate(Predicate::Contains(value.into()))
    }

    const fn predicate(self, predicate: Predicate) -> Filter<R> {
        Filter::Predicate(self, predicate)
    }
}

/// The identifier.
pub fn id<R: Record>() -> Field<R> {
    Field::at(Path::Own(FieldName::Id))
}

/// A metadata key: a literal key, never a path, whatever characters it holds.
pub fn metadata<R: Record>(key: impl Into<String>) -> Field<R> {
    Field::at(Path::Metadata(vec![key.into()]))
}

/// A place inside nested metadata objects, by one literal key a level.
pub fn metadata_path<R: Record, K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Field<R> {
    Field::at(Path::Metadata(keys.into_iter().map(Into::into).collect()))
}

/// Records with a [`TaskContext`](crate::TaskContext).
pub trait Contextual: Record {}
impl Contextual for Episode {}
impl Contextual for Pattern {}

/// Records that are learned from episodes.
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
    /// The context's domain.
    fn domain<R: Contextual> -> R = Domain;
    /// The context's language.
    fn language<R: Contextual> -> R = Language;
    /// The context's framework.
    fn framework<R: Contextual> -> R = Framework;
    /// The context's complexity.
    fn complexity<R: Contextual> -> R = Complexity;
    /// The context's tags.
    fn tags<R: Contextual> -> R = Tags;
    /// How often it led to success.
    fn success_rate<R: Learned> -> R = SuccessRate;
    /// When it was first learned.
    fn created_at<R: Learned> -> R = CreatedAt;
    /// When it last changed.
    fn updated_at<R: Learned> -> R = UpdatedAt;
    /// What sort of task it was.
    fn task_type -> Episode = TaskType;
    /// The task in words.
    fn task_description -> Episode = TaskDescription;
    /// When work began.
    fn start_time -> Episode = StartTime;
    /// When work ended.
    fn end_time -> Episode = EndTime;
    /// How it ended: a [`TaskOutcome::name`](crate::TaskOutcome::name).
    fn outcome -> Episode = Outcome;
    /// The total reward.
    fn reward -> Episode = Reward;
    /// The ids of its patterns.
    fn patterns -> Episode = Patterns;
    /// The ids of its heuristics.
    fn heuristics -> Episode = Heuristics;
    /// When it was archived.
    fn archived_at -> Episode = ArchivedAt;
    /// What was learned: a [`PatternKind::name`](crate::PatternKind::name).
    fn pattern_type -> Pattern = PatternType;
    /// In how many episodes it was seen.
    fn occurrences -> Pattern = Occurrences;
    /// When it applies.
    fn condition -> Heuristic = Condition;
    /// What to do then.
    fn action -> Heuristic = Action;
    /// How sure it is.
    fn confidence -> Heuristic = Confidence;
    /// Out of how many uses its evidence is.
    fn sample_size -> Heuristic = SampleSize;
    /// The ids of the episodes that support it.
    fn episodes -> Heuristic = Episodes;
}

/// A field that the caller knows `R` to have.
pub(super) const fn own<R: Record>(name: FieldName) -> Field<R> {
    Field::at(Path::Own(name))
}
