//! Construction and validation of queries, filters and cursors.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests call for no part of them")]

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use memory_core::backend::{FieldName, FieldValue, Predicate, Scalar, count, select};
use memory_core::field::{archived_at, domain, id, language, metadata, metadata_path, reward, tags};
use memory_core::limits::{DEFAULT_LIMIT, MAX_FILTER_CONTENT, MAX_FILTER_NODES, MAX_GROUPS, MAX_LIMIT};
use memory_core::{
    Counts, Cursor, Direction, Episode, Error, Field, Filter, Heuristic, Page, Pattern, Query, Record, TaskContext,
    TaskType, Timestamp,
};

fn episode() -> Episode {
    Episode::new("Fix the login form", TaskContext::new("web"), TaskType::Debugging)
}

/// Returns the field that the refusal names.
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        Error::InvalidInput { field, .. } => field,
        other => panic!("{other}"),
    }
}

#[test]
fn a_new_query_asks_for_a_hundred_of_the_newest() {
    let query = Query::<Episode>::new();
    assert_eq!(query, Query::default());
    assert_eq!((query.limit, query.after.clone()), (DEFAULT_LIMIT, None));
    assert_eq!(query, query.clone().newest_first());
    assert_eq!(query.order.field, Field::named("start_time").unwrap());
    assert_eq!(Query::<Pattern>::new().order.field, Field::named("created_at").unwrap());
    assert_eq!(query.validate().unwrap(), None);
}

#[test]
fn a_limit_is_one_to_ten_thousand() {
    for limit in [1, MAX_LIMIT] {
        Query::<Episode>::new().limit(limit).validate().unwrap();
    }
    for limit in [0, MAX_LIMIT + 1] {
        assert_eq!(refused(Query::<Episode>::new().limit(limit).validate()), "limit");
    }
}

#[test]
fn filters_of_a_query_add_up() {
    let (since, until) = (Timestamp::from_micros(5).unwrap(), Timestamp::from_micros(7).unwrap());
    let query = Query::<Episode>::new().filter(domain().eq("web")).since(since).until(until);
    for (micros, wanted) in [(4, false), (5, true), (6, true), (7, false)] {
        let mut episode = episode();
        episode.start_time = Timestamp::from_micros(micros).unwrap();
        assert_eq!(query.filter.matches(&episode), wanted, "{micros}");
        episode.context.domain = "airline".to_owned();
        assert!(!query.filter.matches(&episode));
    }
}

#[test]
fn joining_a_filter_with_all_or_none_adds_no_test() {
    let test = || domain::<Episode>().eq("web");
    assert_eq!(Filter::all() & test(), test());
    assert_eq!(test() & Filter::all(), test());
    assert_eq!(Filter::none() | test(), test());
    assert_eq!(test() | Filter::none(), test());
    // A query can hold the largest valid filter.
    let largest = Filter::Or((1..MAX_FILTER_NODES).map(|_| test()).collect());
    largest.validate().unwrap();
    Query::new().filter(largest).validate().unwrap();
}

#[test]
fn joined_filters_are_one_level_deep_and_keep_their_order() {
    let [a, b, c] = ["a", "b", "c"].map(|key| metadata::<Episode>(key).exists());
    let flat = Filter::And(vec![a.clone(), b.clone(), c.clone()]);
    assert_eq!(a.clone() & b.clone() & c.clone(), flat);
    assert_eq!(a.clone() & (b.clone() & c.clone()), flat);
    let flat = Filter::Or(vec![a.clone(), b.clone(), c.clone()]);
    assert_eq!(a.clone() | b.clone() | c.clone(), flat);
    assert_eq!(a.clone() | (b.clone() | c), flat);
    assert_eq!(!!a.clone(), a);
    assert_ne!(a, b);
}

#[test]
fn a_filter_has_at_most_so_many_tests_and_so_much_in_them() {
    let test = || domain::<Episode>().eq("web");
    assert_eq!(refused(Filter::Or((0..MAX_FILTER_NODES).map(|_| test()).collect()).validate()), "filter");
    let of_size = |len| domain::<Episode>().eq("x".repeat(len));
    of_size(MAX_FILTER_CONTENT).validate().unwrap();
    assert_eq!(refused(of_size(MAX_FILTER_CONTENT + 1).validate()), "filter");
    assert_eq!(refused((of_size(MAX_FILTER_CONTENT / 2) | of_size(MAX_FILTER_CONTENT / 2 + 1)).validate()), "filter");
}

#[test]
fn a_filter_by_no_number_or_nowhere_is_refused_by_name() {
    assert_eq!(refused(reward().lt(f64::NAN).validate()), "reward");
    let inside = !(domain().eq("web") | metadata("k").is_in([0.5, f64::INFINITY]));
    assert_eq!(refused(Filter::<Episode>::validate(&inside)), "metadata[\"k\"]");
    assert_eq!(refused(metadata_path::<Episode, String>([]).exists().validate()), "metadata_path");
}

#[test]
fn a_field_is_known_by_its_name_where_its_kind_has_it() {
    for def in Episode::FIELDS {
        let field = Field::<Episode>::named(def.name.name()).unwrap();
        assert_eq!(field.path().to_string(), def.name.to_string());
        assert_eq!(def.name.name().parse::<FieldName>().unwrap(), def.name);
        // A required field has a value in the plainest record.
        assert_eq!(field.value(&episode()) == FieldValue::Missing, def.optional, "{}", def.name);
    }
    assert_eq!(refused(Field::<Heuristic>::named("domain")), "domain");
    assert_eq!(refused(Field::<Episode>::named("no such field")), "no such field");
}

#[test]
fn a_list_has_no_order_and_no_groups() {
    let query = Query::new().order_by(tags::<Episode>(), Direction::Ascending);
    assert_eq!(refused(query.validate()), "tags");
    assert_eq!(refused(count(&Filter::all(), Some(&tags::<Episode>()), &[])), "tags");
}

/// Returns a page of one record, and its cursor.
fn cursor(query: &Query<Episode>, episode: &Episode) -> Cursor {
    Page::new(query, vec![Arc::new(episode.clone())], true).next.unwrap()
}

#[test]
fn a_cursor_survives_printing_and_serde_and_holds_its_place() {
    let mut episode = episode();
    episode.context.language = Some("ru\0st 👍".to_owned());
    for order in [id(), language(), archived_at(), metadata("none")] {
        let query = Query::new().order_by(order, Direction::Ascending);
        let cursor = cursor(&query, &episode);
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        let json = serde_json::to_string(&cursor).unwrap();
        assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
        let position = query.clone().after(cursor).validate().unwrap().unwrap();
        assert_eq!(position, query.order.position(&episode));
    }
}

#[test]
fn a_page_that_ends_the_results_has_no_cursor() {
    let query = Query::<Episode>::new();
    assert_eq!(Page::new(&query, vec![Arc::new(episode())], false).next, None);
    assert_eq!(Page::new(&query, Vec::new(), true).next, None);
}

#[test]
fn a_cursor_belongs_to_one_filter_and_order_and_to_any_limit() {
    let query = Query::<Episode>::new().filter(domain().eq("web"));
    let next = cursor(&query, &episode());
    query.clone().limit(1).after(next.clone()).validate().unwrap();
    for other in [
        Query::new(),
        Query::new().filter(domain().eq("Web")),
        Query::new().filter(!domain().eq("web")),
        query.clone().oldest_first(),
        query.clone().order_by(id(), Direction::Descending),
    ] {
        assert_eq!(refused(other.after(next.clone()).validate()), "cursor");
    }
    let by_id = Query::<Episode>::new().order_by(id(), Direction::Ascending);
    let next = cursor(&by_id, &episode());
    let other_kind = Query::<Heuristic>::new().order_by(id(), Direction::Ascending);
    assert_eq!(refused(other_kind.after(next).validate()), "cursor");
}

#[test]
fn a_damaged_cursor_is_refused_whatever_the_damage() {
    let text = cursor(&Query::new(), &episode()).to_string();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(&text).unwrap();
    let parsed = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes).parse::<Cursor>();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(refused(parsed(&damaged)), "cursor", "bit {bit}");
    }
    for len in 0..bytes.len() {
        assert_eq!(refused(parsed(&bytes[..len])), "cursor", "cut to {len}");
    }
    for garbage in ["", " ", "null", "not a cursor!", "====", "👍", &text[1..], &format!("{text}AA")] {
        assert_eq!(refused(garbage.parse::<Cursor>()), "cursor", "{garbage:?}");
    }
    assert!(serde_json::from_str::<Cursor>("\"garbage\"").is_err());
}

#[test]
fn a_cursor_of_a_later_version_says_so() {
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor(&Query::new(), &episode()).to_string()).unwrap();
    bytes[0] += 1;
    let error = BASE64_URL_SAFE_NO_PAD.encode(bytes).parse::<Cursor>().unwrap_err();
    assert!(error.to_string().contains("version 2"), "{error}");
}

#[test]
fn selecting_goes_on_where_the_page_ended() {
    let episodes: Vec<_> = (0..7)
        .map(|micros| {
            let mut episode = episode();
            episode.start_time = Timestamp::from_micros(micros / 3).unwrap();
            Arc::new(episode)
        })
        .collect();
    let mut query = Query::<Episode>::new().limit(2);
    let whole = select(&query.clone().limit(7), episodes.iter().cloned()).unwrap().records;
    let mut walked = Vec::new();
    loop {
        let page = select(&query, episodes.iter().cloned()).unwrap();
        walked.extend(page.records);
        if page.next.is_none() {
            break;
        }
        query = query.after(page.next);
    }
    assert_eq!((walked.len(), walked), (7, whole));
}

#[test]
fn groups_join_equal_numbers_and_are_bounded() {
    let field = metadata::<Episode>("k");
    let values: [(Option<Scalar>, u64); 5] =
        [(Some(1.0.into()), 2), (None, 1), (Some(1.into()), 3), (Some(Scalar::Null), 4), (Some(true.into()), 5)];
    let counts = Counts::grouped(&field, values).unwrap();
    assert_eq!(counts.total, 15);
    assert_eq!(counts.groups, [(Some(true.into()), 5), (Some(1.into()), 5), (None, 5)]);
    let many = |len: usize| (0_i64..).take(len).map(|value| (Some(Scalar::from(value)), 1));
    assert_eq!(Counts::grouped(&field, many(MAX_GROUPS)).unwrap().groups.len(), MAX_GROUPS);
    assert_eq!(refused(Counts::grouped(&field, many(MAX_GROUPS + 1))), "metadata[\"k\"]");
}

#[test]
fn every_test_has_its_constructor_and_its_operands() {
    let operands = |filter: Filter<Episode>| match filter {
        Filter::Predicate(_, predicate) => predicate.operands().to_vec(),
        Filter::Not(part) => match *part {
            Filter::Predicate(_, predicate) => predicate.operands().to_vec(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let field = || metadata::<Episode>("k");
    for filter in [
        field().eq(1),
        field().ne(1),
        field().lt(1),
        field().le(1),
        field().gt(1),
        field().ge(1),
        field().is_in([1]),
        field().contains(1),
    ] {
        assert_eq!(operands(filter), [1.into()]);
    }
    assert_eq!(operands(field().exists()), []);
    assert_eq!(field().exists(), Filter::Predicate(field(), Predicate::Exists));
}
