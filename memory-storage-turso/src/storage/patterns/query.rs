//! The fields of patterns in SQL.

use memory_core::backend::FieldName;

pub(super) const fn expression(field: FieldName) -> &'static str {
    match field {
        FieldName::Id => "pattern_id",
        FieldName::PatternType => "pattern_type",
        FieldName::Domain => "domain",
        FieldName::Language => "language",
        FieldName::Framework => "json_extract(context, '$.framework')",
        FieldName::Complexity => "json_extract(context, '$.complexity')",
        FieldName::Tags => "json_extract(context, '$.tags')",
        FieldName::SuccessRate => "success_rate",
        FieldName::Occurrences => "occurrences",
        FieldName::CreatedAt => "created_at",
        FieldName::UpdatedAt => "updated_at",
        _ => "NULL",
    }
}
