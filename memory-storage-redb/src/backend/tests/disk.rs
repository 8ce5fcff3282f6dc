//! A disk in memory that fails on request, and outlives the files on it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use redb::StorageBackend;

/// A disk with one file on it.
#[derive(Debug)]
pub(in super::super) struct Disk {
    content: Mutex<Vec<u8>>,
    /// From which byte on nothing can be written. The file can grow beyond: a
    /// hole takes no space.
    room: AtomicU64,
    read_only: AtomicBool,
    failing_sync: AtomicBool,
    /// The number of syncs that succeed before one fails.
    until_failing_sync: AtomicU64,
    panicking_read: AtomicBool,
    syncs: AtomicU64,
    held: Mutex<bool>,
    released: Condvar,
}

/// The file, open.
#[derive(Clone, Debug)]
pub(in super::super) struct Injected(pub(super) Arc<Disk>);

impl Disk {
    pub(super) fn new(content: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            content: Mutex::new(content),
            room: AtomicU64::new(u64::MAX),
            read_only: AtomicBool::new(false),
            failing_sync: AtomicBool::new(false),
            until_failing_sync: AtomicU64::new(u64::MAX),
            panicking_read: AtomicBool::new(false),
            syncs: AtomicU64::new(0),
            held: Mutex::new(false),
            released: Condvar::new(),
        })
    }

    pub(super) fn content(&self) -> MutexGuard<'_, Vec<u8>> {
        self.content.lock().unwrap()
    }

    /// Lets nothing more than there is fit, or anything again.
    pub(super) fn set_full(&self, full: bool) {
        let room = if full { self.content().len() as u64 } else { u64::MAX };
        self.room.store(room, Ordering::SeqCst);
    }

    /// Refuses every change, or takes changes again.
    pub(super) fn set_read_only(&self, read_only: bool) {
        self.read_only.store(read_only, Ordering::SeqCst);
    }

    fn changes(&self) -> io::Result<()> {
        if self.read_only.load(Ordering::SeqCst) { Err(io::ErrorKind::ReadOnlyFilesystem.into()) } else { Ok(()) }
    }

    pub(super) fn fail_syncs(&self, fail: bool) {
        self.failing_sync.store(fail, Ordering::SeqCst);
    }

    pub(super) fn panic_in_reads(&self, panic: bool) {
        self.panicking_read.store(panic, Ordering::SeqCst);
    }

    /// Lets one sync fail, after so many that do not.
    pub(super) fn fail_one_sync_after(&self, syncs: u64) {
        self.until_failing_sync.store(syncs, Ordering::SeqCst);
    }

    pub(super) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::SeqCst)
    }

    /// Lets syncs wait, or go on.
    pub(super) fn hold_syncs(&self, hold: bool) {
        *self.held.lock().unwrap() = hold;
        self.released.notify_all();
    }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

impl StorageBackend for Injected {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.content().len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        assert!(!self.0.panicking_read.load(Ordering::SeqCst), "a read of the disk panics");
        let content = self.0.content();
        let found = place(offset).checked_add(out.len()).and_then(|end| content.get(place(offset)..end));
        out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.changes()?;
        self.0.content().resize(place(len), 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::SeqCst);
        let held = self.0.held.lock().unwrap();
        drop(self.0.released.wait_while(held, |held| *held).unwrap());
        let one = self.0.until_failing_sync.fetch_sub(1, Ordering::SeqCst) == 0;
        if one || self.0.failing_sync.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk does not answer"));
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.changes()?;
        if offset + data.len() as u64 > self.0.room.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut content = self.0.content();
        content[place(offset)..place(offset) + data.len()].copy_from_slice(data);
        Ok(())
    }
}
