//! How much memory the process has.

use std::fs;

/// Bytes of this process that are in memory now, where the system says.
pub(super) fn resident() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?).map(|kibibytes| kibibytes * 1_024)
}

/// What Linux says in a process's `status`.
fn kibibytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_set_is_read() {
        assert_eq!(kibibytes("Name:\tbench\nVmHWM:\t    999 kB\nVmRSS:\t    1234 kB\n"), Some(1234));
        assert_eq!(kibibytes("Name:\tbench\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_some() {
        assert!(resident() > Some(1 << 20));
    }
}
