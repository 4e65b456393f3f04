//! The log of the runs, and what can be said about them in one line.
//!
//! The log is the only truth: the number of a run follows from the line before it, and the summary from the run. So a
//! crash between two writes loses at most the summary, and the next run makes a new one.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::str;

/// A log that is larger than this is set aside before the next line.
const ROTATE_ABOVE: usize = 64 * 1024;

const LOG: &str = "runs.log";
/// The log before this one; the one before that is dropped.
const OLD_LOG: &str = "runs.log.1";
const SUMMARY: &str = "summary.json";

/// One run: a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    number: u64,
    unix_time: u64,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} run {}", self.unix_time, self.number)
    }
}

impl Run {
    fn parse(line: &str) -> Option<Self> {
        let (unix_time, number) = line.split_once(" run ")?;
        Some(Self { number: number.parse().ok()?, unix_time: unix_time.parse().ok()? })
    }
}

/// Notes in `directory` that a run took place at `unix_time`.
pub fn record(directory: &Path, unix_time: u64) -> io::Result<Run> {
    let (log, old_log) = (directory.join(LOG), directory.join(OLD_LOG));
    let text = read(&log)?;
    // The old log answers when a run stopped between setting it aside and the first line of a new one.
    let last = match last_run(&text) {
        Some(run) => Some(run),
        None => last_run(&read(&old_log)?),
    };
    let run = Run { number: last.map_or(1, |last| last.number.saturating_add(1)), unix_time };

    let mut line = format!("{run}\n");
    if text.len() > ROTATE_ABOVE {
        fs::rename(&log, &old_log).map_err(|error| in_file(&log, &error))?;
    } else if !text.is_empty() && !text.ends_with(b"\n") {
        // A run was cut off in the middle of its line; it shall not spoil this one too.
        line.insert(0, '\n');
    }
    append(&log, &line).map_err(|error| in_file(&log, &error))?;

    let summary = directory.join(SUMMARY);
    // Two numbers need no quoting, and so no library either.
    let json = format!("{{\"runs\":{},\"last_run\":{}}}\n", run.number, run.unix_time);
    replace(&summary, &json).map_err(|error| in_file(&summary, &error))?;
    Ok(run)
}

/// What is in the file; nothing where there is no file yet.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    match fs::read(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        result => result.map_err(|error| in_file(file, &error)),
    }
}

/// The last line that is a run.
fn last_run(text: &[u8]) -> Option<Run> {
    let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(&text[..0], |end| &text[..end]);
    complete.rsplit(|&byte| byte == b'\n').find_map(|line| Run::parse(str::from_utf8(line).ok()?))
}

fn append(file: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Replaces `file` as a whole: whoever reads it finds the old text or the new one, never half of one.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    // In the same directory, because a rename is atomic only within one file system.
    let temporary = file.with_extension("tmp");
    let mut new = File::create(&temporary)?;
    new.write_all(text.as_bytes())?;
    // Without it, some file systems keep the rename and lose the text.
    new.sync_all()?;
    fs::rename(&temporary, file)
}

fn in_file(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::path::PathBuf;
    use std::process;

    /// A directory for one test, gone when dropped: the standard library is enough for that, too.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> io::Result<Self> {
            let path = env::temp_dir().join(format!("worker-{}-{name}", process::id()));
            fs::create_dir(&path)?;
            Ok(Self(path))
        }

        fn text(&self, file: &str) -> io::Result<String> {
            fs::read_to_string(self.0.join(file))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn runs_are_numbered_in_the_log_and_in_the_summary() -> io::Result<()> {
        let scratch = Scratch::new("numbered")?;
        assert_eq!(record(&scratch.0, 1000)?, Run { number: 1, unix_time: 1000 });
        assert_eq!(record(&scratch.0, 2000)?, Run { number: 2, unix_time: 2000 });
        assert_eq!(scratch.text(LOG)?, "1000 run 1\n2000 run 2\n");
        assert_eq!(scratch.text(SUMMARY)?, "{\"runs\":2,\"last_run\":2000}\n");
        assert!(!scratch.0.join("summary.tmp").exists());
        Ok(())
    }

    #[test]
    fn a_log_at_the_limit_stays_and_one_above_it_is_set_aside() -> io::Result<()> {
        let scratch = Scratch::new("rotated")?;
        let last = "1000 run 41\n";
        let full = format!("{}\n{last}", "x".repeat(ROTATE_ABOVE - last.len() - 1));
        fs::write(scratch.0.join(LOG), &full)?;
        fs::write(scratch.0.join(OLD_LOG), "older\n")?;

        record(&scratch.0, 2000)?;
        assert_eq!(scratch.text(OLD_LOG)?, "older\n");

        // Now it is one line above.
        record(&scratch.0, 3000)?;
        assert_eq!(scratch.text(OLD_LOG)?, format!("{full}2000 run 42\n"));
        assert_eq!(scratch.text(LOG)?, "3000 run 43\n");
        Ok(())
    }

    #[test]
    fn a_run_cut_off_after_rotation_does_not_start_the_count_again() -> io::Result<()> {
        let scratch = Scratch::new("cut-rotation")?;
        fs::write(scratch.0.join(OLD_LOG), "1000 run 7\n")?;
        assert_eq!(record(&scratch.0, 2000)?.number, 8);
        Ok(())
    }

    #[test]
    fn half_a_line_is_no_run_and_spoils_none() -> io::Result<()> {
        let scratch = Scratch::new("half-line")?;
        // Run 19 was cut off and looks like run 1.
        fs::write(scratch.0.join(LOG), "1000 run 18\n2000 run 1")?;
        assert_eq!(record(&scratch.0, 3000)?.number, 19);
        assert_eq!(scratch.text(LOG)?, "1000 run 18\n2000 run 1\n3000 run 19\n");
        // And the mended half line is not the last run of the next one.
        assert_eq!(record(&scratch.0, 4000)?.number, 20);
        Ok(())
    }

    #[test]
    fn lines_that_are_no_runs_are_skipped() {
        assert_eq!(last_run(b"1000 run 3\nhello\n\xff\n\n"), Some(Run { number: 3, unix_time: 1000 }));
        assert_eq!(last_run(b""), None);
        assert_eq!(last_run(b"1000 run 3"), None);
    }

    #[test]
    fn an_error_names_the_file() -> io::Result<()> {
        let scratch = Scratch::new("error")?;
        fs::create_dir(scratch.0.join(LOG))?;
        assert!(record(&scratch.0, 1000).is_err_and(|error| error.to_string().contains(LOG)));
        Ok(())
    }
}
