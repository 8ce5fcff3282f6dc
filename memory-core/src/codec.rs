//! Binary encoding of records.
//!
//! Layout: format version (1 byte), CRC-32 of the rest (4 bytes,
//! little-endian), record in bincode 2 (standard configuration). bincode alone
//! decodes most damaged bytes to other data; the checksum turns the damage into
//! [`Error::Corrupt`].

use bincode::config::{self, Configuration, Limit};

use crate::error::Result;
use crate::{Error, Record};

const VERSION: u8 = 1;
const HEADER: usize = 5;

/// Limits the decoder's allocations to 64 MiB, well above the largest valid
/// record, so that a damaged length cannot exhaust memory.
const CONFIG: Configuration<config::LittleEndian, config::Varint, Limit<{ 64 << 20 }>> =
    config::standard().with_limit::<{ 64 << 20 }>();

/// Encodes a record.
///
/// # Errors
///
/// [`Error::InvalidInput`] for a record that [`Record::validate`] refuses,
/// since [`decode`] might not restore it.
pub fn encode<R: Record>(record: &R) -> Result<Vec<u8>> {
    record.validate()?;
    let mut bytes = vec![VERSION, 0, 0, 0, 0];
    bincode::serde::encode_into_std_write(record, &mut bytes, CONFIG).map_err(|error| {
        Error::invalid_input("record", format!("cannot be encoded: {error}")).about(record.id().into())
    })?;
    let sum = crc32fast::hash(&bytes[HEADER..]).to_le_bytes();
    bytes[1..HEADER].copy_from_slice(&sum);
    Ok(bytes)
}

/// Decodes a record from the bytes that [`encode`] returned.
///
/// # Errors
///
/// [`Error::Corrupt`] for any other bytes. [`Error::Unsupported`] for bytes of
/// a later version of this format.
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R> {
    let damaged = |how: &str| Error::corrupt(format!("an encoded {}: {how}", R::KIND));
    let Some((header, body)) = bytes.split_at_checked(HEADER) else {
        return Err(damaged("it is cut short"));
    };
    if header[1..] != crc32fast::hash(body).to_le_bytes() {
        return Err(damaged("its checksum is wrong"));
    }
    if header[0] != VERSION {
        let reason = format!("it has format version {}; this library reads version {VERSION}", header[0]);
        return Err(Error::unsupported(format!("decode {}", R::KIND), reason));
    }
    match bincode::serde::decode_from_slice(body, CONFIG) {
        Ok((record, used)) if used == body.len() => Ok(record),
        Ok(_) => Err(damaged("bytes follow it")),
        Err(error) => Err(damaged(&error.to_string())),
    }
}
