//! Generated records and queries.

use std::fmt::Debug;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::filter_table::{answers, shown};
use crate::check::{Failure, Outcome, equal};
use crate::marked;
use crate::strategy::{self, Generate, pool};
use crate::subject::Subject;
use memory_core::limits::MAX_LIMIT;
use memory_core::{Field, Filter, Id, Query};

cases! {
    storage: [],
    each_kind: [
        generated_records_survive_unchanged,
        generated_filters_find_what_the_reference_finds,
        generated_queries_page_as_the_reference_does,
        generated_counts_are_those_of_the_reference,
    ],
}

/// Maximum number of steps by which a failing input is shrunk.
const SHRINKS: usize = 200;

/// Checks generated inputs, and reports the smallest failing input found.
async fn all<T: Debug>(
    subject: &Subject,
    strategy: impl Strategy<Value = T>,
    check: impl AsyncFn(&Subject, T) -> Outcome,
) -> Outcome {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&subject.seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for _ in 0..subject.generated {
        let mut tree = strategy.new_tree(&mut runner).map_err(|reason| Failure::new(reason.to_string()))?;
        let Err(mut failure) = check(subject, tree.current()).await else { continue };
        let mut smallest = format!("{:?}", tree.current());
        let mut smaller = tree.simplify();
        for _ in 0..SHRINKS {
            if !smaller {
                break;
            }
            smaller = match check(subject, tree.current()).await {
                Err(again) => {
                    failure = again;
                    smallest = format!("{:?}", tree.current());
                    tree.simplify()
                }
                Ok(()) => tree.complicate(),
            };
        }
        let shown = Failure::new(smallest);
        return Err(Failure::new(format!("{failure}\nwith {shown}\nagain with MEMORY_TEST_SEED={}", subject.seed)));
    }
    Ok(())
}

async fn generated_records_survive_unchanged<R: Generate>(subject: &Subject) -> Outcome {
    let records = strategy::records::<R>(0..12);
    all(subject, records, async |subject: &Subject, records: Vec<R>| subject.keeps(&records).await).await
}

/// Number of filters or queries for each generated population.
const ASKED: usize = 8;

/// Replaces the contents of the storage by these records.
async fn store<R: Generate>(subject: &Subject, records: &[R]) -> Outcome {
    let all: Vec<Id<R>> = (0..pool::IDS).map(marked).collect();
    subject.delete(&all).await?;
    Ok(subject.put(records).await?)
}

fn population<R: Generate>() -> impl Strategy<Value = Vec<R>> {
    strategy::records(0..24)
}

async fn generated_filters_find_what_the_reference_finds<R: Generate>(subject: &Subject) -> Outcome {
    let input = (population::<R>(), vec(strategy::filter::<R>(), 1..=ASKED));
    all(subject, input, async |subject: &Subject, (records, filters): (Vec<R>, Vec<Filter<R>>)| {
        store(subject, &records).await?;
        let check = |subject: Subject, filter: Filter<R>| {
            let matching = records.iter().filter(|record| filter.matches(record));
            let wanted: Vec<_> = matching.map(R::id).collect();
            async move { answers(&subject, &filter, &wanted).await }
        };
        subject.each(filters, check).await
    })
    .await
}

async fn generated_queries_page_as_the_reference_does<R: Generate>(subject: &Subject) -> Outcome {
    let input = (population::<R>(), vec(strategy::query::<R>(), 1..=ASKED));
    all(subject, input, async |subject: &Subject, (records, queries): (Vec<R>, Vec<Query<R>>)| {
        store(subject, &records).await?;
        let records: Vec<_> = records.into_iter().map(Arc::new).collect();
        let check = |subject: Subject, query: Query<R>| {
            let whole = memory_core::backend::select(&query.clone().limit(MAX_LIMIT), records.iter().cloned());
            async move {
                let wanted: Vec<_> = whole?.records.iter().map(|record| record.id()).collect();
                let found = subject.ids(&query).await.map_err(|failure| failure.at(format!("{query:?}")))?;
                equal(format!("what {query:?} finds"), &found, &wanted)
            }
        };
        subject.each(queries, check).await
    })
    .await
}

/// Generates a population, a filter, and a field to count by.
type Counting<R> = (Vec<R>, Vec<(Filter<R>, Field<R>)>);

async fn generated_counts_are_those_of_the_reference<R: Generate>(subject: &Subject) -> Outcome {
    let count = (strategy::filter::<R>(), strategy::query::ordering::<R>());
    let input = (population::<R>(), vec(count, 1..=ASKED));
    all(subject, input, async |subject: &Subject, (records, counts): Counting<R>| {
        store(subject, &records).await?;
        let check = |subject: Subject, (filter, by): (Filter<R>, Field<R>)| {
            let wanted = memory_core::backend::count(&filter, Some(&by), &records);
            async move {
                let what = format!("the count of {} by {}", shown(&filter), by.path());
                equal(what, &subject.count(&filter, Some(by)).await?, &wanted?)
            }
        };
        subject.each(counts, check).await
    })
    .await
}
