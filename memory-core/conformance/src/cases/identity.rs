//! Repeated commits of one batch, which is one write.

use std::sync::Arc;

use super::settle::polled;
use crate::check::{Failure, Outcome, equal, fenced, invalid};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::{Episode, Heuristic, Pattern, Query, Record, WriteBatch, Written};

cases! {
    storage: [
        commit_again_does_nothing_and_reports_the_first_count,
        commit_again_after_newer_writes_changes_nothing,
        commit_again_of_an_empty_batch_does_nothing,
        commit_again_does_not_fence_again,
        commit_of_a_changed_batch_is_a_new_write,
        commit_of_a_cloned_batch_is_a_new_write,
        commit_twice_at_once_takes_effect_once,
        commit_again_of_a_dropped_one_takes_effect_once,
        commit_after_a_refusal_is_a_first_one,
    ],
    each_kind: [],
}

/// Checks that the batch takes effect now, and deletes this number of records.
async fn takes_effect(subject: &Subject, batch: &WriteBatch, deleted: u64) -> Outcome {
    equal("a first commit", &subject.commit(batch).await?, &Written::new(batch.id(), deleted))
}

/// Checks that the batch had taken effect, and deleted this number of records.
async fn had_taken_effect(subject: &Subject, batch: &WriteBatch, deleted: u64) -> Outcome {
    equal("a commit again", &subject.commit(batch).await?, &Written::already(batch.id(), deleted))
}

async fn commit_again_does_nothing_and_reports_the_first_count(subject: &Subject) -> Outcome {
    subject.put(&Episode::samples(0..2)).await?;
    subject.put(&Pattern::samples(0..3)).await?;
    let mut batch = WriteBatch::new();
    batch.delete(marked::<Episode>(0)).delete(marked::<Episode>(9)).put(Episode::worded(1, "replaced"));
    batch.delete(marked::<Pattern>(1)).delete(marked::<Pattern>(2)).put(Heuristic::sample(0));
    takes_effect(subject, &batch, 3).await?;
    for _ in 0..3 {
        had_taken_effect(subject, &batch, 3).await?;
    }
    subject.lacks([marked::<Episode>(0)]).await?;
    subject.lacks([1, 2].map(marked::<Pattern>)).await?;
    subject.holds(&[Episode::worded(1, "replaced")]).await?;
    subject.holds(&Heuristic::samples([0])).await
}

/// A repeated commit does not overwrite newer writes, as a get and a query
/// show.
async fn commit_again_after_newer_writes_changes_nothing(subject: &Subject) -> Outcome {
    subject.put(&Heuristic::samples([1])).await?;
    let mut batch = WriteBatch::new();
    batch.put(Heuristic::worded(0, "first")).delete(marked::<Heuristic>(1));
    takes_effect(subject, &batch, 1).await?;
    let newer = [Heuristic::worded(0, "newer"), Heuristic::sample(1)];
    subject.put(&newer).await?;
    had_taken_effect(subject, &batch, 1).await?;
    subject.holds(&newer).await?;
    let mut found = subject.walk(&Query::<Heuristic>::new()).await?;
    found.sort_by_key(|record| record.id());
    equal("what a query finds", &found.iter().map(|record| (**record).clone()).collect::<Vec<_>>(), &newer.to_vec())?;
    equal("deleted", &subject.delete(&newer.each_ref().map(Record::id)).await?, &2)?;
    had_taken_effect(subject, &batch, 1).await?;
    subject.lacks([0, 1].map(marked::<Heuristic>)).await
}

async fn commit_again_of_an_empty_batch_does_nothing(subject: &Subject) -> Outcome {
    let batch = WriteBatch::new();
    for _ in 0..2 {
        takes_effect(subject, &batch, 0).await?;
    }
    Ok(())
}

/// A fence has no effect on a write that took effect before it.
async fn commit_again_does_not_fence_again(subject: &Subject) -> Outcome {
    let (mut first, mut second) = (WriteBatch::new(), WriteBatch::new());
    first.put(Episode::sample(0));
    second.put(Pattern::sample(0)).fence(first.id());
    takes_effect(subject, &first, 0).await?;
    for _ in 0..2 {
        subject.commit(&second).await?;
        had_taken_effect(subject, &first, 0).await?;
    }
    subject.holds(&Episode::samples([0])).await
}

async fn commit_of_a_changed_batch_is_a_new_write(subject: &Subject) -> Outcome {
    let mut batch = WriteBatch::new();
    batch.put(Episode::sample(0));
    takes_effect(subject, &batch, 0).await?;
    let mut seen = vec![batch.id()];
    batch.put(Episode::sample(1)).put(Heuristic::sample(0));
    takes_effect(subject, &batch, 0).await?;
    seen.push(batch.id());
    subject.holds(&Episode::samples(0..2)).await?;
    subject.holds(&Heuristic::samples([0])).await?;
    batch.delete(marked::<Episode>(0));
    takes_effect(subject, &batch, 1).await?;
    seen.push(batch.id());
    subject.lacks([marked::<Episode>(0)]).await?;
    // A fence has no effect on the first write, which took effect.
    batch.fence(seen[0]);
    subject.put(&Episode::samples([0])).await?;
    takes_effect(subject, &batch, 1).await?;
    seen.push(batch.id());
    had_taken_effect(subject, &batch, 1).await?;
    seen.sort_unstable();
    seen.dedup();
    equal("ids of four writes", &seen.len(), &4)
}

async fn commit_of_a_cloned_batch_is_a_new_write(subject: &Subject) -> Outcome {
    subject.put(&Pattern::samples([1])).await?;
    let mut batch = WriteBatch::new();
    batch.put(Pattern::worded(0, "cloned")).delete(marked::<Pattern>(1));
    takes_effect(subject, &batch, 1).await?;
    subject.put(&[Pattern::worded(0, "newer"), Pattern::sample(1)]).await?;
    takes_effect(subject, &batch.clone(), 1).await?;
    subject.holds(&[Pattern::worded(0, "cloned")]).await?;
    subject.lacks([marked::<Pattern>(1)]).await?;
    had_taken_effect(subject, &batch, 1).await
}

/// Every task gets the same count, and exactly one is reported as the first.
async fn commit_twice_at_once_takes_effect_once(subject: &Subject) -> Outcome {
    for n in 0..6 {
        subject.put(&Episode::samples(n * 100..n * 100 + 20)).await?;
        let mut batch = WriteBatch::new();
        for n in n * 100..n * 100 + 20 {
            batch.delete(marked::<Episode>(n)).put(Heuristic::sample(n));
        }
        let batch = Arc::new(batch);
        let commits: Vec<_> = (0..4)
            .map(|_| {
                let (storage, batch) = (subject.clone(), Arc::clone(&batch));
                tokio::spawn(async move { storage.commit(&batch).await })
            })
            .collect();
        let mut firsts = 0;
        for commit in commits {
            let written = commit.await.map_err(Failure::from)??;
            equal("the id and the deletes", &(written.id, written.deleted), &(batch.id(), 20))?;
            firsts += u32::from(!written.already);
        }
        equal("commits that took effect", &firsts, &1)?;
        had_taken_effect(subject, &batch, 20).await?;
        subject.lacks((n * 100..n * 100 + 20).map(marked::<Episode>)).await?;
        subject.holds(&Heuristic::samples(n * 100..n * 100 + 20)).await?;
    }
    Ok(())
}

/// A wrapper may have settled the dropped commit by then, so a refusal is
/// allowed.
async fn commit_again_of_a_dropped_one_takes_effect_once(subject: &Subject) -> Outcome {
    for (times, n) in (0..10).enumerate() {
        let numbers = n * 10..(n + 1) * 10;
        subject.put(&Pattern::samples(numbers.clone())).await?;
        let mut batch = WriteBatch::new();
        for n in numbers.clone() {
            batch.delete(marked::<Pattern>(n)).put(Episode::sample(n));
        }
        polled(times, subject.commit(&batch)).await.transpose()?;
        match subject.commit(&batch).await {
            Ok(written) => {
                equal("deleted", &written.deleted, &10)?;
                had_taken_effect(subject, &batch, 10).await?;
                subject.lacks(numbers.clone().map(marked::<Pattern>)).await?;
                subject.holds(&Episode::samples(numbers)).await?;
            }
            told => {
                fenced("a commit that was dropped", told, batch.id())?;
                subject.holds(&Pattern::samples(numbers.clone())).await?;
                subject.lacks(numbers.map(marked::<Episode>)).await?;
            }
        }
    }
    Ok(())
}

/// An invalid commit has no effect, and its fences neither.
async fn commit_after_a_refusal_is_a_first_one(subject: &Subject) -> Outcome {
    let mut bad = Episode::sample(1);
    *bad.reals()[0].1 = f64::NAN;
    let mut fenced = WriteBatch::new();
    fenced.put(Episode::sample(0));
    let mut batch = WriteBatch::new();
    batch.put(bad).fence(fenced.id());
    for _ in 0..2 {
        invalid("a bad record", subject.commit(&batch).await)?;
    }
    takes_effect(subject, &fenced, 0).await?;
    batch.put(Episode::sample(1));
    takes_effect(subject, &batch, 0).await?;
    subject.holds(&Episode::samples(0..2)).await
}
