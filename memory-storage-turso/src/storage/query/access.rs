//! Whether an index on metadata can answer a filter.

use memory_core::backend::{Path, Predicate, Scalar};
use memory_core::{Filter, Record};

/// Whether the filter is answered by an index on metadata, if the keys are
/// those that have one for which `indexed` holds; `None` if it has no predicate on metadata.
///
/// It follows what [`filter`](super::filter) writes: of predicates that all must
/// hold one by index is enough, of predicates of which any may hold each must be by
/// index, and a negation looks at every record.
pub(crate) fn by_index<R: Record>(filter: &Filter<R>, indexed: &dyn Fn(&str) -> bool) -> Option<bool> {
    uses_metadata(filter).then(|| narrows(filter, false, indexed))
}

fn uses_metadata<R: Record>(filter: &Filter<R>) -> bool {
    match filter {
        Filter::Not(part) => uses_metadata(part),
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(uses_metadata),
        Filter::Predicate(field, _) => matches!(field.path(), Path::Metadata(_)),
        _ => false,
    }
}

fn narrows<R: Record>(filter: &Filter<R>, negated: bool, indexed: &dyn Fn(&str) -> bool) -> bool {
    match filter {
        Filter::Not(part) => narrows(part, !negated, indexed),
        Filter::And(parts) if !negated => parts.iter().any(|part| narrows(part, negated, indexed)),
        Filter::Or(parts) if negated => parts.iter().any(|part| narrows(part, negated, indexed)),
        Filter::And(parts) | Filter::Or(parts) => {
            !parts.is_empty() && parts.iter().all(|part| narrows(part, negated, indexed))
        }
        Filter::Predicate(field, predicate) => {
            let Path::Metadata(keys) = field.path() else { return false };
            !negated && matches!(keys.as_slice(), [key] if indexed(key)) && compares(predicate)
        }
        _ => false,
    }
}

/// Returns whether a predicate compares the value itself.
fn compares(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Eq(_) => true,
        Predicate::In(operands) => !operands.is_empty(),
        Predicate::Lt(operand) | Predicate::Le(operand) | Predicate::Gt(operand) | Predicate::Ge(operand) => {
            *operand != Scalar::Null
        }
        _ => false,
    }
}
