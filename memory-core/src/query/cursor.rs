//! Cursors of pages.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Query, Scalar};
use crate::error::Result;
use crate::{Error, Record};

/// A keyset cursor: the position after the last record of a page. It stays
/// valid while records are added and deleted.
///
/// The printed form is opaque text of unspecified length, since it holds the
/// last record's sort value. An application may hand it out and take it back: a
/// cursor is checked against damage and against the query that uses it. It is
/// neither secret nor protected against forgery.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor(Vec<u8>);

/// A position in the results of a query: after the record with this sort value
/// and id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The record's value at the field that orders the query. `None` if the
    /// record has no single value there and comes last.
    pub value: Option<Scalar<'static>>,
    /// The record's id.
    pub id: Uuid,
}

/// Version of the format: the first byte of every cursor.
const VERSION: u8 = 1;
/// Length of the header in bytes: version, checksum, fingerprint of the query.
const HEADER: usize = 1 + 4 + 16;

impl Cursor {
    /// Creates the cursor after `last`, the last record of a page of `query`.
    pub fn after<R: Record>(query: &Query<R>, last: &R) -> Self {
        let position = query.order.position(last);
        let mut bytes = vec![VERSION, 0, 0, 0, 0];
        bytes.extend(fingerprint(query).as_bytes());
        // Texts, numbers and ids always have a JSON form.
        bytes.extend(serde_json::to_vec(&position).unwrap_or_default());
        let sum = crc32fast::hash(&bytes[5..]).to_le_bytes();
        bytes[1..5].copy_from_slice(&sum);
        Self(bytes)
    }

    /// Returns the position at which the next page of `query` begins.
    pub(super) fn position<R: Record>(&self, query: &Query<R>) -> Result<Position> {
        if self.0[5..HEADER] != *fingerprint(query).as_bytes() {
            return Err(refused("it belongs to a query with another filter or order"));
        }
        serde_json::from_slice(&self.0[HEADER..]).map_err(|_| refused("it holds no position"))
    }

    fn check(bytes: Vec<u8>) -> Result<Self> {
        match bytes.as_slice() {
            [] => Err(refused("it is empty")),
            [VERSION, rest @ ..] if rest.len() > HEADER - 1 => {
                let (sum, body) = rest.split_at(4);
                if crc32fast::hash(body).to_le_bytes() == *sum {
                    Ok(Self(bytes))
                } else {
                    Err(refused("it is damaged"))
                }
            }
            [VERSION, ..] => Err(refused("it is cut short")),
            [version, ..] => Err(refused(&format!("it has version {version}; this library reads version {VERSION}"))),
        }
    }
}

fn refused(reason: &str) -> Error {
    Error::invalid_input("cursor", format!("{reason}; use the unchanged `next` of a page of this query"))
}

/// Returns 128 bits that identify the kind, the normalised filter and the
/// order. The limit is left out.
fn fingerprint<R: Record>(query: &Query<R>) -> Uuid {
    // A filter always has a JSON form: map keys are texts.
    let text = serde_json::to_vec(&(R::KIND.name(), query.filter.normalised(), &query.order)).unwrap_or_default();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &text)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

/// Prints the text form, without the position's fields.
impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({self})")
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Parses a printed cursor. Damage and unknown versions are
    /// [`Error::InvalidInput`]. A cursor of another query is refused when a
    /// query uses it.
    fn from_str(text: &str) -> Result<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| refused("it is not base64 text"))?;
        Self::check(bytes)
    }
}

impl TryFrom<String> for Cursor {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}
