//! The kinds of record and what they have in common.

pub(crate) mod chat;
pub(crate) mod episode;
pub(crate) mod heuristic;
pub(crate) mod pattern;

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::{Kind, RecordRef, Result};
use crate::limits::Check;
use crate::query::{FieldDef, FieldName, FieldType, FieldValue, Scalar};
use crate::write::{Changes, WriteBatch};
use crate::{Episode, ExecutionResult, Heuristic, Id, Metadata, Pattern, PatternKind, TaskContext, TaskOutcome};

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Episode {}
    impl Sealed for crate::Pattern {}
    impl Sealed for crate::Heuristic {}
}

/// What [`Episode`], [`Pattern`] and [`Heuristic`] have in common; a storage is
/// written once for all three. Sealed: there are no other kinds.
pub trait Record:
    sealed::Sealed + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Which kind this is.
    const KIND: Kind;

    /// The fields that queries can name, beside metadata.
    const FIELDS: &'static [FieldDef];

    /// The field that [`Query::since`](crate::Query::since) and the default
    /// order go by.
    const TIME: FieldName;

    /// The record's identifier.
    fn id(&self) -> Id<Self>;

    /// The record's metadata.
    fn metadata(&self) -> &Metadata;

    /// The value of one of [`Self::FIELDS`]; missing for any other, and for an
    /// optional field that is `None`.
    fn field(&self, name: FieldName) -> FieldValue<'_>;

    /// Whether every storage accepts this record (see [`limits`](crate::limits)).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput), naming the record
    /// and the first field that is refused.
    fn validate(&self) -> Result<()>;

    #[doc(hidden)]
    fn changes(batch: &WriteBatch) -> &Changes<Self>;

    #[doc(hidden)]
    fn changes_mut(batch: &mut WriteBatch) -> &mut Changes<Self>;
}

/// What names this record in an error.
pub(crate) fn record_ref<R: Record>(id: Id<R>) -> RecordRef {
    RecordRef { kind: R::KIND, id: id.uuid() }
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

    fn validate(&self) -> Result<()> {
        let mut check = Check::new();
        check.text(&self.task_description);
        check_context(&mut check, &self.context);
        // Id, times, task type and the lists' ids.
        check.scalars(5 + 2 * (self.patterns.len() + self.heuristics.len()));
        for (index, step) in self.steps.iter().enumerate() {
            check.text(&step.tool);
            check.text(&step.action);
            check.scalars(4);
            check.json(|| format!("steps[{index}].parameters"), &step.parameters);
            check.metadata(|| format!("steps[{index}].metadata"), &step.metadata);
            match &step.result {
                Some(ExecutionResult::Success { output: text } | ExecutionResult::Error { message: text }) => {
                    check.text(text);
                }
                Some(ExecutionResult::Timeout) | None => {}
            }
        }
        match &self.outcome {
            Some(TaskOutcome::Success { verdict, artifacts }) => {
                check.text(verdict);
                check.texts(artifacts);
            }
            Some(TaskOutcome::PartialSuccess { verdict, completed, failed }) => {
                check.text(verdict);
                check.texts(completed);
                check.texts(failed);
            }
            Some(TaskOutcome::Failure { reason, error_details }) => {
                check.text(reason);
                check.texts(error_details.as_slice());
            }
            Some(TaskOutcome::Abstained { reason }) => check.text(reason),
            None => {}
        }
        if let Some(reward) = &self.reward {
            check.real("reward.total", reward.total);
            check.real("reward.base", reward.base);
            check.real("reward.efficiency", reward.efficiency);
            check.real("reward.complexity_bonus", reward.complexity_bonus);
            check.real("reward.quality_multiplier", reward.quality_multiplier);
            check.real("reward.learning_bonus", reward.learning_bonus);
        }
        if let Some(reflection) = &self.reflection {
            check.texts(&reflection.successes);
            check.texts(&reflection.improvements);
            check.texts(&reflection.insights);
        }
        check.metadata(|| "metadata".to_owned(), &self.metadata);
        check.finish().map_err(|error| error.about(record_ref(self.id)))
    }

    fn changes(batch: &WriteBatch) -> &Changes<Self> {
        &batch.episodes
    }

    fn changes_mut(batch: &mut WriteBatch) -> &mut Changes<Self> {
        &mut batch.episodes
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

    fn validate(&self) -> Result<()> {
        let mut check = Check::new();
        check_context(&mut check, &self.context);
        // Id, times, counts and the figures of `effectiveness`.
        check.scalars(9);
        check.real("success_rate", self.success_rate);
        check.real("effectiveness.average_reward_change", self.effectiveness.average_reward_change);
        match &self.kind {
            PatternKind::ToolSequence { tools, .. } => check.texts(tools),
            PatternKind::DecisionPoint { condition, action, .. } => {
                check.text(condition);
                check.text(action);
            }
            PatternKind::ErrorRecovery { error_type, recovery_steps } => {
                check.text(error_type);
                check.texts(recovery_steps);
            }
            PatternKind::ContextPattern { features, recommended_approach, evidence } => {
                check.texts(features);
                check.text(recommended_approach);
                check.scalars(2 * evidence.len());
            }
        }
        check.metadata(|| "metadata".to_owned(), &self.metadata);
        check.finish().map_err(|error| error.about(record_ref(self.id)))
    }

    fn changes(batch: &WriteBatch) -> &Changes<Self> {
        &batch.patterns
    }

    fn changes_mut(batch: &mut WriteBatch) -> &mut Changes<Self> {
        &mut batch.patterns
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

    fn validate(&self) -> Result<()> {
        let mut check = Check::new();
        check.text(&self.condition);
        check.text(&self.action);
        // Id, times, sample size and the ids of the evidence.
        check.scalars(5 + 2 * self.evidence.episodes.len());
        check.real("confidence", self.confidence);
        check.real("evidence.success_rate", self.evidence.success_rate);
        check.metadata(|| "metadata".to_owned(), &self.metadata);
        check.finish().map_err(|error| error.about(record_ref(self.id)))
    }

    fn changes(batch: &WriteBatch) -> &Changes<Self> {
        &batch.heuristics
    }

    fn changes_mut(batch: &mut WriteBatch) -> &mut Changes<Self> {
        &mut batch.heuristics
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

fn check_context(check: &mut Check, context: &TaskContext) {
    check.text(&context.domain);
    check.scalars(1);
    check.texts(context.language.as_slice());
    check.texts(context.framework.as_slice());
    check.texts(&context.tags);
}

fn ids<T>(ids: &[Id<T>]) -> FieldValue<'_> {
    let text = |id: &Id<T>| Scalar::from(Uuid::from(*id).as_hyphenated().to_string());
    FieldValue::List(ids.iter().map(text).collect())
}
