//! Names and types of the fields of records.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

macro_rules! field_names {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The record fields that queries can name; which kind has which is in
        /// [`Record::FIELDS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum FieldName {
            $($(#[$doc])* $variant,)*
        }

        impl FieldName {
            /// The name in snake case.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl FromStr for FieldName {
            type Err = Error;

            fn from_str(name: &str) -> Result<Self> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    other => Err(Error::invalid_input(other, "no record has such a field")),
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
    /// An episode's task in words.
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
    /// When an episode began, in microseconds since the epoch.
    StartTime = "start_time",
    /// When an episode ended, in microseconds since the epoch.
    EndTime = "end_time",
    /// How an episode ended: the variant in snake case.
    Outcome = "outcome",
    /// An episode's total reward.
    Reward = "reward",
    /// The ids of an episode's patterns, a list.
    Patterns = "patterns",
    /// The ids of an episode's heuristics, a list.
    Heuristics = "heuristics",
    /// When an episode was archived, in microseconds since the epoch.
    ArchivedAt = "archived_at",
    /// A pattern's kind: the variant in snake case.
    PatternType = "pattern_type",
    /// How often a pattern, or a heuristic by its evidence, led to success.
    SuccessRate = "success_rate",
    /// In how many episodes a pattern was seen.
    Occurrences = "occurrences",
    /// When a heuristic applies.
    Condition = "condition",
    /// What a heuristic says to do.
    Action = "action",
    /// How sure a heuristic is.
    Confidence = "confidence",
    /// Out of how many uses a heuristic's evidence is.
    SampleSize = "sample_size",
    /// The ids of the episodes that support a heuristic, a list.
    Episodes = "episodes",
    /// When a pattern or heuristic was first learned, in microseconds since the epoch.
    CreatedAt = "created_at",
    /// When a pattern or heuristic last changed, in microseconds since the epoch.
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

/// What sort of value a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    Text,
    /// An integer, or a time in microseconds since the epoch.
    Integer,
    /// A real.
    Real,
    /// A list of texts: only `contains` and `exists` say anything about it.
    TextList,
}

/// One row of the table [`Record::FIELDS`].
#[derive(Clone, Copy, Debug)]
pub struct FieldDef {
    /// Its name.
    pub name: FieldName,
    /// What it holds.
    pub of: FieldType,
    /// Whether a record may lack it.
    pub optional: bool,
}
