//! Batches over several kinds.

use crate::check::{Outcome, equal, refused};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::{Episode, Heuristic, Pattern, RecordRef, WriteBatch, WriteId};

cases! {
    storage: [
        commit_writes_every_kind,
        commit_of_an_empty_batch_does_nothing,
        commit_reports_its_own_id,
        commit_counts_deletes_of_every_kind,
        commit_keeps_the_last_change_to_an_id,
        commit_puts_and_deletes_together,
        commit_with_a_bad_record_of_any_kind_does_nothing,
        commit_takes_hostile_records_of_every_kind,
        commit_fences_nothing_that_happened,
        commit_fences_a_write_that_never_was,
    ],
    each_kind: [commit_replaces_the_whole_record],
}

fn puts<R: Sample>(batch: &mut WriteBatch, records: impl IntoIterator<Item = R>) {
    for record in records {
        batch.put(record);
    }
}

fn deletes<R: Sample>(batch: &mut WriteBatch, numbers: impl IntoIterator<Item = u64>) {
    for n in numbers {
        batch.delete(marked::<R>(n));
    }
}

async fn commit_writes_every_kind(subject: &Subject) -> Outcome {
    let mut batch = WriteBatch::new();
    puts(&mut batch, Episode::full());
    puts(&mut batch, Pattern::full());
    puts(&mut batch, Heuristic::full());
    equal("deleted", &subject.commit(&batch).await?.deleted, &0)?;
    subject.holds(&Episode::full()).await?;
    subject.holds(&Pattern::full()).await?;
    subject.holds(&Heuristic::full()).await
}

async fn commit_of_an_empty_batch_does_nothing(subject: &Subject) -> Outcome {
    subject.put(&Episode::samples([0])).await?;
    let batch = WriteBatch::new();
    let written = subject.commit(&batch).await?;
    equal("the id and the deletes", &(written.id, written.deleted), &(batch.id(), 0))?;
    subject.holds(&Episode::samples([0])).await
}

async fn commit_reports_its_own_id(subject: &Subject) -> Outcome {
    for n in 0..3 {
        let mut batch = WriteBatch::new();
        batch.put(Heuristic::sample(n));
        equal("the write's id", &subject.commit(&batch).await?.id, &batch.id())?;
    }
    Ok(())
}

async fn commit_counts_deletes_of_every_kind(subject: &Subject) -> Outcome {
    subject.put(&Episode::samples(0..3)).await?;
    subject.put(&Pattern::samples(0..3)).await?;
    subject.put(&Heuristic::samples(0..3)).await?;
    let mut batch = WriteBatch::new();
    // Records 2, 1 and 3 exist.
    deletes::<Episode>(&mut batch, [0, 1, 8, 9]);
    deletes::<Pattern>(&mut batch, [2, 2, 9]);
    deletes::<Heuristic>(&mut batch, [0, 1, 2]);
    equal("deleted", &subject.commit(&batch).await?.deleted, &6)?;
    subject.holds(&Episode::samples([2])).await?;
    subject.holds(&Pattern::samples([0, 1])).await?;
    subject.lacks((0..3).map(marked::<Heuristic>)).await
}

async fn commit_keeps_the_last_change_to_an_id(subject: &Subject) -> Outcome {
    subject.put(&Pattern::samples([2, 3])).await?;
    let mut batch = WriteBatch::new();
    batch.put(Pattern::worded(0, "first")).put(Pattern::worded(0, "last"));
    batch.put(Pattern::sample(1)).delete(marked::<Pattern>(1));
    batch.delete(marked::<Pattern>(2)).put(Pattern::worded(2, "back"));
    batch.put(Pattern::worded(3, "gone")).delete(marked::<Pattern>(3));
    equal("deleted", &subject.commit(&batch).await?.deleted, &1)?;
    subject.holds(&[Pattern::worded(0, "last"), Pattern::worded(2, "back")]).await?;
    subject.lacks([1, 3].map(marked::<Pattern>)).await
}

async fn commit_puts_and_deletes_together(subject: &Subject) -> Outcome {
    subject.put(&Episode::samples(0..10)).await?;
    let mut batch = WriteBatch::new();
    for n in 0..5 {
        batch.delete(marked::<Episode>(n)).put(Episode::worded(n + 5, "replaced")).put(Heuristic::sample(n));
    }
    equal("deleted", &subject.commit(&batch).await?.deleted, &5)?;
    subject.lacks((0..5).map(marked::<Episode>)).await?;
    subject.holds(&(5..10).map(|n| Episode::worded(n, "replaced")).collect::<Vec<_>>()).await?;
    subject.holds(&Heuristic::samples(0..5)).await
}

async fn commit_with_a_bad_record_of_any_kind_does_nothing(subject: &Subject) -> Outcome {
    subject.put(&Episode::samples([8, 9])).await?;
    refuses_all_for(subject, bad::<Episode>()).await?;
    refuses_all_for(subject, bad::<Pattern>()).await?;
    refuses_all_for(subject, bad::<Heuristic>()).await
}

fn bad<R: Sample>() -> R {
    let mut record = R::sample(5);
    *record.reals()[0].1 = f64::NAN;
    record
}

async fn refuses_all_for<R: Sample>(subject: &Subject, mut bad: R) -> Outcome {
    let mut batch = WriteBatch::new();
    batch.put(Episode::sample(0)).put(Pattern::sample(0)).put(Heuristic::sample(0));
    batch.put(Episode::worded(8, "replaced")).delete(marked::<Episode>(9)).put(bad.clone());
    let about = Some(RecordRef::from(bad.id()));
    refused("commit", subject.commit(&batch).await, about, bad.reals()[0].0)?;
    subject.lacks([marked::<Episode>(0)]).await?;
    subject.lacks([marked::<Pattern>(0)]).await?;
    subject.lacks([marked::<Heuristic>(0)]).await?;
    subject.lacks([bad.id()]).await?;
    subject.holds(&Episode::samples([8, 9])).await
}

async fn commit_takes_hostile_records_of_every_kind(subject: &Subject) -> Outcome {
    let mut batch = WriteBatch::new();
    puts(&mut batch, Episode::population());
    puts(&mut batch, Pattern::population());
    puts(&mut batch, Heuristic::population());
    subject.commit(&batch).await?;
    subject.holds(&Episode::population()).await?;
    subject.holds(&Pattern::population()).await?;
    subject.holds(&Heuristic::population()).await
}

/// A fence stops later effects, and undoes nothing.
async fn commit_fences_nothing_that_happened(subject: &Subject) -> Outcome {
    let mut first = WriteBatch::new();
    first.put(Episode::sample(0));
    subject.commit(&first).await?;
    let mut second = WriteBatch::new();
    second.put(Episode::sample(1)).fence(first.id());
    equal("the write's id", &subject.commit(&second).await?.id, &second.id())?;
    subject.settle(&[first.id(), second.id()]).await?;
    subject.holds(&Episode::samples(0..2)).await
}

async fn commit_fences_a_write_that_never_was(subject: &Subject) -> Outcome {
    let mut batch = WriteBatch::new();
    batch.put(Pattern::sample(0));
    for _ in 0..20 {
        batch.fence(WriteId::new());
    }
    subject.commit(&batch).await?;
    subject.holds(&Pattern::samples([0])).await?;
    let mut fences_alone = WriteBatch::new();
    fences_alone.fence(WriteId::new());
    equal("deleted", &subject.commit(&fences_alone).await?.deleted, &0)?;
    subject.holds(&Pattern::samples([0])).await
}

async fn commit_replaces_the_whole_record<R: Sample>(subject: &Subject) -> Outcome {
    for full in R::full() {
        let mut plain = R::sample(0);
        plain.set_id(full.id());
        for record in [full.clone(), plain, full] {
            let mut batch = WriteBatch::new();
            batch.put(record.clone());
            subject.commit(&batch).await?;
            subject.holds(&[record]).await?;
        }
    }
    Ok(())
}
