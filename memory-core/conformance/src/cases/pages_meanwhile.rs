//! Pages of records that change between the pages.

use std::collections::HashSet;

use tokio::task::JoinSet;

use crate::check::{Failure, Outcome, equal, holds};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::{Cursor, Direction, Id, Query, Record};

cases! {
    storage: [],
    each_kind: [
        pages_show_what_is_added_behind_the_cursor,
        pages_omit_what_is_added_before_the_cursor,
        pages_go_on_when_the_cursors_record_is_deleted,
        pages_go_on_when_everything_is_deleted,
        pages_go_on_when_the_cursors_record_moves,
        pages_give_every_lasting_record_once_while_others_come_and_go,
    ],
}

/// Returns the first three records, oldest first, and the cursor after them.
async fn first_three<R: Sample>(subject: &Subject) -> Result<Cursor, Failure> {
    let mut query = oldest_first::<R>();
    let mut left = 3;
    loop {
        let page = subject.query(&query.limit(left)).await?;
        left -= page.records.len();
        let next = page.next.ok_or_else(|| Failure::new("no cursor where more follows"))?;
        if left == 0 {
            return Ok(next);
        }
        query = oldest_first().after(next);
    }
}

fn oldest_first<R: Record>() -> Query<R> {
    Query::new().oldest_first()
}

async fn rest_is<R: Sample>(subject: &Subject, cursor: Cursor, wanted: &[u64]) -> Outcome {
    let rest = subject.ids(&oldest_first::<R>().limit(2).after(cursor)).await?;
    equal("the rest", &rest, &wanted.iter().copied().map(marked).collect())
}

async fn pages_show_what_is_added_behind_the_cursor<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([10, 20, 30, 40, 50])).await?;
    let cursor = first_three::<R>(subject).await?;
    subject.put(&R::samples([31, 45, 60])).await?;
    rest_is::<R>(subject, cursor, &[31, 40, 45, 50, 60]).await
}

async fn pages_omit_what_is_added_before_the_cursor<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([10, 20, 30, 40, 50])).await?;
    let cursor = first_three::<R>(subject).await?;
    subject.put(&R::samples([0, 15, 29])).await?;
    rest_is::<R>(subject, cursor, &[40, 50]).await
}

async fn pages_go_on_when_the_cursors_record_is_deleted<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([10, 20, 30, 40, 50])).await?;
    let cursor = first_three::<R>(subject).await?;
    subject.delete::<R>(&[20, 30, 40].map(marked)).await?;
    rest_is::<R>(subject, cursor, &[50]).await
}

async fn pages_go_on_when_everything_is_deleted<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([10, 20, 30, 40, 50])).await?;
    let cursor = first_three::<R>(subject).await?;
    subject.delete::<R>(&[10, 20, 30, 40, 50].map(marked)).await?;
    rest_is::<R>(subject, cursor.clone(), &[]).await?;
    subject.put(&R::samples([5, 35])).await?;
    rest_is::<R>(subject, cursor, &[35]).await
}

/// The cursor is a position in the order, not a record.
async fn pages_go_on_when_the_cursors_record_moves<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([10, 20, 30, 40, 50])).await?;
    let cursor = first_three::<R>(subject).await?;
    let mut moved = R::sample(30);
    *moved.time() = crate::sample::moment(45);
    subject.put(&[moved]).await?;
    rest_is::<R>(subject, cursor, &[40, 30, 50]).await
}

async fn pages_give_every_lasting_record_once_while_others_come_and_go<R: Sample>(subject: &Subject) -> Outcome {
    // Records with even numbers stay; odd ones are added and deleted between
    // the pages.
    subject.put(&R::samples((0..100).map(|n| n * 2))).await?;
    let lasting: Vec<Id<R>> = (0..100).map(|n| marked(n * 2)).collect();
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let subject = subject.clone();
        tasks.spawn(async move {
            for round in 0..5 {
                let odd = R::samples((0..10).map(|n| ((n * 5 + task + round * 4) % 100) * 2 + 1));
                subject.put(&odd).await?;
                tokio::task::yield_now().await;
                subject.delete(&odd.iter().map(R::id).collect::<Vec<_>>()).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    for direction in [Direction::Ascending, Direction::Descending] {
        let mut query = Query::<R>::new().order_by(R::time_field(), direction).limit(7);
        let mut found = Vec::new();
        loop {
            let page = subject.query(&query).await?;
            found.extend(page.records.iter().map(|record| record.id()));
            tokio::task::yield_now().await;
            if page.next.is_none() {
                break;
            }
            query = query.after(page.next);
        }
        let mut seen = HashSet::new();
        for id in &found {
            holds(seen.insert(*id), || format!("{id} was given twice"))?;
        }
        let mut kept: Vec<_> = found.into_iter().filter(|id| lasting.contains(id)).collect();
        kept.sort();
        equal("the lasting records", &kept, &lasting)?;
    }
    while let Some(joined) = tasks.join_next().await {
        joined??;
    }
    Ok(())
}
