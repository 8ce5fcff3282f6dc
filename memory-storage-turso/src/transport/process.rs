//! Noticing that the process was forked.

use memory_core::{Error, Result};

/// The process that opened a storage.
///
/// A child that `fork` makes has a copy of the storage and none of its threads:
/// whatever it handed over would wait for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn current() -> Self {
        Self(std::process::id())
    }

    pub(crate) fn is_current(self) -> bool {
        self == Self::current()
    }

    /// Fails in a child of the process.
    pub(crate) fn check(self, operation: &str) -> Result<()> {
        if self.is_current() {
            return Ok(());
        }
        let reason = format!(
            "the storage was opened by process {}, and this is a fork of it, which has none of the storage's threads; \
             open a storage in the child: of a server, or of a local file that was not open at the fork",
            self.0
        );
        Err(Error::unsupported(operation, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_opened_a_storage_may_use_it() {
        Process::current().check("get").unwrap();
        let error = Process(std::process::id() + 1).check("get").unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("fork"), "{error}");
    }
}
