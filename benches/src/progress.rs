//! Word of how far a run is.

/// Whoever shows how far a run is. Nothing is said while the clock runs.
pub trait Progress {
    /// So many steps lie ahead, in addition to those announced before.
    fn plan(&self, steps: u64);

    /// The next step is this.
    fn step(&self, what: &str);
}

/// Shows nothing.
impl Progress for () {
    fn plan(&self, _steps: u64) {}

    fn step(&self, _what: &str) {}
}
