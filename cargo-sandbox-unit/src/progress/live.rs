//! How far a search is, on one line at the bottom of a terminal: drawn anew whenever there is something new, each second besides,
//! and gone before anything else is written.

use super::HEAD;
use crate::interrupt;
use anstream::{eprint, eprintln};
use sandbox_unit_harness::harden::Step;
use std::fmt;
use std::io::IsTerminal;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the line is drawn anew where nothing happens: its times go on.
const TICK: Duration = Duration::from_secs(1);

/// What a terminal is taken to have where it does not say, and what is left free at the end of a line: it would be continued on
/// the next one, and Ctrl-C is shown there.
const COLUMNS: usize = 80;
const FREE: usize = 3;

/// How wide the verb is, as Cargo has it.
const VERB: usize = 12;

/// The line as it is on the terminal, for the whole process: whoever writes something else takes it away first.
static LINE: Mutex<Line> = Mutex::new(Line { drawn: 0 });

/// What is on the line.
struct Line {
    /// How many columns are drawn.
    drawn: usize,
}

/// What cannot panic leaves nothing half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    fn held() -> MutexGuard<'static, Self> {
        held(&LINE)
    }

    fn draw(&mut self, verb: &str, text: &str) {
        let columns = terminal_size::terminal_size_of(std::io::stderr()).map_or(COLUMNS, |(width, _)| width.0.into());
        let text: String = text.chars().take(columns.saturating_sub(VERB + 1 + FREE)).collect();
        let now = VERB + 1 + text.chars().count();
        let rest = self.drawn.saturating_sub(now);
        eprint!("\r{HEAD}{verb:>VERB$}{HEAD:#} {text}{:rest$}\r", "");
        self.drawn = now;
    }

    /// Without an escape sequence, which not every terminal knows, and `NO_COLOR` leaves none of.
    fn clear(&mut self) {
        if self.drawn > 0 {
            eprint!("\r{:width$}\r", "", width = self.drawn + FREE);
            self.drawn = 0;
        }
    }
}

/// Writes something else, where the line was.
pub fn above(write: impl FnOnce()) {
    let mut line = Line::held();
    line.clear();
    write();
}

/// Ends the process; nothing is left of the line, nor of the key that was pressed.
pub fn exit(code: u8) -> ! {
    let mut line = Line::held();
    match line.drawn {
        0 if std::io::stderr().is_terminal() => eprintln!(),
        _ => line.clear(),
    }
    // Nobody draws it again: the line is still held.
    std::process::exit(i32::from(code))
}

/// What a search does at the moment.
#[derive(Debug, Default)]
struct Doing {
    /// The service that is searched for.
    unit: String,
    /// The phase, and when it began.
    phase: Option<(String, Instant)>,
    /// How far it is, within the search itself.
    step: Option<Step>,
    /// When it ends at the latest.
    deadline: Option<Instant>,
    /// Whether it was told that it is about to end.
    ending: bool,
}

impl Doing {
    fn draw(&mut self, line: &mut Line) {
        if !self.ending && interrupt::asked() {
            self.ending = true;
            line.clear();
            eprintln!("{HEAD}{:>VERB$}{HEAD:#} {ENDING}", "Ending");
        }
        match (&self.step, &self.phase) {
            (Some(step), _) => line.draw("Trying", &Told(step, self.deadline.map(left)).to_string()),
            (None, Some((phase, began))) => {
                line.draw("Hardening", &format!("{}: {phase}, {} s", self.unit, began.elapsed().as_secs()));
            }
            (None, None) => line.clear(),
        }
    }
}

/// What Ctrl-C does: some of what is under way is brought to its end.
const ENDING: &str = "with the best that was found; Ctrl-C once more ends at once";

/// How long it is until then.
pub fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// How far a search is, in words, with the time that is left.
pub struct Told<'a>(pub &'a Step, pub Option<Duration>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Step { made, at_once, open, exposure }, left) = self;
        write!(formatter, "{made} done, {at_once} in flight, {open} openings, exposure {exposure}")?;
        match left {
            Some(left) => write!(formatter, ", {} s left", left.as_secs()),
            None => Ok(()),
        }
    }
}

/// The display of a search, as long as it lasts.
pub struct Live {
    doing: Arc<Mutex<Doing>>,
    /// What draws it each second, until it hears that it is over.
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Live {
    /// Whether there can be one: on a terminal that can go back to the start of a line.
    pub fn is_possible() -> bool {
        std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|name| name != "dumb")
    }

    /// Begins it.
    pub fn new(deadline: Option<Instant>) -> Self {
        let doing = Arc::new(Mutex::new(Doing { deadline, ..Doing::default() }));
        let (over, heard) = channel();
        let shared = Arc::clone(&doing);
        let ticker = std::thread::spawn(move || {
            while heard.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                held(&shared).draw(&mut Line::held());
            }
        });
        Self { doing, ticker: Some((over, ticker)) }
    }

    /// It is about this service now.
    pub fn unit(&self, name: &str) {
        name.clone_into(&mut held(&self.doing).unit);
    }

    /// A phase has begun.
    pub fn began(&self, phase: &str) {
        let mut doing = held(&self.doing);
        doing.phase = Some((phase.to_owned(), Instant::now()));
        doing.step = None;
        doing.draw(&mut Line::held());
    }

    /// A phase has ended.
    pub fn ended(&self) {
        let mut doing = held(&self.doing);
        (doing.phase, doing.step) = (None, None);
    }

    /// It is this far.
    pub fn step(&self, step: &Step) {
        let mut doing = held(&self.doing);
        doing.step = Some(step.clone());
        doing.draw(&mut Line::held());
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some((over, ticker)) = self.ticker.take() {
            drop(over);
            let _panicked = ticker.join();
        }
        Line::held().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_where_there_is_an_end() {
        let step = Step { made: 12, at_once: 3, open: 7, exposure: "1.4".into() };
        assert_eq!(Told(&step, None).to_string(), "12 done, 3 in flight, 7 openings, exposure 1.4");
        let left = Told(&step, Some(Duration::from_millis(41_900))).to_string();
        assert_eq!(left, "12 done, 3 in flight, 7 openings, exposure 1.4, 41 s left");
    }
}
