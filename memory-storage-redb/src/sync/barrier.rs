//! Asymmetric memory barriers: one side is free.

use std::sync::atomic::{AtomicBool, Ordering, compiler_fence};

/// Flag: the kernel has refused a barrier that it offered before. It does so after the process has
/// forbidden `membarrier(2)` by a seccomp filter. Such a filter cannot be removed.
static WITHDRAWN: AtomicBool = AtomicBool::new(false);

/// Prevents the compiler, but not the processor, from reordering reads and writes across this
/// call. [`full_barrier`] is the counterpart.
#[inline]
pub(crate) fn light_barrier() {
    compiler_fence(Ordering::SeqCst);
}

/// Returns whether the kernel has refused [`full_barrier`] after it had offered it. No lock
/// becomes biased then.
pub(crate) fn is_withdrawn() -> bool {
    WITHDRAWN.load(Ordering::Relaxed)
}

/// Executes a full memory barrier on every running thread of this process.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn full_barrier() {
    use rustix::thread::{MembarrierCommand, membarrier};

    let expedited = || membarrier(MembarrierCommand::PrivateExpedited).is_ok();
    // A process that has not registered can still use the global barrier, which is slow.
    let passed = expedited() || (has_full_barrier() && expedited()) || membarrier(MembarrierCommand::Global).is_ok();
    if !passed {
        WITHDRAWN.store(true, Ordering::Relaxed);
        slow::full_barrier();
    }
}

/// Returns whether [`full_barrier`] is available.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn has_full_barrier() -> bool {
    use rustix::thread::{MembarrierCommand, membarrier};

    !is_withdrawn() && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
}

/// The barrier without `membarrier(2)`. It takes some milliseconds, once for each lock that is
/// biased when the kernel withdraws the fast barrier.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod slow {
    use std::thread::sleep;
    use std::time::Duration;

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    /// Runs the calling thread on every processor in turn. A thread that ran on one of them was
    /// switched out, and a switch is a full barrier. A thread that moved to another processor in the
    /// meantime was switched out for the move.
    ///
    /// If the kernel refuses this too, or pins threads of the process to other processors, only the
    /// wait remains: a processor makes its stores visible within microseconds, although no
    /// architecture specifies a bound.
    pub(super) fn full_barrier() {
        if let Ok(own) = sched_getaffinity(None) {
            for processor in 0..CpuSet::MAX_CPU {
                let mut set = CpuSet::new();
                set.set(processor);
                // The kernel refuses a processor that does not exist or that the process may not use.
                let _ = sched_setaffinity(None, &set);
            }
            let _ = sched_setaffinity(None, &own);
        }
        sleep(Duration::from_millis(10));
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn full_barrier() {
    unreachable!("`has_full_barrier` is false here");
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn has_full_barrier() -> bool {
    false
}
