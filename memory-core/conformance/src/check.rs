//! Expectations of cases, and their failures.

use std::error::Error as _;
use std::fmt::{self, Debug, Display};

use serde_json::Value;

use memory_core::{Error, Record, RecordRef, Result, WriteId};

/// Result of a case.
pub(super) type Outcome = Result<(), Failure>;

/// The reason for which a case failed.
#[derive(Clone, Debug)]
pub(super) struct Failure(String);

/// Maximum length of a text in a failure, in bytes. Some records hold a
/// mebibyte.
const LONGEST: usize = 1_000;

impl Failure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(shortened(reason.into()))
    }

    /// Prefixes the failure with its subject.
    pub(super) fn at(self, place: impl Display) -> Self {
        Self(format!("{}: {}", shortened(place.to_string()), self.0))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Self::new(text)
    }
}

impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::new(format!("a task of the case: {error}"))
    }
}

/// Shortens a text that is too long to read.
pub(super) fn shortened(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}

pub(super) fn holds(condition: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(Failure::new(otherwise())) }
}

pub(super) fn equal<T: PartialEq + Debug + ?Sized>(what: impl Display, found: &T, wanted: &T) -> Outcome {
    holds(found == wanted, || format!("{what}: found {found:?} instead of {wanted:?}"))
}

/// Checks that two records are equal by their JSON, which distinguishes `-0.0`
/// from `0.0` and `1` from `1.0`.
pub(super) fn same<R: Record>(found: &R, wanted: &R) -> Outcome {
    let text = |record: &R| serde_json::to_string(record).map_err(|error| Failure::new(error.to_string()));
    if text(found)? == text(wanted)? {
        return Ok(());
    }
    let json = |record: &R| serde_json::to_value(record).map_err(|error| Failure::new(error.to_string()));
    match difference(&json(found)?, &json(wanted)?) {
        None => Ok(()),
        Some(difference) => Err(Failure::new(difference).at(RecordRef::from(wanted.id()))),
    }
}

/// Returns the first difference between two JSON values: its path, and both
/// values.
fn difference(found: &Value, wanted: &Value) -> Option<String> {
    let below = |place: String, found: &Value, wanted: &Value| {
        difference(found, wanted).map(|difference| format!("{place}{difference}"))
    };
    match (found, wanted) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(key, value)| below(format!(".{key}"), value, &b[key]))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(index, (a, b))| below(format!("[{index}]"), a, b))
        }
        _ => {
            let (found, wanted) = (found.to_string(), wanted.to_string());
            (found != wanted).then(|| format!(" is {} instead of {}", shortened(found), shortened(wanted)))
        }
    }
}

/// Checks that the call was refused as invalid input, naming this field and, if
/// a record was refused, this record.
pub(super) fn refused<T: Debug>(
    what: impl Display,
    result: Result<T>,
    about: Option<RecordRef>,
    about_field: &str,
) -> Outcome {
    match result {
        Err(Error::InvalidInput { record, field, .. }) => {
            equal(format!("{what}: the record named in the refusal"), &record, &about)?;
            equal(format!("{what}: the field named in the refusal"), field.as_str(), about_field)
        }
        Err(error) => Err(Failure::from(error).at("not refused as invalid input").at(what)),
        Ok(answer) => Err(Failure::new(format!("accepted, with the answer {answer:?}")).at(what)),
    }
}

/// Checks that the call was refused as invalid input.
pub(super) fn invalid<T: Debug>(what: impl Display, result: Result<T>) -> Outcome {
    match result {
        Err(Error::InvalidInput { .. }) => Ok(()),
        Err(error) => Err(Failure::from(error).at("not refused as invalid input").at(what)),
        Ok(answer) => Err(Failure::new(format!("accepted, with the answer {answer:?}")).at(what)),
    }
}

/// Checks that the write was refused as fenced, with an error that is neither
/// transient nor indeterminate.
pub(super) fn fenced<T: Debug>(what: impl Display, result: Result<T>, id: WriteId) -> Outcome {
    match result {
        Err(error @ Error::Fenced { write, .. }) => {
            equal(format!("{what}: the write named in the refusal"), &write, &id)?;
            let certain = !error.is_transient() && !error.outcome_unknown();
            holds(certain, || format!("{what}: the refusal is reported as transient or indeterminate"))
        }
        Err(error) => Err(Failure::from(error).at("not refused as fenced").at(what)),
        Ok(answer) => Err(Failure::new(format!("accepted, with the answer {answer:?}")).at(what)),
    }
}
