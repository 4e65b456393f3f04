//! A web service that counts its visitors, small enough to read in one sitting.
//!
//! It needs a port, a directory for its counter and the notification socket, and nothing else: that is what its
//! metadata in `Cargo.toml` says.

mod visits;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use sd_notify::NotifyState;
use std::convert::identity;
use std::error::Error;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, io};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;
use visits::Visits;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tried in this order. A socket bound to `[::]` takes IPv4 clients too; the second address is for machines that were
/// booted without IPv6.
const DEFAULT_LISTEN: [SocketAddr; 2] =
    [SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 80), SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 80)];

const LISTEN_VARIABLE: &str = "HELLO_HTTP_LISTEN";

/// How long a stop waits for requests under way. Without a limit, one client that never ends its request would hold up
/// the stop until systemd loses its patience.
const GRACE: Duration = Duration::from_secs(3);

const USAGE: &str = "\
usage: hello-http [--listen ADDRESS:PORT] [--self-test]

  --listen ADDRESS:PORT  where to listen (or $HELLO_HTTP_LISTEN; default [::]:80, else 0.0.0.0:80)
  --self-test            check that the state directory can be read, print ok and exit

The counter is kept in $STATE_DIRECTORY, which systemd sets.";

fn main() -> ExitCode {
    let options = match Options::parse(env::args_os().skip(1), env::var_os(LISTEN_VARIABLE)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("hello-http: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let outcome = if options.self_test { self_test() } else { serve(&options.listen) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hello-http: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The command line, with the environment behind it.
#[derive(Debug, PartialEq)]
struct Options {
    listen: Vec<SocketAddr>,
    self_test: bool,
}

impl Options {
    fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        variable: Option<OsString>,
    ) -> std::result::Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let (mut listen, mut self_test) = (variable, false);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--listen") => listen = Some(arguments.next().ok_or("--listen needs an address")?),
                Some("--self-test") => self_test = true,
                _ => return Err(format!("unknown argument {argument:?}")),
            }
        }
        let listen = match listen {
            // An address that was asked for is the only one tried: another one would be a surprise.
            Some(text) => {
                let address = text.to_str().and_then(|text| text.parse().ok());
                vec![address.ok_or_else(|| format!("{text:?} is not an ADDRESS:PORT"))?]
            }
            None => DEFAULT_LISTEN.to_vec(),
        };
        Ok(Self { listen, self_test })
    }
}

/// The directory that `StateDirectory=` made for this service.
fn state_directory() -> Result<PathBuf> {
    // systemd separates several directories with colons; this service declares one.
    env::var_os("STATE_DIRECTORY")
        .and_then(|value| env::split_paths(&value).next())
        .filter(|path| !path.as_os_str().is_empty())
        .ok_or_else(|| "STATE_DIRECTORY is not set: name a directory to run this by hand".into())
}

/// Opens no socket and writes nothing, so that it can run next to the service.
fn self_test() -> Result<()> {
    let directory = state_directory()?;
    fs::read_dir(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    Visits::load(&directory)?;
    println!("ok");
    Ok(())
}

fn serve(addresses: &[SocketAddr]) -> Result<()> {
    // Before the port is opened: a service that cannot count must not greet.
    let visits = Arc::new(Visits::load(&state_directory()?)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Caught before READY=1, so that a stop right after the start is a graceful one too.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;

        let listener =
            TcpListener::bind(addresses).await.map_err(|error| format!("cannot listen on {addresses:?}: {error}"))?;
        eprintln!("hello-http: listening on {}", listener.local_addr()?);
        // Does nothing without NOTIFY_SOCKET. Where there is one and it cannot be reached, systemd would wait for
        // READY=1 until its timeout: failing at once says more.
        sd_notify::notify(&[NotifyState::Ready]).map_err(|error| format!("cannot notify systemd: {error}"))?;

        let (stop, stopped) = oneshot::channel::<()>();
        let service = axum::serve(listener, router(visits)).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        let mut service = pin!(service.into_future());
        tokio::select! {
            ended = &mut service => return Ok(ended?),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        eprintln!("hello-http: stopping");
        // A courtesy: systemd learns of the end without it.
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        let _ = stop.send(());
        match timeout(GRACE, service).await {
            Ok(ended) => ended?,
            Err(_) => eprintln!("hello-http: hanging up on clients that did not finish"),
        }
        Ok(())
    })
}

fn router(visits: Arc<Visits>) -> Router {
    Router::new().route("/", get(greet)).route("/healthz", get(async || "ok\n")).with_state(visits)
}

async fn greet(State(visits): State<Arc<Visits>>) -> (StatusCode, String) {
    // Off the only thread that serves, because a disk can be slow. It also runs to its end when the client hangs up.
    let counted = tokio::task::spawn_blocking(move || visits.add()).await;
    match counted.map_err(io::Error::from).and_then(identity) {
        Ok(number) => (StatusCode::OK, format!("hello, visitor {number}\n")),
        Err(error) => {
            // The path and the reason are for the journal, not for the visitor.
            eprintln!("hello-http: {error}");
            (StatusCode::INTERNAL_SERVER_ERROR, "lost count\n".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    fn parse(arguments: &[&str], variable: Option<&str>) -> std::result::Result<Options, String> {
        Options::parse(arguments.iter().map(OsString::from), variable.map(OsString::from))
    }

    async fn get_text(router: &Router, path: &str) -> Result<(StatusCode, String)> {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1024).await?;
        Ok((status, String::from_utf8(body.to_vec())?))
    }

    #[test]
    fn the_argument_wins_over_the_variable_and_the_variable_over_the_default() -> Result<()> {
        assert_eq!(parse(&[], None)?.listen, DEFAULT_LISTEN);
        assert_eq!(parse(&[], Some("127.0.0.1:1"))?.listen, ["127.0.0.1:1".parse()?]);
        assert_eq!(parse(&["--listen", "[::1]:2"], Some("127.0.0.1:1"))?.listen, ["[::1]:2".parse()?]);
        Ok(())
    }

    #[test]
    fn a_bad_command_line_is_refused() {
        assert!(parse(&["--listen"], None).is_err());
        assert!(parse(&["--listen", "80"], None).is_err());
        assert!(parse(&["--verbose"], None).is_err());
    }

    #[tokio::test]
    async fn visitors_are_numbered_and_health_checks_are_not_visitors() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let router = router(Arc::new(Visits::load(directory.path())?));
        assert_eq!(get_text(&router, "/").await?, (StatusCode::OK, "hello, visitor 1\n".to_owned()));
        assert_eq!(get_text(&router, "/healthz").await?, (StatusCode::OK, "ok\n".to_owned()));
        assert_eq!(get_text(&router, "/").await?, (StatusCode::OK, "hello, visitor 2\n".to_owned()));
        Ok(())
    }

    #[tokio::test]
    async fn a_visit_that_cannot_be_kept_is_an_error() -> Result<()> {
        let directory = tempfile::tempdir()?;
        let router = router(Arc::new(Visits::load(directory.path())?));
        directory.close()?;
        assert_eq!(get_text(&router, "/").await?.0, StatusCode::INTERNAL_SERVER_ERROR);
        Ok(())
    }
}
