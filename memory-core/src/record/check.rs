//! Record size and limit validation.

use serde_json::Value;

use crate::error::Result;
use crate::limits::{MAX_DEPTH, MAX_KEY_TEXT, MAX_METADATA_KEY, MAX_RECORD};
use crate::{Error, Metadata};

const RESERVED: &str = "$serde_json::private::";

/// The state of a walk through a record's content: its size, and the first
/// violation of a limit.
#[derive(Debug)]
pub struct Check {
    content: usize,
    error: Option<Error>,
}

impl Check {
    pub const fn new() -> Self {
        Self { content: 0, error: None }
    }

    fn refuse(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.error.get_or_insert_with(|| Error::invalid_input(field, reason));
    }

    pub fn text(&mut self, text: &str) {
        self.content += text.len();
    }

    /// Counts and checks a text that backends keep in indexes.
    pub fn key_text(&mut self, field: impl FnOnce() -> String, text: &str) {
        self.text(text);
        if text.len() > MAX_KEY_TEXT {
            self.refuse(field(), format!("{} bytes; the maximum is {MAX_KEY_TEXT}", text.len()));
        }
    }

    pub fn texts(&mut self, texts: &[String]) {
        self.scalars(texts.len());
        self.content += texts.iter().map(String::len).sum::<usize>();
    }

    pub const fn scalars(&mut self, count: usize) {
        self.content += 8 * count;
    }

    pub fn real(&mut self, field: &str, value: f64) {
        self.scalars(1);
        if !value.is_finite() {
            self.refuse(field, format!("{value} is not a finite number"));
        }
    }

    /// Counts and checks a share, such as a confidence or a success rate.
    pub fn rate(&mut self, field: &str, value: f64) {
        self.real(field, value);
        if !(0.0..=1.0).contains(&value) {
            self.refuse(field, format!("{value} is outside 0 to 1"));
        }
    }

    pub fn metadata(&mut self, field: impl Fn() -> String, metadata: &Metadata) {
        for (key, value) in metadata {
            self.text(key);
            if key.len() > MAX_METADATA_KEY {
                self.refuse(field(), format!("a key of {} bytes; the maximum is {MAX_METADATA_KEY}", key.len()));
            }
            self.reserved(&field, key);
            if let Some(number) = self.json(&field, value) {
                self.refuse(field(), format!("{number} at key `{}` is outside i64", key.escape_debug()));
            }
        }
        if let Some((key, number)) = metadata.not_finite() {
            self.refuse(field(), format!("{number} at key `{}` is not a finite number", key.escape_debug()));
        }
    }

    /// Refuses the keys by which `serde_json`, depending on its features, marks
    /// values that are not objects. A value under such a key might not read
    /// back as it was written.
    fn reserved(&mut self, field: impl Fn() -> String, key: &str) {
        if key.starts_with(RESERVED) {
            self.refuse(field(), format!("the key `{}` is reserved by serde_json", key.escape_debug()));
        }
    }

    /// Walks a JSON value, without recursion since its depth is not yet known.
    /// Returns the first integer that is a `u64` and not an `i64`.
    pub fn json(&mut self, field: impl Fn() -> String, value: &Value) -> Option<u64> {
        let mut beyond = None;
        let mut open = vec![(value, 0)];
        while let Some((value, depth)) = open.pop() {
            if depth > MAX_DEPTH {
                self.refuse(field(), format!("JSON nested deeper than {MAX_DEPTH}"));
                break;
            }
            match value {
                Value::String(text) => self.text(text),
                Value::Array(items) => {
                    self.scalars(1 + items.len());
                    open.extend(items.iter().map(|item| (item, depth + 1)));
                }
                Value::Object(fields) => {
                    self.scalars(1);
                    self.content += fields.keys().map(String::len).sum::<usize>();
                    fields.keys().for_each(|key| self.reserved(&field, key));
                    open.extend(fields.values().map(|field| (field, depth + 1)));
                }
                Value::Number(number) if number.is_i64() || number.is_u64() => {
                    self.scalars(1);
                    beyond = beyond.or(number.as_u64().filter(|_| !number.is_i64()));
                }
                Value::Number(number) => {
                    // With `serde_json/arbitrary_precision`, a number is a text
                    // of any length whose syntax alone has been checked.
                    let text = number.to_string();
                    self.content += text.len().max(8);
                    if !text.contains(['.', 'e', 'E']) {
                        self.refuse(field(), format!("{text} is outside i64 and u64"));
                    } else if !number.as_f64().is_some_and(f64::is_finite) {
                        self.refuse(field(), format!("{text} is not a finite number"));
                    }
                }
                Value::Null | Value::Bool(_) => self.scalars(1),
            }
        }
        beyond
    }

    /// Returns the number of bytes counted.
    pub const fn content(&self) -> usize {
        self.content
    }

    pub fn finish(self) -> Result<()> {
        match self.error {
            Some(error) => Err(error),
            None if self.content > MAX_RECORD => Err(Error::invalid_input(
                "record",
                format!("{} bytes of content; the maximum is {MAX_RECORD}", self.content),
            )),
            None => Ok(()),
        }
    }
}
