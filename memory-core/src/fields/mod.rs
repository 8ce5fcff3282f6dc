//! Names, types and values of record fields.

mod name;
mod scalar;

pub use name::{FieldDef, FieldName, FieldType};
pub use scalar::{FieldValue, Scalar};
