//! Pools of values for records and filters.

use proptest::sample::{Select, select};

use crate::{hostile, marked};
use memory_core::backend::{FieldName, Scalar};
use memory_core::{Complexity, Episode, TaskType, Timestamp};

/// Number of a pool's values that are drawn often: the first ones.
const COMMON: usize = 5;

/// Number of ids.
pub(crate) const IDS: u64 = 40;

/// Integers, with neighbours at 2^53 and at the ends of `i64`, where reals are
/// too coarse.
pub(crate) const INTEGERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    3,
    9_007_199_254_740_991,
    9_007_199_254_740_992,
    9_007_199_254_740_993,
    -9_007_199_254_740_993,
    i64::MAX - 1,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
];

/// Reals, with neighbours only between 1e-20 and 1e20. Outside this range,
/// [`Filter`](memory_core::Filter) promises less.
pub(crate) const REALS: &[f64] = &[
    0.0,
    -0.0,
    1.0,
    0.5,
    -1.5,
    0.3,
    0.300_000_000_000_000_04,
    1e-7,
    1e-300,
    f64::MIN_POSITIVE,
    9_007_199_254_740_992.0,
    9_007_199_254_740_994.0,
    9_223_372_036_854_775_808.0,
    -9_223_372_036_854_775_808.0,
    18_446_744_073_709_551_616.0,
    1e300,
    f64::MAX,
    f64::MIN,
];

/// Shares, from 0 to 1, with neighbours at 0.3 and at 1.
pub(crate) const RATES: &[f64] =
    &[0.0, -0.0, 1.0, 0.5, 0.3, 0.300_000_000_000_000_04, 1.0 - f64::EPSILON / 2.0, 1e-7, 1e-300, f64::MIN_POSITIVE];

pub(crate) const COUNTS: &[u32] = &[0, 1, 2, 3, 100, u32::MAX - 1, u32::MAX];

/// Times in microseconds: the first and the last, around the epoch, and a
/// second around now.
pub(crate) const TIMES: &[i64] = &[
    Timestamp::MIN.as_micros(),
    Timestamp::MAX.as_micros(),
    -1,
    0,
    1,
    1_700_000_000_000_000,
    1_700_000_000_000_001,
    1_700_000_001_000_000,
    1_700_000_000_999_999,
];

pub(crate) const TASK_TYPES: &[TaskType] = &[
    TaskType::CodeGeneration,
    TaskType::Debugging,
    TaskType::Refactoring,
    TaskType::Testing,
    TaskType::Analysis,
    TaskType::Documentation,
    TaskType::Other,
];

pub(crate) const COMPLEXITIES: &[Complexity] = &[Complexity::Simple, Complexity::Moderate, Complexity::Complex];

/// Generates one of the values.
pub(super) fn all<T: Copy + std::fmt::Debug + 'static>(values: &'static [T]) -> Select<T> {
    select(values)
}

/// Generates one of the first values.
pub(super) fn common<T: Copy + std::fmt::Debug + 'static>(values: &'static [T]) -> Select<T> {
    select(&values[..COMMON])
}

/// Converts a time of a pool. All pools hold valid times.
pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros).expect("the years 0001 to 9999")
}

/// Returns values of a field's own type, as generated records hold them.
pub(crate) fn operands(name: FieldName) -> Vec<Scalar<'static>> {
    fn each<T: Copy + Into<Scalar<'static>>>(values: &[T]) -> Vec<Scalar<'static>> {
        values.iter().map(|value| (*value).into()).collect()
    }
    match name {
        FieldName::Id | FieldName::Patterns | FieldName::Heuristics | FieldName::Episodes => {
            (0..IDS).map(|rest| marked::<Episode>(rest).into()).collect()
        }
        FieldName::TaskType => each(TASK_TYPES),
        FieldName::Complexity => each(COMPLEXITIES),
        FieldName::Outcome => each(&["success", "partial_success", "failure", "abstained"]),
        FieldName::PatternType => each(&["tool_sequence", "decision_point", "error_recovery", "context_pattern"]),
        FieldName::TaskDescription
        | FieldName::Domain
        | FieldName::Language
        | FieldName::Framework
        | FieldName::Tags
        | FieldName::Condition
        | FieldName::Action => each(hostile::TEXTS),
        FieldName::StartTime
        | FieldName::EndTime
        | FieldName::ArchivedAt
        | FieldName::CreatedAt
        | FieldName::UpdatedAt => each(TIMES),
        FieldName::Reward => each(REALS),
        FieldName::SuccessRate | FieldName::Confidence => [each(RATES), each(REALS)].concat(),
        FieldName::Occurrences | FieldName::SampleSize => each(COUNTS),
        other => panic!("the suite has no operands for the field `{other}` yet"),
    }
}

/// Returns the first values, which records hold most often.
pub(super) fn common_operands(name: FieldName) -> Vec<Scalar<'static>> {
    let mut operands = operands(name);
    operands.truncate(COMMON);
    operands
}
