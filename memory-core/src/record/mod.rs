//! Kinds of record, and the trait that they share.

mod by_kind;
pub(crate) mod chat;
mod check;
mod content;
pub(crate) mod episode;
pub(crate) mod heuristic;
pub(crate) mod pattern;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::{Kind, RecordRef, Result};
use crate::fields::{FieldDef, FieldName, FieldType, FieldValue, Scalar};
use crate::{Episode, Heuristic, Id, Metadata, Pattern, TaskContext, TaskOutcome};

pub use by_kind::{ByKind, PerKind};

/// The identifier of an episode.
pub type EpisodeId = Id<Episode>;
/// The identifier of a pattern.
pub type PatternId = Id<Pattern>;
/// The identifier of a heuristic.
pub type HeuristicId = Id<Heuristic>;

/// A record: an [`Episode`], a [`Pattern`] or a [`Heuristic`].
///
/// Generic code over this trait serves all three kinds. The trait is sealed:
/// there are no other kinds.
pub trait Record:
    content::Content + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The kind.
    const KIND: Kind;

    /// The fields that queries can refer to, besides metadata.
    const FIELDS: &'static [FieldDef];

    /// The time field, which [`Query::since`](crate::Query::since) and the
    /// default order use.
    const TIME: FieldName;

    /// Returns the record's identifier.
    fn id(&self) -> Id<Self>;

    /// Returns the record's metadata.
    fn metadata(&self) -> &Metadata;

    /// Returns the value of a field of [`Self::FIELDS`]. Other fields, and
    /// optional fields that are `None`, are missing.
    fn field(&self, name: FieldName) -> FieldValue<'_>;

    /// Checks the record against the [`limits`](crate::limits) of every
    /// storage.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput), naming the record
    /// and the first field that is refused.
    fn validate(&self) -> Result<()> {
        self.check().finish().map_err(|error| error.about(self.id().into()))
    }

    /// Returns the size of the record's content in bytes, as
    /// [`MAX_RECORD`](crate::limits::MAX_RECORD) counts it: roughly the memory
    /// that the record takes besides the struct itself.
    fn content_size(&self) -> usize {
        self.check().content()
    }

    #[doc(hidden)]
    fn select<F: PerKind>(by_kind: &ByKind<F>) -> &F::Of<Self>;

    #[doc(hidden)]
    fn select_mut<F: PerKind>(by_kind: &mut ByKind<F>) -> &mut F::Of<Self>;
}

impl<R: Record> From<Id<R>> for RecordRef {
    fn from(id: Id<R>) -> Self {
        Self { kind: R::KIND, id: id.uuid() }
    }
}

const fn text(name: FieldName) -> FieldDef {
    FieldDef { name, of: FieldType::Text, optional: false }
}

const fn integer(name: FieldName) -> FieldDef {
    FieldDef { name, of: FieldType::Integer, optional: false }
}

const fn real(name: FieldName) -> FieldDef {
    FieldDef { name, of: FieldType::Real, optional: false }
}

const fn texts(name: FieldName) -> FieldDef {
    FieldDef { name, of: FieldType::TextList, optional: false }
}

const fn optional(field: FieldDef) -> FieldDef {
    FieldDef { optional: true, ..field }
}

impl Record for Episode {
    const KIND: Kind = Kind::Episode;

    const FIELDS: &'static [FieldDef] = &[
        text(FieldName::Id),
        text(FieldName::TaskType),
        text(FieldName::TaskDescription),
        text(FieldName::Domain),
        optional(text(FieldName::Language)),
        optional(text(FieldName::Framework)),
        text(FieldName::Complexity),
        texts(FieldName::Tags),
        integer(FieldName::StartTime),
        optional(integer(FieldName::EndTime)),
        optional(text(FieldName::Outcome)),
        optional(real(FieldName::Reward)),
        texts(FieldName::Patterns),
        texts(FieldName::Heuristics),
        optional(integer(FieldName::ArchivedAt)),
    ];

    const TIME: FieldName = FieldName::StartTime;

    fn id(&self) -> Id<Self> {
        self.id
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn field(&self, name: FieldName) -> FieldValue<'_> {
        match name {
            FieldName::Id => self.id.into(),
            FieldName::TaskType => self.task_type.name().into(),
            FieldName::TaskDescription => self.task_description.as_str().into(),
            FieldName::StartTime => self.start_time.into(),
            FieldName::EndTime => self.end_time.into(),
            FieldName::Outcome => self.outcome.as_ref().map(TaskOutcome::name).into(),
            FieldName::Reward => self.reward.map(|reward| reward.total).into(),
            FieldName::Patterns => ids(&self.patterns),
            FieldName::Heuristics => ids(&self.heuristics),
            FieldName::ArchivedAt => self.archived_at.into(),
            name => context_field(&self.context, name),
        }
    }

    fn select<F: PerKind>(by_kind: &ByKind<F>) -> &F::Of<Self> {
        &by_kind.episodes
    }

    fn select_mut<F: PerKind>(by_kind: &mut ByKind<F>) -> &mut F::Of<Self> {
        &mut by_kind.episodes
    }
}

impl Record for Pattern {
    const KIND: Kind = Kind::Pattern;

    const FIELDS: &'static [FieldDef] = &[
        text(FieldName::Id),
        text(FieldName::PatternType),
        text(FieldName::Domain),
        optional(text(FieldName::Language)),
        optional(text(FieldName::Framework)),
        text(FieldName::Complexity),
        texts(FieldName::Tags),
        real(FieldName::SuccessRate),
        integer(FieldName::Occurrences),
        integer(FieldName::CreatedAt),
        integer(FieldName::UpdatedAt),
    ];

    const TIME: FieldName = FieldName::CreatedAt;

    fn id(&self) -> Id<Self> {
        self.id
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn field(&self, name: FieldName) -> FieldValue<'_> {
        match name {
            FieldName::Id => self.id.into(),
            FieldName::PatternType => self.kind.name().into(),
            FieldName::SuccessRate => self.success_rate.into(),
            FieldName::Occurrences => i64::from(self.occurrences).into(),
            FieldName::CreatedAt => self.created_at.into(),
            FieldName::UpdatedAt => self.updated_at.into(),
            name => context_field(&self.context, name),
        }
    }

    fn select<F: PerKind>(by_kind: &ByKind<F>) -> &F::Of<Self> {
        &by_kind.patterns
    }

    fn select_mut<F: PerKind>(by_kind: &mut ByKind<F>) -> &mut F::Of<Self> {
        &mut by_kind.patterns
    }
}

impl Record for Heuristic {
    const KIND: Kind = Kind::Heuristic;

    const FIELDS: &'static [FieldDef] = &[
        text(FieldName::Id),
        text(FieldName::Condition),
        text(FieldName::Action),
        real(FieldName::Confidence),
        real(FieldName::SuccessRate),
        integer(FieldName::SampleSize),
        texts(FieldName::Episodes),
        integer(FieldName::CreatedAt),
        integer(FieldName::UpdatedAt),
    ];

    const TIME: FieldName = FieldName::CreatedAt;

    fn id(&self) -> Id<Self> {
        self.id
    }

    fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    fn field(&self, name: FieldName) -> FieldValue<'_> {
        match name {
            FieldName::Id => self.id.into(),
            FieldName::Condition => self.condition.as_str().into(),
            FieldName::Action => self.action.as_str().into(),
            FieldName::Confidence => self.confidence.into(),
            FieldName::SuccessRate => self.evidence.success_rate.into(),
            FieldName::SampleSize => i64::from(self.evidence.sample_size).into(),
            FieldName::Episodes => ids(&self.evidence.episodes),
            FieldName::CreatedAt => self.created_at.into(),
            FieldName::UpdatedAt => self.updated_at.into(),
            _ => FieldValue::Missing,
        }
    }

    fn select<F: PerKind>(by_kind: &ByKind<F>) -> &F::Of<Self> {
        &by_kind.heuristics
    }

    fn select_mut<F: PerKind>(by_kind: &mut ByKind<F>) -> &mut F::Of<Self> {
        &mut by_kind.heuristics
    }
}

fn context_field(context: &TaskContext, name: FieldName) -> FieldValue<'_> {
    match name {
        FieldName::Domain => context.domain.as_str().into(),
        FieldName::Language => context.language.as_deref().into(),
        FieldName::Framework => context.framework.as_deref().into(),
        FieldName::Complexity => context.complexity.name().into(),
        FieldName::Tags => FieldValue::List(context.tags.iter().map(|tag| Scalar::from(tag.as_str())).collect()),
        _ => FieldValue::Missing,
    }
}

fn ids<T>(ids: &[Id<T>]) -> FieldValue<'_> {
    let text = |id: &Id<T>| Scalar::from(Uuid::from(*id).as_hyphenated().to_string());
    FieldValue::List(ids.iter().map(text).collect())
}
