//! Deletes.

use crate::check::{Outcome, equal};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::{Filter, Query};

cases! {
    storage: [],
    each_kind: [
        delete_counts_what_was_there,
        delete_counts_a_repeated_id_once,
        delete_of_a_missing_id_counts_nothing,
        delete_of_nothing_does_nothing,
        delete_leaves_every_other_record,
        deleted_records_are_gone_from_every_read,
    ],
}

async fn delete_counts_what_was_there<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..10)).await?;
    equal("of 3 there and 2 missing", &subject.delete::<R>(&[0, 11, 4, 9, 12].map(marked)).await?, &3)?;
    equal("the same again", &subject.delete::<R>(&[0, 11, 4, 9, 12].map(marked)).await?, &0)
}

async fn delete_counts_a_repeated_id_once<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..3)).await?;
    equal("deleted", &subject.delete::<R>(&[1, 0, 1, 1, 0].map(marked)).await?, &2)
}

async fn delete_of_a_missing_id_counts_nothing<R: Sample>(subject: &Subject) -> Outcome {
    equal("of an empty store", &subject.delete::<R>(&[marked(0)]).await?, &0)?;
    subject.put(&R::samples([0])).await?;
    equal("of another id", &subject.delete::<R>(&[marked(1)]).await?, &0)?;
    subject.holds(&R::samples([0])).await
}

async fn delete_of_nothing_does_nothing<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..3)).await?;
    equal("deleted", &subject.delete::<R>(&[]).await?, &0)?;
    subject.holds(&R::samples(0..3)).await
}

async fn delete_leaves_every_other_record<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..20)).await?;
    subject.delete::<R>(&[3, 4, 19].map(marked)).await?;
    let left = R::samples((0..19).filter(|n| !matches!(n, 3 | 4)));
    subject.holds(&left).await?;
    subject.lacks([3, 4, 19].map(marked::<R>)).await
}

async fn deleted_records_are_gone_from_every_read<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::full()).await?;
    subject.put(&R::samples(0..10)).await?;
    let ids: Vec<_> = (0..10).map(marked::<R>).collect();
    subject.delete(&ids).await?;
    subject.lacks(ids).await?;
    equal("all records", &subject.ids(&Query::<R>::new()).await?, &Vec::new())?;
    equal("the count", &subject.count(&Filter::<R>::all(), None).await?.total, &0)
}
