//! Statements and answers in the protocol's words.

use bytes::Bytes;
use libsql_hrana::proto::{
    Batch, BatchStreamReq, CloseStreamReq, PipelineReqBody, Stmt, StreamRequest, Value as HranaValue,
};
use memory_core::{Error, Result};

use super::answer::{Answer, BatchResult, Row, ServerError};
use super::failure::Failure;
use crate::sql::{Statement, Value};

/// One request that leaves nothing open at the server: a batch on a new
/// stream, which is closed at once.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) body: Bytes,
    /// The steps of its batch.
    pub(super) steps: usize,
}

impl Request {
    pub(super) fn new(operation: &str, batch: Batch) -> Result<Self> {
        let steps = batch.steps.len();
        let requests = vec![StreamRequest::Batch(BatchStreamReq { batch }), StreamRequest::Close(CloseStreamReq {})];
        let body = serde_json::to_vec(&PipelineReqBody { baton: None, requests })
            .map_err(|error| Error::invalid_input(operation, format!("the request has no JSON form: {error}")))?;
        Ok(Self { body: body.into(), steps })
    }
}

/// Returns the outcome of the batch of such a request, which had so many steps: its
/// result, or the server's error about all of it.
pub(super) fn batch_result(
    operation: &str,
    body: &[u8],
    steps: usize,
) -> Result<Result<BatchResult, ServerError>, Failure> {
    // Checked as a whole, since what is skipped would not be.
    let text = std::str::from_utf8(body).map_err(|error| Failure::unreadable(operation, &error.to_string()))?;
    let answer: Answer =
        serde_json::from_str(text).map_err(|error| Failure::unreadable(operation, &error.to_string()))?;
    match answer.batch() {
        Some(Ok(batch)) => {
            let (results, errors) = (batch.step_results.len(), batch.step_errors.len());
            if (results, errors) == (steps, steps) {
                return Ok(Ok(batch));
            }
            // Which step says what would be a guess.
            let how = format!("{results} results and {errors} errors of {steps} steps");
            Err(Failure::unreadable(operation, &how))
        }
        Some(Err(error)) => Ok(Err(error)),
        None => Err(Failure::unreadable(operation, "it holds no result of the batch")),
    }
}

/// The rows of one step, or its error, or what stopped the batch before it.
pub(super) fn step_rows(operation: &str, mut result: BatchResult, step: usize) -> Result<Vec<Row>, Failure> {
    if let Some(rows) = result.step_results.get_mut(step).and_then(Option::take) {
        return Ok(rows.rows);
    }
    Err(first_error(operation, &result))
}

/// Why a batch did not get to its end.
pub(super) fn first_error(operation: &str, result: &BatchResult) -> Failure {
    match result.step_errors.iter().flatten().next() {
        Some(error) => Failure::server(operation, error),
        None => Failure::unreadable(operation, "a step of the batch has neither a result nor an error"),
    }
}

pub(super) fn stmt(statement: Statement, want_rows: bool) -> Stmt {
    let mut stmt = Stmt::new(statement.sql, want_rows);
    stmt.args = statement.args.into_iter().map(value).collect();
    stmt
}

fn value(value: Value) -> HranaValue {
    match value {
        Value::Null => HranaValue::Null,
        Value::Integer(value) => HranaValue::Integer { value },
        Value::Text(text) | Value::Json(text) => HranaValue::Text { value: text.into() },
    }
}

/// Rows as one JSON array of arrays, in which JSON stays JSON.
pub(super) fn row_list(rows: &[Vec<Value>]) -> String {
    let mut list = String::from("[");
    for (number, row) in rows.iter().enumerate() {
        list.push_str(if number > 0 { ",[" } else { "[" });
        for (number, value) in row.iter().enumerate() {
            if number > 0 {
                list.push(',');
            }
            match value {
                Value::Null => list.push_str("null"),
                Value::Integer(integer) => list.push_str(&integer.to_string()),
                Value::Text(text) => list.push_str(&serde_json::Value::from(text.as_str()).to_string()),
                Value::Json(text) => list.push_str(text),
            }
        }
        list.push(']');
    }
    list.push(']');
    list
}

/// Returns the bytes of a row in a [`row_list`], with its comma.
pub(super) fn row_len(row: &[Value]) -> usize {
    let len = |value: &Value| match value {
        Value::Null => "null".len(),
        Value::Integer(_) => "-9223372036854775808".len(),
        Value::Text(text) => "\"\"".len() + text.bytes().map(escaped_len).sum::<usize>(),
        Value::Json(text) => text.len(),
    };
    row.iter().map(|value| len(value) + 1).sum::<usize>() + "[],".len()
}

/// Returns the most bytes that JSON needs for a byte of a text.
const fn escaped_len(byte: u8) -> usize {
    match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_no_longer_than_its_length_says() {
        let text = "a\"\\\u{0}\n\u{7f}ö👍";
        let row = vec![Value::Null, i64::MIN.into(), text.into(), Value::Json(r#"{"a":[1,2]}"#.to_owned())];
        let length = row_list(std::slice::from_ref(&row)).len();
        assert!((length..length + 10).contains(&row_len(&row)), "{length} and {}", row_len(&row));
    }
}
