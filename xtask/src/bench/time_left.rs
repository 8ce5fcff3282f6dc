//! How much of a run is done, and how long the rest will take.

use std::time::Duration;

use memory_benches::Scope;

/// About how many seconds sections take with `--quick` and without, on two
/// cores. Only the time left comes from these, and they are corrected as soon
/// as a run shows how fast it is.
const EXPECTED: &[(&str, [f64; 2])] = &[
    ("local", [12.0, 45.0]),
    ("network", [12.0, 155.0]),
    ("cache", [12.0, 170.0]),
    ("cache_ratio", [1.5, 8.0]),
    ("metrics", [0.2, 2.0]),
    ("phase1", [14.0, 115.0]),
    ("scale", [2.0, 12.0]),
];
/// What any other section is taken to need.
const UNKNOWN: [f64; 2] = [5.0, 60.0];
/// How many times the default a full run is taken to need.
const FULL: f64 = 5.0;
/// A section that has announced fewer steps is still preparing them.
const FEW_STEPS: f64 = 10.0;
/// From this part of a section on, its own pace tells when it ends.
const TELLING: f64 = 0.05;

/// How far a run of some sections is. Time is told, never read.
#[derive(Clone, Debug)]
pub(super) struct TimeLeft {
    /// Seconds that each section is expected to take.
    expected: Vec<f64>,
    /// The section that runs.
    section: usize,
    /// What the ones before it took, in seconds.
    before: f64,
    steps: f64,
    planned: f64,
}

impl TimeLeft {
    pub(super) fn new<'a>(sections: impl IntoIterator<Item = &'a str>, scope: Scope) -> Self {
        let seconds = |name: &str| {
            let known = EXPECTED.iter().find(|(section, _)| *section == name);
            let [quick, default] = known.map_or(UNKNOWN, |(_, seconds)| *seconds);
            match scope {
                Scope::Quick => quick,
                Scope::Default => default,
                Scope::Full => default * FULL,
            }
        };
        let expected = sections.into_iter().map(seconds).collect();
        Self { expected, section: 0, before: 0.0, steps: 0.0, planned: 0.0 }
    }

    /// The section that runs will take so many more steps.
    pub(super) fn plan(&mut self, steps: u64) {
        self.planned += u32::try_from(steps).map_or(f64::MAX, f64::from);
    }

    /// It begins its next step.
    pub(super) fn step(&mut self) {
        self.steps += 1.0;
    }

    /// It is done, after so long, and the next one begins.
    pub(super) fn next(&mut self, took: Duration) {
        self.section += 1;
        self.before += took.as_secs_f64();
        (self.steps, self.planned) = (0.0, 0.0);
    }

    /// How long the run will still take, so long after its section began.
    pub(super) fn left(&self, since: Duration) -> Duration {
        let since = since.as_secs_f64();
        let Some(expected) = self.expected.get(self.section) else { return Duration::ZERO };
        // The step that began last is not done.
        let done = (self.steps - 1.0).max(0.0) / self.planned.max(1.0);
        let tells = self.planned >= FEW_STEPS && done >= TELLING;
        let takes = if tells { since / done } else { expected.max(since) };
        let expected_so_far = self.expected[..self.section].iter().sum::<f64>() + expected;
        let pace = ((self.before + takes) / expected_so_far).clamp(0.1, 10.0);
        let later = self.expected[self.section + 1..].iter().sum::<f64>() * pace;
        Duration::from_secs_f64(takes - since.min(takes) + later)
    }

    /// The part of the run that is done, in thousandths.
    pub(super) fn thousandths(&self, since: Duration) -> u64 {
        let so_far = Duration::from_secs_f64(self.before) + since;
        let all = so_far + self.left(since);
        let thousandths = 1_000 * so_far.as_millis() / all.as_millis().max(1);
        u64::try_from(thousandths).unwrap_or_default()
    }
}

/// A time as people say it: `4 s`, `2 min 10 s`, `1 h 5 min`.
pub(super) fn words(time: Duration) -> String {
    match (time + Duration::from_millis(500)).as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 if seconds % 60 < 5 => format!("{} min", seconds / 60),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60 / 5 * 5),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn begun() -> TimeLeft {
        TimeLeft { expected: vec![8.0, 18.0], ..TimeLeft::new([], Scope::Quick) }
    }

    #[test]
    fn before_anything_is_known_it_is_what_is_expected() {
        assert_eq!(begun().left(Duration::ZERO), seconds(8 + 18));
        assert_eq!(begun().left(seconds(3)), seconds(5 + 18));
        assert_eq!(TimeLeft::new(["new one"], Scope::Default).left(Duration::ZERO), seconds(60));
        let [quick, full] =
            [Scope::Quick, Scope::Full].map(|scope| TimeLeft::new(["local"], scope).left(Duration::ZERO));
        assert_eq!((quick.as_secs_f64(), full.as_secs_f64()), (EXPECTED[0].1[0], FULL * EXPECTED[0].1[1]));
        assert_eq!(begun().thousandths(Duration::ZERO), 0);
    }

    #[test]
    fn steps_correct_it_and_the_pace_holds_for_what_comes_later() {
        let mut run = begun();
        run.plan(2);
        (0..2).for_each(|_| run.step());
        assert_eq!(run.left(seconds(1)), seconds(7 + 18), "two steps of preparation say nothing");
        run.plan(98);
        (0..49).for_each(|_| run.step());
        // Half of it took 8 s, so that everything takes twice as long as expected.
        assert_eq!(run.left(seconds(8)), seconds(8 + 36));
        run.next(seconds(16));
        assert_eq!(run.left(Duration::ZERO), seconds(18));
        assert_eq!(run.thousandths(Duration::ZERO), 1_000 * 16 / 34);
    }

    #[test]
    fn the_end_is_the_end() {
        let mut run = begun();
        run.next(seconds(8));
        assert_eq!(run.left(seconds(40)), Duration::ZERO, "late, and nothing is known");
        run.next(seconds(50));
        assert_eq!(run.left(seconds(1)), Duration::ZERO);
        assert_eq!(run.thousandths(Duration::ZERO), 1_000);
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        for (time, said) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (63, "1 min"), (133, "2 min 10 s"), (3_900, "1 h 5 min")]
        {
            assert_eq!(words(seconds(time)), said);
        }
    }
}
