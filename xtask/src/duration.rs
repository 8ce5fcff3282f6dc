//! Durations on the command line.

use std::time::Duration;

use memory_benches::InputError;

/// Longer ones are mistakes.
const MOST: Duration = Duration::from_secs(60);

/// Reads `30ms`, `1.5s`, `250us` or `0`.
pub(crate) fn parse(option: &str, text: &str) -> Result<Duration, InputError> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "s" => Some(1.0),
        "ms" => Some(1e-3),
        "us" | "µs" => Some(1e-6),
        "" if number == "0" => Some(1.0),
        _ => None,
    };
    let value = number.parse::<f64>().ok().zip(seconds).map(|(number, unit)| number * unit);
    let duration = value.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.filter(|duration| *duration <= MOST).ok_or_else(|| {
        InputError::new(format!("{option}: `{text}` is no time; write one of at most a minute as `30ms` or `1.5s`"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, micros) in
            [("30ms", 30_000), ("1.5s", 1_500_000), ("250us", 250), ("0.5ms", 500), ("0", 0), ("60s", 60_000_000)]
        {
            assert_eq!(parse("--rtt", text), Ok(Duration::from_micros(micros)));
        }
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in ["", "30", "ms", "-1ms", "1.2.3s", "1e3s", "30 ms", "fast", "61s", "NaNs", "99999999999999999999s"]
        {
            let error = parse("--rtt", text).unwrap_err().to_string();
            assert!(error.contains("--rtt") && error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
