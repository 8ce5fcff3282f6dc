//! Attempts, pauses and the budget, on a clock of the test's own.

use std::cell::{Cell, RefCell};

use super::*;

fn policy() -> RetryPolicy {
    RetryPolicy {
        deadline: Duration::from_secs(30),
        attempt_timeout: Duration::from_secs(10),
        batch: BatchConfig::default(),
        host: "db.example.com".to_owned(),
    }
}

fn unavailable() -> Error {
    Error::unavailable("get", "away")
}

/// Runs a script of attempts, and returns the result and how many were made.
async fn script(policy: &RetryPolicy, write: Option<WriteId>, failures: Vec<Failure>) -> (Result<&'static str>, usize) {
    let script = RefCell::new(failures.into_iter());
    let made = Cell::new(0);
    let result = policy
        .run(policy.begin("get", write), &Shared::new(1, Arc::default()), |_| async {
            made.set(made.get() + 1);
            script.borrow_mut().next().map_or(Ok("done"), Err)
        })
        .await;
    (result, made.get())
}

#[tokio::test(start_paused = true)]
async fn what_may_be_tried_again_is_tried_up_to_the_limit() {
    let again = |n| (0..n).map(|_| Failure::again(unavailable())).collect::<Vec<_>>();
    let (result, made) = script(&policy(), None, again(3)).await;
    assert_eq!((result.unwrap(), made), ("done", 4));
    let (result, made) = script(&policy(), None, again(4)).await;
    assert!(matches!(result, Err(Error::Unavailable { .. })));
    assert_eq!(made, 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_tried_again() {
    let (result, made) = script(&policy(), None, vec![Failure::last(Error::unauthorized("get", "401"))]).await;
    assert!(matches!(result, Err(Error::Unauthorized { .. })));
    assert_eq!(made, 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_stays_unknown_until_a_success() {
    let write = WriteId::new();
    let failures = || vec![Failure::unknown(unavailable()), Failure::last(Error::unauthorized("put", "401"))];
    let (result, _) = script(&policy(), Some(write), failures()).await;
    assert!(matches!(result, Err(Error::Indeterminate { write: id, .. }) if id == write));
    let (result, _) = script(&policy(), None, failures()).await;
    assert!(matches!(result, Err(Error::Unauthorized { .. })), "a read leaves nothing in doubt");
    let (result, _) = script(&policy(), Some(write), vec![Failure::unknown(unavailable())]).await;
    assert_eq!(result.unwrap(), "done");
    let refused = vec![Failure::again(unavailable()), Failure::last(Error::unauthorized("put", "401"))];
    let (result, _) = script(&policy(), Some(write), refused).await;
    assert!(matches!(result, Err(Error::Unauthorized { .. })));
}

#[tokio::test(start_paused = true)]
async fn the_server_is_left_alone_as_long_as_it_asks_and_never_beyond_the_deadline() {
    let asked =
        |seconds| vec![Failure { retry_after: Some(Duration::from_secs(seconds)), ..Failure::again(unavailable()) }];
    let start = Instant::now();
    let (result, _) = script(&policy(), None, asked(7)).await;
    assert!(result.is_ok() && start.elapsed() >= Duration::from_secs(7));
    let start = Instant::now();
    let (result, made) = script(&policy(), None, asked(31)).await;
    assert!(result.is_err() && start.elapsed() < Duration::from_secs(1));
    assert_eq!(made, 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_at_the_deadline() {
    let start = Instant::now();
    let policy = RetryPolicy { attempt_timeout: Duration::from_secs(20), ..policy() };
    let get = policy.begin("get", None);
    let result: Result<()> = policy.run(get, &Shared::new(1, Arc::default()), |_| std::future::pending()).await;
    assert!(
        matches!(&result, Err(Error::Timeout { reason, .. }) if reason.starts_with("db.example.com: ")),
        "{result:?}"
    );
    assert!(start.elapsed() <= policy.deadline);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_left_is_not_in_doubt() {
    let put = |policy: &RetryPolicy| policy.begin("put", Some(WriteId::new()));
    let result: Result<()> =
        policy().run(put(&policy()), &Shared::new(1, Arc::default()), |_| std::future::pending()).await;
    assert!(matches!(result, Err(Error::Timeout { .. })), "{result:?}");
    let left = |attempt: Attempt| async move {
        let mut body = attempt.departure.body(bytes::Bytes::from_static(b"body"));
        std::future::poll_fn(|context| http_body::Body::poll_frame(std::pin::Pin::new(&mut body), context)).await;
        std::future::pending().await
    };
    let result: Result<()> = policy().run(put(&policy()), &Shared::new(1, Arc::default()), left).await;
    assert!(matches!(result, Err(Error::Indeterminate { .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_ends_with_the_deadline_and_takes_nothing_from_an_attempt() {
    let policy = policy();
    let shared = Shared::new(1, Arc::default());
    let run = |seconds| {
        let slow = move |_| async move {
            sleep_until(Instant::now() + Duration::from_secs(seconds)).await;
            Ok(())
        };
        policy.run(policy.begin("put", Some(WriteId::new())), &shared, slow)
    };
    let (first, second, third, fourth) = tokio::join!(run(9), run(9), run(9), run(9));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    // It got its turn three seconds before its deadline, and had not left by then.
    assert!(matches!(fourth, Err(Error::Timeout { .. })), "{fourth:?}");
    let _turn = shared.pool.permit().await;
    let start = Instant::now();
    assert!(matches!(run(1).await, Err(Error::Timeout { .. })));
    assert_eq!(start.elapsed(), policy.deadline);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_fenced_off_is_in_doubt_no_more() {
    let write = WriteId::new();
    let failures = vec![Failure::unknown(unavailable()), Failure::never(Error::fenced(write))];
    let (result, made) = script(&policy(), Some(write), failures).await;
    assert!(matches!(result, Err(Error::Fenced { write: fenced, .. }) if fenced == write), "{result:?}");
    assert_eq!(made, 2);
}

#[tokio::test(start_paused = true)]
async fn a_server_may_ask_to_be_left_alone_for_ever() {
    let asked = Failure { retry_after: Some(Duration::MAX), ..Failure::again(unavailable()) };
    let (result, made) = script(&policy(), None, vec![asked]).await;
    assert!(result.is_err());
    assert_eq!(made, 1);
}

#[tokio::test(start_paused = true)]
async fn what_failed_for_the_crowd_is_made_again_in_a_narrower_pool_and_counts_for_nothing() {
    let policy = RetryPolicy { batch: BatchConfig { max_retries: 0, ..BatchConfig::default() }, ..policy() };
    let shared = Shared::new(8, Arc::default());
    let (at_once, most) = (Cell::new(0), Cell::new(0));
    let crowded = || Failure { crowded: true, ..Failure::last(unavailable()) };
    let attempt = |_| async {
        at_once.set(at_once.get() + 1);
        most.set(at_once.get().max(most.get()));
        sleep_until(Instant::now() + Duration::from_millis(10)).await;
        let together = at_once.replace(at_once.get() - 1);
        // A server that takes two requests at a time.
        if together > 2 { Err(crowded()) } else { Ok(()) }
    };
    let all = futures_util::future::join_all((0..40).map(|_| policy.run(policy.begin("get", None), &shared, attempt)));
    assert!(all.await.iter().all(Result::is_ok));
    assert_eq!(most.get(), 8);
    // One that is alone is the reason itself.
    let alone = policy.run(policy.begin("get", None), &shared, |_| async { Err::<(), _>(crowded()) }).await;
    assert!(alone.is_err());
}

#[tokio::test(start_paused = true)]
async fn writes_of_one_request_pay_for_its_retry_once() {
    let shared = Shared::new(1, Arc::default());
    for _ in 0..3 {
        let ticket = Arc::default();
        for _ in 0..64 {
            let failure = Failure::again(unavailable()).with_ticket(&ticket);
            assert!(shared.budget.take_for(&failure));
        }
    }
    let alone = Failure::again(unavailable());
    let left = std::iter::repeat_with(|| shared.budget.take_for(&alone)).take_while(|taken| *taken).count();
    assert_eq!(left, 7);
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_ends_all_retries_until_the_server_answers_again() {
    let shared = Shared::new(1, Arc::default());
    let made = Cell::new(0);
    for _ in 0..50 {
        let failing = |_| async {
            made.set(made.get() + 1);
            Err::<(), _>(Failure::again(unavailable()))
        };
        assert!(policy().run(policy().begin("get", None), &shared, failing).await.is_err());
    }
    assert_eq!(made.get(), 50 + (BUDGET / RETRY_COST) as usize);
    for _ in 0..RETRY_COST {
        policy().run(policy().begin("get", None), &shared, |_| async { Ok(()) }).await.unwrap();
    }
    assert!(shared.budget.take() && !shared.budget.take());
}
