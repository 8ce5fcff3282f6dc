//! Rows as the page reads them: by the names of their fields.

use serde_json::{Map, Value};

use crate::report::{Row, Unit};

/// One row of the report.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) section: &'a str,
    pub(super) operation: &'a str,
    pub(super) system: &'a str,
    /// The median time of one operation, and its unit.
    pub(super) time: Option<(f64, Unit)>,
    /// All its fields.
    fields: Map<String, Value>,
}

impl<'a> Line<'a> {
    pub(super) fn of(row: &'a Row) -> Self {
        let fields = match serde_json::to_value(row) {
            Ok(Value::Object(fields)) => fields,
            // A row is a struct of plain fields.
            _ => Map::new(),
        };
        let Row { section, operation, system, .. } = row;
        Self { section, operation, system, time: row.time(), fields }
    }

    /// The names of the fields it has.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    pub(super) fn value(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    pub(super) fn number(&self, field: &str) -> Option<f64> {
        self.value(field)?.as_f64().filter(|number| number.is_finite())
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.value(field)?.as_str()
    }

    /// Two numbers.
    pub(super) fn ends(&self, field: &str) -> Option<[f64; 2]> {
        match self.value(field)?.as_array()?.as_slice() {
            [low, high] => Some([low.as_f64()?, high.as_f64()?]),
            _ => None,
        }
    }

    /// The median time in seconds, and those ends of it that the field holds.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.time.map(|(time, unit)| time / unit.per_second())
    }

    /// The ends that a field holds in the unit of the time, in seconds.
    pub(super) fn ends_in_seconds(&self, field: &str) -> Option<[f64; 2]> {
        let (_, unit) = self.time?;
        Some(self.ends(field)?.map(|end| end / unit.per_second()))
    }
}
