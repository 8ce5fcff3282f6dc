//! What SQLite would do for a query.

use memory_core::{Access, Plan};

use crate::sql::Statement;

/// The statement that explains another.
pub(crate) fn explain(mut statement: Statement) -> Statement {
    statement.sql.to_mut().insert_str(0, "EXPLAIN QUERY PLAN ");
    statement
}

/// The plan in SQLite's words, a line for each step, as one of ours: by index
/// only if no step looks at the whole of `table`.
pub(crate) fn plan(table: &str, details: &[String]) -> Plan {
    let detail = details.join("; ");
    let steps = || details.iter().filter_map(|detail| detail.strip_suffix(')').or(Some(detail)).map(str::trim));
    let scans = steps().any(|step| step.strip_prefix("SCAN ").is_some_and(|rest| first_word(rest) == table));
    let index = steps().find_map(|step| {
        let rest = step.strip_prefix("SEARCH ")?.strip_prefix(table)?;
        Some(first_word(rest.split_once("INDEX ")?.1).to_owned())
    });
    match index {
        Some(index) if !scans => Plan::new(Access::Index(index), detail),
        _ => Plan::new(Access::Scan, detail),
    }
}

fn first_word(text: &str) -> &str {
    text.split_whitespace().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(details: &[&str]) -> Access {
        plan("episodes", &details.iter().map(|&detail| detail.to_owned()).collect::<Vec<_>>()).access
    }

    #[test]
    fn a_search_names_its_index_and_a_scan_in_order_is_a_scan() {
        let index = |name: &str| Access::Index(name.to_owned());
        assert_eq!(access(&["SEARCH episodes USING INDEX by_time (start_time>?)"]), index("by_time"));
        assert_eq!(access(&["SEARCH episodes USING COVERING INDEX by_time (start_time>?)"]), index("by_time"));
        assert_eq!(access(&["SCAN episodes USING INDEX by_time"]), Access::Scan);
        assert_eq!(access(&["SCAN episodes", "USE TEMP B-TREE FOR ORDER BY"]), Access::Scan);
        assert_eq!(
            access(&[
                "SEARCH episodes USING INDEX a (x=?)",
                "LIST SUBQUERY 1",
                "SCAN json_each VIRTUAL TABLE INDEX 1:"
            ]),
            index("a")
        );
        assert_eq!(access(&["MULTI-INDEX OR", "INDEX 1", "SEARCH episodes USING INDEX a (x=?)"]), index("a"));
    }
}
