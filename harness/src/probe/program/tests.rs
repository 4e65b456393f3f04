//! Programs as the prober itself runs them.

use super::*;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn run(programs: &[Program], fork: bool) -> Vec<Outcome> {
    let mut child = Command::new(concat!(env!("OUT_DIR"), "/prober"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the prober runs");
    child.stdin.take().expect("piped").write_all(&encode(programs, fork)).expect("written");
    let output = child.wait_with_output().expect("ends");
    decode(&output.stdout, programs.len()).expect("a well-formed program")
}

#[test]
fn the_catalogue_fits_into_the_prober_with_room_to_spare() {
    let probes = crate::probe::probes();
    let programs: Vec<Program> =
        probes.iter().map(|probe| probe.attempt.program(crate::probe::Run::Sandboxed, "a-long-name")).collect();
    let size = encode(&programs, true).len();
    assert!(size < wire::MAX_PROGRAM / 2, "{size}");
    assert!(programs.iter().all(|program| program.len() <= wire::MAX_STEPS));
}

#[test]
fn the_call_table_is_sorted_for_the_search() {
    assert!(calls::CALLS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    assert_eq!(call_index("no_such_call"), u16::MAX);
}

#[test]
fn results_feed_later_steps_and_a_failure_ends_the_program() {
    let mut reads = Program::default();
    reads.read_file("/proc/self/comm");
    let mut fails = Program::default();
    fails.open("/no/such/file", O_RDONLY);
    syscall!(fails, "getpid");
    let outcomes = run(&[reads, fails], true);
    assert_eq!(outcomes[0].shown, b"prober\n");
    assert_eq!(outcomes[0].end, End::Exited);
    assert_eq!((outcomes[1].results.len(), outcomes[1].errno()), (1, Some(2)));
}

#[test]
fn a_killed_child_is_an_observation_and_the_next_program_still_runs() {
    let mut crashes = Program::default();
    crashes.execute(16i64);
    let mut lives = Program::default();
    let child = lives.sleeper();
    syscall!(lives, "kill", child, 0);
    let outcomes = run(&[crashes, lives], true);
    assert_eq!(outcomes[0].end, End::Killed(11));
    assert_eq!((outcomes[1].last(), outcomes[1].end), (Some(0), End::Exited));
}

#[test]
fn without_fork_the_program_runs_in_the_prober_itself() {
    let mut program = Program::default();
    let buffer = program.space(8);
    program.store(buffer, 0x0000_6968_i64, 4);
    program.show(buffer, 2);
    let outcomes = run(&[program], false);
    assert_eq!((outcomes[0].shown.as_slice(), outcomes[0].end), (&b"hi"[..], End::Exited));
}

#[test]
fn a_spawned_program_tells_how_it_ended() {
    let program = |path: &str, args: &[&str]| {
        let mut program = Program::default();
        program.spawn(path, args);
        program
    };
    let outcomes = run(
        &[
            program("/bin/sh", &["-c", ":"]),
            program("/bin/sh", &["-c", "exit 7"]),
            program("/bin/sh", &["-c", "kill -9 $$"]),
            program("/no/such/program", &[]),
        ],
        true,
    );
    let answers: Vec<_> = outcomes.iter().map(Outcome::last).collect();
    assert_eq!(answers, [Some(0), Some(-7), Some(-4), Some(-2)]);
}

#[test]
fn equal_values_end_a_program_that_wants_them_to_differ() {
    let mut program = Program::default();
    program.differ(1i64, 2i64);
    program.differ(3i64, 3i64);
    syscall!(program, "getpid");
    let outcomes = run(&[program], true);
    assert_eq!(outcomes[0].results, [0, -3]);
}

#[test]
fn memory_that_cannot_be_shown_does_not_shift_the_records_behind_it() {
    let mut program = Program::default();
    program.show(16i64, 100);
    syscall!(program, "getpid");
    let mut after = Program::default();
    after.read_file("/proc/self/comm");
    let outcomes = run(&[program, after], true);
    assert_eq!((outcomes[0].results.len(), outcomes[0].shown.len()), (2, 100));
    assert_eq!(outcomes[1].shown, b"prober\n");
}

#[test]
fn a_program_that_hangs_is_killed_and_so_is_what_it_left() {
    let mut hangs = Program::default();
    let child = hangs.sleeper();
    let number = hangs.space(8);
    hangs.store(number, child, 8);
    hangs.show(number, 8);
    syscall!(hangs, "ppoll", 0, 0, 0, 0);
    let mut lives = Program::default();
    syscall!(lives, "getpid");
    let outcomes = run(&[hangs, lives], true);
    assert_eq!((outcomes[0].end, outcomes[1].end), (End::Killed(9), End::Exited));
    let child = i64::from_ne_bytes(outcomes[0].shown.as_slice().try_into().expect("one number"));
    // Whoever inherits it may leave it a zombie for a while.
    let gone = || {
        let status = std::fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
        status.is_empty() || status.contains("State:\tZ")
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while !gone() {
        assert!(Instant::now() < deadline, "process {child} is left");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_no_program_is_refused_and_truncated_records_are_dropped() {
    assert_eq!(decode(&[0; 10], 1), Some(vec![Outcome::default()]));
    let mut child = Command::new(concat!(env!("OUT_DIR"), "/prober"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the prober runs");
    child.wait().expect("ends");
    let output = child.wait_with_output().expect("read");
    assert_eq!(decode(&output.stdout, 1), None);
}
