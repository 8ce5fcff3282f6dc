//! Settlement of abandoned writes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::check::{Failure, Outcome, holds};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::{Episode, Heuristic, Pattern, WriteBatch, WriteId};

cases! {
    storage: [
        settle_of_nothing_returns,
        settle_of_unknown_writes_returns,
        settle_after_a_commit_changes_nothing,
        settle_ends_a_commit_that_was_dropped,
        settle_ends_a_commit_whose_task_was_aborted,
        settle_ends_many_writes_at_once,
        a_fence_ends_a_commit_that_was_dropped,
    ],
    each_kind: [a_dropped_put_is_whole_or_absent],
}

async fn settle_of_nothing_returns(subject: &Subject) -> Outcome {
    Ok(subject.settle(&[]).await?)
}

async fn settle_of_unknown_writes_returns(subject: &Subject) -> Outcome {
    let unknown: Vec<_> = (0..100).map(|_| WriteId::new()).collect();
    subject.settle(&unknown).await?;
    subject.settle(&[unknown[0], unknown[0]]).await?;
    subject.put(&Episode::samples([0])).await?;
    subject.settle(&unknown[..1]).await?;
    subject.holds(&Episode::samples([0])).await
}

async fn settle_after_a_commit_changes_nothing(subject: &Subject) -> Outcome {
    let batch = batch(0);
    subject.commit(&batch).await?;
    subject.settle(&[batch.id()]).await?;
    subject.settle(&[batch.id(), batch.id()]).await?;
    holds(is_there(subject, 0).await?, || "the batch is gone".to_owned())
}

/// Returns the batch number `n`: ten records of each kind.
fn batch(n: u64) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for n in n * 10..(n + 1) * 10 {
        batch.put(Episode::sample(n)).put(Pattern::sample(n)).put(Heuristic::sample(n));
    }
    batch
}

/// Returns true if the batch number `n` has taken effect, which it must do as a
/// whole.
async fn is_there(subject: &Subject, n: u64) -> Result<bool, Failure> {
    let numbers = n * 10..(n + 1) * 10;
    let episodes = subject.get::<Episode>(&numbers.clone().map(marked).collect::<Vec<_>>()).await?;
    let patterns = subject.get::<Pattern>(&numbers.clone().map(marked).collect::<Vec<_>>()).await?;
    let heuristics = subject.get::<Heuristic>(&numbers.map(marked).collect::<Vec<_>>()).await?;
    let there =
        episodes.iter().flatten().count() + patterns.iter().flatten().count() + heuristics.iter().flatten().count();
    holds(there == 0 || there == 30, || format!("{there} of the 30 records of a batch are there"))?;
    Ok(there == 30)
}

/// Checks that the settled batch is complete or absent, and stays so.
async fn is_over(subject: &Subject, n: u64, write: WriteId) -> Outcome {
    subject.settle(&[write]).await?;
    stays_as_it_is(subject, n).await
}

async fn stays_as_it_is(subject: &Subject, n: u64) -> Outcome {
    let before = is_there(subject, n).await?;
    for _ in 0..4 {
        give_way().await;
        let now = is_there(subject, n).await?;
        holds(now == before, || {
            format!("whether the batch is there changed from {before} to {now} after the write was over")
        })?;
    }
    Ok(())
}

/// Lets other tasks proceed.
async fn give_way() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

/// Polls a future at most this number of times, and drops it.
pub(super) async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|context| {
        while left > 0 {
            left -= 1;
            match future.as_mut().poll(context) {
                Poll::Ready(answer) => return Poll::Ready(Some(answer)),
                Poll::Pending if left > 0 => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        Poll::Ready(None)
    })
    .await
}

async fn settle_ends_a_commit_that_was_dropped(subject: &Subject) -> Outcome {
    for (times, n) in (0..10).enumerate() {
        let batch = batch(n);
        // The future is polled 0 times, once, twice, and so on.
        let written = polled(times, subject.commit(&batch)).await.transpose()?;
        is_over(subject, n, batch.id()).await?;
        if written.is_some() {
            holds(is_there(subject, n).await?, || "a batch that was written is absent".to_owned())?;
        }
    }
    Ok(())
}

async fn settle_ends_a_commit_whose_task_was_aborted(subject: &Subject) -> Outcome {
    for n in 0..10 {
        let batch = batch(n);
        let write = batch.id();
        let storage = subject.clone();
        let task = tokio::spawn(async move { storage.commit(&batch).await });
        for _ in 0..n {
            tokio::task::yield_now().await;
        }
        task.abort();
        // A poll on another thread continues, and the write may begin in it.
        drop(task.await);
        is_over(subject, n, write).await?;
    }
    Ok(())
}

/// A later commit that fences the write ends it, as `settle` does.
async fn a_fence_ends_a_commit_that_was_dropped(subject: &Subject) -> Outcome {
    for (times, n) in (0..10).enumerate() {
        let dropped = batch(n);
        polled(times, subject.commit(&dropped)).await.transpose()?;
        let mut fence = WriteBatch::new();
        fence.put(Heuristic::sample(1_000 + n)).fence(dropped.id());
        subject.commit(&fence).await?;
        stays_as_it_is(subject, n).await?;
        subject.holds(&Heuristic::samples([1_000 + n])).await?;
    }
    Ok(())
}

async fn settle_ends_many_writes_at_once(subject: &Subject) -> Outcome {
    let mut writes = vec![WriteId::new()];
    for n in 0..10 {
        let batch = batch(n);
        writes.push(batch.id());
        polled(1, subject.commit(&batch)).await.transpose()?;
    }
    subject.settle(&writes).await?;
    for (n, write) in (0..).zip(&writes[1..]) {
        is_over(subject, n, *write).await?;
    }
    Ok(())
}

async fn a_dropped_put_is_whole_or_absent<R: Sample>(subject: &Subject) -> Outcome {
    for (times, n) in (0..6).enumerate() {
        let records = R::samples(n * 20..(n + 1) * 20);
        let ids: Vec<_> = records.iter().map(R::id).collect();
        polled(times, subject.put(&records)).await.transpose()?;
        for _ in 0..4 {
            let there = subject.get(&ids).await?.iter().flatten().count();
            holds(there == 0 || there == 20, || format!("{there} of the 20 records of a put are there"))?;
            give_way().await;
        }
    }
    Ok(())
}
