//! An echo service on a unix socket that systemd opens: started by its first client, gone when nobody comes.
//!
//! Because the socket is handed over, the service can run without the right to create one: that is what
//! `socket = true` in its metadata in `Cargo.toml` says.

mod echo;

use echo::Limits;
use listenfd::ListenFd;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// How long an activated service waits for the next client before it exits.
const IDLE: Duration = Duration::from_secs(30);

const USAGE: &str = "\
usage: unix-echo [--listen PATH]

  --listen PATH  where to bind a socket when systemd passes none";

fn main() -> ExitCode {
    let listen = match parse(env::args_os().skip(1)) {
        Ok(listen) => listen,
        Err(problem) => {
            eprintln!("unix-echo: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(listen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("unix-echo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The path after `--listen`.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<PathBuf>, String> {
    let mut arguments = arguments.into_iter();
    let mut listen = None;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--listen") => listen = Some(arguments.next().ok_or("--listen needs a path")?.into()),
            _ => return Err(format!("unknown argument {argument:?}")),
        }
    }
    Ok(listen)
}

fn run(listen: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    // First of all: it takes LISTEN_FDS out of the environment, which is sound only while there is one thread.
    let mut passed = ListenFd::from_env();
    if passed.len() > 1 {
        return Err(format!("systemd passed {} sockets, and this service has one", passed.len()).into());
    }
    // Fails if what was passed is no listening unix stream socket.
    let (listener, limits) = match (passed.take_unix_listener(0)?, listen) {
        (Some(listener), _) => {
            eprintln!("unix-echo: listening on the socket from systemd");
            // systemd keeps the socket, so clients that come after the end start the service again.
            (listener, Limits { idle: Some(IDLE), ..Limits::default() })
        }
        (None, Some(path)) => {
            let listener = UnixListener::bind(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            eprintln!("unix-echo: listening on {}", path.display());
            // Nobody would start it again: stay until killed.
            (listener, Limits::default())
        }
        (None, None) => return Err("systemd passed no socket: name one with --listen PATH".into()),
    };
    // SIGTERM may end the process at any point: there is nothing to save.
    echo::serve(&listener, limits)?;
    eprintln!("unix-echo: nobody came for {} s: exiting until the next client", IDLE.as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(arguments: &[&str]) -> Result<Option<PathBuf>, String> {
        parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn the_command_line_is_a_path_or_nothing() {
        assert_eq!(parsed(&[]), Ok(None));
        assert_eq!(parsed(&["--listen", "/tmp/echo.sock"]), Ok(Some("/tmp/echo.sock".into())));
        assert!(parsed(&["--listen"]).is_err());
        assert!(parsed(&["/tmp/echo.sock"]).is_err());
    }
}
