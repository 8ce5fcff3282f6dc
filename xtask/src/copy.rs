//! `cargo xtask copy`

use std::cell::Cell;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};
use std::{env, thread};

use anyhow::{Context, Result};
use clap::Args;
use memory_benches::InputError;
use memory_core::{InMemoryStorage, MemoryStorage, transfer};
use memory_storage_redb::RedbStorage;
use memory_storage_turso::TursoStorage;
use tokio::runtime::Builder;

#[derive(Args, Debug)]
#[command(after_help = "A URL is one of:
  file:PATH                     a libSQL file
  redb:PATH                     a redb file
  libsql://…, https://…, http://…  a libSQL server
  memory:                       an empty storage in memory, to see that everything can be read")]
pub(crate) struct Options {
    /// The storage to copy from
    #[arg(value_name = "FROM")]
    from: String,
    /// The storage to copy to; its records with the same ids are replaced
    #[arg(value_name = "TO")]
    to: String,
    /// The bearer token for the server to copy from. Default: the variable `MEMORY_FROM_TOKEN`
    #[arg(long, value_name = "TOKEN")]
    from_token: Option<String>,
    /// The bearer token for the server to copy to. Default: the variable `MEMORY_TO_TOKEN`
    #[arg(long, value_name = "TOKEN")]
    to_token: Option<String>,
    /// Do not store the first N records again, which an interrupted copy has stored
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let from = Place::parse(&options.from, options.from_token.as_deref(), "MEMORY_FROM_TOKEN")?;
    let to = Place::parse(&options.to, options.to_token.as_deref(), "MEMORY_TO_TOKEN")?;
    if let Some(path) = from.path() {
        if !path.is_file() {
            return Err(InputError::new(format!("copy: {} is no file to copy from", path.display())).into());
        }
        if to.path().is_some_and(|to| is_same(path, to)) {
            return Err(InputError::new("copy: FROM and TO are the same file").into());
        }
    }
    let (reader, writer) = io::pipe()?;
    // The export has a thread of its own: it waits where the import is slower.
    let export = thread::Builder::new()
        .name("export".to_owned())
        .spawn(move || on(&from, async |storage| Ok(transfer::export(storage, BufWriter::new(writer)).await?)))?;
    let (ended, stored) = (Cell::new(false), Cell::new(options.skip));
    let input = BufReader::new(Ending { reader, ended: &ended });
    let imported = on(&to, async |storage| {
        Ok(transfer::import(storage, input, options.skip, |records| stored.set(records)).await?)
    });
    let exported = export.join().expect("the export does not panic");
    let records = match (exported, imported) {
        // The input of the import ended early because the export had failed.
        (Err(error), Err(_)) if ended.get() => Err(error).with_context(|| format!("read {}", options.from)),
        (_, Err(error)) => Err(error).with_context(|| format!("write {}", options.to)),
        (Err(error), Ok(_)) => Err(error).with_context(|| format!("read {}", options.from)),
        (Ok(_), Ok(records)) => Ok(records),
    };
    let resume = || match stored.get() {
        0 => "nothing was copied".to_owned(),
        stored => format!("the first {stored} records were copied; `--skip {stored}` goes on from there"),
    };
    println!("{} records copied", records.with_context(resume)?);
    Ok(())
}

/// The location of a storage.
enum Place {
    Memory,
    Local(PathBuf),
    Redb(PathBuf),
    Server { url: String, token: String },
}

impl Place {
    fn parse(url: &str, token: Option<&str>, variable: &str) -> Result<Self> {
        let path = |path: &str| match path {
            "" => Err(InputError::new(format!("copy: `{url}` names no file"))),
            path => Ok(path.into()),
        };
        let place = match url.split_once(':') {
            Some(("memory", "")) => Self::Memory,
            Some(("file", rest)) => Self::Local(path(rest)?),
            Some(("redb", rest)) => Self::Redb(path(rest)?),
            Some(("libsql" | "https" | "http", _)) => {
                let token = token.map_or_else(|| env::var(variable).unwrap_or_default(), str::to_owned);
                return Ok(Self::Server { url: url.to_owned(), token });
            }
            _ => {
                let known = "`file:PATH`, `redb:PATH`, `memory:` or the URL of a server";
                return Err(InputError::new(format!("copy: `{url}` is no storage; give {known}")).into());
            }
        };
        if token.is_some() {
            return Err(InputError::new(format!("copy: a token was given, and `{url}` is no server")).into());
        }
        Ok(place)
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Local(path) | Self::Redb(path) => Some(path),
            Self::Memory | Self::Server { .. } => None,
        }
    }
}

fn is_same(from: &Path, to: &Path) -> bool {
    matches!((from.canonicalize(), to.canonicalize()), (Ok(from), Ok(to)) if from == to)
}

/// Opens a storage, works on it, and closes it.
fn on<T>(place: &Place, work: impl AsyncFnOnce(&dyn MemoryStorage) -> Result<T>) -> Result<T> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()?.block_on(async {
        match place {
            Place::Memory => work(&InMemoryStorage::new()).await,
            Place::Local(path) => {
                let storage = TursoStorage::local(path).await?;
                let done = work(&storage).await;
                storage.close().await;
                done
            }
            Place::Redb(path) => {
                let storage = RedbStorage::open(path).await?;
                let done = work(&storage).await;
                let closed = storage.close().await;
                let done = done?;
                closed?;
                Ok(done)
            }
            Place::Server { url, token } => {
                let storage = TursoStorage::new(url, token).await?;
                let done = work(&storage).await;
                storage.close().await;
                done
            }
        }
    })
}

/// A reader of an export that notices its end.
struct Ending<'a, R> {
    reader: R,
    ended: &'a Cell<bool>,
}

impl<R: Read> Read for Ending<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.ended.set(self.ended.get() || read == 0 && !buffer.is_empty());
        Ok(read)
    }
}
