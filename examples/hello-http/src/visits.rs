//! The number of visits, which survives restarts and crashes.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// A counter that is on disk before anybody hears of it.
#[derive(Debug)]
pub struct Visits {
    file: PathBuf,
    count: Mutex<u64>,
}

impl Visits {
    /// Reads the counter in `directory`; it starts at 0 where there is none yet.
    pub fn load(directory: &Path) -> io::Result<Self> {
        let file = directory.join("visits");
        let count = match fs::read_to_string(&file) {
            // A damaged file is an error rather than a new start at 0: the next visit would overwrite it.
            Ok(text) => {
                let number = text.trim_end().parse();
                number.map_err(|error| in_file(&file, &io::Error::new(ErrorKind::InvalidData, error)))?
            }
            Err(error) if error.kind() == ErrorKind::NotFound => 0,
            Err(error) => return Err(in_file(&file, &error)),
        };
        Ok(Self { file, count: Mutex::new(count) })
    }

    /// Counts one visit and returns its number.
    pub fn add(&self) -> io::Result<u64> {
        // Held while writing, so that the file never goes back. A panic elsewhere cannot have left the number half
        // written, so a poisoned lock is still a good one.
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let next = count.saturating_add(1);
        replace(&self.file, format!("{next}\n").as_bytes()).map_err(|error| in_file(&self.file, &error))?;
        *count = next;
        Ok(next)
    }
}

/// Replaces `file` as a whole: whoever reads it, even after a power cut, finds the old text or the new one.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    // In the same directory, because a rename is atomic only within one file system.
    let temporary = file.with_extension("tmp");
    let mut new = File::create(&temporary)?;
    new.write_all(text)?;
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
    use std::thread;

    #[test]
    fn the_count_survives_a_restart() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let visits = Visits::load(directory.path())?;
        assert_eq!((visits.add()?, visits.add()?), (1, 2));
        drop(visits);
        assert_eq!(Visits::load(directory.path())?.add()?, 3);
        Ok(())
    }

    #[test]
    fn the_directory_holds_the_counter_and_nothing_else() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        // What a crash between write and rename leaves behind.
        fs::write(directory.path().join("visits.tmp"), "12345")?;
        Visits::load(directory.path())?.add()?;
        let names: Vec<_> = fs::read_dir(directory.path())?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()?;
        assert_eq!(names, ["visits"]);
        assert_eq!(fs::read_to_string(directory.path().join("visits"))?, "1\n");
        Ok(())
    }

    #[test]
    fn a_damaged_counter_is_an_error_and_stays_as_it_is() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("visits"), "many\n")?;
        let error = Visits::load(directory.path()).map(|_| ()).map_err(|error| error.to_string());
        assert!(error.is_err_and(|text| text.contains("visits: invalid digit")));
        assert_eq!(fs::read_to_string(directory.path().join("visits"))?, "many\n");
        Ok(())
    }

    #[test]
    fn a_visit_that_was_not_written_is_not_counted() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let visits = Visits::load(directory.path())?;
        // A directory in the way of the temporary file fails for root too, unlike a mode.
        fs::create_dir(directory.path().join("visits.tmp"))?;
        assert!(visits.add().is_err());
        fs::remove_dir(directory.path().join("visits.tmp"))?;
        assert_eq!(visits.add()?, 1);
        Ok(())
    }

    #[test]
    fn visitors_at_the_same_time_get_different_numbers() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let visits = Visits::load(directory.path())?;
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5).try_for_each(|_| visits.add().map(|_| ())));
            }
        });
        assert_eq!(visits.add()?, 21);
        Ok(())
    }
}
