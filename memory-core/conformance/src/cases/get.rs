//! Reads by id.

use std::slice::from_ref;

use crate::check::{Outcome, equal, holds};
use crate::marked;
use crate::sample::Sample;
use crate::subject::Subject;
use memory_core::limits::MAX_PER_CALL;
use memory_core::{Episode, Heuristic, Id, Pattern};

cases! {
    storage: [get_keeps_the_kinds_apart],
    each_kind: [
        get_answers_in_the_order_asked,
        get_answers_each_repeated_id,
        get_answers_none_for_a_missing_id,
        get_of_no_ids_answers_nothing,
        get_answers_as_many_ids_as_a_call_may_have,
    ],
}

async fn get_keeps_the_kinds_apart(subject: &Subject) -> Outcome {
    let (episode, pattern, heuristic) = (Episode::sample(0), Pattern::sample(0), Heuristic::sample(0));
    subject.keeps(from_ref(&episode)).await?;
    subject.lacks([pattern.id]).await?;
    subject.lacks([heuristic.id]).await?;
    subject.keeps(&[pattern]).await?;
    subject.keeps(from_ref(&heuristic)).await?;
    subject.delete(&[marked::<Pattern>(0)]).await?;
    subject.lacks([marked::<Pattern>(0)]).await?;
    subject.holds(&[episode]).await?;
    subject.holds(&[heuristic]).await
}

/// Returns the ids of the records that were found for each id.
async fn found<R: Sample>(subject: &Subject, ids: &[Id<R>]) -> memory_core::Result<Vec<Option<Id<R>>>> {
    Ok(subject.get(ids).await?.iter().map(|record| record.as_ref().map(|record| record.id())).collect())
}

async fn get_answers_in_the_order_asked<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..50)).await?;
    for stride in [1, 7, 49] {
        let ids: Vec<_> = (0..50).map(|n| marked(n * stride % 50)).collect();
        let wanted: Vec<_> = ids.iter().copied().map(Some).collect();
        equal("the answers", &found::<R>(subject, &ids).await?, &wanted)?;
    }
    Ok(())
}

async fn get_answers_each_repeated_id<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples(0..3)).await?;
    let ids = [1, 0, 1, 1, 9, 2, 0, 9].map(marked);
    let wanted = ids.map(|id| Some(id).filter(|id| *id != marked(9)));
    equal("the answers", found::<R>(subject, &ids).await?.as_slice(), &wanted)
}

async fn get_answers_none_for_a_missing_id<R: Sample>(subject: &Subject) -> Outcome {
    equal("the answer of an empty store", found::<R>(subject, &[marked(0)]).await?.as_slice(), &[None])?;
    subject.put(&R::samples([0, 2])).await?;
    let wanted = [Some(marked(0)), None, Some(marked(2)), None];
    equal("the answers", found::<R>(subject, &[0, 1, 2, 3].map(marked)).await?.as_slice(), &wanted)
}

async fn get_of_no_ids_answers_nothing<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([0])).await?;
    equal("the answers", &found::<R>(subject, &[]).await?, &Vec::new())
}

async fn get_answers_as_many_ids_as_a_call_may_have<R: Sample>(subject: &Subject) -> Outcome {
    subject.put(&R::samples([3, 9_999])).await?;
    let ids: Vec<Id<R>> = (0..MAX_PER_CALL as u64).map(marked).collect();
    let answers = found::<R>(subject, &ids).await?;
    equal("how many answers there are", &answers.len(), &ids.len())?;
    for (index, answer) in answers.into_iter().enumerate() {
        let wanted = matches!(index, 3 | 9_999).then_some(ids[index]);
        holds(answer == wanted, || format!("answer {index} is {answer:?} instead of {wanted:?}"))?;
    }
    Ok(())
}
