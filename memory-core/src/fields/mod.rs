//! Fields of records: their names, their types and their values.

mod name;
mod scalar;

pub use name::{FieldDef, FieldName, FieldType};
pub use scalar::{FieldValue, Scalar};
