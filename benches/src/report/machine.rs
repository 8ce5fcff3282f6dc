//! What the system says about itself and the working tree.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The machine's memory in bytes.
pub(super) fn memory() -> Option<u64> {
    if cfg!(target_os = "macos") {
        return line_of("sysctl", &["-n", "hw.memsize"])?.parse().ok();
    }
    total(&fs::read_to_string("/proc/meminfo").ok()?)
}

/// The first `MemTotal` of Linux's `/proc/meminfo`, which counts in KiB.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The processor's name.
pub(super) fn processor() -> Option<String> {
    if cfg!(target_os = "macos") {
        return line_of("sysctl", &["-n", "machdep.cpu.brand_string"]);
    }
    model(&fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// The first `model name` of Linux's `/proc/cpuinfo`.
fn model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"))?;
    let name = line.trim_start().strip_prefix(':')?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The commit of the workspace's working tree, with `-dirty` after it where
/// there are changes. None where the workspace is not the top of a working
/// tree: a copy inside somebody else's is not of their commit.
pub(super) fn commit() -> Option<String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    commit_of(workspace)
}

fn commit_of(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(&folder).args(arguments).output().ok()?;
        output.status.success().then_some(String::from_utf8(output.stdout).ok()?)
    };
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(top.trim_end_matches('\n')).canonicalize().ok()? != folder {
        return None;
    }
    let commit = git(&["rev-parse", "HEAD"])?.trim().to_owned();
    let changes = git(&["status", "--porcelain"])?;
    Some(if changes.is_empty() { commit } else { commit + "-dirty" })
}

fn line_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_processor_are_read_as_linux_writes_them() {
        assert_eq!(total("MemTotal:        4023512 kB\nMemFree: 1 kB\n"), Some(4_023_512 * 1024));
        assert_eq!(total("MemFree: 1 kB\n"), None);
        assert_eq!(total("MemTotal: 1 MB\n"), None);
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(model(cpuinfo).as_deref(), Some("Some CPU @ 2.00GHz"));
        assert_eq!(model("processor : 0\nFeatures : fp\n"), None);
    }

    #[test]
    fn a_commit_is_that_of_the_folder_itself_and_tells_changes() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(commit_of(folder.path()), None);
        let git = |arguments: &[&str]| {
            let author = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"];
            let command = Command::new("git").arg("-C").arg(folder.path()).args(author).args(arguments).output();
            assert!(command.unwrap().status.success(), "{arguments:?}");
        };
        git(&["init", "--quiet"]);
        assert_eq!(commit_of(folder.path()), None, "nothing is committed yet");
        fs::write(folder.path().join("file"), "1").unwrap();
        git(&["add", "file"]);
        git(&["commit", "--quiet", "--message", "one"]);
        let clean = commit_of(folder.path()).unwrap();
        assert!(clean.len() >= 40 && clean.chars().all(|c| c.is_ascii_hexdigit()), "{clean}");
        fs::write(folder.path().join("file"), "2").unwrap();
        assert_eq!(commit_of(folder.path()), Some(format!("{clean}-dirty")));
        fs::create_dir(folder.path().join("inner")).unwrap();
        assert_eq!(commit_of(&folder.path().join("inner")), None);
    }
}
