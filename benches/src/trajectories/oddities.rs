//! Oddities of a file of trajectories.

use std::fmt;

use memory_core::ChatNote;

/// The most lines that are printed of each sort.
const SHOWN: usize = 5;

/// The parts of a file that were skipped, repaired or kept aside. Printed,
/// it is empty or some lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Oddities {
    /// The number of trajectories in the file.
    pub trajectories: usize,
    /// The index of each trajectory that was skipped, from 0, and why.
    pub skipped: Vec<(u64, String)>,
    /// The notes on the chats of the others, with the trajectory's index.
    pub notes: Vec<(u64, ChatNote)>,
}

impl fmt::Display for Oddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trajectories, skipped, notes } = self;
        if !skipped.is_empty() {
            writeln!(f, "skipped {} of {trajectories} trajectories; `--strict` refuses such a file", skipped.len())?;
            some(f, skipped)?;
        }
        if !notes.is_empty() {
            writeln!(f, "{} odd parts of chats were repaired or kept aside", notes.len())?;
            some(f, notes)?;
        }
        Ok(())
    }
}

fn some<T: fmt::Display>(f: &mut fmt::Formatter<'_>, oddities: &[(u64, T)]) -> fmt::Result {
    for (index, oddity) in oddities.iter().take(SHOWN) {
        writeln!(f, "  trajectory {index}: {oddity}")?;
    }
    match oddities.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => writeln!(f, "  and {more} more"),
    }
}
