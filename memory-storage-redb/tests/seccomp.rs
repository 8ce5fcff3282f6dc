//! Test of a process that forbids `membarrier(2)` while its caches are in use.
#![cfg(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, reason = "a failure is the test's")]
#![allow(unsafe_code, reason = "seccomp filters are set up by calls of C")]

use std::mem::offset_of;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use memory_storage_redb::{AdaptiveCache, AdaptiveCacheConfig};

/// Variable with the numbers of the system calls that a child process forbids.
const FORBIDDEN: &str = "MEMORY_TEST_FORBIDDEN_CALLS";
/// Exit code of a child process on a machine without seccomp filters.
const NO_FILTERS: i32 = 77;

#[test]
fn a_cache_works_after_membarrier_is_forbidden() {
    if let Ok(calls) = std::env::var(FORBIDDEN) {
        return child(&calls.split(',').map(|call| call.parse().unwrap()).collect::<Vec<_>>());
    }
    for calls in [vec![libc::SYS_membarrier], vec![libc::SYS_membarrier, libc::SYS_sched_setaffinity]] {
        let calls: Vec<_> = calls.iter().map(ToString::to_string).collect();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_cache_works_after_membarrier_is_forbidden", "--nocapture"])
            .env(FORBIDDEN, calls.join(","))
            .output()
            .unwrap();
        if child.status.code() == Some(NO_FILTERS) {
            println!("this machine allows no seccomp filter");
            return;
        }
        let stderr = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "without calls {calls:?}: {}\n{stderr}", child.status);
    }
}

/// Reads until the locks are biased, forbids the calls, and writes.
fn child(calls: &[libc::c_long]) {
    let config = AdaptiveCacheConfig::with_max_entries(3_000);
    let cache: AdaptiveCache<u64, [u64; 4]> = AdaptiveCache::builder(config).seed(1).build().unwrap();
    let read = |rounds: usize| {
        for key in (0..8).cycle().take(8 * rounds) {
            let value = cache.get(&key).unwrap();
            assert_eq!(value, [value[0]; 4]);
        }
    };
    (0..8).for_each(|key| assert!(cache.insert(key, [0; 4])));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // A thread that was spawned before has no filter, and reads all the time.
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                read(1);
            }
        });
        read(2_000);
        forbid(calls);
        for value in 1..=20 {
            (0..8).for_each(|key| assert!(cache.insert(key, [value; 4])));
            (0..8).for_each(|key| assert_eq!(cache.get(&key), Some([value; 4])));
            read(200);
        }
        over.store(true, Ordering::Relaxed);
    });
    cache.retain(|key, _| *key < 4);
    cache.clear();
    assert!(cache.is_empty());
    // A new cache finds at once that there is no barrier.
    let new = AdaptiveCache::<u8, u8>::new(AdaptiveCacheConfig::with_max_entries(3)).unwrap();
    assert!(new.insert(1, 1) && (0..2_000).all(|_| new.get(&1) == Some(1)) && new.insert(1, 2));
}

/// Makes these system calls fail with `EPERM` in the calling thread.
fn forbid(calls: &[libc::c_long]) {
    let load = u16::try_from(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS).unwrap();
    let compare = u16::try_from(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K).unwrap();
    let answer = u16::try_from(libc::BPF_RET | libc::BPF_K).unwrap();
    let number = u32::try_from(offset_of!(libc::seccomp_data, nr)).unwrap();
    let mut program = vec![libc::sock_filter { code: load, jt: 0, jf: 0, k: number }];
    for call in calls {
        program.push(libc::sock_filter { code: compare, jt: 0, jf: 1, k: u32::try_from(*call).unwrap() });
        let refuse = libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).unwrap();
        program.push(libc::sock_filter { code: answer, jt: 0, jf: 0, k: refuse });
    }
    program.push(libc::sock_filter { code: answer, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW });
    let filter = libc::sock_fprog { len: u16::try_from(program.len()).unwrap(), filter: program.as_mut_ptr() };
    // SAFETY: both calls change what this thread may do. The second reads the program, which lives
    // until the end of this function.
    let set = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) == 0
    };
    if !set {
        std::process::exit(NO_FILTERS);
    }
    // SAFETY: this call queries the supported commands, and writes nothing.
    let refused = unsafe { libc::syscall(libc::SYS_membarrier, 0, 0, 0) };
    assert_eq!(refused, -1);
}
