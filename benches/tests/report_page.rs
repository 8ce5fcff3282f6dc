//! The page, as a browser's own parser reads it.
#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

mod sample;

use std::collections::BTreeSet;

use memory_benches::report::html;
use memory_benches::{Report, Stopped};
use sample::HOSTILE;
use scraper::{ElementRef, Html, Selector};

fn page() -> Html {
    Html::parse_document(&html(&sample::report()))
}

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect()
}

#[test]
fn it_is_html_without_a_fault() {
    assert_eq!(page().errors, [""; 0]);
}

#[test]
fn it_needs_nothing_but_itself() {
    let page = page();
    assert!(all(&page, "script, link, img, iframe, object, embed, base, form").is_empty());
    for element in all(&page, "*") {
        for (name, value) in element.value().attrs() {
            assert!(!name.starts_with("on") && name != "src", "{name}={value}");
            assert!(!name.ends_with("href") || value.starts_with('#'), "{name}={value}");
        }
    }
    let style: String = all(&page, "style").into_iter().map(text).collect();
    assert!(!style.contains("url(") && !style.contains("@import"));
    let policy = all(&page, "meta[http-equiv=Content-Security-Policy]");
    assert!(policy[0].attr("content").unwrap().starts_with("default-src 'none'"));
}

#[test]
fn hostile_text_is_only_text() {
    let report = sample::report();
    let page = page();
    let operations: Vec<_> = all(&page, "th.operation").into_iter().map(text).collect();
    assert_eq!(operations.iter().filter(|operation| *operation == HOSTILE).count(), 2);
    assert!(all(&page, ".notes li").into_iter().any(|note| text(note).contains(HOSTILE)));
    assert!(all(&page, "dd code").into_iter().any(|code| text(code) == report.environment.command.clone().unwrap()));
    assert!(all(&page, "svg title").into_iter().any(|title| text(title).starts_with(HOSTILE)));
}

#[test]
fn every_figure_of_every_row_is_in_a_table() {
    let report = sample::report();
    let page = page();
    let rows = all(&page, "tbody tr");
    assert_eq!(rows.len(), report.results.len());
    let sections = all(&page, "section");
    assert_eq!(sections.len(), 3, "also one that nobody announced");
    for section in sections {
        let name = text(section.select(&Selector::parse("h2").unwrap()).next().unwrap());
        let heads: Vec<_> = section.select(&Selector::parse("thead th").unwrap()).map(text).collect();
        let expected = if name == "of a trace" {
            vec!["operation", "system", "hit ratio"]
        } else {
            vec![
                "operation",
                "system",
                "time / op",
                "95 % interval",
                "all rounds",
                "speedup",
                "round trips / op",
                "cost vs raw",
                "bytes up / op",
                "bytes down / op",
                "outliers",
                "rounds",
                "operations / round",
            ]
        };
        assert_eq!(heads, expected, "{name}");
        for row in section.select(&Selector::parse("tbody tr").unwrap()) {
            let cells = row.child_elements().count();
            let named = row.select(&Selector::parse("th.operation").unwrap()).count();
            assert_eq!(cells, heads.len() - 1 + named);
        }
    }
    let cells: Vec<_> = all(&page, "#section-network tbody tr")[0].child_elements().map(text).collect();
    let expected = "get|ours|1.000_ms|0.9000 – 1.200|0.5000 – 4.000|▲ ×3.00 2.50 – 3.50|1|1.5 1.40 – 1.60|\
        1_234_567|1|2|31|1";
    assert_eq!(cells.join("|"), expected.replace('_', "\u{202f}"));
}

#[test]
fn plots_follow_from_what_the_rows_hold() {
    let page = page();
    let titles = |section: &str| -> BTreeSet<_> {
        all(&page, &format!("#section-{section} figcaption")).into_iter().map(text).collect()
    };
    let network = titles("network");
    for title in ["Time of one operation on a log", "Round trips of one op", "Time of one operation of store_batch/n"] {
        assert!(network.iter().any(|caption| caption.starts_with(title)), "{title}: {network:?}");
    }
    assert!(titles("of-a-trace").iter().any(|caption| caption.starts_with("Hit ratio of zipf/n")));
    // Each row that has a time has a mark, which tells it.
    let marks = all(&page, "#section-network .lane title").len();
    assert_eq!(marks, 2 * 12, "times and round trips");
}

#[test]
fn whoever_cannot_see_it_finds_the_way() {
    let page = page();
    assert_eq!(all(&page, "html")[0].attr("lang"), Some("en"));
    assert_eq!(all(&page, "h1").len(), 1);
    let ids: Vec<_> = all(&page, "[id]").into_iter().map(|element| element.attr("id").unwrap()).collect();
    let unique: BTreeSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "an id twice");
    for element in all(&page, "[aria-labelledby]") {
        assert!(unique.contains(element.attr("aria-labelledby").unwrap()));
    }
    for link in all(&page, "[href]") {
        assert!(unique.contains(link.attr("href").unwrap().trim_start_matches('#')), "a link to nowhere");
    }
    for svg in all(&page, "svg") {
        let named = svg.attr("role") == Some("img") && svg.attr("aria-label").is_some_and(|label| !label.is_empty());
        assert!(named || svg.attr("aria-hidden") == Some("true"));
    }
    for head in all(&page, "th") {
        assert!(["col", "row", "rowgroup"].contains(&head.attr("scope").unwrap()));
    }
    assert_eq!(all(&page, "table").len(), all(&page, "table > caption").len());
    assert_eq!(all(&page, ".scroll").len(), all(&page, ".scroll[tabindex=\"0\"][role=region]").len());
}

#[test]
fn an_incomplete_run_says_so_above_everything() {
    let mut report = sample::report();
    report.environment.profile = "release".to_owned();
    let banners = |report: &Report| {
        let page = Html::parse_document(&html(report));
        all(&page, ".banner").into_iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(banners(&report), [""; 0]);
    report.stop(Stopped::Interrupt);
    report.sections[1].complete = false;
    let said = banners(&report);
    assert!(
        said[0].contains("interrupted") && said[1].contains("did not run to its end") && said.len() == 2,
        "{said:?}"
    );
    report.stop(Stopped::Failure(HOSTILE.to_owned()));
    assert!(banners(&report)[0].contains(HOSTILE));
    report.environment.profile = "debug".to_owned();
    assert!(banners(&report)[1].contains("Not optimised"));
}

#[test]
fn a_run_without_rows_is_a_page_too() {
    let mut report = sample::report();
    report.results.clear();
    let page = Html::parse_document(&html(&report));
    assert_eq!((page.errors.len(), all(&page, "table").len(), all(&page, "section").len()), (0, 0, 2));
}
