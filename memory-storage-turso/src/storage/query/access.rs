//! Whether an index on metadata can answer a filter.

use memory_core::backend::{Path, Scalar, Test};
use memory_core::{Filter, Record};

/// Whether the filter is answered by an index on metadata, if the keys are
/// those that have one for which `indexed` holds; `None` if it tests none.
///
/// It follows what [`filter`](super::filter) writes: of tests that all must
/// hold one by index is enough, of tests of which any may hold each must be by
/// index, and a negation looks at every record.
pub(crate) fn by_index<R: Record>(filter: &Filter<R>, indexed: &dyn Fn(&str) -> bool) -> Option<bool> {
    tests_metadata(filter).then(|| narrows(filter, false, indexed))
}

fn tests_metadata<R: Record>(filter: &Filter<R>) -> bool {
    match filter {
        Filter::Not(part) => tests_metadata(part),
        Filter::And(parts) | Filter::Or(parts) => parts.iter().any(tests_metadata),
        Filter::Test(field, _) => matches!(field.path(), Path::Metadata(_)),
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
        Filter::Test(field, test) => {
            let Path::Metadata(keys) = field.path() else { return false };
            !negated && matches!(keys.as_slice(), [key] if indexed(key)) && compares(test)
        }
    }
}

/// Whether a test compares the value itself.
fn compares(test: &Test) -> bool {
    match test {
        Test::Eq(_) => true,
        Test::In(operands) => !operands.is_empty(),
        Test::Lt(operand) | Test::Le(operand) | Test::Gt(operand) | Test::Ge(operand) => *operand != Scalar::Null,
        Test::Exists | Test::Contains(_) => false,
    }
}
