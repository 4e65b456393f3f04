//! Time spans and calendar expressions, as systemd writes them.

use super::problem::{Problem, nearest};
use std::time::Duration;

/// The units of a time span, in microseconds.
const UNITS: [(&[&str], u64); 9] = [
    (&["us", "usec"], 1),
    (&["ms", "msec"], 1_000),
    (&["s", "sec", "second", "seconds"], 1_000_000),
    (&["m", "min", "minute", "minutes"], 60_000_000),
    (&["h", "hr", "hour", "hours"], 3_600_000_000),
    (&["d", "day", "days"], 86_400_000_000),
    (&["w", "week", "weeks"], 604_800_000_000),
    (&["M", "month", "months"], 2_629_800_000_000),
    (&["y", "year", "years"], 31_557_600_000_000),
];

/// A time span longer than nothing: `500ms`, `10s`, `1min 30s`.
pub(super) fn span(text: &str) -> Result<Duration, Problem> {
    let problem = |label: &str| {
        let message = format!("`{}` is not a time span", text.escape_debug());
        Problem::new(message, label).help("a number and a unit, as in \"500ms\", \"10s\", \"2min\" or \"1h 30min\"")
    };
    let mut total: u64 = 0;
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Err(problem("empty"));
    }
    while !rest.is_empty() {
        let (number, after) = split(rest, |letter| letter.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), |letter| letter.is_ascii_alphabetic());
        if number.is_empty() {
            return Err(problem("a number is missing"));
        }
        if unit.is_empty() && after.is_empty() && number == text {
            return Err(problem("the unit is missing").help(format!("write \"{number}s\" for seconds")));
        }
        let Some((_, scale)) = UNITS.iter().find(|(names, _)| names.contains(&unit)) else {
            return Err(problem(if unit.is_empty() { "the unit is missing" } else { "unknown unit" }));
        };
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*scale));
        total = part.and_then(|part| total.checked_add(part)).ok_or_else(|| problem("too long"))?;
        rest = after.trim_start();
    }
    if total == 0 {
        return Err(problem("no time at all"));
    }
    Ok(Duration::from_micros(total))
}

fn split(text: &str, of: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|letter| !of(letter)).unwrap_or(text.len()))
}

/// The words that stand for a whole calendar expression.
const SHORTHANDS: [&str; 9] =
    ["minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "semiannually", "yearly", "annually"];

/// A calendar expression; `systemd-analyze calendar` knows the rest of the grammar.
pub(super) fn calendar(text: &str) -> Result<String, Problem> {
    let problem = |label: &str| {
        let message = format!("`{}` is not a calendar expression", text.escape_debug());
        Problem::new(message, label).help("as in \"daily\", \"Mon..Fri 09:00\" or \"*-*-01 04:00:00\"")
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(problem("empty"));
    }
    if let Some(wrong) = text.chars().find(|letter| !letter.is_ascii_alphanumeric() && !" *-:.,/~+_".contains(*letter))
    {
        return Err(problem(&format!("`{}` has no meaning here", wrong.escape_debug())));
    }
    let weekday = |word: &str| {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        days.iter().any(|day| *day == word || day[..3] == *word)
    };
    let word = text.to_ascii_lowercase();
    if word.bytes().all(|letter| letter.is_ascii_alphabetic()) && !SHORTHANDS.contains(&&*word) && !weekday(&word) {
        return Err(match nearest(&word, SHORTHANDS) {
            Some(near) => problem("no such word").help(format!("did you mean \"{near}\"?")),
            None => problem("no such word"),
        });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("2min", 120_000),
            ("1h 30min", 5_400_000),
            ("1h30m", 5_400_000),
            (" 5 sec ", 5_000),
            ("1000us", 1),
            ("1week", 604_800_000),
        ] {
            assert_eq!(span(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for (text, label) in [
            ("", "empty"),
            (" ", "empty"),
            ("10", "the unit is missing"),
            ("1s 10", "the unit is missing"),
            ("s", "a number is missing"),
            ("-1s", "a number is missing"),
            ("1.5s", "the unit is missing"),
            ("10 parsecs", "unknown unit"),
            ("0s", "no time at all"),
            ("99999999999999999999s", "too long"),
            ("18446744073709551615us 1us", "too long"),
            ("10sé", "a number is missing"),
        ] {
            assert_eq!(span(text).expect_err(text).label, label, "{text}");
        }
        assert_eq!(span("10").expect_err("bare").help.as_deref(), Some("write \"10s\" for seconds"));
    }

    #[test]
    fn calendars() {
        for good in
            ["daily", "Mon", "monday", "Mon..Fri 09:00", "*-*-01 04:00:00", "2026-01-01", "*:0/15", "Sat 02:00 UTC"]
        {
            assert_eq!(calendar(good).as_deref(), Ok(good));
        }
        assert_eq!(calendar("").expect_err("empty").label, "empty");
        assert_eq!(calendar("dayly").expect_err("typo").help.as_deref(), Some("did you mean \"daily\"?"));
        assert_eq!(calendar("never").expect_err("word").label, "no such word");
        assert_eq!(calendar("09:00 %t").expect_err("letter").label, "`%` has no meaning here");
    }
}
