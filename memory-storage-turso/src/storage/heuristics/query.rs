//! The fields of heuristics in SQL.

use memory_core::backend::FieldName;

pub(super) const fn expression(field: FieldName) -> &'static str {
    match field {
        FieldName::Id => "heuristic_id",
        FieldName::Condition => "condition",
        FieldName::Action => "action",
        FieldName::Confidence => "confidence",
        FieldName::SuccessRate => "evidence -> '$.success_rate'",
        FieldName::SampleSize => "json_extract(evidence, '$.sample_size')",
        FieldName::Episodes => "json_extract(evidence, '$.episodes')",
        FieldName::CreatedAt => "created_at",
        FieldName::UpdatedAt => "updated_at",
        _ => "NULL",
    }
}
