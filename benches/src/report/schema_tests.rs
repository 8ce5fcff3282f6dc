//! SCHEMA.md names exactly the fields that there are.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::{Environment, Input, Ran, Report, Row, SCHEMA_VERSION};
use crate::{Scope, Settings, Trajectories};

const SCHEMA: &str = include_str!("../../SCHEMA.md");

/// Deserializes nothing, but tells which fields a struct asks for.
#[derive(Debug)]
struct Fields(&'static [&'static str]);

struct Asked;

impl<'de> Deserializer<'de> for Asked {
    type Error = Fields;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
        Err(Fields(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fields> {
        Err(Fields(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Fields {}

impl de::Error for Fields {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

fn fields_of<T: for<'de> Deserialize<'de> + fmt::Debug>() -> BTreeSet<String> {
    let Fields(fields) = T::deserialize(Asked).unwrap_err();
    fields.iter().map(|field| (*field).to_owned()).collect()
}

/// The names in the first column of the table of fields after a heading.
fn documented(heading: &str) -> BTreeSet<String> {
    let part = SCHEMA.split("\n# ").find(|part| part.starts_with(heading)).unwrap();
    let table = part.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = table.take_while(|line| line.starts_with('|'));
    let names = rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2));
    names.map(str::to_owned).collect()
}

#[test]
fn the_schema_documents_every_field_and_no_other() {
    assert_eq!(documented("Report"), fields_of::<Report>());
    assert_eq!(documented("`environment`"), fields_of::<Environment>());
    assert_eq!(documented("`sections`"), fields_of::<Ran>());
    assert_eq!(documented("`results`"), fields_of::<Row>());
    // Flattened, so that only a value shows all of it.
    let report = Report::new(&Settings::new(Scope::Quick, 1, Trajectories::generate(1, 1)), Vec::new());
    let input = serde_json::to_value(&report.input).unwrap();
    assert_eq!(documented("`input`"), input.as_object().unwrap().keys().cloned().collect());
    assert_eq!(serde_json::from_value::<Input>(input).unwrap(), report.input);
}

#[test]
fn the_schema_names_its_version() {
    assert!(SCHEMA.contains(&format!("| `schema_version` | {SCHEMA_VERSION}.")), "raise the version in SCHEMA.md, too");
}

#[test]
fn a_report_comes_back_from_its_json() {
    let mut row = Row::new("local", "get \"warm\"", "ours");
    row.range = Some([1.0, 2.5]);
    let settings = Settings::new(Scope::Quick, 1, Trajectories::generate(1, 1));
    let mut report = Report::new(&settings, vec![row]);
    report.stop(super::Stopped::Failure("disk full".to_owned()));
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    assert!(json.contains(r#""complete":false,"stopped":{"by":"failure","message":"disk full"}"#), "{json}");
    report.stop(super::Stopped::Interrupt);
    assert!(serde_json::to_string(&report).unwrap().contains(r#""stopped":{"by":"interrupt"}"#));
}
