//! Concurrent use of one storage.

use std::collections::HashSet;

use tokio::task::JoinSet;

use crate::check::{Failure, Outcome, equal, holds};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::field::metadata;
use memory_core::limits::MAX_LIMIT;
use memory_core::{Episode, Filter, Heuristic, Id, Pattern, Query, WriteBatch};

cases! {
    storage: [concurrent_commits_leave_whole_batches],
    each_kind: [
        concurrent_puts_all_arrive,
        concurrent_puts_of_one_record_leave_one_of_them,
        concurrent_reads_see_whole_batches,
        concurrent_deletes_count_each_record_once,
        concurrent_tasks_read_what_they_wrote,
        concurrent_gets_answer_their_own_ids,
    ],
}

const TASKS: u64 = 16;

/// Runs a number of tasks concurrently, and returns their results.
async fn all_at_once<T, F>(work: impl Fn(u64) -> F) -> Result<Vec<T>, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let mut tasks: JoinSet<_> = (0..TASKS).map(work).collect();
    let mut results = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        results.push(joined??);
    }
    Ok(results)
}

async fn concurrent_puts_all_arrive<R: Sample>(subject: &Subject) -> Outcome {
    all_at_once(|task| {
        let subject = subject.clone();
        async move {
            for n in 0..5 {
                subject.put(&R::samples(task * 50 + n * 10..task * 50 + (n + 1) * 10)).await?;
            }
            Ok(())
        }
    })
    .await?;
    subject.holds(&R::samples(0..TASKS * 50)).await?;
    let ids = subject.ids(&Query::<R>::new().oldest_first().limit(MAX_LIMIT)).await?;
    equal("all records", &ids, &(0..TASKS * 50).map(marked).collect())
}

async fn concurrent_puts_of_one_record_leave_one_of_them<R: Sample>(subject: &Subject) -> Outcome {
    let version = |task: u64, n: u64| {
        let mut records: Vec<R> = (0..5).map(|n| R::worded(n, &format!("task {task}"))).collect();
        for record in &mut records {
            record.metadata_mut().insert("version", task * 10 + n);
        }
        records
    };
    all_at_once(|task| {
        let subject = subject.clone();
        async move {
            for n in 0..5 {
                subject.put(&version(task, n)).await?;
            }
            Ok(())
        }
    })
    .await?;
    // The record is the complete last put of one task.
    let found = subject.get::<R>(&(0..5).map(marked).collect::<Vec<_>>()).await?;
    let found: Vec<R> = found.into_iter().flatten().map(|record| (*record).clone()).collect();
    holds((0..TASKS).any(|task| found == version(task, 4)), || format!("found {found:?}"))?;
    equal("how many there are", &subject.ids(&Query::<R>::new()).await?.len(), &5)
}

async fn concurrent_reads_see_whole_batches<R: Sample>(subject: &Subject) -> Outcome {
    let ids: Vec<Id<R>> = (0..20).map(marked).collect();
    all_at_once(|task| {
        let (subject, ids) = (subject.clone(), ids.clone());
        async move {
            for round in 0..5 {
                if task % 4 == 0 {
                    let text = format!("task {task} round {round}");
                    subject.put(&(0..20).map(|n| R::worded(n, &text)).collect::<Vec<_>>()).await?;
                    continue;
                }
                let found = subject.get(&ids).await?;
                let texts: HashSet<_> =
                    found.into_iter().map(|record| record.map(|record| (*record).clone().text().0.clone())).collect();
                holds(texts.len() == 1, || format!("a get saw parts of several puts: {texts:?}"))?;
                tokio::task::yield_now().await;
            }
            Ok(())
        }
    })
    .await
    .map(drop)
}

async fn concurrent_deletes_count_each_record_once<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..100)).await?;
    let ids: Vec<Id<R>> = (0..100).map(marked).collect();
    let counts = all_at_once(|task| {
        let (subject, ids) = (subject.clone(), ids.clone());
        async move {
            let mut deleted = 0;
            for ids in ids.chunks(10 + usize::try_from(task).unwrap_or_default()) {
                deleted += subject.delete(ids).await?;
            }
            Ok(deleted)
        }
    })
    .await?;
    equal("deleted by all tasks together", &counts.iter().sum::<u64>(), &100)?;
    subject.lacks(ids).await
}

async fn concurrent_tasks_read_what_they_wrote<R: Sample>(subject: &Subject) -> Outcome {
    all_at_once(|task| {
        let subject = subject.clone();
        async move {
            let own = || metadata::<R>("task").eq(i64::from(u32::try_from(task).unwrap_or(u32::MAX)));
            for round in 0..5 {
                let numbers = task * 10..task * 10 + round;
                let records: Vec<R> = numbers.clone().map(|n| R::tagged(n, [("task", task)])).collect();
                subject.keeps(&records).await?;
                equal("its own records", &subject.matching(&own()).await?, &numbers.map(marked).collect())?;
                equal("how many they are", &subject.count(&own(), None).await?.total, &round)?;
            }
            let ids: Vec<Id<R>> = (task * 10..task * 10 + 5).map(marked).collect();
            equal("deleted", &subject.delete(&ids).await?, &4)?;
            subject.lacks(ids).await
        }
    })
    .await?;
    equal("what is left", &subject.count(&Filter::<R>::all(), None).await?.total, &0)
}

async fn concurrent_gets_answer_their_own_ids<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..100)).await?;
    all_at_once(|task| {
        let subject = subject.clone();
        async move {
            for round in 0..5 {
                let ids: Vec<Id<R>> = (0..40).map(|n| marked((n * (task + 3) + round) % 120)).collect();
                let found: Vec<_> =
                    subject.get(&ids).await?.iter().map(|record| record.as_ref().map(|r| r.id())).collect();
                let wanted: Vec<_> = ids.into_iter().map(|id| Some(id).filter(|id| *id < marked(100))).collect();
                equal("the answers", &found, &wanted)?;
            }
            Ok(())
        }
    })
    .await
    .map(drop)
}

async fn concurrent_commits_leave_whole_batches(subject: &Subject) -> Outcome {
    all_at_once(|task| {
        let subject = subject.clone();
        async move {
            for round in 0..4 {
                let text = format!("task {task} round {round}");
                let mut batch = WriteBatch::new();
                for n in 0..5 {
                    batch
                        .put(Episode::worded(n, &text))
                        .put(Pattern::worded(n, &text))
                        .put(Heuristic::worded(n, &text));
                }
                subject.commit(&batch).await?;
            }
            Ok(())
        }
    })
    .await?;
    let mut texts = HashSet::new();
    texts.extend(texts_of::<Episode>(subject).await?);
    texts.extend(texts_of::<Pattern>(subject).await?);
    texts.extend(texts_of::<Heuristic>(subject).await?);
    holds(texts.len() == 1, || format!("parts of several commits are left: {texts:?}"))
}

async fn texts_of<R: Sample>(subject: &Subject) -> Result<Vec<Option<String>>, Failure> {
    let found = subject.get::<R>(&(0..5).map(marked).collect::<Vec<_>>()).await?;
    Ok(found.into_iter().map(|record| record.map(|record| (*record).clone().text().0.clone())).collect())
}
