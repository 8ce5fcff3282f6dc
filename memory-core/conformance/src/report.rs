//! The report on a run.

use std::fmt;

use super::check::Outcome;

/// The report on a run of the suite: the cases that passed and those that
/// failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a report may hold failures"]
pub struct Report {
    passed: Vec<&'static str>,
    failed: Vec<Failed>,
}

/// A case that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed {
    /// The name of the case: `get_answers_in_the_order_asked`.
    pub name: &'static str,
    /// The value found and the value expected.
    pub reason: String,
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, outcome: Outcome) {
        match outcome {
            Ok(()) => self.passed.push(name),
            Err(failure) => self.failed.push(Failed { name, reason: failure.to_string() }),
        }
    }

    /// Returns the cases that passed, in the order they ran.
    pub fn passed(&self) -> &[&'static str] {
        &self.passed
    }

    /// Returns the cases that failed, in the order they ran.
    pub fn failed(&self) -> &[Failed] {
        &self.failed
    }

    /// Panics unless every case passed.
    ///
    /// # Panics
    ///
    /// Panics with the name and reason of each case that failed, and if no case
    /// ran.
    pub fn assert_passed(&self) {
        assert!(self.failed.is_empty() && !self.passed.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cases passed, {} failed", self.passed.len(), self.failed.len())?;
        for Failed { name, reason } in &self.failed {
            write!(f, "\n{name}: {reason}")?;
        }
        Ok(())
    }
}
