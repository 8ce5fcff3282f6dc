//! Traces that ship with the bench, drawn from a seed.

use fastrand::Rng;

use super::Trace;

/// Draws numbers, the lower ones more often, by Zipf's law.
pub(crate) struct Zipf(Vec<f64>);

impl Zipf {
    /// Of so many numbers, the `n`th as often as `1 / n ^ skew`.
    pub(crate) fn new(numbers: usize, skew: f64) -> Self {
        let mut sum = 0.0;
        let mut sums: Vec<_> = (1..=numbers)
            .map(|number| {
                sum += (number as f64).powf(-skew);
                sum
            })
            .collect();
        for part in &mut sums {
            *part /= sum;
        }
        Self(sums)
    }

    /// The next number, from 0 up.
    pub(crate) fn draw(&self, random: &mut Rng) -> u64 {
        let at = random.f64();
        self.0.partition_point(|part| *part < at) as u64
    }
}

/// One of each kind, about so many requests long.
pub(crate) fn synthetic(seed: u64, length: usize) -> Vec<Trace> {
    let random = || Rng::with_seed(seed);
    vec![
        Trace::new("zipf-0.8", popularity(random(), length, 0.8), &[1_000, 5_000]),
        Trace::new("zipf-1.1", popularity(random(), length, 1.1), &[1_000, 5_000]),
        Trace::new("scan-over-hot-set", scans(random(), length), &[1_000, 2_000]),
        Trace::new("loop-1100", (0..1_100).cycle().take(length / 2), &[500, 1_000]),
        Trace::new("shifting", shifting(random(), length), &[500, 2_000]).in_phases(6),
        Trace::new("phases", phases(random(), length), &[500, 1_000]).in_phases(6),
        Trace::new("agent", agent(random(), length, 800), &[300, 700, 1_000]),
        Trace::new("agent-3000", agent(random(), length, 3_000), &[1_000, 2_000]),
    ]
}

fn popularity(mut random: Rng, length: usize, skew: f64) -> Vec<u64> {
    let zipf = Zipf::new(50_000, skew);
    (0..length).map(|_| zipf.draw(&mut random)).collect()
}

/// A popular set, and every now and then a walk over what nobody asks for again.
fn scans(mut random: Rng, length: usize) -> Vec<u64> {
    let zipf = Zipf::new(2_000, 0.9);
    let mut requests = Vec::with_capacity(length);
    let mut once = 1 << 32;
    while requests.len() < length {
        requests.extend((0..6_000).map(|_| zipf.draw(&mut random)));
        requests.extend(once..once + 3_000);
        once += 3_000;
    }
    requests
}

/// What is popular changes six times.
fn shifting(mut random: Rng, length: usize) -> Vec<u64> {
    let zipf = Zipf::new(20_000, 0.9);
    (0..length).map(|now| (zipf.draw(&mut random) + (now * 6 / length) as u64 * 7_001) % 20_000).collect()
}

/// Popularity, then a loop, then recency, twice over.
fn phases(mut random: Rng, length: usize) -> Vec<u64> {
    let zipf = Zipf::new(20_000, 0.9);
    let request = |now: usize| {
        let (phase, step) = (now * 6 / length, now as u64);
        match phase % 3 {
            0 => zipf.draw(&mut random),
            1 => (1 << 32) + step % 1_300,
            _ => (2 << 32) + (step / 3).saturating_sub(whole(random.f64().powi(3) * 1_500.0)),
        }
    };
    (0..length).map(request).collect()
}

/// Sessions that walk all patterns, then work on episodes and come back to the
/// newest of them.
fn agent(mut random: Rng, length: usize, patterns: u64) -> Vec<u64> {
    const EPISODES: u64 = 1 << 32;
    let mut requests = Vec::with_capacity(length);
    let mut newest = EPISODES;
    while requests.len() < length {
        requests.extend(0..patterns);
        for _ in 0..random.u64(20..50) {
            newest += 1;
            requests.push(newest);
            for _ in 0..6 {
                let ago = whole(-random.f64().max(f64::MIN_POSITIVE).ln() * 200.0);
                requests.push(newest.saturating_sub(ago).max(EPISODES));
            }
            if random.bool() {
                requests.push(random.u64(..patterns));
            }
        }
    }
    requests
}

/// The whole part of a small positive number.
fn whole(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a few thousands")]
    let whole = number as u64;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_traces() {
        let requests = |seed| synthetic(seed, 6_000).into_iter().map(|trace| trace.requests).collect::<Vec<_>>();
        assert_eq!(requests(1), requests(1));
        assert_ne!(requests(1), requests(2));
        assert!(requests(1).iter().all(|requests| requests.len() >= 3_000));
    }

    #[test]
    fn lower_numbers_are_drawn_more_often_by_the_law() {
        let (zipf, mut random) = (Zipf::new(1_000, 1.0), Rng::with_seed(1));
        let drawn: Vec<_> = (0..100_000).map(|_| zipf.draw(&mut random)).collect();
        let count = |number| drawn.iter().filter(|drawn| **drawn == number).count() as f64;
        let ratio = count(0) / count(9);
        assert!((8.0..12.0).contains(&ratio), "{ratio}");
    }
}
