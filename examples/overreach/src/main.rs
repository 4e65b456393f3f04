//! The attacker's view: a web service that, when asked, tries what a compromised one would try.
//!
//! Its metadata in `Cargo.toml` declares what any small web service needs. Each attempt runs in the process that
//! serves, with all that the process has, so the answers say what the sandbox is worth once the service has fallen.

mod attempts;

use attempts::{ATTEMPTS, Outcome};
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use sd_notify::NotifyState;
use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a request that cannot be answered gets instead.
type Refusal = (StatusCode, String);

/// Tried in this order. A socket bound to `[::]` takes IPv4 clients too; the second address is for machines that were
/// booted without IPv6.
const DEFAULT_LISTEN: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 8080),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8080),
];

/// How long a stop waits for requests under way. Without a limit, one client that never ends its request would hold up
/// the stop until systemd loses its patience.
const GRACE: Duration = Duration::from_secs(3);

const USAGE: &str = "\
usage: overreach [--listen ADDRESS:PORT]

  --listen ADDRESS:PORT  where to listen (default [::]:8080, else 0.0.0.0:8080)";

fn main() -> ExitCode {
    let listen = match parse(env::args_os().skip(1)) {
        Ok(listen) => listen,
        Err(problem) => {
            eprintln!("overreach: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&listen) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("overreach: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The addresses to try, one after the other.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> std::result::Result<Vec<SocketAddr>, String> {
    let mut arguments = arguments.into_iter();
    let mut listen = DEFAULT_LISTEN.to_vec();
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--listen") => {
                let text = arguments.next().ok_or("--listen needs an address")?;
                let address = text.to_str().and_then(|text| text.parse().ok());
                listen = vec![address.ok_or_else(|| format!("{text:?} is not an ADDRESS:PORT"))?];
            }
            _ => return Err(format!("unknown argument {argument:?}")),
        }
    }
    Ok(listen)
}

fn serve(addresses: &[SocketAddr]) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Caught before READY=1, so that a stop right after the start is a graceful one too.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;

        let listener =
            TcpListener::bind(addresses).await.map_err(|error| format!("cannot listen on {addresses:?}: {error}"))?;
        eprintln!("overreach: listening on {}", listener.local_addr()?);
        // Does nothing without NOTIFY_SOCKET. Where there is one and it cannot be reached, systemd would wait for
        // READY=1 until its timeout: failing at once says more.
        sd_notify::notify(&[NotifyState::Ready]).map_err(|error| format!("cannot notify systemd: {error}"))?;

        let (stop, stopped) = oneshot::channel::<()>();
        let service = axum::serve(listener, router()).with_graceful_shutdown(async {
            let _ = stopped.await;
        });
        let mut service = pin!(service.into_future());
        tokio::select! {
            ended = &mut service => return Ok(ended?),
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        eprintln!("overreach: stopping");
        // A courtesy: systemd learns of the end without it.
        let _ = sd_notify::notify(&[NotifyState::Stopping]);
        let _ = stop.send(());
        match timeout(GRACE, service).await {
            Ok(ended) => ended?,
            Err(_) => eprintln!("overreach: hanging up on clients that did not finish"),
        }
        Ok(())
    })
}

fn router() -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/attempt/{what}", get(attempt_one))
        .route("/attempts", get(attempt_all))
}

async fn attempt_one(Path(what): Path<String>) -> std::result::Result<Json<Outcome>, Refusal> {
    let Some(attempt) = ATTEMPTS.iter().find(|attempt| attempt.name == what) else {
        let names: Vec<_> = ATTEMPTS.iter().map(|attempt| attempt.name).collect();
        return Err((StatusCode::NOT_FOUND, format!("no such attempt; there are: {}\n", names.join(", "))));
    };
    // Off the only thread that serves: files and child processes block.
    spawn_blocking(|| attempt.make()).await.map(Json).map_err(broken)
}

async fn attempt_all() -> std::result::Result<Json<Vec<Outcome>>, Refusal> {
    spawn_blocking(|| ATTEMPTS.iter().map(attempts::Attempt::make).collect()).await.map(Json).map_err(broken)
}

/// An attempt that crashed is no attempt that was refused: it must not look like one.
fn broken(error: tokio::task::JoinError) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    async fn get_text(path: &str) -> Result<(StatusCode, String)> {
        let response = router().oneshot(Request::get(path).body(Body::empty())?).await?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1024).await?;
        Ok((status, String::from_utf8(body.to_vec())?))
    }

    #[test]
    fn the_command_line_is_an_address_or_nothing() -> Result<()> {
        let parsed = |arguments: &[&str]| parse(arguments.iter().map(OsString::from));
        assert_eq!(parsed(&[])?, DEFAULT_LISTEN);
        assert_eq!(parsed(&["--listen", "127.0.0.1:1"])?, ["127.0.0.1:1".parse()?]);
        assert!(parsed(&["--listen"]).is_err());
        assert!(parsed(&["--listen", "8080"]).is_err());
        assert!(parsed(&["8080"]).is_err());
        Ok(())
    }

    #[tokio::test]
    async fn health_is_answered_without_an_attempt() -> Result<()> {
        assert_eq!(get_text("/healthz").await?, (StatusCode::OK, "ok\n".to_owned()));
        Ok(())
    }

    // The attempts themselves are made in a booted machine: what they answer here depends on who runs the tests.
    #[tokio::test]
    async fn an_unknown_attempt_is_not_found_and_the_known_ones_are_named() -> Result<()> {
        let (status, text) = get_text("/attempt/teleport").await?;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert!(ATTEMPTS.iter().all(|attempt| text.contains(attempt.name)));
        Ok(())
    }
}
