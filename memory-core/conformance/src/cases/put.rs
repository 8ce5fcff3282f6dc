//! Puts.

use memory_core::Query;
use std::slice::from_ref;

use crate::check::{Outcome, equal, invalid};
use crate::sample::Sample;
use crate::subject::Subject;

cases! {
    storage: [health_answers],
    each_kind: [
        a_new_store_is_empty,
        put_of_nothing_does_nothing,
        put_stores_every_record_of_a_batch,
        put_replaces_the_whole_record,
        put_keeps_the_last_of_a_repeated_id,
        put_with_one_bad_record_stores_nothing,
        put_with_one_bad_record_replaces_nothing,
        put_brings_a_deleted_record_back,
        put_is_seen_by_every_read,
    ],
}

async fn health_answers(subject: &Subject) -> Outcome {
    let health = subject.health().await?;
    equal("whether the backend has a name", &health.backend.is_empty(), &false)
}

async fn a_new_store_is_empty<R: Sample>(subject: &Subject) -> Outcome {
    equal("all records", &subject.ids(&Query::<R>::new()).await?, &Vec::new())
}

async fn put_of_nothing_does_nothing<R: Sample>(subject: &Subject) -> Outcome {
    subject.put::<R>(&[]).await?;
    equal("all records", &subject.ids(&Query::<R>::new()).await?, &Vec::new())
}

async fn put_stores_every_record_of_a_batch<R: Sample>(subject: &Subject) -> Outcome {
    let records = R::samples(0..1_000);
    subject.keeps(&records).await?;
    subject.put(&R::samples([1_000])).await?;
    subject.holds(&R::samples(0..=1_000)).await
}

async fn put_replaces_the_whole_record<R: Sample>(subject: &Subject) -> Outcome {
    for full in R::full() {
        let mut plain = R::sample(0);
        plain.set_id(full.id());
        subject.keeps(from_ref(&full)).await?;
        subject.keeps(&[plain]).await.map_err(|failure| failure.at("in place of a full record"))?;
        subject.keeps(&[full]).await.map_err(|failure| failure.at("in place of a plain record"))?;
    }
    Ok(())
}

async fn put_keeps_the_last_of_a_repeated_id<R: Sample>(subject: &Subject) -> Outcome {
    let [mut first, mut second, mut last] = [0; 3].map(R::sample);
    for (text, record) in ["first", "second", "last"].into_iter().zip([&mut first, &mut second, &mut last]) {
        text.clone_into(record.text().0);
    }
    let other = R::sample(1);
    subject.put(&[first, other.clone(), second, last.clone()]).await?;
    subject.holds(&[last, other]).await?;
    equal("how many there are", &subject.ids(&Query::<R>::new()).await?.len(), &2)
}

async fn put_with_one_bad_record_stores_nothing<R: Sample>(subject: &Subject) -> Outcome {
    for bad in [0, 5, 9] {
        let mut records = R::samples(0..10);
        *records[bad].reals()[0].1 = f64::NAN;
        invalid("a batch with a NaN in it", subject.put(&records).await)?;
        subject.lacks(records.iter().map(R::id)).await.map_err(|failure| failure.at("after a refused batch"))?;
    }
    Ok(())
}

async fn put_with_one_bad_record_replaces_nothing<R: Sample>(subject: &Subject) -> Outcome {
    let old = R::samples(0..3);
    subject.keeps(&old).await?;
    let mut new: Vec<R> = (0..3).map(|n| R::worded(n, "new")).collect();
    *new[2].reals()[0].1 = f64::INFINITY;
    invalid("a batch with an infinity in it", subject.put(&new).await)?;
    subject.holds(&old).await
}

async fn put_brings_a_deleted_record_back<R: Sample>(subject: &Subject) -> Outcome {
    let record = R::sample(0);
    subject.keeps(from_ref(&record)).await?;
    subject.delete(&[record.id()]).await?;
    subject.lacks([record.id()]).await?;
    subject.keeps(&[record]).await
}

async fn put_is_seen_by_every_read<R: Sample>(subject: &Subject) -> Outcome {
    for (text, other) in [("first", "second"), ("second", "first")] {
        let record = R::worded(0, text);
        subject.keeps(from_ref(&record)).await?;
        let is = |text: &'static str| R::text_field().eq(text);
        equal(format!("what {text:?} finds"), &subject.matching(&is(text)).await?, &vec![record.id()])?;
        equal(format!("what {other:?} finds"), &subject.matching(&is(other)).await?, &Vec::new())?;
        equal(format!("how many {text:?} counts"), &subject.count(&is(text), None).await?.total, &1)?;
        equal(format!("how many {other:?} counts"), &subject.count(&is(other), None).await?.total, &0)?;
    }
    Ok(())
}
