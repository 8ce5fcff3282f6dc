//! Names and types of record fields.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

macro_rules! field_names {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Names of the record fields that queries can refer to.
        /// [`Record::FIELDS`](crate::Record::FIELDS) lists the fields of each kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FieldName {
            $($(#[$doc])* $variant,)*
        }

        impl FieldName {
            /// Returns the name in snake case.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl FromStr for FieldName {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    other => Err(Error::invalid_input(other, "no kind of record has such a field")),
                }
            }
        }
    };
}

field_names! {
    /// The identifier, as lowercase hyphenated text.
    Id = "id",
    /// An episode's task type, in snake case.
    TaskType = "task_type",
    /// An episode's task description.
    TaskDescription = "task_description",
    /// The context's domain.
    Domain = "domain",
    /// The context's language.
    Language = "language",
    /// The context's framework.
    Framework = "framework",
    /// The context's complexity, in lowercase.
    Complexity = "complexity",
    /// The context's tags, a list.
    Tags = "tags",
    /// Start of an episode, in microseconds since the epoch.
    StartTime = "start_time",
    /// End of an episode, in microseconds since the epoch.
    EndTime = "end_time",
    /// Outcome of an episode: the variant in snake case.
    Outcome = "outcome",
    /// An episode's total reward.
    Reward = "reward",
    /// The ids of an episode's patterns, a list.
    Patterns = "patterns",
    /// The ids of an episode's heuristics, a list.
    Heuristics = "heuristics",
    /// Time at which an episode was archived, in microseconds since the epoch.
    ArchivedAt = "archived_at",
    /// A pattern's kind: the variant in snake case.
    PatternType = "pattern_type",
    /// Share of a pattern's uses, or of the uses in a heuristic's evidence,
    /// that succeeded, 0 to 1.
    SuccessRate = "success_rate",
    /// Number of episodes that show a pattern.
    Occurrences = "occurrences",
    /// Condition of a heuristic.
    Condition = "condition",
    /// Action of a heuristic.
    Action = "action",
    /// Confidence of a heuristic, 0 to 1.
    Confidence = "confidence",
    /// Number of uses behind a heuristic's evidence.
    SampleSize = "sample_size",
    /// Ids of the episodes that support a heuristic, a list.
    Episodes = "episodes",
    /// Time at which a pattern or heuristic was learned, in microseconds since
    /// the epoch.
    CreatedAt = "created_at",
    /// Time at which a pattern or heuristic last changed, in microseconds since
    /// the epoch.
    UpdatedAt = "updated_at",
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for FieldName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// An integer, or a time in microseconds since the epoch.
    Integer,
    /// A real.
    Real,
    /// A list of texts. Only `contains` and `exists` can be true for it.
    TextList,
}

/// The definition of a field: one row of
/// [`Record::FIELDS`](crate::Record::FIELDS).
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// The name.
    pub name: FieldName,
    /// The type of the value.
    pub of: FieldType,
    /// True if a record may have no value.
    pub optional: bool,
}
