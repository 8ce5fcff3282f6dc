//! The page in a real browser, where there is one: Chromium, without a window.
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod sample;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use memory_benches::report::html;
use serde_json::Value;
use tempfile::TempDir;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS: [&str; 9] = [
    "--headless",
    // It may run as root, in a container.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
];

/// Shows the page at several widths, each in a frame of its own, since a window
/// cannot be narrow, and says what it looks like.
const HARNESS: &str = r#"<!doctype html><meta charset="utf-8"><title>harness</title><body><script>
const page = PAGE;
const seen = [];
const look = (width, frame) => {
  const page = frame.contentDocument, root = page.documentElement;
  const outside = [...page.querySelectorAll("figure")].flatMap((figure) => {
    const card = figure.getBoundingClientRect();
    return [...figure.querySelectorAll("text, li, figcaption")].filter((text) => {
      const box = text.getBoundingClientRect();
      return box.left < card.left - 0.5 || box.right > card.right + 0.5;
    }).map((text) => text.textContent);
  });
  const colour = (selector, property) => getComputedStyle(page.querySelector(selector))[property];
  seen.push({
    width, overflow: root.scrollWidth - root.clientWidth, outside, figures: page.querySelectorAll("figure").length,
    marks: [...page.querySelectorAll("use")].filter((mark) => mark.getBoundingClientRect().width > 4).length,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    ink: colour("body", "color"), paper: colour("body", "backgroundColor"),
  });
};
const show = (widths) => {
  const frame = document.createElement("iframe");
  frame.style = `width: ${widths[0]}px; height: 900px; border: 0`;
  frame.onload = () => {
    look(widths[0], frame);
    if (widths.length > 1) { show(widths.slice(1)); return; }
    const result = document.createElement("pre");
    result.id = "seen";
    // So that it comes through HTML as it is.
    const plain = (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0");
    result.textContent = JSON.stringify(seen).replace(/[<>&\u0080-\uffff]/g, plain);
    document.body.append(result);
  };
  frame.srcdoc = page;
  document.body.append(frame);
};
show([1440, 768, 390, 320]);
</script>"#;

/// A browser, and a folder for what it is shown.
struct Chromium {
    program: PathBuf,
    folder: TempDir,
}

impl Chromium {
    /// The first on the path; none is said aloud, also where tests are quiet.
    fn find() -> Option<Self> {
        let folders: Vec<_> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
        let programs = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let Some(program) = programs.into_iter().find(|program| program.is_file()) else {
            let loud = "\nSKIPPED: no Chromium on the PATH, so that no browser has seen the report\n";
            std::io::stderr().write_all(loud.as_bytes()).unwrap();
            return None;
        };
        Some(Self { program, folder: tempfile::tempdir().unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Shows a page to a new browser.
    fn show(&self, page: &Path, flags: &[String]) -> Output {
        let profile = tempfile::tempdir_in(&self.folder).unwrap();
        let mut command = Command::new(&self.program);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display())).args(flags);
        let output = command.arg(format!("file://{}", page.display())).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let console: Vec<_> = said.lines().filter(|line| line.contains("CONSOLE")).collect();
        assert_eq!(console, [""; 0], "the browser complains");
        output
    }
}

#[test]
fn a_browser_shows_it_wide_and_narrow_light_and_dark() {
    let Some(chromium) = Chromium::find() else { return };
    let page = serde_json::to_string(&html(&sample::report())).unwrap().replace("</", r"<\/");
    let harness = chromium.path("harness.html");
    fs::write(&harness, HARNESS.replace("PAGE", &page)).unwrap();
    let mut papers = Vec::new();
    for dark in [false, true] {
        let mut flags = vec!["--dump-dom".to_owned(), "--virtual-time-budget=20000".to_owned()];
        flags.extend(dark.then(|| "--force-dark-mode".to_owned()));
        let output = chromium.show(&harness, &flags);
        let seen = seen(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(seen.len(), 4);
        for seen in seen {
            assert_eq!(seen["overflow"], 0, "it scrolls sideways: {seen}");
            assert_eq!(seen["outside"], Value::from(vec![""; 0]), "text outside of its figure: {seen}");
            assert!(seen["figures"].as_u64() > Some(6) && seen["marks"].as_u64() > Some(50), "{seen}");
            assert_eq!(seen["dark"], dark, "{seen}");
            assert_ne!(seen["ink"], seen["paper"]);
            papers.push(seen["paper"].clone());
        }
    }
    assert_ne!(papers.first(), papers.last(), "dark is as light as light");
}

#[test]
fn it_prints_on_paper() {
    let Some(chromium) = Chromium::find() else { return };
    let (page, paper) = (chromium.path("report.html"), chromium.path("report.pdf"));
    fs::write(&page, html(&sample::report())).unwrap();
    chromium.show(&page, &[format!("--print-to-pdf={}", paper.display()), "--no-pdf-header-footer".to_owned()]);
    let pdf = String::from_utf8_lossy(&fs::read(&paper).unwrap()).into_owned();
    let pages: Vec<_> = pdf.lines().filter(|line| line.starts_with("/MediaBox")).collect();
    assert!(pdf.starts_with("%PDF") && (3..=20).contains(&pages.len()), "{} pages", pages.len());
    assert!(pages.iter().all(|page| page.starts_with("/MediaBox [0 0 84")), "not A4 lying: {pages:?}");
}

/// What the harness saw.
fn seen(dom: &str) -> Vec<Value> {
    let start = dom.find("<pre id=\"seen\">").expect("the harness did not come to its end");
    let json = dom[start..].split(['>', '<']).nth(2).unwrap();
    serde_json::from_str(json).unwrap()
}
