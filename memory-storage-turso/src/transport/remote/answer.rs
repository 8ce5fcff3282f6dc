//! Answers of a server, read as the Hrana 3 specification allows them.
//!
//! Optional fields may be absent or null, unknown fields are skipped, and
//! fields that nothing here uses are not read at all: `baton`, `base_url`,
//! `cols`, `affected_row_count`, `last_insert_rowid`. What the specification
//! requires and a result depends on is required here: the two lists of a batch
//! result, the rows of a statement and the type of each value.
//!
//! An answer takes at most a few times its bytes in memory: lists have
//! limits, since `null,` stands for a result and `[],` for a row, and nothing
//! unknown is built.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use memory_core::Result;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::sql::{Columns, unexpected};

/// Servers send base64 with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The most steps, and the most rows of one step, that an answer may hold: a
/// write has at most a few steps for each of its records, and a read at most
/// 20,001 rows.
const MAX_ITEMS: usize = 1 << 16;

/// The answer to a pipeline: the result of its first request.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(deserialize_with = "first")]
    results: Option<StreamResult>,
}

/// The result of one request of a pipeline. A single struct for both kinds,
/// since serde buffers the content of a tagged enum.
#[derive(Debug, Deserialize)]
struct StreamResult {
    #[serde(rename = "type")]
    kind: String,
    response: Option<StreamResponse>,
    error: Option<ServerError>,
}

#[derive(Debug, Deserialize)]
struct StreamResponse {
    result: Option<BatchResult>,
}

/// The result of a batch: for each step a result, an error, or neither if the
/// step was skipped.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct BatchResult {
    #[serde(default, deserialize_with = "bounded")]
    pub(super) step_results: Vec<Option<StmtResult>>,
    #[serde(default, deserialize_with = "bounded")]
    pub(super) step_errors: Vec<Option<ServerError>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct StmtResult {
    #[serde(deserialize_with = "rows")]
    pub(super) rows: Vec<Row>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Row {
    pub(super) values: Vec<Value>,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    /// No column that is read holds one.
    Float,
    Text(String),
    Blob(Vec<u8>),
}

/// An error of a server: of a request, or of one step of a batch.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct ServerError {
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) message: String,
    /// Optional, and empty where a server sends none.
    #[serde(default, deserialize_with = "text_or_empty")]
    pub(super) code: String,
}

impl Answer {
    /// The result of the batch, which is the first request of each pipeline.
    /// `None` if the answer holds none.
    pub(super) fn batch(self) -> Option<Result<BatchResult, ServerError>> {
        let result = self.results?;
        match (result.kind.as_str(), result.response, result.error) {
            ("ok", Some(StreamResponse { result: Some(batch) }), _) => Some(Ok(batch)),
            ("error", _, error) => Some(Err(error.unwrap_or_default())),
            _ => None,
        }
    }
}

/// Reads the first element of a list and skips the others.
fn first<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct First<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for First<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of results")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<T>, A::Error> {
            let first = list.next_element()?;
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }

    deserializer.deserialize_seq(First(PhantomData))
}

/// Reads a list of at most [`MAX_ITEMS`] items.
fn bounded<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct Bounded<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut items = Vec::new();
            while let Some(item) = list.next_element()? {
                push(&mut items, item)?;
            }
            Ok(items)
        }
    }

    deserializer.deserialize_seq(Bounded(PhantomData))
}

/// Reads rows, all of one width.
fn rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Row>, D::Error> {
    struct Rows;

    impl<'de> Visitor<'de> for Rows {
        type Value = Vec<Row>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of rows")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Row>, A::Error> {
            let (mut rows, mut width) = (Vec::new(), None);
            while let Some(row) = list.next_element_seed(RowOf(width))? {
                width = Some(row.values.len());
                push(&mut rows, row)?;
            }
            Ok(rows)
        }
    }

    deserializer.deserialize_seq(Rows)
}

/// Reads a row of as many values as the ones before it.
struct RowOf(Option<usize>);

impl<'de> DeserializeSeed<'de> for RowOf {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowOf {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Row, A::Error> {
        let mut values = Vec::with_capacity(self.0.unwrap_or(0));
        while let Some(value) = list.next_element()? {
            push(&mut values, value)?;
        }
        if values.is_empty() || self.0.is_some_and(|width| width != values.len()) {
            return Err(de::Error::custom(format_args!("a row of {} values", values.len())));
        }
        Ok(Row { values })
    }
}

fn push<T, E: de::Error>(items: &mut Vec<T>, item: T) -> Result<(), E> {
    if items.len() == MAX_ITEMS {
        return Err(E::custom(format_args!("a list of more than {MAX_ITEMS} items")));
    }
    items.push(item);
    Ok(())
}

fn text_or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The field `value` of a value, whose JSON type depends on the field `type`,
/// which may come after it.
enum Content {
    Text(String),
    Integer(i64),
    Other,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self::Other)
    }
}

/// Builds nothing but texts and integers, whatever there is.
impl<'de> Visitor<'de> for Content {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self, E> {
        Ok(Self::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Self, E> {
        Ok(Self::Text(text))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Self, E> {
        Ok(Self::Integer(integer))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Self, E> {
        Ok(i64::try_from(integer).map_or(Self::Other, Self::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(Self::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(Self::Other)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(Self::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::Other)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value with its type")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
                let (mut kind, mut content, mut base64) = (None, None, None);
                while let Some(Text(name)) = fields.next_key()? {
                    match &*name {
                        "type" => kind = Some(fields.next_value::<Text<'de>>()?.0),
                        "value" => content = Some(fields.next_value::<Content>()?),
                        "base64" => base64 = Some(fields.next_value::<Text<'de>>()?.0),
                        _ => drop(fields.next_value::<IgnoredAny>()?),
                    }
                }
                value(kind.as_deref(), content, base64.as_deref()).map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

/// A text, borrowed if it holds no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn value(kind: Option<&str>, content: Option<Content>, base64: Option<&str>) -> Result<Value, String> {
    match (kind, content, base64) {
        (Some("null"), _, _) => Ok(Value::Null),
        // A text, since JavaScript's numbers lose precision.
        (Some("integer"), Some(Content::Text(text)), _) => {
            text.parse().map(Value::Integer).map_err(|_| "an integer that is none".to_owned())
        }
        (Some("integer"), Some(Content::Integer(integer)), _) => Ok(Value::Integer(integer)),
        (Some("float"), Some(Content::Other | Content::Integer(_)), _) => Ok(Value::Float),
        (Some("text"), Some(Content::Text(text)), _) => Ok(Value::Text(text)),
        (Some("blob"), _, Some(text)) => {
            BASE64.decode(text).map(Value::Blob).map_err(|_| "a blob that is not base64".to_owned())
        }
        (Some(kind @ ("integer" | "float" | "text" | "blob")), ..) => {
            Err(format!("a value of type `{kind}` without its value"))
        }
        (Some(kind), ..) => Err(format!("a value of the unknown type `{kind}`")),
        (None, ..) => Err("a value without a type".to_owned()),
    }
}

impl Columns for Row {
    fn optional_text(&self, column: usize) -> Result<Option<Cow<'_, str>>> {
        match self.values.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(Cow::Borrowed(text))),
            Some(Value::Blob(bytes)) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(Cow::Borrowed(text))),
                Err(_) => Err(unexpected(column, "UTF-8")),
            },
            _ => Err(unexpected(column, "a text")),
        }
    }

    fn optional_integer(&self, column: usize) -> Result<Option<i64>> {
        match self.values.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Integer(value)) => Ok(Some(*value)),
            _ => Err(unexpected(column, "an integer")),
        }
    }
}

#[cfg(test)]
mod tests;
