//! Fences and settlements of writes that are under way or have not begun.

use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::check::{Failure, Outcome, equal, fenced, holds};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::field::metadata;
use memory_core::{Episode, Heuristic, Result, WriteBatch, WriteId, Written};

cases! {
    storage: [
        settle_before_the_first_commit_refuses_it,
        settle_ends_a_commit_under_way,
        settle_ends_commits_at_once,
        fence_before_the_first_commit_refuses_it,
        fence_of_a_commit_under_way_ends_it,
        fences_of_two_commits_against_each_other_leave_one,
        fence_and_commit_at_once_are_one_after_the_other,
        fence_against_itself_is_none,
    ],
    each_kind: [],
}

/// Number of records in a large batch of 1 MiB, which takes a while to encode
/// and store.
const RECORDS: u64 = 32;
const RECORD_BYTES: usize = 32 << 10;

/// Returns the large batch number `n`.
fn large(n: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for number in n * RECORDS..(n + 1) * RECORDS {
        let mut record = Episode::tagged(number, [("batch", n)]);
        record.task_description = "x".repeat(RECORD_BYTES);
        batch.put(record);
    }
    batch
}

/// Returns true if the large batch number `n` has taken effect, which it must
/// do as a whole.
async fn is_there(subject: &Subject, n: u64) -> Result<bool, Failure> {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    let there = subject.count(&metadata::<Episode>("batch").eq(n), None).await?.total;
    holds(there == 0 || there == RECORDS, || format!("{there} of the {RECORDS} records of a batch are there"))?;
    Ok(there > 0)
}

fn small(n: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(Heuristic::sample(n));
    batch
}

async fn holds_small(subject: &Subject, n: u64, there: bool) -> Outcome {
    if there { subject.holds(&Heuristic::samples([n])).await } else { subject.lacks([marked::<Heuristic>(n)]).await }
}

/// Begins a commit in a task of its own, and lets it proceed for a number of
/// steps.
async fn under_way(subject: &Subject, batch: &Arc<WriteBatch>, yields: u64) -> JoinHandle<Result<Written>> {
    let (storage, batch) = (subject.clone(), Arc::clone(batch));
    let commit = tokio::spawn(async move { storage.commit(&batch).await });
    for _ in 0..yields {
        tokio::task::yield_now().await;
    }
    commit
}

/// Checks that the result of a commit agrees with the effect of its batch.
async fn agrees(subject: &Subject, n: u64, batch: &WriteBatch, told: Result<Written>) -> Result<bool, Failure> {
    let there = is_there(subject, n).await?;
    if there {
        let written = told.map_err(|error| Failure::from(error).at("a write that is there was refused"))?;
        equal("the write's id", &written.id, &batch.id())?;
    } else {
        fenced("a write that is not there", told, batch.id())?;
    }
    Ok(there)
}

/// Checks that a write is over: its commit and a repeated commit report the
/// present state.
async fn is_over(subject: &Subject, n: u64, batch: &WriteBatch, commit: JoinHandle<Result<Written>>) -> Outcome {
    let there = is_there(subject, n).await?;
    for told in [commit.await?, subject.commit(batch).await] {
        equal("whether an ended write is there", &agrees(subject, n, batch, told).await?, &there)?;
    }
    Ok(())
}

async fn settle_before_the_first_commit_refuses_it(subject: &Subject) -> Outcome {
    let (batch, other) = (small(0), small(1));
    subject.settle(&[batch.id()]).await?;
    for _ in 0..2 {
        fenced("a batch that was settled before", subject.commit(&batch).await, batch.id())?;
    }
    holds_small(subject, 0, false).await?;
    subject.commit(&other).await?;
    subject.commit(&batch.clone()).await?;
    holds_small(subject, 0, true).await?;
    holds_small(subject, 1, true).await
}

async fn settle_ends_a_commit_under_way(subject: &Subject) -> Outcome {
    for n in 0..4 {
        let batch = Arc::new(large(n));
        let commit = under_way(subject, &batch, n).await;
        subject.settle(&[batch.id()]).await?;
        is_over(subject, n, &batch, commit).await?;
    }
    Ok(())
}

async fn settle_ends_commits_at_once(subject: &Subject) -> Outcome {
    let batches: Vec<_> = (0..3).map(|n| Arc::new(large(n))).collect();
    let mut commits = Vec::new();
    for batch in &batches {
        commits.push(under_way(subject, batch, 1).await);
    }
    let writes: Vec<WriteId> = batches.iter().map(|batch| batch.id()).collect();
    subject.settle(&writes).await?;
    for ((n, batch), commit) in (0..).zip(&batches).zip(commits) {
        is_over(subject, n, batch, commit).await?;
    }
    Ok(())
}

async fn fence_before_the_first_commit_refuses_it(subject: &Subject) -> Outcome {
    let (batch, mut fencing) = (small(0), small(1));
    fencing.fence(batch.id());
    subject.commit(&fencing).await?;
    for _ in 0..2 {
        fenced("a batch that was fenced off before", subject.commit(&batch).await, batch.id())?;
    }
    // A batch of fences alone is a write, too.
    let (another, mut alone) = (small(2), WriteBatch::new());
    alone.fence(another.id()).fence(fencing.id());
    subject.commit(&alone).await?;
    fenced("a batch fenced off by fences alone", subject.commit(&another).await, another.id())?;
    holds_small(subject, 0, false).await?;
    holds_small(subject, 1, true).await?;
    holds_small(subject, 2, false).await
}

async fn fence_of_a_commit_under_way_ends_it(subject: &Subject) -> Outcome {
    for n in 0..4 {
        let batch = Arc::new(large(n));
        let commit = under_way(subject, &batch, n).await;
        let mut fencing = small(n);
        fencing.fence(batch.id());
        subject.commit(&fencing).await?;
        is_over(subject, n, &batch, commit).await?;
        holds_small(subject, n, true).await?;
    }
    Ok(())
}

/// The write that takes effect first fences the other.
async fn fences_of_two_commits_against_each_other_leave_one(subject: &Subject) -> Outcome {
    for n in [0, 2, 4] {
        let (first, second) = (large(n), large(n + 1));
        let first_id = first.id();
        let first = Arc::new(first.with_fences([second.id()]));
        let second = Arc::new(second.with_fences([first_id]));
        let commits = (under_way(subject, &first, 0).await, under_way(subject, &second, 0).await);
        let told = (commits.0.await?, commits.1.await?);
        let there = (agrees(subject, n, &first, told.0).await?, agrees(subject, n + 1, &second, told.1).await?);
        holds(there.0 != there.1, || format!("which of two writes that fence each other is there: {there:?}"))?;
    }
    Ok(())
}

/// A batch under way may take effect before the batch that fences it, and never
/// after.
async fn fence_and_commit_at_once_are_one_after_the_other(subject: &Subject) -> Outcome {
    for n in 0..10 {
        let batch = Arc::new(small(n));
        let mut fencing = small(n + 100);
        fencing.fence(batch.id());
        let fencing = Arc::new(fencing);
        let (fence, commit) = if n % 2 == 0 {
            let commit = under_way(subject, &batch, n / 4).await;
            (under_way(subject, &fencing, 0).await, commit)
        } else {
            let fence = under_way(subject, &fencing, n / 4).await;
            (fence, under_way(subject, &batch, 0).await)
        };
        let told = commit.await?;
        fence.await??;
        if told.is_err() {
            fenced("a batch that was fenced off", told, batch.id())?;
            holds_small(subject, n, false).await?;
            fenced("the same again", subject.commit(&batch).await, batch.id())?;
        } else {
            holds_small(subject, n, true).await?;
        }
        holds_small(subject, n + 100, true).await?;
    }
    Ok(())
}

async fn fence_against_itself_is_none(subject: &Subject) -> Outcome {
    let batch = small(0);
    let batch = batch.with_fences([batch.id()]);
    for already in [false, true] {
        equal("whether it was there before", &subject.commit(&batch).await?.already, &already)?;
    }
    holds_small(subject, 0, true).await
}
