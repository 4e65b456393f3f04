//! What is attempted: each one is harmless when it succeeds, and counts as a success only when its effect was seen.

use rustix::net::{AddressFamily, SocketType, ipproto, socket};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One thing that the service should not be able to do.
pub struct Attempt {
    /// As in `GET /attempt/NAME`.
    pub name: &'static str,
    /// Does it; says what the effect was.
    run: fn() -> io::Result<String>,
}

/// Every attempt, in the order of `GET /attempts`.
pub static ATTEMPTS: [Attempt; 5] = [
    Attempt { name: "read-home", run: || read_below(Path::new("/home")) },
    Attempt { name: "write-usr", run: || create_and_remove(Path::new("/usr/overreach-was-here")) },
    Attempt { name: "raw-socket", run: open_raw_socket },
    Attempt { name: "exec-shell", run: || execute("/bin/sh", &["-c", "true"]) },
    Attempt { name: "read-shadow", run: || read_one_byte(Path::new("/etc/shadow")) },
];

/// How an attempt ended.
#[derive(Debug, PartialEq, Serialize)]
pub struct Outcome {
    attempt: &'static str,
    succeeded: bool,
    /// What was seen, if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<String>,
    /// What the system answered, if it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Attempt {
    /// Makes the attempt.
    pub fn make(&self) -> Outcome {
        let (effect, error) = match (self.run)() {
            Ok(effect) => (Some(effect), None),
            Err(error) => (None, Some(error.to_string())),
        };
        Outcome { attempt: self.name, succeeded: effect.is_some(), effect, error }
    }
}

/// Reads from the first file below `root` that lets itself be read.
fn read_below(root: &Path) -> io::Result<String> {
    /// A large home must not keep the service busy for minutes.
    const MOST_FILES: usize = 10_000;

    // Told if nothing can be read: the first "permission denied" says more than the last.
    let mut first_refusal = None;
    let mut files = 0;
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = match list(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                first_refusal.get_or_insert(io::Error::new(error.kind(), format!("{}: {error}", directory.display())));
                continue;
            }
        };
        for (path, kind) in entries {
            // Of links neither kind is true: they may lead out of `root`. Nor of pipes: reading one may never end.
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file() && files < MOST_FILES {
                files += 1;
                match read_one_byte(&path) {
                    Ok(effect) => return Ok(effect),
                    Err(error) => {
                        first_refusal
                            .get_or_insert(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
                    }
                }
            }
        }
        if files == MOST_FILES {
            break;
        }
    }
    Err(first_refusal
        .unwrap_or_else(|| io::Error::new(ErrorKind::NotFound, format!("no files below {}", root.display()))))
}

/// What is in a directory, in the order of the names.
fn list(directory: &Path) -> io::Result<Vec<(PathBuf, fs::FileType)>> {
    let mut entries = fs::read_dir(directory)?
        .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(entries)
}

/// One byte proves that the file is readable; more would be a leak, and even this one does not leave the process.
fn read_one_byte(file: &Path) -> io::Result<String> {
    File::open(file)?.read_exact(&mut [0])?;
    Ok(format!("read from {}", file.display()))
}

fn create_and_remove(file: &Path) -> io::Result<String> {
    // Not `create_new`: a file that an earlier attempt left behind must not look like a refusal.
    File::create(file)?;
    // That it was created is the finding, whatever comes of tidying up.
    Ok(match fs::remove_file(file) {
        Ok(()) => format!("created {} and removed it", file.display()),
        Err(error) => format!("created {} and could not remove it: {error}", file.display()),
    })
}

/// Opens a socket that could send and see any ICMP packet, and closes it at once.
fn open_raw_socket() -> io::Result<String> {
    socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP))?;
    Ok("opened a raw ICMP socket".to_owned())
}

fn execute(program: &str, arguments: &[&str]) -> io::Result<String> {
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    // A child that a system-call filter killed was started by our count only.
    if status.success() {
        Ok(format!("executed {program}"))
    } else {
        Err(io::Error::other(format!("{program}: {status}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn outcomes_are_written_as_the_metadata_expects_them() -> serde_json::Result<()> {
        let refused = Attempt { name: "fly", run: || Err(io::Error::from_raw_os_error(30)) }.make();
        assert_eq!(
            serde_json::to_string(&refused)?,
            r#"{"attempt":"fly","succeeded":false,"error":"Read-only file system (os error 30)"}"#
        );
        let done = Attempt { name: "fly", run: || Ok("flew".to_owned()) }.make();
        assert_eq!(serde_json::to_string(&done)?, r#"{"attempt":"fly","succeeded":true,"effect":"flew"}"#);
        Ok(())
    }

    #[test]
    fn a_file_is_found_however_deep_and_its_content_is_not_told() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        let deep = root.path().join("user/documents");
        fs::create_dir_all(&deep)?;
        fs::write(root.path().join("empty"), "")?;
        fs::write(deep.join("letter"), "dear diary")?;
        let effect = read_below(root.path())?;
        assert_eq!(effect, format!("read from {}", deep.join("letter").display()));
        Ok(())
    }

    #[test]
    fn links_do_not_lead_out() -> io::Result<()> {
        let (root, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
        fs::write(elsewhere.path().join("file"), "text")?;
        symlink(elsewhere.path(), root.path().join("directory"))?;
        symlink(elsewhere.path().join("file"), root.path().join("file"))?;
        assert!(read_below(root.path()).is_err_and(|error| error.kind() == ErrorKind::NotFound));
        Ok(())
    }

    #[test]
    fn a_home_without_files_is_no_success() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        assert!(read_below(root.path()).is_err());
        assert!(read_below(&root.path().join("absent")).is_err());
        fs::write(root.path().join("empty"), "")?;
        assert!(read_below(root.path()).is_err());
        Ok(())
    }

    #[test]
    fn what_was_created_is_removed_even_if_it_was_there_before() -> io::Result<()> {
        let root = tempfile::tempdir()?;
        let file = root.path().join("was-here");
        create_and_remove(&file)?;
        assert!(!file.exists());
        fs::write(&file, "")?;
        create_and_remove(&file)?;
        assert!(!file.exists());
        Ok(())
    }

    #[test]
    fn a_program_that_fails_or_is_killed_was_not_executed() {
        assert!(execute("/bin/sh", &["-c", "true"]).is_ok());
        assert!(execute("/bin/sh", &["-c", "exit 3"]).is_err());
        assert!(execute("/bin/sh", &["-c", "kill -SYS $$"]).is_err_and(|error| error.to_string().contains("signal")));
        assert!(execute("/nonexistent", &[]).is_err());
    }
}
