//! `shh`, which records the system calls of a service with strace and derives a drop-in from them: it is run as its
//! documentation says, in a machine of its own.

use crate::published::installed;
use crate::services::{HERE, Service, Unit};
use sandbox_unit_harness::engine::{File, Installation, choose};
use sandbox_unit_harness::image::Image;
use sandbox_unit_harness::machine::Machine;
use std::time::{Duration, Instant};

/// Its package on crates.io, and the version that is compared.
const PACKAGE: &str = "systemd-hardening-helper";
const VERSION: &str = "2026.3.8";
/// Where its program is in the machine.
const PROGRAM: &str = "/usr/local/bin/shh";

/// How many lines of the journal are told where something went wrong.
const TOLD: usize = 40;

/// How often the service is asked while it is recorded: as often as in one attempt of ours.
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(30);
/// It waits up to 90 seconds for its result itself.
const FINISHING: Duration = Duration::from_secs(150);

/// What it made of a service.
pub struct Derived {
    /// The drop-in, if there is one.
    pub drop_in: Option<String>,
    /// How long it took, with everything that was asked of the service.
    pub took: Duration,
    /// What went wrong.
    pub wrong: Option<String>,
}

/// Has it harden a service, with these options of its own.
pub fn derive(service: &Service, options: &[&str]) -> Derived {
    let file = |path: &str, content: Vec<u8>, mode| File { path: path.to_owned(), content, mode };
    let mut files = vec![file(PROGRAM, std::fs::read(installed(PACKAGE, VERSION, &[], "shh")).unwrap(), 0o755)];
    if let Unit::Written { text, program, built } = service.unit {
        files.push(file(&format!("/etc/systemd/system/{}", service.unit()), text.into(), 0o644));
        files.push(file(program, std::fs::read(built()).unwrap(), 0o755));
    }
    // It runs before it is profiled, as on any machine.
    let engine = choose().unwrap_or_else(|missing| panic!("{missing:?}"));
    let machine =
        engine.boot(&Image::Folder(HERE.root()), &Installation { files, units: vec![service.unit()] }).unwrap();
    let began = Instant::now();
    let result = hardened(&machine, service, options);
    let took = began.elapsed();
    let wrong = result.err().map(|error| {
        let journal = machine.journal(&service.unit()).unwrap();
        let mut told: Vec<String> = Vec::new();
        for line in journal.into_iter().map(|entry| entry.message).filter(|line| !line.trim().is_empty()) {
            // Some say one thing a hundred times.
            if !told.contains(&line) && told.len() < TOLD {
                told.push(line);
            }
        }
        format!("{error}\n{}", told.join("\n"))
    });
    let drop_in = machine.read_file(&format!("/etc/systemd/system/{}.d/zz_shh-harden.conf", service.unit())).unwrap();
    Derived { drop_in: drop_in.map(|text| String::from_utf8(text).unwrap()), took, wrong }
}

/// The three steps of its documentation: profile the service, use it, and derive from that.
fn hardened(machine: &Machine, service: &Service, options: &[&str]) -> Result<(), String> {
    let unit = service.unit();
    let start = [&[PROGRAM, "service", "start-profile"], options, &[unit.as_str()]].concat();
    run(machine, &start, PATIENCE)?;
    let client = client(service.works);
    let client: Vec<&str> = client.iter().map(String::as_str).collect();
    for _ in 0..ROUNDS {
        answered(machine, &client)?;
    }
    run(machine, &[PROGRAM, "service", "finish-profile", "--apply", &unit], FINISHING)?;
    // It starts the service again, and does not wait.
    answered(machine, &client).map_err(|error| format!("after it was hardened: {error}"))
}

/// What a check asks, as a command in the machine.
fn client(check: &str) -> Vec<String> {
    let words = |command: &str| command.split(' ').map(str::to_owned).collect();
    match check.split_once(':') {
        Some(("http", _)) => words(&format!("/usr/bin/curl --silent --show-error --fail {check}")),
        Some(("tcp", address)) => {
            let (host, port) = address.rsplit_once(':').unwrap();
            vec!["/bin/bash".into(), "-c".into(), format!("exec 3<>/dev/tcp/{host}/{port}")]
        }
        Some(("run", command)) => words(command),
        _ => panic!("{check}: no client for it"),
    }
}

/// Runs a client until it finds somebody.
fn answered(machine: &Machine, client: &[&str]) -> Result<(), String> {
    let began = Instant::now();
    loop {
        match run(machine, client, PATIENCE) {
            Err(_) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            result => return result,
        }
    }
}

fn run(machine: &Machine, command: &[&str], within: Duration) -> Result<(), String> {
    let output = machine.exec(command, b"", within).map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.success() {
        true => Ok(()),
        false => Err(format!("{}: {}: {}", command.join(" "), output.status, said.trim())),
    }
}
