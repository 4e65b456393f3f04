//! What is shown on a terminal while a search goes on, and what is left of it.

use super::example::stripped;
use super::{WORKS, by_hand, package};
use crate::project::{example, plain_command, root, tool};
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A program on a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    /// Everything that was written so far.
    written: String,
}

impl Terminal {
    /// As script(1) makes it.
    fn of(command: &Command) -> Self {
        let quoted = |word: &std::ffi::OsStr| format!("'{}'", word.to_str().unwrap());
        let words: Vec<String> = std::iter::once(command.get_program()).chain(command.get_args()).map(quoted).collect();
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &words.join(" "), "/dev/null"]);
        script.current_dir(command.get_current_dir().unwrap()).env("TERM", "xterm").env("SHELL", "/bin/sh");
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Self { keyboard: child.stdin.take().unwrap(), child, written: String::new() }
    }

    /// Reads on; whether there was anything.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let length = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
        self.written.push_str(&String::from_utf8_lossy(&buffer[..length]));
        length > 0
    }

    /// Waits until this is shown, and presses Ctrl-C.
    fn interrupt_at(&mut self, text: &str) {
        while !self.written.contains(text) {
            assert!(self.read(), "it never says {text:?}: {}", self.written);
        }
        self.keyboard.write_all(b"\x03").unwrap();
    }

    /// What it ended with.
    fn end(mut self) -> (i32, String) {
        while self.read() {}
        (self.child.wait().unwrap().code().unwrap_or(-1), self.written)
    }
}

/// What is on the terminal in the end, the line with the cursor last.
fn screen(written: &str) -> Vec<String> {
    let text = anstream::adapter::strip_str(written).to_string();
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let mut column = 0;
    for character in text.chars() {
        let line = lines.last_mut().unwrap();
        match character {
            '\r' => column = 0,
            '\n' => lines.push(Vec::new()),
            _ => {
                line.resize(line.len().max(column + 1), ' ');
                line[column] = character;
                column += 1;
            }
        }
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}

/// Whether it is `      search   1234 ms`.
fn is_phase(line: &str) -> bool {
    let number = line.strip_suffix(" ms").and_then(|line| line.rsplit_once(' ')).map(|(_, number)| number);
    !line.contains(':') && number.is_some_and(|number| number.parse::<u64>().is_ok())
}

/// A colour or another style is begun.
const ESCAPE: char = '\u{1b}';

#[test]
fn a_search_is_watched_on_one_line_of_which_nothing_is_left() {
    let folder = stripped(&root(), "worker", "timer = { on_calendar = \"daily\" }");
    let mut command = by_hand(folder.path(), &["--budget", "10m"]);
    let (code, written) = Terminal::of(command.env_remove("NO_COLOR")).end();
    assert_eq!(code, 0, "{written}");

    // Each time it is drawn, from the start of the line.
    let drawn: Vec<String> = written.split('\r').map(|text| anstream::adapter::strip_str(text).to_string()).collect();
    let told: Vec<&str> = drawn.iter().filter_map(|text| text.strip_prefix("      Trying ")).collect();
    let parts: Vec<Vec<&str>> = told.iter().map(|text| text.trim_end().split(", ").collect()).collect();
    assert!(!parts.is_empty(), "{written}");
    let number = |text: &str, unit: &str| text.strip_suffix(unit).and_then(|number| number.parse::<f64>().ok());
    for told in &parts {
        let [made, flight, open, exposure, left] = told.as_slice() else { panic!("{told:?}") };
        assert!(number(made, " done").is_some_and(|made| made >= 2.0), "{made}");
        assert!(number(flight, " in flight").is_some_and(|flight| (0.0..=8.0).contains(&flight)), "{flight}");
        assert!(number(open, " openings").is_some(), "{open}");
        assert!(exposure.strip_prefix("exposure ").is_some_and(|now| now.parse::<f64>().is_ok()), "{exposure}");
        assert!(number(left, " s left").is_some_and(|left| (300.0..600.0).contains(&left)), "{left}");
    }
    assert!(parts.first().unwrap()[0] != parts.last().unwrap()[0], "it goes on: {parts:?}");
    assert!(parts.iter().any(|told| told[1] != "0 in flight"), "what is known is not tried again: {parts:?}");
    for phase in ["recording", "proof", "five times"] {
        assert!(
            drawn.iter().any(|text| text.starts_with(&format!("   Hardening worker.service: {phase}, "))),
            "{phase}"
        );
    }
    assert!(written.contains("\u{1b}[1m\u{1b}[32m      Trying"), "{written}");

    let screen = screen(&written);
    let phases: Vec<&str> = screen.iter().map(String::as_str).filter(|line| is_phase(line)).collect();
    assert!(phases.iter().all(|line| line.len() < 40) && phases.len() >= 7, "{screen:#?}");
    let left_over = |line: &&String| line.contains("in flight") || line.contains("Hardening worker.service:");
    assert_eq!(screen.iter().find(left_over), None, "{screen:#?}");
    assert!(screen.iter().any(|line| line.starts_with("worker.service  for systemd")), "{screen:#?}");
    assert_eq!(screen.last().map(String::as_str), Some(""), "{screen:#?}");
}

#[test]
fn ctrl_c_on_a_terminal_leaves_no_half_line() {
    let folder = package("needs-three", "", WORKS);
    let mut terminal = Terminal::of(&by_hand(folder.path(), &[]));
    terminal.interrupt_at(" in flight");
    terminal.interrupt_at("Ctrl-C once more ends at once");
    let (code, written) = terminal.end();
    assert_eq!(code, 130, "{written}");
    let screen = screen(&written);
    assert!(!written.contains(ESCAPE), "NO_COLOR is set: {written:?}");
    assert!(screen.iter().any(|line| line.starts_with("      Ending with the best")), "{screen:#?}");
    assert_eq!(screen.iter().find(|line| line.contains("^C") || line.contains("in flight")), None, "{screen:#?}");
    assert_eq!(screen.last().map(String::as_str), Some(""), "{screen:#?}");
}

#[test]
fn verify_tells_each_phase_on_a_terminal_in_colour_where_it_is_wanted() {
    drop(tool());
    let mut verify = plain_command();
    verify.args(["verify", "--manifest-path", &example("worker")]);
    let piped = verify.output().unwrap();
    let errors = String::from_utf8(piped.stderr).unwrap();
    assert!(piped.status.success() && !errors.lines().any(is_phase), "{errors}");

    let (code, plain) = Terminal::of(&verify).end();
    assert!(code == 0 && !plain.contains(ESCAPE), "NO_COLOR is set: {plain:?}");
    let phases = screen(&plain).into_iter().filter(|line| is_phase(line)).count();
    assert!(phases >= 4, "{plain}");

    let mut terminal = Terminal::of(verify.env_remove("NO_COLOR"));
    terminal.interrupt_at("probe");
    let (code, coloured) = terminal.end();
    assert!(code == 130 && coloured.contains("\u{1b}[1m\u{1b}[32m        boot"), "{code}: {coloured:?}");
    assert_eq!(screen(&coloured).last().map(String::as_str), Some(""), "{coloured:?}");
}
