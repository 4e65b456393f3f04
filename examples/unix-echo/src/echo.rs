//! Echoing, to several clients at once, within limits.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A longer line comes back in pieces, so that no client can fill the memory.
const LONGEST_LINE: u64 = 8 * 1024;

/// What the clients may use up.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many are served at once; the others wait in the socket's queue.
    pub clients: usize,
    /// How long one may say nothing, or not take its answer, before it loses its place to those who wait.
    pub silence: Duration,
    /// How long nobody may come before [`serve`] returns; without it, it goes on for ever.
    pub idle: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { clients: 64, silence: Duration::from_secs(60), idle: None }
    }
}

/// Serves every client of `listener`, each in a thread of its own, until nobody has come for a while.
pub fn serve(listener: &UnixListener, limits: Limits) -> io::Result<()> {
    let places = Places::new(limits.clients);
    loop {
        // A place first, the client second: who cannot be served yet is still in the queue when the service ends.
        let place = places.take();
        if !someone_came(listener, limits.idle)? {
            // Only the place that was just taken: nobody is being served either.
            if places.taken() == 1 {
                return Ok(());
            }
            continue;
        }
        let client = match listener.accept() {
            Ok((client, _)) => client,
            // Gone before it was accepted.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::ConnectionAborted) => continue,
            Err(error) => return Err(error),
        };
        let service = move || {
            let result = echo(&client, limits.silence);
            // Given back before anything that can take time.
            drop(place);
            if let Err(error) = result {
                eprintln!("unix-echo: a client was dropped: {error}");
            }
        };
        // `thread::spawn` would panic where `TasksMax=` is reached; so only this client loses its connection.
        if let Err(error) = thread::Builder::new().spawn(service) {
            eprintln!("unix-echo: no thread for a client: {error}");
        }
    }
}

/// Waits until a client can be accepted; false if none came in time.
fn someone_came(listener: &UnixListener, idle: Option<Duration>) -> io::Result<bool> {
    let timeout = idle.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
    // The standard library accepts without a timeout only.
    let ready = retry_on_intr(|| poll(&mut [PollFd::new(listener, PollFlags::IN)], timeout.as_ref()))?;
    Ok(ready > 0)
}

/// Sends each line back until the client closes its side.
fn echo(client: &UnixStream, silence: Duration) -> io::Result<()> {
    client.set_read_timeout(Some(silence))?;
    client.set_write_timeout(Some(silence))?;
    let (mut lines, mut answers) = (BufReader::new(client), client);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        answers.write_all(&line)?;
    }
}

/// How many clients can be served at once.
#[derive(Debug)]
struct Places {
    count: usize,
    taken: Mutex<usize>,
    given_back: Condvar,
}

/// The right to be served; given back when dropped, however the thread that holds it ends.
#[derive(Debug)]
struct Place(Arc<Places>);

impl Places {
    fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { count, taken: Mutex::new(0), given_back: Condvar::new() })
    }

    /// Waits for a free place.
    fn take(self: &Arc<Self>) -> Place {
        let taken = self.lock();
        let mut taken =
            self.given_back.wait_while(taken, |taken| *taken >= self.count).unwrap_or_else(PoisonError::into_inner);
        *taken += 1;
        Place(Arc::clone(self))
    }

    fn taken(&self) -> usize {
        *self.lock()
    }

    /// A number cannot be left half changed by a panic, so a poisoned lock is still a good one.
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.lock() -= 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Shutdown;
    use std::path::{Path, PathBuf};
    use tempfile::TempDir;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(20);

    /// A service in a thread: it ends by itself, because every test has an idle time.
    fn start(limits: Limits) -> io::Result<(TempDir, PathBuf, thread::JoinHandle<io::Result<()>>)> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("echo.sock");
        let listener = UnixListener::bind(&path)?;
        Ok((directory, path, thread::spawn(move || serve(&listener, limits))))
    }

    fn connect(path: &Path) -> io::Result<UnixStream> {
        let client = UnixStream::connect(path)?;
        client.set_read_timeout(Some(LONG))?;
        Ok(client)
    }

    fn exchange(mut client: &UnixStream, text: &str) -> io::Result<String> {
        client.write_all(text.as_bytes())?;
        let mut answer = vec![0; text.len()];
        client.read_exact(&mut answer)?;
        String::from_utf8(answer).map_err(io::Error::other)
    }

    #[test]
    fn lines_come_back_one_by_one() -> io::Result<()> {
        let (_directory, path, _) = start(Limits { idle: Some(SHORT), ..Limits::default() })?;
        let client = connect(&path)?;
        assert_eq!(exchange(&client, "ping\n")?, "ping\n");
        assert_eq!(exchange(&client, "a\nb\n")?, "a\nb\n");
        Ok(())
    }

    #[test]
    fn the_end_without_a_newline_comes_back_too() -> io::Result<()> {
        let (here, there) = UnixStream::pair()?;
        (&here).write_all(b"a\nb")?;
        here.shutdown(Shutdown::Write)?;
        echo(&there, LONG)?;
        drop(there);
        assert_eq!(io::read_to_string(&here)?, "a\nb");
        Ok(())
    }

    #[test]
    fn a_line_longer_than_the_limit_comes_back_whole() -> io::Result<()> {
        let (_directory, path, _) = start(Limits { idle: Some(SHORT), ..Limits::default() })?;
        let client = connect(&path)?;
        let line = format!("{}\n", "x".repeat(3 * 8 * 1024));
        assert_eq!(exchange(&client, &line)?, line);
        Ok(())
    }

    #[test]
    fn a_silent_client_is_dropped() -> io::Result<()> {
        let (_here, there) = UnixStream::pair()?;
        assert!(echo(&there, SHORT).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));
        Ok(())
    }

    #[test]
    fn who_is_one_too_many_waits_for_a_place() -> io::Result<()> {
        let (_directory, path, _) = start(Limits { clients: 1, idle: Some(SHORT), ..Limits::default() })?;
        let first = connect(&path)?;
        assert_eq!(exchange(&first, "first\n")?, "first\n");

        let mut second = connect(&path)?;
        second.write_all(b"second\n")?;
        second.set_read_timeout(Some(SHORT))?;
        assert!(second.read(&mut [0; 16]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock));

        drop(first);
        second.set_read_timeout(Some(LONG))?;
        let mut answer = [0; 7];
        second.read_exact(&mut answer)?;
        assert_eq!(&answer, b"second\n");
        Ok(())
    }

    #[test]
    fn the_service_ends_when_nobody_comes_and_not_while_somebody_is_there() -> io::Result<()> {
        let (_directory, path, service) = start(Limits { idle: Some(SHORT), ..Limits::default() })?;
        let client = connect(&path)?;
        assert_eq!(exchange(&client, "ping\n")?, "ping\n");
        thread::sleep(4 * SHORT);
        assert_eq!(exchange(&client, "still there?\n")?, "still there?\n");
        drop(client);
        assert!(service.join().is_ok_and(|result| result.is_ok()));
        Ok(())
    }
}
