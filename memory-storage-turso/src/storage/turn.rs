//! How long an operation works before others have their turn.

/// About a millisecond's work of encoding or decoding.
const BYTES: usize = 256 << 10;

/// What was worked off since others on this thread had their turn, in bytes of
/// records.
#[derive(Debug, Default)]
pub(super) struct Turn(usize);

impl Turn {
    /// Whether it is over.
    pub(super) const fn is_over(&self) -> bool {
        self.0 >= BYTES
    }

    pub(super) const fn worked(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// Lets the others go first if it is over.
    pub(super) async fn give_way(&mut self) {
        if self.is_over() {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}
