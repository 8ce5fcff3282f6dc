//! Memory barriers of which one side costs nothing.

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence};

/// Whether the kernel has refused a barrier that it offered before, as it does once a
/// process has given up `membarrier(2)` by a seccomp filter. Filters are never taken back.
static WITHDRAWN: AtomicBool = AtomicBool::new(false);

/// Keeps the compiler, and only the compiler, from moving reads and writes across: the
/// other half of [`full_barrier`].
#[inline]
pub(crate) fn light_barrier() {
    compiler_fence(Ordering::SeqCst);
}

/// Whether the kernel has refused [`full_barrier`] since it offered it: then no lock is
/// biased any more.
pub(crate) fn is_withdrawn() -> bool {
    WITHDRAWN.load(Ordering::Relaxed)
}

/// Lets every running thread of this process pass a full memory barrier.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn full_barrier() {
    use rustix::thread::{MembarrierCommand, membarrier};

    let expedited = || membarrier(MembarrierCommand::PrivateExpedited).is_ok();
    // A process without a registration of its own still has the slow kind.
    let passed = expedited() || (has_full_barrier() && expedited()) || membarrier(MembarrierCommand::Global).is_ok();
    if !passed {
        WITHDRAWN.store(true, Ordering::Relaxed);
        slow::full_barrier();
    }
}

/// Whether [`full_barrier`] works here.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn has_full_barrier() -> bool {
    use rustix::thread::{MembarrierCommand, membarrier};

    !is_withdrawn() && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
}

/// The barrier without `membarrier(2)`: some milliseconds, once for each lock that is biased
/// when the kernel withdraws the fast one.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod slow {
    use std::thread::sleep;
    use std::time::Duration;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// Runs the calling thread on every processor in turn. A thread that ran on one of them
    /// was switched out, and a switch is a full barrier; a thread that moved to another
    /// processor meanwhile was switched out for that.
    ///
    /// Where the kernel refuses this too, or threads of the process are kept apart on
    /// processors of their own, the wait has to do: a processor makes its stores visible
    /// within microseconds, though no architecture names a bound.
    pub(super) fn full_barrier() {
        if let Ok(own) = sched_getaffinity(None) {
            for processor in 0..CpuSet::MAX_CPU {
                let mut set = CpuSet::new();
                set.set(processor);
                // Refused for a processor that is not there, or not for this process.
                let _ = sched_setaffinity(None, &set);
            }
            let _ = sched_setaffinity(None, &own);
        }
        sleep(Duration::from_millis(10));
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn full_barrier() {
    unreachable!("asked for where there is none");
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn has_full_barrier() -> bool {
    false
}
