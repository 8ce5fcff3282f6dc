//! Where a page ended.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Query, Scalar};
use crate::error::Result;
use crate::{Error, Record};

/// Where a page of a query ended, and so where the next one begins: a keyset
/// cursor, which stays right while records are added and deleted.
///
/// Opaque, printable text of unspecified length (it holds the last record's
/// sort value); safe to hand out and take back, since it is checked against
/// damage and against the query it is used with. It is neither secret nor
/// proof against forgery.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cursor(Vec<u8>);

/// A place between the records of a query: after the record with this sort
/// value and id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The record's value of the field that orders the query; `None` where it
    /// has none, and so comes last.
    pub value: Option<Scalar<'static>>,
    /// The record's id.
    pub id: Uuid,
}

/// The first byte of every cursor.
const VERSION: u8 = 1;
/// Version, checksum, fingerprint of the query.
const HEADER: usize = 1 + 4 + 16;

impl Cursor {
    /// Where `last`, the last record of a page of `query`, stands.
    pub fn after<R: Record>(query: &Query<R>, last: &R) -> Self {
        let position = query.order.position(last);
        let mut bytes = vec![VERSION, 0, 0, 0, 0];
        bytes.extend(fingerprint(query).as_bytes());
        // Texts, numbers and an id always have a JSON form.
        bytes.extend(serde_json::to_vec(&position).unwrap_or_default());
        let sum = crc32fast::hash(&bytes[5..]).to_le_bytes();
        bytes[1..5].copy_from_slice(&sum);
        Self(bytes)
    }

    /// Where the next page of `query` begins.
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
            [version, ..] => Err(refused(&format!("it is of version {version}, where {VERSION} is known"))),
        }
    }
}

fn refused(reason: &str) -> Error {
    Error::invalid_input("cursor", format!("{reason}; use one that a page of this query gave, as it was"))
}

/// The filter, however it is spelt, and the order, not the limit, as 128 bits.
fn fingerprint<R: Record>(query: &Query<R>) -> Uuid {
    // A filter always has a JSON form: keys of maps are texts.
    let text = serde_json::to_vec(&(R::KIND.name(), query.filter.normalised(), &query.order)).unwrap_or_default();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, &text)
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(&self.0))
    }
}

/// Shows no more than the printed form does.
impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({self})")
    }
}

impl FromStr for Cursor {
    type Err = Error;

    /// Reads a printed cursor. Damage and unknown versions are
    /// [`Error::InvalidInput`]; that it belongs to another query is noticed
    /// where it is used.
    fn from_str(text: &str) -> Result<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| refused("it is not a cursor's text"))?;
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
