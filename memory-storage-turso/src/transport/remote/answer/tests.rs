//! Answers as servers write them.

use super::*;

fn parse(json: &str) -> Answer {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn values(json: &str) -> serde_json::Result<Vec<Value>> {
    serde_json::from_str::<Row>(json).map(|row| row.values)
}

#[test]
fn what_is_optional_may_be_absent_or_null() {
    let full = r#"{"baton":null,"base_url":null,"results":[{"type":"ok","response":{"type":"batch","result":{
        "step_results":[{"cols":[{"name":"a","decltype":"TEXT"}],"rows":[[{"type":"null"}]],
            "affected_row_count":0,"last_insert_rowid":null},null],
        "step_errors":[null,{"message":"m","code":"c"}]}}},{"type":"ok","response":{"type":"close"}}]}"#;
    let bare = r#"{"results":[{"response":{"result":{
        "step_errors":[null,{"message":"m","code":"c"}],"step_results":[{"rows":[[{"type":"null"}]]},null]}},
        "type":"ok"}]}"#;
    for json in [full, bare] {
        let batch = parse(json).batch().unwrap().unwrap();
        assert_eq!(batch.step_results[0].as_ref().unwrap().rows[0].values, [Value::Null]);
        let error = batch.step_errors[1].as_ref().unwrap();
        assert_eq!((error.message.as_str(), error.code.as_str()), ("m", "c"));
    }
}

#[test]
fn an_error_needs_neither_code_nor_message() {
    for (error, expected) in [
        (r#"{"message":"m"}"#, ("m", "")),
        (r#"{"message":"m","code":null}"#, ("m", "")),
        (r#"{"code":"c","message":null,"extended_code":5}"#, ("", "c")),
        ("{}", ("", "")),
        ("null", ("", "")),
    ] {
        let answer = parse(&format!(r#"{{"results":[{{"type":"error","error":{error}}}]}}"#));
        let error = answer.batch().unwrap().unwrap_err();
        assert_eq!((error.message.as_str(), error.code.as_str()), expected);
    }
}

#[test]
fn unknown_fields_are_skipped_and_later_results_may_be_anything() {
    let answer = parse(
        r#"{"server":{"version":[1]},"results":[{"type":"ok","time":1.5,"response":{"type":"batch","id":7,
        "result":{"step_results":[],"step_errors":[],"replication_index":"7","plan":[[]]}}},
        {"type":"some day"},17,null]}"#,
    );
    assert!(answer.batch().unwrap().is_ok());
}

#[test]
fn what_holds_no_result_of_the_batch_is_told_apart() {
    for result in ["", r#"{"type":"none"}"#, r#"{"type":"ok","response":{"type":"close"}}"#] {
        assert!(parse(&format!(r#"{{"results":[{result}]}}"#)).batch().is_none(), "{result}");
    }
    for json in ["{}", "[]", r#"{"results":null}"#, r#"{"results":{}}"#, r#"{"results":[null]}"#] {
        assert!(serde_json::from_str::<Answer>(json).is_err(), "{json}");
    }
    // No rows are not the same as an answer without rows.
    assert!(serde_json::from_str::<StmtResult>(r#"{"cols":[]}"#).is_err());
}

#[test]
fn lists_that_could_take_all_memory_are_refused_at_their_limit() {
    let many = |item: &str| vec![item; MAX_ITEMS + 1].join(",");
    let results = |list: &str| serde_json::from_str::<BatchResult>(&format!(r#"{{"step_results":[{list}]}}"#));
    let errors = |list: &str| serde_json::from_str::<BatchResult>(&format!(r#"{{"step_errors":[{list}]}}"#));
    let rows = |list: &str| results(&format!(r#"{{"cols":[],"rows":[{list}]}}"#));
    for refused in [results(&many("null")), errors(&many("{}")), rows(&many(r#"[{"type":"null"}]"#))] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(&format!("a list of more than {MAX_ITEMS} items")), "{error}");
    }
    assert!(rows("[]").unwrap_err().to_string().contains("a row of 0 values"));
    let uneven = rows(r#"[{"type":"null"}],[{"type":"null"},{"type":"null"}]"#);
    assert!(uneven.unwrap_err().to_string().contains("a row of 2 values"));
}

#[test]
fn values_are_read_however_they_are_written() {
    let read = values(
        r#"[{"type":"null"}, {"type":"integer","value":"-9223372036854775808"}, {"value":7,"type":"integer"},
        {"type":"float","value":1}, {"type":"float","value":1.5}, {"type":"text","value":"a\u0000\u00e9"},
        {"type":"blob","base64":"\/+8"}, {"base64":"YQ==","type":"blob"}, {"type":"null","value":null,"x":[{}]}]"#,
    );
    let text = |text: &str| Value::Text(text.to_owned());
    let expected = [
        Value::Null,
        Value::Integer(i64::MIN),
        Value::Integer(7),
        Value::Float,
        Value::Float,
        text("a\0\u{e9}"),
        Value::Blob(vec![0xff, 0xef]),
        Value::Blob(vec![b'a']),
        Value::Null,
    ];
    assert_eq!(read.unwrap(), expected);
    for wrong in [
        "{}",
        r#"{"type":"integer"}"#,
        r#"{"type":"integer","value":"1.5"}"#,
        r#"{"type":"text","value":1}"#,
        r#"{"type":"blob","base64":"?"}"#,
        r#"{"type":"decimal","value":"1"}"#,
        "null",
    ] {
        assert!(values(&format!("[{wrong}]")).is_err(), "{wrong}");
    }
}
