//! Word of how far a run is.

/// Whoever shows how far a run is, and may ask it to stop. Nothing is said
/// while the clock runs.
pub trait Progress {
    /// So many steps lie ahead, in addition to those announced before.
    fn plan(&self, steps: u64);

    /// The next step is this.
    fn step(&self, what: &str);

    /// Whether to stop now. A section asks between its steps, and then returns
    /// the rows of what it has done.
    fn is_cancelled(&self) -> bool;
}

/// Shows nothing, and goes on to the end.
impl Progress for () {
    fn plan(&self, _steps: u64) {}

    fn step(&self, _what: &str) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
