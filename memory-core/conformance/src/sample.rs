//! Sample records of each kind.

mod episode;
mod heuristic;
mod pattern;

use serde_json::json;

use super::hostile::{KEYS, TEXTS};
use super::marked;
use super::strategy::pool::{self, COMPLEXITIES, COUNTS, INTEGERS, RATES, REALS, TIMES};
use memory_core::limits::{MAX_KEY_TEXT, MAX_METADATA_KEY};
use memory_core::{Complexity, Field, Id, MemoryStorage, Metadata, Record, Store, TaskContext, Timestamp};

/// Sample records of a kind, for cases that run on every kind.
pub(super) trait Sample: Record {
    /// Returns the part of a storage that keeps this kind.
    fn store(storage: &dyn MemoryStorage) -> &dyn Store<Self>;

    /// Returns the plain record number `n`. Its id, time and text grow with
    /// `n`; other fields are empty.
    fn sample(n: u64) -> Self;

    /// Returns records that fill every field in every variant, numbered from 0.
    fn full() -> Vec<Self>;

    /// Returns the record number `n` of a varied population.
    fn varied(n: usize) -> Self;

    /// Returns records with this text in every field that can hold it.
    fn saying(text: &str) -> Vec<Self>;

    /// Returns every real of the record, with the field name that a refusal
    /// gives.
    fn reals(&mut self) -> Vec<(&'static str, &mut f64)>;

    /// Returns a text of the record, and its field.
    fn text(&mut self) -> (&mut String, Field<Self>);

    /// Returns a text of the record that only the record's size limits.
    fn long_text(&mut self) -> &mut String;

    /// Returns the time of the default order.
    fn time(&mut self) -> &mut Timestamp;

    fn metadata_mut(&mut self) -> &mut Metadata;

    fn set_id(&mut self, id: Id<Self>);

    /// Returns the plain records of these numbers.
    fn samples(numbers: impl IntoIterator<Item = u64>) -> Vec<Self> {
        numbers.into_iter().map(Self::sample).collect()
    }

    /// Returns the plain record number `n` with this metadata.
    fn tagged(n: u64, metadata: impl Into<Metadata>) -> Self {
        let mut record = Self::sample(n);
        *record.metadata_mut() = metadata.into();
        record
    }

    /// Returns the plain record number `n` with this time.
    fn timed(n: u64, micros: i64) -> Self {
        let mut record = Self::sample(n);
        *record.time() = pool::time(micros);
        record
    }

    /// Returns the plain record number `n` with this text.
    fn worded(n: u64, text: &str) -> Self {
        let mut record = Self::sample(n);
        text.clone_into(record.text().0);
        record
    }

    /// Returns the plain record number `n` with this text in a field that
    /// allows long texts.
    fn verbose(n: u64, text: &str) -> Self {
        let mut record = Self::sample(n);
        text.clone_into(record.long_text());
        record
    }

    /// Returns the field of the text.
    fn text_field() -> Field<Self> {
        Self::sample(0).text().1
    }

    /// Returns the field of the first of [`Self::reals`].
    fn real_field() -> Field<Self>;

    /// Returns the plain record number `n` with this real.
    fn measured(n: u64, real: f64) -> Self {
        let mut record = Self::sample(n);
        *record.reals()[0].1 = real;
        record
    }

    /// Returns the field of the time.
    fn time_field() -> Field<Self> {
        Field::named(Self::TIME.name()).expect("every kind has its time")
    }

    /// Returns a population for filters on the record's own fields and on
    /// metadata.
    fn population() -> Vec<Self> {
        (0..40).map(Self::varied).collect()
    }
}

/// Returns true if one of [`Sample::reals`] is a share, from 0 to 1.
pub(super) fn is_rate(real: &str) -> bool {
    real == "confidence" || real.ends_with("success_rate")
}

/// Returns the time of the plain record number `n`.
pub(super) fn moment(n: u64) -> Timestamp {
    let micros = 1_700_000_000_000_000 + i64::try_from(n).unwrap_or_default() * 1_000_000;
    pool::time(micros)
}

/// Returns the `n`-th value of a pool, cyclically and in strides.
fn nth<T: Clone>(pool: &[T], n: usize, stride: usize) -> T {
    pool[n * stride % pool.len()].clone()
}

fn text(n: usize, stride: usize) -> String {
    nth(TEXTS, n, stride).to_owned()
}

/// Returns `None` for every third record.
fn maybe<T>(n: usize, value: T) -> Option<T> {
    (!n.is_multiple_of(3)).then_some(value)
}

fn times(n: usize) -> Timestamp {
    pool::time(nth(TIMES, n, 1))
}

fn real(n: usize, stride: usize) -> f64 {
    nth(REALS, n, stride)
}

fn rate(n: usize, stride: usize) -> f64 {
    nth(RATES, n, stride)
}

fn count(n: usize) -> u32 {
    nth(COUNTS, n, 1)
}

fn ids<R>(n: usize) -> Vec<Id<R>> {
    (0..n % 4).map(|rest| marked((rest * 7 + n) as u64 % pool::IDS)).collect()
}

fn varied_context(n: usize) -> TaskContext {
    TaskContext {
        domain: text(n, 1),
        language: maybe(n, text(n, 3)),
        framework: maybe(n + 1, text(n, 5)),
        complexity: nth(COMPLEXITIES, n, 1),
        tags: (0..n % 4).map(|tag| text(n + tag, 7)).collect(),
    }
}

fn full_context() -> TaskContext {
    TaskContext {
        domain: "web".to_owned(),
        language: Some("rust".to_owned()),
        framework: Some("axum".to_owned()),
        complexity: Complexity::Complex,
        tags: vec!["auth".to_owned(), "form".to_owned(), "auth".to_owned()],
    }
}

fn worded_context(text: &str) -> TaskContext {
    let text = key_text(text);
    TaskContext {
        domain: text.to_owned(),
        language: Some(text.to_owned()),
        framework: Some(text.to_owned()),
        tags: vec![text.to_owned(), String::new(), text.to_owned()],
        ..TaskContext::default()
    }
}

/// Truncates a text to the length that a context allows.
fn key_text(text: &str) -> &str {
    let mut end = text.len().min(MAX_KEY_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Returns metadata with values of every JSON type under few keys. The same key
/// holds different types in different records, and is missing in some.
fn varied_metadata(n: usize) -> Metadata {
    let mut metadata = Metadata::new();
    let value = match n % 11 {
        0 => json!(null),
        1 => json!(true),
        2 => json!(1),
        3 => json!(1.0),
        4 => json!("1"),
        5 => json!([1, true, null, "web", [2], {"a": 3}]),
        6 => json!({"a": {"b": 1}, "a.b": 2, "": {"": "deep"}}),
        7 => json!(nth(INTEGERS, n, 1)),
        8 => json!(real(n, 1)),
        9 => json!(text(n, 1)),
        _ => return metadata,
    };
    metadata.insert("k", value);
    metadata.insert(nth(KEYS, n, 1), text(n, 3));
    metadata.insert(nth(KEYS, n, 5), nth(INTEGERS, n, 5));
    metadata
}

fn full_metadata() -> Metadata {
    Metadata::from_iter([
        ("null", json!(null)),
        ("bool", json!(true)),
        ("integer", json!(-3)),
        ("real", json!(0.1)),
        ("text", json!("s77")),
        ("list", json!([1, [2.5, "x"], {}])),
        ("object", json!({"a": {"b": [false]}})),
    ])
}

fn worded_metadata(text: &str) -> Metadata {
    let mut metadata = Metadata::from_iter([
        ("text", json!(text)),
        ("list", json!([text, [text]])),
        ("object", json!({ text: { text: text } })),
    ]);
    if text.len() <= MAX_METADATA_KEY {
        metadata.insert(text, "under it");
    }
    metadata
}
