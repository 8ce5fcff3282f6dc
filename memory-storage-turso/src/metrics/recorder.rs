//! Where latencies are recorded.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::Latencies;
use super::series::{Labels, Series};

/// Two significant digits: what is told of a latency is off by 1 % at most.
const DIGITS: u8 = 2;
/// What takes longer than an hour is counted as an hour in the histogram.
const LONGEST: u64 = 3_600_000_000_000;
/// Each thread records to one of these, so that they hardly ever meet.
const STRIPES: usize = 8;
/// One lookup in so many is timed, on average.
const SAMPLED: u32 = 64;

/// A histogram of latencies that many threads record to.
#[derive(Debug)]
pub(crate) struct LatencyRecorder {
    stripes: Box<[Stripe; STRIPES]>,
    enabled: bool,
    #[cfg(feature = "metrics")]
    facade: metrics::Histogram,
}

/// The part of a few threads, on cache lines of its own. Its histogram takes
/// 36 KiB, and is not made before it is needed.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    recorded: OnceLock<Box<Mutex<Recorded>>>,
    /// Lookups until the next that is timed. Threads that share a stripe may
    /// lose a step of each other's: it is sampling.
    countdown: AtomicU32,
}

#[derive(Debug)]
struct Recorded {
    histogram: Histogram<u64>,
    total_nanos: u64,
}

impl Default for Recorded {
    fn default() -> Self {
        let histogram = Histogram::new_with_max(LONGEST, DIGITS).or_else(|_| Histogram::new(DIGITS));
        Self { histogram: histogram.expect("these bounds are valid"), total_nanos: 0 }
    }
}

impl LatencyRecorder {
    #[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "names are for the facade"))]
    pub(crate) fn new(enabled: bool, series: Series, labels: Labels<'_>) -> Self {
        Self {
            stripes: Box::default(),
            enabled,
            #[cfg(feature = "metrics")]
            facade: if enabled { series.histogram(labels) } else { metrics::Histogram::noop() },
        }
    }

    /// Records one latency.
    pub(crate) fn record(&self, latency: Duration) {
        self.record_shared(latency, 1);
    }

    /// Records that `count` things took so long together: each a part of it.
    pub(crate) fn record_shared(&self, latency: Duration, count: u64) {
        if !self.enabled || count == 0 {
            return;
        }
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        let stripe = self.stripe().recorded.get_or_init(Box::default);
        let mut recorded = stripe.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.histogram.saturating_record_n((nanos / count).min(LONGEST), count);
        recorded.total_nanos = recorded.total_nanos.saturating_add(nanos);
        drop(recorded);
        #[cfg(feature = "metrics")]
        self.facade.record_many(latency.as_secs_f64() / count as f64, usize::try_from(count).unwrap_or(usize::MAX));
    }

    /// Whether what begins now is to be timed: about one time in 64, and every
    /// time until the first is [recorded](Self::sampled).
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        if !self.enabled {
            return false;
        }
        let countdown = &self.stripe().countdown;
        let left = countdown.load(Ordering::Relaxed);
        if left > 0 {
            countdown.store(left - 1, Ordering::Relaxed);
        }
        left == 0
    }

    /// Records what was [due](Self::is_due).
    #[cold]
    pub(crate) fn sampled(&self, latency: Duration) {
        self.record(latency);
        // Drawn, so that what recurs with a period is sampled evenly.
        self.stripe().countdown.store(fastrand::u32(0..2 * SAMPLED - 1), Ordering::Relaxed);
    }

    #[inline]
    fn stripe(&self) -> &Stripe {
        &self.stripes[thread_number() % STRIPES]
    }

    /// What was recorded so far, by all threads.
    pub(crate) fn snapshot(&self) -> Latencies {
        let mut all = Recorded::default();
        for stripe in self.stripes.iter().filter_map(|stripe| stripe.recorded.get()) {
            let recorded = stripe.lock().unwrap_or_else(PoisonError::into_inner);
            // Of the same bounds, so that everything fits.
            let _ = all.histogram.add(&recorded.histogram);
            all.total_nanos = all.total_nanos.saturating_add(recorded.total_nanos);
        }
        let buckets = all.histogram.iter_recorded();
        let buckets = buckets.map(|bucket| (bucket.value_iterated_to(), bucket.count_since_last_iteration()));
        Latencies::new(all.total_nanos, buckets.collect())
    }
}

/// A number for this thread, counted from 0.
#[inline]
fn thread_number() -> usize {
    const UNKNOWN: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(UNKNOWN) };
    }
    let mut number = NUMBER.get();
    if number == UNKNOWN {
        number = NEXT.fetch_add(1, Ordering::Relaxed);
        NUMBER.set(number);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::super::seconds;
    use super::*;

    fn recorder(enabled: bool) -> LatencyRecorder {
        LatencyRecorder::new(enabled, seconds("test_seconds", "of a test"), &[])
    }

    #[test]
    fn what_many_threads_record_is_all_there() {
        let recorder = recorder(true);
        std::thread::scope(|scope| {
            for thread in 1..=3 * STRIPES as u64 {
                let recorder = &recorder;
                scope.spawn(move || (0..100).for_each(|_| recorder.record(Duration::from_micros(thread))));
            }
        });
        let latencies = recorder.snapshot();
        assert_eq!(latencies.count(), 2_400);
        assert_eq!(latencies.total(), Duration::from_micros(100 * (1..=24).sum::<u64>()));
        let median = latencies.quantile(0.5).unwrap().as_nanos() as f64;
        assert!((12_000.0..=12_120.0).contains(&median), "{median}");
    }

    #[test]
    fn the_mean_is_exact_and_a_quantile_within_a_hundredth() {
        for nanos in [0, 1, 99, 12_345, 987_654_321, LONGEST] {
            let recorder = recorder(true);
            recorder.record(Duration::from_nanos(nanos));
            let latencies = recorder.snapshot();
            assert_eq!(latencies.mean(), Some(Duration::from_nanos(nanos)));
            let quantile = u64::try_from(latencies.quantile(0.5).unwrap().as_nanos()).unwrap();
            assert!((nanos..=nanos + nanos / 100).contains(&quantile), "{nanos} is told as {quantile}");
        }
    }

    #[test]
    fn the_longest_latency_there_is_does_no_harm() {
        let recorder = recorder(true);
        recorder.record(Duration::MAX);
        recorder.record(Duration::from_secs(1));
        assert_eq!(recorder.snapshot().count(), 2);
        assert_eq!(recorder.snapshot().total(), Duration::from_nanos(u64::MAX));
    }

    #[test]
    fn a_shared_latency_is_divided() {
        let recorder = recorder(true);
        recorder.record_shared(Duration::from_millis(1), 100);
        recorder.record_shared(Duration::from_millis(1), 0);
        let latencies = recorder.snapshot();
        assert_eq!((latencies.count(), latencies.mean()), (100, Some(Duration::from_micros(10))));
    }

    #[test]
    fn one_in_64_is_sampled_and_the_first_that_is_recorded_always() {
        fastrand::seed(1);
        let recorder = recorder(true);
        assert!(recorder.is_due() && recorder.is_due(), "none is recorded yet");
        recorder.sampled(Duration::ZERO);
        let mut samples = 0;
        for _ in 0..640_000 {
            if recorder.is_due() {
                recorder.sampled(Duration::ZERO);
                samples += 1;
            }
        }
        assert!((9_800..=10_200).contains(&samples), "{samples} of 640,000");
        assert_eq!(recorder.snapshot().count(), samples + 1);
    }

    #[test]
    fn nothing_is_recorded_where_it_is_switched_off() {
        let recorder = recorder(false);
        recorder.record(Duration::from_secs(1));
        assert_eq!((recorder.is_due(), recorder.snapshot()), (false, Latencies::default()));
    }
}
