use proptest::collection::btree_map;
use proptest::prelude::*;

use super::*;
use crate::PerformanceMetrics;
use crate::metrics::{
    BatchMetrics, BatchingMetrics, CacheFirstMetrics, MetadataQueryMetrics, PreparedStatementMetrics, TransportMetrics,
};

/// Every line is as wide as the first, and the borders stand above each other.
fn aligned(report: &str) {
    let lines: Vec<Vec<char>> = report.lines().map(|line| line.chars().collect()).collect();
    assert!(lines.len() > 40, "{report}");
    for line in &lines {
        assert_eq!(line.len(), 80, "{}", line.iter().collect::<String>());
        assert!("╔╠╟║╚".contains(line[0]) && "╗╣╢║╝".contains(line[79]), "{report}");
        if line[0] == '║' {
            assert_eq!((line[1], line[78]), (' ', ' '));
            assert!(line.iter().all(|c| *c == 'µ' || *c == '║' || c.is_ascii()), "{report}");
        }
    }
}

/// What comes of the same figures, but for the time since the start.
fn of(metrics: &PerformanceMetrics) -> PerformanceSnapshot {
    PerformanceSnapshot { uptime: Duration::from_secs(9_000), ..metrics.snapshot() }
}

#[test]
fn nothing_at_all() {
    let report = of(&PerformanceMetrics::new()).to_string();
    aligned(&report);
    insta::assert_snapshot!(report);
}

#[test]
fn a_few_of_everything() {
    let metrics = PerformanceMetrics::new();
    (0..85).for_each(|_| metrics.record_cache_read(true, Duration::from_nanos(400)));
    (0..15).for_each(|_| metrics.record_cache_read(false, Duration::from_millis(30)));
    metrics.record_batch_operation(100, Duration::from_millis(40));
    metrics.record_individual_operation(Duration::from_millis(32));
    (0..3).for_each(|_| metrics.record_prepared_statement(true, Duration::from_micros(8)));
    metrics.record_prepared_statement(false, Duration::from_micros(18));
    metrics.record_metadata_query(true, Duration::from_micros(50));
    metrics.record_metadata_query(false, Duration::from_millis(160));
    metrics.remote.round_trips.add(17);
    let report = of(&metrics).to_string();
    aligned(&report);
    insta::assert_snapshot!(report);
}

#[test]
fn the_largest_figures_there_are() {
    let most = || Latencies::new(u64::MAX, vec![(u64::MAX, u64::MAX)]);
    let least = || Latencies::new(1, vec![(1, 1)]);
    let reads = || ReadMetrics {
        hits: u64::MAX,
        negative_hits: u64::MAX,
        misses: u64::MAX,
        coalesced: u64::MAX,
        queries_avoided: u64::MAX,
        hit: most(),
        miss: least(),
    };
    let batch = || BatchMetrics {
        batches: 1,
        batched: u64::MAX,
        single: u64::MAX,
        round_trips_avoided: u64::MAX,
        batch_latency: least(),
        single_latency: Latencies::new(u64::MAX, vec![(u64::MAX, 1)]),
    };
    let transport = || TransportMetrics {
        round_trips: u64::MAX,
        requests: u64::MAX,
        retries: u64::MAX,
        sent_bytes: u64::MAX,
        received_bytes: u64::MAX,
        timeouts: u64::MAX,
        deadline_misses: u64::MAX,
        pool_waits: most(),
    };
    let snapshot = PerformanceSnapshot {
        uptime: Duration::MAX,
        cache_first: CacheFirstMetrics { gets: reads(), queries: reads() },
        batching: BatchingMetrics { reads: batch(), writes: batch() },
        prepared_statements: PreparedStatementMetrics {
            cached: u64::MAX,
            uncached: u64::MAX,
            cached_execution: most(),
            uncached_execution: least(),
            preparation: most(),
        },
        metadata_queries: MetadataQueryMetrics { indexed: most(), scanned: most() },
        local: transport(),
        remote: transport(),
        operations: std::iter::once((
            "get".to_owned(),
            OperationMetrics { succeeded: u64::MAX, failed: u64::MAX, cancelled: u64::MAX, latency: most() },
        ))
        .collect(),
    };
    let report = snapshot.to_string();
    aligned(&report);
    insta::assert_snapshot!(report);
}

/// Of any magnitude, nothing and the largest among them.
fn count() -> impl Strategy<Value = u64> {
    (0_u32..=64, any::<u64>()).prop_map(|(bits, any)| any.checked_shr(64 - bits).unwrap_or(0))
}

fn latencies() -> impl Strategy<Value = Latencies> {
    let buckets = btree_map(count(), count(), 0..4);
    (count(), buckets).prop_map(|(total, buckets)| {
        Latencies::new(total, buckets.into_iter().filter(|(_, count)| *count > 0).collect())
    })
}

prop_compose! {
    fn reads()(counts in [count(), count(), count(), count(), count()], hit in latencies(), miss in latencies())
        -> ReadMetrics {
        let [hits, negative_hits, misses, coalesced, queries_avoided] = counts;
        ReadMetrics { hits, negative_hits, misses, coalesced, queries_avoided, hit, miss }
    }
}

prop_compose! {
    fn batch()(counts in [count(), count(), count(), count()], batch_latency in latencies(), single_latency in latencies())
        -> BatchMetrics {
        let [batches, batched, single, round_trips_avoided] = counts;
        BatchMetrics { batches, batched, single, round_trips_avoided, batch_latency, single_latency }
    }
}

prop_compose! {
    fn transport()(counts in proptest::array::uniform7(count()), pool_waits in latencies()) -> TransportMetrics {
        let [round_trips, requests, retries, sent_bytes, received_bytes, timeouts, deadline_misses] = counts;
        TransportMetrics {
            round_trips, requests, retries, sent_bytes, received_bytes, timeouts, deadline_misses, pool_waits,
        }
    }
}

prop_compose! {
    fn operation()(counts in [count(), count(), count()], latency in latencies()) -> OperationMetrics {
        let [succeeded, failed, cancelled] = counts;
        OperationMetrics { succeeded, failed, cancelled, latency }
    }
}

prop_compose! {
    fn statements()(counts in [count(), count()], executions in [latencies(), latencies()], preparation in latencies())
        -> PreparedStatementMetrics {
        let [cached, uncached] = counts;
        let [cached_execution, uncached_execution] = executions;
        PreparedStatementMetrics { cached, uncached, cached_execution, uncached_execution, preparation }
    }
}

prop_compose! {
    fn snapshot()(
        uptime in count(),
        reads in [reads(), reads()],
        batches in [batch(), batch()],
        prepared_statements in statements(),
        queries in [latencies(), latencies()],
        transports in [transport(), transport()],
        operations in btree_map("[a-z]{1,30}", operation(), 0..3),
    ) -> PerformanceSnapshot {
        let [gets, queries_read] = reads;
        let [of_reads, of_writes] = batches;
        let [indexed, scanned] = queries;
        let [local, remote] = transports;
        PerformanceSnapshot {
            uptime: Duration::from_nanos(uptime),
            cache_first: CacheFirstMetrics { gets, queries: queries_read },
            batching: BatchingMetrics { reads: of_reads, writes: of_writes },
            prepared_statements,
            metadata_queries: MetadataQueryMetrics { indexed, scanned },
            local,
            remote,
            operations,
        }
    }
}

proptest! {
    #[test]
    fn the_box_is_aligned_whatever_it_holds(snapshot in snapshot()) {
        aligned(&snapshot.to_string());
    }

    #[test]
    fn a_snapshot_is_read_back_from_json(snapshot in snapshot()) {
        let json = serde_json::to_string(&snapshot).unwrap();
        let back: PerformanceSnapshot = serde_json::from_str(&json).unwrap();
        // Seconds as a real may be off by the last nanosecond.
        prop_assert_eq!(PerformanceSnapshot { uptime: snapshot.uptime, ..back }, snapshot);
    }

    #[test]
    fn a_difference_never_falls_below_nothing(later in snapshot(), earlier in snapshot()) {
        let between = &later - &earlier;
        aligned(&between.to_string());
        prop_assert!(between.cache_first.gets.hits <= later.cache_first.gets.hits);
        prop_assert_eq!(&(&later - &PerformanceSnapshot::default()).remote, &later.remote);
    }
}
