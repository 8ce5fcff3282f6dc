//! The fields of episodes in SQL.

use memory_core::backend::FieldName;

pub(super) const fn expression(field: FieldName) -> &'static str {
    match field {
        FieldName::Id => "episode_id",
        FieldName::TaskType => "task_type",
        FieldName::TaskDescription => "task_description",
        FieldName::Domain => "domain",
        FieldName::Language => "language",
        FieldName::Framework => "json_extract(context, '$.framework')",
        FieldName::Complexity => "json_extract(context, '$.complexity')",
        FieldName::Tags => "json_extract(context, '$.tags')",
        FieldName::StartTime => "start_time",
        FieldName::EndTime => "end_time",
        // The outcome is an object of one key, which names the variant.
        FieldName::Outcome => "(SELECT key FROM json_each(outcome))",
        FieldName::Reward => "reward -> '$.total'",
        FieldName::Patterns => "patterns",
        FieldName::Heuristics => "heuristics",
        FieldName::ArchivedAt => "archived_at",
        _ => "NULL",
    }
}
