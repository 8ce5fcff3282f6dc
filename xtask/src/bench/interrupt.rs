//! Ctrl-C, once and twice.

use std::fmt;
use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result};
use tokio::runtime;

/// The exit code of a run that Ctrl-C ended, as shells give it: 128 and the
/// number of the signal.
pub(crate) const EXIT_CODE: u8 = 130;

/// A run was interrupted, after what it had found was written.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted: the report holds what was measured by then")
    }
}

impl std::error::Error for Interrupted {}

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on. The first Ctrl-C is remembered, so that a run ends
    /// in order; the second ends the process at once.
    pub(super) fn listen() -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            let _context = runtime.enter();
            interrupts().context("listen for Ctrl-C")?
        };
        let interrupt = Self(Arc::default());
        let pressed = Arc::clone(&interrupt.0);
        thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
            runtime.block_on(async {
                signals.recv().await;
                pressed.store(true, Ordering::Relaxed);
                eprintln!("stopping after the turn at hand; Ctrl-C again stops at once");
                signals.recv().await;
                process::exit(EXIT_CODE.into());
            });
        })?;
        Ok(interrupt)
    }

    pub(super) fn happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Each Ctrl-C from now on.
#[cfg(unix)]
pub(crate) fn interrupts() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

/// Each Ctrl-C from now on.
#[cfg(windows)]
pub(crate) fn interrupts() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}
