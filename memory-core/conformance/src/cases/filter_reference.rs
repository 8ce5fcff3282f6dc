//! Every operator on every field, compared with [`Filter::matches`].

use super::filter_table::answers;
use crate::check::Outcome;
use crate::hostile::KEYS;
use crate::sample::Sample;
use crate::strategy::pool;
use crate::subject::Subject;
use memory_core::backend::{FieldName, Scalar};
use memory_core::field::{metadata, metadata_path};
use memory_core::{Field, Filter, Record};

cases! {
    storage: [],
    each_kind: [
        filter_every_operator_on_every_own_field,
        filter_every_operator_on_every_type_of_metadata,
        filter_every_operator_on_hostile_keys,
    ],
}

/// Returns every predicate on a field with this operand.
fn tests<R: Record>(field: &Field<R>, operand: &Scalar<'static>) -> [Filter<R>; 7] {
    [
        field.clone().eq(operand.clone()),
        field.clone().lt(operand.clone()),
        field.clone().le(operand.clone()),
        field.clone().gt(operand.clone()),
        field.clone().ge(operand.clone()),
        field.clone().is_in([operand.clone(), "one more".into()]),
        field.clone().contains(operand.clone()),
    ]
}

async fn agree<R: Sample>(subject: &Subject, filters: impl IntoIterator<Item = Filter<R>>) -> Outcome {
    let records = R::population();
    subject.put(&records).await?;
    let check = |subject: Subject, filter: Filter<R>| {
        let wanted: Vec<_> = records.iter().filter(|record| filter.matches(record)).map(R::id).collect();
        async move { answers(&subject, &filter, &wanted).await }
    };
    subject.each(filters, check).await
}

/// Returns one operand of each type.
fn of_each_type() -> [Scalar<'static>; 6] {
    [Scalar::Null, true.into(), 1.into(), 1.0.into(), "1".into(), "".into()]
}

async fn filter_every_operator_on_every_own_field<R: Sample>(subject: &Subject) -> Outcome {
    let filters = R::FIELDS.iter().flat_map(|def| {
        let Ok(field) = Field::<R>::named(def.name.name()) else { return Vec::new() };
        let own = some_operands(def.name);
        let filters = own.iter().chain(&of_each_type()).flat_map(|operand| tests(&field, operand)).collect::<Vec<_>>();
        filters.into_iter().chain([field.exists()]).collect()
    });
    agree(subject, filters.collect::<Vec<_>>()).await
}

/// Returns about eight values of a field's pool, spread over the pool.
fn some_operands(name: FieldName) -> Vec<Scalar<'static>> {
    let operands = pool::operands(name);
    let stride = operands.len().div_ceil(8);
    operands.into_iter().step_by(stride).collect()
}

async fn filter_every_operator_on_every_type_of_metadata<R: Sample>(subject: &Subject) -> Outcome {
    let integers = pool::INTEGERS.iter().map(|integer| Scalar::from(*integer));
    let reals = pool::REALS.iter().map(|real| Scalar::from(*real));
    let operands: Vec<_> = integers.chain(reals).chain(of_each_type()).chain(["web".into(), "b".into()]).collect();
    let fields = [metadata::<R>("k"), metadata_path(["k", "a", "b"]), metadata_path(["k", "a.b"])];
    let filters = fields.iter().flat_map(|field| operands.iter().flat_map(|operand| tests(field, operand)));
    agree(subject, filters.chain(fields.clone().map(Field::exists)).collect::<Vec<_>>()).await
}

async fn filter_every_operator_on_hostile_keys<R: Sample>(subject: &Subject) -> Outcome {
    let filters = KEYS.iter().flat_map(|key| {
        let field = metadata::<R>(*key);
        let operands = [Scalar::from(1), "web".into(), "100%".into()];
        let filters = operands.iter().flat_map(|operand| tests(&field, operand)).collect::<Vec<_>>();
        filters.into_iter().chain([field.exists()])
    });
    agree(subject, filters.collect::<Vec<_>>()).await
}
