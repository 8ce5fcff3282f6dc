//! Records as JSON lines, to move them from one storage to another.
//!
//! The first line is `{"header":{"version":1}}`, then comes a line for each
//! record, `{"episode":…}`, `{"pattern":…}` or `{"heuristic":…}`, and the last
//! line is `{"end":{"records":…}}` with their number, so that a file that was
//! cut short is noticed.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> memory_core::Result<()> {
//! use memory_core::{Heuristic, InMemoryStorage, MemoryStorageExt, transfer};
//!
//! let (old, new) = (InMemoryStorage::new(), InMemoryStorage::new());
//! let heuristic = Heuristic::new("a form posts twice", "look for a missing key", 0.8);
//! old.store_heuristic(&heuristic).await?;
//!
//! let mut lines = Vec::new();
//! transfer::export(&old, &mut lines).await?;
//! transfer::import(&new, &lines[..], 0, |_| ()).await?;
//! assert_eq!(*new.get_heuristic(heuristic.id).await?.unwrap(), heuristic);
//! # Ok(())
//! # }
//! ```

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::{Episode, Error, Heuristic, MemoryStorage, Pattern, Query, Record, Store, WriteBatch};

/// The version of the format that this code writes and reads.
pub const VERSION: u32 = 1;

/// Records of one page that is read, and the most of one batch that is written.
const RECORDS: usize = 64;
/// How many bytes of lines make a batch, however few records they are.
const BATCH: usize = 4 << 20;
/// The longest line, in bytes: far more than the JSON of any valid record.
const MAX_LINE: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Mark {
    Header { version: u32 },
    End { records: u64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Header { version: u32 },
    Episode(Box<Episode>),
    Pattern(Box<Pattern>),
    Heuristic(Box<Heuristic>),
    End { records: u64 },
}

/// Writes every record of a storage as JSON lines, oldest first within each
/// kind, and returns their number.
///
/// # Behaviour
///
/// - At most 64 records are held in memory at a time.
/// - Records that are there all the time are written exactly once, whatever is
///   added, changed or deleted meanwhile. It is no snapshot: of writes that are
///   made meanwhile, some may be in it and others not.
/// - `out` is written to between reads, on the caller's thread.
///
/// # Errors
///
/// Those of [`Store::query`], and [`Error::Backend`] where `out` fails.
pub async fn export<S: MemoryStorage + ?Sized, W: Write>(storage: &S, mut out: W) -> Result<u64> {
    line(&mut out, &Mark::Header { version: VERSION })?;
    let records = export_kind::<Episode, S, W>(storage, &mut out).await?
        + export_kind::<Pattern, S, W>(storage, &mut out).await?
        + export_kind::<Heuristic, S, W>(storage, &mut out).await?;
    line(&mut out, &Mark::End { records })?;
    out.flush().map_err(unwritten)?;
    Ok(records)
}

async fn export_kind<R: Record, S: Store<R> + ?Sized, W: Write>(storage: &S, out: &mut W) -> Result<u64> {
    let mut query = Query::<R>::new().oldest_first().limit(RECORDS);
    let mut records = 0;
    loop {
        let page = storage.query(&query).await?;
        for record in &page.records {
            write!(out, "{{\"{}\":", R::KIND).map_err(unwritten)?;
            serde_json::to_writer(&mut *out, &**record).map_err(|error| unwritten(error.into()))?;
            out.write_all(b"}\n").map_err(unwritten)?;
            records += 1;
        }
        if page.next.is_none() {
            return Ok(records);
        }
        query = query.after(page.next);
    }
}

fn line<W: Write>(out: &mut W, mark: &Mark) -> Result<()> {
    serde_json::to_writer(&mut *out, mark).map_err(|error| unwritten(error.into()))?;
    out.write_all(b"\n").map_err(unwritten)
}

fn unwritten(error: std::io::Error) -> Error {
    Error::backend("file", "write an export", error)
}

/// Stores every record of an export, each in place of the one with its id, and
/// returns how many records the export has.
///
/// # Behaviour
///
/// - Records are written in batches of at most 64 records or some 4 MiB; each
///   batch is stored whole or not at all, and no more are held in memory.
/// - After every batch, `stored` is told how many records of the export are
///   stored by then. Where an import was interrupted, that number as `skip`
///   goes on from there; storing a record a second time changes nothing.
/// - `input` is read between writes, on the caller's thread.
///
/// # Errors
///
/// Those of [`MemoryStorage::commit`]; [`Error::Unsupported`] for an export of a
/// later version; [`Error::Corrupt`], naming the line, for anything that is no
/// export, and for one that was cut short; [`Error::Backend`] where `input`
/// fails. What was stored before stays stored.
pub async fn import<S: MemoryStorage + ?Sized, B: BufRead>(
    storage: &S,
    mut input: B,
    skip: u64,
    mut stored: impl FnMut(u64),
) -> Result<u64> {
    match read(&mut input, 1)? {
        Some((Line::Header { version: VERSION }, _)) => {}
        Some((Line::Header { version }, _)) => {
            let reason = format!("it is of version {version}, and this library knows {VERSION}: use a newer library");
            return Err(Error::unsupported("import", reason));
        }
        _ => return Err(Error::corrupt("an export: line 1 is no header of one")),
    }
    let (mut batch, mut bytes, mut records) = (WriteBatch::new(), 0, 0);
    loop {
        let number = records + 2;
        let found = read(&mut input, number)?;
        let ends = !matches!(found, Some((Line::Episode(_) | Line::Pattern(_) | Line::Heuristic(_), _)));
        if (ends || batch.len() == RECORDS || bytes >= BATCH) && !batch.is_empty() {
            storage.commit(&batch).await?;
            stored(records);
            (batch, bytes) = (WriteBatch::new(), 0);
        }
        let Some((line, len)) = found else {
            return Err(Error::corrupt(format!("an export: it is cut short after {records} records")));
        };
        let wanted = records >= skip;
        match line {
            Line::Episode(record) if wanted => drop(batch.put(*record)),
            Line::Pattern(record) if wanted => drop(batch.put(*record)),
            Line::Heuristic(record) if wanted => drop(batch.put(*record)),
            Line::Episode(_) | Line::Pattern(_) | Line::Heuristic(_) => {}
            Line::End { records: said } if said == records => {
                return match read(&mut input, number + 1)? {
                    None => Ok(records),
                    Some(_) => Err(Error::corrupt(format!("an export: line {} follows its end", number + 1))),
                };
            }
            Line::End { records: said } => {
                let what = format!("an export: it has {records} records, and its end says {said}");
                return Err(Error::corrupt(what));
            }
            Line::Header { .. } => {
                return Err(Error::corrupt(format!("an export: line {number} is a second header")));
            }
        }
        bytes += len;
        records += 1;
    }
}

/// The next line, and its length.
fn read<B: BufRead>(input: &mut B, number: u64) -> Result<Option<(Line, usize)>> {
    let mut text = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut text);
    read.map_err(|error| Error::backend("file", "read an export", error))?;
    match text.last() {
        None => Ok(None),
        // What is cut short may still be JSON, and is no whole line.
        Some(last) if *last != b'\n' => {
            let how = if text.len() as u64 == MAX_LINE { "is too long" } else { "is cut short" };
            Err(Error::corrupt(format!("an export: line {number} {how}")))
        }
        Some(_) => match serde_json::from_slice(&text) {
            Ok(line) => Ok(Some((line, text.len()))),
            Err(error) => Err(Error::corrupt(format!("an export: line {number} cannot be read: {error}"))),
        },
    }
}
