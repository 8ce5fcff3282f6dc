//! Clients that were written against libSQL's own servers run against the lab,
//! unchanged: the proof that it is like them.

#![expect(clippy::unwrap_used, reason = "a failure is the test's")]

use std::time::Duration;

use memory_lab::{Clock, Lab, LabOptions};

const TOKEN: &str = "token-of-the-lab";
const TEXT: &str = "before\0after, \u{1F980}";

async fn lab() -> Lab {
    let mut options = LabOptions::default();
    options.token = Some(TOKEN.into());
    options.clock = Clock::manual();
    Lab::start(options).await.unwrap()
}

/// How many requests went through since this was last asked.
fn requests(lab: &Lab) -> u64 {
    let requests = lab.counters().requests;
    lab.proxy().reset_counters();
    requests
}

mod libsql_remote {
    use hyper_0_14::client::HttpConnector;
    use libsql::{Connection, Value, params};

    use super::*;

    async fn connect(lab: &Lab) -> Connection {
        let builder = libsql::Builder::new_remote(lab.url(), TOKEN.to_owned());
        let connection = builder.connector(HttpConnector::new()).build().await.unwrap().connect().unwrap();
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", ()).await.unwrap();
        requests(lab);
        connection
    }

    async fn count(connection: &Connection) -> i64 {
        let mut rows = connection.query("SELECT count(*) FROM t", ()).await.unwrap();
        let count = rows.next().await.unwrap().unwrap().get(0).unwrap();
        assert!(rows.next().await.unwrap().is_none());
        count
    }

    #[tokio::test]
    async fn queries_with_parameters() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        let inserted = connection.execute("INSERT INTO t (name) VALUES (?1), (?2)", [TEXT, "b"]).await.unwrap();
        assert_eq!((inserted, connection.last_insert_rowid(), requests(&lab)), (2, 2, 1));

        let parameters = params![TEXT, i64::MAX, 0.1, vec![0_u8, 255], Value::Null];
        let mut rows =
            connection.query("SELECT id, name, ?2, ?3, ?4, ?5 FROM t WHERE name = ?1", parameters).await.unwrap();
        let row = rows.next().await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 1);
        assert_eq!(row.get::<String>(1).unwrap(), TEXT);
        assert_eq!(row.get::<i64>(2).unwrap(), i64::MAX);
        assert_eq!(row.get_value(3).unwrap(), Value::Real(0.1));
        assert_eq!(row.get::<Vec<u8>>(4).unwrap(), [0, 255]);
        assert_eq!(row.get_value(5).unwrap(), Value::Null);
        assert!(rows.next().await.unwrap().is_none());
        assert_eq!(requests(&lab), 2, "it describes before it asks");

        let named = libsql::named_params! { ":id": 2 };
        let mut rows = connection.query("SELECT name FROM t WHERE id = :id", named).await.unwrap();
        assert_eq!(rows.next().await.unwrap().unwrap().get::<String>(0).unwrap(), "b");
    }

    #[tokio::test]
    async fn reports_errors() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        connection.execute("INSERT INTO t VALUES (1, 'a')", ()).await.unwrap();
        let error = connection.execute("INSERT INTO t VALUES (1, 'a')", ()).await.unwrap_err().to_string();
        assert!(error.contains("SQLITE_CONSTRAINT") && error.contains("UNIQUE constraint failed: t.id"), "{error}");
        let error = connection.query("SELECT * FROM nowhere", ()).await.unwrap_err().to_string();
        assert!(error.contains("no such table: nowhere"), "{error}");

        let stranger = libsql::Builder::new_remote(lab.url(), "another".to_owned()).connector(HttpConnector::new());
        let stranger = stranger.build().await.unwrap().connect().unwrap();
        let error = stranger.execute("SELECT 1", ()).await.unwrap_err().to_string();
        assert!(error.contains("401") && !error.contains("another"), "{error}");
    }

    #[tokio::test]
    async fn runs_batches() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        connection.execute_batch("INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b')").await.unwrap();
        let failing = "INSERT INTO t VALUES (3, 'c'); INSERT INTO t VALUES (3, 'c')";
        connection.execute_transactional_batch(failing).await.unwrap_err();
        assert_eq!(requests(&lab), 2);
        assert_eq!(count(&connection).await, 2);
    }

    #[tokio::test]
    async fn runs_transactions() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        let transaction = connection.transaction().await.unwrap();
        transaction.execute("INSERT INTO t VALUES (1, 'a')", ()).await.unwrap();
        transaction.commit().await.unwrap();
        let transaction = connection.transaction().await.unwrap();
        transaction.execute("INSERT INTO t VALUES (2, 'b')", ()).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(count(&connection).await, 1);

        connection.execute("BEGIN", ()).await.unwrap();
        assert!(!connection.is_autocommit());
        connection.execute("INSERT INTO t VALUES (3, 'c')", ()).await.unwrap();
        connection.execute("COMMIT", ()).await.unwrap();
        assert!(connection.is_autocommit());
        assert_eq!(count(&connection).await, 2);
    }

    #[tokio::test]
    async fn meets_the_end_of_its_stream() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        assert_eq!(count(&connection).await, 0);
        assert_eq!(lab.server().open_streams(), 1, "a query leaves its stream open");

        lab.clock().advance(Duration::from_secs(12));
        let error = connection.query("SELECT 1", ()).await.unwrap_err().to_string();
        assert!(error.contains("STREAM_EXPIRED"), "{error}");
        connection.reset().await;
        assert_eq!(count(&connection).await, 0);
    }
}

mod turso_serverless_client {
    use turso_serverless::{Builder, Connection, Error, Value};

    use super::*;

    async fn connect(lab: &Lab) -> Connection {
        let database = Builder::new_remote(lab.url()).with_auth_token(TOKEN).build().await.unwrap();
        let connection = database.connect().unwrap();
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)", ()).await.unwrap();
        requests(lab);
        connection
    }

    async fn count(connection: &Connection) -> i64 {
        let mut rows = connection.query("SELECT count(*) FROM t", ()).await.unwrap();
        rows.next().await.unwrap().unwrap().get(0).unwrap()
    }

    #[tokio::test]
    async fn queries_with_parameters() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        let inserted = connection.execute("INSERT INTO t (name) VALUES (?1), (?2)", (TEXT, "b")).await.unwrap();
        assert_eq!((inserted, connection.last_insert_rowid(), requests(&lab)), (2, 2, 1));

        let parameters = (TEXT, i64::MAX, 0.1, vec![0_u8, 255], Value::Null);
        let mut rows =
            connection.query("SELECT id, name, ?2, ?3, ?4, ?5 FROM t WHERE name = ?1", parameters).await.unwrap();
        let row = rows.next().await.unwrap().unwrap();
        let values: Vec<Value> = (0..6).map(|index| row.get_value(index).unwrap()).collect();
        let expected = [
            Value::Integer(1),
            Value::Text(TEXT.to_owned()),
            Value::Integer(i64::MAX),
            Value::Real(0.1),
            Value::Blob(vec![0, 255]),
            Value::Null,
        ];
        assert_eq!(values, expected);
        assert_eq!(requests(&lab), 1);

        let mut statement = connection.prepare("SELECT name FROM t WHERE id = :id").await.unwrap();
        let row = statement.query_row([(":id", 2)]).await.unwrap();
        assert_eq!(row.get::<String>(0).unwrap(), "b");
    }

    #[tokio::test]
    async fn reports_errors() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        connection.execute("INSERT INTO t VALUES (1, 'a')", ()).await.unwrap();
        let error = connection.execute("INSERT INTO t VALUES (1, 'a')", ()).await.unwrap_err();
        assert!(matches!(&error, Error::Constraint(message) if message.contains("t.id")), "{error:?}");
        let error = connection.query("SELECT * FROM nowhere", ()).await.err().unwrap().to_string();
        assert!(error.contains("no such table: nowhere"), "{error}");
    }

    #[tokio::test]
    async fn runs_batches() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        let insert = "INSERT INTO t VALUES (?1, 'x')";
        let results = connection.batch([(insert, (1,)), (insert, (2,))]).await.unwrap();
        assert_eq!(results.len(), 2);
        let behavior = turso_serverless::TransactionBehavior::Immediate;
        connection.transactional_batch([(insert, (3,)), (insert, (3,))], behavior).await.unwrap_err();
        assert_eq!(count(&connection).await, 2);
        requests(&lab);
        connection.transactional_batch([(insert, (3,)), (insert, (4,))], behavior).await.unwrap();
        assert_eq!(requests(&lab), 1);
        connection.execute_batch("DELETE FROM t WHERE id = 1; DELETE FROM t WHERE id = 2").await.unwrap();
        assert_eq!(count(&connection).await, 2);
    }

    #[tokio::test]
    async fn runs_transactions() {
        let lab = lab().await;
        let mut connection = connect(&lab).await;
        let transaction = connection.transaction().await.unwrap();
        transaction.execute("INSERT INTO t VALUES (1, 'a')", ()).await.unwrap();
        assert!(!transaction.is_autocommit().unwrap());
        transaction.commit().await.unwrap();
        let transaction = connection.transaction().await.unwrap();
        transaction.execute("INSERT INTO t VALUES (2, 'b')", ()).await.unwrap();
        transaction.rollback().await.unwrap();
        assert!(connection.is_autocommit().unwrap());
        assert_eq!(count(&connection).await, 1);
        connection.close().await.unwrap();
        assert_eq!(lab.server().open_streams(), 0);
    }

    #[tokio::test]
    async fn meets_the_end_of_its_stream() {
        let lab = lab().await;
        let connection = connect(&lab).await;
        assert_eq!(count(&connection).await, 0);
        lab.clock().advance(Duration::from_secs(12));
        let error = connection.query("SELECT 1", ()).await.err().unwrap().to_string();
        assert!(error.contains("expired"), "{error}");
        assert_eq!(count(&connection).await, 0, "it begins a new one by itself");
    }
}
