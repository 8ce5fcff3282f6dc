//! Tables of filters and their results.

use crate::check::{Outcome, equal, shortened};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::{Filter, Id, Record};

/// A filter and the numbers of the records that it matches.
pub(super) type Row<R> = (Filter<R>, Vec<u64>);

/// Stores the records and checks each row of the table: the filter finds and
/// counts exactly these records, and its negation all others.
pub(super) async fn finds<R: Sample>(
    subject: &Subject,
    records: &[R],
    table: impl IntoIterator<Item = Row<R>>,
) -> Outcome {
    subject.put(records).await?;
    let all: Vec<Id<R>> = records.iter().map(R::id).collect();
    subject.each(table, |subject, row| row_holds(subject, all.clone(), row)).await
}

async fn row_holds<R: Sample>(subject: Subject, all: Vec<Id<R>>, (filter, numbers): Row<R>) -> Outcome {
    let wanted: Vec<_> = numbers.into_iter().map(marked).collect();
    let others: Vec<_> = all.into_iter().filter(|id| !wanted.contains(id)).collect();
    answers(&subject, &filter, &wanted).await?;
    answers(&subject, &Filter::Not(Box::new(filter)), &others).await
}

/// Checks that the filter finds and counts exactly these records, given by
/// ascending id.
pub(super) async fn answers<R: Sample>(subject: &Subject, filter: &Filter<R>, wanted: &[Id<R>]) -> Outcome {
    let found = subject.matching(filter).await.map_err(|failure| failure.at(shown(filter)))?;
    equal(format!("what {} finds", shown(filter)), found.as_slice(), wanted)?;
    let counted = subject.count(filter, None).await?;
    equal(format!("how many {} counts", shown(filter)), &counted.total, &(wanted.len() as u64))
}

/// A filter in a short notation.
pub(super) fn shown<R: Record>(filter: &Filter<R>) -> String {
    shortened(serde_json::to_string(filter).unwrap_or_else(|_| format!("{filter:?}")))
}
