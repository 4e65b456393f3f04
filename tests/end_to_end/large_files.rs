//! `audit` of files that no person wrote: whatever they hold, the tool is done in a time that grows with their size alone.
//!
//! What grows faster would take hours here, and the limit of each run ends it.

use crate::project::plain_tool;
use std::fmt::Write as _;
use std::time::Duration;

/// Far beyond what any of these takes.
const LIMIT: Duration = Duration::from_secs(240);

const SERVICE: &str = "[Service]\nExecStart=/usr/bin/hello\n";

/// Lines that follow from their numbers.
fn numbered(count: usize, line: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = SERVICE.to_owned();
    for number in 0..count {
        writeln!(text, "{}", line(number)).unwrap();
    }
    text.into_bytes()
}

/// What comes of it: the exit status, and how much was printed.
fn audit(format: &str, text: Vec<u8>) -> (i32, usize, String) {
    let mut command = plain_tool();
    command.args(["audit", "-", "--format", format]).timeout(LIMIT).write_stdin(text);
    let output = command.output().unwrap();
    let status = output.status.code().expect("ended by itself, and in time");
    (status, output.stdout.len(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_million_lines_are_audited() {
    for (format, line) in [("json", "MemoryMax=1G"), ("human", "# a comment"), ("sarif", "")] {
        let (status, printed, errors) = audit(format, numbered(1_000_000, |_| line.to_owned()));
        assert_eq!((status, errors.as_str()), (0, ""), "{line}");
        assert!(printed > 0, "{line}");
    }
}

#[test]
fn findings_without_number_each_have_their_place() {
    let count = 40_000;
    let lines: [fn(usize) -> String; 8] = [
        |_| "Protectsystem=strict".to_owned(),
        |number| format!("Key{number}=1"),
        |_| "CapabilityBoundingSet=CAP_KILL ~x".to_owned(),
        |number| format!("IPAddressDeny=10.{}.{}.0/24 x", number >> 8, number & 255),
        |number| format!("ReadWritePaths=/usr relative/{number}"),
        |number| format!("Environment=PASSWORD{number}=x"),
        |_| "[Service]\nPrivateTmp=maybe".to_owned(),
        |_| "nonsense".to_owned(),
    ];
    for line in lines {
        let (status, printed, errors) = audit("json", numbered(count, line));
        assert_eq!(errors, "", "{}", line(7));
        assert!(status <= 1 && printed > count * 100, "{}: {status}, {printed} bytes", line(7));
    }
}

#[test]
fn a_line_of_a_hundred_thousand_faults_is_told_of() {
    let line = |_: usize| format!("SystemCallFilter={}", "nosuch ".repeat(100_000));
    let (status, printed, _) = audit("human", numbered(1, line));
    assert_eq!(status, 1);
    assert!(printed < 100_000, "{printed} bytes");
    let (_, printed, _) = audit("json", numbered(1, line));
    assert!(printed > 100_000 * 100, "{printed} bytes");
}

#[test]
fn a_hundred_megabytes_are_a_clear_error() {
    let mut text = SERVICE.as_bytes().to_vec();
    text.extend(b"Environment=A=");
    text.resize(100_000_000, b'x');
    let mut command = plain_tool();
    command.args(["audit", "-"]).timeout(LIMIT).write_stdin(text);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(told.contains("not loaded: line 3: longer than 1 MiB"), "{}", &told[..told.len().min(500)]);
}

#[test]
fn many_faults_are_mended_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hello.service");
    std::fs::write(&path, numbered(40_000, |_| "PrivateTmp=yes".to_owned())).unwrap();
    let mut command = plain_tool();
    command.arg("audit").arg(&path).arg("--fix").timeout(LIMIT);
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{SERVICE}PrivateTmp=yes\n"));
}
